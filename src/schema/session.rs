//! The transactions in which a schema is looked at and changed, and the one lock that all changes of it share.
//!
//! The lock is taken by trying, so that whoever waits can be told for whom; it belongs to the transaction, so that it
//! also works through a transaction pooler and goes when a client is killed. On SQLite `BEGIN IMMEDIATE` is the lock.
//!
//! Tables are locked by others too, whoever only looks included: PostgreSQL reads no trigger of a table that somebody
//! rewrites. No transaction waits for one longer than [`LockPolicy::lock_timeout`]; then all is undone, so that nothing
//! stays queued, and it is tried again ([`RetryBudget`]).

use std::time::{Duration, Instant};

use migration::runner::LOCK;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde::Serialize;
use sqlx::sqlite::SqlitePoolOptions;

use super::claims::{self, Claims, Contended};
use super::lock::{Obstructed, RetryBudget};
use crate::db::{Connection, Database, Engine, Transaction};

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

/// Who is told what is waited for.
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

/// A transaction that may change the schema, with all that it needs around it.
#[derive(Debug)]
pub struct Session {
    txn: Transaction,
    /// SQLite: the connection without foreign keys, to be closed.
    own: Option<Connection>,
}

impl Session {
    async fn look(
        database: &Database,
        patience: &LockPolicy,
        queued: bool,
        wait: &mut Waiting<'_>,
    ) -> Result<Self, SessionError> {
        let txn = match database.engine() {
            Engine::Postgres => {
                let txn = database.begin().await?;
                if queued {
                    queue(&txn, "pg_try_advisory_xact_lock_shared", patience, wait).await?;
                }
                settle(&txn, patience).await?;
                txn
            }
            Engine::Sqlite => database.begin_read().await?,
        };
        Ok(Self { txn, own: None })
    }

    /// Begins a transaction that may change the schema, alone. On
    /// SQLite foreign keys are off, which is the only way to replace a table that others refer to: whoever does that
    /// looks for broken references before the end.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn change(
        database: &Database,
        patience: &LockPolicy,
        wait: &mut Waiting<'_>,
    ) -> Result<Self, SessionError> {
        let Some(pool) = database.sqlite() else {
            let txn = database.begin().await?;
            queue(&txn, "pg_try_advisory_xact_lock", patience, wait).await?;
            settle(&txn, patience).await?;
            return Ok(Self { txn, own: None });
        };
        let options = (*pool.connect_options()).clone().foreign_keys(false).busy_timeout(patience.lock_timeout);
        let own = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        let own = Connection::new(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(own));
        Ok(Self { txn: own.begin().await?, own: Some(own) })
    }

    /// Takes the locks that it is going to need, before anything else; nothing on SQLite.
    ///
    /// # Errors
    /// [`SessionError::Contended`], and the driver's.
    pub(super) async fn claim(&self, claims: &Claims, policy: &LockPolicy) -> Result<(), SessionError> {
        claims::take(&self.txn, claims, policy).await
    }

    /// The transaction.
    pub fn txn(&self) -> &Transaction {
        &self.txn
    }

    /// Makes it last.
    ///
    /// # Errors
    /// The driver's. A connection lost here leaves the outcome unknown.
    pub async fn commit(self) -> Result<(), DbErr> {
        let done = self.txn.commit().await;
        end(self.own).await;
        done
    }

    /// Undoes it.
    ///
    /// # Errors
    /// The driver's.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let done = self.txn.rollback().await;
        end(self.own).await;
        done
    }
}

/// Looks around in `database` with `work`, in a transaction that is undone; again where a table stays locked or goes
/// away meanwhile. It shares the schema's lock with others who look, and waits for who changes.
///
/// # Errors
/// The work's, and [`SessionError`] as one of its.
pub async fn look<T, E: Obstructed>(
    database: &Database,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
    work: impl AsyncFn(&Transaction) -> Result<T, E>,
) -> Result<T, E> {
    looking(database, patience, true, wait, work).await
}

/// The same without the schema's lock: a mere question is not kept waiting by a change that goes on.
///
/// # Errors
/// As for [`look`].
pub async fn glance<T, E: Obstructed>(
    database: &Database,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
    work: impl AsyncFn(&Transaction) -> Result<T, E>,
) -> Result<T, E> {
    looking(database, patience, false, wait, work).await
}

async fn looking<T, E: Obstructed>(
    database: &Database,
    patience: &LockPolicy,
    queued: bool,
    wait: &mut Waiting<'_>,
    work: impl AsyncFn(&Transaction) -> Result<T, E>,
) -> Result<T, E> {
    let mut tries = RetryBudget::new(database, patience);
    loop {
        let error = match Session::look(database, patience, queued, wait).await {
            Ok(session) => match work(session.txn()).await {
                Ok(value) => {
                    session.rollback().await.map_err(SessionError::from)?;
                    return Ok(value);
                }
                Err(error) => {
                    // The failure is what matters; a connection that is lost has rolled back by itself.
                    let _ = session.rollback().await;
                    error
                }
            },
            Err(error) => error.into(),
        };
        tries.again(error, wait).await?;
    }
}

/// What every transaction about the schema is told: no table is waited for any longer than this.
async fn settle(txn: &Transaction, patience: &LockPolicy) -> Result<(), DbErr> {
    let limit = patience.lock_timeout.as_millis();
    txn.execute_unprepared(&format!("SET LOCAL lock_timeout = {limit}")).await?;
    Ok(())
}

async fn end(own: Option<Connection>) {
    if let Some(own) = own {
        own.inner().get_sqlite_connection_pool().close().await;
    }
}

/// Takes the lock with `function`, trying until it works or the patience ends.
async fn queue(
    txn: &Transaction,
    function: &str,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<(), SessionError> {
    const PAUSE: Duration = Duration::from_millis(100);
    let (class, object) = LOCK;
    let attempt = format!("SELECT {function}({class}, {object})");
    let begun = Instant::now();
    let mut told: Vec<i32> = Vec::new();
    loop {
        let row = txn.query_one_raw(Query::from_string(DbBackend::Postgres, attempt.clone())).await?;
        if row.map(|row| row.try_get_by_index::<bool>(0)).transpose()?.unwrap_or_default() {
            return Ok(());
        }
        let holders = super::lock::holders(
            txn,
            &format!(
                "l.granted AND l.locktype = 'advisory' AND l.classid = {class} AND l.objid = {object} \
                 AND l.objsubid = 2"
            ),
        )
        .await?;
        for holder in &holders {
            if !told.contains(&holder.pid) {
                told.push(holder.pid);
                wait(Wait::Change(holder));
            }
        }
        if begun.elapsed() >= patience.queue {
            return Err(SessionError::Busy { holders, waited: begun.elapsed() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}
