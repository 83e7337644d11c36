//! Ending flights whose game server died and never said that they landed.

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QueryOrder as _};

use super::{Flight, FlightError, step};
use crate::directory::row::update_returning;
use crate::entity::flight::{Column, Entity};
use crate::entity::types::{Id, Timestamp};

/// The flights that started before `cutoff` and have not ended, the oldest first.
///
/// # Errors
/// The database's.
pub(crate) async fn find(db: &impl ConnectionTrait, cutoff: Timestamp) -> Result<Vec<Flight>, FlightError> {
    let flights = Entity::find()
        .filter(Column::StartedAt.lt(cutoff))
        .filter(Column::EndTime.is_null())
        .order_by_asc(Column::StartedAt)
        .order_by_asc(Column::Id);
    Ok(flights.all(db).await?)
}

/// Ends those of `ids` that have still not ended, at `now`. Returns them, the oldest first.
///
/// A flight that ended, or was ended, after it had been found is left alone.
///
/// # Errors
/// The database's.
pub(crate) async fn end(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Id>,
    cutoff: Timestamp,
    now: Timestamp,
) -> Result<Vec<Flight>, FlightError> {
    let ids: Vec<Id> = ids.into_iter().collect();
    let mut ended = Vec::with_capacity(ids.len());
    // SQLite takes 32 766 parameters to a statement.
    for some in ids.chunks(10_000) {
        let update = Entity::update_many()
            .col_expr(Column::EndTime, step::not_before_start(now))
            .filter(Column::Id.is_in(some.iter().copied()))
            .filter(Column::StartedAt.lt(cutoff))
            .filter(Column::EndTime.is_null());
        ended.extend(update_returning(db, update).await?);
    }
    ended.sort_by_key(|flight| (flight.started_at, flight.id));
    Ok(ended)
}
