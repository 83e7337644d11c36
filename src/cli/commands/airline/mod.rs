//! `airline`: the members of the alliance.

mod add;
mod delete;
mod edit;
mod list;
mod row;
mod secret;
mod show;
mod token;

use clap::Subcommand;

pub(super) use row::AirlineView;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with airlines.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Add an airline and print its token, once
    #[command(after_help = add::EXAMPLES)]
    Add(add::AirlineAddArgs),
    /// List airlines
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::AirlineListArgs),
    /// Show an airline and count its brands, flights and products
    #[command(after_help = show::EXAMPLES)]
    Show(show::AirlineShowArgs),
    /// Change an airline's name or links
    #[command(after_help = edit::EXAMPLES)]
    Edit(edit::AirlineEditArgs),
    /// Delete an airline that nothing refers to
    #[command(visible_alias = "rm", after_help = delete::EXAMPLES)]
    Delete(delete::AirlineDeleteArgs),
    /// Look after an airline's token
    #[command(
        subcommand,
        after_help = "Examples:\n  skyteam airline token show delta\n  skyteam airline token rotate delta"
    )]
    Token(token::Verb),
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
            Self::Delete(args) => delete::run(args, cx).await,
            Self::Token(verb) => verb.run(cx).await,
        }
    }
}
