//! Restoring into a database without our tables, several connections side by side.
//!
//! One transaction cannot be shared by connections, so the tables are made and filled in a schema of their own, where
//! nothing sees them, and get their place in one last short transaction. Until then the database is as it was; what a
//! killed run leaves in that schema the next one removes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool, Row};
use tokio::sync::Notify;

use super::restore::{Job, begin, end, load_and_count, onward, restore_types, run, state};
use super::{bookkeeping, ddl};
use crate::backup::error::{BackupError, Result};
use crate::backup::shape::quoted;
use crate::schema::model::Table;

/// The schema that tables are made in.
pub const STAGE: &str = "skyteam_restore";
/// Memory that the server may use to sort for an index, for each connection.
pub const SORT_MEMORY: &str = "256MB";

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
    let board = Board::new(job, schema.tables.iter().collect());
    let second = async {
        let mut connection = worker(&job.pool).await?;
        set_path(&mut connection).await?;
        board.work(&mut connection, job).await?;
        Ok::<_, BackupError>(connection)
    };
    let work = async {
        set_path(&mut first).await?;
        board.work(&mut first, job).await
    };
    let (second, ()) = tokio::try_join!(second, work)?;
    for table in &schema.tables {
        run(&mut first, ddl::keys(table)).await?;
    }
    for table in &schema.tables {
        run(&mut first, ddl::foreign_keys(table)).await?;
    }
    let checks = Mutex::new(by_rows(job, schema.tables.iter().collect()));
    let mut connections = [first, second];
    let [first, second] = &mut connections;
    tokio::try_join!(check(first, &checks), check(second, &checks))?;
    for connection in connections {
        connection.close().await?;
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
         SET client_min_messages = warning"
    );
    run(&mut connection, [settings]).await?;
    Ok(connection)
}

async fn set_path(connection: &mut PgConnection) -> Result<()> {
    run(connection, [format!("SET search_path = {STAGE}")]).await
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

fn by_rows<'a>(job: &Job, mut tables: Vec<&'a Table>) -> VecDeque<&'a Table> {
    let rows = |table: &Table| job.archive.manifest().table(&table.name).map_or(0, |entry| entry.rows);
    tables.sort_by_key(|table| std::cmp::Reverse(rows(table)));
    tables.into()
}

async fn check(connection: &mut PgConnection, tables: &Mutex<VecDeque<&Table>>) -> Result<()> {
    while let Some(table) = pop(tables) {
        run(connection, ddl::validate_foreign_keys(table)).await?;
        run(connection, [format!("ANALYZE {}", quoted(&table.name))]).await?;
    }
    Ok(())
}

/// Nothing is left half done under these locks, so a panic elsewhere does not spoil them.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pop<T>(queue: &Mutex<VecDeque<T>>) -> Option<T> {
    locked(queue).pop_front()
}

/// The work that connections take turns at: tables, largest first, and the indexes of those that are filled.
struct Board<'a> {
    tables: Mutex<VecDeque<&'a Table>>,
    indexes: Mutex<VecDeque<String>>,
    /// Tables that are not filled yet.
    open: Mutex<usize>,
    news: Notify,
}

impl<'a> Board<'a> {
    fn new(job: &Job, tables: Vec<&'a Table>) -> Self {
        Self {
            open: Mutex::new(tables.len()),
            tables: Mutex::new(by_rows(job, tables)),
            indexes: Mutex::default(),
            news: Notify::new(),
        }
    }

    async fn work(&self, connection: &mut PgConnection, job: &Job) -> Result<()> {
        loop {
            let news = self.news.notified();
            if let Some(table) = pop(&self.tables) {
                self.fill(connection, job, table).await?;
            } else if let Some(sql) = pop(&self.indexes) {
                run(connection, [sql]).await?;
            } else if self.all_filled() {
                return Ok(());
            } else {
                news.await;
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
        locked(&self.indexes).extend(ddl::indexes(table));
        *locked(&self.open) -= 1;
        self.news.notify_waiters();
        Ok(())
    }

    fn all_filled(&self) -> bool {
        *locked(&self.open) == 0
    }
}
