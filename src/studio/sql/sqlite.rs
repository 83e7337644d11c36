//! On SQLite.
//!
//! A file that is opened read-only, with `query_only`, is not enough: that pragma can be switched off, and ATTACH makes files.
//! So an authorizer decides on everything that a statement does, when it is prepared: reading is allowed, secret columns
//! read as NULL in every expression and view, and whatever is not known to be harmless is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::scrub::Scrub;
use super::{Answer, AnswerColumn, BYTES, CellKind, Datum, SqlError, Statement, TIME, Taken, Words};
use crate::db::{Database, quote};

/// How many steps of SQLite's machine run between two looks at the clock.
const STEPS: i32 = 1_000;

/// Pragmas that tell of tables. Those that are set by a value are not among them.
const PRAGMAS: [&str; 10] = [
    "collation_list",
    "compile_options",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Functions that reach beyond the database.
const FUNCTIONS: [&str; 5] = ["edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"];

/// What is said of anything else.
const ONLY_READS: &str = "only what reads is run here";

/// Runs a statement in a thread of its own.
pub(super) async fn run(
    database: &Database,
    secrets: Vec<(String, String)>,
    statement: Statement,
    scrub: &mut Option<Scrub>,
) -> Result<Answer, SqlError> {
    let Some(pool) = database.sqlite() else { return Err(SqlError::Connection(sqlx::Error::PoolClosed)) };
    let file = pool.connect_options().get_filename().to_owned();
    let stop = Stop::default();
    let stopped = Arc::clone(&stop.0);
    let thread = tokio::task::spawn_blocking(move || {
        let opened = open(&file, &secrets);
        let (connection, found) = match opened {
            Ok(opened) => opened,
            Err(error) => return (Err(SqlError::File(error)), None),
        };
        let ran = answer(&connection, secrets, &found, &statement, stopped);
        (ran, Some(found))
    });
    let (ran, found) = thread.await.map_err(|_| SqlError::Connection(sqlx::Error::WorkerCrashed))?;
    *scrub = found;
    ran
}

/// Ends the statement when it is dropped.
#[derive(Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Opens the file, and reads what must be hidden.
fn open(file: &std::path::Path, secrets: &[(String, String)]) -> rusqlite::Result<(Connection, Scrub)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch("PRAGMA query_only = 1; PRAGMA trusted_schema = 0")?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(BYTES).unwrap_or(i32::MAX))?;
    let mut texts = Vec::new();
    for (table, column) in secrets {
        let known = "SELECT count(*) FROM pragma_table_info(?1) WHERE lower(name) = lower(?2)";
        let is_there: bool = connection.query_row(known, [table, column], |row| row.get(0))?;
        if is_there {
            let column = quote(column);
            let sql =
                format!("SELECT DISTINCT CAST({column} AS text) FROM {} WHERE {column} IS NOT NULL", quote(table));
            let mut found = connection.prepare(&sql)?;
            for text in found.query_map([], |row| row.get(0))? {
                texts.push(text?);
            }
        }
    }
    let scrub = Scrub::new(&texts).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok((connection, scrub))
}

/// Whether a statement may do this.
fn judge(secrets: &[(String, String)], context: &AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Read { table_name, column_name } => {
            let is_secret = secrets.iter().any(|(table, column)| {
                table.eq_ignore_ascii_case(table_name) && column.eq_ignore_ascii_case(column_name)
            });
            // The samples of ANALYZE are values of the columns of indexes.
            let has_values = table_name.to_ascii_lowercase().starts_with("sqlite_stat") && !is_count(column_name)
                || table_name.eq_ignore_ascii_case("sqlite_dbpage");
            if is_secret || has_values { Authorization::Ignore } else { Authorization::Allow }
        }
        AuthAction::Function { function_name } => {
            let is_refused = FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(function_name));
            if is_refused { Authorization::Deny } else { Authorization::Allow }
        }
        AuthAction::Pragma { pragma_name, .. } => {
            let is_known = PRAGMAS.iter().any(|name| name.eq_ignore_ascii_case(pragma_name));
            if is_known { Authorization::Allow } else { Authorization::Deny }
        }
        _ => Authorization::Deny,
    }
}

/// Whether a column of the statistics holds no value of a row.
fn is_count(column: &str) -> bool {
    ["tbl", "idx", "stat", "neq", "nlt", "ndlt"].iter().any(|name| name.eq_ignore_ascii_case(column))
}

fn answer(
    connection: &Connection,
    secrets: Vec<(String, String)>,
    scrub: &Scrub,
    statement: &Statement,
    stopped: Arc<AtomicBool>,
) -> Result<Answer, SqlError> {
    let end = Instant::now() + TIME;
    let late = move || stopped.load(Ordering::Relaxed) || Instant::now() > end;
    connection.progress_handler(STEPS, Some(late)).map_err(SqlError::File)?;
    let decide = move |context: AuthContext<'_>| judge(&secrets, &context);
    connection.authorizer(Some(decide)).map_err(SqlError::File)?;
    let before = if statement.explain.is_some() { "EXPLAIN QUERY PLAN " } else { "" };
    let at = |error| wrong(error, &statement.text, before.len());
    let mut prepared = connection.prepare(&format!("{before}{}", statement.text)).map_err(at)?;
    if prepared.column_count() == 0 {
        return Err(SqlError::NoRows);
    }
    if prepared.parameter_count() > 0 {
        return Err(SqlError::Parameters);
    }
    if !prepared.readonly() {
        return Err(SqlError::Denied(Words { message: ONLY_READS.to_owned(), ..Words::default() }));
    }
    let column = |name: &str| AnswerColumn { name: scrub.text(name.to_owned()), kind: "text", secret: false };
    let mut columns: Vec<AnswerColumn> = prepared.column_names().into_iter().map(column).collect();
    let mut rows = prepared.query([]).map_err(at)?;
    let mut taken = Taken::new();
    while let Some(row) = rows.next().map_err(at)? {
        let mut values = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter_mut().enumerate() {
            values.push(match row.get_ref(index).map_err(at)? {
                ValueRef::Null => (CellKind::Text, Datum::Null),
                ValueRef::Integer(number) => {
                    column.kind = "number";
                    (CellKind::Integer, Datum::Integer(number))
                }
                ValueRef::Real(number) => {
                    column.kind = "number";
                    (CellKind::Float, Datum::Real(number))
                }
                ValueRef::Text(bytes) => (CellKind::Text, Datum::Text(String::from_utf8_lossy(bytes).into_owned())),
                ValueRef::Blob(bytes) => (CellKind::Bytes, Datum::Bytes(bytes.to_vec())),
            });
        }
        if !taken.row(scrub, values) {
            break;
        }
    }
    Ok(Answer { columns, rows: taken.rows, truncated: taken.truncated, ms: 0, notices: Vec::new() })
}

/// SQLite's own words, "not authorized", say nothing of why.
fn denied(words: Words) -> Words {
    Words { message: ONLY_READS.to_owned(), detail: Some(format!("SQLite says: {}", words.message)), ..words }
}

/// What a refusal means, of a statement behind so many characters of ours.
fn wrong(error: rusqlite::Error, text: &str, before: usize) -> SqlError {
    let words = |message: &str| Words { message: message.to_owned(), ..Words::default() };
    match &error {
        rusqlite::Error::MultipleStatement => SqlError::Several,
        rusqlite::Error::SqlInputError { error: cause, msg, offset, .. } => {
            let mut words = words(msg);
            // In bytes, of the whole text.
            let at = usize::try_from(*offset).ok().and_then(|at| at.checked_sub(before));
            words.position = at.and_then(|at| text.get(..at)).map(|text| text.chars().count() + 1);
            match cause.code {
                ErrorCode::AuthorizationForStatementDenied => SqlError::Denied(denied(words)),
                _ => SqlError::Wrong(words),
            }
        }
        rusqlite::Error::SqliteFailure(cause, message) => {
            let message = message.clone().unwrap_or_else(|| cause.to_string());
            match cause.code {
                ErrorCode::OperationInterrupted => SqlError::TimedOut,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => SqlError::Locked,
                ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly => {
                    SqlError::Denied(denied(words(&message)))
                }
                ErrorCode::Unknown
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
                | ErrorCode::ParameterOutOfRange
                | ErrorCode::ConstraintViolation => SqlError::Wrong(words(&message)),
                _ => SqlError::File(error),
            }
        }
        _ => SqlError::File(error),
    }
}
