//! What one run of `skyteam` answered, and how it is shown in a snapshot: exit code, standard output and
//! standard error in one text, with what differs from run to run replaced.

use std::fmt;
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use super::postgres::PASSWORD;

/// What one run answered.
#[derive(Clone, Debug)]
pub struct Output {
    /// The words after the program's name, for messages.
    pub args: String,
    /// The exit code; 128 + N for death by signal N.
    pub code: i32,
    /// Standard output, as it was.
    pub stdout: String,
    /// Standard error, as it was.
    pub stderr: String,
    /// How it is shown.
    pub redactions: Arc<Redactions>,
}

impl Output {
    /// Claims that it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Claims an exit code of the contract.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code of: skyteam {}\n{self}", self.args);
        self
    }

    /// Claims success and reads standard output as one JSON value.
    #[track_caller]
    pub fn json(self) -> Value {
        let this = self.ok();
        serde_json::from_str(&this.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{this}"))
    }

    /// Claims success and reads standard output as one JSON value a line.
    #[track_caller]
    pub fn ndjson(self) -> Vec<Value> {
        let this = self.ok();
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}\n{this}"));
        this.stdout.lines().map(read).collect()
    }

    /// Claims that the output shows neither the password of the tests nor a panic.
    #[track_caller]
    pub fn holds_no_secret(&self) {
        for stream in [&self.stdout, &self.stderr] {
            assert!(!stream.contains(PASSWORD), "the password is shown: {self}");
            assert!(!stream.contains("panicked at"), "a panic is shown: {self}");
        }
    }

    /// Reads the error object that `-o json` leaves as the last line of standard error.
    #[track_caller]
    pub fn error(&self) -> Value {
        let line = self.stderr.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"));
        value["error"].clone()
    }
}

/// `exit: N`, then the streams that are not empty, each under its name.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit: {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n--- {name}\n{}", self.redactions.apply(text.trim_end_matches('\n')))?;
            }
        }
        Ok(())
    }
}

/// What is replaced before an output is shown: words that a world knows about itself, then whatever bears the
/// mark of the moment.
#[derive(Debug)]
pub struct Redactions {
    words: Vec<(String, &'static str)>,
    patterns: Vec<(Regex, &'static str)>,
}

impl Redactions {
    /// With the given words, longest first so that none hides inside another.
    pub fn new(mut words: Vec<(String, &'static str)>) -> Self {
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        // The pinned clock of the tests stands far from the real one: only real time is replaced.
        let now = chrono::Utc::now();
        let days = [-1, 0, 1].map(|days| (now + chrono::Duration::days(days)).format("%Y-%m-%d").to_string());
        let real_time = format!(r"(?:{})(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", days.join("|"));
        let pattern = |pattern: &str, shown| (Regex::new(pattern).unwrap(), shown);
        let patterns = vec![
            pattern(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[uuid]"),
            pattern(&real_time, "[time]"),
            pattern(r"\b\d+(?:\.\d+)?\s?(?:ms|µs)\b", "[took]"),
            pattern(r"127\.0\.0\.1:\d+", "127.0.0.1:5432"),
            pattern(r"(?m)^→ .*$", "→ [database]"),
        ];
        Self { words, patterns }
    }

    /// The text as a snapshot shows it.
    pub fn apply(&self, text: &str) -> String {
        let text = self.words.iter().fold(text.to_owned(), |text, (word, shown)| text.replace(word, shown));
        let replace = |text: String, (pattern, shown): &(Regex, &str)| pattern.replace_all(&text, *shown).into_owned();
        self.patterns.iter().fold(text, replace)
    }
}
