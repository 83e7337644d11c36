//! The location of backups as it was typed: a folder of this machine, or a URL in an object store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::backup::BackupError;
use crate::backup::store::{self, Local, ObjectUrl, Store};
use crate::cli::context::Context;
use crate::error::Result;
use crate::message::message;

/// The store of a folder or a URL; of the current folder where none is given.
pub(super) fn store(given: Option<&Path>, cx: &Context) -> Result<Arc<dyn Store>> {
    let Some(given) = given else { return Ok(Arc::new(Local::new(cx.cwd.clone()))) };
    match ObjectUrl::parse(given)? {
        Some(url) => open(&url, cx),
        None => Ok(Arc::new(Local::new(cx.path(given)))),
    }
}

/// The store of a URL. Says where data may go unencrypted.
fn open(url: &ObjectUrl, cx: &Context) -> Result<Arc<dyn Store>> {
    let store = store::open(url, &cx.env)?;
    if let Some(endpoint) = store.unencrypted()
        && !cx.warned_of_plain_store.swap(true, Ordering::Relaxed)
    {
        cx.ui.warn(message!(
            "nothing is encrypted on the way to {}: everyone there can read and replace backups that are not encrypted \
             themselves; an endpoint of https:// makes sure",
            endpoint.to_owned()
        ));
    }
    Ok(store)
}

/// The store that a backup is in, and its place there; `None` for a file of this machine.
pub(super) fn object(given: &Path, cx: &Context) -> Result<Option<(Arc<dyn Store>, PathBuf)>> {
    let Some(url) = ObjectUrl::parse(given)? else { return Ok(None) };
    let Some((above, name)) = url.split() else { return Ok(None) };
    let store = open(&above, cx)?;
    let place = store.place(&name);
    Ok(Some((store, place)))
}

/// Whether it is a URL of an object store.
pub(super) fn is_remote(given: &Path) -> Result<bool> {
    Ok(ObjectUrl::parse(given)?.is_some())
}

/// The folder of this machine that was typed, or the current one; `None` for a URL.
pub(super) fn folder(given: Option<&Path>, cx: &Context) -> Option<PathBuf> {
    match given {
        // One that is misspelt is no folder either.
        Some(given) => matches!(ObjectUrl::parse(given), Ok(None)).then(|| cx.path(given)),
        None => Some(cx.cwd.clone()),
    }
}

/// Works with a store on a thread of its own. An interrupt ends it, and waits until what was begun is cleared away.
pub(super) async fn on_a_thread<T: Send + 'static>(
    cx: &Context,
    store: &Arc<dyn Store>,
    work: impl FnOnce(&dyn Store) -> Result<T, BackupError> + Send + 'static,
) -> Result<T> {
    let unfinished = cx.shutdown.unfinished();
    let mut task = {
        let store = Arc::clone(store);
        tokio::task::spawn_blocking(move || work(&*store))
    };
    match unfinished.run(&mut task).await {
        Some(done) => Ok(done.map_err(|_| BackupError::Worker)??),
        None => {
            store.interrupt();
            // Its end may be anything by now.
            let _ = task.await;
            Err(BackupError::Interrupted.into())
        }
    }
}

/// What was typed, or the current folder, in words.
pub(super) fn named(given: Option<&Path>, cx: &Context) -> String {
    match given {
        Some(given) if is_remote(given).unwrap_or(false) => given.display().to_string(),
        Some(given) => cx.path(given).display().to_string(),
        None => cx.cwd.display().to_string(),
    }
}
