//! The commands: one file each, in the order resolve, refuse, change, commit, print.
//!
//! They see the engines and the context; what they share about arguments is in [`args`], about rows that
//! they read from files in [`records`].

mod airline;
pub(crate) mod args;
mod award_guard;
mod brand;
mod change;
pub(crate) mod completions;
mod config;
mod db;
mod extra;
mod flight;
mod help;
mod listing;
mod man;
mod miles;
mod openings;
mod product;
pub(crate) mod records;
pub(crate) mod rejects;
mod table_row;
mod user;
mod watch;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};
use crate::{directory, entity};

/// What a command is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Look after the database itself: schema, migrations, backups
    #[command(
        subcommand,
        visible_alias = "schema",
        after_help = "Examples:\n  skyteam db push --dry-run\n  skyteam db backup /var/backups/skyteam"
    )]
    Db(db::Verb),
    /// Look after the people who fly
    #[command(
        subcommand,
        visible_alias = "users",
        after_help = "Examples:\n  skyteam user list --sort -miles --limit 10\n  skyteam user show pilot123"
    )]
    User(user::Verb),
    /// Look after the airlines and their tokens
    #[command(
        subcommand,
        visible_alias = "airlines",
        after_help = "Examples:\n  skyteam airline list\n  skyteam airline show delta"
    )]
    Airline(airline::Verb),
    /// Look after the brands that airlines fly under
    #[command(
        subcommand,
        visible_alias = "brands",
        after_help = "Examples:\n  skyteam brand list --airline delta\n  skyteam brand show DL"
    )]
    Brand(brand::Verb),
    /// Plan, fly and board flights
    #[command(
        subcommand,
        visible_alias = "flights",
        after_help = "Examples:\n  skyteam flight list --status live\n  skyteam flight start DL123"
    )]
    Flight(flight::Verb),
    /// Look after what airlines sell for miles
    #[command(
        subcommand,
        visible_alias = "products",
        after_help = "Examples:\n  skyteam product list --active\n  skyteam product disable a1b2c3"
    )]
    Product(product::Verb),
    /// Award, spend, redeem, reverse and prove miles
    #[command(
        subcommand,
        after_help = "Examples:\n  skyteam miles award pilot123 500 --note 'Event winner'\n  skyteam miles balance pilot123"
    )]
    Miles(miles::Verb),
    /// Show the settings, and say whose are read
    #[command(
        subcommand,
        after_help = "Examples:\n  skyteam config show\n  skyteam config show --profile prod -o json"
    )]
    Config(config::Verb),
    /// Make a shell complete skyteam: install its script, or print it
    #[command(
        subcommand,
        after_help = "Examples:\n  skyteam completions install\n  source <(skyteam completions bash)"
    )]
    Completions(completions::Verb),
    /// Show the page of a command, or explain a topic
    #[command(after_help = help::EXAMPLES)]
    Help(help::HelpArgs),
    /// Write manual pages
    #[command(after_help = man::EXAMPLES)]
    Man(man::ManArgs),
}

/// The columns of a list by its command, such as `user list`; none for what is no list.
pub(crate) fn columns(command: &str) -> Vec<&'static str> {
    use listing::columns;
    match command {
        "user list" => columns::<entity::user::Model>(),
        "user flights" => columns::<directory::user::list::Boarded>(),
        "airline list" => columns::<airline::AirlineView>(),
        "brand list" => columns::<entity::brand::Model>(),
        "flight list" => columns::<flight::FlightView>(),
        "flight manifest show" => columns::<directory::flight::roster::OnBoard>(),
        "product list" => columns::<entity::miles_product::Model>(),
        "miles history" => columns::<crate::ledger::history::Line>(),
        "miles leaderboard" => columns::<crate::ledger::leaderboard::Place>(),
        "miles audit" => columns::<miles::Found>(),
        "db backups" => columns::<db::Line>(),
        _ => Vec::new(),
    }
}

impl Noun {
    /// Whether it only prints what this program knows by itself, whatever the settings say.
    pub(crate) fn needs_no_settings(&self) -> bool {
        matches!(
            self,
            Self::Completions(_)
                | Self::Help(_)
                | Self::Man(_)
                | Self::Db(db::Verb::Schema(_))
                | Self::Config(config::Verb::Init(_) | config::Verb::Path | config::Verb::Trust(_))
        )
    }

    /// Runs it. `tree` is the command tree that it is a part of.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context, tree: clap::Command) -> Result<Outcome> {
        match self {
            Self::Db(verb) => verb.run(cx).await,
            Self::User(verb) => verb.run(cx).await,
            Self::Airline(verb) => verb.run(cx).await,
            Self::Brand(verb) => verb.run(cx).await,
            Self::Flight(verb) => verb.run(cx).await,
            Self::Product(verb) => verb.run(cx).await,
            Self::Miles(verb) => verb.run(cx).await,
            Self::Config(verb) => verb.run(cx).await,
            Self::Completions(verb) => verb.run(cx),
            Self::Help(args) => help::run(&args, cx, tree),
            Self::Man(args) => man::run(args, cx, tree),
        }
    }
}
