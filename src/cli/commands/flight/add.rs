//! `flight add`.

use super::row::{Done, FlightView};
use crate::cli::commands::args::time_to_store;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::flight::schedule;
use crate::directory::flight::schedule::NewFlight;
use crate::directory::input::{Airport, FlightCode, Name, WebUrl};
use crate::directory::reference;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam flight add DL123 --airline delta --brand DL --from JFK --to AMS --aircraft A330-900 --game-id 4483381587
  skyteam flight add AF90 --airline af --brand AF --from CDG --to JFK --aircraft B777 --game-id 1 --at \"2026-11-22 18:00\" \\
      --tz Europe/Paris --codeshare delta";

/// Arguments of `flight add`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightAddArgs {
    /// Code: the brand's IATA or ICAO code, 1 to 4 digits and an optional letter
    code: String,
    /// Airline that flies it
    #[arg(long)]
    airline: String,
    /// Brand under which it is flown, one of the airline's
    #[arg(long)]
    brand: String,
    /// Airport where it starts
    #[arg(long, value_name = "AIRPORT")]
    from: String,
    /// Airport where it goes
    #[arg(long, value_name = "AIRPORT")]
    to: String,
    /// Type of aircraft
    #[arg(long, value_name = "TYPE")]
    aircraft: String,
    /// ROBLOX place in which it is flown
    #[arg(long, value_name = "ID")]
    game_id: String,
    /// Scheduled start [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<String>,
    /// Second airline whose code it carries
    #[arg(long, value_name = "AIRLINE")]
    codeshare: Option<String>,
    /// Discord event [default: the alliance's invitation]
    #[arg(long, value_name = "URL")]
    event_link: Option<String>,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::Flight, false>,
}

pub(super) async fn run(args: FlightAddArgs, cx: &Context) -> Result<Outcome> {
    let code = FlightCode::parse(&args.code)?;
    let departure = Airport::parse_as("departure", &args.from)?;
    let arrival = Airport::parse_as("arrival", &args.to)?;
    let aircraft = Name::parse_as("aircraft", &args.aircraft)?;
    let game_id = Name::parse_as("gameId", &args.game_id)?;
    let event_link = args.event_link.as_deref().map(|url| WebUrl::parse_as("discordEventLink", url)).transpose()?;
    let start_time = match &args.at {
        Some(at) => time_to_store(cx, "--at", at)?,
        None => cx.now.into(),
    };

    let database = cx.writer().await?;
    let transaction = cx.begin(&database).await?;
    let airline = reference::airline(&transaction, &args.airline).await?;
    let brand = reference::brand(&transaction, &args.brand).await?;
    let codeshare = match &args.codeshare {
        Some(airline) => Some(reference::airline(&transaction, airline).await?),
        None => None,
    };
    let new = NewFlight {
        code,
        airline: &airline,
        brand: &brand,
        departure,
        arrival,
        aircraft,
        game_id,
        start_time,
        codeshare: codeshare.as_ref(),
        event_link,
        extra: args.extra.read()?,
    };
    let flight = schedule::add(&transaction, new).await?;
    let committed = cx.finish(transaction).await?;
    cx.ui.report(&Done::new(FlightView::new(flight, cx.now.into()), committed, "Scheduled", "schedule"))?;
    Ok(Outcome::Done)
}
