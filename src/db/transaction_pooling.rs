//! Behind a pooler in transaction mode, such as PgBouncer: a server session belongs to the client for one transaction only.
//!
//! sqlx prepares every statement under a name (`sqlx_s_1`, …) in one message and runs it in the next, so outside a
//! transaction the two may meet different sessions, and inside one the name may be taken: by the client that had the session
//! before. Therefore, where the URL says `statement-cache-capacity=0` (or Prisma's `pgbouncer=true`), every statement
//! runs in a transaction, and every transaction first forgets what was prepared on its session, and what others have left in
//! its temporary schema, whose tables would hide those that a statement means.

use std::time::Duration;

use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use sea_orm::{Statement, StreamTrait};

use super::transaction::Transaction;
use super::{Rows, search_path};

/// How many rows are read ahead of their consumer.
const AHEAD: usize = 64;

/// The first statement of each transaction; elsewhere sessions are set up so. Settings of a session cannot outlive its
/// transaction either.
pub(super) fn preamble(statement_timeout: Option<Duration>) -> String {
    let mut sql = format!("DEALLOCATE ALL; DISCARD TEMP; SET LOCAL search_path = {}", search_path::SAFE);
    if let Some(limit) = statement_timeout {
        sql.push_str(&format!("; SET LOCAL statement_timeout = {}", limit.as_millis()));
    }
    sql
}

/// The rows of a statement that runs in a transaction of its own, which ends with them.
pub(super) fn stream(transaction: Transaction, statement: Statement) -> Rows<'static> {
    let (mut sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut rows = match transaction.stream_raw(statement).await {
            Ok(rows) => rows,
            Err(error) => {
                // The receiver may be gone: then there is nothing to report to.
                let _ = sender.send(Err(error)).await;
                return;
            }
        };
        while let Some(row) = rows.next().await {
            if sender.send(row).await.is_err() {
                return;
            }
        }
        drop(rows);
        if let Err(error) = transaction.commit().await {
            let _ = sender.send(Err(error)).await;
        }
    });
    Box::pin(receiver)
}
