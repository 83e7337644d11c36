//! `product`: what airlines sell for miles.

mod add;
mod delete;
mod edit;
mod list;
mod row;
mod show;
mod switch;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with products.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Add a product under a new id of 6 characters
    #[command(after_help = add::EXAMPLES)]
    Add(add::ProductAddArgs),
    /// List products
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::ProductListArgs),
    /// Show a product, how often it was redeemed and who can afford it
    #[command(after_help = show::EXAMPLES)]
    Show(show::ProductShowArgs),
    /// Change a product's name, description or price
    #[command(after_help = edit::EXAMPLES)]
    Edit(edit::ProductEditArgs),
    /// Put a product on sale
    #[command(
        after_help = "Examples:\n  skyteam product enable k20000\n  skyteam product enable 'klm/Retired Tag' --yes"
    )]
    Enable(switch::ProductSwitchArgs),
    /// Take a product off sale; what was redeemed stays
    #[command(
        after_help = "Examples:\n  skyteam product disable a1b2c3\n  skyteam product disable 'delta/Sky Club Pass' --yes"
    )]
    Disable(switch::ProductSwitchArgs),
    /// Delete a product that was never redeemed
    #[command(visible_alias = "rm", after_help = delete::EXAMPLES)]
    Delete(delete::ProductDeleteArgs),
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
            Self::Enable(args) => switch::run(args, true, cx).await,
            Self::Disable(args) => switch::run(args, false, cx).await,
            Self::Delete(args) => delete::run(args, cx).await,
        }
    }
}
