//! The text format of COPY, for tables with columns of types that archives keep as text: PostgreSQL itself turns those into
//! their type. (PostgreSQL manual, "COPY", section "Text Format".)

use crate::backup::column_mapping::Target;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::batch::{Block, Cell};
use crate::backup::format::table_schema::{Kind, TableShape};
use crate::backup::format::timestamp;
use crate::backup::text_form;
use crate::schema::model;

/// A column to be written.
#[derive(Clone, Debug)]
pub(super) struct TextColumn {
    index: usize,
    kind: Option<model::Kind>,
}

impl From<&Target> for TextColumn {
    fn from(target: &Target) -> Self {
        Self { index: target.index, kind: target.textual.clone() }
    }
}

/// Appends the rows of a block; `first_row` counts from 1, for messages.
///
/// # Errors
/// [`BackupError::Cell`] for a cell that no column of PostgreSQL holds.
pub(super) fn encode(
    block: &Block,
    shape: &TableShape,
    columns: &[TextColumn],
    first_row: u64,
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut cursor = block.cursor();
    let mut row = first_row;
    while !cursor.done() {
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                out.push(b'\t');
            }
            let stored = shape.columns[column.index].stored;
            write(column.kind.as_ref(), stored, cursor.cell(column.index), out).map_err(|why| BackupError::Cell {
                table: shape.name.clone(),
                column: shape.columns[column.index].name.clone(),
                row,
                why,
            })?;
        }
        out.push(b'\n');
        cursor.advance();
        row += 1;
    }
    Ok(())
}

fn write(kind: Option<&model::Kind>, stored: Kind, cell: Cell<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    match cell {
        Cell::Null => out.extend_from_slice(b"\\N"),
        Cell::Boolean(value) => out.push(if value { b't' } else { b'f' }),
        Cell::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Cell::Bigint(value) if stored == Kind::Timestamp => timestamp::write_text(value, out),
        Cell::Bigint(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Cell::Uuid(value) => {
            out.extend_from_slice(uuid::Uuid::from_bytes(*value).hyphenated().to_string().as_bytes());
        }
        Cell::Text(text) => {
            let text = text_form::for_postgres(kind.unwrap_or(&model::Kind::Text), stored, text)?;
            for byte in text.bytes() {
                match byte {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b'\t' => out.extend_from_slice(b"\\t"),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    other => out.push(other),
                }
            }
        }
    }
    Ok(())
}
