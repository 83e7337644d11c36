//! The rows of a file, read in a thread by a connection of its own: the pool's driver passes every single row from
//! thread to thread, which for millions of them costs more than all the rest.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::catalog::{self, is_number};
use super::table_digest::Sum;

use crate::backup::error::{BackupError, Result};
use crate::backup::format::batch::{Block, BlockBuilder, CELL_BYTES, Cell};
use crate::backup::format::native::Native;
use crate::backup::format::server_digest::ServerDigest;
use crate::backup::format::table_schema::{ColumnShape, Kind, TableShape};
use crate::backup::format::timestamp;
use crate::db::SqlState;

/// A connection that reads one state of the file.
pub(super) struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the file, which another connection keeps open: what a crash may have left in it was mended then.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn open(file: &Path, busy_timeout: Duration) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(busy_timeout)?;
        Ok(Self { connection })
    }

    /// Sees, from now on, the file as it is now.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn begin(&self) -> Result<()> {
        // The first SELECT fixes what is seen.
        Ok(self.connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema")?)
    }

    /// Lets go of the state that it sees.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn end(&self) -> Result<()> {
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }

    /// Reads a table, in the order of its rows, and passes them to `take` until that returns `false`. Returns the digest of
    /// what SQLite gave.
    ///
    /// # Errors
    /// [`Trouble`].
    pub(super) fn read(
        &self,
        shape: &TableShape,
        mut take: impl FnMut(Block) -> bool,
    ) -> Result<ServerDigest, Trouble> {
        let mut statement = self.connection.prepare(&catalog::select(shape))?;
        let mut found = statement.query([])?;
        let mut block = BlockBuilder::new(shape);
        let mut rows = 0;
        let mut sum = Sum::new(&shape.columns);
        while let Some(row) = found.next()? {
            rows += 1;
            sum.row(row)?;
            for (index, column) in shape.columns.iter().enumerate() {
                let mut buffer = Buffer::default();
                let cell = match cell(column, row.get_ref(index)?, &mut buffer) {
                    Ok(cell) => cell,
                    Err(Misfit::Wider) => return Err(Trouble::Wider(index)),
                    Err(Misfit::Never(why)) => {
                        let (table, column) = (shape.name.clone(), column.name.clone());
                        return Err(BackupError::Cell { table, column, row: rows, why: why.into() }.into());
                    }
                };
                let fits = match cell {
                    Cell::Null => block.null(index),
                    cell => block.cell(index, cell),
                };
                if !fits {
                    let why = format!("column {:?} holds what it must not", column.name);
                    return Err(BackupError::Misfit { table: shape.name.clone(), why }.into());
                }
            }
            if block.end_row() && !take(block.take()) {
                return Ok(sum.finish());
            }
        }
        take(block.take());
        Ok(sum.finish())
    }
}

/// Why a table could not be read.
pub(super) enum Trouble {
    /// The column holds a cell that its kind cannot; a wider kind can.
    Wider(usize),
    /// Anything else.
    Failed(BackupError),
}

impl<E: Into<BackupError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Why a value is no cell of its column.
enum Misfit {
    /// Its kind is too narrow.
    Wider,
    /// None can hold it; one clause.
    Never(&'static str),
}

/// What a cell points to where the row itself does not hold it.
#[derive(Default)]
struct Buffer {
    uuid: [u8; 16],
    text: Cow<'static, [u8]>,
}

fn cell<'a>(column: &ColumnShape, value: ValueRef<'a>, buffer: &'a mut Buffer) -> Result<Cell<'a>, Misfit> {
    let native = column.native.filter(|native| native.is_encoded());
    let cell = match value {
        ValueRef::Null => Some(Cell::Null),
        ValueRef::Integer(value) if column.native == Some(Native::Smallint) => {
            i16::try_from(value).ok().map(|value| Cell::Integer(value.into()))
        }
        ValueRef::Integer(value) if is_number(column.stored) => integer(column.stored, value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) if bytes.len() > CELL_BYTES => {
            return Err(Misfit::Never("it is larger than an archive can hold (64 MiB)"));
        }
        ValueRef::Text(bytes) if let Some(native) = native => {
            buffer.text = native.of_sqlite(&column.declared, bytes).ok_or(Misfit::Wider)?;
            Some(Cell::Text(&buffer.text))
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) if !is_number(column.stored) => {
            text(column.stored, bytes, &mut buffer.uuid)
        }
        _ => return Err(Misfit::Never("the file does not hold what its table's definition promises")),
    };
    cell.ok_or(Misfit::Wider)
}

fn integer(stored: Kind, value: i64) -> Option<Cell<'static>> {
    match stored {
        Kind::Boolean => matches!(value, 0 | 1).then_some(Cell::Boolean(value == 1)),
        Kind::Integer => i32::try_from(value).ok().map(Cell::Integer),
        _ => Some(Cell::Bigint(value)),
    }
}

fn text<'a>(stored: Kind, bytes: &'a [u8], uuid: &'a mut [u8; 16]) -> Option<Cell<'a>> {
    match stored {
        Kind::Timestamp => timestamp::read_text(bytes).map(Cell::Bigint),
        Kind::Uuid => {
            *uuid = read_uuid(bytes)?;
            Some(Cell::Uuid(uuid))
        }
        Kind::Text => std::str::from_utf8(bytes).is_ok().then_some(Cell::Text(bytes)),
        _ => Some(Cell::Text(bytes)),
    }
}

/// The canonical form only, lower-case and hyphenated: another would not come back byte for byte.
fn read_uuid(text: &[u8]) -> Option<[u8; 16]> {
    if text.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let text: &[u8; 36] = text.try_into().ok()?;
    uuid::Uuid::try_parse_ascii(text).ok().map(uuid::Uuid::into_bytes)
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|refusal| refusal.extended_code.to_string());
        Self::Sqlite(SqlState { code: code.unwrap_or_default(), message: error.to_string(), sqlite: true })
    }
}
