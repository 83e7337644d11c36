//! The DDL of each engine for the objects of the model: of whole objects, never of a change.

pub(crate) mod postgres;
pub(crate) mod sqlite;
pub(crate) mod sqlite_types;

use super::model::{ForeignKey, Kind, Schema};
use crate::db::{Engine, quote};

/// One SQL statement, without its closing semicolon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it makes or changes, in a few words: `table users`.
    pub what: String,
    /// The statement.
    pub sql: String,
}

impl Statement {
    /// A statement about `what`.
    pub(crate) fn new(what: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { what: what.into(), sql: sql.into() }
    }
}

/// All statements that make `schema` in an empty database, in an order in which they work; the same bytes every time.
///
/// On PostgreSQL the schema `skyteam` must be there already, for the trigger functions.
pub fn create(schema: &Schema, engine: Engine) -> Vec<Statement> {
    match engine {
        Engine::Postgres => postgres::create(schema),
        Engine::Sqlite => sqlite::create(schema),
    }
}

/// The statements as a script: each closed by a semicolon, with an empty line between.
pub fn script(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{};\n", statement.sql)).collect::<Vec<_>>().join("\n")
}

/// Identifiers, quoted, with commas between.
pub fn quote_all(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// The clause of a constraint that is a foreign key.
fn foreign_key(key: &ForeignKey) -> String {
    let mut sql = format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        quote_all(&key.columns),
        quote(&key.table),
        quote_all(&key.references)
    );
    if key.on_update != Default::default() {
        sql.push_str(&format!(" ON UPDATE {}", key.on_update.sql()));
    }
    if key.on_delete != Default::default() {
        sql.push_str(&format!(" ON DELETE {}", key.on_delete.sql()));
    }
    sql
}

/// A text literal. Both engines take the same form, PostgreSQL under `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The name of a type, as `engine` writes it.
pub fn kind(engine: Engine, kind: &Kind) -> String {
    match engine {
        Engine::Postgres => postgres::kind(kind),
        Engine::Sqlite => sqlite::kind(kind).to_owned(),
    }
}

/// Whether `engine` stores two types alike, so that one in the place of the other is no difference there.
pub fn same_kind(engine: Engine, one: &Kind, other: &Kind) -> bool {
    match engine {
        Engine::Postgres => postgres::kind(one) == postgres::kind(other),
        Engine::Sqlite => {
            sqlite::kind(one) == sqlite::kind(other) && sqlite::condition("x", one) == sqlite::condition("x", other)
        }
    }
}
