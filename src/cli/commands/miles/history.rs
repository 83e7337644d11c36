//! `miles history`.

use super::answer;
use crate::cli::commands::watch::WatchArgs;
use crate::cli::commands::{args, listing};
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::directory::reference;
use crate::error::{Outcome, Result};
use crate::ledger::history;
use crate::ledger::history::{Filter, Kind, Line};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles history @pilot123
  skyteam miles history @pilot123 --watch=5s --limit 10
  skyteam miles history 107919 --type spend --since 2026-11-01 -o csv > november.csv";

/// Arguments of `miles history`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesHistoryArgs {
    /// User: @name, userId or username
    user: String,
    /// Entries from this time on
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Entries before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Only what earns, or only what spends
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<Direction>,
    /// Only entries of this source
    #[arg(long, value_name = "WORD")]
    source: Option<String>,
    /// Only entries for this flight
    #[arg(long, value_name = "FLIGHT")]
    flight: Option<String>,
    /// Show at most this many entries
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "all")]
    limit: Option<u64>,
    /// Show all entries, on a terminal too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    watch: WatchArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Direction {
    Earn,
    Spend,
}

impl Row for Line {
    const NOUN: &'static str = "entry";

    /// As for one entry, but that the id is shown, which `miles reverse` takes, and the user, who is the same in all, is
    /// not.
    fn columns() -> Vec<Column> {
        answer::columns(|column| match column.key {
            "id" => Column::text("id").rank(0),
            "userId" => column.wide(),
            _ => column,
        })
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        answer::cell(&self.entry, self.balance, column, look)
    }
}

pub(super) async fn run(args: MilesHistoryArgs, cx: &Context) -> Result<Outcome> {
    let list = args::ListArgs { limit: args.limit, all: args.all, sort: Vec::new() };
    let since = args.since.as_deref().map(|at| args::time(cx, "since", at)).transpose()?;
    let until = args.until.as_deref().map(|at| args::time(cx, "until", at)).transpose()?;
    let database = cx.reader().await?;
    let user = reference::user(database.conn(), &args.user).await?;
    let flight = match &args.flight {
        Some(reference) => Some(args::flight(cx, database.conn(), reference).await?),
        None => None,
    };
    let filter = Filter {
        since,
        until,
        kind: args.kind.map(|direction| match direction {
            Direction::Earn => Kind::Earn,
            Direction::Spend => Kind::Spend,
        }),
        source: args.source,
        flight_id: flight.map(|flight| flight.id),
    };
    let show = async |_| {
        let lines = history::of_user(database.conn(), &user.user_id, &filter, list.asked(&cx.ui)).await?;
        listing::stream(cx, &list, lines).await
    };
    args.watch.run(cx, show).await
}
