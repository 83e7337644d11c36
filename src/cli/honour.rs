//! Global flags that a command cannot honour are refused, so that none is silently ignored.

use clap::ValueEnum;

use crate::cli::settings::Global;
use crate::cli::ui::Format;
use crate::error::{Error, Kind, Result};
use crate::message::message;

/// The kinds of global flags that some commands have no use for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Which database, and how it is opened.
    Database,
    /// Which columns an answer shows, and how.
    Columns,
    /// `--output`.
    Format,
    /// `--dry-run`.
    DryRun,
    /// `--actor`.
    Actor,
    /// `--tz`.
    Zone,
    /// What no command refuses.
    Asking,
}

/// What `command` (`db shell`) cannot honour, and why.
fn refused(command: &str) -> &'static [(Part, &'static str)] {
    use Part::{Actor, Columns, Database, DryRun, Format, Zone};
    const NO_DATABASE: &str = "it uses no database";
    const IS_SCRIPT: &str = "it prints a script";
    const IS_TEXT: &str = "it prints a text to read";
    const PSQL: &str = "what psql or sqlite3 does and prints is asked of them, behind --";
    match command.split(' ').next() {
        Some("completions") if command == "completions install" => &[(Database, NO_DATABASE)],
        Some("completions") => &[(Database, NO_DATABASE), (Format, IS_SCRIPT), (Columns, IS_SCRIPT)],
        Some("help") => &[(Database, NO_DATABASE), (Format, IS_TEXT), (Columns, IS_TEXT), (Zone, IS_TEXT)],
        Some("man") => &[(Database, NO_DATABASE), (DryRun, "it writes files, and shows nothing else")],
        _ => match command {
            "config keygen" => &[(Database, NO_DATABASE), (DryRun, "it makes a file, and shows nothing else")],
            "config trust" | "config init" | "config path" => &[(Database, NO_DATABASE)],
            "db schema" => &[(Database, "it shows what the entities ask for; --engine names the engine")],
            "db shell" => &[
                (DryRun, "psql and sqlite3 run for real whatever they are given; BEGIN and ROLLBACK rehearse there"),
                (Format, PSQL),
                (Columns, PSQL),
                (Actor, PSQL),
                (Zone, PSQL),
            ],
            "db studio" => &[
                (DryRun, "each action of the page is rehearsed there"),
                (Columns, "it answers one link; the page has a chooser of columns"),
            ],
            "user export" => &[(Columns, "an export is whole")],
            _ => &[],
        },
    }
}

/// Commands that change nothing that lasts: they ask nothing and record no actor.
const READS: &[&str] = &[
    "airline list",
    "airline show",
    "airline token whois",
    "brand list",
    "brand show",
    "config path",
    "config show",
    "db activity",
    "db backups",
    "db diff",
    "db doctor",
    "db info",
    "db schema",
    "db status",
    "flight list",
    "flight manifest export",
    "flight manifest show",
    "flight show",
    "help",
    "miles balance",
    "miles history",
    "miles leaderboard",
    "miles statement",
    "product list",
    "product show",
    "user export",
    "user flights",
    "user list",
    "user show",
];

/// The formats that every command answers in, but those that refuse `--output`.
pub(super) const FORMATS: [&str; 5] = ["table", "json", "ndjson", "csv", "md"];

/// The formats that only `command` answers in.
pub(super) fn own_formats(command: &str) -> &'static [&'static str] {
    match command {
        "db diff" => &["sql"],
        "db schema" => &["sql", "mermaid", "drizzle"],
        "db doctor" => &["prometheus"],
        _ => &[],
    }
}

/// Whether the flag of this name means anything to `command`: a page lists only such.
pub(super) fn applies(command: &str, flag: &str) -> bool {
    let part = match flag {
        "database_url" | "profile" | "max_connections" | "idle_timeout" | "connect_timeout" | "statement_timeout"
        | "lock_timeout" => Part::Database,
        "columns" | "wide" | "no_header" | "csv_safe" => Part::Columns,
        "output" | "json" => Part::Format,
        "dry_run" => Part::DryRun,
        "actor" => Part::Actor,
        "tz" => Part::Zone,
        _ => Part::Asking,
    };
    if refused(command).iter().any(|(other, _)| *other == part) {
        return false;
    }
    let reads = READS.contains(&command)
        || matches!(command.split_once(' '), Some(("completions", shell)) if shell != "install");
    !(reads && matches!(flag, "dry_run" | "yes" | "confirm" | "actor"))
}

/// The flags of a kind that were given.
fn given(part: Part, flags: &Global) -> Option<&'static str> {
    let all: &[(&'static str, bool)] = match part {
        Part::Database => &[
            ("--database-url", flags.database_url.is_some()),
            ("--profile", flags.profile.is_some()),
            ("--max-connections", flags.max_connections.is_some()),
            ("--idle-timeout", flags.idle_timeout.is_some()),
            ("--connect-timeout", flags.connect_timeout.is_some()),
            ("--statement-timeout", flags.statement_timeout.is_some()),
            ("--lock-timeout", flags.lock_timeout.is_some()),
        ],
        Part::Columns => &[
            ("--columns", flags.columns.is_some()),
            ("--wide", flags.wide),
            ("--no-header", flags.no_header),
            ("--csv-safe", flags.csv_safe.is_some()),
        ],
        Part::Format => &[("--json", flags.json), ("--output", flags.output.is_some_and(|it| it != Format::Table))],
        Part::DryRun => &[("--dry-run", flags.dry_run)],
        Part::Actor => &[("--actor", flags.actor.is_some())],
        Part::Zone => &[("--tz", flags.tz.is_some())],
        Part::Asking => &[],
    };
    all.iter().find(|(_, given)| *given).map(|(name, _)| *name)
}

/// Refuses what `command` cannot honour.
///
/// # Errors
/// [`Kind::Usage`].
pub(super) fn check(command: &str, flags: &Global, format: Format) -> Result<()> {
    for (part, why) in refused(command) {
        if let Some(flag) = given(*part, flags) {
            let what = message!("skyteam {} cannot honour {}", &command, &flag);
            return Err(Error::new(Kind::Usage, "usage", what).why(*why));
        }
    }
    let name = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let own = own_formats(command);
    if FORMATS.contains(&name.as_str()) || own.contains(&name.as_str()) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, "usage", message!("skyteam {} cannot answer in the format {}", &command, &name))
        .why(message!("accepted here: {}", FORMATS.iter().chain(own).copied().collect::<Vec<_>>().join(", "))))
}
