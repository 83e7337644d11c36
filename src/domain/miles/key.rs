//! Idempotency: how the key of a request becomes the id of its entry, and how an entry is told from another request.
//!
//! The ledger needs no column and no table for keys. An entry's `id` is the UUIDv5 of its key in [`NAMESPACE`], so the
//! primary key itself applies a request once, for every program that derives ids the same way.
//!
//! A request without a key gets a UUIDv7: made here and not by the server, so that an entry whose COMMIT was never
//! answered can be asked for by its id ([`key_of`]), and time-ordered, so that entries land next to each other in the
//! primary key's index instead of all over it.

use uuid::{Uuid, uuid};

use super::Movement;
use crate::entity::miles_transaction::Model as Entry;
use crate::entity::types::Id;

/// The namespace of idempotency keys: fixed for ever, since ids of stored entries come from it.
///
/// It is itself UUIDv5 of `https://skyteam.dev/miles/key` in the URL namespace of RFC 9562.
pub const NAMESPACE: Uuid = uuid!("475dbecf-ac23-5e05-8dd6-1131d7974121");

/// Marks a key that names an entry by its id, as an answer of unknown outcome prints it.
const BY_ID: &str = "id:";

/// The id of the entry that `key` stands for.
///
/// `id:UUID` is that very UUID; anything else is hashed, byte for byte as given.
pub fn entry_id(key: &str) -> Id {
    match key.strip_prefix(BY_ID).map(Uuid::try_parse) {
        Some(Ok(id)) => Id(id),
        _ => Id(Uuid::new_v5(&NAMESPACE, key.as_bytes())),
    }
}

/// The id of one user's entry in a request for several users under one `key`.
pub fn entry_id_of_many(key: &str, user_id: &str) -> Id {
    entry_id(&format!("{key}:{user_id}"))
}

/// The key that names the entry `id` whatever it was made from.
pub fn key_of(id: Id) -> String {
    format!("{BY_ID}{id}")
}

/// A new id for an entry or a batch without a key.
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
/// Actor, batch and time say how a request arrived, not what it asks for, and are not compared.
pub fn differences(stored: &Entry, asked: &Movement) -> Vec<Difference> {
    let text = |id: Option<Id>| id.map(|id| id.to_string());
    [
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
    fn an_id_is_a_key_of_itself() {
        let id = fresh_id();
        assert_eq!(entry_id(&key_of(id)), id);
        assert_eq!(entry_id("id:nonsense"), Id(Uuid::new_v5(&NAMESPACE, b"id:nonsense")));
    }
}
