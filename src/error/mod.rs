//! What went wrong, why, and how to fix it: the one error type that reaches the user, and every exit code.
//!
//! The engines (`directory`, `ledger`, `schema`, `backup`, the drivers) report facts in error enums of their own; the files
//! beside this one turn each into an [`Error`], so that all wording and all exit codes are in this folder.

pub(crate) mod backup;
mod browse;
mod connect;
pub(crate) mod directory;
mod driver;
pub(crate) mod file;
mod flight;
pub(crate) mod indeterminate;
pub(crate) mod ledger;
pub(crate) mod loss;
mod migrate;
pub(crate) mod schema;

use std::fmt;

use serde::Serialize;

use crate::message::{self, DatabaseFlag, Message, message};

/// Result of everything that can fail towards the user.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The classes of failure that scripts tell apart by exit code (`skyteam --help`, README "Exit codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1: unexpected; a defect of ours or of the machine.
    Failure,
    /// 2: the command line or a value given on it is wrong.
    Usage,
    /// 3: a check found something.
    Found,
    /// 4: no such thing, or the reference is ambiguous.
    NotFound,
    /// 5: a rule refuses it; the data is as it was.
    Refused,
    /// 6: no database, malformed URL, bad profile.
    Config,
    /// 7: the server cannot be reached; worth another try.
    Unreachable,
    /// 8: password or permission.
    Denied,
    /// 9: a confirmation is needed and was not given.
    Unconfirmed,
    /// 10: a bulk command did part.
    Partial,
    /// 11: locked or timed out; worth another try.
    Locked,
    /// 130: interrupted; rolled back.
    Interrupted,
}

impl Kind {
    /// The process exit code, as promised in the command line's contract.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Found => 3,
            Self::NotFound => 4,
            Self::Refused => 5,
            Self::Config => 6,
            Self::Unreachable => 7,
            Self::Denied => 8,
            Self::Unconfirmed => 9,
            Self::Partial => 10,
            Self::Locked => 11,
            Self::Interrupted => 130,
        }
    }

    /// Whether the same command may succeed when it is run again unchanged.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::Unreachable | Self::Locked)
    }
}

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: done, or nothing to do.
    Done,
    /// 3: a check found something; the answer on stdout says what.
    Found,
    /// 10: a bulk command did part; the rejects file was named.
    Partial,
    /// A program that was started in our place ended with this code.
    Of(u8),
}

impl Outcome {
    /// The process exit code.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Found => Kind::Found.exit_code(),
            Self::Partial => Kind::Partial.exit_code(),
            Self::Of(code) => code,
        }
    }
}

/// A failure as the user sees it: what, why, and a command that fixes it.
///
/// Never carries a secret: no password, no airline token, no URL with either.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    code: &'static str,
    what: Message,
    why: Vec<Message>,
    fix: Vec<Message>,
    sqlstate: Option<String>,
    /// Whether running the very same line again would do it twice, whatever the kind says.
    never_as_it_is: bool,
    /// The word of the command line that is wrong, and the one that would be right in its place.
    instead: Option<(String, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of `kind`. `code` is the stable word for scripts (snake case), `what` one clause in lower case
    /// without a full stop.
    pub(crate) fn new(kind: Kind, code: &'static str, what: impl Into<Message>) -> Self {
        Self(Box::new(Inner {
            kind,
            code,
            what: what.into(),
            why: Vec::new(),
            fix: Vec::new(),
            sqlstate: None,
            never_as_it_is: false,
            instead: None,
            source: None,
        }))
    }

    /// Adds a line of reason; called again, a further line.
    #[must_use]
    pub(crate) fn why(mut self, line: impl Into<Message>) -> Self {
        self.0.why.push(line.into());
        self
    }

    /// Adds a way to fix it, a command where there is one; called again, a further one.
    #[must_use]
    pub(crate) fn fix(mut self, line: impl Into<Message>) -> Self {
        self.0.fix.push(line.into());
        self
    }

    /// The SQLSTATE of the server's refusal, for scripts.
    #[must_use]
    pub(crate) fn sqlstate(mut self, code: impl Into<String>) -> Self {
        self.0.sqlstate = Some(code.into());
        self
    }

    /// Marks that running the very same line again would do it twice, whatever the kind says.
    #[must_use]
    pub(crate) fn never_as_it_is(mut self) -> Self {
        self.0.never_as_it_is = true;
        self
    }

    /// Says that the command would work with the word `right` in the place of `wrong`. Only a shell knows the whole
    /// command ([`Error::instead`]).
    #[must_use]
    pub(crate) fn with_instead(mut self, wrong: impl Into<String>, right: impl Into<String>) -> Self {
        self.0.instead = Some((wrong.into(), right.into()));
        self
    }

    /// A word of the command line that is wrong, and the one that would be right in its place.
    pub(crate) fn instead(&self) -> Option<(&str, &str)> {
        self.0.instead.as_ref().map(|(wrong, right)| (wrong.as_str(), right.as_str()))
    }

    /// A column that a list does not have, which `flag` names: `--sort` or `--columns`.
    pub(crate) fn unknown_column(flag: &'static str, name: &str, known: &[&str]) -> Self {
        let error = Self::new(Kind::Usage, "unknown_column", message!("no column {}", crate::input::quoted(name)))
            .why(message!("columns here: {}", known.join(", ")));
        let (minus, bare) = name.strip_prefix('-').map_or(("", name), |bare| ("-", bare));
        // No name that long was mistyped, and comparing is quadratic.
        let wanted = Some(bare.to_lowercase()).filter(|wanted| wanted.len() <= 100);
        let alike =
            |one: &&str| wanted.as_ref().map_or(0.0, |wanted| strsim::jaro_winkler(wanted, &one.to_lowercase()));
        let near = known.iter().copied().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|near| alike(near) >= 0.8);
        let column = near.or(known.first().copied()).unwrap_or_default();
        error.fix(message::flag(flag, format!("{minus}{column}")))
    }

    /// Gives what went wrong in `cause`, and why, as lines of reason.
    #[must_use]
    pub(crate) fn because(mut self, cause: &Self) -> Self {
        self.0.why.push(cause.0.what.clone());
        self.0.why.extend_from_slice(&cause.0.why);
        self
    }

    /// The same with this database named in its commands.
    #[must_use]
    pub(crate) fn addressed(mut self, database: Option<&DatabaseFlag>) -> Self {
        let inner = &mut *self.0;
        for message in std::iter::once(&mut inner.what).chain(&mut inner.why).chain(&mut inner.fix) {
            *message = std::mem::take(message).addressed(database);
        }
        self
    }

    /// Keeps the cause, whose own words are shown only under `-v`.
    #[must_use]
    pub(crate) fn source(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// The SQLSTATE of the server's refusal, where it is one.
    pub(crate) fn state(&self) -> Option<&str> {
        self.0.sqlstate.as_deref()
    }

    /// The class of the failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The stable word for scripts.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The process exit code.
    pub fn exit_code(&self) -> u8 {
        self.0.kind.exit_code()
    }

    /// One clause: what went wrong.
    pub(crate) fn what(&self) -> &Message {
        &self.0.what
    }

    /// The lines of reason.
    pub(crate) fn reasons(&self) -> &[Message] {
        &self.0.why
    }

    /// The ways to fix it.
    pub(crate) fn fixes(&self) -> &[Message] {
        &self.0.fix
    }

    /// What went wrong and why, in one line.
    pub(crate) fn summary(&self) -> Message {
        if self.0.why.is_empty() {
            return self.0.what.clone();
        }
        message!("{}: {}", &self.0.what, Message::joined(&self.0.why, "; "))
    }

    /// The driver's own words, innermost last, for `-v`. PostgreSQL's source line and connection details are left out.
    pub(crate) fn cause(&self) -> Option<String> {
        self.0.source.as_deref().map(driver::own_words)
    }

    /// The machine-readable form that goes to stderr with `-o json` and `-o ndjson`.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
            exit: u8,
            message: &'a Message,
            why: Option<Message>,
            fix: Option<Message>,
            sqlstate: Option<&'a str>,
            retryable: bool,
        }
        let joined = |lines: &[Message]| (!lines.is_empty()).then(|| Message::joined(lines, "\n"));
        let body = Body {
            code: self.0.code,
            exit: self.exit_code(),
            message: &self.0.what,
            why: joined(&self.0.why),
            fix: joined(&self.0.fix),
            sqlstate: self.0.sqlstate.as_deref(),
            retryable: self.0.kind.retryable() && !self.0.never_as_it_is,
        };
        serde_json::json!({ "error": body }).to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.what.fmt(f)
    }
}

impl std::error::Error for Error {}

/// The answer cannot be written, or a file not read. A closed pipe has a code of its own: `| head` has seen enough, and
/// the run ends quietly.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let code = if error.kind() == std::io::ErrorKind::BrokenPipe { "closed_pipe" } else { "io" };
        Self::new(Kind::Failure, code, "reading or writing failed").why(error.to_string()).source(error)
    }
}
