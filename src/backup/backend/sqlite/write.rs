//! Rows out of an archive into one table, many to a statement.

use std::sync::Arc;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, SqliteConnection};
use tokio::sync::mpsc;

use crate::backup::column_mapping::Filling;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::archive::{Archive, Progress};
use crate::backup::format::batch::{Block, Cell};
use crate::backup::format::row_hash::Tally;
use crate::backup::format::table_schema::{Kind, TableShape};
use crate::backup::format::timestamp;
use crate::backup::text_form::{self, SqliteForm};
use crate::db::{Engine, quote};
use crate::schema::model;

/// Cells to a statement: SQLite takes 32 766, and beyond a few hundred more win nothing.
const CELLS: usize = 1200;
/// Bytes of rows that are sorted together.
const WINDOW: usize = 16 << 20;
/// Statements' worth of cells that may wait.
const WAITING: usize = 8;

/// Fills a table; returns the rows that went in.
///
/// `key` are the columns of its primary key, whose index SQLite fills along with it. Rows go in by their order, as many as
/// [`WINDOW`] holds: these then pass once through that index, which may be far larger than the cache, and not each by itself.
///
/// # Errors
/// [`BackupError::Damaged`], [`BackupError::Cell`], and the driver's.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    archive: &Arc<Archive>,
    filling: &Filling,
    key: &[String],
    progress: Progress,
) -> Result<u64> {
    let Some(mut reader) = archive.reader(&filling.table)? else { return Ok(0) };
    let Some(entry) = archive.manifest().table(&filling.table) else { return Ok(0) };
    let (shape, file) = (entry.shape(), entry.file());
    let targets: Vec<(usize, Kind)> = filling.columns.iter().map(|column| (column.index, column.kind)).collect();
    let mut textual: Vec<Option<model::Kind>> = vec![None; shape.columns.len()];
    for column in &filling.columns {
        textual[column.index].clone_from(&column.textual);
    }
    let of_key = |name: &String| filling.columns.iter().find(|column| column.name == *name).map(|column| column.index);
    let key: Vec<usize> = key.iter().filter_map(of_key).collect();
    let rows_each = (CELLS / targets.len()).max(1);
    let (to_file, mut batches) = mpsc::channel::<(SqliteArguments, usize)>(WAITING);
    let entry = entry.clone();
    let mut tally = Tally::of(&entry).filter(|_| archive.manifest().engine != Engine::Sqlite);
    let thread = tokio::task::spawn_blocking(move || {
        let mut row = 1;
        while let Some(mut block) = reader.next_block().map_err(BackupError::member(&*file))? {
            while block.bytes() < WINDOW
                && let Some(more) = reader.next_block().map_err(BackupError::member(&*file))?
            {
                block.append(more);
            }
            tally.iter_mut().for_each(|tally| tally.add(&block));
            let (shape, targets, textual) = (&shape, &targets, &textual);
            let mut bind = Binder { shape, targets, textual, row, last: vec![None; shape.columns.len()] };
            if !bind.block(&block, &key, rows_each, &to_file)? {
                // The file refused; it says why to the other side.
                return Ok(());
            }
            row += block.rows as u64;
            progress(block.rows as u64);
        }
        Tally::compare(tally, &entry)
    });
    let full = statement(filling, rows_each, &archive_bytes(archive, filling));
    let mut written = 0;
    while let Some((arguments, rows)) = batches.recv().await {
        let sql =
            if rows == rows_each { full.clone() } else { statement(filling, rows, &archive_bytes(archive, filling)) };
        let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(rows == rows_each);
        written += query.execute(&mut *connection).await?.rows_affected();
    }
    thread.await.map_err(|_| BackupError::Worker)??;
    Ok(written)
}

/// Per column whether its cells are bytes that must become text as they are.
fn archive_bytes(archive: &Archive, filling: &Filling) -> Vec<bool> {
    let entry = archive.manifest().table(&filling.table);
    let is_bytes = |index: usize| {
        entry.is_some_and(|entry| {
            let column = &entry.columns[index];
            let declared = column.declared.as_str();
            column.stored == Kind::Bytes && !declared.eq_ignore_ascii_case("BLOB") && declared != "bytea"
        })
    };
    filling.columns.iter().map(|column| is_bytes(column.index)).collect()
}

fn statement(filling: &Filling, rows: usize, as_text: &[bool]) -> String {
    let names: Vec<String> = filling.columns.iter().map(|column| quote(&column.name)).collect();
    let marks: Vec<&str> = as_text.iter().map(|&text| if text { "CAST(? AS TEXT)" } else { "?" }).collect();
    let row = format!("({})", marks.join(", "));
    format!("INSERT INTO {} ({}) VALUES {}", quote(&filling.table), names.join(", "), vec![row; rows].join(", "))
}

struct Binder<'a> {
    shape: &'a TableShape,
    targets: &'a [(usize, Kind)],
    /// Per column of the archive the type that it keeps as text.
    textual: &'a [Option<model::Kind>],
    /// The number of the block's first row.
    row: u64,
    /// Each column's last text: often the next row has the same.
    last: Vec<Option<Arc<str>>>,
}

impl Binder<'_> {
    /// Sends a block in statements' worths; `false` when they are not taken any more.
    fn block(
        &mut self,
        block: &Block,
        key: &[usize],
        rows_each: usize,
        to: &mpsc::Sender<(SqliteArguments, usize)>,
    ) -> Result<bool> {
        let mut cursor = block.cursor_by(key);
        let mut left = block.rows;
        while left > 0 {
            let rows = left.min(rows_each);
            let mut arguments = SqliteArguments::default();
            arguments.reserve(rows * self.targets.len(), 0);
            for _ in 0..rows {
                for &(column, kind) in self.targets {
                    let cell = cursor.cell(column);
                    self.bind(column, kind, cell, self.row + cursor.row() as u64, &mut arguments)?;
                }
                cursor.advance();
            }
            left -= rows;
            if to.blocking_send((arguments, rows)).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn bind(&mut self, column: usize, target: Kind, cell: Cell<'_>, row: u64, out: &mut SqliteArguments) -> Result<()> {
        let stored = self.shape.columns[column].stored;
        let added = match cell {
            Cell::Null => out.add(None::<i64>),
            Cell::Boolean(value) => out.add(i64::from(value)),
            Cell::Integer(value) => out.add(i64::from(value)),
            Cell::Bigint(value) if stored == Kind::Timestamp => {
                let mut text = Vec::with_capacity(32);
                timestamp::write_text(value, &mut text);
                out.add(Arc::<str>::from(String::from_utf8_lossy(&text)))
            }
            Cell::Bigint(value) => out.add(value),
            Cell::Uuid(value) => {
                let mut text = uuid::Uuid::encode_buffer();
                let text: &str = uuid::Uuid::from_bytes(*value).hyphenated().encode_lower(&mut text);
                out.add(Arc::<str>::from(text))
            }
            Cell::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if stored == Kind::Text && self.textual[column].is_some() => {
                    let kind = self.textual[column].as_ref().unwrap_or(&model::Kind::Text);
                    match text_form::for_sqlite(kind, text) {
                        SqliteForm::Text(text) => out.add(Arc::<str>::from(text)),
                        SqliteForm::Blob(bytes) => out.add(bytes),
                    }
                }
                Ok(text) if stored == Kind::Text => {
                    let last = &mut self.last[column];
                    let text = match last {
                        Some(last) if **last == *text => Arc::clone(last),
                        _ => last.insert(Arc::from(text)).clone(),
                    };
                    out.add(text)
                }
                _ => out.add(bytes.to_vec()),
            },
        };
        let fits = matches!(cell, Cell::Null)
            || match target {
                Kind::Boolean | Kind::Integer | Kind::Bigint => {
                    matches!(stored, Kind::Boolean | Kind::Integer | Kind::Bigint)
                }
                _ => !matches!(stored, Kind::Boolean | Kind::Integer | Kind::Bigint),
            };
        let wrong = |why: String| BackupError::Cell {
            table: self.shape.name.clone(),
            column: self.shape.columns[column].name.clone(),
            row,
            why,
        };
        added.map_err(|error| wrong(error.to_string()))?;
        if fits { Ok(()) } else { Err(wrong(format!("a {stored:?} does not fit a column of type {target:?}"))) }
    }
}
