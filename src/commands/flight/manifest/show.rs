//! `flight manifest show`.

use futures::TryStreamExt;

use crate::context::Context;
use crate::domain::flight::roster::{OnBoard, everybody};
use crate::domain::reference;
use crate::error::{Outcome, Result};
use crate::report::Row;
use crate::ui::{Cell, Column, Look};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam flight manifest show DL123\n  skyteam flight manifest show DL123 -o md";

/// How many rows a terminal is shown when nothing is said.
const ON_A_TERMINAL: u64 = 50;

/// Arguments of `flight manifest show`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Flight: its id, at least 4 characters of it, or the code of the one that is scheduled or live
    flight: String,
    /// Show at most this many rows
    #[arg(long, value_name = "N", conflicts_with = "all")]
    limit: Option<u64>,
    /// Show all rows, on a terminal too
    #[arg(long)]
    all: bool,
}

impl Row for OnBoard {
    const COLUMNS: &'static [Column] = &[
        Column::text("userId"),
        Column::text("username"),
        Column::text("displayName"),
        Column::number("miles"),
        Column::text("joinedAt"),
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
    let database = cx.reader().await?;
    let flight = reference::flight(database.conn(), &args.flight).await?;
    let limit = match args.limit {
        None if !args.all && cx.ui.is_terminal() => Some(ON_A_TERMINAL),
        limit => limit,
    };
    let (shown, more) = cx
        .ui
        .list(async |list| {
            let mut rows = everybody(flight.id).stream(database.conn()).await?;
            while let Some(row) = rows.try_next().await? {
                if limit == Some(list.count()) {
                    return Ok(true);
                }
                list.push(&row)?;
            }
            Ok(false)
        })
        .await?;
    if more && args.limit.is_none() {
        cx.ui.note(format!("Showing the first {shown}. See more with --limit N or --all."));
    }
    Ok(Outcome::Done)
}
