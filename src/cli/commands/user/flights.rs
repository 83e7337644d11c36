//! `user flights`.

use crate::cli::commands::args::ListArgs;
use crate::cli::commands::{listing, table_row};
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, IdOf, RenderOptions};
use crate::directory::reference;
use crate::directory::user::list;
use crate::directory::user::list::Boarded;
use crate::entity::FlightPassenger;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam user flights pilot123\n  skyteam user flights 107919 --all -o csv > flights.csv";

/// Arguments of `user flights`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserFlightsArgs {
    /// User id, username or @username
    #[arg(value_name = "USER")]
    user: String,
    #[command(flatten)]
    list: ListArgs,
}

const PRESENTED: &[Column] = &[
    Column::text("flightId").rank(4),
    Column::text("code").rank(0),
    Column::text("departure").rank(1),
    Column::text("arrival").rank(1),
    Column::text("aircraft").wide(),
    Column::text("airlineId").wide(),
    Column::text("brandId"),
    Column::text("startTime").wide(),
    Column::text("joinedAt").rank(0),
    Column::number("miles").rank(0),
    Column::text("userId").wide(),
];

impl Row for Boarded {
    const NOUN: &'static str = "flight";

    fn columns() -> Vec<Column> {
        table_row::columns::<FlightPassenger>(PRESENTED)
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "flightId" => Cell::id(IdOf::Flight, self.passenger.flight_id),
            "code" => self.code.as_str().into(),
            "departure" => self.departure.as_str().into(),
            "arrival" => self.arrival.as_str().into(),
            "aircraft" => self.aircraft.as_str().into(),
            "airlineId" => self.airline_id.as_str().into(),
            "brandId" => self.brand_id.as_str().into(),
            "startTime" => look.time(self.start_time),
            other => table_row::cell(&self.passenger, other, look),
        }
    }
}

pub(super) async fn run(args: UserFlightsArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let user = reference::user(database.conn(), &args.user).await?;
    let mut tail =
        listing::order_by(&args.list.sort(&listing::columns::<Boarded>())?, r#""joinedAt" DESC, "flightId""#);
    if let Some(asked) = args.list.asked(&cx.ui) {
        tail.push_str(&format!(" LIMIT {asked}"));
    }
    let rows = list::boarded(database.conn(), &user.user_id, &tail).stream(database.conn()).await?;
    listing::stream(cx, &args.list, rows).await
}
