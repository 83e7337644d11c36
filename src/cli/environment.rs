//! The environment of a run: arguments, variables, folder, streams, terminal, clock.
//!
//! `main` passes the real one; tests pass their own and run whole commands in-process.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use chrono::{DateTime, Utc};

pub use crate::cli::ui::prompt::{Prompt, Scripted};

/// Everything that a run may look at or write to.
pub struct World {
    /// The command line, program name first.
    pub args: Vec<OsString>,
    /// Environment variables whose values are UTF-8.
    pub env: BTreeMap<String, String>,
    /// Names of the other environment variables: a setting among them is refused, and not taken for unset.
    pub unreadable: BTreeSet<String>,
    /// The current folder.
    pub cwd: PathBuf,
    /// Standard input.
    pub stdin: Box<dyn Read + Send>,
    /// Standard output: the answer.
    pub stdout: Box<dyn Write + Send>,
    /// The file that standard output is redirected into, where the system names it.
    pub output: Option<PathBuf>,
    /// Waits until the reader of standard output has taken everything, as far as that can be known; fails with
    /// `BrokenPipe` when they went away before.
    pub taken: fn() -> io::Result<()>,
    /// Standard error: everything else.
    pub stderr: Box<dyn Write + Send>,
    /// What is a terminal.
    pub terminal: Terminal,
    /// The time now; `None` for the system's clock.
    pub now: Option<DateTime<Utc>>,
    /// Who answers questions; only asked when standard input and standard error are terminals.
    pub prompt: Box<dyn Prompt>,
    /// Whether SIGINT and SIGTERM are ours to handle: in the program, not in tests.
    pub signals: bool,
}

/// Which streams are a terminal, and how wide it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Standard input.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// Columns of the terminal behind standard output.
    pub width: Option<u16>,
    /// Its lines; without them no pager is started.
    pub height: Option<u16>,
}

impl World {
    /// The process's own.
    pub(crate) fn real() -> Self {
        use std::io::IsTerminal;
        let (mut env, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(env.insert(name, value)),
                Err(_) => drop(unreadable.insert(name)),
            }
        }
        Self {
            args: std::env::args_os().collect(),
            env,
            unreadable,
            cwd: std::env::current_dir().unwrap_or_default(),
            stdin: Box::new(io::stdin()),
            stdout: Box::new(io::stdout()),
            output: std::fs::read_link("/proc/self/fd/1").ok(),
            taken: || crate::system::wait_until_taken(io::stdout()),
            stderr: Box::new(io::stderr()),
            terminal: Terminal {
                stdin: io::stdin().is_terminal(),
                stdout: io::stdout().is_terminal(),
                stderr: io::stderr().is_terminal(),
                width: terminal_size::terminal_size().map(|(width, _)| width.0),
                height: terminal_size::terminal_size().map(|(_, height)| height.0),
            },
            now: None,
            prompt: Box::new(crate::cli::ui::prompt::TerminalPrompt),
            signals: true,
        }
    }
}
