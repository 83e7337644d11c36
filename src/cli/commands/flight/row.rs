//! The view of a flight: its row with the derived state, and whether it is a codeshare.

use std::io;

use serde::Serialize;

use crate::cli::commands::extra::Editable;
use crate::cli::commands::table_row;
use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, IdOf, Page, RenderOptions, Tone};
use crate::directory::flight::Flight;
use crate::directory::flight::status::Status;
use crate::entity::{self, Timestamp};
use crate::message::{Message, Words, message};

/// A flight and what follows from its row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli::commands) struct FlightView {
    #[serde(flatten)]
    pub flight: Flight,
    pub status: Status,
    /// In the list of one airline: that another one flies it. Else: that it carries a second airline's code.
    pub codeshare: bool,
}

impl FlightView {
    /// Of no airline's list.
    pub(crate) fn new(flight: Flight, now: Timestamp) -> Self {
        Self::listed(flight, now, None)
    }

    /// In the list of `airline_id`.
    pub(crate) fn listed(flight: Flight, now: Timestamp, airline_id: Option<&str>) -> Self {
        let codeshare = match airline_id {
            Some(airline) => flight.airline_id != airline,
            None => flight.codeshare_airline_id.is_some(),
        };
        Self { status: Status::of(&flight, now), codeshare, flight }
    }
}

/// The name of a state in its colour.
pub(super) fn status_cell(status: Status) -> Cell {
    Cell::new(status.name()).tone(match status {
        Status::Scheduled => Tone::Plain,
        Status::Overdue => Tone::Warn,
        Status::Live => Tone::Good,
        Status::Stale => Tone::Bad,
        Status::Ended | Status::Cancelled => Tone::Dim,
    })
}

/// The columns in the order of a departure board; others of the table come among them.
pub(super) const PRESENTED: &[Column] = &[
    Column::text("code").rank(0),
    Column::text("status").rank(0),
    Column::text("departure").rank(1),
    Column::text("arrival").rank(1),
    Column::text("startTime").rank(0),
    Column::text("startedAt").wide(),
    Column::text("endTime").wide(),
    Column::text("airlineId"),
    Column::text("brandId").wide(),
    Column::text("codeshare"),
    Column::text("codeshareAirlineId").wide(),
    Column::text("aircraft"),
    Column::text("gameId").wide(),
    Column::text("discordEventLink").wide(),
    Column::text("id"),
];

impl Row for FlightView {
    const NOUN: &'static str = "flight";
    fn columns() -> Vec<Column> {
        table_row::columns::<entity::Flight>(PRESENTED)
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "status" => status_cell(self.status),
            // A column of "no" would hide the few that matter.
            "codeshare" if look.human && !self.codeshare => Cell::empty(),
            "codeshare" => look.yes_no(self.codeshare),
            "id" => Cell::id(IdOf::Flight, self.flight.id),
            other => table_row::cell(&self.flight, other, look),
        }
    }
}

/// What was done to one flight: the flight for programs, a sentence for people.
#[derive(Serialize)]
pub(super) struct Done {
    #[serde(flatten)]
    shown: FlightView,
    #[serde(skip)]
    sentence: Message,
}

impl Done {
    /// `committed`: whether it was done or, in a dry run, would have been; `did` and `would` say what.
    pub(crate) fn new(shown: FlightView, committed: bool, did: &'static str, would: &'static str) -> Self {
        let verb = if committed { message!("{}", Words(did)) } else { message!("Would {}", Words(would)) };
        let Flight { id, code, departure, arrival, .. } = &shown.flight;
        let sentence = message!("{} {} {}–{}, {}.", verb, code, departure, arrival, id);
        Self { shown, sentence }
    }
}

impl Report for Done {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.message(&self.sentence, Tone::Plain)
    }
}

impl Editable for entity::Flight {
    const KNOWN: &'static [Self::Column] = {
        use crate::entity::flight::Column::*;
        &[
            Id,
            Code,
            GameId,
            Aircraft,
            AirlineId,
            BrandId,
            StartTime,
            EndTime,
            CodeshareAirlineId,
            Departure,
            Arrival,
            StartedAt,
            DiscordEventLink,
        ]
    };
}
