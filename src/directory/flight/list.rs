//! Which flights are listed, in which order.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, NullOrdering};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, JoinType, Order, QueryFilter as _, QueryOrder as _,
    QueryTrait, Select,
};

use super::status::{STALE_AFTER, Status};
use crate::directory::airline::may_be_token;
use crate::entity::flight::{Column, Entity, Model};
use crate::entity::types::Timestamp;
use crate::entity::{airline, brand};

/// What a listed flight must be. Nothing said: every flight.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// In one of these states; empty: in any.
    pub statuses: Vec<Status>,
    /// Flown by this airline, or carrying its code.
    pub airline_id: Option<&'a str>,
    /// Under this brand.
    pub brand_id: Option<&'a str>,
    /// From this airport, in any case.
    pub departure: Option<&'a str>,
    /// To this airport, in any case.
    pub arrival: Option<&'a str>,
    /// Scheduled to start at this time or later.
    pub since: Option<Timestamp>,
    /// Scheduled to start before this time.
    pub until: Option<Timestamp>,
}

/// What flights can be sorted by.
#[derive(Clone, Copy, Debug)]
pub enum By {
    /// A column of the table.
    Column(Column),
    /// The derived state, by name.
    Status,
}

/// The flights that pass the filter, in the given order and then by time and key; the latest start first where no order is
/// given.
#[must_use]
pub fn query(filter: &Filter<'_>, sort: &[(By, Order)], now: Timestamp) -> Select<Entity> {
    let mut query = Entity::find();
    if !filter.statuses.is_empty() {
        let any = filter.statuses.iter().fold(Condition::any(), |any, status| any.add(status.condition(now)));
        query = query.filter(any);
    }
    if let Some(airline) = filter.airline_id {
        let flown = Condition::any().add(Column::AirlineId.eq(airline)).add(Column::CodeshareAirlineId.eq(airline));
        query = query.filter(flown);
    }
    if let Some(brand) = filter.brand_id {
        query = query.filter(Column::BrandId.eq(brand));
    }
    for (column, airport) in [(Column::Departure, filter.departure), (Column::Arrival, filter.arrival)] {
        if let Some(airport) = airport {
            query = query.filter(Expr::expr(Func::upper(Expr::col(column))).eq(airport.to_ascii_uppercase()));
        }
    }
    if let Some(since) = filter.since {
        query = query.filter(Column::StartTime.gte(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(Column::StartTime.lt(until));
    }
    for (by, order) in sort {
        query = match by {
            // The engines sort NULL differently.
            By::Column(column) if column.def().is_null() => {
                query.order_by_with_nulls(*column, order.clone(), NullOrdering::Last)
            }
            By::Column(column) => query.order_by(*column, order.clone()),
            By::Status => query.order_by(Status::expression(now), order.clone()),
        };
    }
    if sort.is_empty() {
        query = query.order_by(Column::StartTime, Order::Desc);
    }
    query.order_by(Column::Id, Order::Asc)
}

/// An airline, and its flights that are still to come or under way, each with its brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Coming {
    /// The airline.
    pub airline: airline::Model,
    /// Its flights, and those of others that carry its code; the next first.
    pub flights: Vec<(Model, brand::Model)>,
}

/// The airline that a token belongs to, with its coming flights and their brands, in one query: what an API answers to the
/// owner of the token. `None`: no airline has it.
///
/// Coming is a flight that has not ended, and that starts or started no longer than [`STALE_AFTER`] before `now`: what game
/// servers that died, and hosts who never came, have left behind is not.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn coming_by_token(db: &impl ConnectionTrait, token: &str, now: Timestamp) -> Result<Option<Coming>, DbErr> {
    if !may_be_token(token) {
        return Ok(None);
    }
    let flown = Condition::any()
        .add(Expr::col((Entity, Column::AirlineId)).equals((airline::Entity, airline::Column::AirlineId)))
        .add(Expr::col((Entity, Column::CodeshareAirlineId)).equals((airline::Entity, airline::Column::AirlineId)));
    let start = Func::coalesce([Expr::col((Entity, Column::StartedAt)), Expr::col((Entity, Column::StartTime))]);
    let coming = Condition::all()
        .add(flown)
        .add(Column::EndTime.is_null())
        .add(Expr::expr(start).gte(Timestamp(now.0 - STALE_AFTER)));
    let mut query = airline::Entity::find().filter(airline::Column::Token.eq(token)).select_also(Entity);
    // An airline without such flights is one row, with NULL for the flight.
    QueryTrait::query(&mut query).join(JoinType::LeftJoin, Entity, coming);
    let rows =
        query.and_also_related(brand::Entity).order_by_asc(Column::StartTime).order_by_asc(Column::Id).all(db).await?;
    let mut rows = rows.into_iter().peekable();
    let Some((airline, ..)) = rows.peek().cloned() else { return Ok(None) };
    Ok(Some(Coming { airline, flights: rows.filter_map(|(_, flight, brand)| flight.zip(brand)).collect() }))
}
