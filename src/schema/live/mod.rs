//! The live schema: what the database's own catalogue says, as a [`Schema`] that compares with a given one.
//!
//! Reading needs something to compare with (`reference`), for two reasons. Tables that the reference does not name are
//! not ours and only listed. And expressions (defaults, checks, conditions) are compared in the engine's own
//! words: whatever the engine says means the same becomes the reference's own value, everything else `Unsupported`. Equal
//! things are therefore equal values, and [`super::diff()`] stays a pure function.

pub(crate) mod create_table;
mod postgres;
mod sqlite;
mod stored_type;
mod unify;

pub(crate) use create_table::{TableText, table_text};
pub(super) use postgres::may_write;
pub(super) use sqlite::WITHOUT_ROWID;

use sea_orm::ConnectionTrait;

use super::model::Schema;
use crate::db::Engine;

/// Reads the tables of `reference` as they are, under the names they have. Columns in `renames` are looked up, and
/// expressions compared, as they will be called.
///
/// Call it inside a transaction. On PostgreSQL, where the transaction may write, it may make scratch tables behind a
/// savepoint; it changes nothing.
///
/// # Errors
///
/// [`LiveError`]; after a driver's error the caller's transaction is lost.
pub async fn read(
    connection: &impl ConnectionTrait,
    reference: &Schema,
    renames: &[Rename],
) -> Result<Live, LiveError> {
    match Engine::of(connection) {
        Engine::Postgres => postgres::read(connection, reference, renames).await,
        Engine::Sqlite => sqlite::read(connection, reference, renames).await,
    }
}

/// What a database's catalogue has under some names, to be compared with more than one schema.
pub(crate) struct Catalogue(Found);

enum Found {
    Postgres(Box<postgres::Document>),
    Sqlite(sqlite::Rows),
}

impl Catalogue {
    /// Reads it, inside the caller's transaction, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`LiveError`]; after a driver's error the caller's transaction is lost.
    pub(crate) async fn read(connection: &impl ConnectionTrait, tables: &[&str]) -> Result<Self, LiveError> {
        Ok(Self(match Engine::of(connection) {
            Engine::Postgres => Found::Postgres(Box::new(postgres::catalogue(connection, tables).await?)),
            Engine::Sqlite => Found::Sqlite(sqlite::catalogue(connection).await?),
        }))
    }

    /// The tables of `reference` as they are, in its terms. A view of that name is no table; what cannot be known without
    /// writing counts as different.
    ///
    /// # Errors
    ///
    /// [`LiveError::Definition`], and the driver's, after which the caller's transaction is lost.
    pub(crate) async fn compare(
        &self,
        connection: &impl ConnectionTrait,
        reference: &Schema,
    ) -> Result<Schema, LiveError> {
        match &self.0 {
            Found::Postgres(found) => postgres::compare(connection, found, reference).await,
            Found::Sqlite(rows) => sqlite::compare(rows, reference),
        }
    }
}

/// What else the database has, which is never touched, as `view airline_stats`, in order.
///
/// # Errors
///
/// [`LiveError`].
pub(crate) async fn others(connection: &impl ConnectionTrait, reference: &Schema) -> Result<Vec<String>, LiveError> {
    match Engine::of(connection) {
        Engine::Postgres => postgres::others(connection, reference).await,
        Engine::Sqlite => sqlite::others(connection, reference).await,
    }
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Live {
    /// Our tables as they are, under the names that things have.
    pub schema: Schema,
    /// Expressions of which a session that only looks cannot know whether they mean the same as the reference's: PostgreSQL
    /// says so of temporary tables alone. They count as differences.
    pub unknown: Vec<String>,
    /// What the role may do; on SQLite, where there are no roles, everything.
    pub rights: Rights,
}

/// What the role of the connection may do, and what of ours is there already.
#[derive(Clone, Debug)]
pub struct Rights {
    /// The role.
    pub role: String,
    /// Whether the schema `public` is there.
    pub public: bool,
    /// Whether it may make tables in `public`.
    pub create_in_public: bool,
    /// Whether it may make schemas in the database.
    pub create_schema: bool,
    /// Whether the schema `skyteam` is there.
    pub home: bool,
    /// Whether the role may use what is in it.
    pub use_home: bool,
    /// Whether the role may make functions and tables in it.
    pub create_in_home: bool,
    /// Whether the table of applied migrations is there.
    pub migrations: bool,
    /// Whether the role may read it.
    pub read_record: bool,
    /// Whether the role may read and write it.
    pub write_record: bool,
    /// Our tables that belong to another role, as `(table, owner)`.
    pub not_owned: Vec<(String, String)>,
    /// Our functions that belong to another role, as `(function, owner)`.
    pub functions_not_owned: Vec<(String, String)>,
}

impl Rights {
    /// Everything, over a database that has nothing of ours beside the tables.
    pub(crate) fn all() -> Self {
        Self {
            role: String::new(),
            public: true,
            create_in_public: true,
            create_schema: true,
            home: true,
            use_home: true,
            create_in_home: true,
            migrations: false,
            read_record: false,
            write_record: true,
            not_owned: Vec::new(),
            functions_not_owned: Vec::new(),
        }
    }
}

/// Why the live schema could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The server is older than what skyteam knows.
    #[error("PostgreSQL {0} is too old")]
    TooOld(String),
    /// One of our names belongs to a view or foreign table.
    #[error("{name} is a {kind}")]
    NotATable {
        /// The name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// The catalogue's answer is not of the expected form: something went while it was described.
    #[error("the catalogue answered something unexpected")]
    Catalogue(#[from] serde_json::Error),
    /// A table of another program has the name of the record of migrations.
    #[error("{0} is no record of migrations")]
    ForeignRecord(&'static str),
    /// A table's definition cannot be parsed.
    #[error("cannot read the definition of {table}: {problem}")]
    Definition {
        /// The table.
        table: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The driver's.
    #[error(transparent)]
    Driver(#[from] sea_orm::DbErr),
}

/// A column that has, or had, another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Its table.
    pub table: String,
    /// The name it has had.
    pub from: String,
    /// The name it is to have.
    pub to: String,
}

impl Rename {
    /// The new name of a column, which is its own where no rename is about it.
    pub fn apply<'a>(renames: &'a [Self], table: &str, column: &'a str) -> &'a str {
        renames
            .iter()
            .find(|rename| rename.table == table && rename.from == column)
            .map_or(column, |rename| rename.to.as_str())
    }

    /// Whether it leads from one schema to another: one that has been done already, or concerns a table not made yet, does
    /// not.
    pub(super) fn leads(&self, from: &Schema, to: &Schema) -> bool {
        let (had, wanted) = (from.table(&self.table), to.table(&self.table));
        had.is_some_and(|had| had.column(&self.from).is_some() && had.column(&self.to).is_none())
            && wanted.is_some_and(|wanted| wanted.column(&self.to).is_some())
    }
}
