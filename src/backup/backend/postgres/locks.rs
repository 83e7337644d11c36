//! Locks on tables that applications use at the same time.
//!
//! PostgreSQL queues everybody behind a session that waits for ACCESS EXCLUSIVE, readers included. So nothing here
//! waits while it holds: a backup takes all its locks at once or none, gives way when a session waits for what it holds,
//! and a restore waits for each table only briefly and lets go of all of them before it tries again.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::Mutex;

use crate::backup::error::Result;
use crate::db::quote;

/// How long a session may wait for a lock that a backup holds, before the backup gives way. Together with [`LOOK`] it keeps
/// those who are queued behind from waiting a second.
const POLITENESS: Duration = Duration::from_millis(250);
/// How often a backup looks whether a session waits.
const LOOK: Duration = Duration::from_millis(200);
/// Between two tries to take locks.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a restore waits for all its tables together in one try, with everybody else queued behind it.
const BRIEFLY: Duration = Duration::from_millis(600);
/// How long a restore that holds its tables waits for anything else.
pub(crate) const HOLDING: Duration = Duration::from_secs(1);

/// Whether a lock was not free: lock_not_available, deadlock_detected.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    has_code(error, &["55P03", "40P01"])
}

/// Whether a table has gone, and perhaps was made anew, since it was looked up.
pub(crate) fn is_gone(error: &sqlx::Error) -> bool {
    has_code(error, &["42P01"])
}

/// Whether a standby has taken away what a backup was reading.
pub(crate) fn is_recovery_conflict(error: &sqlx::Error) -> bool {
    has_code(error, &["40001"])
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}

/// A deadline for tries, with a pause between them.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    deadline: Instant,
}

impl RetryBudget {
    /// Tries for so long.
    pub(crate) fn within(patience: Duration) -> Self {
        Self { deadline: Instant::now() + patience }
    }

    /// Waits a moment; `false` when the time is over.
    pub(crate) async fn pause(&self) -> bool {
        let goes_on = Instant::now() < self.deadline;
        if goes_on {
            tokio::time::sleep(PAUSE).await;
        }
        goes_on
    }
}

/// Locks tables, given by their quoted paths, for reading: all of them, or the server's refusal at once.
///
/// # Errors
/// The driver's; then the transaction is lost.
pub(crate) async fn share_now(connection: &mut PgConnection, paths: &[String]) -> Result<(), sqlx::Error> {
    if paths.is_empty() {
        return Ok(());
    }
    let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE NOWAIT", paths.join(", "));
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

/// As [`share_now`], where the transaction stays usable: returns whether the locks were free.
///
/// # Errors
/// The driver's, but for a lock that is not free.
pub(crate) async fn try_to_share(connection: &mut PgConnection, path: &str) -> Result<bool, sqlx::Error> {
    let savepoint =
        async |connection: &mut PgConnection, sql: &'static str| sqlx::raw_sql(sql).execute(connection).await.map(drop);
    savepoint(connection, "SAVEPOINT reading").await?;
    match share_now(connection, &[path.to_owned()]).await {
        Ok(()) => savepoint(connection, "RELEASE SAVEPOINT reading").await.map(|()| true),
        Err(error) if has_code(&error, &["55P03"]) => {
            savepoint(connection, "ROLLBACK TO SAVEPOINT reading").await.map(|()| false)
        }
        Err(error) => Err(error),
    }
}

/// The process on the server behind a connection.
///
/// # Errors
/// The driver's.
pub(crate) async fn pid(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query("SELECT pg_backend_pid() AS pid").fetch_one(connection).await?.try_get("pid")
}

/// Returns once a session has waited for a while to have a table alone that one of these processes reads.
///
/// # Errors
/// The driver's.
pub(crate) async fn somebody_waits(connection: &Mutex<PgConnection>, pids: &[i32]) -> Result<(), sqlx::Error> {
    loop {
        tokio::time::sleep(LOOK).await;
        if is_waited_for(&mut *connection.lock().await, pids).await? {
            return Ok(());
        }
    }
}

async fn is_waited_for(connection: &mut PgConnection, pids: &[i32]) -> Result<bool, sqlx::Error> {
    // Only who waits for the whole table keeps readers waiting.
    let sql = "SELECT EXISTS (SELECT FROM pg_locks AS waiting
                              WHERE NOT granted AND locktype = 'relation' AND mode = 'AccessExclusiveLock'
                                AND waitstart < clock_timestamp() - $2::float8 * interval '1 second'
                                AND pid <> ALL ($1) AND pg_blocking_pids(pid) && $1) AS waits";
    let row = sqlx::query(sql).bind(pids).bind(POLITENESS.as_secs_f64()).fetch_one(connection).await?;
    row.try_get("waits")
}

/// Returns once a session waits for what the sessions of this name read. They are looked up each time.
///
/// # Errors
/// The driver's.
pub(crate) async fn somebody_waits_for(
    connection: &mut PgConnection,
    application: &str,
) -> Result<Vec<i32>, sqlx::Error> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND usename = current_user";
    loop {
        tokio::time::sleep(LOOK).await;
        let rows = sqlx::query(sql).bind(application).fetch_all(&mut *connection).await?;
        let pids: Vec<i32> = rows.iter().map(|row| row.try_get("pid")).collect::<Result<_, _>>()?;
        if is_waited_for(connection, &pids).await? {
            return Ok(pids);
        }
    }
}

/// Ends our own sessions, so that their locks go at once, however far away the server is and whatever it is sending.
///
/// # Errors
/// The driver's.
pub(crate) async fn end_sessions(connection: &mut PgConnection, pids: &[i32]) -> Result<(), sqlx::Error> {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM unnest($1::int4[]) AS pid WHERE pid <> pg_backend_pid()";
    sqlx::query(sql).bind(pids).execute(connection).await.map(drop)
}

/// A statement that locks tables for oneself alone, all of them or none, and tries for so long as `patience` says; then
/// it runs `refuse`, in PL/pgSQL. In between others get their turn. Whatever the transaction waits for afterwards, it
/// waits for [`HOLDING`] at most.
pub(crate) fn exclusive(tables: &[String], patience: Duration, refuse: &str) -> String {
    if tables.is_empty() {
        return String::new();
    }
    let each = (BRIEFLY / u32::try_from(tables.len()).unwrap_or(u32::MAX)).max(Duration::from_millis(50));
    format!(
        "DO $lock$ DECLARE deadline timestamptz := clock_timestamp() + interval '{} milliseconds'; BEGIN
  PERFORM pg_catalog.set_config('lock_timeout', '{}', true);
  LOOP
    BEGIN
      LOCK TABLE {} IN ACCESS EXCLUSIVE MODE;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF clock_timestamp() >= deadline THEN {refuse}; END IF;
    END;
    PERFORM pg_catalog.pg_sleep(0.05 + 0.1 * random());
  END LOOP;
  PERFORM pg_catalog.set_config('lock_timeout', '{}', true);
END $lock$",
        patience.as_millis(),
        each.as_millis(),
        tables.join(", "),
        HOLDING.as_millis(),
    )
}

/// Tables of the contract by name, quoted and with their schema, as [`exclusive`] takes them.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(|name| format!("public.{}", quote(name))).collect()
}
