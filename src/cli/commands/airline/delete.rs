//! `airline delete`.

use crate::cli::commands::airline::row::AirlineView;
use crate::cli::commands::change;
use crate::cli::context::Context;
use crate::directory::{airline, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam airline delete delta\n  skyteam airline delete delta --confirm skyteam";

/// Arguments of `airline delete`.
#[derive(clap::Args, Debug)]
pub(crate) struct AirlineDeleteArgs {
    /// Airline id, exact name, or the code of a brand of it
    #[arg(value_name = "AIRLINE")]
    airline: String,
}

pub(super) async fn run(args: AirlineDeleteArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    change::delete(cx, &database, async |tx| {
        let id = reference::airline(tx, &args.airline).await?.airline_id;
        Ok((
            message!("Airline {} and its token will be gone.", &id),
            AirlineView::from(airline::delete(tx, &id).await?),
        ))
    })
    .await
}
