//! The header of an input: which columns its names mean, which are passed through, which are unknown.

use super::rfc4180::{Row, trimmed};
use super::{ABOUT, Columns, RAW, Wrong};
use crate::directory::input::quoted;
use crate::message::flag;

/// How many unknown columns a refusal names.
const SHOWN: usize = 20;

/// The longest name, in bytes, that a refusal repeats in a flag.
const LONG: usize = 200;

/// Which names mean which columns, and which names meant none.
pub(super) struct Layout<'a> {
    pub columns: Columns,
    pub ignored: &'a [String],
    /// Names that are neither known nor ignored, each with the line where it was first seen.
    pub unknown: Vec<(String, u64)>,
}

impl Layout<'_> {
    /// The column of this name; `None` for one that is let through, or that is kept for [`Layout::refusal`].
    pub(crate) fn column(&mut self, name: &str, line: u64) -> Option<&'static str> {
        let is = |column: &str| column.eq_ignore_ascii_case(name);
        if self.ignored.iter().any(|column| is(trimmed(column))) {
            return None;
        }
        if let Some(column) = self.columns.known.iter().copied().chain([RAW]).find(|column| is(column)) {
            return Some(column);
        }
        let let_through = self.columns.ignored.iter().chain(&ABOUT).any(|column| is(column));
        if !let_through && !self.unknown.iter().any(|(known, _)| known == name) {
            self.unknown.push((name.to_owned(), line));
        }
        None
    }

    /// The refusal of a file with columns that mean nothing here.
    pub(crate) fn refusal(&self) -> Option<Wrong> {
        let (_, line) = self.unknown.first()?;
        let mut names: Vec<String> = self.unknown.iter().take(SHOWN).map(|(name, _)| quoted(name)).collect();
        if let Some(more) = self.unknown.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            names.push(format!("and {more} more"));
        }
        let columns = if self.unknown.len() == 1 { "column" } else { "columns" };
        let reason = format!("no {columns} {} here; columns are: {}", names.join(", "), self.columns.known.join(", "));
        let wrong = Wrong::new(*line, reason);
        // A line that can be pasted: neither a thousand flags, nor one with a whole file for its name.
        if self.unknown.len() > SHOWN || self.unknown.iter().any(|(name, _)| name.len() > LONG) {
            return Some(wrong.fixed_by("mend the names"));
        }
        let flags: Vec<String> =
            self.unknown.iter().map(|(name, _)| flag("--ignore-column", name).to_string()).collect();
        Some(wrong.fixed_by(format!("mend the names, or add {}", flags.join(" "))))
    }
}

/// What is above a cell.
pub(super) enum Heading {
    /// A column that means something.
    Known(&'static str),
    /// A column that is let through.
    Ignored,
    /// Nothing: the cells below must be empty, too.
    Nameless,
}

/// The columns of a header. Spreadsheets write empty ones at its end.
pub(super) fn named(header: &Row<'_>, layout: &mut Layout<'_>) -> Result<Vec<Heading>, Wrong> {
    let mut headings: Vec<Heading> = Vec::with_capacity(header.fields.len());
    for field in &header.fields {
        let name = trimmed(&field.text);
        if name.is_empty() {
            headings.push(Heading::Nameless);
            continue;
        }
        let column = layout.column(name, header.line);
        let twice =
            |heading: &Heading| matches!((heading, column), (Heading::Known(one), Some(other)) if *one == other);
        if headings.iter().any(twice) {
            return Err(Wrong::new(header.line, format!("the column {} is there twice", quoted(name))));
        }
        headings.push(column.map_or(Heading::Ignored, Heading::Known));
    }
    if !headings.iter().any(|heading| matches!(heading, Heading::Known(_)))
        && let Some(wrong) = layout.refusal()
    {
        return Err(wrong.accepts("the first line must be a header"));
    }
    while matches!(headings.last(), Some(Heading::Nameless)) {
        headings.pop();
    }
    Ok(headings)
}
