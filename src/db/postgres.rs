//! Opening a PostgreSQL database: the URL's parameters, the first connection, the settings of every session.
//!
//! The pool alone would hide "connection refused" and "too many connections" behind its whole acquire time-out, because
//! it goes on trying (sqlx-core `pool/inner.rs`). So a first connection that is slow to come is asked for plainly too,
//! and the answer to that one is reported.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool, Row as _};
use tokio::time::{Instant, sleep, timeout_at};

use super::relay::{self, Address, Failure, Relay, Route};
use super::{
    Access, ConnectError, Database, DatabaseUrl, Options, Password, Pool, PostgresUrl, Target, search_path, tls,
};

/// How long a first connection may take before it is asked plainly what is in its way.
const PATIENCE: Duration = Duration::from_millis(250);

/// The server processes that serve this pool.
pub(super) type Backends = Arc<Mutex<Vec<Backend>>>;

/// One of them. Its number alone may be another session's, on another server behind a balancer or after a failover: its
/// start, to the microsecond, identifies it.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    pid: i32,
    started: String,
}

/// What an open database on a server has beside its pool.
#[derive(Debug)]
pub(super) struct Server {
    /// The server processes that serve the pool.
    pub(super) backends: Backends,
    /// What the pool's connections go through.
    pub(super) relay: Relay,
    /// Where it leads.
    route: Route,
    /// The same for programs that are started here, once there are any.
    children: Mutex<Option<Relay>>,
}

impl Server {
    /// The folder of a socket that leads where the pool does, for libpq: under the rules of this process, whatever the
    /// version of libpq. It is there until the database is dropped.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn folder_for_children(&self) -> io::Result<PathBuf> {
        let mut children = self.children.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let relay = match children.take() {
            Some(relay) => relay,
            None => Relay::start_for_children(self.route.clone())?,
        };
        Ok(children.insert(relay).folder.clone())
    }
}

/// Opens the database at `place`.
pub(super) async fn connect(place: &PostgresUrl, mut options: Options) -> Result<Database, ConnectError> {
    let connect = connect_options(place, &mut options)?;
    let (encryption, rules) = (tls::encryption(place)?, tls::rules(place)?);
    let target = Target::of_server(place);
    let deadline = Instant::now() + options.connect_timeout;
    let mut refusal = None;
    for mode in encryptions(tls::tls(place)?.mode) {
        let route = Route {
            address: address(place),
            encryption: encryption.with_mode(*mode),
            rules: rules.clone(),
            limit: options.connect_timeout,
        };
        let relay = match Relay::start(route.clone()) {
            Ok(relay) => relay,
            Err(error) => {
                refusal = Some(error.into());
                break;
            }
        };
        let connect = connect.clone().socket(&relay.folder).port(relay::PORT).ssl_mode(PgSslMode::Disable);
        let backends = Backends::default();
        let pool = pool(&connect, &options, is_behind_pooler(place), Arc::clone(&backends));
        let reached = match first_connection(&pool, &connect, deadline).await {
            Ok(()) => {
                let url = DatabaseUrl::Postgres(place.clone());
                let server = Server { backends, relay, route, children: Mutex::default() };
                return Ok(Database::new(Pool::Postgres(pool), target, url, options, Some(server)));
            }
            Err(reason) => reason,
        };
        // sqlx saw the end of a stream only.
        let reached = match relay.failure() {
            Some(Failure::Driver(sqlx::Error::Io(late))) if late.kind() == io::ErrorKind::TimedOut => None,
            Some(Failure::Driver(source)) => Some(source),
            Some(Failure::Refused(refusal)) => return Err(ConnectError::Login { target: Box::new(target), refusal }),
            None => reached,
        };
        match reached {
            Some(source) if is_about_encryption(&source) => {
                // Where the server refuses both ways, the one that was wanted first says more.
                let kept = refusal.take_if(|first| matches!(first, sqlx::Error::Database(_)));
                refusal = Some(kept.unwrap_or(source));
            }
            Some(source) => {
                refusal = Some(source);
                break;
            }
            None => break,
        }
    }
    let target = Box::new(target);
    Err(match refusal {
        Some(source) => ConnectError::Server { target, password: password(place), source },
        None => ConnectError::TimedOut { target, after: options.connect_timeout },
    })
}

/// Makes the pool's first connection and leaves it there. Fails with the server's reason, or with `None` when there
/// was no answer at all by the deadline.
async fn first_connection(
    pool: &PgPool,
    connect: &PgConnectOptions,
    deadline: Instant,
) -> Result<(), Option<sqlx::Error>> {
    let mut acquire = std::pin::pin!(pool.acquire());
    let plain = async {
        sleep(PATIENCE).await;
        match PgConnection::connect_with(connect).await {
            Ok(connection) => connection.close().await.err(),
            Err(error) => Some(error),
        }
    };
    let first = async {
        let reason = tokio::select! {
            first = &mut acquire => return first.map_err(Some),
            reason = plain => reason,
        };
        match reason {
            // Room may come, and a start may end, within the time that is left.
            Some(sqlx::Error::Database(wait)) if matches!(wait.code().as_deref(), Some("53300" | "57P03")) => {
                match timeout_at(deadline, &mut acquire).await {
                    Ok(Ok(first)) => Ok(first),
                    _ => Err(Some(sqlx::Error::Database(wait))),
                }
            }
            Some(error) => Err(Some(error)),
            None => acquire.await.map_err(Some),
        }
    };
    match timeout_at(deadline, first).await {
        Ok(Ok(mut connection)) => {
            // Eagerly, so that the first statement finds it there.
            connection.return_to_pool().await;
            Ok(())
        }
        Ok(Err(Some(sqlx::Error::PoolTimedOut))) | Err(_) => Err(None),
        Ok(Err(reason)) => Err(reason),
    }
}

/// Why no connection can be made, found out by making one; `None` where one can.
pub(super) async fn unreachable(
    pool: &PgPool,
    server: &Server,
    place: &PostgresUrl,
    limit: Duration,
) -> Option<ConnectError> {
    let target = Box::new(Target::of_server(place));
    let connect = pool.connect_options();
    let reason = match tokio::time::timeout(limit, PgConnection::connect_with(&connect)).await {
        Ok(Ok(connection)) => {
            // It was made: what becomes of it now is of no interest.
            let _ = connection.close().await;
            return None;
        }
        Ok(Err(reason)) => Some(reason),
        Err(_) => None,
    };
    // sqlx saw the end of a stream only.
    match server.relay.failure() {
        Some(Failure::Refused(refusal)) => return Some(ConnectError::Login { target, refusal }),
        Some(Failure::Driver(source)) => {
            return Some(ConnectError::Server { target, password: password(place), source });
        }
        None => {}
    }
    Some(match reason {
        Some(source) => ConnectError::Server { target, password: password(place), source },
        None => ConnectError::TimedOut { target, after: limit },
    })
}

fn pool(connect: &PgConnectOptions, options: &Options, pooled: bool, backends: Backends) -> PgPool {
    let statement_timeout = options.statement_timeout;
    let access = options.access;
    PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.connect_timeout)
        .idle_timeout(options.idle_timeout)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let backends = Arc::clone(&backends);
            Box::pin(async move {
                // Behind a transaction pooler a session is shared: nothing may be set on it, and none is ours to
                // cancel.
                if pooled {
                    return Ok(());
                }
                // Before anything is called. A name without a schema means the server's own, whatever the role's search
                // path says.
                let path = format!("SET search_path = {}; SET quote_all_identifiers = off", search_path::SAFE);
                connection.execute(sqlx::AssertSqlSafe(path)).await?;
                // So that a killed skyteam leaves nothing queued behind a lock: the server looks every second whether
                // we are still there. On a system that cannot look it refuses, and all stays as it was.
                let _ = connection.execute("SET client_connection_check_interval = '1s'").await;
                if let Some(limit) = statement_timeout {
                    let sql = format!("SET statement_timeout = {}", limit.as_millis());
                    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
                }
                let first = match access {
                    // A policy that hides rows from the role makes an error, not a shorter answer.
                    Access::Read => "SET default_transaction_read_only = on; SET row_security = off",
                    // A commit that is not known to be on its standby says so by a warning.
                    Access::Write => "SET client_min_messages = warning",
                };
                let backend = "SELECT a.pid, a.backend_start::text FROM (SELECT) one \
                     LEFT JOIN pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a ON true";
                // Unprepared: one round trip instead of three.
                let row =
                    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{first}; {backend}"))).fetch_one(connection).await?;
                if let (Some(pid), Some(started)) = (row.try_get(0)?, row.try_get(1)?) {
                    let backend = Backend { pid, started };
                    backends.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(backend);
                }
                Ok(())
            })
        })
        .connect_lazy_with(connect.clone())
}

/// Cancels what sessions of this pool still run, over a connection of its own, and returns whether one of them waits for a
/// standby.
///
/// A commit is never cancelled: while it waits for a synchronous standby that would make it succeed without one, and a
/// failover would lose what was acknowledged. sqlx 0.9 does not give out the key that the protocol's own cancel request
/// takes, so a session is known by its start and name besides its number.
pub(super) async fn cancel(pool: &PgPool, backends: &Backends) -> Result<bool, sqlx::Error> {
    let backends = backends.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    if backends.is_empty() {
        return Ok(false);
    }
    let (pids, starts): (Vec<i32>, Vec<String>) = backends.into_iter().map(|one| (one.pid, one.started)).unzip();
    let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
    let rows = sqlx::query(
        "SELECT coalesce(a.wait_event = 'SyncRep', false) AS awaits,
                CASE WHEN a.wait_event IS DISTINCT FROM 'SyncRep' AND upper(a.query) <> 'COMMIT'
                     THEN pg_cancel_backend(a.pid) END
         FROM pg_stat_activity a
         JOIN unnest($1::int4[], $2::text[]) AS ours (pid, started)
           ON ours.pid = a.pid AND ours.started = a.backend_start::text
         WHERE a.usename = current_user AND a.application_name = current_setting('application_name')
           AND a.state <> 'idle'",
    )
    .bind(pids)
    .bind(starts)
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    let awaits = rows.iter().map(|row| row.try_get("awaits")).collect::<Result<Vec<bool>, _>>()?;
    Ok(awaits.contains(&true))
}

/// Whether the URL says that the connection goes through a pooler in transaction mode: no statement may outlive its transaction.
pub(super) fn is_behind_pooler(place: &PostgresUrl) -> bool {
    place.parameter("statement-cache-capacity") == Some("0") || place.parameter("pgbouncer") == Some("true")
}

fn password(place: &PostgresUrl) -> Password {
    match (&place.password, &place.ignored_passfile) {
        (Some(_), _) => Password::Given,
        (None, Some(file)) => Password::FileIgnored(file.clone()),
        (None, None) => Password::None,
    }
}

/// The modes to try in turn for one that was asked for, as libpq does: `allow` is plain first, `prefer` plain last.
fn encryptions(mode: PgSslMode) -> &'static [PgSslMode] {
    match mode {
        PgSslMode::Disable => &[PgSslMode::Disable],
        PgSslMode::Allow => &[PgSslMode::Disable, PgSslMode::Require],
        PgSslMode::Prefer => &[PgSslMode::Prefer, PgSslMode::Disable],
        PgSslMode::Require => &[PgSslMode::Require],
        PgSslMode::VerifyCa => &[PgSslMode::VerifyCa],
        PgSslMode::VerifyFull => &[PgSslMode::VerifyFull],
    }
}

/// Whether the other mode of [`encryptions`] may do better.
fn is_about_encryption(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        // "no pg_hba.conf entry for …, no encryption", "pg_hba.conf rejects connection for …, SSL encryption"
        sqlx::Error::Database(refusal) => refusal.code().as_deref() == Some("28000"),
        _ => false,
    }
}

fn connect_options(place: &PostgresUrl, options: &mut Options) -> Result<PgConnectOptions, ConnectError> {
    let mut connect = PgConnectOptions::new_without_pgpass()
        // PgBouncer refuses it, and since PostgreSQL 12 all digits are shown anyway.
        .extra_float_digits(None)
        .application_name(&options.application_name)
        .username(&place.user_or_default())
        .disable_statement_logging();
    if let Some(password) = &place.password {
        connect = connect.password(password.expose());
    }
    if let Some(database) = &place.database {
        connect = connect.database(database);
    }
    for (name, value) in &place.parameters {
        // That one is SQLite's alone.
        if name == "busy_timeout" || !options.take(name, value)? {
            connect = parameter(connect, name, value)?;
        }
    }
    Ok(connect)
}

fn address(place: &PostgresUrl) -> Address {
    let (host, port) = (place.address(), place.port_or_default());
    if host.starts_with('/') { Address::Socket(relay::socket_path(&host, port)) } else { Address::Tcp(host, port) }
}

fn parameter(connect: PgConnectOptions, name: &str, value: &str) -> Result<PgConnectOptions, ConnectError> {
    let wrong = |accepted| Err(ConnectError::parameter(name, value, accepted));
    Ok(match (name, value) {
        _ if tls::PARAMETERS.contains(&name) => connect,
        ("application_name", _) => connect.application_name(value),
        ("statement-cache-capacity", _) => match value.parse() {
            Ok(capacity) => connect.statement_cache_capacity(capacity),
            Err(_) => return wrong("a number, 0 for a pooler in transaction mode"),
        },
        ("pgbouncer", "true") => connect.statement_cache_capacity(0),
        ("pgbouncer", "false") => connect,
        ("options", _) => match session_options(value) {
            Some(pairs) => connect.options(pairs),
            None => return wrong("-c name=value, as often as needed"),
        },
        _ => match super::libpq::accepts(name, value) {
            Ok(true) => connect,
            Ok(false) => return Err(ConnectError::UnknownParameter { name: name.to_owned() }),
            Err(error) => return Err(error),
        },
    })
}

/// The pairs of `-c name=value -c name=value` (also `--name=value`), where a backslash guards a blank.
fn session_options(text: &str) -> Option<Vec<(String, String)>> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => words.last_mut()?.extend(characters.next()),
            c if c.is_whitespace() => words.push(String::new()),
            c => words.last_mut()?.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    let mut words = words.into_iter();
    let mut pairs = Vec::new();
    while let Some(word) = words.next() {
        let pair = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next()?,
            Some(pair) => pair.to_owned(),
            None => return None,
        };
        let (name, value) = pair.split_once('=')?;
        pairs.push((name.replace('-', "_"), value.to_owned()));
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<(PgConnectOptions, Options), ConnectError> {
        let mut options = Options::default();
        match DatabaseUrl::parse(url).unwrap() {
            DatabaseUrl::Postgres(place) => {
                tls::encryption(&place)?;
                tls::rules(&place)?;
                connect_options(&place, &mut options).map(|connect| (connect, options))
            }
            DatabaseUrl::Sqlite(_) => unreachable!(),
        }
    }

    #[test]
    fn pool_parameters_reach_the_pool() {
        let url = "postgres://h/d?max_connections=2&idle_timeout=7&connect_timeout=9&statement_timeout=1500";
        let (_, options) = options(url).unwrap();
        assert_eq!((options.max_connections, options.idle_timeout.as_secs()), (2, 7));
        assert_eq!((options.connect_timeout.as_secs(), options.statement_timeout.unwrap().as_millis()), (9, 1500));
    }

    #[test]
    fn a_parameter_that_is_not_understood_is_refused() {
        for url in [
            "postgres://h/d?sslmode=strict",
            "postgres://h/d?max_connections=0",
            "postgres://h/d?connect_timeout=soon",
            "postgres://h/d?sslrootcert=system&sslmode=require",
            "postgres://h/d?sslmode=verify-ca&sslrootcert=/nonexistent/ca.pem",
            "postgres://h/d?channel_binding=require",
            "postgres://h/d?require_auth=scram",
            "postgres://h/d?sslmode=verify-full&sslcrl=/etc/hostname",
            "postgres://h/d?sslmode=verify-full&sslcrldir=/nonexistent",
            "postgres://h/d?sslmode=verify-full&sslcert=/etc/hostname",
            "postgres://h/d?ssl_min_protocol_version=TLSv1.4",
            "postgres://h/d?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
            "postgres://h/d?sslnegotiation=direct",
            "postgres://h/d?sslsni=no",
            "postgres://h/d?options=search_path",
            "postgres://h/d?shcema=x",
        ] {
            assert!(options(url).is_err(), "{url}");
        }
    }

    #[test]
    fn modes_follow_libpq() {
        let mode = |url: &str| match DatabaseUrl::parse(url).unwrap() {
            DatabaseUrl::Postgres(place) => tls::tls(&place).unwrap().mode_name(),
            DatabaseUrl::Sqlite(_) => unreachable!(),
        };
        assert_eq!(mode("postgres://h/d"), "prefer");
        assert_eq!(mode("postgres:///d?host=/run/x&sslmode=require"), "disable");
        assert_eq!(mode("postgres:///d?host=/run/x&hostaddr=10.0.0.1&sslmode=require"), "require");
        assert_eq!(mode("postgres://h/d?sslmode=require&sslrootcert=/etc/hostname"), "verify-ca");
    }

    #[test]
    fn session_options_are_split_as_the_server_does() {
        let pairs = session_options(r"-c search_path=a,b -cwork_mem=4MB --lock-timeout=5 -c x=a\ b").unwrap();
        let expected = [("search_path", "a,b"), ("work_mem", "4MB"), ("lock_timeout", "5"), ("x", "a b")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(session_options("search_path=a"), None);
    }
}
