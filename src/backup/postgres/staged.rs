//! Restoring into a database without our tables, several connections side by side.
//!
//! One transaction cannot be shared by connections, so the tables are made and filled in a schema of their own, where
//! nothing sees them, and get their place in one last short transaction. Until then the database is as it was; what a
//! killed run leaves in that schema the next one removes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool, Row};
use tokio::sync::Notify;

use super::restore::{Job, begin, end, load_and_count, onward, restore_types, run, state};
use super::{bookkeeping, ddl};
use crate::backup::error::Result;
use crate::backup::shape::quoted;
use crate::schema::model::Table;

/// The schema that tables are made in.
pub const STAGE: &str = "skyteam_restore";
/// Memory that the server may use to sort for an index, for each connection. More is slower: what is sorted then outgrows
/// the processor's cache, and the keys of a text index are read again for every comparison. (Three million keys of text
/// and time, one process, PostgreSQL 15: 256 MB 6.0 s, 64 MB 4.1 s, 16 MB 3.3 s, 8 MB 3.2 s.)
const SORT_MEMORY: &str = "16MB";
/// Tables that are filled at the same time: each takes blocks of our own memory.
const LOADERS: usize = 2;
/// Most connections, whatever the server lets one command have.
const HANDS: usize = 8;

/// Whether the role may make schemas here.
///
/// # Errors
/// The driver's.
pub async fn possible(pool: &PgPool) -> Result<bool> {
    let row = sqlx::query("SELECT has_database_privilege(current_database(), 'CREATE') AS may").fetch_one(pool).await?;
    Ok(row.try_get("may")?)
}

/// Whether a killed restore left its schema, and none is running: that one holds the lock of all that change the schema.
///
/// # Errors
/// The driver's.
pub async fn is_left_over(pool: &PgPool) -> Result<bool> {
    let (class, object) = migration::runner::LOCK;
    let sql = format!(
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{STAGE}')
            AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                            AND classid = {class} AND objid = {object}
                            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS left"
    );
    Ok(sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(pool).await?.try_get_unchecked::<bool, _>("left")?)
}

/// Restores. When it fails, nothing of it stays.
///
/// # Errors
/// Those of reading the archive, and the driver's.
pub async fn restore(job: &Job) -> Result<()> {
    // Held to the end: two restores take turns, and so does a push.
    let mut keeper = job.pool.acquire().await?.detach();
    begin(&mut keeper, job.lock_timeout).await?;
    job.plan.check_unchanged(&state(&mut keeper).await?)?;
    let result = fill_and_place(&mut keeper, job).await;
    match result {
        Ok(()) if job.commit => end(keeper, true).await,
        result => {
            // Both are attempted whatever the other answers; the first failure is the one to tell.
            let ended = end(keeper, false).await;
            let cleared = clear_up(job).await;
            result.and(ended).and(cleared)
        }
    }
}

async fn fill_and_place(keeper: &mut PgConnection, job: &Job) -> Result<()> {
    let mut first = worker(&job.pool).await?;
    clear(&mut first).await?;
    run(&mut first, [format!("CREATE SCHEMA {STAGE}")]).await?;
    let schema = &job.plan.version.schema;
    let mut hands = vec![first];
    for _ in 1..hands_wanted(keeper).await? {
        hands.push(worker(&job.pool).await?);
    }
    for hand in &mut hands {
        run(hand, [format!("SET search_path = {STAGE}")]).await?;
    }
    let board = Board::new(job, schema.tables.iter().collect());
    try_join_all(hands.iter_mut().map(|hand| board.work(hand, job))).await?;
    for table in &schema.tables {
        run(&mut hands[0], ddl::keys(table)).await?;
    }
    for table in &schema.tables {
        run(&mut hands[0], ddl::foreign_keys(table)).await?;
    }
    let checks = Mutex::new(by_rows(job, schema.tables.iter().collect()));
    try_join_all(hands.iter_mut().map(|hand| check(hand, &checks))).await?;
    for hand in hands {
        hand.close().await?;
    }
    // Another tool, which knows no lock of ours, may have made them meanwhile.
    job.plan.check_unchanged(&state(keeper).await?)?;
    let target = "SELECT set_config('search_path', quote_ident(current_schema()), true)";
    run(keeper, [target.to_owned()]).await?;
    let row = sqlx::query("SELECT quote_ident(current_schema()) AS name").fetch_one(&mut *keeper).await?;
    let target: String = row.try_get("name")?;
    for table in &schema.tables {
        run(keeper, [format!("ALTER TABLE {STAGE}.{} SET SCHEMA {target}", quoted(&table.name))]).await?;
    }
    run(keeper, [format!("DROP SCHEMA {STAGE}")]).await?;
    bookkeeping::write(keeper, job).await?;
    run(keeper, bookkeeping::drop_functions()?).await?;
    run(keeper, ddl::triggers(schema)).await?;
    if job.onward { onward(keeper, job).await } else { Ok(()) }
}

async fn worker(pool: &PgPool) -> Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    // What is made here counts only once the last transaction has committed, which waits for the disk for all.
    let settings = format!(
        "SET synchronous_commit = off; SET statement_timeout = 0; SET maintenance_work_mem = '{SORT_MEMORY}'; \
         SET max_parallel_maintenance_workers = 0; SET client_min_messages = warning"
    );
    run(&mut connection, [settings]).await?;
    Ok(connection)
}

/// How many connections work side by side: as many processes as the server lets one command have that makes an index,
/// which is what its owner thinks that the machine can spare. Several indexes at once beat several processes at one.
async fn hands_wanted(connection: &mut PgConnection) -> Result<usize> {
    let sql = "SELECT current_setting('max_parallel_maintenance_workers')::int4 AS helpers";
    let helpers: i32 = sqlx::query(sql).fetch_one(connection).await?.try_get("helpers")?;
    Ok(usize::try_from(helpers).unwrap_or(0).saturating_add(1).clamp(LOADERS, HANDS))
}

async fn clear_up(job: &Job) -> Result<()> {
    let mut cleaner = job.pool.acquire().await?.detach();
    begin(&mut cleaner, job.lock_timeout).await?;
    clear(&mut cleaner).await?;
    end(cleaner, true).await
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
    run(connection, [format!("DROP SCHEMA IF EXISTS {STAGE}")]).await
}

fn rows_of(job: &Job, table: &Table) -> u64 {
    job.archive.manifest().table(&table.name).map_or(0, |entry| entry.rows)
}

fn by_rows<'a>(job: &Job, mut tables: Vec<&'a Table>) -> VecDeque<&'a Table> {
    tables.sort_by_key(|table| Reverse(rows_of(job, table)));
    tables.into()
}

async fn check(connection: &mut PgConnection, tables: &Mutex<VecDeque<&Table>>) -> Result<()> {
    while let Some(table) = next_of(tables) {
        run(connection, ddl::validate_foreign_keys(table)).await?;
        run(connection, [format!("ANALYZE {}", quoted(&table.name))]).await?;
    }
    Ok(())
}

fn next_of<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    locked(queue).pop_front()
}

/// Nothing is left half done under these locks, so a panic elsewhere does not spoil them.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The work that connections take turns at: tables, largest first, and the indexes of those that are filled.
struct Board<'a> {
    state: Mutex<Work<'a>>,
    news: Notify,
}

struct Work<'a> {
    tables: VecDeque<&'a Table>,
    /// Tables that are being filled.
    loading: usize,
    /// The one that takes longest first, so that the connections end together.
    indexes: BinaryHeap<IndexWork>,
}

/// An index to be made. Keys of several columns are compared longest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct IndexWork {
    cells: u64,
    sql: String,
}

enum Next<'a> {
    Fill(&'a Table),
    Index(String),
    Wait,
    Done,
}

impl<'a> Board<'a> {
    fn new(job: &Job, tables: Vec<&'a Table>) -> Self {
        let work = Work { tables: by_rows(job, tables), loading: 0, indexes: BinaryHeap::new() };
        Self { state: Mutex::new(work), news: Notify::new() }
    }

    fn next(&self) -> Next<'a> {
        let mut work = locked(&self.state);
        if work.loading < LOADERS
            && let Some(table) = work.tables.pop_front()
        {
            work.loading += 1;
            return Next::Fill(table);
        }
        match work.indexes.pop() {
            Some(index) => Next::Index(index.sql),
            None if work.loading == 0 && work.tables.is_empty() => Next::Done,
            None => Next::Wait,
        }
    }

    async fn work(&self, connection: &mut PgConnection, job: &Job) -> Result<()> {
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            // From here on no news is missed.
            news.as_mut().enable();
            match self.next() {
                Next::Fill(table) => self.fill(connection, job, table).await?,
                Next::Index(sql) => run(connection, [sql]).await?,
                Next::Wait => news.await,
                Next::Done => return Ok(()),
            }
        }
    }

    async fn fill(&self, connection: &mut PgConnection, job: &Job, table: &Table) -> Result<()> {
        let filling = job.plan.fillings.iter().find(|filling| filling.table == table.name);
        run(connection, ["BEGIN".to_owned()]).await?;
        run(connection, ddl::bare_table(table, filling)).await?;
        load_and_count(connection, job, &table.name).await?;
        restore_types(connection, job, &table.name).await?;
        run(connection, ["COMMIT".to_owned()]).await?;
        let rows = rows_of(job, table);
        {
            let mut work = locked(&self.state);
            work.indexes.extend(
                ddl::indexes(table).into_iter().map(|(columns, sql)| IndexWork { cells: rows * columns as u64, sql }),
            );
            work.loading -= 1;
        }
        self.news.notify_waiters();
        Ok(())
    }
}
