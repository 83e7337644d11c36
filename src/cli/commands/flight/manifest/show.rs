//! `flight manifest show`.

use crate::cli::commands::args::ListArgs;
use crate::cli::commands::{args, listing, table_row};
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::directory::flight::roster::{OnBoard, everybody};
use crate::entity::FlightPassenger;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam flight manifest show DL123 --sort -miles\n  skyteam flight manifest show DL123 -o md";

/// Arguments of `flight manifest show`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightManifestShowArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
    #[command(flatten)]
    list: ListArgs,
}

const PRESENTED: &[Column] = &[
    Column::text("flightId").wide(),
    Column::text("userId").rank(0),
    Column::text("username").rank(0),
    Column::text("displayName").floor(24),
    Column::number("miles").rank(0),
    Column::text("joinedAt").rank(1),
];

impl Row for OnBoard {
    const NOUN: &'static str = "passenger";

    fn columns() -> Vec<Column> {
        table_row::columns::<FlightPassenger>(PRESENTED)
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "username" => self.username.as_str().into(),
            "displayName" => self.display_name.as_str().into(),
            other => table_row::cell(&self.passenger, other, look),
        }
    }
}

pub(super) async fn run(args: FlightManifestShowArgs, cx: &Context) -> Result<Outcome> {
    let sort = args.list.sort(&listing::columns::<OnBoard>())?;
    let sort: Vec<(&str, bool)> = sort.iter().map(|key| (key.column, key.descending)).collect();

    let database = cx.reader().await?;
    let flight = args::flight(cx, database.conn(), &args.flight).await?;
    let on_board = everybody(database.conn(), flight.id, &sort, args.list.asked(&cx.ui));
    let rows = on_board.stream(database.conn()).await?;
    listing::stream(cx, &args.list, rows).await
}
