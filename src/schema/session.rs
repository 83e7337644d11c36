//! The transactions in which a schema is looked at and changed, and the one lock that all changes of it share.
//!
//! The lock is taken by trying, so that a wait can be reported with the session that holds the lock. It belongs to the
//! transaction, so that it also works through a transaction pooler and goes when a client is killed. On SQLite
//! `BEGIN IMMEDIATE` is the lock.
//!
//! Other sessions lock tables too, also against reading the catalogue: PostgreSQL reads no trigger of a table that one
//! rewrites. No transaction waits for one longer than [`LockPolicy::lock_timeout`]; then all is undone, so that nothing
//! stays queued, and it is tried again ([`RetryBudget`]).

use std::time::{Duration, Instant};

use migration::runner::LOCK;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use sqlx::sqlite::SqlitePoolOptions;

use super::claims::{self, Claims};
use super::lock::{Obstructed, RetryBudget};
use super::waiting::{LockPolicy, SessionError, Wait, Waiting};
use crate::db::{Connection, Database, Engine, Pool, Transaction};

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
                settle(database, &txn, patience).await?;
                // A plan is made from all rows, or not at all.
                txn.execute_unprepared("SET LOCAL row_security = off").await?;
                txn
            }
            Engine::Sqlite => database.begin_read().await?,
        };
        Ok(Self { txn, own: None })
    }

    /// Begins a transaction that may change the schema, alone. On SQLite foreign keys are off, which is the only way to
    /// replace a table that others refer to: a caller that does so looks for broken references before the end.
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
            settle(database, &txn, patience).await?;
            txn.execute_unprepared("SET LOCAL row_security = off").await?;
            return Ok(Self { txn, own: None });
        };
        let options = (*pool.connect_options()).clone().foreign_keys(false).busy_timeout(patience.lock_timeout);
        let own = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        let own = Connection::new(Pool::Sqlite(own), database.options());
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
    /// [`DbErr`] of the driver. A connection lost here leaves the outcome unknown.
    pub async fn commit(self) -> Result<(), DbErr> {
        let done = self.txn.commit().await;
        end(self.own).await;
        done
    }

    /// Undoes it.
    ///
    /// # Errors
    /// [`DbErr`] of the driver.
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
pub(crate) async fn look<T, E: Obstructed>(
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
pub(crate) async fn glance<T, E: Obstructed>(
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

/// The first statement of every transaction about the schema: no wait for a table is longer than this.
///
/// A time limit that is set for the role or the database is meant for its apps; an index takes as long as it takes. One that
/// was asked for of this run is kept.
async fn settle(database: &Database, txn: &Transaction, patience: &LockPolicy) -> Result<(), DbErr> {
    let limit = patience.lock_timeout.as_millis();
    let unlimited =
        if database.options().statement_timeout.is_none() { "; SET LOCAL statement_timeout = 0" } else { "" };
    txn.execute_unprepared(&format!("SET LOCAL lock_timeout = {limit}{unlimited}")).await?;
    Ok(())
}

async fn end(own: Option<Connection>) {
    if let Some(own) = own {
        own.close().await;
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
