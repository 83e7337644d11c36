//! Changing what is planned for a flight, until its end.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QuerySelect as _};

use super::schedule::{Planned, check};
use super::status::Status;
use super::{Action, Flight, FlightError, forbidden};
use crate::db::Transaction;
use crate::directory::row;
use crate::directory::row::Extra;
use crate::entity::types::{Id, Timestamp};
use crate::entity::{airline, brand, flight};
use crate::input::{Airport, FlightCode, Name, WebUrl};

/// What is to be changed. The airline stays: a flight of another airline is another flight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Its code.
    pub code: Option<FlightCode>,
    /// The brand, of the same airline.
    pub brand: Option<brand::Model>,
    /// Where it starts.
    pub departure: Option<Airport>,
    /// Where it goes.
    pub arrival: Option<Airport>,
    /// Type of aircraft.
    pub aircraft: Option<Name>,
    /// ROBLOX place.
    pub game_id: Option<Name>,
    /// Scheduled start.
    pub start_time: Option<Timestamp>,
    /// The codeshare: `Some(None)` ends it.
    pub codeshare: Option<Option<airline::Model>>,
    /// Discord event.
    pub event_link: Option<WebUrl>,
    /// Values of columns that have no field here.
    pub extra: Extra<flight::Entity>,
}

/// The flight as it would be with the changes.
///
/// # Errors
/// [`FlightError::Forbidden`] after its end, and the rules of [`check`] where the change concerns them.
pub(crate) async fn preview(
    db: &impl ConnectionTrait,
    before: &Flight,
    changes: &Changes,
    now: Timestamp,
) -> Result<Flight, FlightError> {
    let brand = brand::Entity::find_by_id(before.brand_id.as_str())
        .one(db)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("brand {}", before.brand_id)))?;
    apply(before, &brand, changes, now)
}

fn apply(before: &Flight, brand: &brand::Model, changes: &Changes, now: Timestamp) -> Result<Flight, FlightError> {
    if Status::of(before, now).is_over() {
        return Err(forbidden(Action::Edit, before.clone(), now));
    }
    let mut after = before.clone();
    let brand = changes.brand.as_ref().unwrap_or(brand);
    let put = |field: &mut String, value: Option<&str>| {
        if let Some(value) = value {
            value.clone_into(field);
        }
    };
    put(&mut after.code, changes.code.as_ref().map(FlightCode::as_str));
    put(&mut after.brand_id, changes.brand.as_ref().map(|brand| brand.brand_id.as_str()));
    put(&mut after.departure, changes.departure.as_ref().map(Airport::as_str));
    put(&mut after.arrival, changes.arrival.as_ref().map(Airport::as_str));
    put(&mut after.aircraft, changes.aircraft.as_ref().map(Name::as_str));
    put(&mut after.game_id, changes.game_id.as_ref().map(Name::as_str));
    put(&mut after.discord_event_link, changes.event_link.as_ref().map(WebUrl::as_str));
    after.start_time = changes.start_time.unwrap_or(after.start_time);
    if let Some(codeshare) = &changes.codeshare {
        after.codeshare_airline_id = codeshare.as_ref().map(|airline| airline.airline_id.clone());
    }
    changes.extra.apply(&mut after)?;
    let checked = |flight: &Flight| {
        (
            flight.code.clone(),
            flight.brand_id.clone(),
            flight.departure.clone(),
            flight.arrival.clone(),
            flight.codeshare_airline_id.clone(),
        )
    };
    // What another program stored against the rules can still be edited where it does not touch them.
    if checked(before) != checked(&after) {
        check(&Planned {
            code: &after.code,
            airline_id: &after.airline_id,
            brand,
            departure: &after.departure,
            arrival: &after.arrival,
            codeshare: after.codeshare_airline_id.as_deref(),
        })?;
    }
    Ok(after)
}

/// Makes the changes, where the flight is still as it was `before`.
///
/// # Errors
/// [`FlightError::Gone`]; [`FlightError::Changed`] where it is not, and what [`preview`] refuses.
pub async fn edit(tx: &Transaction, before: &Flight, changes: &Changes, now: Timestamp) -> Result<Flight, FlightError> {
    let current = lock(tx, before.id).await?;
    if Status::of(&current, now).is_over() {
        return Err(forbidden(Action::Edit, current, now));
    }
    if current != *before {
        return Err(FlightError::Changed { flight: Box::new(current) });
    }
    let after = preview(tx, &current, changes, now).await?;
    if after == current {
        return Ok(current);
    }
    let stored = row::update::<flight::Entity>(tx, &current, &after, None).await?;
    stored.ok_or(FlightError::Gone { id: before.id })
}

/// The flight, held until the transaction ends: other writers of it wait.
async fn lock(tx: &Transaction, id: Id) -> Result<Flight, FlightError> {
    // SQLite's transactions that write are alone from their first word.
    flight::Entity::find_by_id(id).lock_exclusive().one(tx).await?.ok_or(FlightError::Gone { id })
}
