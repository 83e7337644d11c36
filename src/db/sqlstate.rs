//! What a database refused, as facts: the code, the message, the constraint. The sentences for them are
//! [`crate::error`]'s.

use std::sync::Arc;

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

/// A commit that is on the server's disk, while the standby that should confirm it has not: the wait for it was cancelled or
/// is not over. A failover now would lose it.
#[derive(Debug, Default, thiserror::Error)]
#[error("committed on this server, not known to be on its standby")]
pub struct NotReplicated {
    /// What the server said, where it did.
    pub warning: Option<String>,
}

impl From<NotReplicated> for DbErr {
    fn from(commit: NotReplicated) -> Self {
        Self::Exec(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(std::io::Error::other(commit)))))
    }
}

/// The commit inside `error` that no standby is known to have, if that is what it is.
pub(crate) fn not_replicated(error: &DbErr) -> Option<&NotReplicated> {
    sqlx_error(error).and_then(NotReplicated::within)
}

impl NotReplicated {
    /// The one inside the driver's error, which carries it up.
    pub(crate) fn within(error: &sqlx::Error) -> Option<&Self> {
        match error {
            sqlx::Error::Io(io) => io.get_ref()?.downcast_ref(),
            _ => None,
        }
    }
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
pub(crate) fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => Some(inner),
        _ => None,
    }
}

/// Whether an error of a COMMIT, or of a statement that commits by itself, leaves open whether it was done.
///
/// It does where it comes without the server's verdict: from a pooler that lost its server (class 08), as
/// `statement_completion_unknown` (40003), or as the server's own goodbye (class 57P), which it may send after the commit
/// is on disk.
pub fn is_outcome_unknown(error: &DbErr) -> bool {
    // Without a connection nothing was sent.
    let sent = !matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_));
    sent && not_replicated(error).is_none()
        && sqlx_error(error).is_some_and(|inner| match inner {
            sqlx::Error::Database(refused) => refused.code().is_some_and(|code| leaves_open(&code)),
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => true,
            _ => false,
        })
}

/// Whether an answer with this SQLSTATE may come after the commit that it answers. Those that tell of no connection at all
/// (`sqlclient_unable_to_establish_sqlconnection`, `sqlserver_rejected_establishment_of_sqlconnection`) come before it.
fn leaves_open(code: &str) -> bool {
    code == "40003" || code.starts_with("57P") || (code.starts_with("08") && !matches!(code, "08001" | "08004"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_server_leaves_open_what_it_did() {
        for code in ["57P01", "57P02", "08006", "08P01", "40003"] {
            assert!(leaves_open(code), "{code}");
        }
        for code in ["08001", "08004", "23505", "40001", "55P03", "25P03"] {
            assert!(!leaves_open(code), "{code}");
        }
    }
}
