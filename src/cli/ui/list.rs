//! Lists that stream: rows go out as they come, in every format, in constant memory.
//!
//! A table needs its columns' widths before its first line: it takes them from the first thousand rows, or megabyte.
//! In a pipe longer cells after those push their line out of column; a terminal cuts them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::marker::PhantomData;

use super::format::{Cell, Column, Format, IdOf, RenderOptions};
use super::table_stream::{TableOptions, TableStream};
use crate::cli::ui::report::Row;
use crate::csv_record::{Record, csv_record, is_formula};
use crate::entity::types::Id;

/// How many rows a table looks at for its widths.
const MEASURED: usize = 1000;

/// And how many bytes of text, so that long texts do not fill the memory.
const MEASURED_BYTES: usize = 1 << 20;

/// How many rows of a list that cannot be written are named.
pub(super) const KEPT: usize = 3;

/// How a list is shown.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(super) format: Format,
    pub(super) look: RenderOptions,
    pub(super) paper: TableOptions,
    /// The columns that are shown, in order.
    pub(super) columns: Vec<Column>,
    /// Whether columns were named, so that JSON shows just those.
    pub(super) chosen: bool,
    /// Whether cells that a spreadsheet would run are defused.
    pub(super) csv_safe: bool,
    /// Whether ids are shown as far as they name something.
    pub(super) short_ids: bool,
}

/// Takes rows and writes them. Dropped without [`List::finish`] it leaves the answer open.
pub(crate) struct List<'a, R> {
    out: &'a mut dyn Write,
    shape: Shape,
    state: State,
    count: u64,
    /// The first rows, for when they cannot be written.
    beginning: Vec<serde_json::Value>,
    /// One row in the making: written whole, and its memory used again for the next.
    line: Vec<u8>,
    /// The same for one cell.
    cell: String,
    /// How much of an id is shown.
    shown: HashMap<(IdOf, Id), usize>,
    row: PhantomData<R>,
}

enum State {
    Measuring { rows: Vec<Vec<Cell>>, bytes: usize },
    Streaming(TableStream),
}

impl<'a, R: Row> List<'a, R> {
    pub(super) fn new(out: &'a mut dyn Write, shape: Shape) -> Self {
        let state = State::Measuring { rows: Vec::new(), bytes: 0 };
        Self {
            out,
            shape,
            state,
            count: 0,
            beginning: Vec::new(),
            line: Vec::new(),
            cell: String::new(),
            shown: HashMap::new(),
            row: PhantomData,
        }
    }

    /// Writes one row.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn push(&mut self, row: &R) -> io::Result<()> {
        self.push_as(row)
    }

    /// Writes one row in another form than the list's own, which has the same columns.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn push_as(&mut self, row: &impl Row) -> io::Result<()> {
        let first = self.count == 0;
        self.count += 1;
        self.line.clear();
        if self.beginning.len() < KEPT {
            self.beginning.push(serde_json::to_value(row)?);
        }
        match self.shape.format {
            Format::Json => {
                self.line.extend_from_slice(if first { b"[\n" } else { b",\n" });
                self.json(row)?;
                self.out.write_all(&self.line)
            }
            Format::Ndjson => {
                self.json(row)?;
                self.line.push(b'\n');
                self.out.write_all(&self.line)
            }
            Format::Csv => {
                if first {
                    self.csv_header()?;
                }
                let mut record = Record::new(&mut self.line);
                for column in &self.shape.columns {
                    self.cell.clear();
                    row.write_cell(column.key, &self.shape.look, &mut self.cell);
                    if self.shape.csv_safe && is_formula(&self.cell) {
                        self.cell.insert(0, '\'');
                    }
                    record.field(&self.cell);
                }
                record.end();
                self.out.write_all(&self.line)
            }
            _ => self.table_row(row),
        }
    }

    /// The first rows.
    pub(super) fn beginning(&self) -> &[serde_json::Value] {
        &self.beginning
    }

    /// The ids in the shown columns of a row, where they are to be shortened.
    pub(crate) fn ids(&self, row: &R) -> Vec<(IdOf, Id)> {
        if !self.shape.short_ids {
            return Vec::new();
        }
        self.shape.columns.iter().filter_map(|column| row.cell(column.key, &self.shape.look).id).collect()
    }

    /// Shows so many characters of these ids from now on.
    pub(crate) fn shorten(&mut self, shown: HashMap<(IdOf, Id), usize>) {
        self.shown = shown;
    }

    /// How many rows were written.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Writes what is left, and what an empty list looks like. Returns how many rows there were, and the columns that the
    /// terminal was too narrow for.
    pub(super) fn finish(mut self) -> io::Result<(u64, Vec<&'static str>)> {
        let mut hidden = Vec::new();
        match self.shape.format {
            Format::Json if self.count == 0 => self.out.write_all(b"[]\n")?,
            Format::Json => self.out.write_all(b"\n]\n")?,
            Format::Csv if self.count == 0 => self.csv_header()?,
            Format::Ndjson | Format::Csv => {}
            // Nothing to be seen is said on stderr, if at all.
            format if self.count == 0 && format != Format::Md => {}
            _ => {
                self.measure()?;
                if let State::Streaming(grid) = &self.state {
                    hidden = grid.hidden().to_vec();
                    grid.foot(self.out)?;
                }
            }
        }
        self.out.flush()?;
        Ok((self.count, hidden))
    }

    fn json(&mut self, row: &impl Row) -> io::Result<()> {
        if !self.shape.chosen {
            return serde_json::to_writer(&mut self.line, row).map_err(io::Error::from);
        }
        let mut value = serde_json::to_value(row)?;
        let mut kept = serde_json::Map::new();
        if let Some(object) = value.as_object_mut() {
            for column in &self.shape.columns {
                kept.insert(column.key.to_owned(), object.remove(column.key).unwrap_or_default());
            }
        }
        serde_json::to_writer(&mut self.line, &kept).map_err(io::Error::from)
    }

    fn csv_header(&mut self) -> io::Result<()> {
        if !self.shape.paper.drawing.header {
            return Ok(());
        }
        let names: Vec<String> = self.shape.columns.iter().map(|column| column.key.to_owned()).collect();
        write_csv(self.out, names)
    }

    fn table_row(&mut self, row: &impl Row) -> io::Result<()> {
        let look = &self.shape.look;
        let mut cells: Vec<Cell> = self.shape.columns.iter().map(|column| row.cell(column.key, look)).collect();
        for cell in cells.iter_mut().filter(|cell| cell.id.is_some()) {
            if let Some(length) = cell.id.and_then(|id| self.shown.get(&id)) {
                cell.text.truncate(*length);
            }
        }
        match &mut self.state {
            State::Measuring { rows, bytes } => {
                *bytes += cells.iter().map(|cell| cell.text.len()).sum::<usize>();
                rows.push(cells);
                if rows.len() >= MEASURED || *bytes >= MEASURED_BYTES {
                    self.measure()?;
                }
                Ok(())
            }
            State::Streaming(grid) => grid.row(self.out, &cells),
        }
    }

    /// Takes the widths from the rows so far, if they are not known yet, and writes those.
    fn measure(&mut self) -> io::Result<()> {
        if let State::Measuring { rows, .. } = &mut self.state {
            let rows = std::mem::take(rows);
            let mut grid = TableStream::new(&self.shape.columns, &rows, self.shape.paper);
            grid.head(self.out)?;
            rows.iter().try_for_each(|row| grid.row(self.out, row))?;
            self.state = State::Streaming(grid);
        }
        Ok(())
    }
}

/// Writes one record, as [`csv_record`] makes it.
pub(super) fn write_csv(out: &mut dyn Write, fields: impl IntoIterator<Item = String>) -> io::Result<()> {
    let mut record = Vec::new();
    csv_record(&mut record, fields);
    out.write_all(&record)
}
