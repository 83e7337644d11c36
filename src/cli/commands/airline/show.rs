//! `airline show`.

use std::io;

use serde::Serialize;

use crate::cli::commands::airline::row::AirlineView;
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::{Report, Row as _};
use crate::directory::airline::Holdings;
use crate::directory::{airline, reference};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam airline show delta\n  skyteam airline show DL --json";

/// Arguments of `airline show`.
#[derive(clap::Args, Debug)]
pub(crate) struct AirlineShowArgs {
    /// Airline id, exact name, or the code of a brand of it
    #[arg(value_name = "AIRLINE")]
    airline: String,
}

/// One airline, with what belongs to it.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    airline: AirlineView,
    #[serde(flatten)]
    holdings: Holdings,
}

impl Report for Whole {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (look, held) = (page.look, &self.holdings);
        let mut fields = self.airline.fields(&look);
        fields.extend([
            ("brands", look.number(held.brands)),
            ("flights", look.number(held.flights)),
            ("codeshares", look.number(held.codeshares)),
            ("products", look.number(held.products)),
        ]);
        page.fields(&fields)
    }
}

pub(super) async fn run(args: AirlineShowArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let snapshot = database.begin_read().await?;
    let airline = reference::airline(&snapshot, &args.airline).await?;
    let holdings = airline::holdings(&snapshot, &airline.airline_id).await?;
    snapshot.rollback().await?;
    cx.ui.report(&Whole { airline: airline.into(), holdings })?;
    Ok(Outcome::Done)
}
