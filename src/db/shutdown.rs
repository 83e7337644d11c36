//! Commits in flight: a COMMIT, or a statement that commits by itself, which was sent and is not answered
//! yet. Cancelled there, its outcome would be unknown. So an interrupt waits briefly for the answer, and what
//! is not answered then counts as unknown and not as rolled back.
//!
//! Likewise work of many transactions that leaves half of it behind where it is cancelled: an interrupt waits until it has
//! cleaned up.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::watch;

use super::notices;
use super::sqlstate::NotReplicated;

/// How long an answer may take after the interrupt.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an interrupt must wait for, in all databases that were opened with it.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Debug)]
struct State {
    running: AtomicUsize,
    interrupted: watch::Sender<bool>,
    /// Whether a session was seen to wait for a standby after the interrupt.
    awaits_standby: AtomicBool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            running: AtomicUsize::new(0),
            interrupted: watch::Sender::new(false),
            awaits_standby: AtomicBool::new(false),
        }
    }
}

impl Shutdown {
    /// Runs `work`, which commits.
    ///
    /// # Errors
    /// Its own; after an interrupt also that no answer came, which [`super::is_outcome_unknown`] recognises.
    pub(super) async fn run<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let running = self.unfinished();
        tokio::select! {
            biased;
            done = work => done,
            () = given_up(&running) => {
                if running.0.awaits_standby.load(Ordering::Relaxed) {
                    return Err(NotReplicated::default().into());
                }
                let silent = io::Error::new(io::ErrorKind::Interrupted, "interrupted before an answer came");
                Err(DbErr::Exec(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(silent)))))
            }
        }
    }

    /// Waits for the answer to a COMMIT: the one place where a transaction is committed.
    ///
    /// # Errors
    /// As [`Shutdown::run`]; and [`NotReplicated`] where the server sent a warning along with its answer.
    pub(crate) async fn commit<T>(&self, commit: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let (done, warnings) = notices::heard(self.run(commit)).await;
        replicated(done, warnings)
    }

    /// A guard of work that has to clean up when it ends early.
    pub(crate) fn unfinished(&self) -> Unfinished {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        Unfinished(Arc::clone(&self.0))
    }

    /// Records that a session of ours was seen to wait for a standby, so that its commit is on the server's disk.
    pub(super) fn awaits_standby(&self) {
        self.0.awaits_standby.store(true, Ordering::Relaxed);
    }

    /// Records that the user interrupted. Returns whether anything must be waited for: it ends within seconds, and where a
    /// commit is not answered by then, that is reported as an error ([`super::is_outcome_unknown`]).
    pub(crate) fn interrupt(&self) -> bool {
        self.0.interrupted.send_replace(true);
        self.0.running.load(Ordering::Relaxed) > 0
    }
}

/// A commit that went well, unless the server warned.
pub(super) fn replicated<T>(done: Result<T, DbErr>, warnings: Vec<String>) -> Result<T, DbErr> {
    match (done, warnings.into_iter().next()) {
        (Ok(_), Some(warning)) => Err(NotReplicated { warning: Some(warning) }.into()),
        (done, _) => done,
    }
}

async fn given_up(running: &Unfinished) {
    running.interrupted().await;
    tokio::time::sleep(PATIENCE).await;
}

/// Work that an interrupt waits for.
#[derive(Debug)]
pub(crate) struct Unfinished(Arc<State>);

impl Unfinished {
    /// Runs `work`; `None` where the user interrupted first.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.interrupted() => None,
            done = work => Some(done),
        }
    }

    async fn interrupted(&self) {
        let mut interrupted = self.0.interrupted.subscribe();
        // The sender lives in `self`.
        let _ = interrupted.wait_for(|interrupted| *interrupted).await;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}
