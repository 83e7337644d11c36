//! Restoring into a database without our tables, several connections side by side.
//!
//! One transaction cannot be shared by connections, so the tables are made and filled in a schema of their own, where
//! nothing sees them, and get their place in one last short transaction. Until then the database is as it was; what a
//! killed run leaves in that schema the next one removes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool, Row};
use tokio::sync::Notify;

use super::bookkeeping::onward;
use super::definitions::Extras;
use super::job::{Job, begin, commit, look_in, record_opening, roll_back, run};
use super::load::load_and_count;
use super::scheduler::{Board, LOADERS, Next};
use super::state::state;
use super::{bookkeeping, ddl, table_digest};
use crate::backup::error::{BackupError, Result};
use crate::db::{quote, search_path};
use crate::schema::model::Table;

/// The schema that tables are made in.
pub(crate) const STAGE: &str = "skyteam_restore";
/// Memory that the server may use to sort for an index, for each connection. More is slower: what is sorted then outgrows
/// the processor's cache, and the keys of a text index are read again for every comparison. (Three million keys of text
/// and time, one process, PostgreSQL 15: 256 MB 6.0 s, 64 MB 4.1 s, 16 MB 3.3 s, 8 MB 3.2 s.)
const SORT_MEMORY: &str = "16MB";
/// From so many rows referred to on, references are checked along both indexes, in order: a hash of them outgrows the
/// processor's cache. (Three million references to 200 000 texts, PostgreSQL 15: 1.3 s with a hash, 0.5 s along indexes; to
/// 50 000 UUIDs 0.2 s and 0.35 s.)
const MERGED: u64 = 100_000;
/// Most connections, whatever the server lets one command have.
const WORKERS: usize = 8;

/// Whether the role may make schemas here.
///
/// # Errors
/// The driver's.
pub(super) async fn possible(pool: &PgPool) -> Result<bool> {
    let row = sqlx::query("SELECT has_database_privilege(current_database(), 'CREATE') AS may").fetch_one(pool).await?;
    Ok(row.try_get("may")?)
}

/// Whether a killed restore left its schema, and none is running: that one holds the lock of all that change the schema.
///
/// # Errors
/// The driver's.
pub(crate) async fn is_left_over(pool: &PgPool) -> Result<bool> {
    let (class, object) = migration::runner::LOCK;
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{STAGE}')
            AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                            AND classid = {class} AND objid = {object}
                            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS left"
    );
    Ok(sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(pool).await?.try_get_unchecked::<bool, _>("left")?)
}

/// Restores. When it fails, or is interrupted, nothing of it stays. `keeper` is in its transaction and holds the lock of
/// all that change the schema to the end: two restores take turns, and so does a push.
///
/// # Errors
/// Those of reading the archive, and the driver's.
pub(super) async fn restore(job: &Job, mut keeper: PgConnection, extras: Extras) -> Result<()> {
    job.plan.check_unchanged(&state(&mut keeper).await?)?;
    let unfinished = job.shutdown.unfinished();
    let result =
        unfinished.run(fill_and_place(&mut keeper, job, &extras)).await.unwrap_or(Err(BackupError::Interrupted));
    match result {
        Ok(()) if job.commit => commit(keeper, job).await,
        result => {
            // Both are attempted whatever the other returns; the first failure is reported.
            let ended = roll_back(keeper).await;
            let cleared = clear_up(job).await;
            result.and(ended).and(cleared)
        }
    }
}

async fn fill_and_place(keeper: &mut PgConnection, job: &Job, extras: &Extras) -> Result<()> {
    let mut first = worker(&job.pool).await?;
    clear(&mut first).await?;
    run(&mut first, [format!("CREATE SCHEMA {STAGE}")]).await?;
    let schema = &job.plan.version.schema;
    let mut workers = vec![first];
    for _ in 1..hands_wanted(keeper).await? {
        workers.push(worker(&job.pool).await?);
    }
    for worker in &mut workers {
        run(worker, [format!("SET search_path = {STAGE}, pg_temp")]).await?;
    }
    run(&mut workers[0], ddl::enums(schema)).await?;
    let board = Mutex::new(Board::new(&schema.tables, |table| rows_of(job, &table.name)));
    let news = Notify::new();
    try_join_all(workers.iter_mut().map(|worker| work(worker, job, extras, &board, &news))).await?;
    for worker in workers {
        worker.close().await?;
    }
    // Another tool, which knows no lock of ours, may have made them meanwhile.
    job.plan.check_unchanged(&state(keeper).await?)?;
    look_in(keeper, search_path::DDL).await?;
    for table in &schema.tables {
        run(keeper, [format!("ALTER TABLE {STAGE}.{} SET SCHEMA public", quote(&table.name))]).await?;
    }
    run(keeper, ddl::drop_enums(schema)).await?;
    for of in schema.enum_types() {
        run(keeper, [format!("ALTER TYPE {STAGE}.{} SET SCHEMA public", quote(&of.name))]).await?;
    }
    run(keeper, [format!("DROP SCHEMA {STAGE}")]).await?;
    bookkeeping::write(keeper, job).await?;
    run(keeper, bookkeeping::drop_functions()?).await?;
    run(keeper, ddl::triggers(schema)).await?;
    look_in(keeper, search_path::SAFE).await?;
    run(keeper, extras.references()).await?;
    extras.compare(keeper, &job.archive.manifest().server_version).await?;
    look_in(keeper, search_path::DDL).await?;
    record_opening(keeper).await?;
    if job.onward { onward(keeper, job).await } else { Ok(()) }
}

async fn worker(pool: &PgPool) -> Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    // What is made here counts only once the last transaction has committed, which waits for the disk for all.
    let settings = format!(
        "SET search_path = {}; SET synchronous_commit = off; SET standard_conforming_strings = on; SET statement_timeout = 0; SET maintenance_work_mem = '{SORT_MEMORY}'; \
         SET max_parallel_maintenance_workers = 0; SET client_min_messages = warning",
        search_path::SAFE
    );
    run(&mut connection, [settings]).await?;
    Ok(connection)
}

/// How many connections work side by side: as many processes as the server lets one command have that makes an index,
/// which is what its owner thinks that the machine can spare. Several indexes at once beat several processes at one.
async fn hands_wanted(connection: &mut PgConnection) -> Result<usize> {
    let sql = "SELECT current_setting('max_parallel_maintenance_workers')::int4 AS helpers";
    let helpers: i32 = sqlx::query(sql).fetch_one(connection).await?.try_get("helpers")?;
    Ok(usize::try_from(helpers).unwrap_or(0).saturating_add(1).clamp(LOADERS, WORKERS))
}

async fn clear_up(job: &Job) -> Result<()> {
    let mut cleaner = job.pool.acquire().await?.detach();
    begin(&mut cleaner, job.lock_timeout).await?;
    clear(&mut cleaner).await?;
    commit(cleaner, job).await
}

/// Removes what an earlier run left: tables by name, never by CASCADE.
async fn clear(connection: &mut PgConnection) -> Result<()> {
    let sql =
        format!("SELECT format('%I.%I', schemaname, tablename) AS path FROM pg_tables WHERE schemaname = '{STAGE}'");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
    let paths: Vec<String> = rows.iter().map(|row| row.try_get("path")).collect::<Result<_, _>>()?;
    if !paths.is_empty() {
        run(connection, [format!("DROP TABLE {}", paths.join(", "))]).await?;
    }
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, t.typname) AS path FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE n.nspname = '{STAGE}' AND t.typtype = 'e'"
    );
    for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
        let path: String = row.try_get("path")?;
        run(connection, [format!("DROP TYPE {path}")]).await?;
    }
    run(connection, [format!("DROP SCHEMA IF EXISTS {STAGE}")]).await
}

fn rows_of(job: &Job, table: &str) -> u64 {
    job.archive.manifest().table(table).map_or(0, |entry| entry.rows)
}

/// Takes turns at what the board has.
async fn work(
    connection: &mut PgConnection,
    job: &Job,
    extras: &Extras,
    board: &Mutex<Board<'_>>,
    news: &Notify,
) -> Result<()> {
    loop {
        let mut news_of_others = std::pin::pin!(news.notified());
        // From here on no news is missed.
        news_of_others.as_mut().enable();
        let next = locked(board).next();
        match &next {
            Next::Fill(table) => fill(connection, job, extras, table).await?,
            Next::Index(_, sql) => run(connection, [sql.clone()]).await?,
            Next::Keys(table) => run(connection, ddl::keys(table)).await?,
            Next::Compare(table) => {
                let path = format!("{STAGE}.{}", quote(&table.name));
                table_digest::compare(connection, job, &table.name, &path).await?;
            }
            Next::Finish(table) => finish(connection, job, extras, table).await?,
            Next::Wait => {
                news_of_others.await;
                continue;
            }
            Next::Done => return Ok(()),
        }
        locked(board).done(&next, ddl::indexes);
        news.notify_waiters();
    }
}

async fn fill(connection: &mut PgConnection, job: &Job, extras: &Extras, table: &Table) -> Result<()> {
    let filling = job.plan.fillings.iter().find(|filling| filling.table == table.name);
    run(connection, ["BEGIN".to_owned()]).await?;
    run(connection, ddl::bare_table(table)).await?;
    run(connection, extras.columns(&table.name)).await?;
    run(connection, ddl::sqlite_columns(table, filling, job.archive.manifest().engine)).await?;
    load_and_count(connection, job, &table.name).await?;
    run(connection, ["COMMIT".to_owned()]).await
}

async fn finish(connection: &mut PgConnection, job: &Job, extras: &Extras, table: &Table) -> Result<()> {
    run(connection, extras.rules(&table.name)).await?;
    run(connection, ddl::foreign_keys(table)).await?;
    for (name, key) in table.foreign_keys() {
        let merged = ddl::has_index_on(table, &key.columns) && rows_of(job, &key.table) > MERGED;
        let method = format!("SET enable_hashjoin = {}", if merged { "off" } else { "on" });
        run(connection, [method, ddl::validate_foreign_key(table, name)]).await?;
    }
    run(connection, [format!("ANALYZE {}", quote(&table.name))]).await
}

/// Nothing is left half done under this lock, so a panic elsewhere does not spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
