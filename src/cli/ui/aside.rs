//! Output on stderr: notes, warnings, steps, statements, errors, progress.

use std::io::Write as _;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};

use super::{Format, Progress, Tracer, Ui, escape, lock, text};
use crate::error::Error;
use crate::message::Message;

/// How many characters of a statement are shown under `-vv`: whole the everyday ones, not the catalogue's.
const TRACED: usize = 1000;

impl Ui {
    /// Says on stderr that a terminal does not show all there is; under `-q` too, which is not given to miss some of it.
    pub(crate) fn cut_short(&self, message: impl Into<Message>) {
        self.say(&self.line(message));
    }

    /// A note on stderr: what was done, what comes next. Not under `-q`.
    pub(crate) fn note(&self, message: impl Into<Message>) {
        if !self.manner.quiet {
            self.say(&self.line(message));
        }
    }

    /// A warning on stderr. Not under `-q`.
    pub(crate) fn warn(&self, message: impl Into<Message>) {
        if !self.manner.quiet {
            let head = self.painted("warning:", AnsiColor::Yellow.on_default().bold());
            self.say(&format!("{head} {}", self.line(message)));
        }
    }

    /// A step on stderr, under `-v`.
    pub(crate) fn step(&self, message: impl Into<Message>) {
        if self.manner.verbosity > 0 && !self.manner.quiet {
            self.say(&self.line(message));
        }
    }

    /// The failure, on stderr: as JSON where the answer would be JSON.
    pub(crate) fn error(&self, error: Error) {
        let error = error.addressed(self.manner.database.as_ref());
        if !self.manner.format.is_json() {
            return self.say(&self.worded(&error));
        }
        let mut text = Vec::new();
        // To memory, which takes it.
        let _ = escape::Tame::new(&mut text, self.terminal.stderr, Format::Json).write_all(error.to_json().as_bytes());
        self.say(&String::from_utf8_lossy(&text));
    }

    /// A message whose commands name this run's database, for answers that programs read.
    pub(crate) fn here(&self, message: impl Into<Message>) -> Message {
        message.into().addressed(self.manner.database.as_ref())
    }

    /// A message on one line.
    pub(super) fn line(&self, message: impl Into<Message>) -> String {
        text::visible(&self.here(message).shown(self.manner.zone)).into_owned()
    }

    /// A complaint in another's words, clap's, as it is.
    pub(crate) fn complain(&self, text: &str) {
        self.say(text);
    }

    /// A tracer that shows each statement with its time on stderr under `-vv`. Values are never shown.
    pub(crate) fn tracer(&self) -> Option<Tracer> {
        if self.manner.verbosity < 2 || self.manner.quiet {
            return None;
        }
        let err = Arc::clone(&self.err);
        Some(Arc::new(move |sql, elapsed, failed| {
            let words: Vec<&str> = sql.split_whitespace().collect();
            let words = words.join(" ");
            let words = text::shortened(&words, TRACED);
            let end = if failed { "  failed" } else { "" };
            let mut err = lock(&err);
            let _ = writeln!(err, "sql {:>8.2} ms  {words}{end}", elapsed.as_secs_f64() * 1e3);
        }))
    }

    /// A progress bar over `length` steps of `unit`, shown only where stderr is a terminal.
    pub(crate) fn progress(&self, length: Option<u64>, message: &str) -> Progress {
        Progress::new(self.terminal.stderr && !self.manner.quiet, length, message)
    }

    pub(super) fn say(&self, text: &str) {
        // There is no reader left when stderr is closed.
        let mut err = lock(&self.err);
        let _ = writeln!(err, "{}", text.trim_end());
        let _ = err.flush();
    }

    fn worded(&self, error: &Error) -> String {
        let red = AnsiColor::Red.on_default().bold();
        let dim = Style::new().dimmed();
        let mut text = format!("{} {}", self.painted("error:", red), self.line(error.what()));
        let mut lines = |label: &str, lines: &[Message]| {
            let lines = lines.iter().map(|line| line.shown(self.manner.zone)).collect::<Vec<_>>().join("\n");
            for (index, line) in lines.lines().enumerate() {
                let label = if index == 0 { label } else { "   " };
                text.push_str(&format!("\n  {}  {line}", self.painted(label, dim)));
            }
        };
        lines("why", error.reasons());
        lines("fix", error.fixes());
        if self.manner.verbosity > 0
            && let Some(cause) = error.cause()
        {
            lines("raw", &cause.lines().map(|line| line.to_owned().into()).collect::<Vec<_>>());
        }
        text
    }

    pub(super) fn painted(&self, text: &str, style: Style) -> String {
        if self.manner.color.1 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
