//! The formats of an answer, and the cells that tables are made of.

use anstyle::{AnsiColor, Color, RgbColor, Style};
use chrono_tz::Tz;

use crate::entity::types::{Id, Timestamp};

/// Format of the answer on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One document: an array for a list, an object for one thing.
    Json,
    /// One object a line.
    Ndjson,
    /// RFC 4180, with a header.
    Csv,
    /// Markdown, for Discord.
    Md,
    /// SQL; `db diff` and `db schema` only.
    Sql,
    /// A Mermaid diagram; `db schema` only.
    Mermaid,
    /// TypeScript for Drizzle ORM; `db schema` only.
    Drizzle,
    /// Metrics for node_exporter's textfile collector; `db doctor` only.
    Prometheus,
}

impl Format {
    /// Whether programs read it, so that errors are JSON too.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }

    /// Whether people read it, so that it may be left out where there is nothing to tell them.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Md)
    }
}

/// What a cell says beside its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// Of little weight.
    Dim,
    /// Stands out.
    Strong,
    /// As it should be.
    Good,
    /// Wants a look.
    Warn,
    /// Wrong.
    Bad,
    /// Shown on this colour.
    Swatch(u8, u8, u8),
}

impl Tone {
    /// The ANSI style of it.
    pub(crate) fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(Color::Ansi(color)));
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
            Self::Good => color(AnsiColor::Green),
            Self::Warn => color(AnsiColor::Yellow),
            Self::Bad => color(AnsiColor::Red),
            Self::Swatch(red, green, blue) => Style::new().bg_color(Some(Color::Rgb(RgbColor(red, green, blue)))),
        }
    }
}

/// One cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Its text as stored; made safe where it is shown.
    pub text: String,
    /// How it looks on a terminal.
    pub tone: Tone,
    /// The id that the text is: a list on a terminal shows as much of it as names it.
    pub id: Option<(IdOf, Id)>,
    /// Whether it may not be cut: the beginning of a number, a time or an id reads as another one.
    pub whole: bool,
}

/// What an id in a cell is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum IdOf {
    /// A flight.
    Flight,
    /// A ledger entry, or a batch of them.
    Entry,
}

impl Cell {
    /// A plain cell.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An id.
    pub(crate) fn id(of: IdOf, id: Id) -> Self {
        Self { id: Some((of, id)), whole: true, ..Self::new(id.to_string()) }
    }

    /// An id that may be absent.
    pub(crate) fn maybe_id(of: IdOf, id: Option<Id>) -> Self {
        id.map_or_else(Self::empty, |id| Self::id(of, id))
    }

    /// A cell that is not cut.
    pub(crate) fn whole(text: impl Into<String>) -> Self {
        Self { whole: true, ..Self::new(text) }
    }

    /// An empty cell: NULL, or nothing to say.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    /// The same with a tone.
    #[must_use]
    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        text.map_or_else(Self::empty, Self::new)
    }
}

/// How values are put into words: for people (grouped digits, times in their zone) or for programs (CSV: plain digits,
/// RFC 3339 in UTC).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderOptions {
    /// The zone that people see times in.
    pub zone: Tz,
    /// Whether people read it.
    pub human: bool,
}

impl RenderOptions {
    /// A whole number.
    pub(crate) fn number(&self, number: impl Into<i64>) -> Cell {
        let number = number.into();
        Cell::whole(if self.human { super::text::grouped(number) } else { number.to_string() })
    }

    /// A number of bytes: `1.2 MB` for people.
    pub(crate) fn bytes(&self, count: u64) -> Cell {
        Cell::whole(if self.human { super::text::bytes(count) } else { count.to_string() })
    }

    /// A number with its sign, green or red.
    pub(crate) fn signed(&self, number: impl Into<i64>) -> Cell {
        let number = number.into();
        let cell = self.number(number);
        match number {
            1.. if self.human => Cell::whole(format!("+{}", cell.text)).tone(Tone::Good),
            ..=-1 => cell.tone(Tone::Bad),
            _ => cell,
        }
    }

    /// A point in time: to the second and in the zone for people.
    pub(crate) fn time(&self, at: Timestamp) -> Cell {
        Cell::whole(if self.human {
            at.utc().with_timezone(&self.zone).format("%Y-%m-%d %H:%M:%S").to_string()
        } else {
            at.to_string()
        })
    }

    /// A point in time that may be absent.
    pub(crate) fn maybe_time(&self, at: Option<Timestamp>) -> Cell {
        at.map_or_else(Cell::empty, |at| self.time(at))
    }

    /// Yes or no; `true` and `false` for programs.
    pub(crate) fn yes_no(&self, yes: bool) -> Cell {
        Cell::new(match (self.human, yes) {
            (true, true) => "yes",
            (true, false) => "no",
            (false, true) => "true",
            (false, false) => "false",
        })
    }
}

/// Which side a column leans to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// What a text is not cut below unless its column says otherwise: an id as long as a UUID stays whole.
pub(super) const UNCUT: usize = 36;

/// A column of a list. Its key is the key of the JSON object too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The name, as in the table on disk.
    pub key: &'static str,
    /// Which side it leans to.
    pub align: Align,
    /// Whether a table shows it only with `--wide`.
    pub wide: bool,
    /// How soon a terminal that is too narrow does without it: the highest goes first, of equals the rightmost; 0 never.
    pub rank: u8,
    /// The columns of a terminal that a longer text is never cut below.
    pub floor: usize,
}

impl Column {
    /// A column of text.
    pub(crate) const fn text(key: &'static str) -> Self {
        Self { key, align: Align::Left, wide: false, rank: 2, floor: UNCUT }
    }

    /// A column of numbers.
    pub(crate) const fn number(key: &'static str) -> Self {
        Self { key, align: Align::Right, wide: false, rank: 2, floor: usize::MAX }
    }

    /// The same, in tables only with `--wide`.
    #[must_use]
    pub(crate) const fn wide(self) -> Self {
        Self { wide: true, ..self }
    }

    /// The same, of another rank.
    #[must_use]
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// The same, of which a terminal always shows at least so many columns.
    #[must_use]
    pub(crate) const fn floor(self, columns: usize) -> Self {
        Self { floor: columns, ..self }
    }
}
