//! Many entries at once: imports, manifests, awards to several users, reversals of a batch.
//!
//! Always in one order: lock the users' rows by `userId`, look up the keys, apply the rules here as if the movements came
//! one by one (`plan`), then write everything by statements over arrays. The locks make what was read true until the
//! commit, and their order keeps two batches from waiting for each other. The statements themselves are in `bulk`.

use std::collections::HashMap;

use super::bulk::{self, Locked};
use super::{Entry, MilesError, Movement, Posted, post};
use crate::db::Transaction;
use crate::entity::types::Id;

/// A movement of a batch that a rule refuses.
#[derive(Debug)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why.
    pub error: MilesError,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Applied {
    /// The entries written, in the order of the batch, each with the balance after it and its place in the batch.
    pub posted: Vec<(usize, Posted)>,
    /// Those that stood there already under the same key, with their place in the batch.
    pub already: Vec<(usize, Posted)>,
    /// Those left out. Always empty where refusals stop the batch.
    pub rejected: Vec<Rejection>,
}

/// What a refused movement does to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefusal {
    /// None is made.
    Stop,
    /// The others are made, as if it had not been asked for.
    Skip,
}

/// Makes all movements, in their order, as part of an open transaction; `progress` is told of every so
/// many that were written.
///
/// The outcome is that of making them one by one, with the same ids, in the same order.
///
/// # Errors
/// [`MilesError::Batch`] with every refusal where they stop the batch: nothing is written.
pub async fn post_all(
    tx: &Transaction,
    movements: &[Movement],
    on_refusal: OnRefusal,
    mut progress: impl FnMut(u64),
) -> Result<Applied, MilesError> {
    let locked = bulk::lock(tx, movements.iter().map(|movement| movement.user_id.as_str())).await?;
    let stored = bulk::stored(tx, movements.iter().map(|movement| movement.id)).await?;
    let applied = plan(&locked, stored, movements);
    if on_refusal == OnRefusal::Stop && !applied.rejected.is_empty() {
        return Err(MilesError::Batch { rejected: applied.rejected });
    }
    bulk::write(tx, applied.posted.iter().map(|(_, posted)| &posted.entry), &mut progress).await?;
    Ok(applied)
}

/// Applies the rules to the movements one by one. Pure: what will be written, what stands already, what is refused.
fn plan(locked: &Locked, mut stored: HashMap<Id, Entry>, movements: &[Movement]) -> Applied {
    let mut balances = locked.holders.clone();
    let mut entries_of: HashMap<&str, usize> = HashMap::new();
    let mut applied = Applied::default();
    for (index, movement) in movements.iter().enumerate() {
        if let Some(entry) = stored.get(&movement.id) {
            let balance = balances.get(&entry.user_id).map_or(0, |holder| holder.miles);
            let posted = Posted { entry: entry.clone(), balance, already: true };
            match post::same_or_taken(posted, movement) {
                Ok(posted) => applied.already.push((index, posted)),
                Err(error) => applied.rejected.push(Rejection { index, error }),
            }
            continue;
        }
        let Some(holder) = balances.get_mut(&movement.user_id) else {
            let error = MilesError::NoUser { user_id: movement.user_id.clone() };
            applied.rejected.push(Rejection { index, error });
            continue;
        };
        if let Some(error) = post::refusal(holder, movement.amount.into()) {
            applied.rejected.push(Rejection { index, error });
            continue;
        }
        holder.miles += i64::from(movement.amount);
        let place = entries_of.entry(&movement.user_id).or_default();
        let entry = movement.clone().into_entry(locked.at(*place));
        *place += 1;
        stored.insert(entry.id, entry.clone());
        applied.posted.push((index, Posted { entry, balance: holder.miles, already: false }));
    }
    applied
}
