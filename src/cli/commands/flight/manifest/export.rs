//! `flight manifest export`.

use futures::TryStreamExt;

use crate::cli::commands::args;
use crate::cli::context::Context;
use crate::directory::flight::roster::everybody;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam flight manifest export DL123 > dl123.csv
  skyteam flight manifest export DL123 -o ndjson | skyteam flight manifest import 6e1fcd70 -";

/// Arguments of `flight manifest export`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightManifestExportArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
}

pub(super) async fn run(args: FlightManifestExportArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let flight = args::flight(cx, database.conn(), &args.flight).await?;
    cx.ui
        .export(async |list| {
            let mut rows = everybody(database.conn(), flight.id, &[], None).stream(database.conn()).await?;
            while let Some(row) = rows.try_next().await? {
                list.push(&row)?;
            }
            Ok(())
        })
        .await?;
    Ok(Outcome::Done)
}
