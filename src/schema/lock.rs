//! What blocks a transaction about the schema, and how often it is retried.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use super::claims::Claims;
use super::live::LiveError;
use super::waiting::{Holder, LockPolicy, SessionError, Stuck, Wait, Waiting, is_locked};
use crate::db::{Database, Engine, sql_state};

/// The lock that reading takes.
const READING: &str = "ACCESS SHARE";

/// What a transaction ran into, and may be gone when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// A table, or on SQLite the file, stayed locked.
    Locked {
        /// What could not be done: `look at the schema`.
        what: String,
        /// The tables that it takes, of the schema `public`.
        tables: Vec<String>,
        /// The lock that it takes on them, in PostgreSQL's words.
        mode: &'static str,
        /// How long a try waits, where that is less than the policy says.
        window: Option<Duration>,
    },
    /// Something went away, or changed its shape, while it was read: another program changes the schema.
    Moved,
}

/// An error that may be such an obstacle.
pub(crate) trait Obstructed: From<SessionError> {
    /// The obstacle that it is, where trying again makes sense.
    fn obstacle(&self) -> Option<Obstacle>;

    /// The driver's error in it, to be kept as the reason.
    fn into_cause(self) -> Option<DbErr>;
}

impl Obstacle {
    /// What a driver's error says of tables that were being read.
    pub(crate) fn of_reading(error: &DbErr) -> Option<Self> {
        if is_locked(error) {
            let tables = super::desired::table_names();
            return Some(Self::Locked { what: "look at the schema".to_owned(), tables, mode: READING, window: None });
        }
        let state = sql_state(error)?;
        // undefined_table and undefined_column; internal_error is how the catalogue says that what it was about to
        // describe has gone ("could not open relation with OID 16385", "cache lookup failed for …").
        let moved = !state.sqlite && matches!(state.code.as_str(), "42P01" | "42703" | "XX000");
        moved.then_some(Self::Moved)
    }

    /// What a failure to read the catalogue says.
    pub(crate) fn of_live(error: &LiveError) -> Option<Self> {
        match error {
            LiveError::Driver(error) => Self::of_reading(error),
            LiveError::Catalogue(_) => Some(Self::Moved),
            _ => None,
        }
    }

    /// What a failure to begin says.
    pub(crate) fn of_session(error: &SessionError) -> Option<Self> {
        match error {
            SessionError::Driver(error) => Self::of_reading(error),
            SessionError::Contended(contended) => Some(Self::Locked {
                what: "lock the tables".to_owned(),
                tables: contended.tables.clone(),
                mode: contended.mode,
                window: Some(contended.waited),
            }),
            SessionError::Busy { .. } | SessionError::Locked(_) => None,
        }
    }
}

/// Counts how often a transaction was tried.
#[derive(Debug)]
pub(crate) struct RetryBudget<'a> {
    database: &'a Database,
    patience: &'a LockPolicy,
    attempt: u32,
}

impl<'a> RetryBudget<'a> {
    /// None yet.
    pub(crate) fn new(database: &'a Database, patience: &'a LockPolicy) -> Self {
        Self { database, patience, attempt: 0 }
    }

    /// Looks at the failure of a try, whose transaction is over. Where it may pass, says who is in the way and answers;
    /// the caller tries again.
    ///
    /// # Errors
    /// The failure, where it is none that passes; [`SessionError::Locked`] after the last try.
    pub(crate) async fn again<E: Obstructed>(&mut self, error: E, wait: &mut Waiting<'_>) -> Result<(), E> {
        let Some(obstacle) = error.obstacle() else { return Err(error) };
        self.attempt += 1;
        let Obstacle::Locked { what, tables, mode, window } = obstacle else {
            return if self.attempt < self.patience.tries.max(1) { Ok(()) } else { Err(error) };
        };
        let waited = window.unwrap_or(self.patience.lock_timeout);
        let of = self.patience.tries_within(waited);
        let holders = match self.database.engine() {
            Engine::Postgres => in_the_way(self.database.conn(), &tables, mode).await.map_err(SessionError::from)?,
            Engine::Sqlite => Vec::new(),
        };
        if self.attempt < of {
            wait(Wait::Lock { what: &what, holders: &holders, attempt: self.attempt, of });
            // Who was in the way gets time to end.
            if self.database.engine() == Engine::Postgres {
                tokio::time::sleep(pause(self.attempt)).await;
            }
            return Ok(());
        }
        let (engine, source) = (self.database.engine(), error.into_cause());
        Err(SessionError::Locked(Box::new(Stuck { what, engine, holders, waited, tries: of, kept: false, source }))
            .into())
    }
}

/// How long to pause after so many tries, the first being 1: longer each time up to a second, and never twice the same, so
/// that two who give way to each other do not meet again.
pub(super) fn pause(attempt: u32) -> Duration {
    let longest = Duration::from_millis(50 << attempt.saturating_sub(1).min(5)).min(Duration::from_secs(1));
    let [random, ..] = *uuid::Uuid::new_v4().as_bytes();
    longest / 2 + longest * u32::from(random) / 512
}

/// Names, before any lock is asked for, who has had one in the way of `claims` for longer than that would be waited for.
///
/// # Errors
/// The driver's.
pub(super) async fn warn_of(
    database: &Database,
    claims: &Claims,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<(), DbErr> {
    if database.engine() == Engine::Sqlite || claims.tables().is_empty() {
        return Ok(());
    }
    let mut holders = in_the_way(database.conn(), &claims.tables(), claims.mode()).await?;
    let long =
        |holder: &Holder| u64::try_from(holder.seconds).is_ok_and(|s| Duration::from_secs(s) >= patience.lock_timeout);
    holders.retain(|holder| holder.prepared.is_some() || long(holder));
    if !holders.is_empty() {
        wait(Wait::Ahead(&holders));
    }
    Ok(())
}

/// Who has, or is queued before us for, a lock on `tables` of `public` or on skyteam's own that does not go with one of
/// `mode`, the longest first.
///
/// # Errors
/// The driver's.
pub(crate) async fn in_the_way(db: &impl ConnectionTrait, tables: &[String], mode: &str) -> Result<Vec<Holder>, DbErr> {
    let names: Vec<String> = tables.iter().map(|table| super::dialect::literal(table)).collect();
    let names = if names.is_empty() { "''".to_owned() } else { names.join(", ") };
    // The table of conflicts in PostgreSQL's manual, section 13.3.1. Who only reads waits also for those who wait for
    // the whole table themselves.
    let conflicting = match mode {
        READING => "l.mode = 'AccessExclusiveLock'",
        "SHARE" => "l.granted AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock')",
        "SHARE ROW EXCLUSIVE" => "l.granted AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')",
        _ => "l.granted",
    };
    holders(
        db,
        &format!(
            "l.locktype = 'relation' AND {conflicting} AND l.relation IN (SELECT oid FROM pg_class \
             WHERE relnamespace = to_regnamespace('public') AND relname IN ({names}) \
             OR relnamespace = to_regnamespace('skyteam'))"
        ),
    )
    .await
}

/// The sessions of this database with a lock of which `which` is true.
///
/// # Errors
/// The driver's.
pub(super) async fn holders(db: &impl ConnectionTrait, which: &str) -> Result<Vec<Holder>, DbErr> {
    let sql = format!(
        "WITH ours AS MATERIALIZED (SELECT l.pid, l.virtualtransaction FROM pg_locks l \
           WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND {which}) \
         SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), \
         coalesce(a.state, a.backend_type, ''), coalesce(a.query, ''), \
         coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, 0) AS seconds, NULL::text AS gid \
         FROM pg_stat_activity a WHERE a.pid IN (SELECT pid FROM ours) AND a.pid <> pg_backend_pid() \
         UNION ALL \
         SELECT 0, '', p.owner::text, 'prepared', '', \
         extract(epoch FROM clock_timestamp() - p.prepared)::bigint, p.gid \
         FROM pg_prepared_xacts p WHERE p.transaction IN (SELECT t.transactionid FROM pg_locks t \
           WHERE t.locktype = 'transactionid' AND t.pid IS NULL \
           AND t.virtualtransaction IN (SELECT virtualtransaction FROM ours WHERE pid IS NULL)) \
         ORDER BY seconds DESC, 1"
    );
    let rows = db.query_all_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter()
        .map(|row| {
            Ok(Holder {
                pid: row.try_get_by_index(0)?,
                prepared: row.try_get_by_index(6)?,
                application: row.try_get_by_index(1)?,
                role: row.try_get_by_index(2)?,
                state: row.try_get_by_index(3)?,
                query: row.try_get_by_index(4)?,
                seconds: row.try_get_by_index(5)?,
            })
        })
        .collect()
}
