//! `db seed`.

use std::io;

use serde::Serialize;

use super::planned;
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Cell, Page};
use crate::db::{Database, DatabaseUrl};
use crate::directory::seed;
use crate::directory::seed::Wish;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::skyteam;
use crate::schema::migrate::{Event, MigrateOptions, Origin};
use crate::schema::{Wait, migrate};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db seed
  skyteam db seed --users 5000 --flights 800 --seed 7";

/// Arguments of `db seed`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbSeedArgs {
    /// How many users
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    users: u32,
    /// How many flights
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    flights: u32,
    /// The same seed on the same day gives the same data
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seeded {
    airlines: usize,
    brands: usize,
    miles_products: usize,
    users: usize,
    flights: usize,
    flight_passengers: usize,
    miles_transactions: usize,
}

impl Report for Seeded {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let number = |rows: usize| Cell::new(rows.to_string());
        page.fields(&[
            ("airlines", number(self.airlines)),
            ("brands", number(self.brands)),
            ("milesProducts", number(self.miles_products)),
            ("users", number(self.users)),
            ("flights", number(self.flights)),
            ("flightPassengers", number(self.flight_passengers)),
            ("milesTransactions", number(self.miles_transactions)),
        ])
    }
}

pub(super) async fn run(args: DbSeedArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.creator().await?;
    make_tables(&database, cx).await?;
    let transaction = cx.begin(&database).await?;
    let occupied = seed::occupied(&transaction).await?;
    if !occupied.is_empty() {
        let held: Vec<String> = occupied.iter().map(|(table, rows)| format!("{table}: {rows}")).collect();
        return Err(Error::new(Kind::Refused, "not_empty", "the database holds data already; nothing was seeded")
            .why(held.join(", "))
            .fix(skyteam("db seed --database-url sqlite:demo.db")));
    }
    let (users, flights) = (args.users as usize, args.flights as usize);
    let data = seed::generate(Wish { users, flights, seed: args.seed, now: cx.now })?;
    let seeded = Seeded {
        airlines: data.airlines.len(),
        brands: data.brands.len(),
        miles_products: data.products.len(),
        users: data.users.len(),
        flights: data.flights.len(),
        flight_passengers: data.passengers.len(),
        miles_transactions: data.entries.len(),
    };
    let rows = seeded.users + seeded.flights + seeded.flight_passengers + seeded.miles_transactions;
    let progress = cx.ui.progress(Some(rows as u64), "seeding");
    seed::insert(&transaction, data, |rows| progress.advance(rows)).await?;
    drop(progress);
    cx.finish(transaction).await?;
    cx.ui.report(&seeded)?;
    Ok(Outcome::Done)
}

/// An empty database gets its tables first: a newcomer's first command may be this one.
async fn make_tables(database: &Database, cx: &Context) -> Result<()> {
    let migrations = migration::all();
    let patience = planned::patience(cx);
    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    if !matches!(migrate::look(database, migrations, &patience, wait).await?.origin, Origin::Empty) {
        return Ok(());
    }
    let stands_in = matches!(database.url(), DatabaseUrl::Sqlite(place) if place.in_memory());
    if cx.answers.dry_run && !stands_in {
        return Err(Error::new(
            Kind::Refused,
            "schema_behind",
            "the database has no tables yet: there is nothing to rehearse on",
        )
        .fix(skyteam("db push")));
    }
    let approval = cx.approve(Ask::adds()).await?;
    let tell = &mut |event: Event<'_>| {
        if let Event::Waiting(wait) = event {
            planned::waiting(cx, &wait);
        }
    };
    migrate::up(database, migrations, None, MigrateOptions { dry_run: false, patience }, approval, tell).await?;
    cx.ui.note("The database was empty: its tables were made first.");
    Ok(())
}
