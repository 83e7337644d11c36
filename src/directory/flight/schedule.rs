//! Planning a flight and taking one off the plan, and the rules that a planned flight obeys.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter as _};

use super::status::Status;
use super::{Action, Flight, FlightError, forbidden, get};
use crate::db::Transaction;
use crate::directory::row::{Extra, insert_returning};
use crate::entity::types::{Id, Timestamp};
use crate::entity::{airline, brand, flight, flight_passenger, miles_transaction};
use crate::input::{Airport, FlightCode, Name, WebUrl};

/// A flight that is to be planned.
#[derive(Clone, Debug)]
pub struct NewFlight<'a> {
    /// Its code.
    pub code: FlightCode,
    /// The airline that flies it.
    pub airline: &'a airline::Model,
    /// The brand under which it is flown, one of the airline's.
    pub brand: &'a brand::Model,
    /// Where it starts.
    pub departure: Airport,
    /// Where it goes.
    pub arrival: Airport,
    /// Type of aircraft.
    pub aircraft: Name,
    /// ROBLOX place in which it is flown.
    pub game_id: Name,
    /// Scheduled start.
    pub start_time: Timestamp,
    /// A second airline whose code it carries.
    pub codeshare: Option<&'a airline::Model>,
    /// Discord event; `None`: the column's default.
    pub event_link: Option<WebUrl>,
    /// Values of columns that have no field here.
    pub extra: Extra<flight::Entity>,
}

/// Plans a flight.
///
/// # Errors
/// The rules of [`check`].
pub async fn add(db: &impl ConnectionTrait, new: NewFlight<'_>) -> Result<Flight, FlightError> {
    let planned = Planned {
        code: new.code.as_str(),
        airline_id: &new.airline.airline_id,
        brand: new.brand,
        departure: new.departure.as_str(),
        arrival: new.arrival.as_str(),
        codeshare: new.codeshare.map(|airline| airline.airline_id.as_str()),
    };
    check(&planned)?;
    let mut row = flight::ActiveModel {
        id: Set(Id::random()),
        code: Set(new.code.into()),
        game_id: Set(new.game_id.into()),
        aircraft: Set(new.aircraft.into()),
        airline_id: Set(new.airline.airline_id.clone()),
        brand_id: Set(new.brand.brand_id.clone()),
        start_time: Set(new.start_time),
        codeshare_airline_id: Set(new.codeshare.map(|airline| airline.airline_id.clone())),
        departure: Set(new.departure.into()),
        arrival: Set(new.arrival.into()),
        discord_event_link: new.event_link.map_or(NotSet, |link| Set(link.into())),
        ..Default::default()
    };
    new.extra.set(&mut row)?;
    insert_returning(db, flight::Entity::insert(row)).await?.ok_or(DbErr::RecordNotInserted.into())
}

/// What the rules of the plan look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned<'a> {
    /// The flight's code.
    pub code: &'a str,
    /// The airline that flies it.
    pub airline_id: &'a str,
    /// The brand under which it is flown.
    pub brand: &'a brand::Model,
    /// Where it starts.
    pub departure: &'a str,
    /// Where it goes.
    pub arrival: &'a str,
    /// A second airline whose code it carries.
    pub codeshare: Option<&'a str>,
}

/// The rules of the plan: the brand belongs to the airline, the code begins with a code of the brand, departure differs
/// from arrival, and an airline does not share a code with itself.
///
/// # Errors
/// The [`FlightError`] of the first rule that is broken.
pub(crate) fn check(planned: &Planned<'_>) -> Result<(), FlightError> {
    let brand = planned.brand;
    if brand.airline_id != planned.airline_id {
        return Err(FlightError::BrandOfAnother {
            brand_id: brand.brand_id.clone(),
            owner: brand.airline_id.clone(),
            airline_id: planned.airline_id.to_owned(),
        });
    }
    let begins = |code: &FlightCode| code.starts_with(&brand.iata) || code.starts_with(&brand.icao);
    if !FlightCode::parse(planned.code).is_ok_and(|code| begins(&code)) {
        return Err(FlightError::CodeOfAnother {
            code: planned.code.to_owned(),
            brand_id: brand.brand_id.clone(),
            iata: brand.iata.clone(),
            icao: brand.icao.clone(),
        });
    }
    if planned.departure == planned.arrival {
        return Err(FlightError::SameAirport { airport: planned.arrival.to_owned() });
    }
    if planned.codeshare == Some(planned.airline_id) {
        return Err(FlightError::CodeshareWithItself { airline_id: planned.airline_id.to_owned() });
    }
    Ok(())
}

/// Whether [`delete`] would take the flight off the plan in its present state.
///
/// # Errors
/// What [`delete`] refuses.
pub(crate) async fn deletable(db: &impl ConnectionTrait, flight: &Flight, now: Timestamp) -> Result<(), FlightError> {
    if Status::of(flight, now).is_over() {
        return Err(forbidden(Action::Delete, flight.clone(), now));
    }
    let (passengers, entries) = uses(db, flight.id).await?;
    if passengers + entries > 0 {
        return Err(FlightError::InUse { flight: Box::new(flight.clone()), passengers, entries });
    }
    Ok(())
}

/// Takes a flight off the plan: one that is not over and that nothing refers to.
///
/// # Errors
/// [`FlightError::Gone`], [`FlightError::Forbidden`] after its end, [`FlightError::InUse`].
pub async fn delete(tx: &Transaction, id: Id, now: Timestamp) -> Result<(), FlightError> {
    // Who boards at this very moment is seen by the foreign keys.
    let unused = |table: &str| {
        Expr::cust(format!(r#"NOT EXISTS (SELECT 1 FROM "{table}" WHERE "{table}"."flightId" = "flights"."id")"#))
    };
    let deleted = flight::Entity::delete_many()
        .filter(flight::Column::Id.eq(id))
        .filter(flight::Column::EndTime.is_null())
        .filter(unused("flightPassengers"))
        .filter(unused("milesTransactions"))
        .exec(tx)
        .await?;
    if deleted.rows_affected == 1 {
        return Ok(());
    }
    let flight = get(tx, id).await?;
    deletable(tx, &flight, now).await?;
    // It has become deletable since: what prevented it was undone.
    Err(FlightError::Changed { flight: Box::new(flight) })
}

/// How many passengers and how many ledger entries refer to a flight.
///
/// # Errors
/// The database's.
pub(crate) async fn uses(db: &impl ConnectionTrait, id: Id) -> Result<(u64, u64), FlightError> {
    let passengers =
        flight_passenger::Entity::find().filter(flight_passenger::Column::FlightId.eq(id)).count(db).await?;
    let entries =
        miles_transaction::Entity::find().filter(miles_transaction::Column::FlightId.eq(id)).count(db).await?;
    Ok((passengers, entries))
}
