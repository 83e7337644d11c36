//! `user`: the people who fly.

mod list;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Outcome, Result};

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List users
    #[command(visible_alias = "ls", after_help = list::EXAMPLES)]
    List(list::Args),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::List(args) => list::run(args, cx).await,
        }
    }
}
