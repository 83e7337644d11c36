//! `flight manifest show`.

use crate::commands::args::{self, ListArgs};
use crate::commands::listing;
use crate::context::Context;
use crate::domain::flight::roster::{OnBoard, everybody};
use crate::error::{Outcome, Result};
use crate::report::Row;
use crate::ui::{Cell, Column, Look};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam flight manifest show DL123 --sort -miles\n  skyteam flight manifest show DL123 -o md";

/// Arguments of `flight manifest show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Flight: its id, at least 4 characters of it, or the code of the one that is scheduled or live
    flight: String,
    #[command(flatten)]
    list: ListArgs,
}

impl Row for OnBoard {
    const NOUN: &'static str = "passenger";
    const COLUMNS: &'static [Column] = &[
        Column::text("userId").rank(0),
        Column::text("username").rank(0),
        Column::text("displayName").floor(24),
        Column::number("miles").rank(0),
        Column::text("joinedAt").rank(1),
    ];

    fn cell(&self, column: usize, look: &Look) -> Cell {
        match Self::COLUMNS[column].key {
            "userId" => self.user_id.as_str().into(),
            "username" => self.username.as_str().into(),
            "displayName" => self.display_name.as_str().into(),
            "miles" => look.number(self.miles),
            _ => look.time(self.joined_at),
        }
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let sort = args.list.sort(&listing::columns::<OnBoard>())?;
    let sort: Vec<(&str, bool)> = sort.iter().map(|key| (key.column, key.descending)).collect();

    let database = cx.reader().await?;
    let flight = args::flight(cx, database.conn(), &args.flight).await?;
    let on_board = everybody(flight.id, &sort, args.list.asked(&cx.ui));
    let rows = on_board.stream(database.conn()).await?;
    listing::stream(cx, &args.list, rows).await
}
