//! `miles leaderboard`.

use crate::cli::commands::args;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::directory::reference;
use crate::error::{Outcome, Result};
use crate::ledger::leaderboard;
use crate::ledger::leaderboard::{Place, Scope};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles leaderboard --limit 25
  skyteam miles leaderboard --all -o csv > ranking.csv
  skyteam miles leaderboard --airline delta --since 2026-10-01 --until 2026-11-01 -o md

Without --since, --until and --airline users are ranked by balance, else by miles earned: what was given, less what of it
was reversed. Equals share a rank.";

/// Arguments of `miles leaderboard`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesLeaderboardArgs {
    /// Miles earned from this time on
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// Miles earned before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,
    /// Miles earned on flights that this airline operates
    #[arg(long, value_name = "AIRLINE")]
    airline: Option<String>,
    /// How many places
    #[arg(long, value_name = "N", default_value_t = 10, conflicts_with = "all",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    limit: u64,
    /// Show all places
    #[arg(long)]
    all: bool,
}

impl Row for Place {
    const NOUN: &'static str = "user";
    const COLUMNS: &'static [Column] = &[
        Column::number("rank").rank(0),
        Column::text("userId").wide(),
        Column::text("username").rank(0),
        Column::text("displayName").floor(24),
        Column::number("miles").rank(0),
        Column::number("earned").rank(1),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "rank" => look.number(self.rank),
            "userId" => self.user_id.as_str().into(),
            "username" => self.username.as_str().into(),
            "displayName" => self.display_name.as_str().into(),
            "miles" => look.number(self.miles),
            _ => look.number(self.earned),
        }
    }
}

pub(super) async fn run(args: MilesLeaderboardArgs, cx: &Context) -> Result<Outcome> {
    let since = args.since.as_deref().map(|at| args::time(cx, "since", at)).transpose()?;
    let until = args.until.as_deref().map(|at| args::time(cx, "until", at)).transpose()?;
    let database = cx.reader().await?;
    let airline_id = match &args.airline {
        Some(reference) => Some(reference::airline(database.conn(), reference).await?.airline_id),
        None => None,
    };
    let scope = Scope { since, until, airline_id };
    let places = leaderboard::places(database.conn(), &scope, (!args.all).then_some(args.limit)).await?;
    cx.ui
        .list(async |list| {
            places.iter().try_for_each(|place| list.push(place))?;
            Ok(())
        })
        .await?;
    Ok(Outcome::Done)
}
