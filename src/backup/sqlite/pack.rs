//! Many rows in one value: SQL that writes them one after the other as text, and the reader of that text.
//!
//! Numbers are `123;`, where an empty one is NULL. Everything else comes in one of two forms ([`Form`]): mostly with a mark
//! behind it, which costs SQLite least; where a cell holds the mark itself, with its length in bytes before it.

use crate::backup::archive::TableEncoder;
use crate::backup::cells::{CELL_BYTES, Cell};
use crate::backup::error::{BackupError, Result};
use crate::backup::shape::{Kind, TableShape, quoted};
use crate::backup::timestamp;

/// Stands behind a cell: U+001F, the unit separator.
const MARK: u8 = 0x1f;
/// What stands before a cell in [`Form::Marked`], where the column may be NULL.
const NULL: u8 = b'-';
const VALUE: u8 = b'+';

/// How cells that are no numbers are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `hello` and [`MARK`]. Where the column may be NULL, `+` before it, and `-` alone for NULL. Holds only as long as no
    /// cell has the mark in it ([`is_clear`]).
    Marked,
    /// `5:hello`, so that any byte may follow; without a length it is NULL.
    Measured,
}

fn is_number(stored: Kind) -> bool {
    matches!(stored, Kind::Boolean | Kind::Integer | Kind::Bigint)
}

/// The statement that packs up to `?2` rows behind row `?1`, or from it on for the first pack: the smallest number has
/// none before it. Answers the pack, its last row's number and its rows.
pub fn statement(shape: &TableShape, form: Form, first: bool) -> String {
    let part = |column: &crate::backup::shape::ColumnShape| {
        let name = quoted(&column.name);
        if is_number(column.stored) {
            return format!("{name}, ';'");
        }
        let text = match column.declared.eq_ignore_ascii_case("REAL") {
            // Seventeen digits give a double back exactly.
            true => format!("iif({name} IS NULL, NULL, printf('%!.17g', {name}))"),
            false => name.clone(),
        };
        let mark = char::from(MARK);
        match form {
            Form::Measured => format!("octet_length({text}), ':', {text}"),
            Form::Marked if column.nullable => format!("iif({name} IS NULL, '-', '+'), {text}, '{mark}'"),
            Form::Marked => format!("{text}, '{mark}'"),
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

/// Whether no cell of a marked pack has the mark in it: then there are as many as were written.
pub fn is_clear(pack: &[u8], rows: u64, shape: &TableShape) -> bool {
    let marked = shape.columns.iter().filter(|column| !is_number(column.stored)).count();
    pack.iter().filter(|&&byte| byte == MARK).count() as u64 == rows * marked as u64
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
pub fn unpack(pack: &[u8], form: Form, out: &mut TableEncoder) -> Result<u64, Trouble> {
    let mut input = pack;
    let mut rows = 0;
    let columns = out.rows.shape().columns.len();
    while !input.is_empty() {
        for index in 0..columns {
            let column = &out.rows.shape().columns[index];
            let stored = column.stored;
            let broken = || BackupError::Cell {
                table: out.rows.shape().name.clone(),
                column: column.name.clone(),
                row: rows + 1,
                why: "the file does not hold what its table's definition promises".into(),
            };
            let mut uuid = [0; 16];
            let cell = if is_number(stored) {
                match number(&mut input).ok_or_else(broken)? {
                    None => None,
                    Some(value) => Some(integer(stored, value).ok_or(Trouble::Wider(index))?),
                }
            } else {
                let found = match form {
                    Form::Marked => marked(&mut input, column.nullable),
                    Form::Measured => measured(&mut input),
                };
                match found.ok_or_else(broken)? {
                    None => None,
                    Some(bytes) if bytes.len() > CELL_BYTES => return Err(too_large(out, index, rows + 1).into()),
                    Some(bytes) => Some(text(stored, bytes, &mut uuid).ok_or(Trouble::Wider(index))?),
                }
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

/// A number with `end` behind it, where there is one.
fn head(input: &mut &[u8], end: u8) -> Option<Option<i64>> {
    // None has more than twenty characters.
    let at = input.iter().take(21).position(|&byte| byte == end)?;
    let (head, rest) = (&input[..at], &input[at + 1..]);
    *input = rest;
    if head.is_empty() {
        return Some(None);
    }
    std::str::from_utf8(head).ok()?.parse().ok().map(Some)
}

fn number(input: &mut &[u8]) -> Option<Option<i64>> {
    head(input, b';')
}

fn measured<'a>(input: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Some(length) = head(input, b':')? else { return Some(None) };
    let (bytes, rest) = input.split_at_checked(usize::try_from(length).ok()?)?;
    *input = rest;
    Some(Some(bytes))
}

fn marked<'a>(input: &mut &'a [u8], nullable: bool) -> Option<Option<&'a [u8]>> {
    let at = input.iter().position(|&byte| byte == MARK)?;
    let (bytes, rest) = (&input[..at], &input[at + 1..]);
    *input = rest;
    match bytes.split_first() {
        _ if !nullable => Some(Some(bytes)),
        Some((&NULL, [])) => Some(None),
        Some((&VALUE, bytes)) => Some(Some(bytes)),
        _ => None,
    }
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
