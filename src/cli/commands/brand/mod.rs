//! `brand`: the names, codes and colours under which airlines fly.

mod add;
mod delete;
mod edit;
mod list;
mod primary;
mod row;
mod show;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with brands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Add a brand; an airline's first becomes its primary one
    #[command(after_help = add::EXAMPLES)]
    Add(Box<add::BrandAddArgs>),
    /// List brands
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::BrandListArgs),
    /// Show a brand
    #[command(after_help = show::EXAMPLES)]
    Show(show::BrandShowArgs),
    /// Change a brand's name, codes, colours or logo
    #[command(after_help = edit::EXAMPLES)]
    Edit(Box<edit::BrandEditArgs>),
    /// Make a brand the primary one of its airline
    #[command(after_help = primary::EXAMPLES)]
    Primary(primary::BrandPrimaryArgs),
    /// Delete a brand that no flight refers to
    #[command(visible_alias = "rm", after_help = delete::EXAMPLES)]
    Delete(delete::BrandDeleteArgs),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Add(args) => add::run(*args, cx).await,
            Self::List(args) => list::run(args, cx).await,
            Self::Show(args) => show::run(args, cx).await,
            Self::Edit(args) => edit::run(*args, cx).await,
            Self::Primary(args) => primary::run(args, cx).await,
            Self::Delete(args) => delete::run(args, cx).await,
        }
    }
}
