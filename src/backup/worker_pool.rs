//! Several workers at the tables of one database, each taking the next that no other has.

use std::sync::{Mutex, PoisonError};

use futures::future::try_join_all;

use super::error::{BackupError, Result};

/// Has the workers do the `work` of every table, from the last of `order` to the first. Returns the workers, and what came
/// of the tables, by their indexes.
///
/// # Errors
/// The first of the work's; what the others were doing is dropped.
pub(super) async fn in_turns<W, T>(
    workers: Vec<W>,
    order: Vec<usize>,
    work: impl AsyncFn(W, usize) -> Result<(W, T)>,
) -> Result<(Vec<W>, Vec<T>)> {
    let left = Mutex::new(order);
    // Nothing is left half done under the lock, so a panic elsewhere does not spoil it.
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let working = workers.into_iter().map(async |mut worker| {
        let mut done = Vec::new();
        while let Some(index) = next() {
            let table;
            (worker, table) = work(worker, index).await?;
            done.push((index, table));
        }
        Ok::<_, BackupError>((worker, done))
    });
    let (workers, done): (Vec<W>, Vec<_>) = try_join_all(working).await?.into_iter().unzip();
    let mut done: Vec<(usize, T)> = done.into_iter().flatten().collect();
    done.sort_by_key(|(index, _)| *index);
    Ok((workers, done.into_iter().map(|(_, table)| table).collect()))
}
