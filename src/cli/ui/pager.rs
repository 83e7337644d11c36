//! The pager: an answer that is longer than the screen goes through it, as git and psql do.
//!
//! What is written is held until it is known whether it fits. The pager ends before anything else is said, so that notes do not
//! come between its lines.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

use super::text::visible;
use super::{Stream, lock};
use crate::cli::environment::World;

/// Where neither variable names one.
const USUAL: &str = "less";

/// A shell runs what has one of these in it.
const SHELL: &[char] =
    &['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=', '%'];

/// The program that shows long answers; `None` where there is no terminal to show them on, or none is wanted.
pub(super) fn of(world: &World, wanted: bool) -> Option<Pager> {
    let set = |name: &str| world.env.get(name).map(|value| value.trim().to_owned());
    let height = usize::from(world.terminal.height?);
    let dumb = set("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if !wanted || !world.terminal.stdout || !world.terminal.stdin || dumb || height < 4 {
        return None;
    }
    let program = set("SKYTEAM_PAGER").or_else(|| set("PAGER")).unwrap_or_else(|| USUAL.to_owned());
    // Colours as they are, and back to the prompt at once where it fits after all.
    let less = set("LESS").is_none().then_some("FRX");
    (!program.is_empty() && program != "cat").then_some(Pager { program, height, less })
}

/// A pager that is wanted.
pub(super) struct Pager {
    /// The command.
    program: String,
    /// Lines of the terminal.
    height: usize,
    /// What `LESS` is to be, where it is not set.
    less: Option<&'static str>,
}

/// Standard output with a pager before it.
pub(super) struct Paged {
    out: Box<dyn Write + Send>,
    err: Stream,
    pager: Pager,
    held: Vec<u8>,
    state: State,
}

enum State {
    /// It may still fit.
    Holding,
    /// The pager shows it.
    Paging(Child),
    /// There is no pager after all.
    Straight,
}

impl Paged {
    pub(super) fn new(out: Box<dyn Write + Send>, err: Stream, pager: Pager) -> Self {
        Self { out, err, pager, held: Vec::new(), state: State::Holding }
    }

    fn start(&mut self) -> io::Result<()> {
        let program = &self.pager.program;
        let mut words = program.split_whitespace();
        let mut command = match words.next() {
            Some(first) if !program.contains(SHELL) => {
                let mut command = Command::new(first);
                command.args(words);
                command
            }
            _ => {
                let mut command = Command::new("sh");
                command.args(["-c", program]);
                command
            }
        };
        command.envs(self.pager.less.map(|flags| ("LESS", flags)));
        match command.stdin(Stdio::piped()).spawn() {
            Ok(child) => self.state = State::Paging(child),
            Err(error) => {
                self.state = State::Straight;
                // A machine without less is no mistake of anybody's.
                if program != USUAL {
                    let _ =
                        writeln!(lock(&self.err), "warning: the pager {} cannot be started: {error}", visible(program));
                }
            }
        }
        let held = std::mem::take(&mut self.held);
        self.write_all(&held)
    }
}

impl Write for Paged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Straight => self.out.write(bytes),
            State::Paging(child) => match &mut child.stdin {
                Some(stdin) => stdin.write(bytes),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
            State::Holding => {
                self.held.extend_from_slice(bytes);
                let lines = self.held.iter().filter(|byte| **byte == b'\n').count();
                // One line is the prompt's.
                if lines >= self.pager.height {
                    self.start()?;
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Holding) {
            State::Paging(mut child) => {
                // The end of the answer: the reader has it until they leave the pager.
                drop(child.stdin.take());
                child.wait().map(drop)
            }
            state => {
                self.state = state;
                let held = std::mem::take(&mut self.held);
                self.out.write_all(&held)?;
                self.out.flush()
            }
        }
    }
}

impl Drop for Paged {
    fn drop(&mut self) {
        // What fails here failed before, and was said.
        let _ = self.flush();
    }
}
