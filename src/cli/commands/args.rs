//! Arguments that several commands share.

use chrono::DateTime;
use clap::Args;
use sea_orm::ConnectionTrait;

use crate::cli::context::Context;
use crate::cli::ui::Ui;
use crate::directory::reference::MeantFlight;
use crate::directory::{instant, reference};
use crate::entity::flight;
use crate::entity::types::Timestamp;
use crate::error::directory::described;
use crate::error::{Error, Result};
use crate::message::message;

/// How many rows a list shows on a terminal when nothing is said.
const ON_A_TERMINAL: u64 = 50;

/// The most rows that are asked for, less the one that shows whether there are more: both engines count them in 64 bits
/// with a sign.
const MOST: u64 = i64::MAX as u64 - 1;

/// How much of a list, in which order.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ListArgs {
    /// Show at most this many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "all")]
    pub limit: Option<u64>,
    /// Show all rows, on a terminal too
    #[arg(long)]
    pub all: bool,
    /// Sort by these columns; a minus before one turns its order. Whole lists in ndjson and CSV may be unsorted otherwise
    #[arg(long, value_name = "COLUMNS", allow_hyphen_values = true, value_delimiter = ',')]
    pub sort: Vec<String>,
}

/// One column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SortKey {
    /// The column, as in the table on disk.
    pub column: &'static str,
    /// Largest first.
    pub descending: bool,
}

impl ListArgs {
    /// How many rows to show; `None`: all.
    pub(crate) fn limit(&self, ui: &Ui) -> Option<u64> {
        match (self.limit, self.all) {
            (Some(limit), _) => Some(limit.min(MOST)),
            (None, true) => None,
            (None, false) => ui.is_terminal().then_some(ON_A_TERMINAL),
        }
    }

    /// How many rows to ask the database for: one more than [`ListArgs::limit`], which shows whether there are more.
    pub(crate) fn asked(&self, ui: &Ui) -> Option<u64> {
        self.limit(ui).map(|limit| limit + 1)
    }

    /// The columns to sort by, each one of `known`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: an unknown column.
    pub(crate) fn sort(&self, known: &[&'static str]) -> Result<Vec<SortKey>> {
        self.sort
            .iter()
            .map(|text| {
                let (name, descending) = text.strip_prefix('-').map_or((text.as_str(), false), |name| (name, true));
                let column = known
                    .iter()
                    .find(|column| column.eq_ignore_ascii_case(name))
                    .ok_or_else(|| Error::unknown_column("--sort", text, known))?;
                Ok(SortKey { column, descending })
            })
            .collect()
    }

    /// Says on stderr how to see more, where a terminal's list was cut short without being asked to.
    pub(crate) fn say_more(&self, ui: &Ui, shown: u64, more: bool) {
        if more && self.limit.is_none() {
            ui.cut_short(message!("Showing the first {}. See more with --limit N or --all.", shown));
        }
    }
}

/// Finds the flight that a word means; where the word also is the code of another, both are named on stderr.
///
/// # Errors
/// None, or several, answer to it; the database's.
pub(crate) async fn flight(cx: &Context, db: &impl ConnectionTrait, word: &str) -> Result<flight::Model> {
    Ok(note_other_meanings(cx, word, reference::meant_flight(db, word, cx.ui.zone()).await?))
}

/// The flight that is meant, with a note where `word` could have meant another.
pub(crate) fn note_other_meanings(
    cx: &Context,
    word: &str,
    MeantFlight { flight, coded }: MeantFlight,
) -> flight::Model {
    if !coded.is_empty() {
        cx.ui.note(message!("{} is the beginning of an id here: {} {}", word, flight.id, &flight.code));
    }
    for other in coded {
        cx.ui.note(message!(
            "It is a code, too. That flight is named by its id: {} ({})",
            &other.key,
            described(&other)
        ));
    }
    flight
}

/// Reads the time that `flag` was given, a naive one in the zone of `--tz`.
///
/// # Errors
/// [`crate::error::Kind::Usage`]: no time.
pub(crate) fn time(cx: &Context, flag: &'static str, value: &str) -> Result<Timestamp> {
    Ok(instant::parse(flag, value, cx.now, cx.ui.zone())?.into())
}

/// As [`time`], for a time that will be stored: where `value` does not say its instant itself, that is shown first.
///
/// # Errors
/// As for [`time`].
pub(crate) fn time_to_store(cx: &Context, flag: &'static str, value: &str) -> Result<Timestamp> {
    let at = time(cx, flag, value)?;
    if DateTime::parse_from_rfc3339(value).is_err() {
        // In one zone for all, unlike what was typed.
        cx.ui.note(message!("{} {} ({}) is {}", flag, value, cx.ui.zone().to_string(), at.to_string()));
    }
    Ok(at)
}
