//! How to open a database.

use std::sync::Arc;
use std::time::Duration;

use super::Shutdown;
use super::connect_error::ConnectError;

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
    pub shutdown: Shutdown,
    /// Called after every statement that goes through SeaORM.
    pub trace: Option<Trace>,
}

/// What sessions on PostgreSQL are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Writing.
    Write,
    /// Reading: their transactions are read only.
    Read,
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
            shutdown: Shutdown::default(),
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

impl Options {
    /// Takes one of the parameters of a URL that override fields here; returns whether it was one.
    ///
    /// # Errors
    /// [`ConnectError::Parameter`]: its value is not understood.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<bool, ConnectError> {
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
