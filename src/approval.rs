//! Asking before something is changed or lost.
//!
//! [`Approval`] can only be made here, by asking or by a flag; what is dangerous takes one by value.

use crate::cli::ui::Ui;
use crate::cli::ui::text::{cut, local_times, visible};
use crate::error::{Error, Kind, Result, shell};

/// How much of a name an answer repeats.
const SHOWN: usize = 100;

/// The word of a person, or of a flag that stands in for it. Used up by what it allows.
#[derive(Debug)]
#[must_use]
pub struct Approval(());

/// What is to be allowed.
#[derive(Clone, Debug)]
pub struct Ask {
    level: Level,
    question: String,
    database: Option<String>,
}

#[derive(Clone, Debug)]
enum Level {
    Adds,
    Changes,
    Loses { name: String },
}

impl Ask {
    /// Level 1: nothing is changed or lost; nobody is asked.
    pub fn adds() -> Self {
        Self { level: Level::Adds, question: String::new(), database: None }
    }

    /// Level 2: something is changed. The effects have been shown; `question` ends in a question mark.
    pub fn changes(question: impl Into<String>) -> Self {
        Self { level: Level::Changes, question: question.into(), database: None }
    }

    /// Level 3: data is lost. `name` must be typed: the database's, or the username. `question` says what is lost.
    pub fn loses(name: impl Into<String>, question: impl Into<String>) -> Self {
        Self { level: Level::Loses { name: name.into() }, question: question.into(), database: None }
    }

    /// The same on the database of this name: `--confirm` with it allows what `--yes` would, for scripts that cannot know
    /// whether anything will be lost.
    #[must_use]
    pub fn on(self, database: impl Into<String>) -> Self {
        Self { database: Some(database.into()), ..self }
    }
}

/// What the command line answers beforehand.
#[derive(Clone, Debug, Default)]
pub struct Answers {
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
/// [`Kind::Unconfirmed`]: nobody to ask, or the answer was no.
pub async fn approve(ask: Ask, answers: &Answers, ui: &Ui) -> Result<Approval> {
    if answers.dry_run {
        return Ok(Approval(()));
    }
    let question = &local_times(&ask.question, ui.zone());
    match &ask.level {
        Level::Adds => Ok(Approval(())),
        Level::Changes if answers.yes || ask.database.is_some() && ask.database == answers.confirm => Ok(Approval(())),
        Level::Changes if ui.is_interactive() => {
            if ui.ask_yes(question).await? {
                Ok(Approval(()))
            } else {
                Err(declined())
            }
        }
        Level::Changes => Err(Error::new(Kind::Unconfirmed, "confirmation_needed", "a confirmation is needed")
            .why(format!("nobody can be asked here: {question}"))
            .fix("add --yes")),
        Level::Loses { name } => approve_loss(name, question, answers, ui).await,
    }
}

async fn approve_loss(name: &str, question: &str, answers: &Answers, ui: &Ui) -> Result<Approval> {
    if let Some(given) = &answers.confirm {
        if given == name {
            return Ok(Approval(()));
        }
        let what = format!("--confirm {} is not {}", cut(given, SHOWN), cut(name, SHOWN));
        return Err(Error::new(Kind::Unconfirmed, "wrong_confirmation", what).why(question));
    }
    if !ui.is_interactive() {
        return Err(Error::new(
            Kind::Unconfirmed,
            "confirmation_needed",
            "data would be lost: a confirmation is needed",
        )
        .why(question)
        .fix(format!("add {}", shell::flag("--confirm", name))));
    }
    ui.note(question);
    let typed = ui.ask_line(&format!("Type {name} to go on")).await?;
    // A name that a terminal would act on can only be typed as it is shown.
    if typed == name || typed == visible(name) { Ok(Approval(())) } else { Err(declined()) }
}

fn declined() -> Error {
    Error::new(Kind::Unconfirmed, "declined", "nothing was changed: the answer was no")
}
