//! What a user's balance was, and how it came to be.
//!
//! The balance beside an entry is counted back from the user's balance of now, newest first. So the latest fifty entries of
//! a million cost fifty reads of the index (`userId`, `createdAt`), and filters, which come after the counting, do not
//! change the balance shown beside an entry. Where balance and ledger have drifted apart, the difference is what is left at
//! the oldest entry; [`super::audit`] finds it.

use futures::{Stream, StreamExt};
use sea_orm::{ConnectionTrait, DbErr, StreamTrait, Value};

use super::rows::{self, COLUMNS};
use super::{Entry, kind};
use crate::entity::types::{Id, Timestamp};

/// Which entries of a user.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Written at this time or later.
    pub since: Option<Timestamp>,
    /// Written before this time.
    pub until: Option<Timestamp>,
    /// What earns, or what spends.
    pub kind: Option<Kind>,
    /// Of exactly this source.
    pub source: Option<String>,
    /// For this flight.
    pub flight_id: Option<Id>,
}

/// The two directions of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Zero or more miles.
    Earn,
    /// Zero or fewer miles.
    Spend,
}

impl Kind {
    /// The value of the column `type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earn => kind::EARN,
            Self::Spend => kind::SPEND,
        }
    }
}

/// An entry and the balance after it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Line {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The user's balance when it had been written.
    pub balance: i64,
}

/// A user's entries, newest first, at most `limit`. Entries of one instant follow their ids.
///
/// # Errors
/// [`DbErr`] of the driver, also in the stream.
pub async fn of_user<'a, C>(
    connection: &'a C,
    user_id: &str,
    filter: &Filter,
    limit: Option<u64>,
) -> Result<impl Stream<Item = Result<Line, DbErr>> + use<'a, C>, DbErr>
where
    C: ConnectionTrait + StreamTrait,
{
    let mut values: Vec<Value> = vec![user_id.into()];
    let mut bind = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    // Older entries do not count towards newer balances and can be left unread.
    let since = filter.since.map(|at| format!(r#" AND e."createdAt" >= {}"#, bind(at.into()))).unwrap_or_default();
    let mut conditions = Vec::new();
    if let Some(until) = filter.until {
        conditions.push(format!(r#""createdAt" < {}"#, bind(until.into())));
    }
    if let Some(kind) = filter.kind {
        conditions.push(format!(r#""type" = {}"#, bind(kind.as_str().into())));
    }
    if let Some(source) = &filter.source {
        conditions.push(format!(r#""source" = {}"#, bind(source.as_str().into())));
    }
    if let Some(flight_id) = filter.flight_id {
        conditions.push(format!(r#""flightId" = {}"#, bind(flight_id.into())));
    }
    let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    // Neither engine stops a window's sum after its first rows. Where no condition comes after it, it need not see more.
    let newest = if conditions.is_empty() && !limit.is_empty() {
        format!(r#" ORDER BY e."createdAt" DESC, e."id" DESC{limit}"#)
    } else {
        String::new()
    };
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    let sql = format!(
        r#"SELECT {COLUMNS}, "balance" FROM (
            SELECT e.*, CAST(u."miles" - (sum(e."amount") OVER newest - e."amount") AS bigint) AS "balance"
            FROM (SELECT e.* FROM "milesTransactions" e WHERE e."userId" = $1{since}{newest}) e
            JOIN "users" u ON u."userId" = $1
            WINDOW newest AS (ORDER BY e."createdAt" DESC, e."id" DESC ROWS UNBOUNDED PRECEDING)
        ) lines WHERE {conditions} ORDER BY "createdAt" DESC, "id" DESC{limit}"#
    );
    let found = connection.stream_raw(rows::statement(connection, sql, values)).await?;
    Ok(found.map(|row| {
        let row = row?;
        Ok(Line { entry: rows::entry(&row)?, balance: row.try_get("", "balance")? })
    }))
}

/// A user's balance at `at`, with all that was written at that very instant; 0 for an unknown user.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn balance_at(connection: &impl ConnectionTrait, user_id: &str, at: Timestamp) -> Result<i64, DbErr> {
    let sql = r#"SELECT CAST(coalesce(sum("amount"), 0) AS bigint) AS "balance"
        FROM "milesTransactions" WHERE "userId" = $1 AND "createdAt" <= $2"#;
    let row = connection.query_one_raw(rows::statement(connection, sql, [user_id.into(), at.into()])).await?;
    row.map_or(Ok(0), |row| row.try_get("", "balance"))
}
