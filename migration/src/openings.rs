//! The record of every transaction in which the append-only ledger could be changed: `skyteam.openings` on PostgreSQL,
//! `_skyteam_openings` on SQLite.
//!
//! On PostgreSQL the trigger `milesTransactions_append_only` writes it itself, so that no change of an entry goes
//! unrecorded, whatever role makes it. What fires no trigger (a table that is dropped, or loaded with its triggers off) is
//! recorded by who does it, in the same transaction.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::Engine;

/// The statement that makes the record where it is missing; on PostgreSQL the schema `skyteam` must be there.
///
/// The owner of the ledger may write it: the trigger runs with the rights of the role that changes entries.
pub const fn create_table(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            r#"DO $openings$
DECLARE
  owner name := (SELECT pg_catalog.pg_get_userbyid(relowner) FROM pg_catalog.pg_class
    WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('public."milesTransactions"')::pg_catalog.oid);
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'skyteam' AND c.relname = 'openings') THEN
    CREATE TABLE skyteam.openings (
      "openedAt" timestamp NOT NULL DEFAULT (pg_catalog.now() AT TIME ZONE 'UTC'),
      "transaction" text NOT NULL,
      "role" text NOT NULL,
      "operation" text NOT NULL,
      "application" text
    );
    IF owner IS NOT NULL AND owner <> current_user THEN
      EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA skyteam TO %I', owner);
      EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON skyteam.openings TO %I', owner);
    END IF;
  END IF;
END
$openings$"#
        }
        Engine::Sqlite => {
            r#"CREATE TABLE IF NOT EXISTS "_skyteam_openings" (
  "openedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%S', 'now')),
  "operation" TEXT NOT NULL,
  "application" TEXT
) STRICT"#
        }
    }
}

/// The statement that records the transaction it runs in, once; the table must be there. `operation` is one of ours, in
/// plain words: `db reset`.
pub fn insert(engine: Engine, operation: &str) -> String {
    match engine {
        Engine::Postgres => format!(
            r#"INSERT INTO skyteam.openings ("transaction", "role", "operation", "application")
  SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text, session_user, '{operation}', pg_catalog.current_setting('application_name')
  WHERE NOT EXISTS (SELECT FROM skyteam.openings o
    WHERE o."transaction" OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
      AND o."openedAt" OPERATOR(pg_catalog.=) (pg_catalog.now() AT TIME ZONE 'UTC'))"#
        ),
        Engine::Sqlite => format!(
            r#"INSERT INTO "_skyteam_openings" ("operation", "application") VALUES ('{operation}', 'skyteam {operation}')"#
        ),
    }
}

/// Records the caller's transaction; makes the record where it is missing.
///
/// # Errors
/// The driver's.
pub async fn record<C: ConnectionTrait>(txn: &C, operation: &str) -> Result<(), DbErr> {
    let engine = Engine::of(txn)?;
    txn.execute_unprepared(create_table(engine)).await?;
    txn.execute_unprepared(&insert(engine, operation)).await?;
    Ok(())
}

/// How often the ledger was opened, and the newest opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openings {
    /// How many transactions.
    pub count: i64,
    /// When the newest one began, as the database writes times, in UTC.
    pub newest: String,
    /// What it was for.
    pub operation: String,
    /// Which role of the server it was; none on SQLite.
    pub role: Option<String>,
}

/// Looks the record up; nothing where no opening is recorded.
///
/// # Errors
/// The driver's, among them that the role may not read the record.
pub async fn newest<C: ConnectionTrait>(db: &C) -> Result<Option<Openings>, DbErr> {
    let engine = Engine::of(db)?;
    let (there, role, table) = match engine {
        Engine::Postgres => (
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'skyteam' AND c.relname = 'openings'",
            r#""role""#,
            "skyteam.openings",
        ),
        Engine::Sqlite => (
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_skyteam_openings'",
            "CAST(NULL AS TEXT)",
            r#""_skyteam_openings""#,
        ),
    };
    let backend = db.get_database_backend();
    if db.query_one_raw(Statement::from_string(backend, there)).await?.is_none() {
        return Ok(None);
    }
    let sql = format!(
        r#"SELECT (SELECT count(*) FROM {table}) AS "count", CAST("openedAt" AS text) AS "newest", "operation",
        {role} AS "role" FROM {table} ORDER BY "openedAt" DESC LIMIT 1"#
    );
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    row.map(|row| {
        Ok(Openings {
            count: row.try_get("", "count")?,
            newest: row.try_get("", "newest")?,
            operation: row.try_get("", "operation")?,
            role: row.try_get("", "role")?,
        })
    })
    .transpose()
}
