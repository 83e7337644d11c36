//! The wording of what the rules of flights forbid.

use super::{Error, Kind, shell};
use crate::directory::flight::status::Status;
use crate::directory::flight::{Action, Flight, FlightError};

impl From<FlightError> for Error {
    fn from(error: FlightError) -> Self {
        let refused = |code, what: String| Self::new(Kind::Refused, code, what);
        match error {
            FlightError::Gone { id } => {
                Self::new(Kind::NotFound, "not_found", format!("no flight {id}")).fix("skyteam flight list")
            }
            FlightError::Forbidden { action, flight, status } => forbidden(action, &flight, status),
            FlightError::EndsBeforeStart { flight, started, ends } => {
                refused("illegal_transition", format!("{} cannot end before it started", flight.code))
                    .why(format!("it started at {started}, this would end it at {ends}"))
                    .fix(format!("skyteam flight end {}", flight.id))
            }
            FlightError::Changed { flight } => refused("changed", format!("{} was changed meanwhile", flight.code))
                .why("somebody else changed the flight after it had been shown; nothing was changed here")
                .fix(format!("skyteam flight show {}, then edit it again", flight.id)),
            FlightError::InUse { flight, passengers, entries } => {
                let error = refused("in_use", format!("{} cannot be deleted", flight.code))
                    .why(format!("{passengers} on board, {entries} ledger entries for it: history is kept"));
                if flight.started_at.is_some() {
                    error.fix(format!("skyteam flight end {}", flight.id))
                } else {
                    error.fix(format!("skyteam flight end {} --cancel", flight.id))
                }
            }
            FlightError::BrandOfAnother { brand_id, owner, airline_id } => {
                refused("brand_of_another", format!("the brand {brand_id} is not one of {airline_id}'s"))
                    .why(format!("it belongs to {owner}"))
                    .fix(format!("skyteam brand list {}", shell::flag("--airline", &airline_id)))
            }
            FlightError::CodeOfAnother { code, brand_id, iata, icao } => {
                refused("code_of_another", format!("{code} is no flight code of the brand {brand_id}"))
                    .why(format!("its codes begin with {iata} or {icao} and go on with 1 to 4 digits"))
            }
            FlightError::SameAirport { airport } => {
                refused("same_airport", format!("a flight from {airport} to {airport} goes nowhere"))
                    .why("departure and arrival must differ")
            }
            FlightError::CodeshareWithItself { airline_id } => {
                refused("codeshare_with_itself", format!("{airline_id} cannot share a code with itself"))
                    .why("the codeshare must be another airline than the one that flies")
            }
            FlightError::Miles(error) => error.into(),
            FlightError::Db(error) => error.into(),
        }
    }
}

fn forbidden(action: Action, flight: &Flight, status: Status) -> Error {
    let (code, id) = (&flight.code, flight.id);
    let what = match action {
        Action::Start => format!("{code} cannot start"),
        Action::End => format!("{code} cannot end"),
        Action::Cancel => format!("{code} cannot be cancelled"),
        Action::Edit => format!("{code} cannot be edited"),
        Action::Delete => format!("{code} cannot be deleted"),
        Action::Board => format!("nobody can board {code}"),
        Action::Import => format!("{code} takes no passengers"),
    };
    let since = |at: Option<crate::entity::Timestamp>| at.map(|at| format!(" at {at}")).unwrap_or_default();
    let why = match status {
        Status::Scheduled | Status::Overdue => "it has not started".to_owned(),
        Status::Live | Status::Stale => format!("it has started already{}", since(flight.started_at)),
        Status::Ended => format!("it has ended{}", since(flight.end_time)),
        Status::Cancelled => format!("it was cancelled{}", since(flight.end_time)),
    };
    let error = Error::new(Kind::Refused, "illegal_transition", what).why(why);
    match (action, status) {
        (Action::End, Status::Scheduled | Status::Overdue) => error
            .fix(format!("skyteam flight start {id}"))
            .fix(format!("skyteam flight end {id} --cancel    calls it off")),
        (Action::Cancel, Status::Live | Status::Stale) => error.fix(format!("skyteam flight end {id}")),
        (Action::Board, Status::Ended) => {
            error.fix(format!("skyteam flight manifest import {id} FILE    takes over who flew"))
        }
        _ => error,
    }
}
