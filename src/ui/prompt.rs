//! Questions on the terminal, and the stand-ins that answer them in tests.

use std::collections::VecDeque;
use std::io;

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Password};

/// Who answers a question.
pub trait Prompt: Send {
    /// Yes or no; Enter alone is no.
    ///
    /// # Errors
    /// `Interrupted` when Ctrl-C was pressed, else the terminal's error.
    fn yes(&mut self, question: &str) -> io::Result<bool>;

    /// A line of text.
    ///
    /// # Errors
    /// As for [`Prompt::yes`].
    fn line(&mut self, question: &str) -> io::Result<String>;

    /// A line that is not shown while it is typed.
    ///
    /// # Errors
    /// As for [`Prompt::yes`].
    fn secret(&mut self, question: &str) -> io::Result<String>;
}

/// The person at the terminal.
pub struct TerminalPrompt;

impl Prompt for TerminalPrompt {
    fn yes(&mut self, question: &str) -> io::Result<bool> {
        let answer = Confirm::with_theme(&ColorfulTheme::default()).with_prompt(question).default(false).interact_opt();
        Ok(answer.map_err(io_error)?.unwrap_or(false))
    }

    fn line(&mut self, question: &str) -> io::Result<String> {
        Input::with_theme(&ColorfulTheme::default())
            .with_prompt(question)
            .allow_empty(true)
            .interact_text()
            .map_err(io_error)
    }

    fn secret(&mut self, question: &str) -> io::Result<String> {
        Password::with_theme(&ColorfulTheme::default())
            .with_prompt(question)
            .allow_empty_password(true)
            .interact()
            .map_err(io_error)
    }
}

fn io_error(error: dialoguer::Error) -> io::Error {
    match error {
        dialoguer::Error::IO(error) => error,
    }
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
