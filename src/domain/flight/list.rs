//! Which flights are listed, in which order.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, NullOrdering};
use sea_orm::{ColumnTrait as _, EntityTrait, Order, QueryFilter as _, QueryOrder as _, Select, SelectTwo};

use super::status::Status;
use crate::entity::brand;
use crate::entity::flight::{Column, Entity};
use crate::entity::types::Timestamp;

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
            // The engines disagree on where NULL stands.
            By::Column(column @ (Column::EndTime | Column::StartedAt | Column::CodeshareAirlineId)) => {
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

/// The flights of an airline that are still to come or under way, the next first, each with its brand, in one query:
/// what an API answers to the bearer of the airline's token.
#[must_use]
pub fn coming(airline_id: &str) -> SelectTwo<Entity, brand::Entity> {
    Entity::find()
        .filter(Condition::any().add(Column::AirlineId.eq(airline_id)).add(Column::CodeshareAirlineId.eq(airline_id)))
        .filter(Column::EndTime.is_null())
        .find_also_related(brand::Entity)
        .order_by_asc(Column::StartTime)
        .order_by_asc(Column::Id)
}
