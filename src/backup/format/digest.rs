//! Whether two archives hold the same rows: a digest of each table that does not depend on the order of rows, of
//! columns, or on how cells are stored.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::archive::Archive;
use super::batch::Cell;
use super::manifest::TableEntry;
use super::table_schema::Kind;
use super::timestamp;
use crate::backup::error::{BackupError, Result};
use crate::backup::text_form;
use crate::schema::model;

/// The number of rows, and the sum of their hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    /// How many rows.
    pub rows: u64,
    sum: u128,
}

/// By column the types of a table that archives keep as text, in one engine's form or the other's.
pub(crate) type Types = HashMap<String, model::Kind>;

/// The digest of a table.
///
/// # Errors
/// [`BackupError::Damaged`].
pub(crate) fn of(
    archive: &Archive,
    table: &TableEntry,
    types: &Types,
    mut progress: impl FnMut(u64),
) -> Result<Digest> {
    let mut digest = Digest::default();
    let Some(mut reader) = archive.reader(&table.name)? else { return Ok(digest) };
    let mut order: Vec<usize> = (0..table.columns.len()).collect();
    order.sort_by_key(|&index| &table.columns[index].name);
    let mut text = Vec::new();
    while let Some(block) = reader.next_block().map_err(BackupError::member(table.file()))? {
        let mut cursor = block.cursor();
        let mut cells = Vec::with_capacity(order.len());
        while !cursor.done() {
            cells.clear();
            cells.extend((0..order.len()).map(|column| cursor.cell(column)));
            let mut hash = Sha256::new();
            for &index in &order {
                text.clear();
                let column = &table.columns[index];
                match write(column.stored, types.get(&column.name), cells[index], &mut text) {
                    true => {
                        hash.update((text.len() as u64).to_le_bytes());
                        hash.update(&text);
                    }
                    false => hash.update(u64::MAX.to_le_bytes()),
                }
            }
            let hash = hash.finalize();
            if let Some(half) = hash.first_chunk::<16>() {
                digest.sum = digest.sum.wrapping_add(u128::from_le_bytes(*half));
            }
            cursor.advance();
        }
        digest.rows += block.rows as u64;
        progress(block.rows as u64);
    }
    Ok(digest)
}

/// Appends a cell in its canonical text; `false` for NULL.
pub(in crate::backup) fn write(stored: Kind, textual: Option<&model::Kind>, cell: Cell<'_>, out: &mut Vec<u8>) -> bool {
    match cell {
        Cell::Null => return false,
        Cell::Boolean(value) => out.push(b'0' + u8::from(value)),
        Cell::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Cell::Bigint(value) if stored == Kind::Timestamp => timestamp::write_text(value, out),
        Cell::Bigint(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Cell::Uuid(value) => {
            let mut buffer = uuid::Uuid::encode_buffer();
            let text = uuid::Uuid::from_bytes(*value).hyphenated().encode_lower(&mut buffer);
            out.extend_from_slice(text.as_bytes());
        }
        Cell::Text(value) => match textual {
            Some(kind) => out.extend_from_slice(&text_form::canonical(kind, stored, value)),
            None => out.extend_from_slice(value),
        },
    }
    true
}
