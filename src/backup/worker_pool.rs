//! Several hands at the tables of one database, each taking the next that nobody has.

use std::sync::{Mutex, PoisonError};

use futures::future::try_join_all;

use super::error::{BackupError, Result};

/// Has `hands` do the `work` of every table, from the last of `order` to the first. Answers the hands, and what came of
/// the tables, by their indexes.
///
/// # Errors
/// The first of the work's; what the others are at is dropped.
pub(super) async fn in_turns<H, T>(
    hands: Vec<H>,
    order: Vec<usize>,
    work: impl AsyncFn(H, usize) -> Result<(H, T)>,
) -> Result<(Vec<H>, Vec<T>)> {
    let left = Mutex::new(order);
    // Nothing is left half done under the lock, so a panic elsewhere does not spoil it.
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let working = hands.into_iter().map(async |mut hand| {
        let mut done = Vec::new();
        while let Some(index) = next() {
            let table;
            (hand, table) = work(hand, index).await?;
            done.push((index, table));
        }
        Ok::<_, BackupError>((hand, done))
    });
    let (hands, done): (Vec<H>, Vec<_>) = try_join_all(working).await?.into_iter().unzip();
    let mut done: Vec<(usize, T)> = done.into_iter().flatten().collect();
    done.sort_by_key(|(index, _)| *index);
    Ok((hands, done.into_iter().map(|(_, table)| table).collect()))
}
