//! The flags that every command takes. The environment is read by [`super::Settings`], not by clap, whose help would
//! show its values.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::cli::ui::Format;
use crate::db::DatabaseUrl;
use crate::message::DatabaseFlag;

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Global {
    /// Database to use: postgres://…, postgresql://… or sqlite:PATH [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Database", display_order = 900)]
    pub database_url: Option<String>,
    /// Profile of the configuration file to use [env: SKYTEAM_PROFILE]
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Database", display_order = 901)]
    pub profile: Option<String>,
    /// Most connections at once
    #[arg(
        long,
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "Database",
        hide_short_help = true,
        display_order = 902
    )]
    pub max_connections: Option<u32>,
    /// Seconds until an unused connection is closed
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "Database",
        hide_short_help = true,
        display_order = 902
    )]
    pub idle_timeout: Option<u64>,
    /// Seconds to wait for a connection
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "Database",
        hide_short_help = true,
        display_order = 903
    )]
    pub connect_timeout: Option<u64>,
    /// Milliseconds that one statement may run; 0: the server's own limit
    #[arg(
        long,
        global = true,
        value_name = "MS",
        help_heading = "Database",
        hide_short_help = true,
        display_order = 904
    )]
    pub statement_timeout: Option<u64>,
    /// Milliseconds that a schema change waits for a lock [default: 3000]
    #[arg(
        long,
        global = true,
        value_name = "MS",
        value_parser = clap::value_parser!(u64).range(1..),
        help_heading = "Database",
        hide_short_help = true,
        display_order = 905
    )]
    pub lock_timeout: Option<u64>,

    /// Format of the answer
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", help_heading = "Output", display_order = 910)]
    pub output: Option<Format>,
    /// Same as --output json
    #[arg(long, global = true, help_heading = "Output", conflicts_with = "output", display_order = 911)]
    pub json: bool,
    /// Columns to show, in this order
    #[arg(
        long,
        global = true,
        value_name = "A,B,C",
        value_delimiter = ',',
        help_heading = "Output",
        display_order = 912
    )]
    pub columns: Option<Vec<String>>,
    /// Show all columns of a table
    #[arg(long, global = true, help_heading = "Output", display_order = 913)]
    pub wide: bool,
    /// Leave the header out
    #[arg(long, global = true, help_heading = "Output", display_order = 914)]
    pub no_header: bool,
    /// Defuse CSV cells that a spreadsheet would run as formulas, by an apostrophe before them [default: auto]
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "always",
        help_heading = "Output",
        hide_short_help = true,
        display_order = 915
    )]
    pub csv_safe: Option<CsvSafe>,
    /// Colour of the answer and of messages
    #[arg(long, global = true, value_enum, value_name = "WHEN", help_heading = "Output", display_order = 916)]
    pub color: Option<Color>,
    /// Zone in which naive times are read and tables are shown, such as Europe/Paris [env: SKYTEAM_TZ] [default: UTC]
    #[arg(long, global = true, value_name = "ZONE", help_heading = "Output", display_order = 917)]
    pub tz: Option<String>,
    /// Errors only
    #[arg(short, long, global = true, help_heading = "Output", conflicts_with = "verbose", display_order = 918)]
    pub quiet: bool,
    /// Say the steps; twice: SQL and timings too
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output", display_order = 919)]
    pub verbose: u8,

    /// Print long answers straight, without a pager
    #[arg(long, global = true, help_heading = "Output", display_order = 919)]
    pub no_pager: bool,
    /// Print the version, with the commit and its day
    #[arg(
        short = 'V',
        long,
        global = true,
        action = clap::ArgAction::Version,
        help_heading = "Output",
        display_order = 919
    )]
    pub version: Option<bool>,

    /// Run it for real in a transaction, report, roll back
    #[arg(short = 'n', long, global = true, help_heading = "Writing", display_order = 920)]
    pub dry_run: bool,
    /// Answer yes/no questions with yes
    #[arg(short, long, global = true, help_heading = "Writing", display_order = 921)]
    pub yes: bool,
    /// Stand in for typing NAME where data would be lost
    #[arg(long, global = true, value_name = "NAME", help_heading = "Writing", display_order = 922)]
    pub confirm: Option<String>,
    /// Never ask
    #[arg(long, global = true, help_heading = "Writing", display_order = 923)]
    pub no_input: bool,
    /// Who does it, for the ledger [env: SKYTEAM_ACTOR] [default: the operating system's user]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Writing", display_order = 924)]
    pub actor: Option<String>,
}

/// When CSV cells are defused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CsvSafe {
    /// Where a person reads: on a terminal, and in a file named .csv
    Auto,
    /// Always
    Always,
    /// Never: for programs
    Never,
}

/// When colour is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Global {
    /// The flag that names the database, as it is to be repeated in a command. Never with a password: where the URL
    /// has one, it comes from PGPASSWORD or the password file, or the login is refused.
    pub(crate) fn names_database(&self) -> Option<DatabaseFlag> {
        if let Some(name) = &self.profile {
            return Some(DatabaseFlag::new("-p", name));
        }
        let url = DatabaseUrl::parse(self.database_url.as_deref()?).ok()?;
        Some(DatabaseFlag::new("--database-url", url.without_password()))
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Table,
            Self::Json,
            Self::Ndjson,
            Self::Csv,
            Self::Md,
            Self::Sql,
            Self::Mermaid,
            Self::Drizzle,
            Self::Prometheus,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Table => PossibleValue::new("table").help("For people"),
            Self::Json => PossibleValue::new("json").help("One document: an array for a list, an object for one thing"),
            Self::Ndjson => PossibleValue::new("ndjson").help("One object a line"),
            Self::Csv => PossibleValue::new("csv").help("RFC 4180, with a header"),
            Self::Md => PossibleValue::new("md")
                .help("Markdown, for Discord: tables in a block of code, which keeps their columns straight"),
            // Of one command or two; their help says so.
            Self::Sql => PossibleValue::new("sql").hide(true).help("SQL; db diff and db schema only"),
            Self::Mermaid => PossibleValue::new("mermaid").hide(true).help("A Mermaid diagram; db schema only"),
            Self::Drizzle => {
                PossibleValue::new("drizzle").hide(true).help("TypeScript for Drizzle ORM; db schema only")
            }
            Self::Prometheus => {
                PossibleValue::new("prometheus").hide(true).help("Metrics for node_exporter; db doctor only")
            }
        })
    }
}
