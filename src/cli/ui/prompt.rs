//! Questions on the terminal, and the scripted answers of tests.
//!
//! The terminal stays as it is while it waits for a line: ending the program there leaves it in order.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, Write as _};

use dialoguer::Password;

/// Who answers a question.
pub trait Prompt: Send {
    /// Yes or no; Enter alone is no.
    ///
    /// # Errors
    /// The terminal's.
    fn yes(&mut self, question: &str) -> io::Result<bool>;

    /// A line of text, as it was typed.
    ///
    /// # Errors
    /// The terminal's.
    fn line(&mut self, question: &str) -> io::Result<String>;

    /// A line that is not shown while it is typed.
    ///
    /// # Errors
    /// The terminal's.
    fn secret(&mut self, question: &str) -> io::Result<String>;
}

/// The person at the terminal.
pub(crate) struct TerminalPrompt;

impl Prompt for TerminalPrompt {
    fn yes(&mut self, question: &str) -> io::Result<bool> {
        let answer = typed(&format!("{question} [y/N] "))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        typed(&format!("{question}: "))
    }

    fn secret(&mut self, question: &str) -> io::Result<String> {
        let secret = Password::new().with_prompt(question).allow_empty_password(true).interact();
        secret.map_err(|dialoguer::Error::IO(error)| error)
    }
}

/// Shows the prompt and reads a line. The end of input is an empty one.
fn typed(prompt: &str) -> io::Result<String> {
    // Not locked while it waits: what ends the program meanwhile is printed there too.
    let mut stderr = io::stderr();
    stderr.write_all(prompt.as_bytes())?;
    stderr.flush()?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        stderr.write_all(b"\n")?;
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

/// Answers given beforehand, in order. A question too many is an error, so that a test sees it.
#[derive(Debug, Default)]
pub struct Scripted(VecDeque<String>);

impl Scripted {
    /// Will answer with these.
    pub fn new<T: Into<String>>(answers: impl IntoIterator<Item = T>) -> Self {
        Self(answers.into_iter().map(Into::into).collect())
    }

    fn next(&mut self, question: &str) -> io::Result<String> {
        self.0.pop_front().ok_or_else(|| io::Error::other(format!("no answer was scripted for: {question}")))
    }
}

impl Prompt for Scripted {
    fn yes(&mut self, question: &str) -> io::Result<bool> {
        self.next(question).map(|answer| answer == "y")
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        self.next(question)
    }

    fn secret(&mut self, question: &str) -> io::Result<String> {
        self.next(question)
    }
}
