//! Many entries at once: imports, manifests, awards to several users, reversals of a batch.
//!
//! Always in one order: lock the users' rows by `userId`, look up the keys, apply the rules here as if the movements came
//! one by one (`plan`), then write everything by statements over arrays. The locks make what was read true until the
//! commit, and their order keeps two batches from waiting for each other. The statements themselves are in `bulk`.

use std::collections::{BTreeSet, HashMap};

use sea_orm::DbErr;

use super::bulk::{self, Locked};
use super::key::Difference;
use super::lookup::{self, Target};
use super::{Entry, MilesError, Posted, Posting, posting};
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
    /// Those that were in the ledger already under the same key, with their place in the batch.
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

/// Makes all movements, in their order, as part of an open transaction; `progress` is called for every so
/// many that were written.
///
/// The outcome is that of making them one by one, with the same ids, in the same order.
///
/// # Errors
/// [`MilesError::Batch`] with every refusal where they stop the batch: nothing is written. [`MilesError::KeyTaken`] where
/// other users are paid by the batch already.
pub async fn post_all(
    tx: &Transaction,
    movements: &[Posting],
    on_refusal: OnRefusal,
    mut progress: impl FnMut(u64),
) -> Result<Applied, MilesError> {
    let mut applied = look(tx, movements).await?;
    if on_refusal == OnRefusal::Stop && !applied.rejected.is_empty() {
        return Err(MilesError::Batch { rejected: applied.rejected });
    }
    bulk::write(tx, applied.posted.iter().map(|(_, posted)| &posted.entry), &mut progress).await?;
    bulk::complete(tx, applied.posted.iter_mut().map(|(_, posted)| &mut posted.entry)).await?;
    Ok(applied)
}

/// Locks the users' rows in the order of all bulk work: what is read of them afterwards holds until the commit.
///
/// # Errors
/// [`MilesError::Db`].
pub(crate) async fn hold<'a>(tx: &Transaction, user_ids: impl Iterator<Item = &'a str>) -> Result<(), MilesError> {
    bulk::lock(tx, user_ids).await.map(drop)
}

/// What [`post_all`] would make of the movements. Writes nothing.
///
/// # Errors
/// [`MilesError::KeyTaken`], [`MilesError::Db`].
pub(crate) async fn preview(tx: &Transaction, movements: &[Posting]) -> Result<Applied, MilesError> {
    look(tx, movements).await
}

/// Locks the users, and finds out what is to be written.
async fn look(tx: &Transaction, movements: &[Posting]) -> Result<Applied, MilesError> {
    let locked = bulk::lock(tx, movements.iter().map(|movement| movement.user_id.as_str())).await?;
    same_batch(tx, movements).await?;
    let stored = bulk::stored(tx, movements).await?;
    Ok(plan(&locked, stored, movements)?)
}

/// A batch is written whole: where it exists already, it must consist of the very entries that are asked for.
async fn same_batch(tx: &Transaction, movements: &[Posting]) -> Result<(), MilesError> {
    let Some(batch_id) = movements.first().and_then(|movement| movement.batch_id) else { return Ok(()) };
    let standing = lookup::entries(tx, Target::Batch(batch_id)).await?;
    let Some(first) = standing.first() else { return Ok(()) };
    let there: BTreeSet<Id> = standing.iter().map(|entry| entry.id).collect();
    if movements.iter().map(|movement| movement.id).collect::<BTreeSet<_>>() == there {
        return Ok(());
    }
    let users = |user_ids: BTreeSet<&str>| Some(user_ids.into_iter().collect::<Vec<_>>().join(", "));
    let difference = Difference {
        column: "users",
        stored: users(standing.iter().map(|entry| entry.user_id.as_str()).collect()),
        asked: users(movements.iter().map(|movement| movement.user_id.as_str()).collect()),
    };
    Err(MilesError::KeyTaken { stored: Box::new(first.clone()), differences: vec![difference] })
}

/// Applies the rules to the movements one by one. Pure: what will be written, what exists already, what is refused.
fn plan(locked: &Locked, mut stored: HashMap<Id, Entry>, movements: &[Posting]) -> Result<Applied, DbErr> {
    let mut balances = locked.holders.clone();
    let mut entries_of: HashMap<&str, usize> = HashMap::new();
    let mut applied = Applied::default();
    for (index, movement) in movements.iter().enumerate() {
        if let Some(entry) = stored.get(&movement.id) {
            let balance = balances.get(&entry.user_id).map_or(0, |holder| holder.miles);
            let posted = Posted { entry: entry.clone(), balance, already: true };
            match posting::same_or_taken(posted, movement) {
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
        if let Some(error) = posting::refusal(holder, movement.amount.into()) {
            applied.rejected.push(Rejection { index, error });
            continue;
        }
        holder.miles += i64::from(movement.amount);
        let place = entries_of.entry(&movement.user_id).or_default();
        let entry = movement.clone().into_entry(locked.at(*place))?;
        *place += 1;
        if !movement.drawn {
            stored.insert(entry.id, entry.clone());
        }
        applied.posted.push((index, Posted { entry, balance: holder.miles, already: false }));
    }
    Ok(applied)
}
