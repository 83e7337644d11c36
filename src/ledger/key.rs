//! Idempotency: how the key of a request becomes the id of its entry, and how an entry is distinguished from another request.
//!
//! The ledger needs no column and no table for keys. An entry's `id` is the UUIDv5 of its key in [`NAMESPACE`], so the
//! primary key itself applies a request once, for every program that derives ids the same way.
//!
//! A request for several users is a batch. Its id is the UUIDv5 of `batch` with the key's own id as the namespace, and the
//! entries' ids are UUIDv5 of the `userId` with the batch's id as the namespace: no other key can collide with either. Only the
//! first user by `userId` has the key's own id instead, so that the primary key applies the key once, regardless of who is paid
//! under it and whether one or several are ([`ids`]).
//!
//! A request without a key draws one before anything is written ([`fresh_key`]), so that what was never answered can be
//! asked for under it. It names a UUIDv7: time-ordered, so that entries land next to each other in the primary key's index
//! instead of all over it.

use uuid::{Uuid, uuid};

use super::Posting;
use crate::entity::miles_transaction::Model as Entry;
use crate::entity::types::Id;

/// The namespace of idempotency keys: fixed for ever, since ids of stored entries come from it.
///
/// It is itself UUIDv5 of `https://skyteam.dev/miles/key` in the URL namespace of RFC 9562.
pub const NAMESPACE: Uuid = uuid!("475dbecf-ac23-5e05-8dd6-1131d7974121");

/// The namespace of imported contents: UUIDv5 of `https://skyteam.dev/miles/import` in the URL namespace.
const NAMESPACE_OF_CONTENT: Uuid = uuid!("25afb91a-4641-5ca2-b00c-4dd549a990c7");

/// Marks a key that names an entry by its id, as an answer of unknown outcome prints it.
const BY_ID: &str = "id:";

/// The id of the entry of `key`.
///
/// `id:UUID` is that very UUID; anything else is hashed, byte for byte as given.
pub fn entry_id(key: &str) -> Id {
    match key.strip_prefix(BY_ID).map(Uuid::try_parse) {
        Some(Ok(id)) => Id(id),
        _ => Id(Uuid::new_v5(&NAMESPACE, key.as_bytes())),
    }
}

/// The id of the batch that a request for several users makes under the key whose own id is `id`.
pub(crate) fn batch_of(id: Id) -> Id {
    Id(Uuid::new_v5(&id.0, b"batch"))
}

/// The ids of a request under `key` for these users: of the batch, which one user alone has none of, and of the entry of
/// each user, in the order given.
pub(crate) fn ids(key: &str, user_ids: &[&str]) -> (Option<Id>, Vec<Id>) {
    let own = entry_id(key);
    if user_ids.len() < 2 {
        return (None, user_ids.iter().map(|_| own).collect());
    }
    let batch = batch_of(own);
    let first = user_ids.iter().min();
    let entry = |user_id: &&str| {
        if Some(user_id) == first { own } else { Id(Uuid::new_v5(&batch.0, user_id.as_bytes())) }
    };
    (Some(batch), user_ids.iter().map(entry).collect())
}

/// The key that names the entry `id` whatever it was made from.
pub(crate) fn key_of(id: Id) -> String {
    format!("{BY_ID}{id}")
}

/// The id of the batch that an import of this content makes, the `nth` time that it is imported, counted from 0: so a file
/// that comes again is known again.
pub(crate) fn content_batch(content: &[u8], nth: u32) -> Id {
    let first = Uuid::new_v5(&NAMESPACE_OF_CONTENT, content);
    Id(if nth == 0 { first } else { Uuid::new_v5(&first, &nth.to_be_bytes()) })
}

/// A key for a request that came without one.
pub fn fresh_key() -> String {
    key_of(fresh_id())
}

/// A new id for an entry or a batch that is not derived from a key.
pub fn fresh_id() -> Id {
    Id(Uuid::now_v7())
}

/// One column in which a stored entry and a request under the same key disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the column.
    pub column: &'static str,
    /// What the entry holds; `None` is NULL.
    pub stored: Option<String>,
    /// What the request asks for.
    pub asked: Option<String>,
}

/// In what a stored entry differs from the request that came under its key; empty when it is the same request again.
///
/// Actor, batch and time say how a request arrived, not what it asks for, and are not compared; but whether the key was
/// one user's or a batch's is.
pub(crate) fn differences(stored: &Entry, asked: &Posting) -> Vec<Difference> {
    let text = |id: Option<Id>| id.map(|id| id.to_string());
    let several = batch_of(stored.id);
    let users = |batch: Option<Id>| Some(if batch == Some(several) { "several" } else { "one" }.to_owned());
    [
        ("users", users(stored.batch_id), users(asked.batch_id)),
        ("userId", Some(stored.user_id.clone()), Some(asked.user_id.clone())),
        ("amount", Some(stored.amount.to_string()), Some(asked.amount.to_string())),
        ("source", Some(stored.source.clone()), Some(asked.source.clone())),
        ("flightId", text(stored.flight_id), text(asked.flight_id)),
        ("productId", stored.product_id.clone(), asked.product_id.clone()),
        ("note", stored.note.clone(), asked.note.clone()),
        ("reversesId", text(stored.reverses_id), text(asked.reverses_id)),
    ]
    .into_iter()
    .filter(|(_, stored, asked)| stored != asked)
    .map(|(column, stored, asked)| Difference { column, stored, asked })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_id_for_ever() {
        assert_eq!(NAMESPACE, Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://skyteam.dev/miles/key"));
        assert_eq!(entry_id("payout-2026-11").to_string(), "029e7895-3e95-5684-8815-534be15f200c");
        assert_ne!(entry_id("payout-2026-11"), entry_id("payout-2026-11 "));
    }

    #[test]
    fn a_batch_and_its_entries_are_under_no_other_key() {
        let (batch, entries) = ids("k", &["2", "1", "10"]);
        assert_eq!(entries[1], entry_id("k"));
        assert_eq!(ids("k", &["1", "2"]), (batch, vec![entries[1], entries[0]]));
        assert_eq!(ids("k", &["2"]), (None, vec![entry_id("k")]));
        let batch = batch.unwrap();
        for key in ["k:", "k:2", "batch", "2", &key_of(entry_id("k"))] {
            assert!(entry_id(key) != batch && entry_id(key) != entries[0], "{key}");
        }
        assert_eq!(ids(&fresh_key(), &["1", "2"]).1.len(), 2);
    }

    #[test]
    fn a_content_has_one_batch_each_time() {
        assert_eq!(NAMESPACE_OF_CONTENT, Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://skyteam.dev/miles/import"));
        let ids = [content_batch(b"a", 0), content_batch(b"a", 1), content_batch(b"a", 2), content_batch(b"b", 0)];
        assert_eq!(ids[0], content_batch(b"a", 0));
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn an_id_is_a_key_of_itself() {
        let id = fresh_id();
        assert_eq!(entry_id(&key_of(id)), id);
        assert_eq!(entry_id("id:nonsense"), Id(Uuid::new_v5(&NAMESPACE, b"id:nonsense")));
    }
}
