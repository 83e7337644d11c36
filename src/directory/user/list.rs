//! Which users a list shows, and the flights of one of them.

use sea_orm::sea_query::{Expr, ExprTrait as _, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter as _, Select, SelectModel,
    SelectorRaw,
};
use serde::Serialize;

use super::super::error::{position, statement};
use crate::db::Engine;
use crate::entity::{Timestamp, flight_passenger, user};
use crate::ledger::flight_award::{paid_by, passenger_columns};

/// Which users. Nothing set means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the username or the displayed name, in any case.
    pub search: Option<String>,
    /// At least so many miles.
    pub min_miles: Option<i64>,
    /// At most so many miles.
    pub max_miles: Option<i64>,
    /// Added at this time or later.
    pub since: Option<Timestamp>,
}

/// The query for them in the words of `engine`, unsorted.
#[must_use]
pub fn query(filter: &Filter, engine: Engine) -> Select<user::Entity> {
    let mut query = user::Entity::find();
    if let Some(search) = &filter.search {
        // Both texts are lowered by the same hand.
        let lower = |text: SimpleExpr| SimpleExpr::from(Func::lower(text));
        let any =
            [user::Column::Username, user::Column::DisplayName].into_iter().fold(Condition::any(), |any, column| {
                let place =
                    Func::cust(position(engine)).arg(lower(Expr::col(column))).arg(lower(Expr::val(search.as_str())));
                any.add(Expr::expr(place).gt(0))
            });
        query = query.filter(any);
    }
    if let Some(least) = filter.min_miles {
        query = query.filter(user::Column::Miles.gte(least));
    }
    if let Some(most) = filter.max_miles {
        query = query.filter(user::Column::Miles.lte(most));
    }
    if let Some(since) = filter.since {
        query = query.filter(user::Column::CreatedAt.gte(since));
    }
    query
}

/// A flight that a user boarded.
#[derive(Clone, Debug, PartialEq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Boarded {
    /// The place on board. Its miles are those of the award for the flight that is not reversed.
    #[sea_orm(nested)]
    #[serde(flatten)]
    pub passenger: flight_passenger::Model,
    /// Code of the flight.
    pub code: String,
    /// Airport code.
    pub departure: String,
    /// Airport code.
    pub arrival: String,
    /// Type of aircraft.
    pub aircraft: String,
    /// The airline that operated it.
    #[sea_orm(from_alias = "airlineId")]
    pub airline_id: String,
    /// The brand under which it was flown.
    #[sea_orm(from_alias = "brandId")]
    pub brand_id: String,
    /// Scheduled start.
    #[sea_orm(from_alias = "startTime")]
    pub start_time: Timestamp,
}

/// The flights of one user, followed by `tail`: ORDER BY and LIMIT on the columns of [`Boarded`].
pub(crate) fn boarded(db: &impl ConnectionTrait, user_id: &str, tail: &str) -> SelectorRaw<SelectModel<Boarded>> {
    let sql = format!(
        r#"SELECT {}, f."code", f."departure", f."arrival", f."aircraft", f."airlineId", f."brandId", f."startTime"
        FROM "flightPassengers" AS p JOIN "flights" AS f ON f."id" = p."flightId"
        LEFT JOIN {} paid ON paid."by" = p."flightId"
        WHERE p."userId" = $1{tail}"#,
        passenger_columns(),
        paid_by("flightId", "userId")
    );
    Boarded::find_by_statement(statement(db, sql, [user_id.into()]))
}
