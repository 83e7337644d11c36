//! The wording of what a database server, its driver or the network refuses, by SQLSTATE.
//!
//! Codes: PostgreSQL manual, appendix A; SQLite: <https://sqlite.org/rescode.html>. A rule that has a better sentence
//! of its own (a duplicate username, too few miles) is recognised by its engine before it comes here.

use sea_orm::DbErr;
use sqlx::error::DatabaseError;

use super::indeterminate::{RetryAdvice, not_replicated};
use super::{Error, Kind};
use crate::db::{NotReplicated, SqlState, sqlx_error};
use crate::message::{message, skyteam};

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let described = match &error {
            DbErr::ConnectionAcquire(_) => describe(&sqlx::Error::PoolTimedOut),
            other => match sqlx_error(other) {
                Some(inner) => describe(inner),
                None => match &error {
                    // A NULL where the column takes none, say.
                    DbErr::Type(problem) => {
                        Self::new(Kind::Failure, "unreadable_value", "a stored value cannot be read").why(problem)
                    }
                    _ => Self::new(Kind::Failure, "database", "the database layer failed"),
                },
            },
        };
        described.source(error)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        describe(&error).source(error)
    }
}

/// The wording for a driver error, without the cause attached.
pub(crate) fn describe(error: &sqlx::Error) -> Error {
    if let Some(commit) = NotReplicated::within(error) {
        return not_replicated(RetryAdvice::Unsaid, commit);
    }
    match error {
        sqlx::Error::Database(database) => describe_refusal(database.as_ref()),
        sqlx::Error::Io(io) => describe_io(io),
        sqlx::Error::Tls(_) => Error::new(Kind::Unreachable, "tls_failed", "no secure connection could be made")
            .why("the TLS handshake with the server failed")
            .fix("check sslmode and sslrootcert in the URL: sslmode=verify-full&sslrootcert=/path/ca.pem"),
        sqlx::Error::PoolTimedOut => {
            Error::new(Kind::Locked, "no_connection_free", "no database connection came free in time")
                .fix("raise max_connections in the URL or the profile, or try again")
        }
        sqlx::Error::Configuration(_) => Error::new(Kind::Config, "malformed_url", "the database URL cannot be used"),
        sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => {
            Error::new(Kind::Unreachable, "connection_lost", "the connection to the database was lost")
        }
        sqlx::Error::Protocol(_) => {
            Error::new(Kind::Unreachable, "protocol", "the server does not answer like PostgreSQL")
                .fix("check host and port of the URL")
        }
        sqlx::Error::ColumnDecode { index, .. } => {
            Error::new(Kind::Failure, "unreadable_value", message!("a stored value of column {} cannot be read", index))
                .why("it is outside what the column's type can hold here")
        }
        _ => Error::new(Kind::Failure, "database", "the database driver failed"),
    }
}

fn describe_io(io: &std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let why = match io.kind() {
        Io::ConnectionRefused => "nothing listens at that address".to_owned(),
        Io::NotFound => "no such socket: the server is not running there".to_owned(),
        Io::TimedOut => "no answer in time".to_owned(),
        Io::ConnectionReset | Io::UnexpectedEof | Io::BrokenPipe | Io::ConnectionAborted => {
            "the server closed the connection".to_owned()
        }
        _ => io.to_string(),
    };
    Error::new(Kind::Unreachable, "unreachable", "the database server cannot be reached").why(why)
}

pub(super) fn describe_refusal(database: &dyn DatabaseError) -> Error {
    describe_state(&SqlState::of(database), database.table(), detail(database))
}

pub(super) fn describe_state(state: &SqlState, table: Option<&str>, detail: Option<&str>) -> Error {
    let error = if state.sqlite { describe_sqlite(state) } else { describe_postgres(state, table, detail) };
    if state.code.is_empty() { error } else { error.sqlstate(state.code.as_str()) }
}

fn describe_postgres(state: &SqlState, table: Option<&str>, detail: Option<&str>) -> Error {
    let message = state.message.as_str();
    let on = table.map(|table| format!(" in {table}")).unwrap_or_default();
    match state.code.as_str() {
        "28P01" | "28000" => Error::new(Kind::Denied, "login_refused", "the server refuses this login").why(message),
        "3D000" => {
            Error::new(Kind::Config, "no_such_database", "no such database").why(message).fix(skyteam("db create"))
        }
        "2BP01" => depended_on(detail),
        "42P07" | "42710" | "42723" => name_taken(message),
        // What row_security = off makes of a policy that would hide rows.
        "42501" if message.contains("row-level security") => hidden_rows(message),
        "42501" => Error::new(Kind::Denied, "permission_denied", "permission denied").why(message),
        "53300" => Error::new(Kind::Unreachable, "too_many_connections", "the server has no connection to spare")
            .why(message)
            .fix("close idle clients, or raise max_connections on the server"),
        "57P03" => Error::new(Kind::Unreachable, "starting_up", "the server is not ready yet").why(message),
        "57P01" | "57P02" => {
            Error::new(Kind::Unreachable, "shut_down", "the server shut the connection down").why(message)
        }
        "57P04" => Error::new(Kind::Config, "no_such_database", "the database was dropped meanwhile").why(message),
        "57P05" | "25P03" => {
            Error::new(Kind::Unreachable, "idle_too_long", "the server ended the connection because it was idle")
                .why(message)
                .fix("raise idle_session_timeout or idle_in_transaction_session_timeout for this role")
        }
        "25P04" => Error::new(Kind::Locked, "timed_out", "the transaction took longer than transaction_timeout allows")
            .why(message)
            .fix("raise transaction_timeout for this role"),
        "55P03" => Error::new(Kind::Locked, "lock_timeout", "a lock was not free in time").why(message),
        "57014" if message.contains("statement timeout") => Error::new(
            Kind::Locked,
            "timed_out",
            "a statement took longer than the statement_timeout that is set for it",
        )
        .why(message)
        .why("it is set by the URL, --statement-timeout, the role, the database or the server")
        .fix("add statement_timeout=0 to the URL's parameters, which no role's or database's setting overrules"),
        "57014" => Error::new(Kind::Locked, "timed_out", "the statement was cancelled").why(message),
        "40001" => Error::new(Kind::Locked, "serialization", "another transaction was in the way").why(message),
        "40P01" => Error::new(Kind::Locked, "deadlock", "a deadlock with another transaction").why(message),
        "25006" => {
            Error::new(Kind::Denied, "read_only", "the server is read only").why(message).fix("use the primary server")
        }
        "42P05" | "26000" if message.contains("prepared statement") => Error::new(
            Kind::Config,
            "pooler",
            "a pooler in transaction mode is in front of the server, and the URL does not say so",
        )
        .why(message)
        .fix("add statement-cache-capacity=0 to the URL's parameters"),
        "53100" => Error::new(Kind::Failure, "disk_full", "the server's disk is full").why(message),
        "23505" => Error::new(Kind::Refused, "duplicate", message!("such a row exists already{}", &on)).why(message),
        "23503" => {
            Error::new(Kind::Refused, "foreign_key", message!("a row is referred to, or refers to nothing{}", &on))
                .why(message)
        }
        "23514" => {
            Error::new(Kind::Refused, "check", message!("a rule of the database refuses it{}", &on)).why(message)
        }
        "23502" => Error::new(Kind::Refused, "not_null", message!("a required value is missing{}", &on)).why(message),
        "22003" => Error::new(Kind::Refused, "out_of_range", "a number is out of range").why(message),
        // A text of ours is UTF-8; this one was read, from a database that checks none.
        "22021" if !message.contains("0x00") => {
            Error::new(Kind::Failure, "unreadable_value", "a stored text is not in the encoding that it should be in")
                .why(message)
                .why("a database in SQL_ASCII stores any bytes, and these cannot be turned into UTF-8")
                .fix(message!("{}    names the row and the statement that repairs it", skyteam("db doctor")))
        }
        "0A000" => Error::new(Kind::Refused, "unsupported", "the server does not support this").why(message),
        "22021" | "22P05" => {
            Error::new(Kind::Usage, "encoding", "a text holds a character that the database cannot store").why(message)
        }
        "42P01" | "42703" | "3F000" => {
            Error::new(Kind::Refused, "schema_behind", "the database lacks a table or column that this needs")
                .why(message)
                .fix(skyteam("db diff"))
                .fix(skyteam("db push"))
        }
        // The connection's own errors: of a pooler that lost its server, or of the relay that lost it for us.
        code if code.starts_with("08") => {
            Error::new(Kind::Unreachable, "connection_lost", "the connection to the database was lost").why(message)
        }
        _ => Error::new(Kind::Failure, "database", "the database refused a statement").why(message),
    }
}

/// What the server says beside its message. Of a duplicate it would show the values, which may be a token: use it only
/// where it cannot contain a value.
fn detail(database: &dyn DatabaseError) -> Option<&str> {
    database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().and_then(sqlx::postgres::PgDatabaseError::detail)
}

/// Another program's view or key depends on what is to go. Nothing of theirs is dropped along with it, under no flag.
fn depended_on(detail: Option<&str>) -> Error {
    let error = Error::new(Kind::Refused, "depended_on", "other objects depend on it");
    let depending = detail.into_iter().flat_map(str::lines);
    depending.fold(error, Error::why).fix("drop or change them first, then run this again")
}

/// Row level security would leave out rows, so that no answer is better than this one.
fn hidden_rows(message: &str) -> Error {
    Error::new(Kind::Denied, "row_security", "row level security hides rows from this role")
        .why(message)
        .why("what it may see is not all there is: a list would be short, and an audit would find nothing")
        .fix("connect as the owner of the table, or: ALTER ROLE … BYPASSRLS")
        .fix(message!("{}    names the tables and their policies", skyteam("db doctor")))
}

/// Something else has the name that one of ours is to have.
fn name_taken(message: &str) -> Error {
    Error::new(Kind::Refused, "name_taken", "something else has that name already")
        .why(message)
        .why("it is not skyteam's, so it is neither changed nor dropped")
        .fix("rename or drop it, then run this again")
        .fix(message!("{}    lists what is there and not ours", skyteam("db diff -v")))
}

fn describe_sqlite(state: &SqlState) -> Error {
    let message = state.message.as_str();
    // The extended code carries the primary code in its low byte.
    let primary = state.code.parse::<u32>().map_or(0, |code| code & 0xff);
    match (primary, state.code.as_str()) {
        (5 | 6, _) => Error::new(Kind::Locked, "locked", "the database file is locked by another program")
            .why(message)
            .fix("try again")
            .fix("wait longer: --lock-timeout 30000"),
        (3 | 23, _) => Error::new(Kind::Denied, "permission_denied", "the database file may not be used").why(message),
        (8, _) => Error::new(Kind::Denied, "read_only", "the database file is read only").why(message),
        (13, _) => Error::new(Kind::Failure, "disk_full", "the disk is full").why(message),
        (14, _) => Error::new(Kind::Config, "cannot_open", "the database file cannot be opened").why(message),
        (11 | 26, _) => {
            Error::new(Kind::Config, "not_a_database", "the file is no SQLite database, or is damaged").why(message)
        }
        (_, "1555" | "2067") => Error::new(Kind::Refused, "duplicate", "such a row exists already").why(message),
        (_, "787") => {
            Error::new(Kind::Refused, "foreign_key", "a row is referred to, or refers to nothing").why(message)
        }
        (19, _) => Error::new(Kind::Refused, "check", "a rule of the database refuses it").why(message),
        (1, _) if message.contains("already") && (message.contains("exists") || message.contains("named")) => {
            name_taken(message)
        }
        (1, _) if message.starts_with("no such table") || message.starts_with("no such column") => {
            Error::new(Kind::Refused, "schema_behind", "the database lacks a table or column that this needs")
                .why(message)
                .fix(skyteam("db diff"))
                .fix(skyteam("db push"))
        }
        _ => Error::new(Kind::Failure, "database", "the database refused a statement").why(message),
    }
}

/// The causes' own words, outermost first, each once.
pub(super) fn own_words(source: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(source);
    while let Some(error) = next {
        // The driver's Display repeats its cause and, for PostgreSQL, shows the server's source line.
        let text = match error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error) {
            Some(database) => return database.message().to_owned(),
            None => error.to_string(),
        };
        if !words.iter().any(|known| known.contains(&text)) {
            words.push(text);
        }
        next = error.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(code: &str) -> Error {
        describe_postgres(&SqlState { code: code.into(), message: "words".into(), sqlite: false }, None, None)
    }

    #[test]
    fn server_refusals_have_the_promised_exit_codes() {
        for (code, exit) in [
            ("28P01", 8),
            ("3D000", 6),
            ("42501", 8),
            ("53300", 7),
            ("55P03", 11),
            ("23505", 5),
            ("08000", 7),
            ("08006", 7),
            ("08P01", 7),
            ("57P01", 7),
            ("57P04", 6),
            ("57P05", 7),
            ("25P03", 7),
            ("25P04", 11),
            ("XX000", 1),
        ] {
            assert_eq!(postgres(code).exit_code(), exit, "{code}");
        }
    }

    #[test]
    fn sqlite_extended_codes_fall_back_to_their_primary_code() {
        let busy_snapshot = SqlState { code: "517".into(), message: "database is locked".into(), sqlite: true };
        assert_eq!(describe_sqlite(&busy_snapshot).kind(), Kind::Locked);
    }
}
