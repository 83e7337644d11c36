//! The printer: the only place that writes to the streams, asks, or shows progress.
//!
//! stdout gets the answer and nothing else; stderr gets all that is said about it.

pub(crate) mod report;

mod ask;
mod escape;
mod format;
mod list;
mod page;
mod progress;
pub(crate) mod prompt;
mod record;
mod table;
mod table_stream;
mod taken;
pub(crate) mod text;

use std::io::{self, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use chrono_tz::Tz;
use serde::Serialize;

pub(crate) use format::{Align, Cell, Column, Format, IdOf, RenderOptions, Tone};
pub(crate) use list::csv_record;
pub(crate) use list::{List, Shape};
pub(crate) use page::Page;
pub(crate) use progress::Progress;
pub(crate) use prompt::Prompt;
pub(crate) use taken::wait_until_taken;

use crate::cli::environment::{Terminal, World};
use crate::cli::ui::report::{Listing, Report, Row};
use crate::error::{Error, Kind, Result};
use crate::message::{DatabaseFlag, Message};

/// How this run prints and asks, from flags and settings.
#[derive(Clone, Debug)]
pub(crate) struct OutputOptions {
    /// Format of the answer.
    pub format: Format,
    /// `--columns`.
    pub columns: Option<Vec<String>>,
    /// `--wide`.
    pub wide: bool,
    /// Whether headers are shown.
    pub header: bool,
    /// `--csv-safe`.
    pub csv_safe: bool,
    /// `-q`.
    pub quiet: bool,
    /// 0, `-v` 1, `-vv` 2.
    pub verbosity: u8,
    /// Whether stdout and stderr get colour.
    pub color: (bool, bool),
    /// Zone of shown times.
    pub zone: Tz,
    /// The flag that names this run's database, where one was given.
    pub database: Option<DatabaseFlag>,
    /// Whether a person may be asked.
    pub interactive: bool,
}

/// How many characters of a statement are shown under `-vv`: whole the everyday ones, not the catalogue's.
const TRACED: usize = 1000;

/// Told of every statement: its SQL, the time it took, whether it failed.
pub(crate) type Tracer = Arc<dyn Fn(&str, Duration, bool) + Send + Sync>;

type Stream = Arc<Mutex<Box<dyn Write + Send>>>;

/// The printer.
pub(crate) struct Ui {
    out: Mutex<BufWriter<Box<dyn Write + Send>>>,
    taken: fn() -> io::Result<()>,
    err: Stream,
    input: Arc<Mutex<Box<dyn Read + Send>>>,
    prompt: Arc<Mutex<Box<dyn Prompt>>>,
    terminal: Terminal,
    manner: OutputOptions,
    lost: Mutex<Option<Lost>>,
}

/// An answer that could not be written.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    /// The first things of it.
    pub things: Vec<serde_json::Value>,
    /// How many things it had, as far as it got.
    pub count: u64,
}

impl Ui {
    /// Takes over the world's streams.
    pub(crate) fn new(world: World, manner: OutputOptions) -> Self {
        Self {
            out: Mutex::new(BufWriter::with_capacity(1 << 16, world.stdout)),
            taken: world.taken,
            err: Arc::new(Mutex::new(world.stderr)),
            input: Arc::new(Mutex::new(world.stdin)),
            prompt: Arc::new(Mutex::new(world.prompt)),
            terminal: world.terminal,
            manner,
            lost: Mutex::new(None),
        }
    }

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

    /// Format of the answer.
    pub(crate) fn format(&self) -> Format {
        self.manner.format
    }

    /// Whether a person may be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        self.manner.interactive
    }

    /// Whether tables show of an id as much as names it.
    pub(crate) fn shortens_ids(&self) -> bool {
        self.terminal.stdout && self.manner.format == Format::Table && !self.manner.wide
    }

    /// Whether stdout is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal.stdout
    }

    /// Whether only errors are told, under `-q`.
    pub(crate) fn is_quiet(&self) -> bool {
        self.manner.quiet
    }

    /// 0, `-v` 1, `-vv` 2.
    pub(crate) fn verbosity(&self) -> u8 {
        self.manner.verbosity
    }

    /// The zone that naive times are read and tables are shown in.
    pub(crate) fn zone(&self) -> Tz {
        self.manner.zone
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

    /// Opens a list and hands it to `fill`, which pushes the rows. Answers the number of rows.
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
        // One answer at a time is written; nobody else wants the stream while this one is.
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
            self.note(format!("No {}.", text::plural(R::NOUN)));
        }
        match &hidden[..] {
            [] => {}
            [one] => self.cut_short(&format!("1 column hidden ({one}): --wide shows it")),
            more => self.cut_short(&format!("{} columns hidden ({}): --wide shows them", more.len(), more.join(", "))),
        }
        Ok((count, value))
    }

    /// Says on stderr that a terminal does not show all there is; under `-q` too, which nobody says to miss some of it.
    pub(crate) fn cut_short(&self, text: &str) {
        self.say(text);
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

    /// Waits until whoever reads stdout has taken everything that was written to it.
    ///
    /// # Errors
    /// `closed_pipe` when the reader went away before.
    pub(crate) async fn until_taken(&self) -> Result<()> {
        // On a thread of its own: a slow reader must not keep an interrupt from being seen.
        let waited = tokio::task::spawn_blocking(self.taken).await;
        Ok(waited.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))?)
    }

    /// A note on stderr: what was done, what comes next. Not under `-q`.
    pub(crate) fn note(&self, message: impl Into<Message>) {
        if !self.manner.quiet {
            self.say(&self.line(message));
        }
    }

    /// A warning on stderr. Not under `-q`.
    pub(crate) fn warn(&self, message: impl Into<Message>) {
        if !self.manner.quiet {
            let head = self.painted("warning:", AnsiColor::Yellow.on_default().bold());
            self.say(&format!("{head} {}", self.line(message)));
        }
    }

    /// A step on stderr, under `-v`.
    pub(crate) fn step(&self, message: impl Into<Message>) {
        if self.manner.verbosity > 0 && !self.manner.quiet {
            self.say(&self.line(message));
        }
    }

    /// The failure, on stderr: as JSON where the answer would be JSON.
    pub(crate) fn error(&self, error: Error) {
        let error = error.addressed(self.manner.database.as_ref());
        if !self.manner.format.is_json() {
            return self.say(&self.worded(&error));
        }
        let mut text = Vec::new();
        // To memory, which takes it.
        let _ = escape::Tame::new(&mut text, self.terminal.stderr, Format::Json).write_all(error.to_json().as_bytes());
        self.say(&String::from_utf8_lossy(&text));
    }

    /// A message whose commands name this run's database, for answers that programs read.
    pub(crate) fn here(&self, message: impl Into<Message>) -> Message {
        message.into().addressed(self.manner.database.as_ref())
    }

    /// A message on one line.
    fn line(&self, message: impl Into<Message>) -> String {
        text::visible(&self.here(message).shown(self.manner.zone)).into_owned()
    }

    /// A complaint in another's words, clap's, as it is.
    pub(crate) fn complain(&self, text: &str) {
        self.say(text);
    }

    /// A tracer that shows each statement with its time on stderr under `-vv`. Values are never shown.
    pub(crate) fn tracer(&self) -> Option<Tracer> {
        if self.manner.verbosity < 2 || self.manner.quiet {
            return None;
        }
        let err = Arc::clone(&self.err);
        Some(Arc::new(move |sql, elapsed, failed| {
            let words: Vec<&str> = sql.split_whitespace().collect();
            let words = words.join(" ");
            let words = text::shortened(&words, TRACED);
            let end = if failed { "  failed" } else { "" };
            let mut err = lock(&err);
            let _ = writeln!(err, "sql {:>8.2} ms  {words}{end}", elapsed.as_secs_f64() * 1e3);
        }))
    }

    /// A progress bar over `length` steps of `unit`, shown only where stderr is a terminal.
    pub(crate) fn progress(&self, length: Option<u64>, message: &str) -> Progress {
        Progress::new(self.terminal.stderr && !self.manner.quiet, length, message)
    }

    /// Copies all of standard input into a file, for data that memory need not hold.
    ///
    /// # Errors
    /// A thread that broke down; within, the stream's and the file's.
    pub(crate) async fn copy_input(&self, mut file: std::fs::File) -> Result<io::Result<std::fs::File>> {
        let input = Arc::clone(&self.input);
        // On a thread of its own, so that a signal is seen while nothing comes.
        let copied = tokio::task::spawn_blocking(move || io::copy(&mut *lock(&input), &mut file).map(|_| file));
        copied
            .await
            .map_err(|panic| Error::new(Kind::Failure, "input", "standard input could not be read").source(panic))
    }

    /// All of standard input, for commands that read data from `-`; at most `most` bytes.
    ///
    /// # Errors
    /// The stream's; more than `most` bytes.
    pub(crate) async fn read_input(&self, most: u64) -> Result<Vec<u8>> {
        let input = Arc::clone(&self.input);
        // On a thread of its own, so that a signal is seen while nothing comes.
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            lock(&input).by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes).map(|_| bytes)
        });
        let bytes = read
            .await
            .map_err(|panic| Error::new(Kind::Failure, "input", "standard input could not be read").source(panic))??;
        if bytes.len() as u64 > most {
            return Err(Error::new(Kind::Usage, "too_long", format!("standard input is longer than {most} bytes")));
        }
        Ok(bytes)
    }

    fn say(&self, text: &str) {
        // Nobody is left to tell when stderr is closed.
        let mut err = lock(&self.err);
        let _ = writeln!(err, "{}", text.trim_end());
        let _ = err.flush();
    }

    fn worded(&self, error: &Error) -> String {
        let red = AnsiColor::Red.on_default().bold();
        let dim = Style::new().dimmed();
        let mut text = format!("{} {}", self.painted("error:", red), self.line(error.what()));
        let mut lines = |label: &str, lines: &[Message]| {
            let lines = lines.iter().map(|line| line.shown(self.manner.zone)).collect::<Vec<_>>().join("\n");
            for (index, line) in lines.lines().enumerate() {
                let label = if index == 0 { label } else { "   " };
                text.push_str(&format!("\n  {}  {line}", self.painted(label, dim)));
            }
        };
        lines("why", error.reasons());
        lines("fix", error.fixes());
        if self.manner.verbosity > 0
            && let Some(cause) = error.cause()
        {
            lines("raw", &[cause.into()]);
        }
        text
    }

    fn painted(&self, text: &str, style: Style) -> String {
        if self.manner.color.1 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn look(&self, human: bool) -> RenderOptions {
        RenderOptions { zone: self.manner.zone, human }
    }

    fn paper(&self, format: Format) -> table_stream::Paper {
        let drawing = table::Drawing {
            width: if self.terminal.stdout { self.terminal.width } else { None },
            color: self.manner.color.0,
            header: self.manner.header,
        };
        let all = self.manner.wide || self.manner.columns.is_some();
        table_stream::Paper { drawing, markdown: format == Format::Md, all }
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

/// A poisoned lock means that a panic is under way; what it guards here is still whole.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
