//! `flight edit`.

use clap::ArgGroup;

use super::row::{Done, FlightView};
use crate::cli::approve::Ask;
use crate::cli::commands::args::time_to_store;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::commands::{args, change};
use crate::cli::context::Context;
use crate::db::Transaction;
use crate::directory::flight::edit::Changes;
use crate::directory::flight::{Flight, edit};
use crate::directory::input::{Airport, FlightCode, Name, WebUrl};
use crate::directory::reference;
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam flight edit DL123 --at +2h
  skyteam flight edit 6e1fcd70 --aircraft A350-900 --no-codeshare --yes";

/// Arguments of `flight edit`.
#[derive(clap::Args, Debug)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args([
    "code", "brand", "from", "to", "aircraft", "game_id", "at", "codeshare", "no_codeshare", "event_link",
]))]
pub(crate) struct FlightEditArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
    /// New code
    #[arg(long)]
    code: Option<String>,
    /// Another brand of the same airline
    #[arg(long)]
    brand: Option<String>,
    /// Airport where it starts
    #[arg(long, value_name = "AIRPORT")]
    from: Option<String>,
    /// Airport where it goes
    #[arg(long, value_name = "AIRPORT")]
    to: Option<String>,
    /// Type of aircraft
    #[arg(long, value_name = "TYPE")]
    aircraft: Option<String>,
    /// ROBLOX place in which it is flown
    #[arg(long, value_name = "ID")]
    game_id: Option<String>,
    /// Scheduled start
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
    /// Second airline whose code it carries
    #[arg(long, value_name = "AIRLINE", conflicts_with = "no_codeshare")]
    codeshare: Option<String>,
    /// Carry no second airline's code any more
    #[arg(long)]
    no_codeshare: bool,
    /// Discord event
    #[arg(long, value_name = "URL")]
    event_link: Option<String>,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::Flight, true>,
}

pub(super) async fn run(args: FlightEditArgs, cx: &Context) -> Result<Outcome> {
    let typed = typed(&args, cx)?;

    let database = cx.writer().await?;
    let look = async |tx: &Transaction| {
        let before = args::flight(cx, tx, &args.flight).await?;
        let mut changes = typed.clone();
        if let Some(brand) = &args.brand {
            changes.brand = Some(reference::brand(tx, brand).await?);
        }
        if let Some(airline) = &args.codeshare {
            changes.codeshare = Some(Some(reference::airline(tx, airline).await?));
        } else if args.no_codeshare {
            changes.codeshare = Some(None);
        }
        let after = edit::preview(tx, &before, &changes, cx.now.into()).await?;
        Ok((before, changes, after))
    };
    let transaction = cx.begin(&database).await?;
    let found = look(&transaction).await?;
    let (before, _, after) = &found;
    let shown = |flight: &Flight| FlightView::new(flight.clone(), cx.now.into());
    let mut effects = change::effects(cx, &shown(before), &shown(after));
    // What follows from other changes is printed with them.
    effects.retain(|(column, ..)| !matches!(*column, "status" | "codeshare"));
    if effects.is_empty() {
        cx.ui.note("Nothing to change: it is so already.");
        cx.ui.report(&Done::new(FlightView::new(found.0, cx.now.into()), true, "Left", "leave"))?;
        return Ok(Outcome::Done);
    }

    for (column, old, new) in &effects {
        cx.ui.note(message!("{}: {} → {}", *column, old, new));
    }
    let ask = Ask::changes(message!("Change {} {}?", &before.code, &before.id));
    let (transaction, found, _approved) = change::approved(cx, &database, transaction, found, ask, look).await?;
    let (before, changes, _) = found;
    let after = edit::edit(&transaction, &before, &changes, cx.now.into()).await?;
    let committed = cx.finish(transaction).await?;
    cx.ui.report(&Done::new(FlightView::new(after, cx.now.into()), committed, "Changed", "change"))?;
    Ok(Outcome::Done)
}

/// The changes that need no look into the database.
fn typed(args: &FlightEditArgs, cx: &Context) -> Result<Changes> {
    Ok(Changes {
        code: args.code.as_deref().map(FlightCode::parse).transpose()?,
        departure: args.from.as_deref().map(|text| Airport::parse_as("departure", text)).transpose()?,
        arrival: args.to.as_deref().map(|text| Airport::parse_as("arrival", text)).transpose()?,
        aircraft: args.aircraft.as_deref().map(|text| Name::parse_as("aircraft", text)).transpose()?,
        game_id: args.game_id.as_deref().map(|text| Name::parse_as("gameId", text)).transpose()?,
        event_link: args.event_link.as_deref().map(|text| WebUrl::parse_as("discordEventLink", text)).transpose()?,
        start_time: args.at.as_deref().map(|text| time_to_store(cx, "--at", text)).transpose()?,
        extra: args.extra.read()?,
        ..Changes::default()
    })
}
