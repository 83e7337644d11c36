//! `brand show`.

use std::io;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::{Report, Row as _};
use crate::directory::{brand, reference};
use crate::entity::brand as entity;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam brand show DL\n  skyteam brand show klm-cityhopper --json";

/// Arguments of `brand show`.
#[derive(clap::Args, Debug)]
pub(crate) struct BrandShowArgs {
    /// Brand id, IATA code, ICAO code or callsign
    #[arg(value_name = "BRAND")]
    brand: String,
}

/// One brand, with the number of its flights.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    brand: entity::Model,
    flights: u64,
}

impl Report for Whole {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let mut fields = self.brand.fields(&page.look);
        fields.push(("flights", page.look.number(i64::try_from(self.flights).unwrap_or(i64::MAX))));
        page.fields(&fields)
    }
}

pub(super) async fn run(args: BrandShowArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let brand = reference::brand(database.conn(), &args.brand).await?;
    let flights = brand::flights(database.conn(), &brand.brand_id).await?;
    cx.ui.report(&Whole { brand, flights })?;
    Ok(Outcome::Done)
}
