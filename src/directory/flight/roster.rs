//! The current manifest of a flight: who boarded, for how many miles.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, SelectModel, SelectorRaw, Statement};
use serde::Serialize;

use crate::db::quote;
use crate::entity::flight_passenger::{self, Entity};
use crate::entity::types::Id;
use crate::ledger::flight_award::{paid_by, passenger_columns};

/// A user on board.
#[derive(Clone, Debug, PartialEq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnBoard {
    /// The place on board. Its miles are those of the award for the flight, 0 where it was reversed; of a
    /// passenger who has not been paid, what the flight earns.
    #[sea_orm(nested)]
    #[serde(flatten)]
    pub passenger: flight_passenger::Model,
    /// Name on ROBLOX.
    pub username: String,
    /// The name that is shown.
    #[sea_orm(from_alias = "displayName")]
    pub display_name: String,
}

/// What a manifest adds up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many are on board.
    pub passengers: i64,
    /// How many miles of them were not reversed.
    pub miles: i64,
    /// How many of them should have earned miles and have no entry in the ledger for the flight.
    pub unpaid: i64,
}

/// All passengers, at most `limit` of them, by the given columns (each with whether the largest comes first) and else in
/// the order in which they came.
pub fn everybody(
    db: &impl ConnectionTrait,
    flight_id: Id,
    sort: &[(&str, bool)],
    limit: Option<u64>,
) -> SelectorRaw<SelectModel<OnBoard>> {
    let sorted: String = sort
        .iter()
        .map(|(column, descending)| {
            let column = match *column {
                "username" | "displayName" => format!("u.{}", quote(column)),
                "miles" => r#""miles""#.to_owned(),
                other => format!("p.{}", quote(other)),
            };
            format!("{column} {}, ", if *descending { "DESC" } else { "ASC" })
        })
        .collect();
    let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    let sql = format!(
        r#"SELECT {}, u."username", u."displayName" FROM "flightPassengers" p
        JOIN "users" u ON u."userId" = p."userId" LEFT JOIN {} paid ON paid."by" = p."userId"
        WHERE p."flightId" = $1 ORDER BY {sorted}p."joinedAt", p."userId"{limit}"#,
        passenger_columns(),
        paid_by("userId", "flightId")
    );
    OnBoard::find_by_statement(Statement::from_sql_and_values(db.get_database_backend(), sql, [flight_id.into()]))
}

/// One user on board; `None` where the user is not.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn one(db: &impl ConnectionTrait, flight_id: Id, user_id: &str) -> Result<Option<super::Passenger>, DbErr> {
    Entity::find_by_id((flight_id, user_id.to_owned())).one(db).await
}

/// What the manifest adds up to.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn summary(db: &impl ConnectionTrait, flight_id: Id) -> Result<Summary, DbErr> {
    let sql = format!(
        r#"SELECT count(*) AS "passengers", CAST(coalesce(sum(coalesce(paid."miles", p."miles")), 0) AS bigint) AS "miles",
            count(*) FILTER (WHERE p."miles" > 0 AND p."userId" NOT IN (
                SELECT e."userId" FROM "milesTransactions" e
                WHERE e."flightId" = $1 AND e."type" = 'earn')) AS "unpaid"
        FROM "flightPassengers" p LEFT JOIN {} paid ON paid."by" = p."userId" WHERE p."flightId" = $1"#,
        paid_by("userId", "flightId")
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [flight_id.into()]);
    let found = Summary::find_by_statement(statement).one(db).await?;
    found.ok_or_else(|| DbErr::RecordNotFound("an aggregate without a row".to_owned()))
}
