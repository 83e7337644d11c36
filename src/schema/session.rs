//! The transactions in which a schema is looked at and changed, and the one lock that all changes of it share.
//!
//! The lock is taken by trying, so that whoever waits can be told for whom; it belongs to the transaction, so that it
//! also works through a transaction pooler and goes when a client is killed. On SQLite `BEGIN IMMEDIATE` is the lock.

use std::time::{Duration, Instant};

use migration::runner::LOCK;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde::Serialize;
use sqlx::sqlite::SqlitePoolOptions;

use crate::db::{Connection, Database, DatabaseUrl, Engine, Transaction};

/// How long one waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Longest wait for a lock on a table, in one try.
    pub lock_timeout: Duration,
    /// How often the whole transaction is tried when a table stays locked; 1 or more.
    pub tries: u32,
    /// Longest wait for another change of the schema to end.
    pub queue: Duration,
}

impl Default for Patience {
    /// 3 s for a table, three tries, five minutes for another push.
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(3), tries: 3, queue: Duration::from_secs(300) }
    }
}

/// Another session that is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process on the server.
    pub pid: i32,
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

/// Why no transaction could be begun.
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
    /// SQLite in memory: the one connection there is, whose foreign keys come on again.
    restore: Option<Connection>,
}

impl Session {
    /// Begins a transaction to look around in. It shares the lock with others who look, and waits for who changes.
    ///
    /// `wait` is told of everybody who is waited for, once each.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn look(
        database: &Database,
        patience: &Patience,
        wait: &mut dyn FnMut(&Holder),
    ) -> Result<Self, SessionError> {
        let txn = match database.engine() {
            Engine::Postgres => {
                let txn = database.begin().await?;
                queue(&txn, "pg_try_advisory_xact_lock_shared", patience, wait).await?;
                txn
            }
            Engine::Sqlite => database.begin_read().await?,
        };
        Ok(Self { txn, own: None, restore: None })
    }

    /// Begins a transaction that may change the schema, alone. On PostgreSQL names without a schema mean `public`; on
    /// SQLite foreign keys are off, which is the only way to replace a table that others refer to: whoever does that
    /// looks for broken references before the end.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn change(
        database: &Database,
        patience: &Patience,
        wait: &mut dyn FnMut(&Holder),
    ) -> Result<Self, SessionError> {
        match database.engine() {
            Engine::Postgres => {
                let txn = database.begin().await?;
                queue(&txn, "pg_try_advisory_xact_lock", patience, wait).await?;
                let limit = patience.lock_timeout.as_millis();
                txn.execute_unprepared(&format!("SET LOCAL search_path = public; SET LOCAL lock_timeout = {limit}"))
                    .await?;
                Ok(Self { txn, own: None, restore: None })
            }
            Engine::Sqlite => Self::without_foreign_keys(database).await,
        }
    }

    async fn without_foreign_keys(database: &Database) -> Result<Self, SessionError> {
        let in_memory = matches!(database.url(), DatabaseUrl::Sqlite(place) if place.in_memory());
        match database.sqlite() {
            Some(pool) if !in_memory => {
                let options = (*pool.connect_options()).clone().foreign_keys(false);
                let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
                let own = Connection::new(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool));
                Ok(Self { txn: own.begin().await?, own: Some(own), restore: None })
            }
            // There is one connection, and another one would be another database.
            _ => {
                let restore = database.conn().clone();
                restore.execute_unprepared("PRAGMA foreign_keys = OFF").await?;
                match restore.begin().await {
                    Ok(txn) => Ok(Self { txn, own: None, restore: Some(restore) }),
                    Err(error) => {
                        restore.execute_unprepared("PRAGMA foreign_keys = ON").await?;
                        Err(error.into())
                    }
                }
            }
        }
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
        end(self.own, self.restore).await?;
        done
    }

    /// Undoes it.
    ///
    /// # Errors
    /// The driver's.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let done = self.txn.rollback().await;
        end(self.own, self.restore).await?;
        done
    }
}

async fn end(own: Option<Connection>, restore: Option<Connection>) -> Result<(), DbErr> {
    if let Some(own) = own {
        own.inner().get_sqlite_connection_pool().close().await;
    }
    if let Some(restore) = restore {
        restore.execute_unprepared("PRAGMA foreign_keys = ON").await?;
    }
    Ok(())
}

/// Takes the lock with `function`, trying until it works or the patience ends.
async fn queue(
    txn: &Transaction,
    function: &str,
    patience: &Patience,
    wait: &mut dyn FnMut(&Holder),
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
        let holders = holders(
            txn,
            &format!(
                "l.locktype = 'advisory' AND l.classid = {class} AND l.objid = {object} AND l.objsubid = 2 \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ),
        )
        .await?;
        for holder in &holders {
            if !told.contains(&holder.pid) {
                told.push(holder.pid);
                wait(holder);
            }
        }
        if begun.elapsed() >= patience.queue {
            return Err(SessionError::Busy { holders, waited: begun.elapsed() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who holds a lock on `tables` of `public` that does not go with one of `mode`, the longest first.
///
/// # Errors
/// The driver's.
pub async fn in_the_way(db: &impl ConnectionTrait, tables: &[String], mode: &str) -> Result<Vec<Holder>, DbErr> {
    let names: Vec<String> = tables.iter().map(|table| super::dialect::literal(table)).collect();
    // The table of conflicts in PostgreSQL's manual, section 13.3.1.
    let compatible = match mode {
        "SHARE" => "'AccessShareLock', 'RowShareLock', 'ShareLock'",
        "SHARE ROW EXCLUSIVE" => "'AccessShareLock', 'RowShareLock'",
        _ => "''",
    };
    holders(
        db,
        &format!(
            "l.locktype = 'relation' AND l.mode NOT IN ({compatible}) AND l.relation IN (SELECT oid FROM pg_class \
         WHERE relnamespace = to_regnamespace('public') AND relname IN ({}))",
            if names.is_empty() { "''".to_owned() } else { names.join(", ") }
        ),
    )
    .await
}

async fn holders(db: &impl ConnectionTrait, which: &str) -> Result<Vec<Holder>, DbErr> {
    let sql = format!(
        "SELECT DISTINCT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), \
         coalesce(a.state, ''), coalesce(a.query, ''), \
         coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, 0) AS seconds \
         FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
         WHERE l.granted AND a.pid <> pg_backend_pid() AND {which} ORDER BY seconds DESC, a.pid"
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
