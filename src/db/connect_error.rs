//! Why a database could not be opened.

use std::path::PathBuf;
use std::time::Duration;

use super::endpoint::Target;

/// Why a login was not made, beside what the driver and the server say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Before the login a message was longer than any of PostgreSQL's.
    LongMessage {
        /// The length that it announced, in bytes.
        length: u64,
    },
    /// Before the login the server said more than it has to say.
    Flood {
        /// How much, in bytes.
        length: u64,
    },
    /// The server asked for the password in a form that others on the way can read or work out.
    Unprotected {
        /// `password` or `md5`.
        method: &'static str,
    },
    /// The server asked for another way of logging in than `require_auth` allows.
    Method {
        /// What it asked for, in `require_auth`'s terms.
        asked: &'static str,
        /// The value of `require_auth`.
        required: String,
    },
}

impl std::fmt::Display for LoginRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LongMessage { length } => write!(f, "the server announced a message of {length} bytes"),
            Self::Flood { length } => write!(f, "the server said {length} bytes before the login"),
            Self::Unprotected { method } => {
                write!(f, "the server asked for the password as {method}, over an unencrypted connection")
            }
            Self::Method { asked, required } => {
                write!(f, "the server asked for {asked}, and require_auth is {required}")
            }
        }
    }
}

/// Where the password of a login came from, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// From the URL, the environment or the password file.
    Given,
    /// None was found.
    None,
    /// None was found, and this password file was not read because others than its owner can read it.
    FileIgnored(PathBuf),
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server refused, or did not answer.
    #[error("cannot connect to {target}")]
    Server {
        /// Where to.
        target: Box<Target>,
        /// The password that was sent.
        password: Password,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The login was cut off here, before the password was sent.
    #[error("the login at {target} was refused here")]
    Login {
        /// Where to.
        target: Box<Target>,
        /// Why.
        refusal: LoginRefusal,
    },
    /// No answer within the time-out.
    #[error("no answer from {target}")]
    TimedOut {
        /// Where to.
        target: Box<Target>,
        /// How long was waited.
        after: Duration,
    },
    /// The SQLite file is not there, and this command may not make it.
    #[error("no database file {path}")]
    NoFile {
        /// The file.
        path: String,
    },
    /// The path is no file.
    #[error("{path} is a folder")]
    IsFolder {
        /// The folder.
        path: String,
    },
    /// The SQLite file may not be read by this user of the system.
    #[error("{path} may not be read")]
    Unreadable {
        /// The file.
        path: String,
    },
    /// The SQLite file, or the folder of it, cannot be made.
    #[error("cannot make the folder of {path}")]
    Folder {
        /// The file.
        path: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A file that the URL or libpq's environment names cannot be read.
    #[error("cannot read the {what} {}", path.display())]
    File {
        /// What it is for, in words.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A file that libpq's environment or the URL names is not read, because of its owner or its mode.
    #[error("the {what} {} is not read: it {reason}", path.display())]
    Untrusted {
        /// What it is for, in words.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why, as the end of a sentence about it.
        reason: String,
        /// Whether the user may allow it all the same; else its mode must change.
        may_be_allowed: bool,
    },
    /// No file defines the connection service.
    #[error("no service {name}")]
    NoService {
        /// Its name.
        name: String,
        /// The files that were looked at.
        files: Vec<PathBuf>,
    },
    /// The URL has an unknown parameter.
    #[error("the URL has a parameter {name}")]
    UnknownParameter {
        /// Its name.
        name: String,
    },
    /// A parameter of the URL, or a variable for it, has a value that is not understood.
    #[error("the URL's parameter {name} is {value:?}: {accepted} is accepted")]
    Parameter {
        /// Its name.
        name: String,
        /// Its value; never a secret.
        value: String,
        /// What would be right.
        accepted: &'static str,
    },
}

impl ConnectError {
    pub(super) fn parameter(name: &str, value: &str, accepted: &'static str) -> Self {
        Self::Parameter { name: name.into(), value: value.into(), accepted }
    }
}
