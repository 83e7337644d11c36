//! `user`: the people who fly.

mod add;
mod edit;
mod erase;
mod export;
mod flights;
mod import;
mod list;
mod show;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Add a user
    #[command(after_help = add::EXAMPLES)]
    Add(add::UserAddArgs),
    /// List users
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::UserListArgs),
    /// Show a user, their rank, totals and last movements
    #[command(after_help = show::EXAMPLES)]
    Show(show::UserShowArgs),
    /// Change a user's names or picture
    #[command(after_help = edit::EXAMPLES)]
    Edit(edit::UserEditArgs),
    /// List the flights a user boarded, with the miles for each
    #[command(after_help = flights::EXAMPLES)]
    Flights(flights::UserFlightsArgs),
    /// Add and change many users from a file
    #[command(after_help = import::EXAMPLES)]
    Import(import::UserImportArgs),
    /// Write everything stored about one person as JSON
    #[command(after_help = export::EXAMPLES)]
    Export(export::UserExportArgs),
    /// Erase a person from every table, leaving the ledger's sums true
    #[command(after_help = erase::EXAMPLES)]
    Erase(erase::UserEraseArgs),
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
            Self::Flights(args) => flights::run(args, cx).await,
            Self::Import(args) => import::run(args, cx).await,
            Self::Export(args) => export::run(args, cx).await,
            Self::Erase(args) => erase::run(args, cx).await,
        }
    }
}
