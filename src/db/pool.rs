//! The pool of a database, and the one connection that is kept out of it between two statements.
//!
//! sqlx asks every connection that comes back to its pool whether it still lives, on a task of its own (sqlx-core
//! `pool/connection.rs`). A command that runs one statement after the other would pay a round trip for each, or find the
//! pool empty and open a second connection. So the connection of the last statement is kept for the next one, and asked only
//! when it has rested: a command has one connection, and takes more only for what it does at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sea_orm::{ConnAcquireErr, DbBackend, DbErr, RuntimeErr};
use sqlx::{PgPool, SqlitePool};

use super::held::{Held, Tracing};

/// How long a connection may rest before it is asked whether it still lives: a program that waits for its next request
/// should not find out by that request that the server was restarted.
const FRESH: Duration = Duration::from_secs(1);

/// sqlx's pool of a database.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    /// PostgreSQL's.
    Postgres(PgPool),
    /// SQLite's.
    Sqlite(SqlitePool),
}

impl Pool {
    pub(super) fn backend(&self) -> DbBackend {
        match self {
            Self::Postgres(_) => DbBackend::Postgres,
            Self::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    pub(super) fn postgres(&self) -> Option<&PgPool> {
        if let Self::Postgres(pool) = self { Some(pool) } else { None }
    }

    pub(super) fn sqlite(&self) -> Option<&SqlitePool> {
        if let Self::Sqlite(pool) = self { Some(pool) } else { None }
    }

    fn limits(&self) -> Limits {
        match self {
            Self::Postgres(pool) => Limits::of(pool),
            Self::Sqlite(pool) => Limits::of(pool),
        }
    }
}

/// What a pool allows at the moment.
struct Limits {
    /// Whether the next one who asks for a connection gets one, without the one that would be kept.
    room: bool,
    /// After how long an unused connection is closed.
    idle: Option<Duration>,
    /// After how long any is closed.
    lifetime: Option<Duration>,
}

impl Limits {
    fn of<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> Self {
        let options = pool.options();
        Self {
            room: pool.num_idle() > 0 || pool.size() < options.get_max_connections(),
            idle: options.get_idle_timeout(),
            lifetime: options.get_max_lifetime(),
        }
    }
}

/// The connections to one database.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: Pool,
    trace: Option<Tracing>,
    kept: Arc<Mutex<Slot>>,
}

/// The connection that is kept.
#[derive(Debug, Default)]
struct Slot {
    held: Option<Kept>,
    /// Whether none is kept any more.
    closed: bool,
    /// Whether [`let_go`] watches.
    watched: bool,
}

#[derive(Debug)]
struct Kept {
    held: Held,
    since: Instant,
}

impl Connections {
    pub(super) fn new(pool: Pool, trace: Option<Tracing>) -> Self {
        Self { pool, trace, kept: Arc::default() }
    }

    /// The pool. Those who take connections from it themselves find the one that is kept here in it again.
    pub(super) fn pool(&self) -> &Pool {
        self.slot().held.take();
        &self.pool
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.pool.backend()
    }

    /// Takes the connection that is kept, or one from the pool.
    pub(super) async fn take(&self) -> Result<Held, DbErr> {
        let kept = self.slot().held.take();
        if let Some(mut kept) = kept {
            if kept.since.elapsed() < FRESH || kept.held.lives().await {
                return Ok(kept.held);
            }
            kept.held.close();
        }
        let trace = self.trace.clone();
        let taken = match &self.pool {
            Pool::Postgres(pool) => pool.acquire().await.map(|connection| Held::of_postgres(connection, trace)),
            Pool::Sqlite(pool) => pool.acquire().await.map(|connection| Held::of_sqlite(connection, trace)),
        };
        taken.map_err(|error| match error {
            sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
            error => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
        })
    }

    /// Keeps a connection whose server waits for the next statement. One that is not given here when its work ends goes to
    /// the pool, which finds out what state it is in.
    pub(super) fn keep(&self, held: Held) {
        let limits = self.pool.limits();
        let is_old = limits.lifetime.is_some_and(|most| held.taken.elapsed() >= most);
        let mut slot = self.slot();
        if slot.closed || slot.held.is_some() || !limits.room || is_old {
            return;
        }
        slot.held = Some(Kept { held, since: Instant::now() });
        if let (Some(limit), false) = (limits.idle, slot.watched) {
            slot.watched = true;
            tokio::spawn(let_go(Arc::downgrade(&self.kept), limit));
        }
    }

    /// Closes all connections.
    pub(super) async fn close(&self) {
        {
            let mut slot = self.slot();
            slot.closed = true;
            slot.held.take();
        }
        match &self.pool {
            Pool::Postgres(pool) => pool.close().await,
            Pool::Sqlite(pool) => pool.close().await,
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        lock(&self.kept)
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes a connection that was kept unused for longer than `limit`, as the pool does with its own.
async fn let_go(slot: Weak<Mutex<Slot>>, limit: Duration) {
    loop {
        tokio::time::sleep(limit).await;
        let Some(slot) = slot.upgrade() else { return };
        let unused = lock(&slot).held.take_if(|kept| kept.since.elapsed() >= limit);
        if let Some(unused) = unused {
            unused.held.close();
        }
    }
}
