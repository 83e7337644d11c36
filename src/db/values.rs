//! The form in which statements and their values are bound.
//!
//! SQLite has no UUID and no timestamp; its driver would store a UUID as 16 bytes and a time with padded digits. Here
//! both are bound as the text that PostgreSQL shows for them, so that rows read alike in `sqlite3` and in `psql`, and
//! so that text order is time order. Reading them back is the business of [`crate::entity`]'s types.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use sea_orm::{DbBackend, Statement, Value};

use super::search_path;
use crate::entity::columns;

/// The text of a time as PostgreSQL shows it: no fraction where it is zero, no trailing zeros in it.
fn timestamp_text(time: &NaiveDateTime) -> String {
    let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The ends of casts of fields that PostgreSQL takes as text only with a cast to their type.
const UNKNOWN_TO_SQLITE: [&str; 6] =
    [" AS interval)", " AS inet)", " AS cidr)", " AS macaddr)", " AS varbit)", " AS decimal)"];

/// The statement as the engine takes it: with its schema on PostgreSQL; on SQLite with what it has no type for as text.
pub(super) fn bound(engine: DbBackend, mut statement: Statement) -> Statement {
    if engine == DbBackend::Postgres {
        if let Cow::Owned(sql) = search_path::qualify(&statement.sql) {
            statement.sql = sql;
        }
        return statement;
    }
    // SQLite would make a number of what it casts to a type that it does not know.
    for known in UNKNOWN_TO_SQLITE {
        if statement.sql.contains(known) {
            statement.sql = statement.sql.replace(known, " AS text)");
        }
    }
    if let Some(values) = statement.values.as_mut() {
        for value in &mut values.0 {
            match value {
                Value::Uuid(id) => *value = Value::String(id.map(|id| id.hyphenated().to_string())),
                Value::ChronoDateTime(time) => *value = Value::String(time.as_ref().map(timestamp_text)),
                Value::Array(_, None) => *value = Value::String(None),
                Value::Array(_, Some(_)) => *value = Value::String(columns::text(value)),
                _ => {}
            }
        }
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_postgres_text() {
        for (given, shown) in [
            ("2025-01-05T10:30:00.123456", "2025-01-05 10:30:00.123456"),
            ("2025-01-05T10:30:00.5", "2025-01-05 10:30:00.5"),
            ("2025-01-05T10:30:00", "2025-01-05 10:30:00"),
        ] {
            assert_eq!(timestamp_text(&given.parse().unwrap()), shown);
        }
    }
}
