//! `flight show`.

use std::io;

use serde::Serialize;

use super::row::{FlightView, PRESENTED, status_cell};
use crate::cli::commands::{args, table_row};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Cell, Page, Tone};
use crate::directory::flight::details::{Details, details};
use crate::directory::flight::roster::Summary;
use crate::directory::flight::status::Status;
use crate::entity::{self, airline};
use crate::error::{Outcome, Result};
use crate::message::{message, skyteam};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam flight show DL123\n  skyteam flight show 6e1fcd70 -o json --columns status,manifest";

/// Arguments of `flight show`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightShowArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlightDetailsView {
    #[serde(flatten)]
    shown: FlightView,
    airline: Airline,
    brand: Brand,
    codeshare_airline: Option<Airline>,
    manifest: Summary,
}

/// Of an airline what anybody may see: never the token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Airline {
    airline_id: String,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brand {
    brand_id: String,
    name: String,
    iata: String,
    icao: String,
    callsign: String,
}

impl From<airline::Model> for Airline {
    fn from(airline: airline::Model) -> Self {
        Self { airline_id: airline.airline_id, name: airline.name }
    }
}

impl Airline {
    fn cell(&self) -> Cell {
        format!("{} ({})", self.name, self.airline_id).into()
    }
}

impl Report for FlightDetailsView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (flight, look) = (&self.shown.flight, page.look);
        page.heading(&format!("{}  {} – {}", flight.code, flight.departure, flight.arrival))?;
        let mut fields = vec![
            ("status", status_cell(self.shown.status)),
            ("airline", self.airline.cell()),
            (
                "brand",
                format!("{} ({}/{}, {})", self.brand.name, self.brand.iata, self.brand.icao, self.brand.callsign)
                    .into(),
            ),
            ("codeshare", self.codeshare_airline.as_ref().map_or_else(Cell::empty, Airline::cell)),
            ("aircraft", flight.aircraft.as_str().into()),
            ("game", flight.game_id.as_str().into()),
            ("scheduled", look.time(flight.start_time)),
            ("started", look.maybe_time(flight.started_at)),
            (
                if self.shown.status == Status::Cancelled { "cancelled" } else { "ended" },
                look.maybe_time(flight.end_time),
            ),
            ("event", flight.discord_event_link.as_str().into()),
            ("passengers", look.number(self.manifest.passengers)),
            ("miles", look.number(self.manifest.miles)),
            ("id", flight.id.to_string().into()),
        ];
        // Columns that nothing above is about.
        let others = table_row::columns::<entity::Flight>(PRESENTED);
        let others = others.iter().filter(|column| PRESENTED.iter().all(|known| known.key != column.key));
        fields.extend(others.map(|column| (column.key, table_row::cell(flight, column.key, &look))));
        page.fields(&fields)?;
        if self.manifest.unpaid > 0 {
            let unpaid = look.number(self.manifest.unpaid).text;
            page.message(
                message!("{} on board have no entry in the ledger: {}", unpaid, skyteam("miles audit")),
                Tone::Warn,
            )?;
        }
        Ok(())
    }
}

pub(super) async fn run(args: FlightShowArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let flight = args::flight(cx, database.conn(), &args.flight).await?;
    let Details { airline, brand, codeshare, manifest } = details(database.conn(), &flight).await?;
    let brand = Brand {
        brand_id: brand.brand_id,
        name: brand.name,
        iata: brand.iata,
        icao: brand.icao,
        callsign: brand.callsign,
    };
    cx.ui.report(&FlightDetailsView {
        shown: FlightView::new(flight, cx.now.into()),
        airline: airline.into(),
        brand,
        codeshare_airline: codeshare.map(Airline::from),
        manifest,
    })?;
    Ok(Outcome::Done)
}
