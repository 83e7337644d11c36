//! Runs one migration inside the caller's transaction, and keeps the record.
//!
//! Which migrations to run, whom to ask first and what the result must equal is for the caller to decide.

use std::{collections::BTreeMap, time::Instant};

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, RuntimeErr, Statement, sqlx};
use thiserror::Error;

use crate::{
    Direction, Engine, Migration,
    history::{self, Via},
    script::{self, Unterminated},
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
pub async fn lock<C: ConnectionTrait>(txn: &C) -> Result<(), DbErr> {
    if Engine::of(txn)? == Engine::Postgres {
        let (class, object) = LOCK;
        txn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({class}, {object})")).await?;
    }
    Ok(())
}

/// Runs the script up and records it, all in the caller's transaction. Answers the milliseconds that it took.
///
/// # Errors
/// [`RunError`], naming file, statement and line.
pub async fn apply<C: ConnectionTrait>(txn: &C, migration: &Migration) -> Result<i32, RunError> {
    let took_ms = run(txn, migration, Direction::Up).await?;
    history::record(txn, migration, took_ms, Via::Migrate).await?;
    Ok(took_ms)
}

/// Runs the script down and takes the migration off the record, all in the caller's transaction. Answers the
/// milliseconds that it took.
///
/// # Errors
/// [`RunError`], naming file, statement and line.
pub async fn revert<C: ConnectionTrait>(txn: &C, migration: &Migration) -> Result<i32, RunError> {
    let took_ms = run(txn, migration, Direction::Down).await?;
    history::forget(txn, migration.version()).await?;
    Ok(took_ms)
}

/// Runs a script without touching the record. Answers the milliseconds that it took.
///
/// # Errors
/// [`RunError`], naming file, statement and line.
pub async fn run<C: ConnectionTrait>(txn: &C, migration: &Migration, direction: Direction) -> Result<i32, RunError> {
    let engine = Engine::of(txn)?;
    let file = migration.file(engine, direction);
    let begun = Instant::now();
    let statements = script::split(migration.script(engine, direction), engine)
        .map_err(|source| RunError::Script { file: file.clone(), source })?;
    let before = dangling(txn, engine).await?;
    let path = look_in_public(txn, engine).await?;
    for statement in statements {
        txn.execute_unprepared(statement.sql).await.map_err(|source| RunError::Statement {
            file: file.clone(),
            number: statement.number,
            line: position(&source).map_or(statement.line, |at| statement.line_at(at)),
            sql: statement.sql.to_owned(),
            source,
        })?;
    }
    if let Some(path) = path {
        txn.execute_unprepared(&format!("SET LOCAL search_path = {path}")).await?;
    }
    for ((table, parent), rows) in dangling(txn, engine).await? {
        let already = before.get(&(table.clone(), parent.clone())).copied().unwrap_or_default();
        if rows > already {
            return Err(RunError::ForeignKeys { file, table, parent, rows: rows - already });
        }
    }
    Ok(i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX))
}

/// Lets names without a schema mean `public`, as every script is written, and the server's own before all. Answers what
/// they meant before.
async fn look_in_public<C: ConnectionTrait>(txn: &C, engine: Engine) -> Result<Option<String>, DbErr> {
    if engine == Engine::Sqlite {
        return Ok(None);
    }
    let row = txn.query_one_raw(Statement::from_string(DbBackend::Postgres, "SHOW search_path")).await?;
    txn.execute_unprepared("SET LOCAL search_path = public, pg_temp").await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// Rows that refer to nothing, by their table and the one referred to. A table made anew could leave such rows, which
/// SQLite does not look for while foreign keys are off; rows that were so before are none of the script's doing.
async fn dangling<C: ConnectionTrait>(txn: &C, engine: Engine) -> Result<BTreeMap<(String, String), u64>, DbErr> {
    let mut found = BTreeMap::new();
    if engine == Engine::Sqlite {
        let check = Statement::from_string(DbBackend::Sqlite, "SELECT * FROM pragma_foreign_key_check");
        for row in txn.query_all_raw(check).await? {
            *found.entry((row.try_get("", "table")?, row.try_get("", "parent")?)).or_default() += 1;
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
