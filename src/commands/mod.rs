//! The commands: one file each, in the order resolve, refuse, change, commit, say.
//!
//! They see domain, schema, backup and the context; what they share about arguments stands in [`args`], about rows that
//! they read from files in [`records`].

mod airline;
pub mod args;
mod brand;
mod change;
pub mod completions;
mod config;
mod db;
mod flight;
mod listing;
mod man;
mod miles;

mod product;
pub mod records;
pub mod rejects;
mod user;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Outcome, Result};

/// What a command is about.
#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Look after the database itself: schema, migrations, backups
    #[command(subcommand, visible_alias = "schema")]
    Db(db::Verb),
    /// Look after the people who fly
    #[command(subcommand, visible_alias = "users")]
    User(user::Verb),
    /// Look after the airlines and their tokens
    #[command(subcommand, visible_alias = "airlines")]
    Airline(airline::Verb),
    /// Look after the brands that airlines fly under
    #[command(subcommand, visible_alias = "brands")]
    Brand(brand::Verb),
    /// Plan, fly and board flights
    #[command(subcommand, visible_alias = "flights")]
    Flight(flight::Verb),
    /// Look after what airlines sell for miles
    #[command(subcommand, visible_alias = "products")]
    Product(product::Verb),
    /// Award, spend, redeem, reverse and prove miles
    #[command(subcommand)]
    Miles(miles::Verb),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Verb),
    /// Print the script that makes a shell complete skyteam
    #[command(subcommand)]
    Completions(completions::Verb),
    /// Write manual pages
    #[command(after_help = man::EXAMPLES)]
    Man(man::Args),
}

impl Noun {
    /// Runs it. `tree` is the command tree that it is a part of.
    ///
    /// # Errors
    /// The command's.
    pub async fn run(self, cx: &Context, tree: clap::Command) -> Result<Outcome> {
        match self {
            Self::Db(verb) => verb.run(cx).await,
            Self::User(verb) => verb.run(cx).await,
            Self::Airline(verb) => verb.run(cx).await,
            Self::Brand(verb) => verb.run(cx).await,
            Self::Flight(verb) => verb.run(cx).await,
            Self::Product(verb) => verb.run(cx).await,
            Self::Miles(verb) => verb.run(cx).await,
            Self::Config(verb) => verb.run(cx),
            Self::Completions(verb) => verb.run(cx),
            Self::Man(args) => man::run(args, cx, tree),
        }
    }
}
