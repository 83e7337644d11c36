//! Many rows in one value: SQL that writes them one after the other as text, and the reader of that text.
//!
//! Numbers are `123;` and everything else `5:hello`, the length in bytes first, so that any byte may follow; an empty
//! length (`;`, `:`) is NULL.

use crate::backup::archive::TableEncoder;
use crate::backup::cells::{CELL_BYTES, Cell};
use crate::backup::error::{BackupError, Result};
use crate::backup::shape::{Kind, TableShape, quoted};
use crate::backup::timestamp;

/// The statement that packs up to `?2` rows behind row `?1`, or from it on for the first pack: the smallest number has
/// none before it. Answers the pack, its last row's number and its rows.
pub fn statement(shape: &TableShape, first: bool) -> String {
    let part = |column: &crate::backup::shape::ColumnShape| {
        let name = quoted(&column.name);
        match column.stored {
            Kind::Boolean | Kind::Integer | Kind::Bigint => format!("{name}, ';'"),
            _ if column.declared.eq_ignore_ascii_case("REAL") => {
                // Seventeen digits give a double back exactly.
                let text = format!("iif({name} IS NULL, NULL, printf('%!.17g', {name}))");
                format!("octet_length({text}), ':', {text}")
            }
            _ => format!("octet_length({name}), ':', {name}"),
        }
    };
    let parts: Vec<String> = shape.columns.iter().map(part).collect();
    format!(
        "SELECT CAST(group_concat(pack, '') AS BLOB) AS pack, max(place) AS place, count(*) AS rows \
         FROM (SELECT concat({}) AS pack, rowid AS place FROM {} WHERE rowid {} ?1 ORDER BY rowid LIMIT ?2)",
        parts.join(", "),
        quoted(&shape.name),
        if first { ">=" } else { ">" }
    )
}

/// Why a pack could not be read.
pub enum Trouble {
    /// The column holds a cell that its kind cannot; a wider kind can.
    Wider(usize),
    /// Anything else.
    Failed(BackupError),
}

impl From<BackupError> for Trouble {
    fn from(error: BackupError) -> Self {
        Self::Failed(error)
    }
}

/// Appends the rows of a pack; answers how many there were.
///
/// # Errors
/// [`Trouble`].
pub fn unpack(pack: &[u8], out: &mut TableEncoder) -> Result<u64, Trouble> {
    let mut input = pack;
    let mut rows = 0;
    let columns = out.rows.shape().columns.len();
    while !input.is_empty() {
        for index in 0..columns {
            let column = &out.rows.shape().columns[index];
            let stored = column.stored;
            let number = matches!(stored, Kind::Boolean | Kind::Integer | Kind::Bigint);
            let broken = || BackupError::Cell {
                table: out.rows.shape().name.clone(),
                column: column.name.clone(),
                row: rows + 1,
                why: "the file does not hold what its table's definition promises".into(),
            };
            let (head, rest) = split(input, if number { b';' } else { b':' }).ok_or_else(broken)?;
            let mut uuid = [0; 16];
            input = rest;
            let cell = if head.is_empty() {
                None
            } else if number {
                let value: i64 =
                    std::str::from_utf8(head).ok().and_then(|text| text.parse().ok()).ok_or_else(broken)?;
                Some(integer(stored, value).ok_or(Trouble::Wider(index))?)
            } else {
                let length: usize =
                    std::str::from_utf8(head).ok().and_then(|text| text.parse().ok()).ok_or_else(broken)?;
                if length > CELL_BYTES {
                    return Err(too_large(out, index, rows + 1).into());
                }
                let (bytes, rest) = input.split_at_checked(length).ok_or_else(broken)?;
                input = rest;
                Some(text(stored, bytes, &mut uuid).ok_or(Trouble::Wider(index))?)
            };
            let fits = match cell {
                None => out.rows.null(index),
                Some(cell) => out.rows.cell(index, cell),
            };
            if !fits {
                return Err(BackupError::Misfit {
                    table: out.rows.shape().name.clone(),
                    why: format!("column {:?} holds what it must not", out.rows.shape().columns[index].name),
                }
                .into());
            }
        }
        out.end_row()?;
        rows += 1;
    }
    Ok(rows)
}

fn too_large(out: &TableEncoder, column: usize, row: u64) -> BackupError {
    BackupError::Cell {
        table: out.rows.shape().name.clone(),
        column: out.rows.shape().columns[column].name.clone(),
        row,
        why: "it is larger than an archive can hold (64 MiB)".into(),
    }
}

fn split(input: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    // Numbers and lengths have at most twenty characters.
    let at = input.iter().take(21).position(|&byte| byte == mark)?;
    Some((&input[..at], &input[at + 1..]))
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
