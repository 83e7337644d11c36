//! The ledger entry, or the batch of entries, that a reference means.

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _};

use super::{CANDIDATES, Candidate, Noun, ReferenceError, Result, entry_candidate, only, uuid_range};
use crate::entity::{Id, miles_transaction};
use crate::ledger::lookup::Target;

/// Before the id of an entry, where it is a batch's too.
const ENTRY: &str = "entry:";

/// Before the id of a batch, where it is an entry's too.
const BATCH: &str = "batch:";

/// The entry or the batch that a reference means: an id, or at least four characters that one begins with. `entry:` or
/// `batch:` before it says which of the two, where it would be both.
///
/// # Errors
/// [`ReferenceError`]: neither, several, or one of each.
pub(crate) async fn posted(db: &impl ConnectionTrait, reference: &str) -> Result<Target> {
    let (of_entry, of_batch) = (reference.strip_prefix(ENTRY), reference.strip_prefix(BATCH));
    let found = |id| match id {
        Ok(id) => Ok(Some(id)),
        Err(ReferenceError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    };
    let entry = match of_batch {
        None => found(entry(db, of_entry.unwrap_or(reference)).await.map(|entry| entry.id))?,
        Some(_) => None,
    };
    let batch = match of_entry {
        None => found(batch(db, of_batch.unwrap_or(reference)).await)?,
        Some(_) => None,
    };
    let candidate = |prefix: &str, id: Id, what: &str| Candidate::new(format!("{prefix}{id}"), what);
    let (noun, reference) = (Noun::Entry, reference.to_owned());
    match (entry, batch) {
        (Some(entry), None) => Ok(Target::Entry(entry)),
        (None, Some(batch)) => Ok(Target::Batch(batch)),
        (Some(entry), Some(batch)) => {
            let candidates = vec![candidate(ENTRY, entry, "an entry"), candidate(BATCH, batch, "a batch")];
            Err(ReferenceError::Ambiguous { noun, reference, candidates })
        }
        (None, None) => Err(ReferenceError::NotFound { noun, reference, nearest: Vec::new() }),
    }
}

/// Finds a ledger entry: by id, or by at least four characters that it begins with.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it.
async fn entry(db: &impl ConnectionTrait, reference: &str) -> Result<miles_transaction::Model> {
    if let Some((from, to)) = uuid_range(reference) {
        let begins = miles_transaction::Entity::find()
            .filter(miles_transaction::Column::Id.between(Id(from), Id(to)))
            .limit(CANDIDATES + 1);
        if let Some(found) = only(Noun::Entry, reference, begins.all(db).await?, entry_candidate)? {
            return Ok(found);
        }
    }
    Err(ReferenceError::NotFound { noun: Noun::Entry, reference: reference.to_owned(), nearest: Vec::new() })
}

/// Finds a batch: by id, or by at least four characters that it begins with.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it.
async fn batch(db: &impl ConnectionTrait, reference: &str) -> Result<Id> {
    if let Some((from, to)) = uuid_range(reference) {
        let begins: Vec<Id> = miles_transaction::Entity::find()
            .select_only()
            .column(miles_transaction::Column::BatchId)
            .distinct()
            .filter(miles_transaction::Column::BatchId.between(Id(from), Id(to)))
            .limit(CANDIDATES + 1)
            .into_tuple()
            .all(db)
            .await?;
        let candidate = |id: &Id| Candidate::new(id.to_string(), "batch");
        if let Some(found) = only(Noun::Batch, reference, begins, candidate)? {
            return Ok(found);
        }
    }
    Err(ReferenceError::NotFound { noun: Noun::Batch, reference: reference.to_owned(), nearest: Vec::new() })
}
