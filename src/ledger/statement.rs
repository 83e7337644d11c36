//! The miles of one user or one airline over a period: opening, movements by source, closing.
//!
//! Only entries count, each at the time when it was written, and entries are never changed: the statement of a past month
//! is the same whenever it is made.

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::purchase::{self, Unattributed};
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
    /// Of an airline's statement: purchases of the whole alliance that name no product, within the period. Whose they are
    /// unknown, so they are in none of the sums above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unattributed: Option<Unattributed>,
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
    /// Of an airline's statement: how many of the entries are in it by the product's name in their note alone.
    #[serde(rename = "byName", skip_serializing_if = "Option::is_none")]
    pub by_name: Option<i64>,
}

/// The statement of `account` from `from` on and before `until`.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn statement(
    connection: &impl ConnectionTrait,
    account: &Account,
    from: Timestamp,
    until: Timestamp,
) -> Result<Statement, DbErr> {
    let (condition, by_name, key) = match account {
        Account::User(user_id) => (r#"e."userId" = $1"#.to_owned(), "false".to_owned(), user_id),
        Account::Airline(airline_id) => {
            // What takes such a purchase back names no product either.
            let by_name = format!(
                r#"({} OR e."productId" IS NULL AND e."reversesId" IN (SELECT p."id" FROM "milesTransactions" p WHERE {}))"#,
                purchase::of_airline_by_name("e", "$1"),
                purchase::of_airline_by_name("p", "$1")
            );
            let condition = format!(
                r#"(e."flightId" IN (SELECT "id" FROM "flights" WHERE "airlineId" = $1)
                OR e."productId" IN (SELECT "productId" FROM "milesProducts" WHERE "airlineId" = $1) OR {by_name})"#
            );
            (condition, by_name, airline_id)
        }
    };
    let sql = format!(
        r#"SELECT "source",
            CAST(coalesce(sum(CASE WHEN "createdAt" < $2 THEN "amount" END), 0) AS bigint) AS "before",
            count(CASE WHEN "createdAt" >= $2 THEN 1 END) AS "entries",
            CAST(coalesce(sum(CASE WHEN "createdAt" >= $2 AND "amount" > 0 THEN "amount" END), 0) AS bigint) AS "earned",
            CAST(coalesce(sum(CASE WHEN "createdAt" >= $2 AND "amount" < 0 THEN "amount" END), 0) AS bigint) AS "spent",
            count(CASE WHEN "createdAt" >= $2 AND {by_name} THEN 1 END) AS "byName"
        FROM "milesTransactions" e WHERE {condition} AND "createdAt" < $3 GROUP BY "source""#
    );
    let values: [Value; 3] = [key.as_str().into(), from.into(), until.into()];
    let mut made = Statement { opening: 0, earned: 0, spent: 0, closing: 0, sources: Vec::new(), unattributed: None };
    for row in connection.query_all_raw(rows::statement(connection, sql, values)).await? {
        let source = Source {
            source: row.try_get("", "source")?,
            entries: row.try_get("", "entries")?,
            earned: row.try_get("", "earned")?,
            spent: row.try_get("", "spent")?,
            by_name: matches!(account, Account::Airline(_)).then(|| row.try_get("", "byName")).transpose()?,
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
    if let Account::Airline(_) = account {
        made.unattributed = Some(purchase::unattributed(connection, Some((from.into(), until.into()))).await?);
    }
    Ok(made)
}
