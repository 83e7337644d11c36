//! Boarding a user: the passenger, the balance and the entry in the ledger, in one transaction, once.

use sea_orm::{EntityTrait, QuerySelect as _};

use super::status::Status;
use super::{Action, Flight, FlightError, forbidden};
use crate::db::Transaction;
use crate::entity::flight;
use crate::entity::types::{Id, Timestamp};
use crate::ledger::flight_award as ledger;
use crate::ledger::flight_award::{Boarded, Boarding, Passenger};

/// Takes users on board who get on themselves: as long as the flight is not over.
///
/// # Errors
/// [`FlightError::Gone`], [`FlightError::Forbidden`] after the end, and what the ledger refuses. The transaction must then
/// be rolled back.
pub async fn board(
    tx: &Transaction,
    id: Id,
    passengers: &[Passenger],
    common: &Boarding<'_>,
    now: Timestamp,
) -> Result<Boarded, FlightError> {
    hold(tx, id, Action::Board, now).await?;
    Ok(ledger::board(tx, id, passengers, common).await?)
}

/// The flight, which from here on cannot end or be deleted before the transaction does.
///
/// A list of passengers may be taken over after the end: often that is when it is known. A flight that never was has no
/// passengers.
pub(super) async fn hold(tx: &Transaction, id: Id, action: Action, now: Timestamp) -> Result<Flight, FlightError> {
    // A shared lock: others board at the same time. SQLite's transactions that write are alone from their first word.
    let flight = flight::Entity::find_by_id(id).lock_shared().one(tx).await?.ok_or(FlightError::Gone { id })?;
    let status = Status::of(&flight, now);
    let allowed = match action {
        Action::Import => status != Status::Cancelled,
        _ => !status.is_over(),
    };
    if allowed { Ok(flight) } else { Err(forbidden(action, flight, now)) }
}
