//! Which users a list shows, and the flights of one of them.

use std::sync::Arc;

use sea_orm::sea_query::{Expr, ExprTrait as _, Func, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter as _, QueryResult,
    RuntimeErr, Select, SelectModel, SelectorRaw,
};
use serde::Serialize;
use sqlx::Row as _;

use super::super::error::{position, statement};
use crate::db::Engine;
use crate::entity::{Id, Timestamp, user};
use crate::ledger::flight_award::paid_by;

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

/// A user's row, lent from where the driver keeps it: a list of a million has no time for copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lent<'r> {
    /// Key.
    pub user_id: &'r str,
    /// Name on ROBLOX.
    pub username: &'r str,
    /// The name that is shown.
    pub display_name: &'r str,
    /// The balance.
    pub miles: i32,
    /// The picture.
    pub avatar_url: Option<&'r str>,
    /// When the user was added.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

impl<'r> Lent<'r> {
    /// Reads a row of [`query`]; `None` where the driver has it in a form that cannot be lent: on SQLite, where times are
    /// text. By place, not by name: the columns come in the entity's order.
    ///
    /// # Errors
    /// The row is not of that query.
    pub fn of(row: &'r QueryResult) -> Result<Option<Self>, DbErr> {
        let Some(row) = row.try_as_pg_row() else { return Ok(None) };
        // Unchecked: that the columns have these types is looked at when the schema is, not a million times.
        let read = || {
            Ok(Self {
                user_id: row.try_get_unchecked(0)?,
                username: row.try_get_unchecked(1)?,
                display_name: row.try_get_unchecked(2)?,
                miles: row.try_get_unchecked(3)?,
                avatar_url: row.try_get_unchecked(4)?,
                created_at: Timestamp::new(row.try_get_unchecked(5)?),
                updated_at: Timestamp::new(row.try_get_unchecked(6)?),
            })
        };
        read().map(Some).map_err(|error: sqlx::Error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
    }
}

impl<'r> From<&'r user::Model> for Lent<'r> {
    fn from(row: &'r user::Model) -> Self {
        Self {
            user_id: &row.user_id,
            username: &row.username,
            display_name: &row.display_name,
            miles: row.miles,
            avatar_url: row.avatar_url.as_deref(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A flight that a user boarded.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Boarded {
    /// The flight.
    #[sea_orm(from_alias = "flightId")]
    pub flight_id: Id,
    /// Its code.
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
    /// When the user boarded.
    #[sea_orm(from_alias = "joinedAt")]
    pub joined_at: Timestamp,
    /// Miles of the award for it that stands.
    pub miles: i64,
}

/// The flights of one user, followed by `tail`: ORDER BY and LIMIT on the columns of [`Boarded`].
pub fn boarded(db: &impl ConnectionTrait, user_id: &str, tail: &str) -> SelectorRaw<SelectModel<Boarded>> {
    let sql = format!(
        r#"SELECT p."flightId", f."code", f."departure", f."arrival", f."aircraft", f."airlineId", f."brandId",
        f."startTime", p."joinedAt", coalesce(paid."miles", p."miles") AS "miles"
        FROM "flightPassengers" AS p JOIN "flights" AS f ON f."id" = p."flightId"
        LEFT JOIN {} paid ON paid."by" = p."flightId"
        WHERE p."userId" = $1{tail}"#,
        paid_by("flightId", "userId")
    );
    Boarded::find_by_statement(statement(db, sql, [user_id.into()]))
}
