//! What is in the way of a transaction about the schema, and how often it is tried again.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};

use super::live::LiveError;
use super::session::{Holder, LockPolicy, SessionError, Stuck, Wait, Waiting};
use crate::db::{Database, Engine, sql_state};

/// The lock that reading takes.
const READING: &str = "ACCESS SHARE";

/// What a transaction ran into, and may be gone when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A table, or on SQLite the file, stayed locked.
    Locked {
        /// What could not be done: `look at the schema`.
        what: String,
        /// The tables that it takes, of the schema `public`.
        tables: Vec<String>,
        /// The lock that it takes on them, in PostgreSQL's words.
        mode: &'static str,
    },
    /// Something went away, or changed its shape, while it was read: another program changes the schema.
    Moved,
}

/// An error that may be such an obstacle.
pub trait Obstructed: From<SessionError> {
    /// The obstacle that it is, where trying again makes sense.
    fn obstacle(&self) -> Option<Obstacle>;

    /// The driver's error in it, to be kept as the reason.
    fn into_cause(self) -> Option<DbErr>;
}

impl Obstacle {
    /// What a driver's error says of tables that were being read.
    pub fn of_reading(error: &DbErr) -> Option<Self> {
        if is_locked(error) {
            let tables = super::desired::table_names();
            return Some(Self::Locked { what: "look at the schema".to_owned(), tables, mode: READING });
        }
        let state = sql_state(error)?;
        // undefined_table and undefined_column; internal_error is how the catalogue says that what it was about to
        // describe has gone ("could not open relation with OID 16385", "cache lookup failed for …").
        let moved = !state.sqlite && matches!(state.code.as_str(), "42P01" | "42703" | "XX000");
        moved.then_some(Self::Moved)
    }

    /// What a failure to read the catalogue says.
    pub fn of_live(error: &LiveError) -> Option<Self> {
        match error {
            LiveError::Driver(error) => Self::of_reading(error),
            LiveError::Catalogue(_) => Some(Self::Moved),
            _ => None,
        }
    }

    /// What a failure to begin says.
    pub fn of_session(error: &SessionError) -> Option<Self> {
        match error {
            SessionError::Driver(error) => Self::of_reading(error),
            SessionError::Busy { .. } | SessionError::Locked(_) => None,
        }
    }
}

/// Whether somebody's lock was in the way: lock_not_available on PostgreSQL, and deadlock_detected, where who came first
/// goes on and the next try finds the way free; SQLITE_BUSY and SQLITE_LOCKED on SQLite, whatever their extension.
pub(crate) fn is_locked(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|state| {
        if state.sqlite {
            state.code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
        } else {
            matches!(state.code.as_str(), "55P03" | "40P01")
        }
    })
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
        let of = self.patience.tries.max(1);
        self.attempt += 1;
        let Obstacle::Locked { what, tables, mode } = obstacle else {
            return if self.attempt < of { Ok(()) } else { Err(error) };
        };
        let holders = match self.database.engine() {
            Engine::Postgres => in_the_way(self.database.conn(), &tables, mode).await.map_err(SessionError::from)?,
            Engine::Sqlite => Vec::new(),
        };
        if self.attempt < of {
            wait(Wait::Lock { what: &what, holders: &holders, attempt: self.attempt, of });
            return Ok(());
        }
        let (engine, waited, source) = (self.database.engine(), self.patience.lock_timeout, error.into_cause());
        Err(SessionError::Locked(Box::new(Stuck { what, engine, holders, waited, tries: of, source })).into())
    }
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
        "SELECT DISTINCT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), \
         coalesce(a.state, ''), coalesce(a.query, ''), \
         coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, 0) AS seconds \
         FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
         WHERE a.pid <> pg_backend_pid() \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND {which} ORDER BY seconds DESC, a.pid"
    );
    let rows = db.query_all_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter()
        .map(|row| {
            Ok(Holder {
                pid: row.try_get_by_index(0)?,
                application: row.try_get_by_index(1)?,
                role: row.try_get_by_index(2)?,
                state: row.try_get_by_index(3)?,
                query: row.try_get_by_index(4)?,
                seconds: row.try_get_by_index(5)?,
            })
        })
        .collect()
}
