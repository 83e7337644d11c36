//! Runs one migration inside the caller's transaction, and keeps the record.
//!
//! Which migrations to run, whom to ask first and what the result must equal is for the caller to decide.

use std::{collections::BTreeMap, time::Instant};

use sea_orm_migration::sea_orm::{DbErr, RuntimeErr, sqlx};
use thiserror::Error;

use crate::{
    Direction, Engine, Migration,
    history::{self, Via},
    script::{self, Unterminated},
    session::Session,
};

/// The two halves of PostgreSQL's advisory lock that every change of the schema holds until its transaction ends.
pub const LOCK: (i32, i32) = (0x536b_7954, 0x6561_6d00);

/// Why a migration could not be run. Its transaction must be rolled back.
#[derive(Debug, Error)]
pub enum RunError {
    /// The script cannot be cut into statements.
    #[error("{file}: {source}")]
    Script {
        /// The script, from the root of the repository.
        file: String,
        /// What is wrong in it.
        source: Unterminated,
    },
    /// A statement failed.
    #[error("{file}:{line}: statement {number} failed: {source}")]
    Statement {
        /// The script, from the root of the repository.
        file: String,
        /// The statement's place in the script, from 1.
        number: usize,
        /// The line that the server points at, else the one on which the statement begins, from 1.
        line: usize,
        /// The statement.
        sql: String,
        /// The driver's error.
        source: DbErr,
    },
    /// The script left rows that refer to nothing. SQLite only: PostgreSQL lets no statement do that.
    #[error("{file}: {rows} rows of {table} refer to rows of {parent} that are not there")]
    ForeignKeys {
        /// The script, from the root of the repository.
        file: String,
        /// Whose rows.
        table: String,
        /// The table that they refer to.
        parent: String,
        /// How many more than before.
        rows: u64,
    },
    /// The record of the migrations could not be read or written.
    #[error(transparent)]
    Record(#[from] DbErr),
}

/// Takes the lock that all changes of the schema share, waiting for it. On SQLite `BEGIN IMMEDIATE` has taken it.
///
/// # Errors
/// The driver's.
pub async fn lock(session: &mut impl Session) -> Result<(), DbErr> {
    if session.engine() == Engine::Postgres {
        let (class, object) = LOCK;
        session.execute(&format!("SELECT pg_advisory_xact_lock({class}, {object})")).await?;
    }
    Ok(())
}

/// Runs the script up and records it, all in the caller's transaction. Answers the milliseconds that it took.
///
/// # Errors
/// [`RunError`], naming file, statement and line.
pub async fn apply(session: &mut impl Session, migration: &Migration) -> Result<i32, RunError> {
    let took_ms = run(session, migration, Direction::Up).await?;
    history::record(session, migration, took_ms, Via::Migrate).await?;
    Ok(took_ms)
}

/// Runs the script down and takes the migration off the record, all in the caller's transaction. Answers the
/// milliseconds that it took.
///
/// # Errors
/// [`RunError`], naming file, statement and line.
pub async fn revert(session: &mut impl Session, migration: &Migration) -> Result<i32, RunError> {
    let took_ms = run(session, migration, Direction::Down).await?;
    history::forget(session, migration.version()).await?;
    Ok(took_ms)
}

/// Runs a script without touching the record. Answers the milliseconds that it took.
///
/// # Errors
/// [`RunError`], naming file, statement and line.
pub async fn run(session: &mut impl Session, migration: &Migration, direction: Direction) -> Result<i32, RunError> {
    let engine = session.engine();
    let file = migration.file(engine, direction);
    let begun = Instant::now();
    let statements = script::split(migration.script(engine, direction), engine)
        .map_err(|source| RunError::Script { file: file.clone(), source })?;
    let before = dangling(session).await?;
    for statement in statements {
        session.execute(statement.sql).await.map_err(|source| RunError::Statement {
            file: file.clone(),
            number: statement.number,
            line: position(&source).map_or(statement.line, |at| statement.line_at(at)),
            sql: statement.sql.to_owned(),
            source,
        })?;
    }
    for ((table, parent), rows) in dangling(session).await? {
        let already = before.get(&(table.clone(), parent.clone())).copied().unwrap_or_default();
        if rows > already {
            return Err(RunError::ForeignKeys { file, table, parent, rows: rows - already });
        }
    }
    Ok(i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX))
}

/// Rows that refer to nothing, by their table and the one referred to. A table made anew could leave such rows, which
/// SQLite does not look for while foreign keys are off; rows that were so before are none of the script's doing.
async fn dangling(session: &mut impl Session) -> Result<BTreeMap<(String, String), u64>, DbErr> {
    let mut found = BTreeMap::new();
    if session.engine() == Engine::Sqlite {
        for row in session.query(r#"SELECT "table", "parent" FROM pragma_foreign_key_check"#).await? {
            if let [Some(table), Some(parent)] = row.as_slice() {
                *found.entry((table.clone(), parent.clone())).or_default() += 1;
            }
        }
    }
    Ok(found)
}

/// The character of the statement, from 1, that PostgreSQL's error points at.
fn position(error: &DbErr) -> Option<usize> {
    let (DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source))) = error else {
        return None;
    };
    let postgres = source.as_database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    match postgres.position()? {
        sqlx::postgres::PgErrorPosition::Original(at) => Some(at),
        sqlx::postgres::PgErrorPosition::Internal { .. } => None,
    }
}
