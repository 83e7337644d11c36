//! How much of an id is enough to name it: the shortest beginning, of at least eight characters, that no other id has.
//!
//! Ids of version 7 begin with the time, so that those of one batch share much. The neighbours of an id in the order of
//! keys tell how much: every other id shares no more with it than one of them does.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::db::Engine;
use crate::entity::Id;

/// The fewest characters of a beginning.
const LEAST: usize = 8;

/// How many ids one statement asks for.
const CHUNK: usize = 200;

/// The characters within which a shortened id stays unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Among {
    /// The ids of flights.
    Flights,
    /// The ids of ledger entries and of batches, which are named in the same place.
    Entries,
}

impl Among {
    const fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Flights => &[("flights", "id")],
            Self::Entries => &[("milesTransactions", "id"), ("milesTransactions", "batchId")],
        }
    }
}

/// How many characters of each of `ids` name it.
///
/// # Errors
/// The database's.
pub(crate) async fn prefixes(db: &impl ConnectionTrait, among: Among, ids: &[Id]) -> Result<HashMap<Id, usize>, DbErr> {
    let mut lengths = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let statement = neighbours(db, among, chunk);
        for row in db.query_all_raw(statement).await? {
            let id: Id = row.try_get_by_index(0)?;
            let mut length = LEAST;
            for at in 0..2 * among.columns().len() {
                if let Some(other) = row.try_get_by_index::<Option<Id>>(at + 1)? {
                    length = length.max(told_apart(&id.to_string(), &other.to_string()));
                }
            }
            lengths.insert(id, length);
        }
    }
    Ok(lengths)
}

/// A row for each id: itself, and in each column the ids before and after it.
fn neighbours(db: &impl ConnectionTrait, among: Among, ids: &[Id]) -> Statement {
    let place = |at: usize| match Engine::of(db) {
        Engine::Postgres => format!("(CAST(${at} AS uuid))"),
        Engine::Sqlite => format!("(${at})"),
    };
    let places: Vec<String> = (1..=ids.len()).map(place).collect();
    let mut columns = vec![r#"wanted."id""#.to_owned()];
    for (table, column) in among.columns() {
        for (side, order) in [("<", "DESC"), (">", "ASC")] {
            columns.push(format!(
                r#"(SELECT t."{column}" FROM "{table}" t WHERE t."{column}" {side} wanted."id" ORDER BY t."{column}" {order} LIMIT 1)"#
            ));
        }
    }
    let sql =
        format!(r#"WITH wanted("id") AS (VALUES {}) SELECT {} FROM wanted"#, places.join(", "), columns.join(", "));
    Statement::from_sql_and_values(db.get_database_backend(), sql, ids.iter().map(|id| (*id).into()))
}

/// How many characters of one text tell it from another; a hyphen is no last one.
fn told_apart(one: &str, other: &str) -> usize {
    let shared = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    (shared + 1).min(one.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_apart_by_the_first_character_that_differs() {
        let one = "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2f";
        assert_eq!(told_apart(one, "0196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2f"), 36);
        assert_eq!(told_apart(one, "0196f7a2-5e0d-7c3e-9d43-0a4b6c0d1e2f"), 13);
        // The first characters that differ are those after a hyphen: the hyphen itself never differs.
        assert_eq!(told_apart(one, "0196f7a2-6e0c-7c3e-9d43-0a4b6c0d1e2f"), 10);
        assert_eq!(told_apart(one, "1196f7a2-5e0c-7c3e-9d43-0a4b6c0d1e2f"), 1);
    }
}
