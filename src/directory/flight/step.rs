//! The steps of a flight: start, end, cancel. Each is one conditional UPDATE.

use sea_orm::sea_query::{CaseStatement, Expr, SimpleExpr};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _};

use super::{Action, Flight, FlightError, refused};
use crate::directory::row::update_returning;
use crate::entity::flight::{Column, Entity};
use crate::entity::types::{Id, Timestamp};

/// Starts a scheduled flight at `at`.
///
/// # Errors
/// [`FlightError::Gone`]; [`FlightError::Forbidden`] when it has started or is over.
pub async fn start(db: &impl ConnectionTrait, id: Id, at: Timestamp, now: Timestamp) -> Result<Flight, FlightError> {
    let update = Entity::update_many()
        .col_expr(Column::StartedAt, Expr::value(at))
        .filter(Column::Id.eq(id))
        .filter(Column::StartedAt.is_null())
        .filter(Column::EndTime.is_null());
    match update_returning(db, update).await?.into_iter().next() {
        Some(flight) => Ok(flight),
        None => Err(refused(db, id, Action::Start, now).await),
    }
}

/// Ends a live flight at `at`, or where that is not given now.
///
/// Clocks differ a little: a flight that another machine started in a moment still to come ends, without `at`, at its
/// start.
///
/// # Errors
/// [`FlightError::Gone`]; [`FlightError::Forbidden`] when it has not started or is over;
/// [`FlightError::EndsBeforeStart`].
pub async fn end(
    db: &impl ConnectionTrait,
    id: Id,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Flight, FlightError> {
    let update = Entity::update_many()
        .filter(Column::Id.eq(id))
        .filter(Column::StartedAt.is_not_null())
        .filter(Column::EndTime.is_null());
    let update = match at {
        Some(at) => update.col_expr(Column::EndTime, Expr::value(at)).filter(Column::StartedAt.lte(at)),
        None => update.col_expr(Column::EndTime, not_before_start(now)),
    };
    if let Some(flight) = update_returning(db, update).await?.into_iter().next() {
        return Ok(flight);
    }
    match (refused(db, id, Action::End, now).await, at) {
        (FlightError::Forbidden { flight, action, status }, Some(ends)) => match flight.started_at {
            Some(started) if flight.end_time.is_none() => Err(FlightError::EndsBeforeStart { flight, started, ends }),
            _ => Err(FlightError::Forbidden { flight, action, status }),
        },
        (error, _) => Err(error),
    }
}

/// Calls off a flight that has not started: ends it without a start.
///
/// # Errors
/// [`FlightError::Gone`]; [`FlightError::Forbidden`] when it has started or is over.
pub async fn cancel(db: &impl ConnectionTrait, id: Id, now: Timestamp) -> Result<Flight, FlightError> {
    let update = Entity::update_many()
        .col_expr(Column::EndTime, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::StartedAt.is_null())
        .filter(Column::EndTime.is_null());
    match update_returning(db, update).await?.into_iter().next() {
        Some(flight) => Ok(flight),
        None => Err(refused(db, id, Action::Cancel, now).await),
    }
}

/// `now`, or the flight's start where that is later.
pub(super) fn not_before_start(now: Timestamp) -> SimpleExpr {
    CaseStatement::new().case(Column::StartedAt.gt(now), Expr::col(Column::StartedAt)).finally(Expr::value(now)).into()
}
