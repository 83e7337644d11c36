//! Reading: one state of the file, its tables side by side, while others write.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::try_join;
use sqlx::{Row, SqliteConnection, SqlitePool};
use tokio::sync::oneshot;

use super::catalog::{self, Found};
use super::definitions;
use super::rows::{Reader, Trouble};
use crate::backup::backend::borrowed::Borrowed;
use crate::backup::backend::engine;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::{Progress, Rewrite, Table, TableEncoder};
use crate::backup::format::definitions::Definitions;
use crate::backup::format::manifest::AppliedMigration;
use crate::backup::format::table_schema::TableShape;
use crate::backup::position;
use crate::backup::spool::Spools;
use crate::backup::version::{self, At};
use crate::backup::worker_pool::in_turns;
use crate::db::SqlState;

/// Tables read at a time, each by a connection of its own.
const READERS: usize = 2;
/// How often the connections try to begin between two commits of others: one of a thousand would do.
const TRIES: usize = 1000;
/// SQLITE_BUSY.
const BUSY: &str = "5";

/// One consistent state of the database, held open for reading.
pub(super) struct Snapshot {
    /// Out of the pool: where nothing is read, it is closed with its transaction, which the pool would not know of.
    connection: SqliteConnection,
    /// They see what `connection` sees.
    readers: Vec<Reader>,
    tables: Vec<Found>,
    library: String,
    migrations: Vec<AppliedMigration>,
    at: Option<At>,
    left_out: Vec<String>,
    definitions: HashMap<String, Definitions>,
}

impl Snapshot {
    /// Begins to read and looks up the tables of these names; those that are not there are left out.
    ///
    /// # Errors
    /// The driver's.
    pub(super) async fn take(pool: &SqlitePool, names: &[&str]) -> Result<Self> {
        let file = pool.connect_options().get_filename().to_owned();
        let mut connection = pool.acquire().await?.detach();
        let readers = begin_together(&mut connection, file).await?;
        let row = sqlx::query("SELECT sqlite_version() AS version");
        let library = row.fetch_one(&mut connection).await?.try_get("version")?;
        // Half a surrogate pair would not come back as it is.
        let encoding: String = sqlx::query("PRAGMA encoding").fetch_one(&mut connection).await?.try_get(0)?;
        if encoding != "UTF-8" {
            return Err(BackupError::Encoding { encoding });
        }
        let tables = catalog::find(&mut connection, names).await?;
        let migrations = migrations(&mut connection).await?;
        let named = tables.iter().map(|table| (&table.shape, &table.objects));
        let at = position::version_of(&Borrowed::new(&mut connection), named, &migrations).await?;
        let left_out = catalog::others(&mut connection, names).await?;
        let definitions = definitions::read(&mut connection, names).await?;
        Ok(Self { connection, readers, tables, library, migrations, at, left_out, definitions })
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

    fn server_version(&self) -> &str {
        &self.library
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
        let mut rows = 0;
        for table in &self.tables {
            rows += catalog::highest(&mut self.connection, table).await?;
        }
        Ok(rows)
    }

    fn keep_ours(&mut self) -> Result<()> {
        self.definitions.clear();
        let known = version::known()?;
        for table in &mut self.tables {
            let ours = known.table(&table.shape.name);
            table.shape.columns.retain(|column| ours.is_some_and(|ours| ours.column(&column.name).is_some()));
        }
        Ok(())
    }

    async fn tokens(&mut self) -> Result<Vec<String>> {
        if !self.tables.iter().any(|table| table.shape.name == "airlines") {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(r#"SELECT token FROM "airlines""#).fetch_all(&mut self.connection).await?;
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
        let Self { mut connection, readers, tables, .. } = this;
        let mut order = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            order.push((catalog::highest(&mut connection, table).await?, index));
        }
        // The largest is taken first: popped from the end.
        order.sort_unstable();
        let order = order.into_iter().map(|(_, index)| index).collect();
        let counting = async {
            let mut counts = HashMap::new();
            for table in &tables {
                counts.insert(table.shape.name.as_str(), catalog::count(&mut connection, table).await?);
            }
            Ok::<_, BackupError>(counts)
        };
        let reading = in_turns(readers, order, async |reader, index| {
            read_table(reader, &tables[index].shape, spools, &rewrite, &progress).await
        });
        let (counts, (_, read)) = try_join(counting, reading).await?;
        sqlx::query("COMMIT").execute(&mut connection).await?;
        // What the tables themselves gave is held against what their indexes count: a damaged file makes no backup.
        for table in &read {
            let (name, found) = (&table.entry.name, table.entry.rows);
            let wanted = counts.get(name.as_str()).copied().unwrap_or(found);
            if wanted != found {
                return Err(BackupError::Unread { table: name.clone(), wanted, found });
            }
        }
        Ok(read)
    }
}

fn widen(shape: &mut TableShape, column: usize) -> Result<()> {
    let column = &mut shape.columns[column];
    if column.native.take().is_some() {
        return Ok(());
    }
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

/// Begins on a connection and on readers of the same file, all in one state of it.
///
/// None of them locks anything, so another program may commit between two of them: then they begin again. It shows in
/// the connection's `data_version`, which changes with every commit of others that it comes to see.
async fn begin_together(connection: &mut SqliteConnection, file: PathBuf) -> Result<Vec<Reader>> {
    let patience: i64 = sqlx::query("PRAGMA busy_timeout").fetch_one(&mut *connection).await?.try_get(0)?;
    let patience = Duration::from_millis(patience.unsigned_abs());
    let open = (0..READERS).map(|_| Reader::open(&file, patience));
    let readers = open.collect::<Result<Vec<_>>>()?;
    for _ in 0..TRIES {
        let before = data_version(connection).await?;
        readers.iter().try_for_each(Reader::begin)?;
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        // This fixes what the connection sees.
        if data_version(connection).await? == before {
            return Ok(readers);
        }
        sqlx::query("ROLLBACK").execute(&mut *connection).await?;
        readers.iter().try_for_each(Reader::end)?;
    }
    let message = "others commit without a pause".to_owned();
    Err(BackupError::Sqlite(SqlState { code: BUSY.to_owned(), message, sqlite: true }))
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query("PRAGMA data_version").fetch_one(connection).await?.try_get(0)?)
}

/// Reads a table. A cell that its column's kind cannot hold begins it anew with a wider one: each column at most three times,
/// and never in a file that only skyteam has written.
async fn read_table(
    mut reader: Reader,
    shape: &TableShape,
    spools: &Spools,
    rewrite: &Option<Rewrite>,
    progress: &Progress,
) -> Result<(Reader, Table)> {
    let mut shape = shape.clone();
    loop {
        let encoder = TableEncoder::new(&shape, spools, rewrite.clone(), progress.clone())?;
        let done;
        (reader, done) = try_to_read(reader, shape.clone(), encoder).await?;
        match done {
            Ok(table) => return Ok((reader, table)),
            Err(Trouble::Failed(error)) => return Err(error),
            Err(Trouble::Wider(column)) => widen(&mut shape, column)?,
        }
    }
}

/// Rows are read on one thread, and encoded and compressed on another. Both end when this is dropped.
async fn try_to_read(
    reader: Reader,
    shape: TableShape,
    encoder: TableEncoder,
) -> Result<(Reader, Result<Table, Trouble>)> {
    let is_rewritten = encoder.is_rewriting();
    let (blocks, encoding) = encoder.on_a_thread();
    let (awaited, _answer) = oneshot::channel::<()>();
    let reading = tokio::task::spawn_blocking(move || {
        // An encoder that has stopped says why below.
        let take = |block| !awaited.is_closed() && blocks.blocking_send(block).is_ok();
        let read = reader.read(&shape, take);
        (reader, read)
    });
    let (reader, read) = reading.await.map_err(|_| BackupError::Worker)?;
    let mut table = encoding.await.map_err(|_| BackupError::Worker)??;
    Ok((
        reader,
        read.map(|digest| {
            table.entry.digest = Some(digest).filter(|_| !is_rewritten);
            table
        }),
    ))
}
