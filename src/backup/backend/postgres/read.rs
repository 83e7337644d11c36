//! Reading: one snapshot, seen by several connections at once, its tables side by side.
//!
//! One session, the keeper, locks everything before it takes the snapshot. The others take the lock of a table when they
//! come to it, and never queue for it: who is before them in the queue waits for the keeper, and the server would see no
//! deadlock. Where the lock is not free at once, the keeper, which has it, reads that table itself.
//!
//! A further session watches whether anybody waits for those locks to change a table, with all its readers queued
//! behind: then all sessions end, and reading fails with [`BackupError::GaveWay`]. To read on would be a backup sooner, and
//! a shop that is stopped for as long as the rest of it takes; nothing lets the keeper give back one lock alone, because a
//! snapshot cannot be exported from a subtransaction.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::future::{try_join, try_join_all};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};

use tokio::sync::Mutex;

use super::catalog::{self, Found};
use super::codec::Decoder;
use super::definitions;
use super::locks::{self, RetryBudget};
use super::table_digest;
use crate::backup::backend::borrowed::Borrowed;
use crate::backup::backend::engine;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::{Progress, Rewrite, Table, TableEncoder};
use crate::backup::format::definitions::Definitions;
use crate::backup::format::manifest::AppliedMigration;
use crate::backup::format::server_digest::{Method, ServerDigest};
use crate::backup::format::table_schema::TableShape;
use crate::backup::position;
use crate::backup::spool::Spools;
use crate::backup::version::{self, At};
use crate::backup::worker_pool::in_turns;
use crate::db::{quote, search_path};

/// Tables read at the same time. Each costs up to three blocks of memory, and a server process.
const READERS: usize = 2;

/// Returns a row where the record of the applied migrations is there. Not by to_regclass: a session that has waited for
/// a lock may still remember that there was nothing.
pub(crate) const RECORD: &str = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                                 WHERE n.nspname = 'skyteam' AND c.relname = 'migrations'";

/// One consistent state of the database, held open for reading.
pub(super) struct Snapshot {
    pool: PgPool,
    keeper: PgConnection,
    id: String,
    tables: Vec<Found>,
    server_version: String,
    migrations: Vec<AppliedMigration>,
    at: Option<At>,
    left_out: Vec<String>,
    definitions: HashMap<String, Definitions>,
}

impl Snapshot {
    /// Takes the snapshot and looks up the tables of these names; those that are not there are left out. `patience` is how
    /// long to wait for a table whose structure is being changed. Nothing is locked meanwhile.
    ///
    /// # Errors
    /// The driver's: among them a table that stays locked, and one that row-level security would show only in part.
    pub(super) async fn take(pool: &PgPool, names: &[&str], patience: Duration) -> Result<Self> {
        let mut keeper = pool.acquire().await?.detach();
        let mut tables = lock(&mut keeper, names, patience).await?;
        catalog::keep_odd_lists_as_text(&mut keeper, &mut tables).await?;
        let row = sqlx::query("SELECT pg_export_snapshot() AS id, current_setting('server_version') AS version");
        let row = row.fetch_one(&mut keeper).await?;
        let migrations = migrations(&mut keeper).await?;
        let named = tables.iter().map(|table| (&table.shape, &table.objects));
        let at = position::version_of(&Borrowed::new(&mut keeper), named, &migrations).await?;
        let left_out = catalog::others(&mut keeper, names).await?;
        let mut others = HashMap::new();
        for table in &tables {
            others.insert(table.shape.name.clone(), definitions::read(&mut keeper, &table.shape.name).await?);
        }
        Ok(Self {
            pool: pool.clone(),
            keeper,
            id: row.try_get("id")?,
            tables,
            server_version: row.try_get("version")?,
            migrations,
            at,
            left_out,
            definitions: others,
        })
    }
}

#[async_trait(?Send)]
impl engine::Snapshot for Snapshot {
    fn shapes(&self) -> Vec<&TableShape> {
        self.tables.iter().map(|table| &table.shape).collect()
    }

    fn version(&self) -> Option<At> {
        self.at.clone()
    }

    fn sequences(&self) -> HashMap<String, BTreeMap<String, i64>> {
        self.tables.iter().map(|table| (table.shape.name.clone(), table.sequences.clone())).collect()
    }

    fn server_version(&self) -> &str {
        &self.server_version
    }

    fn left_out(&self) -> &[String] {
        &self.left_out
    }

    fn definitions(&self) -> &HashMap<String, Definitions> {
        &self.definitions
    }

    fn migrations(&self) -> &[AppliedMigration] {
        &self.migrations
    }

    async fn estimate(&mut self) -> Result<u64> {
        let paths: Vec<&str> = self.tables.iter().map(|table| table.path.as_str()).collect();
        let sql = "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::int8 AS rows
                   FROM unnest($1::text[]) AS t(path) JOIN pg_class c ON c.oid = to_regclass(t.path)";
        let row = sqlx::query(sql).bind(paths).fetch_one(&mut self.keeper).await?;
        Ok(row.try_get::<i64, _>("rows")?.unsigned_abs())
    }

    fn keep_ours(&mut self) -> Result<()> {
        self.definitions.clear();
        let known = version::known()?;
        for table in &mut self.tables {
            let ours = known.table(&table.shape.name);
            let is_ours = |name: &str| ours.is_some_and(|ours| ours.column(name).is_some());
            let mut kept = table.shape.columns.iter().map(|column| is_ours(&column.name));
            table.as_text.retain(|_| kept.next().unwrap_or(false));
            table.shape.columns.retain(|column| is_ours(&column.name));
        }
        Ok(())
    }

    async fn tokens(&mut self) -> Result<Vec<String>> {
        let Some(airlines) = self.tables.iter().find(|table| table.shape.name == "airlines") else {
            return Ok(Vec::new());
        };
        let sql = format!("SELECT token FROM {}", airlines.path);
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.keeper).await?;
        Ok(rows.iter().map(|row| row.try_get("token")).collect::<Result<_, _>>()?)
    }

    async fn read(
        self: Box<Self>,
        selected: &HashSet<String>,
        spools: &Spools,
        rewrite: Option<Rewrite>,
        progress: Progress,
    ) -> Result<Vec<Table>> {
        let mut this = *self;
        this.tables.retain(|table| selected.contains(&table.shape.name));
        let mut order: Vec<usize> = (0..this.tables.len()).collect();
        // The largest is taken first: popped from the end.
        order.sort_by_key(|&index| this.tables[index].pages);
        let workers = (0..READERS.min(this.tables.len())).map(|_| begin_in(&this.pool, &this.id));
        let mut workers = try_join_all(workers).await?;
        // A server or role that has no connection to spare has the keeper watch, as long as it does not read.
        let watcher = match this.pool.acquire().await.map_err(BackupError::from) {
            Ok(connection) => Some(connection.detach()),
            Err(error) if is_refused_for_number(&error) => None,
            Err(error) => return Err(error),
        };
        let mut pids = vec![locks::pid(&mut this.keeper).await?];
        for worker in &mut workers {
            pids.push(locks::pid(worker).await?);
        }
        // What is changed on its way has other values than the server's.
        let method = if rewrite.is_some() { None } else { table_digest::method(&mut this.keeper).await? };
        let summing = match method {
            // A server or role that has no connection to spare sums up after the reading.
            Some(method) => match begin_in(&this.pool, &this.id).await {
                Ok(mut connection) => {
                    pids.push(locks::pid(&mut connection).await?);
                    Some((connection, method))
                }
                Err(error) if is_refused_for_number(&error) => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let summed_beside = summing.is_some();
        let by_size: Vec<usize> = order.iter().rev().copied().collect();
        let (tables, keeper) = (&this.tables, Mutex::new(this.keeper));
        let watcher = watcher.map(Mutex::new);
        let eyes = watcher.as_ref().unwrap_or(&keeper);
        let reading = in_turns(workers, order, async |mut connection, index| {
            let table: &Found = &tables[index];
            let encoder = TableEncoder::new(&table.shape, spools, rewrite.clone(), progress.clone())?;
            let read = if locks::try_to_share(&mut connection, &table.path).await? {
                read_table(&mut connection, table, encoder).await?
            } else {
                read_table(&mut *keeper.lock().await, table, encoder).await?
            };
            Ok((connection, read))
        });
        let both = async {
            let beside = async {
                match summing {
                    Some((connection, method)) => sum_up(connection, &keeper, tables, &by_size, method).await.map(Some),
                    None => Ok(None),
                }
            };
            let ((mut workers, mut read), beside) = try_join(reading, beside).await?;
            let sums = match (beside, method, workers.pop()) {
                (Some((connection, sums)), _, worker) => {
                    workers.extend(worker.into_iter().chain([connection]));
                    sums
                }
                (None, Some(method), Some(worker)) if !summed_beside => {
                    let (worker, sums) = sum_up(worker, &keeper, tables, &by_size, method).await?;
                    workers.push(worker);
                    sums
                }
                (None, _, worker) => {
                    workers.extend(worker);
                    Vec::new()
                }
            };
            for (index, digest) in sums {
                read[index].entry.digest = Some(digest);
            }
            Ok((workers, read))
        };
        let outcome = tokio::select! {
            read = both => Some(read),
            waits = locks::somebody_waits(eyes, &pids) => waits.map(|()| None)?,
        };
        let (workers, read) = match outcome {
            Some(Ok(read)) => read,
            Some(Err(BackupError::Database(error))) if locks::is_recovery_conflict(&error) => {
                return Err(BackupError::GaveWay { holders: Vec::new() });
            }
            Some(Err(error)) => return Err(error),
            None => {
                locks::end_sessions(&mut *eyes.lock().await, &pids).await?;
                return Err(BackupError::GaveWay { holders: Vec::new() });
            }
        };
        for connection in workers.into_iter().chain([keeper.into_inner()]).chain(watcher.map(Mutex::into_inner)) {
            connection.close().await?;
        }
        Ok(read)
    }
}

/// Begins the transaction of the snapshot and locks the tables of these names, and the record of the migrations, before
/// the first statement that takes the snapshot: so structure and rows belong together, and from here on no one drops,
/// rewrites or truncates a table.
async fn lock(keeper: &mut PgConnection, names: &[&str], patience: Duration) -> Result<Vec<Found>> {
    let tries = RetryBudget::within(patience);
    loop {
        let mut paths = catalog::paths(keeper, names).await?;
        if sqlx::query(RECORD).fetch_optional(&mut *keeper).await?.is_some() {
            paths.push("skyteam.migrations".to_owned());
        }
        begin(keeper).await?;
        match locks::share_now(keeper, &paths).await {
            Ok(()) => {
                let found = catalog::find(keeper, names).await?;
                // One that was made since is not locked.
                if found.iter().all(|table| paths.contains(&table.path)) {
                    return Ok(found);
                }
            }
            Err(error) if (locks::is_locked(&error) || locks::is_gone(&error)) && tries.pause().await => {}
            Err(error) => return Err(error.into()),
        }
        sqlx::query("ROLLBACK").execute(&mut *keeper).await?;
    }
}

/// Has the server sum up the tables, the largest first; by their places.
async fn sum_up(
    mut connection: PgConnection,
    keeper: &Mutex<PgConnection>,
    tables: &[Found],
    order: &[usize],
    method: Method,
) -> Result<(PgConnection, Vec<(usize, ServerDigest)>)> {
    let mut sums = Vec::with_capacity(order.len());
    for &index in order {
        let table = &tables[index];
        let sum = if locks::try_to_share(&mut connection, &table.path).await? {
            table_digest::of_found(&mut connection, table, method).await?
        } else {
            table_digest::of_found(&mut *keeper.lock().await, table, method).await?
        };
        sums.push((index, sum));
    }
    Ok((connection, sums))
}

/// Whether there are too many connections already (too_many_connections, and a role's or a database's own limit).
fn is_refused_for_number(error: &BackupError) -> bool {
    match error {
        BackupError::Database(source) => {
            source.as_database_error().and_then(|refusal| refusal.code()).as_deref() == Some("53300")
        }
        _ => false,
    }
}

async fn begin(connection: &mut PgConnection) -> Result<()> {
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *connection).await?;
    set_up(connection).await
}

/// A connection of its own, out of the pool's count, that sees the snapshot.
async fn begin_in(pool: &PgPool, snapshot: &str) -> Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut connection).await?;
    let set = format!("SET TRANSACTION SNAPSHOT '{}'", snapshot.replace('\'', "''"));
    sqlx::query(AssertSqlSafe(set)).execute(&mut connection).await?;
    set_up(&mut connection).await?;
    Ok(connection)
}

async fn set_up(connection: &mut PgConnection) -> Result<()> {
    // row_security off: an error instead of a backup of some of the rows. synchronize_seqscans off: rows in the order
    // in which they stand. A long table must not run into a limit that is meant for the shop's queries. Keepalives: a
    // machine that vanishes leaves no locks behind for hours.
    let settings = "SET LOCAL row_security = off; SET LOCAL synchronize_seqscans = off; SET LOCAL statement_timeout = 0; \
                    SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '1s'; \
                    SET LOCAL tcp_keepalives_idle = 20; SET LOCAL tcp_keepalives_interval = 5; \
                    SET LOCAL tcp_keepalives_count = 4; \
                    SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1";
    // First, as behind a pooler nothing has set it yet.
    let path = format!("SET LOCAL search_path = {}", search_path::SAFE);
    sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut *connection).await?;
    sqlx::raw_sql(settings).execute(connection).await?;
    Ok(())
}

/// The record of the applied migrations; empty where there is none.
///
/// # Errors
/// The driver's.
pub(super) async fn migrations(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>> {
    let there = sqlx::query(RECORD);
    if there.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(Vec::new());
    }
    let sql = r#"SELECT version, name, checksum, "appliedAt"::text AS applied, "tookMs"::int8 AS took, via
                 FROM skyteam.migrations ORDER BY version"#;
    let mut lines = Vec::new();
    for row in sqlx::query(sql).fetch_all(connection).await? {
        lines.push(AppliedMigration {
            version: row.try_get("version")?,
            name: row.try_get("name")?,
            checksum: row.try_get("checksum")?,
            applied_at: row.try_get("applied")?,
            took_ms: row.try_get("took")?,
            via: row.try_get("via")?,
        });
    }
    Ok(lines)
}

fn copy_statement(table: &Found) -> String {
    let columns = table.shape.columns.iter().zip(&table.as_text);
    if table.as_text.contains(&true) {
        let text = |(column, as_text): (&crate::backup::format::table_schema::ColumnShape, &bool)| {
            let name = quote(&column.name);
            if *as_text { catalog::output(&name) } else { name }
        };
        let list: Vec<String> = columns.map(text).collect();
        return format!("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)", list.join(", "), table.path);
    }
    let list: Vec<String> = columns.map(|(column, _)| quote(&column.name)).collect();
    format!("COPY {} ({}) TO STDOUT (FORMAT binary)", table.path, list.join(", "))
}

/// Rows are gathered here as they come, and encoded and compressed on a thread of their own.
async fn read_table(connection: &mut PgConnection, table: &Found, encoder: TableEncoder) -> Result<Table> {
    let (blocks, encoding) = encoder.on_a_thread();
    let mut decoder = Decoder::new(&table.shape);
    let mut stream = connection.copy_out_raw(&copy_statement(table)).await?;
    let mut stopped = false;
    while !stopped && let Some(bytes) = stream.try_next().await? {
        for block in decoder.feed(&bytes)? {
            stopped |= blocks.send(block).await.is_err();
        }
    }
    if !stopped {
        // A thread that has stopped says why below.
        let _ = blocks.send(decoder.finish()?).await;
    }
    drop(blocks);
    encoding.await.map_err(|_| BackupError::Worker)?
}
