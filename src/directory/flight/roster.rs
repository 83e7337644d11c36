//! The manifest of a flight as it stands: who boarded, for how many miles.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, RelationTrait as _, SelectModel, Selector, Statement,
};
use serde::Serialize;

use crate::entity::flight_passenger::{Column, Entity, Relation};
use crate::entity::types::{Id, Timestamp};
use crate::entity::user;

/// A user on board.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnBoard {
    /// Key.
    pub user_id: String,
    /// Name on ROBLOX.
    pub username: String,
    /// The name that is shown.
    pub display_name: String,
    /// Miles that the flight earns.
    pub miles: i32,
    /// When the user boarded.
    pub joined_at: Timestamp,
}

/// What a manifest adds up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many are on board.
    pub passengers: i64,
    /// How many miles they earn together.
    pub miles: i64,
    /// How many of them should have earned miles and have no entry in the ledger for the flight.
    pub unpaid: i64,
}

/// Everybody on board, at most `limit` of them, by the given columns (each with whether the largest comes first) and else in
/// the order in which they came.
#[must_use]
pub fn everybody(flight_id: Id, sort: &[(&str, bool)], limit: Option<u64>) -> Selector<SelectModel<OnBoard>> {
    let on_board = Entity::find()
        .select_only()
        .column_as(Column::UserId, "user_id")
        .column_as(user::Column::Username, "username")
        .column_as(user::Column::DisplayName, "display_name")
        .column_as(Column::Miles, "miles")
        .column_as(Column::JoinedAt, "joined_at")
        .join(JoinType::InnerJoin, Relation::User.def())
        .filter(Column::FlightId.eq(flight_id));
    let sorted = sort.iter().fold(on_board, |query, (column, descending)| {
        let order = if *descending { Order::Desc } else { Order::Asc };
        match *column {
            "username" => query.order_by(user::Column::Username, order),
            "displayName" => query.order_by(user::Column::DisplayName, order),
            "miles" => query.order_by(Column::Miles, order),
            "joinedAt" => query.order_by(Column::JoinedAt, order),
            _ => query.order_by(Column::UserId, order),
        }
    });
    sorted.order_by_asc(Column::JoinedAt).order_by_asc(Column::UserId).limit(limit).into_model()
}

/// One user on board; `None` where the user is not.
///
/// # Errors
/// The database's.
pub async fn one(db: &impl ConnectionTrait, flight_id: Id, user_id: &str) -> Result<Option<super::Passenger>, DbErr> {
    Entity::find_by_id((flight_id, user_id.to_owned())).one(db).await
}

/// What the manifest adds up to.
///
/// # Errors
/// The database's.
pub async fn summary(db: &impl ConnectionTrait, flight_id: Id) -> Result<Summary, DbErr> {
    let sql = r#"SELECT count(*) AS "passengers", CAST(coalesce(sum(p."miles"), 0) AS bigint) AS "miles",
            count(*) FILTER (WHERE p."miles" > 0 AND p."userId" NOT IN (
                SELECT e."userId" FROM "milesTransactions" e
                WHERE e."flightId" = $1 AND e."type" = 'earn')) AS "unpaid"
        FROM "flightPassengers" p WHERE p."flightId" = $1"#;
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [flight_id.into()]);
    let found = Summary::find_by_statement(statement).one(db).await?;
    found.ok_or_else(|| DbErr::RecordNotFound("an aggregate without a row".to_owned()))
}
