//! Exporting everything that is stored about one person.

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QueryOrder as _};
use serde::Serialize;

use super::super::error::Result;
use super::mention;
use crate::entity::{Id, flight_passenger, miles_transaction, user};

/// All rows about one person, under the names of their tables.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The row of `users`.
    pub user: user::Model,
    /// Flights boarded, oldest first.
    pub flight_passengers: Vec<flight_passenger::Model>,
    /// The ledger, oldest first.
    pub miles_transactions: Vec<miles_transaction::Model>,
    /// Entries of others that name this person, in their note or as who made them.
    pub mentions: Vec<Mentioned>,
}

/// Another user's entry that names the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mentioned {
    /// The entry.
    pub id: Id,
    /// Its note.
    pub note: Option<String>,
    /// Who made it.
    pub actor: Option<String>,
}

/// Collects it. Give a transaction that reads one snapshot, or the parts may not belong together.
///
/// # Errors
/// [`DirectoryError::Db`](super::DirectoryError::Db).
pub async fn export(db: &impl ConnectionTrait, person: user::Model) -> Result<Export> {
    let flight_passengers = flight_passenger::Entity::find()
        .filter(flight_passenger::Column::UserId.eq(person.user_id.as_str()))
        .order_by_asc(flight_passenger::Column::JoinedAt)
        .order_by_asc(flight_passenger::Column::FlightId)
        .all(db)
        .await?;
    let miles_transactions = miles_transaction::Entity::find()
        .filter(miles_transaction::Column::UserId.eq(person.user_id.as_str()))
        .order_by_asc(miles_transaction::Column::CreatedAt)
        .order_by_asc(miles_transaction::Column::Id)
        .all(db)
        .await?;
    let mentions = mention::find(db, &person).await?;
    let mentions = mentions.into_iter().map(|one| Mentioned { id: one.id, note: one.note, actor: one.actor }).collect();
    Ok(Export { user: person, flight_passengers, miles_transactions, mentions })
}
