//! Output on stdout: one record, a list, a document, bytes.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::page::hidden_columns;
use super::report::{Listing, Report, Row};
use super::{Column, Format, List, Lost, Page, RenderOptions, Shape, Ui};
use super::{escape, list, lock, record, table, table_stream, text};
use crate::error::{Error, Result};
use crate::message::{Message, message};

impl Ui {
    /// The answer that could not be written, if there is one.
    pub(crate) fn lost(&self) -> Option<Lost> {
        lock(&self.lost).clone()
    }

    /// Keeps what was to be written where that failed.
    fn kept<T>(&self, written: Result<T>, lost: impl FnOnce() -> Lost) -> Result<T> {
        if written.as_ref().is_err_and(|error| error.code() == "io") {
            *lock(&self.lost) = Some(lost());
        }
        written
    }

    /// Answers with one thing.
    ///
    /// # Errors
    /// stdout's.
    pub(crate) fn report<R: Report>(&self, report: &R) -> Result<()> {
        self.kept(self.write_report(report), || Lost {
            things: serde_json::to_value(report).into_iter().collect(),
            count: 1,
        })
    }

    /// Answers with the outcome of a check, which `-q` shows only where something is wrong.
    ///
    /// # Errors
    /// stdout's.
    pub(crate) fn check<R: Report>(&self, report: &R, fine: bool) -> Result<()> {
        if self.manner.quiet && fine && self.manner.format.is_for_people() {
            return Ok(());
        }
        self.report(report)
    }

    fn write_report<R: Report>(&self, report: &R) -> Result<()> {
        let mut out = lock(&self.out);
        let mut out = escape::Tame::new(&mut *out, self.terminal.stdout, self.manner.format);
        let value = || -> Result<serde_json::Value> {
            let value = serde_json::to_value(report).map_err(io::Error::from)?;
            record::chosen(value, self.manner.columns.as_deref())
        };
        match self.manner.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, &value()?).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Format::Ndjson => {
                serde_json::to_writer(&mut out, &value()?).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Format::Csv => record::record(&mut out, &value()?, self.manner.header, self.manner.csv_safe)?,
            format => {
                let mut page = Page::new(&mut out, self.look(true), self.paper(format), self.manner.database.as_ref());
                if self.manner.columns.is_none() {
                    report.human(&mut page)?;
                } else {
                    record::fields(&mut page, &value()?)?;
                }
            }
        }
        out.flush()?;
        Ok(())
    }

    /// Answers with a whole list: to people as it draws itself, else row by row.
    ///
    /// # Errors
    /// An unknown column of `--columns`, and stdout's.
    pub(crate) async fn listing<L: Listing>(&self, listing: &L) -> Result<()> {
        if self.manner.columns.is_none() && matches!(self.manner.format, Format::Table | Format::Md) {
            return self.kept(self.draw(listing), || Lost {
                things: listing.rows().iter().take(list::KEPT).flat_map(serde_json::to_value).collect(),
                count: listing.rows().len() as u64,
            });
        }
        let rows = async |list: &mut List<'_, L::Row>| Ok(listing.rows().iter().try_for_each(|row| list.push(row))?);
        self.list(rows).await.map(drop)
    }

    fn draw<L: Listing>(&self, listing: &L) -> Result<()> {
        let mut out = lock(&self.out);
        let mut out = escape::Tame::new(&mut *out, self.terminal.stdout, self.manner.format);
        let paper = self.paper(self.manner.format);
        listing.human(&mut Page::new(&mut out, self.look(true), paper, self.manner.database.as_ref()))?;
        out.flush()?;
        Ok(())
    }

    /// Opens a list and passes it to `fill`, which pushes the rows. Returns the number of rows.
    ///
    /// # Errors
    /// An unknown column of `--columns`, stdout's, and what `fill` fails with.
    pub(crate) async fn list<R: Row, T>(
        &self,
        fill: impl AsyncFnOnce(&mut List<'_, R>) -> Result<T>,
    ) -> Result<(u64, T)> {
        self.list_in(self.manner.format, fill).await
    }

    async fn list_in<R: Row, T>(
        &self,
        format: Format,
        fill: impl AsyncFnOnce(&mut List<'_, R>) -> Result<T>,
    ) -> Result<(u64, T)> {
        let shape = self.shape::<R>(format)?;
        // One answer at a time is written; nothing else wants the stream meanwhile.
        let mut out = std::mem::replace(&mut *lock(&self.out), BufWriter::with_capacity(0, Box::new(io::sink())));
        let mut tame = escape::Tame::new(&mut out, self.terminal.stdout, format);
        let mut list = List::new(&mut tame, shape);
        let filled = fill(&mut list).await;
        let lost = Lost { things: list.beginning().to_vec(), count: list.count() };
        let done = match filled {
            Ok(value) => list.finish().map(|seen| (seen, value)).map_err(Error::from),
            Err(error) => Err(error),
        };
        *lock(&self.out) = out;
        let ((count, hidden), value) = self.kept(done, || lost)?;
        if count == 0 && self.terminal.stdout && !R::NOUN.is_empty() {
            self.note(message!("No {}.", text::plural(R::NOUN)));
        }
        if let Some(message) = hidden_columns(&hidden) {
            self.cut_short(message);
        }
        Ok((count, value))
    }

    /// As [`Ui::list`], for what is kept in a file: CSV where no other format than a table was asked for.
    ///
    /// # Errors
    /// As for [`Ui::list`].
    pub(crate) async fn export<R: Row, T>(
        &self,
        fill: impl AsyncFnOnce(&mut List<'_, R>) -> Result<T>,
    ) -> Result<(u64, T)> {
        let format = if self.manner.format == Format::Table { Format::Csv } else { self.manner.format };
        self.list_in(format, fill).await
    }

    /// Answers with JSON whatever the format: on one line, or indented.
    ///
    /// # Errors
    /// stdout's.
    pub(crate) fn json(&self, value: &impl Serialize, line: bool) -> Result<()> {
        let mut out = lock(&self.out);
        let mut out = escape::Tame::new(&mut *out, self.terminal.stdout, Format::Json);
        let written =
            if line { serde_json::to_writer(&mut out, value) } else { serde_json::to_writer_pretty(&mut out, value) };
        written.map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        out.flush()?;
        Ok(())
    }

    /// Answers with a text as it is: SQL, a diagram, a completion script, a token.
    ///
    /// # Errors
    /// stdout's.
    pub(crate) fn raw(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let mut out = lock(&self.out);
        out.write_all(bytes.as_ref())?;
        out.flush()?;
        Ok(())
    }

    /// Clears the terminal for the next round of an answer that is shown again and again, under a line about it.
    ///
    /// # Errors
    /// stdout's.
    pub(crate) fn redraw(&self, about: impl Into<Message>) -> Result<()> {
        let about = self.line(about);
        self.raw(format!("\x1b[H\x1b[2J\x1b[3J{about}\n\n"))
    }

    /// Lets `fill` write bytes of any number to stdout.
    ///
    /// # Errors
    /// The stream's, when what is left is written out.
    pub(crate) fn pour<T>(&self, fill: impl FnOnce(&mut dyn Write) -> T) -> Result<T> {
        let mut out = lock(&self.out);
        let answer = fill(&mut *out);
        out.flush()?;
        Ok(answer)
    }

    /// Waits until the reader of stdout has taken everything that was written to it.
    ///
    /// # Errors
    /// `closed_pipe` when the reader went away before.
    pub(crate) async fn until_taken(&self) -> Result<()> {
        // On a thread of its own: a slow reader must not keep an interrupt from being seen.
        let waited = tokio::task::spawn_blocking(self.taken).await;
        Ok(waited.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))?)
    }

    pub(super) fn look(&self, human: bool) -> RenderOptions {
        RenderOptions { zone: self.manner.zone, human }
    }

    fn paper(&self, format: Format) -> table_stream::TableOptions {
        let drawing = table::Drawing {
            width: if self.terminal.stdout { self.terminal.width } else { None },
            color: self.manner.color.0,
            header: self.manner.header,
        };
        let all = self.manner.wide || self.manner.columns.is_some();
        table_stream::TableOptions { drawing, markdown: format == Format::Md, all }
    }

    fn shape<R: Row>(&self, format: Format) -> Result<Shape> {
        let mut columns = R::columns();
        match &self.manner.columns {
            Some(names) => columns = names.iter().map(|name| named(&columns, name)).collect::<Result<_>>()?,
            None => {
                let all = self.manner.wide || !matches!(format, Format::Table | Format::Md);
                columns.retain(|column| all || !column.wide);
            }
        }
        Ok(Shape {
            format,
            look: self.look(format != Format::Csv),
            paper: self.paper(format),
            columns,
            chosen: self.manner.columns.is_some(),
            csv_safe: self.manner.csv_safe,
            short_ids: self.shortens_ids() && format == Format::Table,
        })
    }
}

fn named(columns: &[Column], name: &str) -> Result<Column> {
    columns.iter().find(|column| column.key.eq_ignore_ascii_case(name)).copied().ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|column| column.key).collect();
        Error::unknown_column("--columns", name, &known)
    })
}
