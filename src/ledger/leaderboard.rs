//! Who has, or has earned, the most miles.
//!
//! Without a period or an airline the ranking is by balance. With either it is by miles earned: what was given, less what
//! of it was taken back, each counted when it was written. So the ranking of a past month never changes, and spending
//! does not lower a user's place. Adjustments by the audit are not earned.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::erased::not_erased;
use super::rows;
use crate::db::Engine;
use crate::entity::types::Timestamp;

/// What is ranked.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    /// For flights that this airline operates; a codeshare counts for the operating airline alone.
    pub airline_id: Option<String>,
}

impl Scope {
    /// Whether balances are ranked, and not what was earned.
    pub fn is_balance(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.airline_id.is_none()
    }
}

/// A place in the ranking.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// From 1; equals share a place, and the next one is left out.
    pub rank: i64,
    /// Key of the user.
    pub user_id: String,
    /// Name on ROBLOX.
    pub username: String,
    /// Shown name.
    pub display_name: String,
    /// Balance now.
    pub miles: i64,
    /// Miles earned within the scope; all ever earned where balances are ranked.
    pub earned: i64,
}

/// The first `limit` places, or all; equals in order of their names. Erased users have none.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn places(connection: &impl ConnectionTrait, scope: &Scope, limit: Option<u64>) -> Result<Vec<Place>, DbErr> {
    let mut values: Vec<Value> = Vec::new();
    let mut bind = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut conditions = vec![
        r#"(e."source" NOT IN ('reversal', 'adjustment') AND e."type" = 'earn' OR e."source" = 'reversal' AND e."type" = 'spend')"#
            .to_owned(),
    ];
    if let Some(since) = scope.since {
        conditions.push(format!(r#"e."createdAt" >= {}"#, bind(since.into())));
    }
    if let Some(until) = scope.until {
        conditions.push(format!(r#"e."createdAt" < {}"#, bind(until.into())));
    }
    if let Some(airline_id) = &scope.airline_id {
        let airline_id = bind(airline_id.as_str().into());
        conditions.push(format!(r#"e."flightId" IN (SELECT "id" FROM "flights" WHERE "airlineId" = {airline_id})"#));
    }
    let conditions = conditions.join(" AND ");
    // By bytes on both engines: a server's own alphabet depends on its locale.
    let by_name = match Engine::of(connection) {
        Engine::Postgres => r#""username" COLLATE "C""#,
        Engine::Sqlite => r#""username""#,
    };
    let earned = r#"CAST(sum(e."amount") AS bigint)"#;
    let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    let ranked = not_erased("u");
    let sql = if scope.is_balance() {
        // The few are found first, and only their entries are read.
        format!(
            r#"SELECT u.*, coalesce((SELECT {earned} FROM "milesTransactions" e
                WHERE e."userId" = u."userId" AND {conditions}), 0) AS "earned"
            FROM (SELECT rank() OVER (ORDER BY "miles" DESC) AS "rank", "userId", "username", "displayName",
                    CAST("miles" AS bigint) AS "miles"
                FROM "users" u WHERE {ranked} ORDER BY "miles" DESC, {by_name}{limit}) u
            ORDER BY "rank", {by_name}"#
        )
    } else {
        format!(
            r#"SELECT rank() OVER (ORDER BY "earned" DESC) AS "rank", u."userId", u."username", u."displayName",
                CAST(u."miles" AS bigint) AS "miles", "earned"
            FROM (SELECT e."userId", {earned} AS "earned" FROM "milesTransactions" e WHERE {conditions}
                GROUP BY e."userId") s
            JOIN "users" u ON u."userId" = s."userId" WHERE "earned" > 0 AND {ranked}
            ORDER BY "earned" DESC, u.{by_name}{limit}"#
        )
    };
    let found = connection.query_all_raw(rows::statement(connection, sql, values)).await?;
    found
        .iter()
        .map(|row| {
            Ok(Place {
                rank: row.try_get("", "rank")?,
                user_id: row.try_get("", "userId")?,
                username: row.try_get("", "username")?,
                display_name: row.try_get("", "displayName")?,
                miles: row.try_get("", "miles")?,
                earned: row.try_get("", "earned")?,
            })
        })
        .collect()
}
