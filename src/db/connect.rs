//! Opening a database: one plain probe with a short time-out, which tells every failure apart, then the pool.
//!
//! A pool alone would hide "connection refused" and "too many connections" behind its whole acquire time-out, because
//! it goes on trying (sqlx-core `pool/inner.rs`).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::{Connection, Database, DatabaseUrl, PostgresUrl, SqliteUrl, Target};

/// Called after each statement with its SQL (placeholders, never values), the time it took and whether it failed.
pub type Trace = Arc<dyn Fn(&str, Duration, bool) + Send + Sync>;

/// How to open a database. A parameter of the URL overrides the field of the same meaning.
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
    /// Whether an SQLite file that is not there may be made.
    pub create: bool,
    /// Told of every statement that goes through SeaORM.
    pub trace: Option<Trace>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            application_name: "skyteam".into(),
            connect_timeout: Duration::from_millis(2500),
            max_connections: 4,
            idle_timeout: Duration::from_secs(600),
            statement_timeout: None,
            create: false,
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
            .field("create", &self.create)
            .finish_non_exhaustive()
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server refused, or did not answer.
    #[error("cannot connect to {target}")]
    Server {
        /// Where to.
        target: Box<Target>,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
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
    /// The folder of the SQLite file cannot be made.
    #[error("cannot make the folder of {path}")]
    Folder {
        /// The file.
        path: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A parameter of the URL is not understood.
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

/// Opens the database at `url`.
///
/// # Errors
/// [`ConnectError`], within `connect_timeout` of the options.
pub async fn connect(url: &DatabaseUrl, options: Options) -> Result<Database, ConnectError> {
    match url {
        DatabaseUrl::Postgres(place) => connect_postgres(place, url, options).await,
        DatabaseUrl::Sqlite(place) => connect_sqlite(place, url, options).await,
    }
}

/// Cancels every statement that sessions of this process and role still run.
pub(super) async fn cancel_running(url: &DatabaseUrl, options: &Options) -> Result<(), sqlx::Error> {
    let DatabaseUrl::Postgres(place) = url else { return Ok(()) };
    let mut options = options.clone();
    let Ok(connect) = postgres_options(place, &mut options) else { return Ok(()) };
    let mut connection = PgConnection::connect_with(&connect).await?;
    sqlx::query(
        "select pg_cancel_backend(pid) from pg_stat_activity \
         where usename = current_user and application_name = $1 and pid <> pg_backend_pid() and state <> 'idle'",
    )
    .bind(connect.get_application_name())
    .execute(&mut connection)
    .await?;
    connection.close().await
}

async fn connect_postgres(
    place: &PostgresUrl,
    url: &DatabaseUrl,
    mut options: Options,
) -> Result<Database, ConnectError> {
    let connect = postgres_options(place, &mut options)?;
    let target = Target {
        engine: url.engine(),
        database: connect.get_database().unwrap_or_else(|| connect.get_username()).to_owned(),
        host: Some(
            connect.get_socket().map_or_else(|| connect.get_host().to_owned(), |path| path.display().to_string()),
        ),
        port: Some(connect.get_port()),
        role: Some(connect.get_username().to_owned()),
        path: None,
    };
    let probe = tokio::time::timeout(options.connect_timeout, PgConnection::connect_with(&connect));
    match probe.await {
        Ok(Ok(connection)) => {
            // The answer is all that was wanted; an unclean goodbye harms nothing.
            let _ = connection.close().await;
        }
        Ok(Err(source)) => return Err(ConnectError::Server { target: Box::new(target), source }),
        Err(_) => return Err(ConnectError::TimedOut { target: Box::new(target), after: options.connect_timeout }),
    }

    // Behind a transaction pooler a session is shared: nothing may be set on it.
    let pooled = parameter(&place.parameters, "statement-cache-capacity") == Some("0");
    let session = session_settings(&options);
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.connect_timeout)
        .idle_timeout(options.idle_timeout)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let session = session.clone();
            Box::pin(async move {
                if !pooled {
                    connection.execute(sqlx::AssertSqlSafe(session)).await?;
                }
                Ok(())
            })
        })
        .connect_lazy_with(connect);
    Ok(open(sea_orm::SqlxPostgresConnector::from_sqlx_postgres_pool(pool), target, url, options))
}

/// What every session is told. The server looks every second whether a client that runs a statement is still there, so
/// that a killed skyteam leaves nothing queued; servers on systems that cannot look are left as they are.
fn session_settings(options: &Options) -> String {
    let mut sql = "do $$ begin perform set_config('client_connection_check_interval', '1s', false); \
                   exception when others then null; end $$"
        .to_owned();
    if let Some(limit) = options.statement_timeout {
        sql.push_str(&format!("; set statement_timeout = {}", limit.as_millis()));
    }
    sql
}

fn postgres_options(place: &PostgresUrl, options: &mut Options) -> Result<PgConnectOptions, ConnectError> {
    let mut connect = PgConnectOptions::new_without_pgpass()
        .extra_float_digits(None)
        .application_name(&options.application_name)
        .disable_statement_logging();
    if let Some(port) = place.port {
        connect = connect.port(port);
    }
    if let Some(host) = &place.host {
        connect = if host.starts_with('/') { connect.socket(host) } else { connect.host(host) };
    }
    if let Some(user) = &place.user {
        connect = connect.username(user);
    }
    if let Some(password) = &place.password {
        connect = connect.password(password.expose());
    }
    if let Some(database) = &place.database {
        connect = connect.database(database);
    }
    for (name, value) in &place.parameters {
        connect = match name.as_str() {
            "sslmode" | "ssl-mode" => connect.ssl_mode(
                value
                    .parse::<PgSslMode>()
                    .map_err(|_| wrong(name, value, "disable, allow, prefer, require, verify-ca or verify-full"))?,
            ),
            // The system's certificates are always known.
            "sslrootcert" if value == "system" => connect,
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => connect.ssl_root_cert(value),
            "sslcert" | "ssl-cert" => connect.ssl_client_cert(value),
            "sslkey" | "ssl-key" => connect.ssl_client_key(value),
            "application_name" => connect.application_name(value),
            "statement-cache-capacity" => connect
                .statement_cache_capacity(value.parse().map_err(|_| wrong(name, value, "a number, 0 for a pooler"))?),
            "options" => {
                // Passed on as libpq does: `-c name=value` pairs.
                let pairs: Vec<(&str, &str)> =
                    value.split_whitespace().filter_map(|word| word.trim_start_matches("-c").split_once('=')).collect();
                connect.options(pairs)
            }
            "connect_timeout" => {
                options.connect_timeout = seconds(name, value)?;
                connect
            }
            "idle_timeout" => {
                options.idle_timeout = seconds(name, value)?;
                connect
            }
            "statement_timeout" => {
                let milliseconds = value.parse().map_err(|_| wrong(name, value, "milliseconds"))?;
                options.statement_timeout = Some(Duration::from_millis(milliseconds));
                connect
            }
            "max_connections" => {
                options.max_connections =
                    value.parse().ok().filter(|most| *most > 0).ok_or_else(|| wrong(name, value, "a number from 1"))?;
                connect
            }
            _ => return Err(wrong(name, value, "no such parameter")),
        };
    }
    Ok(connect)
}

fn wrong(name: &str, value: &str, accepted: &'static str) -> ConnectError {
    ConnectError::Parameter { name: name.into(), value: value.into(), accepted }
}

fn seconds(name: &str, value: &str) -> Result<Duration, ConnectError> {
    match value.parse::<u64>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong(name, value, "whole seconds from 1")),
    }
}

fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

async fn connect_sqlite(place: &SqliteUrl, url: &DatabaseUrl, options: Options) -> Result<Database, ConnectError> {
    let path = place.path.display().to_string();
    let target = Target {
        engine: url.engine(),
        database: place.path.file_stem().map_or_else(|| path.clone(), |stem| stem.to_string_lossy().into_owned()),
        host: None,
        port: None,
        role: None,
        path: Some(path.clone()),
    };
    let mut connect =
        SqliteConnectOptions::new().foreign_keys(true).busy_timeout(Duration::from_secs(5)).disable_statement_logging();
    let most = if place.in_memory() {
        connect = connect.in_memory(true);
        1
    } else {
        if !place.path.exists() {
            if !options.create {
                return Err(ConnectError::NoFile { path });
            }
            make_file(&place.path).map_err(|source| ConnectError::Folder { path, source })?;
        }
        // WAL is kept in the file: readers and one writer side by side. Miles are money: synchronous stays FULL.
        connect = connect.filename(&place.path).journal_mode(SqliteJournalMode::Wal);
        options.max_connections
    };
    match SqliteConnection::connect_with(&connect).await {
        Ok(connection) => {
            let _ = connection.close().await;
        }
        Err(source) => return Err(ConnectError::Server { target: Box::new(target), source }),
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(most)
        .acquire_timeout(options.connect_timeout)
        .idle_timeout((!place.in_memory()).then_some(options.idle_timeout))
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(connect);
    Ok(open(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool), target, url, options))
}

/// Makes the file, empty and for its owner alone, and the folders above it.
fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

fn open(mut connection: sea_orm::DatabaseConnection, target: Target, url: &DatabaseUrl, options: Options) -> Database {
    if let Some(trace) = options.trace.clone() {
        connection.set_metric_callback(move |info: &sea_orm::metric::Info<'_>| {
            trace(&info.statement.sql, info.elapsed, info.failed);
        });
    }
    Database { connection: Connection::new(connection), target, url: url.clone(), options }
}
