//! Flights: planned, flown, boarded, ended.
//!
//! A flight's state is not stored but follows from its times ([`status`]). It moves in one direction: scheduled, live,
//! ended, or from scheduled straight to cancelled; after the end nothing changes any more. Every step is one conditional
//! UPDATE that names the state it starts from, so that of two callers at once one succeeds and the other learns why not.

pub mod board;
pub mod details;
pub mod edit;
pub mod list;
pub mod manifest;
pub(crate) mod reap;
pub mod roster;
pub mod schedule;
pub mod status;
pub mod step;

use sea_orm::{ConnectionTrait, DbErr, EntityTrait};

use crate::entity::flight;
pub use crate::entity::flight::Model as Flight;
pub use crate::entity::flight_passenger::Model as Passenger;
use crate::entity::types::{Id, Timestamp};
use crate::ledger::MilesError;
use status::Status;

/// What was to be done to a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Let it take off.
    Start,
    /// Let it land.
    End,
    /// Call it off.
    Cancel,
    /// Change what is planned.
    Edit,
    /// Forget it.
    Delete,
    /// Take a user on board.
    Board,
    /// Take over a list of passengers.
    Import,
}

/// Why something was not done to a flight. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum FlightError {
    /// There is no such flight, any more or at all.
    #[error("no flight {id}")]
    Gone {
        /// Its key.
        id: Id,
    },
    /// Its state does not allow it.
    #[error("{action:?} of flight {} which is {}", flight.code, status.name())]
    Forbidden {
        /// What was to be done.
        action: Action,
        /// The current flight.
        flight: Box<Flight>,
        /// Its state.
        status: Status,
    },
    /// It would end before it started.
    #[error("{ends} is before {started}")]
    EndsBeforeStart {
        /// The current flight.
        flight: Box<Flight>,
        /// When it started.
        started: Timestamp,
        /// When it was to end.
        ends: Timestamp,
    },
    /// It was changed by another session after it had been read.
    #[error("flight {} was changed meanwhile", flight.code)]
    Changed {
        /// The flight as it is now.
        flight: Box<Flight>,
    },
    /// Passengers or ledger entries refer to it.
    #[error("{passengers} passengers and {entries} ledger entries refer to flight {}", flight.code)]
    InUse {
        /// The flight.
        flight: Box<Flight>,
        /// How many have boarded it.
        passengers: u64,
        /// How many entries of the ledger are for it.
        entries: u64,
    },
    /// The brand is not one of the airline's.
    #[error("brand {brand_id} belongs to {owner}, not to {airline_id}")]
    BrandOfAnother {
        /// The brand.
        brand_id: String,
        /// Whose brand it is.
        owner: String,
        /// The airline of the flight.
        airline_id: String,
    },
    /// The flight's code does not begin with a code of its brand.
    #[error("{code} begins with neither {iata} nor {icao}")]
    CodeOfAnother {
        /// The flight's code.
        code: String,
        /// The brand.
        brand_id: String,
        /// Its IATA code.
        iata: String,
        /// Its ICAO code.
        icao: String,
    },
    /// Departure and arrival are the same.
    #[error("from {airport} to {airport}")]
    SameAirport {
        /// The airport.
        airport: String,
    },
    /// The codeshare's airline is the one that flies.
    #[error("a codeshare of {airline_id} with itself")]
    CodeshareWithItself {
        /// The airline.
        airline_id: String,
    },
    /// The ledger refused.
    #[error(transparent)]
    Miles(#[from] MilesError),
    /// The database failed; the transaction is gone.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl FlightError {
    /// The driver's error inside it, where running the whole transaction again may be tried ([`crate::db::retry`]).
    pub(crate) fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            Self::Miles(error) => error.db(),
            _ => None,
        }
    }
}

/// The current flight.
///
/// # Errors
/// [`FlightError::Gone`].
pub async fn get(db: &impl ConnectionTrait, id: Id) -> Result<Flight, FlightError> {
    flight::Entity::find_by_id(id).one(db).await?.ok_or(FlightError::Gone { id })
}

/// Why `action` touched no row: the flight is gone, or its state forbids it.
async fn refused(db: &impl ConnectionTrait, id: Id, action: Action, now: Timestamp) -> FlightError {
    match get(db, id).await {
        Ok(flight) => forbidden(action, flight, now),
        Err(error) => error,
    }
}

fn forbidden(action: Action, flight: Flight, now: Timestamp) -> FlightError {
    let status = Status::of(&flight, now);
    FlightError::Forbidden { action, flight: Box::new(flight), status }
}
