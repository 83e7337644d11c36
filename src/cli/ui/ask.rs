//! Asking the person at the terminal, in such a way that a signal is seen while the answer is awaited.

use std::io;
use std::sync::Arc;

use super::{Prompt, Ui, lock};
use crate::error::{Error, Kind, Result};
use crate::message::Message;
use crate::system::TerminalSettings;

impl Ui {
    /// Asks yes or no; the caller has looked whether anybody can be asked.
    ///
    /// # Errors
    /// The terminal's.
    pub(crate) async fn ask_yes(&self, question: impl Into<Message>) -> Result<bool> {
        self.asked(question.into(), |prompt, question| prompt.yes(question)).await
    }

    /// Asks for a line.
    ///
    /// # Errors
    /// As for [`Ui::ask_yes`].
    pub(crate) async fn ask_line(&self, question: impl Into<Message>) -> Result<String> {
        self.asked(question.into(), |prompt, question| prompt.line(question)).await
    }

    /// Asks for a line that is not shown.
    ///
    /// # Errors
    /// As for [`Ui::ask_yes`].
    pub(crate) async fn ask_secret(&self, question: impl Into<Message>) -> Result<String> {
        self.asked(question.into(), |prompt, question| prompt.secret(question)).await
    }

    async fn asked<T: Send + 'static>(
        &self,
        question: Message,
        ask: fn(&mut dyn Prompt, &str) -> io::Result<T>,
    ) -> Result<T> {
        let prompt = Arc::clone(&self.prompt);
        let question = self.line(question);
        let mut open = Open { ui: self, settings: TerminalSettings::now(), answered: false };
        // On a thread of its own, so that a signal is seen while the person thinks.
        let answer = tokio::task::spawn_blocking(move || ask(lock(&prompt).as_mut(), &question)).await;
        open.answered = true;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Err(panic) => Err(Error::new(Kind::Failure, "prompt", "the question could not be asked").source(panic)),
        }
    }
}

/// A question that waits for its answer. Left without one, by Ctrl-C, it leaves the terminal as it found it and what is
/// said next on a line of its own.
struct Open<'a> {
    ui: &'a Ui,
    settings: TerminalSettings,
    answered: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.settings.put_back();
            self.ui.say("");
        }
    }
}
