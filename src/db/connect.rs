//! Opening a database: how, and why it may fail. The engines' own ways are beside this file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Database, DatabaseUrl, Lasting, LoginRefusal, Target, postgres, sqlite};

/// Called after each statement with its SQL (placeholders, never values), the time it took and whether it failed.
pub type Trace = Arc<dyn Fn(&str, Duration, bool) + Send + Sync>;

/// How to open a database. A parameter of the URL overrides the field of the same meaning, unless it is `fixed`.
#[derive(Clone)]
pub struct Options {
    /// What the server shows for our sessions: `skyteam db push`.
    pub application_name: String,
    /// Longest wait for a connection. URL: `connect_timeout`, in seconds.
    pub connect_timeout: Duration,
    /// Most connections at once, 1 or more. URL: `max_connections`.
    pub max_connections: u32,
    /// After how long an unused connection is closed. URL: `idle_timeout`, in seconds.
    pub idle_timeout: Duration,
    /// Longest run of one statement on PostgreSQL; `None`: the server's own. URL: `statement_timeout`, in milliseconds
    /// as in PostgreSQL.
    pub statement_timeout: Option<Duration>,
    /// How long a statement waits for another program's write to an SQLite file to end. URL: `busy_timeout`, in
    /// milliseconds.
    pub busy_timeout: Duration,
    /// Names of the URL's parameters that are not to be obeyed, because a flag has spoken.
    pub fixed: Vec<&'static str>,
    /// What becomes of an SQLite file that is not there.
    pub absent: Absent,
    /// What sessions on PostgreSQL are for.
    pub access: Access,
    /// What an interrupt must wait for: one for all databases of a process.
    pub lasting: Lasting,
    /// Told of every statement that goes through SeaORM.
    pub trace: Option<Trace>,
}

/// What sessions on PostgreSQL are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Writing.
    Write,
    /// Reading: their transactions are read only.
    Read,
    /// Making temporary tables in transactions that are rolled back, to compare a schema with. Also where a setting has it
    /// that sessions only read.
    Compare,
}

/// What becomes of an SQLite file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It is an error ([`ConnectError::NoFile`]).
    Refuse,
    /// It is made.
    Create,
    /// An empty database in memory replaces it: for rehearsing what would make it.
    StandIn,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            application_name: "skyteam".into(),
            connect_timeout: Duration::from_millis(2500),
            max_connections: 4,
            idle_timeout: Duration::from_secs(600),
            statement_timeout: None,
            busy_timeout: Duration::from_secs(5),
            fixed: Vec::new(),
            absent: Absent::Refuse,
            access: Access::Write,
            lasting: Lasting::default(),
            trace: None,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("application_name", &self.application_name)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_connections", &self.max_connections)
            .field("idle_timeout", &self.idle_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("busy_timeout", &self.busy_timeout)
            .field("absent", &self.absent)
            .field("access", &self.access)
            .finish_non_exhaustive()
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

/// Opens the database at `url`: one connection is made and kept in the pool, so that every reason not to reach the
/// database is reported here.
///
/// # Errors
/// [`ConnectError`], within `connect_timeout` of the options and half a second.
pub async fn connect(url: &DatabaseUrl, options: Options) -> Result<Database, ConnectError> {
    match url {
        DatabaseUrl::Postgres(place) => postgres::connect(place, options).await,
        DatabaseUrl::Sqlite(place) => sqlite::connect(place, options).await,
    }
}

impl Options {
    /// Takes one of the parameters of a URL that override fields here; answers whether it was one.
    ///
    /// # Errors
    /// [`ConnectError::Parameter`]: its value is not understood.
    pub fn take(&mut self, name: &str, value: &str) -> Result<bool, ConnectError> {
        match name {
            _ if self.fixed.contains(&name) => {}
            "connect_timeout" => self.connect_timeout = seconds(name, value)?,
            "idle_timeout" => self.idle_timeout = seconds(name, value)?,
            "statement_timeout" => {
                let accepted = || ConnectError::parameter(name, value, "milliseconds, 0 for no limit");
                self.statement_timeout = Some(Duration::from_millis(value.parse().map_err(|_| accepted())?));
            }
            "busy_timeout" => {
                let limit = value.parse().map_err(|_| ConnectError::parameter(name, value, "milliseconds"))?;
                self.busy_timeout = Duration::from_millis(limit);
            }
            "max_connections" => {
                let most = value.parse().ok().filter(|most| *most > 0);
                self.max_connections = most.ok_or_else(|| ConnectError::parameter(name, value, "a number from 1"))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn seconds(name: &str, value: &str) -> Result<Duration, ConnectError> {
    match value.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(ConnectError::parameter(name, value, "whole seconds from 1")),
    }
}
