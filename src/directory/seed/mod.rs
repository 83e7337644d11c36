//! Demonstration data: realistic, the same for the same seed, and with a ledger that is right.
//!
//! [`generate`] is a pure function of its [`Wish`]; [`insert`] writes what it made. Every balance is the sum of its
//! entries and was never below zero on the way.

mod catalog;
mod flights;
mod people;

use chrono::{DateTime, Duration, Utc};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Statement};

use crate::db::{Transaction, quote};
use crate::entity::registry;
use crate::entity::types::{Id, Timestamp};
use crate::entity::{airline, brand, flight, flight_passenger, miles_product, miles_transaction, user};

/// Rows that one statement inserts: below SQLite's 32 766 and PostgreSQL's 65 535 bound values with our widest table.
const ROWS_A_STATEMENT: usize = 1000;

/// What data is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// How many users, at most a million.
    pub users: usize,
    /// How many flights, at most a million.
    pub flights: usize,
    /// The same seed gives the same data, but for `now`.
    pub seed: u64,
    /// All times are relative to the midnight (UTC) of this day.
    pub now: DateTime<Utc>,
}

/// All rows, parents first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset {
    /// Airlines.
    pub airlines: Vec<airline::Model>,
    /// Their brands; the first of each is primary.
    pub brands: Vec<brand::Model>,
    /// Their rewards.
    pub products: Vec<miles_product::Model>,
    /// People.
    pub users: Vec<user::Model>,
    /// Flights of the last 60 days and the next 14.
    pub flights: Vec<flight::Model>,
    /// Who was on board.
    pub passengers: Vec<flight_passenger::Model>,
    /// The ledger, oldest first.
    pub entries: Vec<miles_transaction::Model>,
}

/// Makes the data. Columns that it does not know of have their defaults, or, where they have none, an empty value.
///
/// # Errors
/// As [`crate::entity::columns::complete`].
pub(crate) fn generate(wish: Wish) -> Result<Dataset, DbErr> {
    let mut rng = ChaCha8Rng::seed_from_u64(wish.seed);
    let midnight = Timestamp::new(wish.now.date_naive().and_time(chrono::NaiveTime::MIN));
    let (airlines, brands, products) = catalog::generate(&mut rng, midnight)?;
    let mut users = people::generate(&mut rng, wish.users, midnight)?;
    let flights = flights::generate(&mut rng, wish.flights, &brands, midnight, wish.now)?;
    let passengers = flights::board(&mut rng, &flights, &users)?;
    let entries = flights::ledger(&mut rng, &passengers, &products, &mut users)?;
    Ok(Dataset { airlines, brands, products, users, flights, passengers, entries })
}

/// Which of our tables hold rows, with how many; empty where a seed may go.
///
/// # Errors
/// The driver's.
pub(crate) async fn occupied(connection: &impl ConnectionTrait) -> Result<Vec<(&'static str, u64)>, DbErr> {
    let mut occupied = Vec::new();
    for table in registry::tables() {
        let sql = format!(r#"SELECT count(*) AS "rows" FROM {}"#, quote(table.name));
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await?;
        let rows: i64 = row.map(|row| row.try_get("", "rows")).transpose()?.unwrap_or_default();
        if rows > 0 {
            occupied.push((table.name, rows.unsigned_abs()));
        }
    }
    Ok(occupied)
}

/// Writes the data, telling `done` after each statement how many rows went in.
///
/// # Errors
/// The driver's.
pub(crate) async fn insert(transaction: &Transaction, data: Dataset, done: impl Fn(u64)) -> Result<(), DbErr> {
    insert_all(transaction, data.airlines, &done).await?;
    insert_all(transaction, data.brands, &done).await?;
    insert_all(transaction, data.products, &done).await?;
    insert_all(transaction, data.users, &done).await?;
    insert_all(transaction, data.flights, &done).await?;
    insert_all(transaction, data.passengers, &done).await?;
    insert_all(transaction, data.entries, &done).await
}

async fn insert_all<M, A>(transaction: &Transaction, rows: Vec<M>, done: &impl Fn(u64)) -> Result<(), DbErr>
where
    M: IntoActiveModel<A>,
    A: ActiveModelTrait,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> =
            rows.by_ref().take(ROWS_A_STATEMENT).map(|row| row.into_active_model().reset_all()).collect();
        let count = chunk.len() as u64;
        A::Entity::insert_many(chunk).exec_without_returning(transaction).await?;
        done(count);
    }
    Ok(())
}

fn random_id(rng: &mut ChaCha8Rng) -> Id {
    Id(uuid::Builder::from_random_bytes(rng.random()).into_uuid())
}

fn pick<'a, T>(rng: &mut ChaCha8Rng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

fn minutes_after(at: Timestamp, minutes: i64) -> Timestamp {
    Timestamp::new(at.0 + Duration::minutes(minutes))
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn data() -> Dataset {
        generate(Wish { users: 200, flights: 150, seed: 7, now: "2026-11-23T15:30:00Z".parse().unwrap() }).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_data() {
        assert_eq!(data(), data());
    }

    #[test]
    fn every_balance_is_the_sum_of_its_entries_and_never_was_negative() {
        let data = data();
        let mut balances: HashMap<&str, i32> = HashMap::new();
        for entry in &data.entries {
            let balance = balances.entry(&entry.user_id).or_default();
            *balance += entry.amount;
            assert!(*balance >= 0);
        }
        for user in &data.users {
            assert_eq!(balances.get(user.user_id.as_str()).copied().unwrap_or(0), user.miles);
        }
        assert!(data.entries.iter().any(|entry| entry.amount < 0));
        let purchases = || data.entries.iter().filter(|entry| entry.source == "purchase");
        assert!(
            purchases().any(|entry| entry.product_id.is_none()) && purchases().any(|entry| entry.product_id.is_some())
        );
        assert!(data.entries.is_sorted_by_key(|entry| entry.created_at));
    }

    #[test]
    fn every_passenger_boarded_once_and_was_paid_once() {
        let data = data();
        let boarded: HashSet<_> = data.passengers.iter().map(|row| (row.flight_id, &row.user_id)).collect();
        assert_eq!(boarded.len(), data.passengers.len());
        let earned = data.entries.iter().filter(|entry| entry.flight_id.is_some()).count();
        assert_eq!(earned, data.passengers.len());
    }

    #[test]
    fn all_codes_fit_their_brand() {
        let data = data();
        for flight in &data.flights {
            let brand = data.brands.iter().find(|brand| brand.brand_id == flight.brand_id).unwrap();
            assert!(flight.code.starts_with(&brand.iata));
            assert_eq!(brand.airline_id, flight.airline_id);
            assert_ne!(flight.departure, flight.arrival);
        }
    }
}
