//! Changes that are being made to last: a COMMIT, or a statement that commits by itself, which was sent and is not answered
//! yet. Cut off there, nobody would know what became of it. So an interrupt waits for the answer, a moment long, and what
//! is not answered then counts as unknown and not as rolled back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::watch;

/// How long an answer may take after the interrupt.
const PATIENCE: Duration = Duration::from_secs(2);

/// Those of one pool.
#[derive(Clone, Debug)]
pub(super) struct Lasting(Arc<State>);

#[derive(Debug)]
struct State {
    running: AtomicUsize,
    interrupted: watch::Sender<bool>,
}

impl Default for Lasting {
    fn default() -> Self {
        Self(Arc::new(State { running: AtomicUsize::new(0), interrupted: watch::Sender::new(false) }))
    }
}

impl Lasting {
    /// Runs `work`, which makes a change last.
    ///
    /// # Errors
    /// Its own; after an interrupt also that no answer came, which [`super::is_outcome_unknown`] tells.
    pub(super) async fn run<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let _running = Running::new(&self.0);
        tokio::select! {
            biased;
            done = work => done,
            () = self.given_up() => {
                let silent = io::Error::new(io::ErrorKind::Interrupted, "interrupted before an answer came");
                Err(DbErr::Exec(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(silent)))))
            }
        }
    }

    /// Says that the user wants an end. Answers whether anything must be waited for.
    pub(super) fn interrupt(&self) -> bool {
        self.0.interrupted.send_replace(true);
        self.0.running.load(Ordering::Relaxed) > 0
    }

    async fn given_up(&self) {
        let mut interrupted = self.0.interrupted.subscribe();
        // The sender lives in `self`.
        let _ = interrupted.wait_for(|interrupted| *interrupted).await;
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Counts one for as long as it lives.
struct Running<'a>(&'a State);

impl<'a> Running<'a> {
    fn new(state: &'a State) -> Self {
        state.running.fetch_add(1, Ordering::Relaxed);
        Self(state)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}
