//! `flight start`.

use super::row::{Done, FlightView};
use crate::cli::commands::args;
use crate::cli::commands::args::time_to_store;
use crate::cli::context::Context;
use crate::directory::flight::step;
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam flight start DL123\n  skyteam flight start 6e1fcd70 --at -5m";

/// Arguments of `flight start`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightStartArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled, or CODE@DATE
    flight: String,
    /// When it started [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
}

pub(super) async fn run(args: FlightStartArgs, cx: &Context) -> Result<Outcome> {
    let at = match &args.at {
        Some(at) => in_the_past(cx, at)?,
        None => cx.now.into(),
    };

    let database = cx.writer().await?;
    let transaction = cx.begin(&database).await?;
    let flight = args::flight(cx, &transaction, &args.flight).await?;
    let flight = step::start(&transaction, flight.id, at, cx.now.into()).await?;
    let committed = cx.finish(transaction).await?;
    cx.ui.report(&Done::new(FlightView::new(flight, cx.now.into()), committed, "Started", "start"))?;
    Ok(Outcome::Done)
}

/// The time of something that has happened.
pub(super) fn in_the_past(cx: &Context, at: &str) -> Result<Timestamp> {
    let at = time_to_store(cx, "--at", at)?;
    if at.utc() <= cx.now {
        return Ok(at);
    }
    Err(Error::new(Kind::Usage, "invalid_value", message!("--at {} is still to come", &at))
        .why("a flight starts and ends when it does: give a time that has passed, or none for now"))
}
