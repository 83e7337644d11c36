//! What the studio has done at the command line's: a command with its arguments, and what came of it.
//!
//! An action of the page is a command, carried out by the code that carries it out in a terminal. So its rules, its refusals and
//! their words are there once.

use tokio::sync::oneshot;

use super::State;
use crate::error::{Error, Kind};

/// A command to be carried out.
#[derive(Debug)]
pub(crate) struct Order {
    /// Its arguments, without the program's name and without flags that all commands have.
    pub args: Vec<String>,
    /// What it reads from standard input.
    pub input: String,
    /// How it is carried out.
    pub manner: Manner,
    /// Where what came of it goes.
    pub reply: oneshot::Sender<Done>,
}

/// How a command is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// On connections that only read.
    Read,
    /// As a dry run: all of it is done, and rolled back.
    Preview,
    /// For good.
    Apply {
        /// The [`Asked::agreement`] to which the person has said yes.
        agreed: Option<String>,
        /// The name that they typed.
        typed: Option<String>,
    },
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Done {
    /// Whether it failed.
    pub outcome: Result<(), Error>,
    /// What it answered, as JSON.
    pub answer: Option<serde_json::Value>,
    /// What it said beside, line by line.
    pub said: Vec<String>,
    /// The question that it failed for want of an answer to.
    pub asked: Option<Asked>,
}

/// A question to the person, with what was said before it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Asked {
    /// The question.
    pub question: String,
    /// The effects that were shown.
    pub said: Vec<String>,
    /// Whether a name must be typed, and not only yes be said.
    pub typed: bool,
    /// A digest of the question and these effects: agreeing to it agrees to nothing else.
    pub agreement: String,
}

impl State {
    /// Has a command carried out. It is finished even where the request that it is for has been dropped.
    pub(super) async fn order(&self, args: Vec<String>, input: String, manner: Manner) -> Done {
        let (reply, done) = oneshot::channel();
        let sent = self.seat.orders.send(Order { args, input, manner, reply });
        let ended = || Done {
            outcome: Err(Error::new(Kind::Interrupted, "interrupted", "the studio is ending")),
            answer: None,
            said: Vec::new(),
            asked: None,
        };
        match sent {
            Ok(()) => done.await.unwrap_or_else(|_| ended()),
            Err(_) => ended(),
        }
    }
}
