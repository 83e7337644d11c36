//! One run of `skyteam` inside the test process, by default without a terminal, with nothing on its standard input
//! and at a pinned moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, mpsc};

use chrono::{DateTime, Utc};
use skyteam::cli::environment::{self, Prompt, Scripted};

use super::output::{Output, Redactions};
use super::world::PATIENCE;

/// The moment that commands take for now. Long past, so that it is never mistaken for the real time, which snapshots
/// leave out.
pub const NOW: &str = "2025-07-04T12:00:00Z";

/// A run that is being prepared.
#[derive(Debug)]
pub struct Call {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    input: Vec<u8>,
    terminal: environment::Terminal,
    answers: Vec<String>,
    now: DateTime<Utc>,
    redactions: Arc<Redactions>,
}

impl Call {
    pub(super) fn new(
        args: Vec<String>,
        env: BTreeMap<String, String>,
        cwd: PathBuf,
        redactions: Arc<Redactions>,
    ) -> Self {
        let (input, terminal, answers) = (Vec::new(), environment::Terminal::default(), Vec::new());
        Self { args, env, cwd, input, terminal, answers, now: NOW.parse().unwrap(), redactions }
    }

    /// What stands on its standard input.
    pub fn input(mut self, input: impl AsRef<[u8]>) -> Self {
        self.input = input.as_ref().to_owned();
        self
    }

    /// In this folder.
    pub fn within(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = folder.into();
        self
    }

    /// Standard output and error are a terminal of so many columns; nobody sits before it.
    pub fn terminal(mut self, width: u16) -> Self {
        self.terminal =
            environment::Terminal { stdin: false, stdout: true, stderr: true, width: Some(width), height: None };
        self
    }

    /// Somebody sits before a terminal of 100 columns and answers the questions with these, `y` for yes. A question
    /// too many fails the run.
    pub fn answers<const N: usize>(mut self, answers: [&str; N]) -> Self {
        self.terminal =
            environment::Terminal { stdin: true, stdout: true, stderr: true, width: Some(100), height: None };
        self.answers = answers.map(str::to_owned).to_vec();
        self
    }

    /// At another moment than [`NOW`], in RFC 3339.
    pub fn at(mut self, now: &str) -> Self {
        self.now = now.parse().unwrap();
        self
    }

    /// At the real time.
    pub fn now(mut self) -> Self {
        self.now = Utc::now();
        self
    }

    /// Runs it and answers what it said. Neither a secret in the output nor a hang passes.
    #[track_caller]
    pub fn run(self) -> Output {
        let args = self.args.join(" ");
        let stdout = Stream::default();
        let stderr = Stream::default();
        let prompt: Box<dyn Prompt> = Box::new(Scripted::new(self.answers));
        let world = environment::World {
            args: std::iter::once("skyteam".to_owned()).chain(self.args).map(Into::into).collect(),
            env: self.env,
            unreadable: BTreeSet::new(),
            cwd: self.cwd,
            stdin: Box::new(Cursor::new(self.input)),
            stdout: Box::new(stdout.clone()),
            output: None,
            taken: || Ok(()),
            stderr: Box::new(stderr.clone()),
            terminal: self.terminal,
            now: Some(self.now),
            prompt,
            signals: false,
        };
        let (answer, answered) = mpsc::channel();
        let running = std::thread::spawn(move || {
            let code = skyteam::cli::run(world);
            // The other end is gone only when the test has failed.
            let _ = answer.send(code);
        });
        let code = match answered.recv_timeout(PATIENCE) {
            Ok(code) => code,
            Err(RecvTimeoutError::Disconnected) => match running.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => unreachable!("a run that returns has answered"),
            },
            Err(RecvTimeoutError::Timeout) => panic!("hung: skyteam {args}\n{}\n{}", stdout.text(), stderr.text()),
        };
        let output = Output {
            args,
            code: code.into(),
            stdout: stdout.text(),
            stderr: stderr.text(),
            redactions: self.redactions,
        };
        output.holds_no_secret();
        output
    }
}

/// A stream that can be read while it is written.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap_or_else(|error| panic!("output is no UTF-8: {error}"))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
