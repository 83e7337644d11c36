//! What a database refused, as facts: the code, the message, the constraint. The sentences for them are
//! [`crate::error`]'s.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::DatabaseError;

/// What the database said, without its driver around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlState {
    /// SQLSTATE on PostgreSQL, the extended result code on SQLite.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// Whether the code is one of SQLite's.
    pub sqlite: bool,
}

/// The database's own refusal inside `error`, if that is what it is.
pub fn sql_state(error: &DbErr) -> Option<SqlState> {
    sqlx_error(error).and_then(sqlx::Error::as_database_error).map(SqlState::of)
}

/// Name of the violated constraint or unique index; on SQLite `table.column, …`, taken from the message.
pub fn violated_constraint(error: &DbErr) -> Option<String> {
    let database = sqlx_error(error)?.as_database_error()?;
    match database.constraint() {
        Some(name) => Some(name.to_owned()),
        None => database.message().split_once(" constraint failed: ").map(|(_, columns)| columns.to_owned()),
    }
}

/// The sqlx error inside SeaORM's.
pub fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => Some(inner),
        _ => None,
    }
}

impl SqlState {
    /// What a driver's own error says.
    pub fn of(database: &dyn DatabaseError) -> Self {
        Self {
            code: database.code().unwrap_or_default().into_owned(),
            message: database.message().to_owned(),
            sqlite: database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some(),
        }
    }
}
