//! The binary format of COPY: a signature, then per row the number of fields and per field its length and bytes.
//! (PostgreSQL manual, "COPY", section "Binary Format".)

use crate::backup::error::{BackupError, Result};
use crate::backup::format::batch::{Block, BlockBuilder, CELL_BYTES, Cell};
use crate::backup::format::table_schema::{Kind, TableShape};
use crate::backup::format::timestamp;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the header's extension.
const HEADER: usize = SIGNATURE.len() + 8;

/// Turns a binary COPY stream, cut anywhere, into rows.
pub(crate) struct Decoder {
    rest: Vec<u8>,
    state: State,
    row: u64,
    rows: BlockBuilder,
    full: Vec<Block>,
}

#[derive(PartialEq)]
enum State {
    Header,
    Rows,
    Ended,
}

impl Decoder {
    /// A decoder of the columns of this shape, in their order.
    pub(crate) fn new(shape: &TableShape) -> Self {
        let rows = BlockBuilder::new(shape);
        Self { rest: Vec::new(), state: State::Header, row: 0, rows, full: Vec::new() }
    }

    /// Takes the next bytes; returns the blocks that the rows in them have filled.
    ///
    /// # Errors
    /// [`BackupError::Cell`] for a cell that an archive cannot hold, and [`BackupError::Misfit`] for a stream that is
    /// none of this table.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Block>> {
        if self.rest.is_empty() {
            let used = self.consume(bytes)?;
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.rest);
            joined.extend_from_slice(bytes);
            let used = self.consume(&joined)?;
            joined.drain(..used);
            self.rest = joined;
        }
        Ok(std::mem::take(&mut self.full))
    }

    /// The last rows.
    ///
    /// # Errors
    /// [`BackupError::Misfit`] when the stream has not ended properly.
    pub(crate) fn finish(mut self) -> Result<Block> {
        if self.state == State::Ended && self.rest.is_empty() {
            Ok(self.rows.take())
        } else {
            Err(self.broken("the stream ended early"))
        }
    }

    fn broken(&self, why: &str) -> BackupError {
        BackupError::Misfit { table: self.rows.shape().name.clone(), why: format!("reading it: {why}") }
    }

    /// Returns how many bytes it has used.
    fn consume(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut at = 0;
        if self.state == State::Header {
            let Some(header) = bytes.get(..HEADER) else { return Ok(0) };
            let extension = u32::from_be_bytes([header[15], header[16], header[17], header[18]]) as usize;
            if !header.starts_with(SIGNATURE) || header[11..15] != [0; 4] || extension > CELL_BYTES {
                return Err(self.broken("the stream is no binary COPY"));
            }
            if bytes.len() < HEADER + extension {
                return Ok(0);
            }
            at = HEADER + extension;
            self.state = State::Rows;
        }
        while self.state == State::Rows {
            match self.row(&bytes[at..])? {
                Some(used) => at += used,
                None => break,
            }
        }
        Ok(at)
    }

    /// One row; returns how many bytes it took, `None` when they are not all there.
    fn row(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let Some(count) = bytes.first_chunk() else { return Ok(None) };
        let count = i16::from_be_bytes(*count);
        if count == -1 {
            self.state = State::Ended;
            return Ok(Some(2));
        }
        if usize::try_from(count) != Ok(self.rows.shape().columns.len()) {
            return Err(self.broken("a row has another number of fields"));
        }
        // First whether the row is whole, so that half a row is never appended.
        let mut end = 2;
        for index in 0..self.rows.shape().columns.len() {
            let Some(length) = bytes[end..].first_chunk() else { return Ok(None) };
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
            if length > CELL_BYTES {
                // Before it is gathered.
                self.row += 1;
                return Err(self.cell(index, "it is larger than an archive can hold (64 MiB)"));
            }
            end += 4 + length;
            if bytes.len() < end {
                return Ok(None);
            }
        }
        self.row += 1;
        let mut at = 2;
        for index in 0..self.rows.shape().columns.len() {
            let length = bytes[at..].first_chunk().map_or(-1, |length| i32::from_be_bytes(*length));
            at += 4;
            let stored = match usize::try_from(length) {
                Err(_) => self.rows.null(index),
                Ok(length) => {
                    let field = &bytes[at..at + length];
                    at += length;
                    let column = &self.rows.shape().columns[index];
                    if column.native.is_some_and(|native| !native.holds(field)) {
                        return Err(self.cell(index, "no number, date, time or list of an archive is this value"));
                    }
                    cell(column.stored, field).is_some_and(|cell| self.rows.cell(index, cell))
                }
            };
            if !stored {
                let is_time = self.rows.shape().columns[index].stored == Kind::Timestamp && length == 8;
                return Err(self.cell(
                    index,
                    if is_time { "an archive would take it for infinity" } else { "its form is not that of its type" },
                ));
            }
        }
        if self.rows.end_row() {
            self.full.push(self.rows.take());
        }
        Ok(Some(end))
    }

    fn cell(&self, column: usize, why: &str) -> BackupError {
        BackupError::Cell {
            table: self.rows.shape().name.clone(),
            column: self.rows.shape().columns[column].name.clone(),
            row: self.row,
            why: why.into(),
        }
    }
}

fn cell(kind: Kind, field: &[u8]) -> Option<Cell<'_>> {
    Some(match kind {
        Kind::Boolean => Cell::Boolean(*field.first()? != 0),
        Kind::Integer => Cell::Integer(match *field {
            [high, low] => i16::from_be_bytes([high, low]).into(),
            _ => i32::from_be_bytes(field.try_into().ok()?),
        }),
        Kind::Bigint => Cell::Bigint(i64::from_be_bytes(field.try_into().ok()?)),
        Kind::Timestamp => Cell::Bigint(timestamp::from_postgres(i64::from_be_bytes(field.try_into().ok()?))?),
        Kind::Uuid => Cell::Uuid(field.try_into().ok()?),
        Kind::Text | Kind::Bytes => Cell::Text(field),
    })
}

/// What begins a binary COPY stream.
pub(crate) fn header() -> Vec<u8> {
    [SIGNATURE, &[0; 8]].concat()
}

/// What ends it.
pub(crate) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Appends the rows of a block. `columns` picks and orders the block's columns and says what type each has in the
/// target; `first_row` counts from 1, for messages.
///
/// # Errors
/// [`BackupError::Cell`] for a cell that the target's type cannot hold.
pub(crate) fn encode(
    block: &Block,
    shape: &TableShape,
    columns: &[(usize, Kind)],
    first_row: u64,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut cursor = block.cursor();
    let mut row = first_row;
    let count = columns.len() as i16;
    while !cursor.done() {
        out.extend_from_slice(&count.to_be_bytes());
        for &(column, kind) in columns {
            let length_at = out.len();
            out.extend_from_slice(&[0; 4]);
            let cell = cursor.cell(column);
            if cell == Cell::Null {
                out[length_at..].copy_from_slice(&(-1_i32).to_be_bytes());
                continue;
            }
            write(kind, shape.columns[column].stored, cell, out).map_err(|why| BackupError::Cell {
                table: shape.name.clone(),
                column: shape.columns[column].name.clone(),
                row,
                why,
            })?;
            let length = (out.len() - length_at - 4) as i32;
            out[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
        }
        cursor.advance();
        row += 1;
    }
    Ok(())
}

/// Writes a cell in the binary form of the target's type; in words why it cannot.
fn write(target: Kind, stored: Kind, cell: Cell<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let differs = || format!("a {stored:?} does not fit a column of type {target:?}").to_lowercase();
    match (target, cell) {
        (Kind::Boolean, Cell::Boolean(value)) => out.push(u8::from(value)),
        (Kind::Boolean, Cell::Bigint(value @ (0 | 1))) => out.push(value as u8),
        (Kind::Integer, Cell::Integer(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (Kind::Integer, Cell::Bigint(value)) if stored == Kind::Bigint => {
            let value = i32::try_from(value).map_err(|_| format!("{value} is beyond 32 bits"))?;
            out.extend_from_slice(&value.to_be_bytes());
        }
        (Kind::Bigint, Cell::Bigint(value)) => out.extend_from_slice(&value.to_be_bytes()),
        (Kind::Bigint, Cell::Integer(value)) => out.extend_from_slice(&i64::from(value).to_be_bytes()),
        (Kind::Timestamp, Cell::Bigint(value)) if stored == Kind::Timestamp => {
            out.extend_from_slice(&timestamp::to_postgres(value).to_be_bytes());
        }
        (Kind::Timestamp, Cell::Text(text)) => {
            let text = String::from_utf8_lossy(text);
            let value = timestamp::parse_loosely(&text).ok_or_else(|| format!("{text:?} is no timestamp"))?;
            out.extend_from_slice(&timestamp::to_postgres(value).to_be_bytes());
        }
        (Kind::Uuid, Cell::Uuid(value)) => out.extend_from_slice(value),
        (Kind::Uuid, Cell::Text(text)) => {
            let text = String::from_utf8_lossy(text);
            let value = uuid::Uuid::parse_str(&text).map_err(|_| format!("{text:?} is no UUID"))?;
            out.extend_from_slice(value.as_bytes());
        }
        (Kind::Text, Cell::Text(text)) => match stored {
            Kind::Text if !text.contains(&0) => out.extend_from_slice(text),
            Kind::Text => return Err("PostgreSQL cannot hold the character NUL in a text".into()),
            _ => {
                let text = std::str::from_utf8(text).map_err(|_| "the text is not UTF-8")?;
                out.extend_from_slice(text.as_bytes());
            }
        },
        _ => return Err(differs()),
    }
    Ok(())
}
