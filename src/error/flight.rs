//! The wording of what the rules of flights forbid.

use super::{Error, Kind};
use crate::directory::flight::status::Status;
use crate::directory::flight::{Action, Flight, FlightError};
use crate::message::{Message, count, message, skyteam};

impl From<FlightError> for Error {
    fn from(error: FlightError) -> Self {
        let refused = |code, what: Message| Self::new(Kind::Refused, code, what);
        match error {
            FlightError::Gone { id } => {
                Self::new(Kind::NotFound, "not_found", message!("no flight {}", id)).fix(skyteam("flight list"))
            }
            FlightError::Forbidden { action, flight, status } => forbidden(action, &flight, status),
            FlightError::EndsBeforeStart { flight, started, ends } => {
                refused("illegal_transition", message!("{} cannot end before it started", &flight.code))
                    .why(message!("it started at {}, this would end it at {}", started, ends))
                    .fix(skyteam("flight end").arg(flight.id))
            }
            FlightError::Changed { flight } => refused("changed", message!("{} was changed meanwhile", &flight.code))
                .why("another session changed the flight after it had been shown; nothing was changed here")
                .fix(message!("{}    then edit it again", skyteam("flight show").arg(flight.id))),
            FlightError::InUse { flight, passengers, entries } => {
                let error = refused("in_use", message!("{} cannot be deleted", &flight.code)).why(message!(
                    "{} on board, {} for it: history is kept",
                    count(passengers, "passenger"),
                    count(entries, "ledger entry")
                ));
                if flight.started_at.is_some() {
                    error.fix(skyteam("flight end").arg(flight.id))
                } else {
                    error.fix(skyteam("flight end").arg(flight.id).words("--cancel"))
                }
            }
            FlightError::BrandOfAnother { brand_id, owner, airline_id } => {
                refused("brand_of_another", message!("the brand {} is not one of {}'s", brand_id, &airline_id))
                    .why(message!("it belongs to {}", owner))
                    .fix(skyteam("brand list").flag("--airline", &airline_id))
            }
            FlightError::CodeOfAnother { code, brand_id, iata, icao } => {
                refused("code_of_another", message!("{} is no flight code of the brand {}", code, brand_id))
                    .why(message!("its codes begin with {} or {} and go on with 1 to 4 digits", iata, icao))
            }
            FlightError::SameAirport { airport } => {
                refused("same_airport", message!("a flight from {} to {} goes nowhere", &airport, &airport))
                    .why("departure and arrival must differ")
            }
            FlightError::CodeshareWithItself { airline_id } => {
                refused("codeshare_with_itself", message!("{} cannot share a code with itself", airline_id))
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
        Action::Start => message!("{} cannot start", code),
        Action::End => message!("{} cannot end", code),
        Action::Cancel => message!("{} cannot be cancelled", code),
        Action::Edit => message!("{} cannot be edited", code),
        Action::Delete => message!("{} cannot be deleted", code),
        Action::Board => message!("passengers cannot board {}", code),
        Action::Import => message!("{} takes no passengers", code),
    };
    let since = |at: Option<crate::entity::Timestamp>| at.map(|at| message!(" at {}", at));
    let why = match status {
        Status::Scheduled | Status::Overdue => message!("it has not started"),
        Status::Live | Status::Stale => message!("it has started already{}", since(flight.started_at)),
        Status::Ended => message!("it has ended{}", since(flight.end_time)),
        Status::Cancelled => message!("it was cancelled{}", since(flight.end_time)),
    };
    let error = Error::new(Kind::Refused, "illegal_transition", what).why(why);
    match (action, status) {
        (Action::End, Status::Scheduled | Status::Overdue) => error
            .fix(skyteam("flight start").arg(id))
            .fix(message!("{}    calls it off", skyteam("flight end").arg(id).words("--cancel"))),
        (Action::Cancel, Status::Live | Status::Stale) => error.fix(skyteam("flight end").arg(id)),
        (Action::Board, Status::Ended) => {
            error.fix(message!("{}    takes over who flew", skyteam("flight manifest import").arg(id).words("FILE")))
        }
        _ => error,
    }
}
