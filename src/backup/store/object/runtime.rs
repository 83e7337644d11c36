//! Requests run on a thread of their own, so that what waits for them may be any thread: one that reads Parquet pages, or
//! one that writes an archive.

use std::io;
use std::sync::mpsc;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

use crate::backup::error::{BackupError, Result};

/// The thread. It ends with this.
pub(super) struct Runtime {
    handle: Handle,
    interrupted: watch::Sender<bool>,
    _stop: oneshot::Sender<()>,
}

impl Runtime {
    /// Starts it.
    ///
    /// # Errors
    /// What the system returns.
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new().name("object store".into()).spawn(move || {
            // An error is that the other end is gone, which is what is waited for.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, interrupted: watch::Sender::new(false), _stop: stop })
    }

    /// Does `work` there, and returns where its result arrives.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Awaited<T> {
        let (answer, result) = mpsc::sync_channel(1);
        let mut interrupted = self.interrupted.subscribe();
        self.handle.spawn(async move {
            let ended = async {
                let _ = interrupted.wait_for(|interrupted| *interrupted).await;
            };
            let done = tokio::select! {
                biased;
                () = ended => Err(BackupError::Interrupted),
                done = work => done,
            };
            // The one who asked may have failed meanwhile.
            let _ = answer.send(done);
        });
        Awaited(result)
    }

    /// Does `work` there and waits for it.
    ///
    /// # Errors
    /// Its own; [`BackupError::Interrupted`].
    pub(super) fn wait<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.begin(work).wait()
    }

    /// Does `work` there also after an interrupt, to clear away what was begun.
    pub(super) fn finish(&self, work: impl Future<Output = ()> + Send + 'static) {
        let (answer, result) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            work.await;
            let _ = answer.send(());
        });
        let _ = result.recv();
    }

    /// Has all that is waited for fail.
    pub(super) fn interrupt(&self) {
        self.interrupted.send_replace(true);
    }
}

/// A result on its way.
pub(super) struct Awaited<T>(mpsc::Receiver<Result<T>>);

impl<T> Awaited<T> {
    /// Waits for it.
    ///
    /// # Errors
    /// Its own.
    pub(super) fn wait(self) -> Result<T> {
        self.0.recv().map_err(|_| BackupError::Worker)?
    }
}
