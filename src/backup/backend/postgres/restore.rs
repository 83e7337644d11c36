//! Restoring: what the database has, and the ways of [`Way`] in PostgreSQL.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use migration::runner::LOCK;
use migration::{Engine as Dialect, openings};
use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool, Row};

use super::attachments::Attachments;
use super::catalog::{self, Found};
use super::{bookkeeping, ddl, definitions, dependents, load, locks, read, staging, table_digest};
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::{Archive, Progress};
use crate::backup::format::manifest::AppliedMigration;
use crate::backup::plan::{Existing, ExistingColumn, Plan, State, Way};
use crate::backup::version::{self, At, Standing};
use crate::db::{Engine, Lasting, quote, search_path};
use crate::schema::model::Table;

/// Looks at what the database has.
///
/// # Errors
/// The driver's.
pub(super) async fn inspect(pool: &PgPool) -> Result<State> {
    let mut connection = pool.acquire().await?.detach();
    let state = state(&mut connection).await?;
    connection.close().await?;
    Ok(state)
}

/// Whose the tables of these names are and who may what with them, as statements that make it so again.
///
/// # Errors
/// The driver's.
pub(crate) async fn access(pool: &PgPool, names: &[&str]) -> Result<Vec<String>> {
    let mut connection = pool.acquire().await?;
    Ok(Attachments::read(&mut connection, names).await?.access())
}

pub(super) async fn state(connection: &mut PgConnection) -> Result<State> {
    let found = find_all(connection).await?;
    let mut existing = Vec::new();
    for table in &found {
        let sql = format!("SELECT count(*) AS rows FROM {}", table.path);
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *connection).await?;
        let columns = table.shape.columns.iter().zip(&table.as_text);
        existing.push(Existing {
            table: table.shape.name.clone(),
            rows: row.try_get::<i64, _>("rows")?.unsigned_abs(),
            columns: columns
                .map(|(column, as_text)| ExistingColumn {
                    name: column.name.clone(),
                    declared: column.declared.clone(),
                    direct: !as_text,
                })
                .collect(),
        });
    }
    let record = read::migrations(connection).await?;
    Ok(State { engine: Engine::Postgres, existing, version: version_of(&found, &record)? })
}

/// Which version these tables are at, by what it has and what is on the record.
///
/// # Errors
/// Those of [`version::of`].
pub(super) fn version_of(found: &[Found], record: &[AppliedMigration]) -> Result<Option<At>> {
    let existing: Vec<Standing<'_>> = found
        .iter()
        .map(|table| Standing {
            table: &table.shape.name,
            columns: table.shape.columns.iter().map(|column| column.name.as_str()).collect(),
            objects: &table.objects,
        })
        .collect();
    version::of(&existing, record.last().map(|line| line.version.as_str()))
}

async fn find_all(connection: &mut PgConnection) -> Result<Vec<Found>> {
    let known = version::known()?;
    let names: Vec<&str> = known.tables.iter().map(|table| table.name.as_str()).collect();
    catalog::find(connection, &names).await
}

/// What a restore works with.
pub(super) struct Job {
    /// Where to.
    pub pool: PgPool,
    /// Where from. Its members have been checked.
    pub archive: Arc<Archive>,
    /// What to do.
    pub plan: Plan,
    /// Whether the changes are committed; otherwise everything is done and then undone.
    pub commit: bool,
    /// Whether the migrations to the newest version run too.
    pub onward: bool,
    /// Longest wait for a table that others use.
    pub lock_timeout: Duration,
    /// Called with the rows that are on their way.
    pub progress: Progress,
    /// What an interrupt must wait for.
    pub lasting: Lasting,
}

/// Restores. When it fails the database is as it was.
///
/// # Errors
/// Those of reading the archive, and the driver's.
pub(super) async fn restore(job: &Job) -> Result<()> {
    let mut connection = job.pool.acquire().await?.detach();
    begin(&mut connection, job.lock_timeout).await?;
    if job.plan.way == Way::Fresh && staging::possible(&job.pool).await? {
        let extras = definitions::prepare(&mut connection, job, staging::STAGE, &[]).await?;
        // A type has its place from the beginning, which a killed restore must not leave behind.
        if extras.types.is_empty() {
            return staging::restore(job, connection, extras).await;
        }
    }
    match job.plan.way {
        Way::InPlace => in_place(&mut connection, job).await?,
        Way::Fresh | Way::Replace => replace(&mut connection, job).await?,
    }
    record_opening(&mut connection).await?;
    end(connection, job).await
}

pub(super) async fn run(connection: &mut PgConnection, statements: impl IntoIterator<Item = String>) -> Result<()> {
    for sql in statements {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Begins the transaction that all changes of the schema take turns in.
pub(super) async fn begin(connection: &mut PgConnection, lock_timeout: Duration) -> Result<()> {
    let (class, object) = LOCK;
    let lock_timeout = lock_timeout.as_millis();
    let sql = format!(
        "BEGIN; SET LOCAL search_path = {}; SET LOCAL lock_timeout = {lock_timeout}; SELECT pg_advisory_xact_lock({class}, {object}); \
         SET LOCAL statement_timeout = 0; SET LOCAL standard_conforming_strings = on; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SET LOCAL skyteam.maintenance = 'on'; SET LOCAL skyteam.operation = 'db restore'; SET LOCAL row_security = off",
        search_path::SAFE
    );
    run(connection, [sql]).await
}

/// Says where the transaction looks names up that have no schema.
pub(super) async fn look_in(connection: &mut PgConnection, path: &str) -> Result<()> {
    run(connection, [format!("SET LOCAL search_path = {path}")]).await
}

/// Commits, or rolls back where the job is a rehearsal.
pub(super) async fn end(connection: PgConnection, job: &Job) -> Result<()> {
    if job.commit { commit(connection, job).await } else { roll_back(connection).await }
}

pub(super) async fn commit(mut connection: PgConnection, job: &Job) -> Result<()> {
    // Deferred triggers run before the COMMIT, so that what they warn of is not taken for the standby's.
    run(&mut connection, ["SET CONSTRAINTS ALL IMMEDIATE".to_owned()]).await?;
    let driver = |error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)));
    let commit = async { sqlx::raw_sql("COMMIT").execute(&mut connection).await.map_err(driver) };
    job.lasting.commit(commit).await?;
    Ok(connection.close().await?)
}

pub(super) async fn roll_back(mut connection: PgConnection) -> Result<()> {
    run(&mut connection, ["ROLLBACK".to_owned()]).await?;
    Ok(connection.close().await?)
}

/// Records that the ledger was replaced: its triggers were off, or it was made anew.
pub(super) async fn record_opening(connection: &mut PgConnection) -> Result<()> {
    run(
        connection,
        [openings::create_table(Dialect::Postgres).to_owned(), openings::insert(Dialect::Postgres, "db restore")],
    )
    .await
}

/// The tables of the version that are filled.
fn filled(job: &Job) -> impl Iterator<Item = &Table> {
    let fillings = job.plan.fillings.iter();
    fillings.filter_map(|filling| job.plan.version.schema.table(&filling.table))
}

pub(super) async fn load_and_count(connection: &mut PgConnection, job: &Job, table: &str) -> Result<()> {
    let Some(filling) = job.plan.fillings.iter().find(|filling| filling.table == table) else { return Ok(()) };
    let wanted = job.archive.manifest().table(table).map_or(0, |entry| entry.rows);
    let found = load::load(connection, &job.archive, filling, true, job.progress.clone()).await?;
    if found != wanted {
        return Err(BackupError::Count { table: table.into(), wanted, found });
    }
    advance_sequences(connection, job, table).await
}

/// Compares a filled table of the contract with its source. Names are looked up as when a backup is made: a better match
/// that another role has put into `public` is not called.
async fn compare(connection: &mut PgConnection, job: &Job, table: &str) -> Result<()> {
    look_in(connection, search_path::SAFE).await?;
    table_digest::compare(connection, job, table, &format!("public.{}", quote(table))).await?;
    look_in(connection, search_path::DDL).await
}

/// Lets the server go on numbering where the archive's database was, and never below a number that is there.
async fn advance_sequences(connection: &mut PgConnection, job: &Job, table: &str) -> Result<()> {
    let numbered = "SELECT attname::text AS name, pg_catalog.pg_get_serial_sequence($1, attname::text) AS sequence
                    FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass::oid AND attnum > 0 AND NOT attisdropped
                      AND pg_catalog.pg_get_serial_sequence($1, attname::text) IS NOT NULL";
    let name = quote(table);
    for row in sqlx::query(numbered).bind(&name).fetch_all(&mut *connection).await? {
        let (column, sequence): (String, String) = (row.try_get("name")?, row.try_get("sequence")?);
        let last = job.archive.manifest().table(table).and_then(|entry| entry.sequences.get(&column)).copied();
        let sql = format!(
            "SELECT pg_catalog.setval($1::regclass, greatest(pg_catalog.max({})::int8, $2)) FROM {name}
             HAVING greatest(pg_catalog.max({})::int8, $2) > 0",
            quote(&column),
            quote(&column)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(sequence).bind(last).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn in_place(connection: &mut PgConnection, job: &Job) -> Result<()> {
    let schema = &job.plan.version.schema;
    let chosen: Vec<&Table> = filled(job).collect();
    let is_chosen = |name: &str| chosen.iter().any(|table| table.name == name);
    let list = chosen.iter().map(|table| quote(&table.name)).collect::<Vec<_>>().join(", ");
    if chosen.is_empty() {
        return Ok(());
    }
    let found = find_all(connection).await?;
    // Also those that only lose a key: dropping one locks both of its tables.
    let touched = |table: &&Table| {
        is_chosen(&table.name)
            || table.foreign_keys().any(|(_, key)| is_chosen(&key.table))
            || schema
                .tables
                .iter()
                .any(|other| is_chosen(&other.name) && other.foreign_keys().any(|(_, key)| key.table == table.name))
    };
    let touched = locks::quoted(schema.tables.iter().filter(touched).map(|table| table.name.as_str()));
    run(connection, [locks::exclusive(&touched, job.lock_timeout, "RAISE")]).await?;
    job.plan.check_unchanged(&state(connection).await?)?;
    let names: Vec<&str> = chosen.iter().map(|table| table.name.as_str()).collect();
    dependents::refuse_references(connection, &found, &names).await?;
    let all: Vec<&str> = found.iter().map(|table| table.shape.name.as_str()).collect();
    let before = Attachments::read(connection, &all).await?;
    before.check(true)?;
    // Keys between the tables are taken off and put on again with all rows there; so are the plain indexes.
    let mut off = Vec::new();
    let mut on = Vec::new();
    for table in &schema.tables {
        let name = quote(&table.name);
        for (key, target) in table.foreign_keys() {
            if is_chosen(&table.name) || is_chosen(&target.table) {
                off.push(format!("ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {}", quote(key)));
            }
        }
        if !is_chosen(&table.name) {
            continue;
        }
        for index in &table.indexes {
            off.push(format!("DROP INDEX IF EXISTS {}", quote(&index.name)));
            on.push(crate::schema::dialect::postgres::create_index(&table.name, index).sql);
        }
        off.push(format!("ALTER TABLE {name} DISABLE TRIGGER USER"));
    }
    for table in &schema.tables {
        for constraint in &table.constraints {
            let crate::schema::model::Rule::ForeignKey(key) = &constraint.rule else { continue };
            if is_chosen(&table.name) || is_chosen(&key.table) {
                on.push(crate::schema::dialect::postgres::add_constraint(&table.name, constraint).sql);
            }
        }
    }
    look_in(connection, search_path::DDL).await?;
    run(connection, off).await?;
    run(connection, [format!("TRUNCATE {list}")]).await?;
    for table in &chosen {
        load_and_count(connection, job, &table.name).await?;
    }
    for table in &chosen {
        compare(connection, job, &table.name).await?;
    }
    run(connection, on).await?;
    run(connection, [format!("ANALYZE {list}")]).await?;
    before.put_back(connection, &all, &HashSet::new()).await
}

/// Takes what was restored on to the newest version.
pub(super) async fn onward(connection: &mut PgConnection, job: &Job) -> Result<()> {
    for migration in job.plan.onward() {
        let begun = Instant::now();
        let failed = |source| BackupError::Onward { version: migration.folder(), source };
        for sql in version::script(migration, Dialect::Postgres)? {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.map_err(failed)?;
        }
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        bookkeeping::record(connection, migration, None, took_ms, "migrate").await?;
    }
    Ok(())
}

async fn replace(connection: &mut PgConnection, job: &Job) -> Result<()> {
    let schema = &job.plan.version.schema;
    let old = find_all(connection).await?;
    let list: Vec<String> = old.iter().map(|table| table.path.clone()).collect();
    run(connection, [locks::exclusive(&list, job.lock_timeout, "RAISE")]).await?;
    let list = list.join(", ");
    job.plan.check_unchanged(&state(connection).await?)?;
    let names: Vec<&str> = old.iter().map(|table| table.shape.name.as_str()).collect();
    let before = Attachments::read(connection, &names).await?;
    before.check(false)?;
    let extras = definitions::prepare(connection, job, "public", &old).await?;
    if !old.is_empty() {
        // Without CASCADE: what others have built upon them stops it.
        run(connection, [format!("DROP TABLE {list}")]).await?;
    }
    run(connection, extras.types.clone()).await?;
    look_in(connection, search_path::DDL).await?;
    run(connection, bookkeeping::drop_functions()?).await?;
    run(connection, ddl::drop_enums(&version::known()?)).await?;
    run(connection, ddl::enums(schema)).await?;
    for table in &schema.tables {
        let filling = job.plan.fillings.iter().find(|filling| filling.table == table.name);
        run(connection, [ddl::bare_table(table)]).await?;
        look_in(connection, search_path::SAFE).await?;
        run(connection, before.columns(table)?).await?;
        run(connection, extras.columns(&table.name)).await?;
        look_in(connection, search_path::DDL).await?;
        run(connection, ddl::sqlite_columns(table, filling, job.archive.manifest().engine)).await?;
        load_and_count(connection, job, &table.name).await?;
        compare(connection, job, &table.name).await?;
        run(connection, ddl::indexes(table).into_iter().map(|(_, sql)| sql)).await?;
        run(connection, ddl::keys(table)).await?;
    }
    for table in &schema.tables {
        run(connection, ddl::foreign_keys(table)).await?;
        let validate = table.foreign_keys().map(|(key, _)| ddl::validate_foreign_key(table, key));
        run(connection, validate).await?;
    }
    bookkeeping::write(connection, job).await?;
    run(connection, ddl::triggers(schema)).await?;
    look_in(connection, search_path::SAFE).await?;
    for table in &schema.tables {
        run(connection, extras.rules(&table.name)).await?;
    }
    run(connection, extras.references()).await?;
    extras.compare(connection, &job.archive.manifest().server_version).await?;
    look_in(connection, search_path::DDL).await?;
    if job.onward {
        onward(connection, job).await?;
    }
    let list: Vec<String> = schema.tables.iter().map(|table| quote(&table.name)).collect();
    run(connection, [format!("ANALYZE {}", list.join(", "))]).await?;
    before.put_back(connection, &names, &extras.made).await
}
