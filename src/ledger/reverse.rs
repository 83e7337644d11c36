//! Reversing entries: a new entry of the opposite amount for each, linked by `reversesId`, once.
//!
//! A reversal keeps the flight and the product of what it reverses, so that both show up wherever the one does. It is
//! itself not reversed: what it took back is given again by a new entry that says so.
//!
//! The passenger of a reversed award stays on the flight's manifest ([`super::flight_award`]). A batch of corrections holds
//! awards and the reversals of those before them: of such a batch only the awards are taken back.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DbErr};

use super::batch::{OnRefusal, Rejection};
use super::lookup::{self, Target};
use super::{Entry, MilesError, Posted, Posting, bulk, key, posting, rows, source};
use crate::db::{Engine, Transaction, sql_state, violated_constraint};
use crate::entity::types::Id;

/// What a reversal did.
#[derive(Debug)]
pub struct Reversed {
    /// The new entries, each with the balance after it.
    pub posted: Vec<Posted>,
    /// Entries of the batch that had been reversed before and were left out.
    pub before: Vec<Id>,
    /// Entries of the batch that are themselves reversals and were left out.
    pub corrections: Vec<Id>,
    /// What was left out because its users are short; always empty where that stops the batch.
    pub short: Vec<Short>,
}

/// What cannot be taken back of one user.
#[derive(Debug)]
pub struct Short {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The user's name.
    pub username: String,
    /// Why.
    pub error: MilesError,
}

/// Reverses an entry, or what is not yet reversed of a batch: all of it or nothing, or with [`OnRefusal::Skip`] all of those
/// users who have enough left.
///
/// # Errors
/// [`MilesError::NoEntry`], [`MilesError::IsReversal`], [`MilesError::AlreadyReversed`], [`MilesError::MovesNothing`];
/// [`MilesError::Batch`] with every user whose balance would fall below zero ([`MilesError::SpentSince`]) or pass the
/// limit, at the place of the user's first entry. The transaction must then be rolled back.
pub async fn reverse(
    tx: &Transaction,
    target: Target,
    note: Option<&str>,
    actor: Option<&str>,
    on_refusal: OnRefusal,
) -> Result<Reversed, MilesError> {
    let entries = lookup::entries(tx, target).await?;
    if entries.is_empty() {
        return Err(MilesError::NoEntry { id: target.id() });
    }
    let (corrections, entries): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.reverses_id.is_some());
    let Some(first) = entries.first() else {
        return Err(MilesError::IsReversal { id: target.id() });
    };
    let locked = bulk::lock(tx, entries.iter().map(|entry| entry.user_id.as_str())).await?;
    let reversals = reversals(tx, entries.iter().map(|entry| entry.id)).await?;
    let (before, open): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().partition(|entry| reversals.contains_key(&entry.id));
    if open.is_empty() {
        let by = reversals.get(&first.id).copied();
        return Err(MilesError::AlreadyReversed { id: target.id(), by });
    }

    let open: Vec<&Entry> = open.into_iter().filter(|entry| means_something(entry)).collect();
    if open.is_empty() {
        return Err(MilesError::MovesNothing { id: target.id() });
    }

    let mut totals: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
    for (index, entry) in open.iter().enumerate() {
        totals.entry(&entry.user_id).or_insert((index, 0)).1 -= i64::from(entry.amount);
    }
    let rejected: Vec<Rejection> = totals
        .iter()
        .filter_map(|(user_id, (index, total))| {
            let error = match posting::refusal(locked.holders.get(*user_id)?, *total)? {
                MilesError::NotEnough { holder, needs } => MilesError::SpentSince { holder, takes: needs },
                other => other,
            };
            Some(Rejection { index: *index, error })
        })
        .collect();
    let all = rejected.len() == totals.len();
    if !rejected.is_empty() && (all || on_refusal == OnRefusal::Stop) {
        return Err(MilesError::Batch { rejected });
    }
    let mut of_short: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    let refused: BTreeMap<String, MilesError> =
        rejected.into_iter().map(|one| (open[one.index].user_id.clone(), one.error)).collect();
    let mut open = open;
    open.retain(|entry| {
        let is_short = refused.contains_key(&entry.user_id);
        if is_short {
            of_short.entry(entry.user_id.clone()).or_default().push((*entry).clone());
        }
        !is_short
    });
    let short = refused.into_iter().map(|(user_id, error)| Short {
        entries: of_short.remove(&user_id).unwrap_or_default(),
        username: locked.holders.get(&user_id).map(|holder| holder.username.clone()).unwrap_or_default(),
        error,
    });
    let short: Vec<Short> = short.collect();

    let batch_id = matches!(target, Target::Batch(_)).then(key::fresh_id);
    // What gives before what takes: no balance is below zero on the way.
    open.sort_by_key(|entry| entry.amount);
    let mut standing: HashMap<&str, (usize, i64)> =
        locked.holders.iter().map(|(user_id, holder)| (user_id.as_str(), (0, holder.miles))).collect();
    let mut posted = Vec::with_capacity(open.len());
    for entry in open {
        let amount = entry.amount.checked_neg().ok_or_else(|| MilesError::BeyondRepair {
            user_id: entry.user_id.clone(),
            balance: locked.holders.get(&entry.user_id).map_or(0, |holder| holder.miles),
            ledger: entry.amount.into(),
        })?;
        let movement = Posting {
            source: source::REVERSAL.to_owned(),
            flight_id: entry.flight_id,
            product_id: entry.product_id.clone(),
            note: note.map(str::to_owned),
            reverses_id: Some(entry.id),
            batch_id,
            actor: actor.map(str::to_owned),
            ..Posting::new(key::fresh_id(), entry.user_id.clone(), amount)
        };
        let (place, balance) = standing.entry(&entry.user_id).or_default();
        *balance += i64::from(amount);
        posted.push(Posted { entry: movement.into_entry(locked.at(*place))?, balance: *balance, already: false });
        *place += 1;
    }
    bulk::write(tx, posted.iter().map(|posted| &posted.entry), |_| ()).await.map_err(|error| lost(error, target))?;
    bulk::complete(tx, posted.iter_mut().map(|posted| &mut posted.entry)).await?;
    Ok(Reversed {
        posted,
        before: before.into_iter().map(|entry| entry.id).collect(),
        corrections: corrections.into_iter().map(|entry| entry.id).collect(),
        short,
    })
}

/// Whether taking an entry back changes anything: a balance, or, of an award of 0 miles for a flight, whether it is in effect. What
/// a repair did to a balance is recorded by an entry of 0, and is not undone by another one.
fn means_something(entry: &Entry) -> bool {
    entry.amount != 0 || entry.source == source::FLIGHT
}

/// The entries that take back one of `ids`: by what they take back.
async fn reversals(tx: &Transaction, ids: impl Iterator<Item = Id>) -> Result<HashMap<Id, Id>, MilesError> {
    let among = bulk::among(Engine::of(tx), "$1", "uuid");
    let sql = format!(r#"SELECT "reversesId", "id" FROM "milesTransactions" WHERE "reversesId" {among}"#);
    let found = tx.query_all_raw(rows::statement(tx, sql, [bulk::list(Engine::of(tx), ids)])).await?;
    let pairs = found.iter().map(|row| Ok((row.try_get("", "reversesId")?, row.try_get("", "id")?)));
    Ok(pairs.collect::<Result<_, DbErr>>()?)
}

/// A program that takes no lock may have reversed the same entry in the meantime: the unique `reversesId` says so.
fn lost(error: MilesError, target: Target) -> MilesError {
    let taken = error.db().is_some_and(|error| {
        sql_state(error).is_some_and(|state| matches!(state.code.as_str(), "23505" | "2067"))
            && violated_constraint(error).is_some_and(|name| name.contains("reversesId"))
    });
    if taken { MilesError::AlreadyReversed { id: target.id(), by: None } } else { error }
}
