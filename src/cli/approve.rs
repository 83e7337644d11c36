//! Asking before something is changed or lost.
//!
//! The command line makes an [`Approval`] only here: by asking, or from a flag that answers beforehand.

use crate::cli::ui::Ui;
use crate::cli::ui::text::cut;
use crate::consent::Approval;
use crate::error::{Error, Kind, Result};
use crate::message::{Message, flag, message, visible};

/// How much of a name an answer repeats.
const SHOWN: usize = 100;

/// What is to be allowed.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    level: Level,
    question: Message,
    database: Option<String>,
}

#[derive(Clone, Debug)]
enum Level {
    Adds,
    Changes,
    Loses { name: String, what: &'static str },
}

impl Ask {
    /// Level 1: nothing is changed or lost, so there is no question.
    pub(crate) fn adds() -> Self {
        Self { level: Level::Adds, question: Message::default(), database: None }
    }

    /// Level 2: something is changed. The effects have been shown; `question` ends in a question mark.
    pub(crate) fn changes(question: impl Into<Message>) -> Self {
        Self { level: Level::Changes, question: question.into(), database: None }
    }

    /// Level 3: data is lost. `name` must be typed: the database's, or the username. `question` says what is lost.
    pub(crate) fn loses(name: impl Into<String>, question: impl Into<Message>) -> Self {
        let what = "data would be lost: a confirmation is needed";
        Self { level: Level::Loses { name: name.into(), what }, question: question.into(), database: None }
    }

    /// Level 3 as well: nothing is lost, and what comes in is nothing that is trusted.
    pub(crate) fn takes_from_strangers(name: impl Into<String>, question: impl Into<Message>) -> Self {
        let what = "nothing shows who made it: a confirmation is needed";
        Self { level: Level::Loses { name: name.into(), what }, question: question.into(), database: None }
    }

    /// The same on the database of this name: `--confirm` with it allows what `--yes` would, for scripts that cannot know
    /// whether anything will be lost.
    #[must_use]
    pub(crate) fn on(self, database: impl Into<String>) -> Self {
        Self { database: Some(database.into()), ..self }
    }
}

/// What the command line answers beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// `--dry-run`: nothing will last, so nothing is asked.
    pub dry_run: bool,
    /// `--yes`.
    pub yes: bool,
    /// `--confirm`.
    pub confirm: Option<String>,
}

/// Asks, or takes a flag for the answer.
///
/// # Errors
/// [`Kind::Unconfirmed`]: no terminal to ask on, or the answer was no.
pub(crate) async fn approve(ask: Ask, answers: &Answers, ui: &Ui) -> Result<Approval> {
    if answers.dry_run {
        return Ok(Approval::given());
    }
    let question = &ask.question;
    match &ask.level {
        Level::Adds => Ok(Approval::given()),
        Level::Changes if answers.yes || ask.database.is_some() && ask.database == answers.confirm => {
            Ok(Approval::given())
        }
        Level::Changes if ui.is_interactive() => {
            if ui.ask_yes(question).await? {
                Ok(Approval::given())
            } else {
                Err(declined())
            }
        }
        Level::Changes => Err(Error::new(Kind::Unconfirmed, "confirmation_needed", "a confirmation is needed")
            .why(message!("no question can be asked here: {}", question))
            .fix("add --yes")),
        Level::Loses { name, what } => approve_loss(name, what, question, answers, ui).await,
    }
}

async fn approve_loss(
    name: &str,
    what: &'static str,
    question: &Message,
    answers: &Answers,
    ui: &Ui,
) -> Result<Approval> {
    if let Some(given) = &answers.confirm {
        if given == name {
            return Ok(Approval::given());
        }
        let what = message!("--confirm {} is not {}", cut(given, SHOWN), cut(name, SHOWN));
        return Err(Error::new(Kind::Unconfirmed, "wrong_confirmation", what).why(question));
    }
    if !ui.is_interactive() {
        return Err(Error::new(Kind::Unconfirmed, "confirmation_needed", what)
            .why(question)
            .fix(message!("add {}", flag("--confirm", name))));
    }
    ui.note(question);
    let typed = ui.ask_line(message!("Type {} to go on", name)).await?;
    // A name that a terminal would act on can only be typed as it is shown.
    if typed == name || typed == visible(name) {
        return Ok(Approval::given());
    }
    if typed.trim().is_empty() {
        return Err(declined());
    }
    let what = message!("nothing was changed: {} is not the name", cut(&typed, SHOWN));
    Err(Error::new(Kind::Unconfirmed, "wrong_confirmation", what).why(message!("to be typed is {}", name)))
}

fn declined() -> Error {
    Error::new(Kind::Unconfirmed, "declined", "nothing was changed: the answer was no")
}
