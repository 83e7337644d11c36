//! The printer: the only place that writes to the streams, asks, or shows progress.
//!
//! stdout gets the answer and nothing else; stderr gets all that is said about it.

pub(crate) mod report;

mod answer;
mod aside;
mod ask;
mod escape;
mod format;
mod input;
mod list;
mod page;
mod pager;
mod progress;
pub(crate) mod prompt;
mod record;
mod table;
mod table_stream;
pub(crate) mod text;

use std::io::{self, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono_tz::Tz;

pub(crate) use format::{Align, Cell, Column, Format, IdOf, RenderOptions, Tone};
pub(crate) use list::{List, Shape};
pub(crate) use page::Page;
pub(crate) use progress::Progress;
pub(crate) use prompt::Prompt;

use crate::cli::environment::{Terminal, World};
use crate::message::DatabaseFlag;

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
    /// Whether long answers go through a pager.
    pub pager: bool,
}

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
        let pager = pager::of(&world, manner.pager && manner.format.is_for_people());
        let err: Stream = Arc::new(Mutex::new(world.stderr));
        let out = match pager {
            Some(pager) => Box::new(pager::Paged::new(world.stdout, Arc::clone(&err), pager)),
            None => world.stdout,
        };
        Self {
            out: Mutex::new(BufWriter::with_capacity(1 << 16, out)),
            taken: world.taken,
            err,
            input: Arc::new(Mutex::new(world.stdin)),
            prompt: Arc::new(Mutex::new(world.prompt)),
            terminal: world.terminal,
            manner,
            lost: Mutex::new(None),
        }
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

    /// Whether the answer gets colour.
    pub(crate) fn has_color(&self) -> bool {
        self.manner.color.0
    }

    /// Whether only errors are printed, under `-q`.
    pub(crate) fn is_quiet(&self) -> bool {
        self.manner.quiet
    }

    /// 0, `-v` 1, `-vv` 2.
    pub(crate) fn verbosity(&self) -> u8 {
        self.manner.verbosity
    }

    /// The flag that names this run's database, where one was given.
    pub(crate) fn database_flag(&self) -> Option<DatabaseFlag> {
        self.manner.database.clone()
    }

    /// The zone that naive times are read and tables are shown in.
    pub(crate) fn zone(&self) -> Tz {
        self.manner.zone
    }
}

/// A poisoned lock means that a panic is under way; what it guards here is still whole.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
