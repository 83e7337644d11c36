//! The page that a [`crate::cli::ui::report::Report`] draws itself on, for a person or for Discord.

use std::io::{self, Write};

use super::format::{Align, Cell, Column, RenderOptions, Tone};
use super::table::{self, Drawing};
use super::table_stream::{TableOptions, TableStream};
use super::text::{pad, visible, width};
use crate::message::{DatabaseFlag, Message, message};

/// Somewhere to draw: plain lines, fields, tables.
pub(crate) struct Page<'a> {
    out: &'a mut dyn Write,
    /// How values are put into words here.
    pub look: RenderOptions,
    drawing: Drawing,
    markdown: bool,
    /// Whether tables show all columns, however narrow the terminal is.
    all: bool,
    /// The flag that names this run's database, for commands in messages.
    database: Option<&'a DatabaseFlag>,
}

impl<'a> Page<'a> {
    pub(super) fn new(
        out: &'a mut dyn Write,
        look: RenderOptions,
        paper: TableOptions,
        database: Option<&'a DatabaseFlag>,
    ) -> Self {
        Self { out, look, drawing: paper.drawing, markdown: paper.markdown, all: paper.all, database }
    }

    /// A heading over what follows.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn heading(&mut self, text: &str) -> io::Result<()> {
        if self.markdown {
            writeln!(self.out, "### {}", table::escaped(text))
        } else {
            let line = self.toned(&Cell::new(text).tone(Tone::Strong));
            writeln!(self.out, "{line}")
        }
    }

    /// An empty line.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A line of text.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn line(&mut self, cell: impl Into<Cell>) -> io::Result<()> {
        let cell = cell.into();
        let line = if self.markdown { table::escaped(&cell.text) } else { self.toned(&cell) };
        writeln!(self.out, "{line}")
    }

    /// The text of a message here: its commands name this run's database, its instants are in the reader's zone.
    pub(crate) fn shown(&self, message: impl Into<Message>) -> String {
        message.into().addressed(self.database).shown(self.look.zone)
    }

    /// A line that is a message.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn message(&mut self, message: impl Into<Message>, tone: Tone) -> io::Result<()> {
        let text = self.shown(message);
        self.line(Cell::new(text).tone(tone))
    }

    /// Several cells on one line, without columns, a space between.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn words(&mut self, cells: &[Cell]) -> io::Result<()> {
        let words: Vec<String> = cells
            .iter()
            .map(|cell| if self.markdown { table::escaped(&cell.text) } else { self.toned(cell) })
            .collect();
        writeln!(self.out, "{}", words.join(" "))
    }

    /// A block of code or SQL as it is.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn code(&mut self, language: &str, text: &str) -> io::Result<()> {
        if self.markdown {
            writeln!(self.out, "```{language}\n{}\n```", text.trim_end())
        } else {
            writeln!(self.out, "{}", text.trim_end())
        }
    }

    /// Names with their values, in two columns. Empty values are shown as `—`.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn fields(&mut self, fields: &[(&str, Cell)]) -> io::Result<()> {
        let widest = fields.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        for (name, cell) in fields {
            if self.markdown {
                writeln!(self.out, "- **{}**: {}", table::escaped(name), table::escaped(&cell.text))?;
                continue;
            }
            let value =
                if cell.text.is_empty() { self.toned(&Cell::new("—").tone(Tone::Dim)) } else { self.toned(cell) };
            let name = self.toned(&Cell::new(pad(name, widest)).tone(Tone::Dim));
            writeln!(self.out, "{name}  {value}")?;
        }
        Ok(())
    }

    /// Whether [`Page::table`] would show all of these rows, and cut nothing to the width of a terminal.
    pub(crate) fn has_room_for(&self, rows: &[Vec<Cell>]) -> bool {
        let Some(room) = self.drawing.width.filter(|_| !self.markdown) else { return true };
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&visible(&cell.text))).max();
        let needed: usize = (0..columns).filter_map(widest).map(|one| one + 2).sum();
        needed <= usize::from(room) + 2
    }

    /// A table of its own.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) fn table(&mut self, headings: &[(&'static str, Align)], rows: &[Vec<Cell>]) -> io::Result<()> {
        if self.drawing.width.is_some() && !self.markdown {
            let drawing = if self.all { Drawing { width: None, ..self.drawing } } else { self.drawing };
            let hidden = table::draw(self.out, headings, rows, drawing)?;
            return hidden_columns(&hidden).map_or(Ok(()), |message| self.message(message, Tone::Dim));
        }
        let columns = headings.iter().map(|(key, align)| Column { align: *align, ..Column::text(key) });
        let paper = TableOptions { drawing: self.drawing, markdown: self.markdown, all: true };
        let mut grid = TableStream::new(&columns.collect::<Vec<_>>(), rows, paper);
        grid.head(self.out)?;
        rows.iter().try_for_each(|row| grid.row(self.out, row))?;
        grid.foot(self.out)
    }

    fn toned(&self, cell: &Cell) -> String {
        let text = visible(&cell.text);
        if self.drawing.color && cell.tone != Tone::Plain {
            let style = cell.tone.style();
            format!("{style}{text}{style:#}")
        } else {
            text.into_owned()
        }
    }
}

/// What is said of columns that a terminal has no room for; `None` where there are none.
pub(super) fn hidden_columns(hidden: &[&str]) -> Option<Message> {
    match hidden {
        [] => None,
        [one] => Some(message!("1 column hidden ({}): --wide shows it", *one)),
        more => Some(message!("{} columns hidden ({}): --wide shows them", more.len(), more.join(", "))),
    }
}
