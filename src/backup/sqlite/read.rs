//! Reading: one read transaction, its tables one after the other, while others write.

use std::collections::{HashMap, HashSet};

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::mpsc;

use super::catalog::{self, Found};
use super::pack::{self, Form, Trouble};
use crate::backup::archive::{Progress, Rewrite, Table, TableEncoder};
use crate::backup::error::{BackupError, Result};
use crate::backup::manifest::AppliedMigration;
use crate::backup::shape::TableShape;
use crate::backup::spool::Spools;
use crate::backup::version::{self, At};

/// Bytes that a pack should have; it is what sets how many rows go into the next one.
const PACK: u64 = 512 << 10;
/// Rows of the first pack, and the most of any.
const FIRST_ROWS: u64 = 256;
const MOST_ROWS: u64 = 8192;
/// Packs that may wait for the encoding thread.
const WAITING: usize = 2;

/// One consistent state of the database, held open for reading.
pub struct Snapshot {
    connection: PoolConnection<Sqlite>,
    tables: Vec<Found>,
    /// Rows of each table, once they were counted.
    counts: HashMap<String, u64>,
    library: String,
    migrations: Vec<AppliedMigration>,
}

impl Snapshot {
    /// Begins to read and looks up the tables of these names; those that are not there are left out.
    ///
    /// # Errors
    /// The driver's.
    pub async fn take(pool: &SqlitePool, names: &[&str]) -> Result<Self> {
        let mut connection = pool.acquire().await?;
        // The first SELECT fixes what is seen.
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        let row = sqlx::query("SELECT sqlite_version() AS version FROM sqlite_schema UNION SELECT sqlite_version()");
        let library = row.fetch_one(&mut *connection).await?.try_get("version")?;
        // Lengths are counted in bytes of UTF-8 here.
        let encoding: String = sqlx::query("PRAGMA encoding").fetch_one(&mut *connection).await?.try_get(0)?;
        if encoding != "UTF-8" {
            return Err(BackupError::Encoding { encoding });
        }
        let tables = catalog::find(&mut connection, names).await?;
        let migrations = migrations(&mut connection).await?;
        Ok(Self { connection, tables, counts: HashMap::new(), library, migrations })
    }

    /// The tables that were found.
    pub fn tables(&self) -> Vec<&TableShape> {
        self.tables.iter().map(|table| &table.shape).collect()
    }

    /// The version that they are at.
    ///
    /// # Errors
    /// Those of [`crate::backup::version::of`].
    pub fn version(&self) -> Result<Option<At>> {
        catalog::version_of(&self.tables, &self.migrations)
    }

    /// SQLite's own version.
    pub fn server_version(&self) -> &str {
        &self.library
    }

    /// The record of the applied migrations; empty where there is none.
    pub fn migrations(&self) -> &[AppliedMigration] {
        &self.migrations
    }

    /// How many rows all tables have.
    ///
    /// # Errors
    /// The driver's.
    pub async fn estimate(&mut self) -> Result<u64> {
        for table in &self.tables {
            let rows = catalog::count(&mut self.connection, &table.shape.name).await?;
            self.counts.insert(table.shape.name.clone(), rows);
        }
        Ok(self.counts.values().sum())
    }

    /// Leaves out the columns that are not skyteam's.
    ///
    /// # Errors
    /// Those of [`version::latest`].
    pub fn keep_ours(&mut self) -> Result<()> {
        let latest = version::latest()?;
        for table in &mut self.tables {
            let ours = latest.schema.table(&table.shape.name);
            table.shape.columns.retain(|column| ours.is_some_and(|ours| ours.column(&column.name).is_some()));
        }
        Ok(())
    }

    /// The airlines' API keys.
    ///
    /// # Errors
    /// The driver's.
    pub async fn tokens(&mut self) -> Result<Vec<String>> {
        if !self.tables.iter().any(|table| table.shape.name == "airlines") {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(r#"SELECT token FROM "airlines""#).fetch_all(&mut *self.connection).await?;
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
        if self.counts.is_empty() {
            self.estimate().await?;
        }
        self.tables.retain(|table| selected.contains(&table.shape.name));
        let mut tables = Vec::new();
        for table in &self.tables {
            let mut shape = table.shape.clone();
            // A cell that the column's kind cannot hold begins the table anew with a wider one: each column at most
            // twice, and never in a file that only skyteam has written.
            let table = loop {
                let encoder = TableEncoder::new(&shape, spools, rewrite.clone(), progress.clone())?;
                match read_table(&mut self.connection, &shape, encoder).await {
                    Ok(table) => break table,
                    Err(Trouble::Failed(error)) => return Err(error),
                    Err(Trouble::Wider(column)) => widen(&mut shape, column)?,
                }
            };
            // What was read page by page is held against what the file itself counts.
            let (name, found) = (&table.entry.name, table.entry.rows);
            match self.counts.get(name) {
                Some(&wanted) if wanted != found => {
                    return Err(BackupError::Unread { table: name.clone(), wanted, found });
                }
                _ => tables.push(table),
            }
        }
        sqlx::query("COMMIT").execute(&mut *self.connection).await?;
        Ok(tables)
    }
}

fn widen(shape: &mut TableShape, column: usize) -> Result<()> {
    let column = &mut shape.columns[column];
    column.stored = column.stored.wider().ok_or_else(|| BackupError::Misfit {
        table: shape.name.clone(),
        why: format!("column {:?} holds what no column can", column.name),
    })?;
    Ok(())
}

/// The record of the applied migrations; empty where there is none.
///
/// # Errors
/// The driver's.
pub(super) async fn migrations(connection: &mut SqliteConnection) -> Result<Vec<AppliedMigration>> {
    let there = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = '_skyteam_migrations'");
    if there.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(Vec::new());
    }
    let sql = r#"SELECT version, name, checksum, "appliedAt", "tookMs", via FROM _skyteam_migrations ORDER BY version"#;
    let mut lines = Vec::new();
    for row in sqlx::query(sql).fetch_all(connection).await? {
        lines.push(AppliedMigration {
            version: row.try_get("version")?,
            name: row.try_get("name")?,
            checksum: row.try_get("checksum")?,
            applied_at: row.try_get("appliedAt")?,
            took_ms: row.try_get("tookMs")?,
            via: row.try_get("via")?,
        });
    }
    Ok(lines)
}

/// Packs are fetched here and unpacked, encoded and compressed on a thread of their own.
async fn read_table(
    connection: &mut SqliteConnection,
    shape: &TableShape,
    mut encoder: TableEncoder,
) -> Result<Table, Trouble> {
    let (to_thread, mut packs) = mpsc::channel::<Pack>(WAITING);
    let name = shape.name.clone();
    let thread = tokio::task::spawn_blocking(move || {
        while let Some(pack) = packs.blocking_recv() {
            let found = pack::unpack(&pack.bytes, pack.form, &mut encoder)?;
            if found != pack.rows {
                return Err(BackupError::Unread { table: name, wanted: pack.rows, found }.into());
            }
        }
        Ok(encoder.finish()?)
    });
    let mut place = None;
    let mut limit = FIRST_ROWS;
    loop {
        let Some(mut pack) = fetch(connection, shape, Form::Marked, place, limit).await? else { break };
        if !pack::is_clear(&pack.bytes, pack.rows, shape) {
            match fetch(connection, shape, Form::Measured, place, pack.rows).await? {
                Some(measured) => pack = measured,
                None => break,
            }
        }
        place = Some(pack.place);
        let size = (pack.bytes.len() as u64 / pack.rows).max(1);
        let full = pack.rows == limit;
        limit = (PACK / size).clamp(1, MOST_ROWS);
        if to_thread.send(pack).await.is_err() || !full {
            break;
        }
    }
    drop(to_thread);
    thread.await.map_err(|_| BackupError::Worker)?
}

/// Some rows of a table.
struct Pack {
    form: Form,
    bytes: Vec<u8>,
    rows: u64,
    /// The number of the last one.
    place: i64,
}

/// Up to `limit` rows behind `place`; `None` where there are no more.
async fn fetch(
    connection: &mut SqliteConnection,
    shape: &TableShape,
    form: Form,
    place: Option<i64>,
    limit: u64,
) -> Result<Option<Pack>> {
    let sql = pack::statement(shape, form, place.is_none());
    let query = sqlx::query(AssertSqlSafe(sql)).bind(place.unwrap_or(i64::MIN)).bind(limit as i64);
    let row = query.fetch_one(&mut *connection).await?;
    let rows = row.try_get::<i64, _>("rows")?.unsigned_abs();
    if rows == 0 {
        return Ok(None);
    }
    Ok(Some(Pack { form, bytes: row.try_get("pack")?, rows, place: row.try_get("place")? }))
}
