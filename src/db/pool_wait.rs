//! Waiting for a connection that is on its way back, rather than opening another one.
//!
//! sqlx gives a connection back on a task of its own, after asking it whether it still lives (sqlx-core
//! `pool/connection.rs`). A command that runs one statement after the other would find the pool empty each time and open
//! a second connection, which costs far more than that answer. So it is counted here who has a connection: whatever else
//! is missing from the pool is coming.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use sea_orm::{DatabaseConnection, DbBackend, DbErr, QueryResult};
use tokio::time::{Instant, sleep};

use super::Rows;

/// Longest wait. Connections that were taken from sqlx's pool directly are not counted here and may not come back at all.
const LONGEST: Duration = Duration::from_millis(50);

/// How often to look at once before sleeping in between: the way back is usually shorter than a timer's tick.
const LOOKS: u32 = 64;

/// How many connections of a pool are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases(Arc<AtomicUsize>);

/// One of them; given back with the value.
#[derive(Debug)]
pub(super) struct Lease(Leases);

impl Leases {
    /// To be held for as long as a connection is used. Waits until one is free or none is coming.
    pub(super) async fn take(&self, connection: &DatabaseConnection) -> Lease {
        let deadline = Instant::now() + LONGEST;
        let mut looks = 0;
        while self.is_coming(connection) && Instant::now() < deadline {
            looks += 1;
            if looks < LOOKS {
                tokio::task::yield_now().await;
            } else {
                sleep(Duration::from_millis(1)).await;
            }
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Lease(self.clone())
    }

    fn is_coming(&self, connection: &DatabaseConnection) -> bool {
        let (size, most, idle) = match connection.get_database_backend() {
            DbBackend::Postgres => {
                let pool = connection.get_postgres_connection_pool();
                (pool.size(), pool.options().get_max_connections(), pool.num_idle())
            }
            _ => {
                let pool = connection.get_sqlite_connection_pool();
                (pool.size(), pool.options().get_max_connections(), pool.num_idle())
            }
        };
        // A full pool opens no further one: it wakes the tasks that wait for a returned one.
        idle == 0 && size < most && size as usize > self.0.load(Ordering::Relaxed)
    }
}

impl Lease {
    /// Holds it until the rows have been taken or dropped.
    pub(super) fn over(self, rows: Rows<'_>) -> Rows<'_> {
        Box::pin(Leased { rows, _lease: self })
    }
}

struct Leased<'a> {
    rows: Rows<'a>,
    _lease: Lease,
}

impl Stream for Leased<'_> {
    type Item = Result<QueryResult, DbErr>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.as_mut().poll_next(cx)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
