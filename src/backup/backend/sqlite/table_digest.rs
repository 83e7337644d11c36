//! What an SQLite file itself says of a table's rows ([`crate::backup::format::row_hash`]): computed from the values that
//! SQLite gives, before anything of ours has looked at them.

use futures::TryStreamExt;
use rusqlite::types::ValueRef;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Decode, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef as _};

use super::catalog;
use super::catalog::select;
use crate::backup::backend::engine::Job;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::native::Native;
use crate::backup::format::row_hash::{self, NULL};
use crate::backup::format::server_digest::{Method, ServerDigest};
use crate::backup::format::table_schema::{ColumnShape, TableShape};
use crate::backup::version;

/// Adds up the hashes of the rows of a table.
pub(super) struct Sum {
    order: Vec<usize>,
    /// By place the columns whose text is another in an archive, with the type that is declared here.
    native: Vec<Option<(Native, String)>>,
    sum: i128,
}

impl Sum {
    /// For a table with these columns.
    pub(super) fn new(columns: &[ColumnShape]) -> Self {
        let native =
            |column: &ColumnShape| Some((column.native.filter(|native| native.is_encoded())?, column.declared.clone()));
        Self { order: row_hash::in_order(columns), native: columns.iter().map(native).collect(), sum: 0 }
    }

    /// The hash of a text: of a number, time or instant in the one form that archives have for it.
    fn text(&self, index: usize, text: &[u8], seed: u64) -> u64 {
        let native = self.native[index].as_ref();
        match native.and_then(|(native, declared)| native.of_sqlite(declared, text)) {
            Some(text) => row_hash::bytes(&text, seed),
            None => row_hash::bytes(text, seed),
        }
    }

    /// Adds a row, whose cells `hash` hashes by their places.
    fn add<E>(&mut self, hash: impl Fn(&Self, usize, u64) -> Result<u64, E>) -> Result<(), E> {
        let row = self.order.iter().try_fold(0, |seed, &index| hash(self, index, seed))?;
        self.sum += i128::from(row.cast_signed());
        Ok(())
    }

    /// Adds a row that `rusqlite` gives.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn row(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        self.add(|this, index, seed| {
            Ok(match row.get_ref(index)? {
                ValueRef::Null => null(seed),
                ValueRef::Integer(value) => integer(value, seed),
                ValueRef::Real(value) => row_hash::bytes(&value.to_le_bytes(), seed),
                ValueRef::Text(bytes) => this.text(index, bytes, seed),
                ValueRef::Blob(bytes) => row_hash::bytes(bytes, seed),
            })
        })
    }

    /// Adds a row that `sqlx` gives.
    fn sqlx_row(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        self.add(|this, index, seed| {
            let value = row.try_get_raw(index)?;
            let failed = |source| sqlx::Error::ColumnDecode { index: index.to_string(), source };
            if value.is_null() {
                return Ok(null(seed));
            }
            let kind = value.type_info().name().to_owned();
            Ok(match kind.as_str() {
                "INTEGER" => integer(<i64 as Decode<'_, Sqlite>>::decode(value).map_err(failed)?, seed),
                "REAL" => {
                    let value = <f64 as Decode<'_, Sqlite>>::decode(value).map_err(failed)?;
                    row_hash::bytes(&value.to_le_bytes(), seed)
                }
                "TEXT" => this.text(index, <&[u8] as Decode<'_, Sqlite>>::decode(value).map_err(failed)?, seed),
                _ => row_hash::bytes(<&[u8] as Decode<'_, Sqlite>>::decode(value).map_err(failed)?, seed),
            })
        })
    }

    /// What came of it.
    pub(super) fn finish(self) -> ServerDigest {
        ServerDigest::new(Method::Sqlite, self.sum)
    }
}

fn null(seed: u64) -> u64 {
    row_hash::bytes(&[], seed) ^ NULL
}

fn integer(value: i64, seed: u64) -> u64 {
    row_hash::bytes(&value.to_le_bytes(), seed)
}

/// Compares a restored table with what the archive says that its source said.
///
/// # Errors
/// [`BackupError::Digest`] where they differ; the driver's.
pub(super) async fn compare(connection: &mut SqliteConnection, job: &Job, table: &str) -> Result<()> {
    let is_filled = job.plan.fillings.iter().any(|filling| filling.table == table);
    let Some(entry) = job.archive.manifest().table(table).filter(|_| is_filled) else { return Ok(()) };
    let Some(wanted) = entry.digest.as_ref().filter(|wanted| wanted.method() == Some(Method::Sqlite)) else {
        return Ok(());
    };
    let existing = catalog::columns(connection, table, &version::known()?).await?;
    // The target's declared types decide how they are read.
    let column = |of: &ColumnShape| {
        let found = existing.iter().find(|existing| existing.name == of.name)?;
        Some(ColumnShape { stored: of.stored, native: of.native, ..found.clone() })
    };
    let Some(columns) = entry.columns.iter().map(column).collect::<Option<Vec<_>>>() else { return Ok(()) };
    let mut sum = Sum::new(&columns);
    let shape = TableShape { name: table.to_owned(), columns };
    let sql = select(&shape);
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        sum.sqlx_row(&row)?;
    }
    if sum.finish() == *wanted { Ok(()) } else { Err(BackupError::Digest { table: table.to_owned() }) }
}
