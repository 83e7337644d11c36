//! Databases: where they are, how they are opened, and the connections the rest of the crate works with.
//!
//! This module knows drivers and nothing of the alliance: no table is named here.

pub(crate) mod activity;
mod autocommit;
pub(crate) mod child;
mod connect;
mod connect_error;
mod connection;
mod endpoint;
pub(crate) mod grants;
mod held;
pub(crate) mod libpq;
pub(crate) mod notices;
mod options;
mod pool;
mod postgres;
pub(crate) mod provision;
pub(crate) mod read_only;
mod relay;
mod retry;
pub(crate) mod search_path;
mod shutdown;
mod sqlite;
mod sqlstate;
pub(crate) mod statistics;
mod tls;
mod transaction;
mod transaction_pooling;
mod url;
mod values;

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

pub(crate) use autocommit::Autocommit;
pub use connect::connect;
pub use connect_error::{ConnectError, LoginRefusal, Password};
pub use connection::Connection;
pub use endpoint::Target;
pub(crate) use libpq::LibpqEnvironment;
pub use options::{Absent, Access, Options, Trace};
pub(crate) use pool::Pool;
pub use retry::retry;
pub use shutdown::Shutdown;
pub(crate) use sqlite::make_folder;
pub use sqlstate::{NotReplicated, SqlState, is_outcome_unknown, sql_state, violated_constraint};
pub(crate) use sqlstate::{not_replicated, sqlx_error};
pub use transaction::Transaction;
pub use url::{DatabaseUrl, PostgresUrl, Secret, SqliteUrl, UrlError};

/// Rows as they come from the database.
pub(crate) type Rows<'a> = Pin<Box<dyn Stream<Item = Result<QueryResult, DbErr>> + Send + 'a>>;

/// An identifier in double quotes, which both engines take.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The two engines skyteam runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// PostgreSQL 15 and later.
    Postgres,
    /// The embedded default.
    Sqlite,
}

impl Engine {
    /// SeaORM's name for it.
    pub fn backend(self) -> DbBackend {
        match self {
            Self::Postgres => DbBackend::Postgres,
            Self::Sqlite => DbBackend::Sqlite,
        }
    }

    /// The engine behind any SeaORM connection.
    pub fn of(connection: &impl ConnectionTrait) -> Self {
        match connection.get_database_backend() {
            DbBackend::Postgres => Self::Postgres,
            _ => Self::Sqlite,
        }
    }

    /// The name in words and in JSON: `PostgreSQL` or `SQLite`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

/// One open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    target: Target,
    url: DatabaseUrl,
    options: Options,
    server: Option<postgres::Server>,
}

impl Database {
    fn new(pool: Pool, target: Target, url: DatabaseUrl, options: Options, server: Option<postgres::Server>) -> Self {
        let mut connection = Connection::new(pool, &options);
        if matches!(&url, DatabaseUrl::Postgres(place) if postgres::is_behind_pooler(place)) {
            connection.pooled = Some(transaction_pooling::preamble(options.statement_timeout).into());
        }
        Self { connection, target, url, options, server }
    }

    /// The engine behind it.
    pub fn engine(&self) -> Engine {
        self.url.engine()
    }

    /// The connections, which implement SeaORM's `ConnectionTrait` and `StreamTrait`.
    pub fn conn(&self) -> &Connection {
        &self.connection
    }

    /// sqlx's pool of a PostgreSQL database, for COPY and other work that SeaORM has no words for; `None` on SQLite.
    pub fn postgres(&self) -> Option<&sqlx::PgPool> {
        // Only where there is one: asking for the pool ends the keeping of a connection for the next statement.
        if self.engine() == Engine::Postgres { self.pool().postgres() } else { None }
    }

    /// sqlx's pool of an SQLite database; `None` on PostgreSQL.
    pub fn sqlite(&self) -> Option<&sqlx::SqlitePool> {
        if self.engine() == Engine::Sqlite { self.pool().sqlite() } else { None }
    }

    /// sqlx's pool, of whichever engine it is.
    pub(crate) fn pool(&self) -> &Pool {
        self.connection.pool()
    }

    /// Whether the URL says that the connection goes through a pooler in transaction mode: then a session is ours for one
    /// transaction only.
    pub(crate) fn is_behind_pooler(&self) -> bool {
        self.connection.pooled.is_some()
    }

    /// The statements that a transaction begun on [`Database::postgres`] itself must send first: none but behind a pooler in
    /// transaction mode.
    pub(crate) fn preamble(&self) -> &str {
        self.connection.pooled.as_deref().unwrap_or_default()
    }

    /// Where it is, without secrets.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its name: what `--confirm` must say. On SQLite the file's name without its ending.
    pub fn name(&self) -> &str {
        &self.target.database
    }

    /// Its URL, which may hold the password: for handing on to a child's environment, never to a message.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Whether what is said to a server is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.relay.is_encrypted())
    }

    /// The folder of a socket for PostgreSQL's programs, where they would send a password to any server that asks: `None`
    /// where no other machine could, or where there is no password.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn folder_for_children(&self) -> std::io::Result<Option<PathBuf>> {
        let (DatabaseUrl::Postgres(place), Some(server)) = (&self.url, &self.server) else { return Ok(None) };
        let is_open = !self.target.is_local() && !self.is_encrypted();
        let has_rules = is_open || place.parameter("require_auth").is_some();
        if place.password.is_some() && has_rules { server.folder_for_children().map(Some) } else { Ok(None) }
    }

    /// How it was opened.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Begins a transaction that may write (`BEGIN IMMEDIATE` on SQLite).
    ///
    /// # Errors
    /// [`DbErr`] of the driver.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        self.connection.begin().await
    }

    /// Begins a transaction that only reads, from one snapshot.
    ///
    /// # Errors
    /// [`DbErr`] of the driver.
    pub async fn begin_read(&self) -> Result<Transaction, DbErr> {
        self.connection.begin_read().await
    }

    /// Waits until the server's standby has all that was committed so far, where commits wait for one; three seconds at
    /// most. What another session committed may be seen here although its wait for the standby was cancelled.
    ///
    /// # Errors
    /// [`NotReplicated`], and the driver's.
    pub(crate) async fn replicated(&self) -> Result<(), DbErr> {
        if self.engine() == Engine::Sqlite {
            return Ok(());
        }
        let tx = self.begin().await?;
        // A commit without any change waits for nothing, so one that waits has to write something: a message for readers
        // of the log, of whom there are none.
        let sql = "SELECT CASE WHEN current_setting('synchronous_standby_names') <> ''
                                AND current_setting('synchronous_commit') NOT IN ('off', 'local')
                               THEN pg_logical_emit_message(true, 'skyteam', '')::text END AS waits";
        let row = tx.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        let waits: Option<String> = row.map(|row| row.try_get("", "waits")).transpose()?.flatten();
        if waits.is_none() {
            return tx.rollback().await;
        }
        match tokio::time::timeout(Duration::from_secs(3), tx.commit()).await {
            Ok(done) => done,
            Err(_) => Err(NotReplicated::default().into()),
        }
    }

    /// For statements that write and each commit by themselves: see [`Autocommit`].
    pub(crate) fn autocommit(&self) -> Autocommit<'_> {
        Autocommit::new(self)
    }

    /// What an interrupt must wait for.
    pub(crate) fn shutdown(&self) -> &Shutdown {
        self.connection.shutdown()
    }

    /// Cancels what this process still runs on the server, so that nothing stays queued behind a lock after the
    /// command was interrupted; a commit is let be. Gives up after a second; on SQLite there is nothing to do.
    pub(crate) async fn cancel_running(&self) {
        if let (Some(pool), Some(server)) = (self.postgres(), &self.server) {
            let cancel = postgres::cancel(pool, &server.backends);
            // The process ends either way, and the server notices a closed connection by itself within
            // client_connection_check_interval.
            if let Ok(Ok(true)) = tokio::time::timeout(Duration::from_secs(1), cancel).await {
                self.shutdown().awaits_standby();
            }
        }
    }

    /// Why no connection can be made now, found out by making one, for which it waits two seconds at most; `None` where one
    /// can, and on SQLite.
    pub(crate) async fn unreachable(&self) -> Option<ConnectError> {
        let (Some(pool), Some(server), DatabaseUrl::Postgres(place)) = (self.postgres(), &self.server, &self.url)
        else {
            return None;
        };
        postgres::unreachable(pool, server, place, Duration::from_secs(2)).await
    }

    /// Closes all connections in good order: on SQLite this folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.connection.close().await;
        if let Some(server) = &self.server {
            server.relay.close().await;
        }
    }
}
