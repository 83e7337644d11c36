//! `flight delete`.

use super::row::{Done, FlightView};
use crate::cli::approve::Ask;
use crate::cli::commands::{args, change};
use crate::cli::context::Context;
use crate::db::Transaction;
use crate::directory::flight::schedule;
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam flight delete DL123\n  skyteam flight delete 6e1fcd70 --confirm skyteam";

/// Arguments of `flight delete`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightDeleteArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
}

pub(super) async fn run(args: FlightDeleteArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    let look = async |tx: &Transaction| {
        let flight = args::flight(cx, tx, &args.flight).await?;
        schedule::deletable(tx, &flight, cx.now.into()).await?;
        Ok(flight)
    };
    let transaction = cx.begin(&database).await?;
    let flight = look(&transaction).await?;

    let question = message!("This deletes {} {}–{}, {}.", &flight.code, &flight.departure, &flight.arrival, &flight.id);
    let ask = Ask::loses(database.name(), question);
    let (transaction, flight, _approved) = change::approved(cx, &database, transaction, flight, ask, look).await?;
    schedule::delete(&transaction, flight.id, cx.now.into()).await?;
    let committed = cx.finish(transaction).await?;
    cx.ui.report(&Done::new(FlightView::new(flight, cx.now.into()), committed, "Deleted", "delete"))?;
    Ok(Outcome::Done)
}
