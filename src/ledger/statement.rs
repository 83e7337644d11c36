//! The miles of one user or one airline over a period: opening, movements by source, closing.
//!
//! Only entries count, each at the time when it was written, and entries are never changed: the statement of a past month
//! is the same whenever it is made.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::rows;
use crate::entity::types::Timestamp;

/// Whose statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// A user's balance, by `userId`.
    User(String),
    /// What an airline's flights paid out and its products took in, by `airlineId`. A codeshare counts for the airline that
    /// operates the flight.
    Airline(String),
}

/// A period's movements.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Statement {
    /// The sum of all earlier entries.
    pub opening: i64,
    /// What came in, zero or more.
    pub earned: i64,
    /// What went out, zero or less.
    pub spent: i64,
    /// `opening` and all movements.
    pub closing: i64,
    /// The movements by source, in alphabetical order; sources without any are left out.
    pub sources: Vec<Source>,
}

/// The movements of one source.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Source {
    /// The column `source`.
    pub source: String,
    /// How many entries.
    pub entries: i64,
    /// The sum of the positive ones.
    pub earned: i64,
    /// The sum of the negative ones.
    pub spent: i64,
}

/// The statement of `account` from `from` on and before `until`.
///
/// # Errors
/// The driver's.
pub async fn statement(
    connection: &impl ConnectionTrait,
    account: &Account,
    from: Timestamp,
    until: Timestamp,
) -> Result<Statement, DbErr> {
    let (condition, key) = match account {
        Account::User(user_id) => (r#""userId" = $1"#, user_id),
        Account::Airline(airline_id) => (
            r#"("flightId" IN (SELECT "id" FROM "flights" WHERE "airlineId" = $1)
            OR "productId" IN (SELECT "productId" FROM "milesProducts" WHERE "airlineId" = $1))"#,
            airline_id,
        ),
    };
    let sql = format!(
        r#"SELECT "source",
            CAST(coalesce(sum(CASE WHEN "createdAt" < $2 THEN "amount" END), 0) AS bigint) AS "before",
            count(CASE WHEN "createdAt" >= $2 THEN 1 END) AS "entries",
            CAST(coalesce(sum(CASE WHEN "createdAt" >= $2 AND "amount" > 0 THEN "amount" END), 0) AS bigint) AS "earned",
            CAST(coalesce(sum(CASE WHEN "createdAt" >= $2 AND "amount" < 0 THEN "amount" END), 0) AS bigint) AS "spent"
        FROM "milesTransactions" WHERE {condition} AND "createdAt" < $3 GROUP BY "source""#
    );
    let values: [Value; 3] = [key.as_str().into(), from.into(), until.into()];
    let mut made = Statement { opening: 0, earned: 0, spent: 0, closing: 0, sources: Vec::new() };
    for row in connection.query_all_raw(rows::statement(connection, sql, values)).await? {
        let source = Source {
            source: row.try_get("", "source")?,
            entries: row.try_get("", "entries")?,
            earned: row.try_get("", "earned")?,
            spent: row.try_get("", "spent")?,
        };
        made.opening += row.try_get::<i64>("", "before")?;
        made.earned += source.earned;
        made.spent += source.spent;
        if source.entries > 0 {
            made.sources.push(source);
        }
    }
    // Not by the server: its alphabet depends on its locale.
    made.sources.sort_by(|a, b| a.source.cmp(&b.source));
    made.closing = made.opening + made.earned + made.spent;
    Ok(made)
}
