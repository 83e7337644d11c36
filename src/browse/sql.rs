//! A statement under construction, and how a column is read and compared in it.
//!
//! On PostgreSQL every value goes as text and is cast there to the column's type, and every column comes as text: so a value
//! is exactly what it is, whatever Rust could hold of it. On SQLite values keep their storage class.

use super::table::{Column, Kind, Table};
use super::value::{CUT, Datum};
use crate::db::{Engine, quote};

/// A statement with its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Sql {
    /// Its text, with `$1` and so on.
    pub text: String,
    /// The values, in the order of their numbers.
    pub binds: Vec<Datum>,
}

impl Sql {
    /// Adds text.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value, which PostgreSQL casts to `sql_type`.
    pub(super) fn bind(&mut self, engine: Engine, value: Datum, sql_type: &str) -> &mut Self {
        let place = self.place(engine, value, sql_type);
        self.push(&place)
    }

    /// The text of a value, which PostgreSQL casts to `sql_type`.
    pub(super) fn place(&mut self, engine: Engine, value: Datum, sql_type: &str) -> String {
        self.binds.push(value);
        let number = self.binds.len();
        match engine {
            Engine::Postgres => format!("CAST(CAST(${number} AS text) AS {sql_type})"),
            Engine::Sqlite => format!("${number}"),
        }
    }
}

/// A column's name. SQLite takes what is in double quotes and no column for a text, but not what is in backticks.
pub(super) fn name(engine: Engine, column: &Column) -> String {
    match engine {
        Engine::Postgres => quote(&column.name),
        Engine::Sqlite => format!("`{}`", column.name.replace('`', "``")),
    }
}

/// Reads a column, whole.
pub(super) fn read(engine: Engine, column: &Column) -> String {
    let name = name(engine, column);
    match engine {
        Engine::Postgres if column.kind == Kind::Bytes => format!("'\\x' || encode({name}, 'hex')"),
        Engine::Postgres => format!("CAST({name} AS text)"),
        Engine::Sqlite => name,
    }
}

/// Reads of a column as much as a page shows, and one character more where there is more.
pub(super) fn read_cut(engine: Engine, column: &Column) -> String {
    let (name, most) = (name(engine, column), CUT + 1);
    match engine {
        Engine::Postgres if column.kind == Kind::Bytes => {
            format!("'\\x' || encode(substring({name} FROM 1 FOR {}), 'hex')", most.div_ceil(2))
        }
        Engine::Postgres if column.kind.is_long() => format!("left(CAST({name} AS text), {most})"),
        Engine::Postgres => format!("CAST({name} AS text)"),
        Engine::Sqlite => format!(
            "CASE typeof({name}) WHEN 'text' THEN substr({name}, 1, {most}) WHEN 'blob' THEN substr({name}, 1, {}) \
             ELSE {name} END",
            most.div_ceil(2)
        ),
    }
}

/// What a column is compared and sorted by, and PostgreSQL's type of that.
pub(super) fn compared(engine: Engine, column: &Column) -> (String, &str) {
    let name = name(engine, column);
    match engine {
        Engine::Postgres if column.kind.is_compared_as_text() => (format!("CAST({name} AS text)"), "text"),
        _ => (name, &column.sql_type),
    }
}

/// The table's name in a statement.
pub(super) fn from(table: &Table) -> String {
    format!(" FROM {}", quote(&table.name))
}
