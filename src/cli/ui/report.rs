//! Data first, looks second: what a command answers is a serialisable value that also knows how people want to see it.

use std::io;

use serde::Serialize;

use crate::cli::ui::{Cell, Column, Page, RenderOptions};

/// One thing that a command answers: `user show`, a plan, the outcome of a write.
///
/// JSON, ndjson and CSV come from its serialised form; tables and Markdown from [`Report::human`].
pub(crate) trait Report: Serialize {
    /// Shows it to a person.
    ///
    /// # Errors
    /// The stream's.
    fn human(&self, page: &mut Page<'_>) -> io::Result<()>;
}

/// A whole list that people see in a form of its own: a doctor's findings, the steps of a command. For programs, and
/// where columns are named, it is its rows.
pub(crate) trait Listing {
    /// Its rows.
    type Row: Row;

    /// All of them, in order.
    fn rows(&self) -> &[Self::Row];

    /// Shows it to a person.
    ///
    /// # Errors
    /// The stream's.
    fn human(&self, page: &mut Page<'_>) -> io::Result<()>;
}

/// One row of a list. JSON comes from its serialised form, whose keys the columns repeat.
pub(crate) trait Row: Serialize {
    /// What one row is, in the singular: an empty list on a terminal says that there are none. Empty where the command
    /// says so itself.
    const NOUN: &'static str = "";

    /// All columns, in order, where they are the same in every build.
    const COLUMNS: &'static [Column] = &[];

    /// All columns, in order.
    fn columns() -> Vec<Column> {
        Self::COLUMNS.to_vec()
    }

    /// The cell in the column of this key.
    fn cell(&self, column: &str, look: &RenderOptions) -> Cell;

    /// Appends the text of that cell for programs.
    fn write_cell(&self, column: &str, look: &RenderOptions, text: &mut String) {
        text.push_str(&self.cell(column, look).text);
    }

    /// All cells under their names, to show this row alone.
    fn fields(&self, look: &RenderOptions) -> Vec<(&'static str, Cell)> {
        Self::columns().iter().map(|column| (column.key, self.cell(column.key, look))).collect()
    }
}
