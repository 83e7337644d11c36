//! `flight`: what flies, flew and will fly.

mod add;
mod board;
mod delete;
mod edit;
mod end;
mod list;
mod manifest;
mod reap;
mod row;
mod show;
mod start;

use clap::Subcommand;

pub(super) use row::FlightView;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with flights.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Schedule a flight
    #[command(after_help = add::EXAMPLES)]
    Add(add::FlightAddArgs),
    /// List flights
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::FlightListArgs),
    /// Show one flight with its airline, brand and manifest in numbers
    #[command(after_help = show::EXAMPLES)]
    Show(show::FlightShowArgs),
    /// Change what is planned for a flight
    #[command(after_help = edit::EXAMPLES)]
    Edit(edit::FlightEditArgs),
    /// Let a flight take off
    #[command(after_help = start::EXAMPLES)]
    Start(start::FlightStartArgs),
    /// Let a flight land, or call it off
    #[command(after_help = end::EXAMPLES)]
    End(end::FlightEndArgs),
    /// Take a user on board and pay the miles, once
    #[command(after_help = board::EXAMPLES)]
    Board(board::FlightBoardArgs),
    /// Look at who is on board, or take over a list
    #[command(
        subcommand,
        after_help = "Examples:\n  skyteam flight manifest show DL123\n  skyteam flight manifest import DL123 flown.csv --miles 500"
    )]
    Manifest(manifest::Verb),
    /// End flights whose game server died
    #[command(after_help = reap::EXAMPLES)]
    Reap(reap::FlightReapArgs),
    /// Delete a flight that has no passengers
    #[command(visible_alias = "rm", after_help = delete::EXAMPLES)]
    Delete(delete::FlightDeleteArgs),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Add(args) => add::run(args, cx).await,
            Self::List(args) => list::run(args, cx).await,
            Self::Show(args) => show::run(args, cx).await,
            Self::Edit(args) => edit::run(args, cx).await,
            Self::Start(args) => start::run(args, cx).await,
            Self::End(args) => end::run(args, cx).await,
            Self::Board(args) => board::run(args, cx).await,
            Self::Manifest(verb) => verb.run(cx).await,
            Self::Reap(args) => reap::run(args, cx).await,
            Self::Delete(args) => delete::run(args, cx).await,
        }
    }
}
