//! Restoring: what the file has, and the ways of [`Way`] in SQLite.

use std::path::Path;
use std::time::Instant;

use migration::{Engine as Dialect, Migration, history, openings};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection, SqlitePool};

use super::attachments::Attachments;
use super::{catalog, definitions, read, table_digest, write};
use crate::backup::backend::borrowed::Borrowed;
use crate::backup::backend::engine::Job;
use crate::backup::error::{BackupError, Result};
use crate::backup::plan::{Existing, ExistingColumn, State, Way};
use crate::backup::{position, version};
use crate::db::{Engine, quote};
use crate::schema::constraints::MAINTENANCE_TABLE;
use crate::schema::dialect::sqlite as dialect;
use crate::schema::model::{Rule, Table};

/// Pages kept in memory while a file is built, in KiB. The sorter behind CREATE INDEX takes as much again.
const CACHE: i32 = 12 << 10;

/// Looks at what the file has.
///
/// # Errors
/// The driver's.
pub(crate) async fn inspect(pool: &SqlitePool) -> Result<State> {
    state(&mut *pool.acquire().await?).await
}

async fn state(connection: &mut SqliteConnection) -> Result<State> {
    let known = version::known()?;
    let names: Vec<&str> = known.tables.iter().map(|table| table.name.as_str()).collect();
    let found = catalog::find(connection, &names).await?;
    let mut existing = Vec::new();
    for table in &found {
        existing.push(Existing {
            table: table.shape.name.clone(),
            rows: catalog::count(connection, table).await?,
            columns: table
                .shape
                .columns
                .iter()
                .map(|column| ExistingColumn {
                    name: column.name.clone(),
                    declared: column.declared.clone(),
                    direct: true,
                    takes_text: false,
                })
                .collect(),
        });
    }
    let record = read::migrations(connection).await?;
    let named = found.iter().map(|table| (&table.shape, &table.objects));
    let version = position::version_of(&Borrowed::new(connection), named, &record).await?;
    Ok(State { engine: Engine::Sqlite, existing, version })
}

/// Restores into a file that others may have open, in one transaction. When it fails the file is as it was.
///
/// # Errors
/// Those of reading the archive, and the driver's.
pub(crate) async fn restore(pool: &SqlitePool, job: &Job) -> Result<()> {
    let mut connection = pool.acquire().await?.detach();
    // Has no effect within a transaction. What refers to what is checked at the end instead.
    run(&mut connection, ["PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE"]).await?;
    // No other connection writes from here on.
    job.plan.check_unchanged(&state(&mut connection).await?)?;
    let before = dangling(&mut connection).await?.len();
    match job.plan.way {
        Way::InPlace => in_place(&mut connection, job).await?,
        Way::Fresh | Way::Replace => make(&mut connection, job).await?,
    }
    check_references(&mut connection, before).await?;
    run(&mut connection, [if job.commit { "COMMIT" } else { "ROLLBACK" }]).await?;
    Ok(connection.close().await?)
}

/// Builds a new file that no one else can have open, without a journal: it becomes a database only when it is whole.
///
/// # Errors
/// Those of reading the archive, and the driver's.
pub(crate) async fn build(path: &Path, job: &Job) -> Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .locking_mode(SqliteLockingMode::Exclusive)
        .foreign_keys(false)
        .pragma("cache_size", format!("-{CACHE}"))
        .pragma("cache_spill", format!("-{}", CACHE / 2));
    let mut connection = options.connect().await?;
    // One transaction, so that pages are written when the cache is full and not after each statement.
    run(&mut connection, ["BEGIN EXCLUSIVE"]).await?;
    make(&mut connection, job).await?;
    check_references(&mut connection, 0).await?;
    run(&mut connection, ["COMMIT"]).await?;
    Ok(connection.close().await?)
}

async fn run<S: Into<String>>(
    connection: &mut SqliteConnection,
    statements: impl IntoIterator<Item = S>,
) -> Result<()> {
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn load_and_count(connection: &mut SqliteConnection, job: &Job, table: &str) -> Result<()> {
    let Some(filling) = job.plan.fillings.iter().find(|filling| filling.table == table) else { return Ok(()) };
    let wanted = job.archive.manifest().table(table).map_or(0, |entry| entry.rows);
    let key = job.plan.version.schema.table(table).and_then(Table::primary_key).map(|key| &key.rule);
    let key = match key {
        Some(Rule::PrimaryKey(columns)) => columns.as_slice(),
        _ => &[],
    };
    let found = write::load(connection, &job.archive, filling, key, job.progress.clone()).await?;
    if found != wanted {
        return Err(BackupError::Count { table: table.into(), wanted, found });
    }
    table_digest::compare(connection, job, table).await
}

fn triggers(table: &Table) -> impl Iterator<Item = String> {
    table.triggers.iter().filter_map(|trigger| dialect::create_trigger(&table.name, trigger)).map(|made| made.sql)
}

fn indexes(table: &Table) -> impl Iterator<Item = String> {
    table.indexes.iter().map(|index| dialect::create_index(&table.name, index).sql)
}

async fn in_place(connection: &mut SqliteConnection, job: &Job) -> Result<()> {
    let schema = &job.plan.version.schema;
    for filling in &job.plan.fillings {
        let Some(table) = schema.table(&filling.table) else { continue };
        // Our triggers and indexes are put on again with all rows there; those of others stay and fire.
        let made = table.triggers.iter().filter(|trigger| dialect::create_trigger(&table.name, trigger).is_some());
        run(connection, made.map(|trigger| format!("DROP TRIGGER IF EXISTS {}", quote(&trigger.name)))).await?;
        run(connection, table.indexes.iter().map(|index| format!("DROP INDEX IF EXISTS {}", quote(&index.name))))
            .await?;
        run(connection, [format!("DELETE FROM {}", quote(&table.name))]).await?;
        load_and_count(connection, job, &table.name).await?;
        run(connection, indexes(table)).await?;
        run(connection, triggers(table)).await?;
    }
    record_opening(connection).await
}

/// Records that the ledger was replaced: its triggers were off, or it was made anew.
async fn record_opening(connection: &mut SqliteConnection) -> Result<()> {
    run(
        connection,
        [openings::create_table(Dialect::Sqlite).to_owned(), openings::insert(Dialect::Sqlite, "db restore")],
    )
    .await
}

async fn make(connection: &mut SqliteConnection, job: &Job) -> Result<()> {
    let schema = &job.plan.version.schema;
    let before = Attachments::read(connection, &job.plan.dropped).await?;
    let exists = |table: &str| {
        let table = table.to_owned();
        let before = &before;
        move |name: &str| before.has(&table, name)
    };
    // Judged before anything is touched.
    let others: Vec<definitions::Lines> = schema
        .tables
        .iter()
        .map(|table| definitions::lines(job, &table.name, exists(&table.name)))
        .collect::<Result<_>>()?;
    run(connection, job.plan.dropped.iter().map(|table| format!("DROP TABLE {}", quote(table)))).await?;
    for (table, others) in schema.tables.iter().zip(&others) {
        run(connection, [create_table(table, before.lines(&table.name), others)]).await?;
        load_and_count(connection, job, &table.name).await?;
    }
    for (table, others) in schema.tables.iter().zip(&others) {
        run(connection, indexes(table)).await?;
        run(connection, others.indexes.iter().cloned()).await?;
    }
    if schema.tables.iter().any(dialect::needs_maintenance) {
        run(connection, [dialect::maintenance().sql, format!("DELETE FROM {}", quote(MAINTENANCE_TABLE))]).await?;
    }
    for table in &schema.tables {
        run(connection, triggers(table)).await?;
    }
    bookkeeping(connection, job).await?;
    record_opening(connection).await?;
    if job.onward {
        onward(connection, job).await?;
    }
    before.put_back(connection).await
}

/// A table with others' columns and conditions, those that it had and those that the archive has.
fn create_table(table: &Table, existing: (Vec<String>, Vec<String>), others: &definitions::Lines) -> String {
    let mut bare = table.clone();
    // Columns come first.
    bare.constraints.clear();
    let (mut lines, constraints) = existing;
    lines.extend(others.columns.iter().cloned());
    lines.extend(table.constraints.iter().map(dialect::constraint_clause));
    lines.extend(constraints);
    lines.extend(others.constraints.iter().cloned());
    dialect::table(&bare, &table.name, &lines).sql
}

/// Takes what was restored on to the newest version.
async fn onward(connection: &mut SqliteConnection, job: &Job) -> Result<()> {
    for migration in job.plan.onward() {
        let begun = Instant::now();
        let failed = |source| BackupError::Onward { version: migration.folder(), source };
        for sql in version::script(migration, Dialect::Sqlite)? {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.map_err(failed)?;
        }
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        record(connection, migration, None, took_ms, "migrate").await?;
    }
    Ok(())
}

async fn bookkeeping(connection: &mut SqliteConnection, job: &Job) -> Result<()> {
    let there = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = '_skyteam_migrations'");
    if there.fetch_optional(&mut *connection).await?.is_none() {
        run(connection, [history::create_table(Dialect::Sqlite)]).await?;
    }
    run(connection, ["DELETE FROM _skyteam_migrations"]).await?;
    let manifest = job.archive.manifest();
    for migration in migration::all().iter().filter(|m| m.version() <= job.plan.version.migration.version()) {
        let line = manifest.migrations.iter().find(|line| line.version == migration.version());
        let applied_at = line.map(|line| line.applied_at.as_str());
        let (took_ms, via) = line.map_or((0, "baseline"), |line| (line.took_ms, line.via.as_str()));
        record(connection, migration, applied_at, took_ms, via).await?;
    }
    Ok(())
}

async fn record(
    connection: &mut SqliteConnection,
    migration: &Migration,
    applied_at: Option<&str>,
    took_ms: i64,
    via: &str,
) -> Result<()> {
    let sql = r#"INSERT INTO _skyteam_migrations (version, name, checksum, "appliedAt", "tookMs", via)
                 VALUES (?, ?, ?, coalesce(?, strftime('%Y-%m-%d %H:%M:%S', 'now')), ?, ?)"#;
    sqlx::query(sql)
        .bind(migration.version())
        .bind(migration.name())
        .bind(migration.checksum(Dialect::Sqlite))
        .bind(applied_at)
        .bind(took_ms)
        .bind(via)
        .execute(connection)
        .await?;
    Ok(())
}

/// Rows that refer to nothing, as SQLite lists them.
async fn dangling(connection: &mut SqliteConnection) -> Result<Vec<SqliteRow>> {
    if references_hold(connection).await? {
        return Ok(Vec::new());
    }
    Ok(sqlx::query("PRAGMA foreign_key_check").fetch_all(connection).await?)
}

/// Whether every row refers to one that is there; `false` also where only SQLite's own check can decide it. That one looks for
/// the target of every row, this for each different one once, in the order of the index: 0.7 s instead of 4.8 s for seven
/// million references.
async fn references_hold(connection: &mut SqliteConnection) -> Result<bool> {
    let keys = r#"SELECT child.name AS child, key."table" AS parent, key."from" AS refers, key."to" AS target,
                         count(*) OVER (PARTITION BY child.name, key.id) AS columns, parent.name IS NOT NULL AS found
                  FROM sqlite_schema child JOIN pragma_foreign_key_list(child.name) key
                  LEFT JOIN sqlite_schema parent ON parent.type = 'table' AND lower(parent.name) = lower(key."table")
                  WHERE child.type = 'table'"#;
    for key in sqlx::query(keys).fetch_all(&mut *connection).await? {
        let (found, columns): (bool, i64) = (key.try_get("found")?, key.try_get("columns")?);
        let Some(target) = key.try_get::<Option<String>, _>("target")?.filter(|_| found && columns == 1) else {
            return Ok(false);
        };
        let name = |part| key.try_get(part).map(|name: String| quote(&name));
        let (child, parent, refers) = (name("child")?, name("parent")?, name("refers")?);
        let missing = format!(
            "SELECT 1 FROM (SELECT DISTINCT {refers} AS refers FROM {child} WHERE {refers} IS NOT NULL)
             WHERE NOT EXISTS (SELECT 1 FROM {parent} AS parent WHERE parent.{} = refers) LIMIT 1",
            quote(&target)
        );
        if sqlx::query(AssertSqlSafe(missing)).fetch_optional(&mut *connection).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses rows that refer to nothing, where there are more of them than there were before.
async fn check_references(connection: &mut SqliteConnection, before: usize) -> Result<()> {
    let rows = dangling(connection).await?;
    match rows.first() {
        Some(row) if rows.len() > before => Err(BackupError::Misfit {
            table: row.try_get::<String, _>(0)?,
            why: format!(
                "{} of its rows refer to rows of {:?} that are not there",
                rows.len() - before,
                row.try_get::<String, _>(2)?
            ),
        }),
        _ => Ok(()),
    }
}
