//! `flight end`.

use super::row::{Done, FlightView};
use super::start::in_the_past;
use crate::cli::commands::args;
use crate::cli::context::Context;
use crate::cli::ui::text::count;
use crate::directory::flight::{roster, step};
use crate::error::{Outcome, Result};
use crate::message::{message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam flight end DL123\n  skyteam flight end DL123 --cancel";

/// Arguments of `flight end`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightEndArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
    /// When it ended, not before it started [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with = "cancel")]
    at: Option<String>,
    /// Call it off: end it without a start
    #[arg(long)]
    cancel: bool,
}

pub(super) async fn run(args: FlightEndArgs, cx: &Context) -> Result<Outcome> {
    let at = args.at.as_deref().map(|at| in_the_past(cx, at)).transpose()?;

    let database = cx.writer().await?;
    let transaction = cx.begin(&database).await?;
    let flight = args::flight(cx, &transaction, &args.flight).await?;
    let (did, would, flight) = if args.cancel {
        ("Cancelled", "cancel", step::cancel(&transaction, flight.id, cx.now.into()).await?)
    } else {
        ("Ended", "end", step::end(&transaction, flight.id, at, cx.now.into()).await?)
    };
    let on_board = roster::summary(&transaction, flight.id).await?;
    let committed = cx.finish(transaction).await?;
    cx.ui.report(&Done::new(FlightView::new(flight, cx.now.into()), committed, did, would))?;
    if args.cancel && on_board.passengers > 0 {
        let passengers = count(on_board.passengers.unsigned_abs(), "passenger");
        let miles = count(on_board.miles.unsigned_abs(), "mile");
        cx.ui.warn(message!("It keeps {} with {}; {} takes miles back.", passengers, miles, skyteam("miles reverse")));
    }
    Ok(Outcome::Done)
}
