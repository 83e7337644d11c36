//! Auditing the ledger: every invariant, for all users, in one statement.
//!
//! One statement sees one snapshot and so runs beside writers without a false alarm; two would not. The statements stand
//! beside this file, one for each engine. What to do about a finding is worded by the command; mending drift is
//! [`super::reconcile`].

use futures::{Stream, StreamExt};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, StreamTrait, Value};

use super::rows;
use crate::db::{Engine, Transaction};
use crate::entity::types::Id;

/// What holds of a right ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// A user's balance is the sum of the user's entries.
    BalanceIsSum,
    /// A balance is from 0 to 2 147 483 647. Overspending leaves no drift: this is where it shows.
    BalanceInRange,
    /// What earns is not negative, what spends not positive.
    SignFitsType,
    /// A user has one award for a flight that has not been reversed.
    OneAwardAFlight,
    /// A passenger's miles are the amount of the award for the flight; who has an award is a passenger. A passenger whose
    /// awards are all reversed keeps his miles.
    PassengerMiles,
    /// A reversal is of the opposite amount, for the same user.
    ReversalIsOpposite,
    /// An entry is reversed once.
    ReversedOnce,
    /// The product of a redemption in effect exists.
    ProductExists,
    /// The user of an entry, or of a passenger, exists.
    UserExists,
}

impl Invariant {
    /// All of them, in the order of the findings.
    pub const ALL: [Self; 9] = [
        Self::BalanceIsSum,
        Self::BalanceInRange,
        Self::SignFitsType,
        Self::OneAwardAFlight,
        Self::PassengerMiles,
        Self::ReversalIsOpposite,
        Self::ReversedOnce,
        Self::ProductExists,
        Self::UserExists,
    ];

    /// The name that scripts know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::BalanceIsSum => "balance_is_sum",
            Self::BalanceInRange => "balance_in_range",
            Self::SignFitsType => "sign_fits_type",
            Self::OneAwardAFlight => "one_award_a_flight",
            Self::PassengerMiles => "passenger_miles",
            Self::ReversalIsOpposite => "reversal_is_opposite",
            Self::ReversedOnce => "reversed_once",
            Self::ProductExists => "product_exists",
            Self::UserExists => "user_exists",
        }
    }
}

/// A place where an invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which.
    pub invariant: Invariant,
    /// The user concerned.
    pub user_id: String,
    /// The user's name.
    pub username: String,
    /// The entry concerned; for what belongs together the latest one.
    pub entry_id: Option<Id>,
    /// The flight concerned.
    pub flight_id: Option<Id>,
    /// The product concerned.
    pub product_id: Option<String>,
    /// What should be: the sum of the entries, a passenger's miles, …
    pub expected: Option<i64>,
    /// What is: the balance, the award, …
    pub found: Option<i64>,
    /// Whether the flight concerned was cancelled: it takes no passengers any more.
    #[serde(skip)]
    pub cancelled: bool,
}

/// Audits all users, or one; streams the findings, by invariant, then by user.
///
/// `tx` is a reading transaction, which the statement's own settings end with.
///
/// # Errors
/// [`DbErr`] of the driver, also in the stream.
pub async fn audit<'a>(
    tx: &'a Transaction,
    user_id: Option<&str>,
) -> Result<impl Stream<Item = Result<Finding, DbErr>> + use<'a>, DbErr> {
    let sql = match Engine::of(tx) {
        Engine::Postgres => {
            // A hash table of all users fits into this; without it, it is sorted on disk. Compiling costs more than it saves.
            // With rows hidden from the role every sum would be wrong, and a repair would write it down.
            tx.execute_unprepared("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL row_security = off")
                .await?;
            include_str!("audit_postgres.sql")
        }
        Engine::Sqlite => include_str!("audit_sqlite.sql"),
    };
    let narrowed = |column: &str| user_id.map_or_else(String::new, |_| format!("AND {column} = $1"));
    let sql = sql
        .replace("{user}", &narrowed(r#""userId""#))
        .replace("{user_u}", &narrowed(r#"u."userId""#))
        .replace("{user_e}", &narrowed(r#"e."userId""#));
    let values: Vec<Value> = user_id.map(Into::into).into_iter().collect();
    let found = tx.stream_raw(rows::statement(tx, sql, values)).await?;
    Ok(found.map(|row| finding(&row?)))
}

fn finding(row: &QueryResult) -> Result<Finding, DbErr> {
    let name: String = row.try_get("", "invariant")?;
    let invariant = Invariant::ALL
        .into_iter()
        .find(|invariant| invariant.name() == name)
        .ok_or_else(|| DbErr::Type(format!("no invariant {name}")))?;
    Ok(Finding {
        invariant,
        user_id: row.try_get("", "userId")?,
        username: row.try_get("", "username")?,
        entry_id: row.try_get("", "entryId")?,
        flight_id: row.try_get("", "flightId")?,
        product_id: row.try_get("", "productId")?,
        expected: row.try_get("", "expected")?,
        found: row.try_get("", "found")?,
        cancelled: row.try_get::<Option<bool>>("", "cancelled")?.unwrap_or_default(),
    })
}
