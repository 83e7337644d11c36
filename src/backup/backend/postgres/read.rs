//! Reading: one snapshot, seen by several connections at once, its tables side by side.

use std::collections::HashSet;
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::try_join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};

use super::catalog::{self, Found};
use super::codec::Decoder;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::{Progress, Rewrite, Table, TableEncoder};
use crate::backup::format::manifest::AppliedMigration;
use crate::backup::spool::Spools;
use crate::backup::version;
use crate::backup::worker_pool::in_turns;
use crate::db::quote;

/// Tables read at the same time. Each costs up to three blocks of memory, and a server process.
const READERS: usize = 2;

/// Answers a row where the record of the applied migrations is there. Not by to_regclass: a session that has waited for
/// a lock may still remember that there was nothing.
pub const RECORD: &str = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                                 WHERE n.nspname = 'skyteam' AND c.relname = 'migrations'";

/// How a snapshot is taken.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotOptions {
    /// How long to wait for a table that someone is changing the structure of.
    pub lock_timeout: Duration,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(60) }
    }
}

/// One consistent state of the database, held open for reading.
pub struct Snapshot {
    pool: PgPool,
    keeper: PgConnection,
    id: String,
    tables: Vec<Found>,
    server_version: String,
    migrations: Vec<AppliedMigration>,
}

impl Snapshot {
    /// Takes the snapshot and looks up the tables of these names; those that are not there are left out.
    ///
    /// # Errors
    /// The driver's: among them a table that stays locked, and one that row-level security would show only in part.
    pub async fn take(pool: &PgPool, names: &[&str], options: SnapshotOptions) -> Result<Self> {
        let mut keeper = pool.acquire().await?.detach();
        let paths = catalog::paths(&mut keeper, names).await?;
        begin(&mut keeper, options.lock_timeout).await?;
        // Before the first statement that takes the snapshot, so that structure and rows belong together: from here on
        // no one drops, rewrites or truncates a table.
        for path in paths {
            sqlx::query(AssertSqlSafe(format!("LOCK TABLE {path} IN ACCESS SHARE MODE"))).execute(&mut keeper).await?;
        }
        let tables = catalog::find(&mut keeper, names).await?;
        let row = sqlx::query("SELECT pg_export_snapshot() AS id, current_setting('server_version') AS version");
        let row = row.fetch_one(&mut keeper).await?;
        let migrations = migrations(&mut keeper).await?;
        Ok(Self {
            pool: pool.clone(),
            keeper,
            id: row.try_get("id")?,
            tables,
            server_version: row.try_get("version")?,
            migrations,
        })
    }

    /// The tables that were found.
    pub fn tables(&self) -> &[Found] {
        &self.tables
    }

    /// `15.18 (Debian …)`
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// The record of the applied migrations; empty where there is none.
    pub fn migrations(&self) -> &[AppliedMigration] {
        &self.migrations
    }

    /// About how many rows all tables have, by the server's statistics; for progress only.
    ///
    /// # Errors
    /// The driver's.
    pub async fn estimate(&mut self) -> Result<u64> {
        let paths: Vec<&str> = self.tables.iter().map(|table| table.path.as_str()).collect();
        let sql = "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::int8 AS rows
                   FROM unnest($1::text[]) AS t(path) JOIN pg_class c ON c.oid = to_regclass(t.path)";
        let row = sqlx::query(sql).bind(paths).fetch_one(&mut self.keeper).await?;
        Ok(row.try_get::<i64, _>("rows")?.unsigned_abs())
    }

    /// Leaves out the columns that are not skyteam's.
    ///
    /// # Errors
    /// Those of [`version::latest`].
    pub fn keep_ours(&mut self) -> Result<()> {
        let latest = version::latest()?;
        for table in &mut self.tables {
            let ours = latest.schema.table(&table.shape.name);
            let is_ours = |name: &str| ours.is_some_and(|ours| ours.column(name).is_some());
            let mut kept = table.shape.columns.iter().map(|column| is_ours(&column.name));
            table.as_text.retain(|_| kept.next().unwrap_or(false));
            table.shape.columns.retain(|column| is_ours(&column.name));
        }
        Ok(())
    }

    /// The airlines' API keys.
    ///
    /// # Errors
    /// The driver's.
    pub async fn tokens(&mut self) -> Result<Vec<String>> {
        let Some(airlines) = self.tables.iter().find(|table| table.shape.name == "airlines") else {
            return Ok(Vec::new());
        };
        let sql = format!("SELECT token FROM {}", airlines.path);
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.keeper).await?;
        Ok(rows.iter().map(|row| row.try_get("token")).collect::<Result<_, _>>()?)
    }

    /// Reads all rows of the selected tables into spools, in the order of [`Snapshot::tables`], and ends the snapshot.
    ///
    /// # Errors
    /// The driver's, and the file system's.
    pub async fn read(
        mut self,
        selected: &HashSet<String>,
        spools: &Spools,
        rewrite: Option<Rewrite>,
        progress: Progress,
    ) -> Result<Vec<Table>> {
        self.tables.retain(|table| selected.contains(&table.shape.name));
        let mut order: Vec<usize> = (0..self.tables.len()).collect();
        // The largest is taken first: popped from the end.
        order.sort_by_key(|&index| self.tables[index].pages);
        let hands = (0..READERS.min(self.tables.len())).map(|_| begin_in(&self.pool, &self.id));
        let hands = try_join_all(hands).await?;
        let (hands, read) = in_turns(hands, order, async |mut connection, index| {
            let table: &Found = &self.tables[index];
            let encoder = TableEncoder::new(&table.shape, spools, rewrite.clone(), progress.clone())?;
            let read = read_table(&mut connection, table, encoder).await?;
            Ok((connection, read))
        })
        .await?;
        for connection in hands.into_iter().chain([self.keeper]) {
            connection.close().await?;
        }
        Ok(read)
    }
}

async fn begin(connection: &mut PgConnection, lock_timeout: Duration) -> Result<()> {
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *connection).await?;
    set_up(connection, lock_timeout).await
}

/// A connection of its own, out of the pool's count, that sees the snapshot.
async fn begin_in(pool: &PgPool, snapshot: &str) -> Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut connection).await?;
    let set = format!("SET TRANSACTION SNAPSHOT '{}'", snapshot.replace('\'', "''"));
    sqlx::query(AssertSqlSafe(set)).execute(&mut connection).await?;
    set_up(&mut connection, Duration::ZERO).await?;
    Ok(connection)
}

async fn set_up(connection: &mut PgConnection, lock_timeout: Duration) -> Result<()> {
    // row_security off: an error instead of a backup of some of the rows. synchronize_seqscans off: rows in the order
    // in which they stand. A long table must not run into a limit that is meant for the shop's queries.
    let settings = format!(
        "SET LOCAL row_security = off; SET LOCAL synchronize_seqscans = off; SET LOCAL statement_timeout = 0; \
         SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = {}; \
         SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1",
        lock_timeout.as_millis()
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(connection).await?;
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
            format!("{}{}", quote(&column.name), if *as_text { "::text" } else { "" })
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
