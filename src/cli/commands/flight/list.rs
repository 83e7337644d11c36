//! `flight list`.

use chrono::{DateTime, Utc};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use futures::TryStreamExt;
use sea_orm::{IdenStatic as _, Iterable as _, Order, QuerySelect as _};

use super::row::FlightView;
use crate::cli::commands::args::{ListArgs, time};
use crate::cli::commands::listing;
use crate::cli::commands::watch::WatchArgs;
use crate::cli::context::Context;
use crate::directory::flight::list::{By, Filter, query};
use crate::directory::flight::status::Status;
use crate::directory::input::Airport;
use crate::directory::reference;
use crate::entity::flight;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam flight list --status scheduled,live --airline delta
  skyteam flight list --status live --watch
  skyteam flight list --since 2026-11-01 --until 2026-12-01 --sort startTime -o csv";

/// Arguments of `flight list`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightListArgs {
    /// Only flights in these states; each flight is in exactly one
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(Status::ALL.map(Status::name))
        .try_map(|name| Status::named(&name).ok_or("no such status")))]
    status: Vec<Status>,
    /// Only flights of this airline, codeshares included and marked
    #[arg(long)]
    airline: Option<String>,
    /// Only flights under this brand
    #[arg(long)]
    brand: Option<String>,
    /// Only flights from this airport
    #[arg(long, value_name = "AIRPORT")]
    from: Option<String>,
    /// Only flights to this airport
    #[arg(long, value_name = "AIRPORT")]
    to: Option<String>,
    /// Only flights scheduled to start at this time or later
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Only flights scheduled to start before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    #[command(flatten)]
    list: ListArgs,
    #[command(flatten)]
    watch: WatchArgs,
}

pub(super) async fn run(args: FlightListArgs, cx: &Context) -> Result<Outcome> {
    let since = args.since.as_deref().map(|since| time(cx, "--since", since)).transpose()?;
    let until = args.until.as_deref().map(|until| time(cx, "--until", until)).transpose()?;
    let departure = args.from.as_deref().map(|airport| Airport::parse_as("departure", airport)).transpose()?;
    let arrival = args.to.as_deref().map(|airport| Airport::parse_as("arrival", airport)).transpose()?;
    let sort = sort(&args.list)?;

    let database = cx.reader().await?;
    let airline = match &args.airline {
        Some(airline) => Some(reference::airline(database.conn(), airline).await?.airline_id),
        None => None,
    };
    let brand = match &args.brand {
        Some(brand) => Some(reference::brand(database.conn(), brand).await?.brand_id),
        None => None,
    };
    let filter = Filter {
        statuses: args.status,
        airline_id: airline.as_deref(),
        brand_id: brand.as_deref(),
        departure: departure.as_ref().map(Airport::as_str),
        arrival: arrival.as_ref().map(Airport::as_str),
        since,
        until,
    };
    let show = async |now: DateTime<Utc>| {
        let query = query(&filter, &sort, now.into()).limit(args.list.asked(&cx.ui));
        let rows = query.stream(database.conn()).await?;
        let rows = rows.map_ok(|flight| FlightView::listed(flight, now.into(), airline.as_deref()));
        listing::stream(cx, &args.list, rows).await
    };
    args.watch.run(cx, show).await
}

fn sort(list: &ListArgs) -> Result<Vec<(By, Order)>> {
    let columns: Vec<(&'static str, By)> = flight::Column::iter()
        .map(|column| (column.as_str(), By::Column(column)))
        .chain([("status", By::Status)])
        .collect();
    let names: Vec<&'static str> = columns.iter().map(|(name, _)| *name).collect();
    let keys = list.sort(&names)?.into_iter().filter_map(|key| {
        let by = columns.iter().find(|(name, _)| *name == key.column)?.1;
        Some((by, if key.descending { Order::Desc } else { Order::Asc }))
    });
    Ok(keys.collect())
}
