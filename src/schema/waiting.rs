//! How long a transaction about the schema waits for other sessions, and the errors when it waited too long.

use std::time::Duration;

use sea_orm::DbErr;
use serde::Serialize;

use crate::db::{Engine, sql_state};

/// How long one waits.
#[derive(Clone, Copy, Debug)]
pub struct LockPolicy {
    /// Longest wait for a lock on a table, in one try. Where others could be made to wait by it, a try waits for less
    /// than the server's `deadlock_timeout`, and there are more of them.
    pub lock_timeout: Duration,
    /// How often the whole transaction is tried when a table stays locked; 1 or more.
    pub tries: u32,
    /// Longest wait for another change of the schema to end.
    pub queue: Duration,
}

impl Default for LockPolicy {
    /// 3 s for a table, three tries, five minutes for another push.
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(3), tries: 3, queue: Duration::from_secs(300) }
    }
}

impl LockPolicy {
    /// How often to try when one try waits for `window` only: half of the whole time is waited, the other half passes in
    /// the pauses between.
    pub(super) fn tries_within(&self, window: Duration) -> u32 {
        let tries = self.tries.max(1);
        if window >= self.lock_timeout {
            return tries;
        }
        let whole = self.lock_timeout.as_millis().saturating_mul(tries.into());
        u32::try_from(whole / (2 * window.as_millis()).max(1)).unwrap_or(u32::MAX).max(tries)
    }
}

/// Another session that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process on the server; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// The name of the prepared transaction that it is, which ends by nothing but a statement.
    pub prepared: Option<String>,
    /// What it calls itself.
    pub application: String,
    /// Its role.
    pub role: String,
    /// What it does: `active`, `idle in transaction`, …
    pub state: String,
    /// Its latest statement; empty where the role may not see it.
    pub query: String,
    /// For how many seconds its transaction has been open.
    pub seconds: i64,
}

/// What is being waited for.
#[derive(Debug)]
pub enum Wait<'a> {
    /// Another change of the schema goes on.
    Change(&'a Holder),
    /// These have had a lock for long that is about to be wanted: it may have to be waited for.
    Ahead(&'a [Holder]),
    /// A table, or on SQLite the file, is in use by others; everything was undone and is tried again.
    Lock {
        /// What could not be done: `look at the schema`.
        what: &'a str,
        /// Who is in the way, as far as could be seen.
        holders: &'a [Holder],
        /// Which try this was, from 1.
        attempt: u32,
        /// How many there are.
        of: u32,
    },
}

/// Receives what is waited for.
pub type Waiting<'a> = dyn FnMut(Wait<'_>) + Send + 'a;

/// A lock that did not come free, however often it was tried.
#[derive(Debug)]
pub struct Stuck {
    /// What could not be done: `look at the schema`.
    pub what: String,
    /// The engine.
    pub engine: Engine,
    /// Who is in the way, as far as could be seen.
    pub holders: Vec<Holder>,
    /// How long each try waited.
    pub waited: Duration,
    /// How often was tried.
    pub tries: u32,
    /// Whether what was done before is kept.
    pub kept: bool,
    /// The driver's error of the last try.
    pub source: Option<DbErr>,
}

/// Why a transaction could not be begun, or came to nothing as often as it was tried.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Another change of the schema did not end in time.
    #[error("another change of the schema is still going on")]
    Busy {
        /// Who makes it.
        holders: Vec<Holder>,
        /// How long was waited.
        waited: Duration,
    },
    /// A table, or on SQLite the file, stayed locked.
    #[error("could not {}: it is locked", .0.what)]
    Locked(Box<Stuck>),
    /// The locks that are taken first were not free in time; it is tried again.
    #[error("the tables are locked")]
    Contended(Box<Contended>),
    /// The driver's.
    #[error(transparent)]
    Driver(#[from] DbErr),
}

/// Locks that were not free in time. All is to be undone and tried again.
#[derive(Debug)]
pub struct Contended {
    /// The tables that were to be locked.
    pub tables: Vec<String>,
    /// The strongest lock that was wanted.
    pub mode: &'static str,
    /// How long was waited.
    pub waited: Duration,
    /// Whether the next try must take the strongest locks from the start: who has one waits for this transaction, or it did
    /// not come free.
    pub mutual: bool,
    /// The driver's error, unless nothing was sent.
    pub source: Option<DbErr>,
}

/// Whether another session's lock was in the way: lock_not_available on PostgreSQL, and deadlock_detected, where the other
/// session goes on and the next try finds the way free; SQLITE_BUSY and SQLITE_LOCKED on SQLite, whatever their extension.
pub(crate) fn is_locked(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|state| {
        if state.sqlite {
            state.code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
        } else {
            matches!(state.code.as_str(), "55P03" | "40P01")
        }
    })
}
