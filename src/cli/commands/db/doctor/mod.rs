//! `db doctor`: the troubleshooting guide as a program.
//!
//! Every check returns what it looked at, what it found, and, where that is wrong, the command that repairs it.

mod backups;
mod configuration;
mod data;
mod prometheus;
mod rights;
mod schema;
mod server;
mod trust;

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::place;
use crate::cli::context::Context;
use crate::cli::ui::report::{Listing, Row};
use crate::cli::ui::{Cell, Column, Format, Page, RenderOptions, Tone};
use crate::error::{Error, Outcome, Result};
use crate::message::{Message, message};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db doctor
  skyteam db doctor /var/backups/skyteam
  skyteam db doctor -o json --profile prod
  skyteam db doctor /var/backups/skyteam -o prometheus

-o prometheus is for the textfile collector of node_exporter; redirect it into a file beside the collector's, and rename that.";

/// How bad a finding is. Worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warning,
    Ok,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Ok => "ok",
        }
    }
}

/// One look at one thing.
#[derive(Clone, Debug, Serialize)]
struct Check {
    level: Level,
    area: &'static str,
    name: &'static str,
    found: Message,
    fix: Option<Message>,
    /// The figure that a monitor gets: how many rows are wrong, or the time of a backup in seconds.
    #[serde(skip)]
    measured: Option<i64>,
}

impl Check {
    /// The same with what was measured.
    fn measuring(self, measured: i64) -> Self {
        Self { measured: Some(measured), ..self }
    }

    fn ok(area: &'static str, name: &'static str, found: impl Into<Message>) -> Self {
        Self { level: Level::Ok, area, name, found: found.into(), fix: None, measured: None }
    }

    fn warning(area: &'static str, name: &'static str, found: impl Into<Message>, fix: impl Into<Message>) -> Self {
        Self { level: Level::Warning, area, name, found: found.into(), fix: Some(fix.into()), measured: None }
    }

    fn error(area: &'static str, name: &'static str, found: impl Into<Message>, fix: impl Into<Message>) -> Self {
        Self { level: Level::Error, area, name, found: found.into(), fix: Some(fix.into()), measured: None }
    }

    /// A check that could not be made at all.
    fn failed(area: &'static str, name: &'static str, error: &Error) -> Self {
        let found =
            error.reasons().first().map_or_else(|| error.what().clone(), |why| message!("{}: {}", error.what(), why));
        let fix = error.fixes().first().cloned();
        Self { level: Level::Error, area, name, found, fix, measured: None }
    }
}

impl Row for Check {
    const COLUMNS: &'static [Column] = &[
        Column::text("level"),
        Column::text("area"),
        Column::text("name"),
        Column::text("found"),
        Column::text("fix"),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        let shown =
            |message: &Message| Cell::new(if look.human { message.shown(look.zone) } else { message.to_string() });
        match column {
            "level" => Cell::new(self.level.name()),
            "area" => Cell::new(self.area),
            "name" => Cell::new(self.name),
            "found" => shown(&self.found),
            _ => self.fix.as_ref().map_or_else(Cell::empty, shown),
        }
    }
}

struct Findings {
    checks: Vec<Check>,
    /// Whether only what is wrong is said.
    quiet: bool,
}

impl Listing for Findings {
    type Row = Check;

    fn rows(&self) -> &[Check] {
        &self.checks
    }

    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        for check in &self.checks {
            let (mark, tone) = match check.level {
                Level::Error => ("✗", Tone::Bad),
                Level::Warning => ("!", Tone::Warn),
                Level::Ok => ("✓", Tone::Good),
            };
            page.words(&[
                Cell::new(mark).tone(tone),
                Cell::new(format!("{}: {}", check.area, check.name)).tone(Tone::Strong),
                Cell::new(format!(" {}", page.shown(&check.found))),
            ])?;
            if let Some(fix) = &check.fix {
                page.words(&[Cell::new("    fix").tone(Tone::Dim), Cell::new(page.shown(fix))])?;
            }
        }
        if self.quiet {
            return Ok(());
        }
        let count = |level| self.checks.iter().filter(|check| check.level == level).count();
        page.gap()?;
        page.line(format!(
            "{} failed, {} to look at, {} fine",
            count(Level::Error),
            count(Level::Warning),
            count(Level::Ok)
        ))
    }
}

/// Arguments of `db doctor`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbDoctorArgs {
    /// Folder or URL of the backups, whose notes say when one was last proved [default: the current folder]
    #[arg(value_name = "DIR|URL", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub(super) async fn run(args: DbDoctorArgs, cx: &Context) -> Result<Outcome> {
    let store = place::store(args.dir.as_deref(), cx);
    let mut checks = configuration::check(cx);
    match cx.reader().await {
        Err(error) => checks.push(Check::failed("server", "connection", &error)),
        Ok(database) => {
            checks.extend(server::check(&database, cx).await);
            checks.extend(rights::check(&database, cx).await);
            checks.extend(trust::check(&database).await);
            let (found, laid) = schema::check(&database, cx).await;
            checks.extend(found);
            // There is nothing there to check.
            if laid {
                checks.extend(data::check(&database, cx).await);
                checks.extend(backups::archivable(&database).await);
                checks.extend(backups::restorable(&database).await);
            }
            checks.extend(backups::check(&database, store, cx).await);
            checks.extend(backups::leftovers(&database).await);
            checks.extend(place::folder(args.dir.as_deref(), cx).and_then(|folder| backups::folder(&folder, cx)));
        }
    }
    for check in &mut checks {
        check.found = cx.ui.here(&check.found);
        check.fix = check.fix.take().map(|fix| cx.ui.here(fix));
    }
    // Stable: within a level the areas stay in the order in which they were looked at.
    checks.sort_by_key(|check| check.level);
    if cx.ui.format() == Format::Prometheus {
        cx.ui.raw(prometheus::exposition(&checks, cx.now))?;
    }
    let failed = checks.iter().any(|check| check.level == Level::Error);
    if cx.ui.is_quiet() {
        checks.retain(|check| check.level != Level::Ok);
    }
    // What programs read is there in any case, perhaps empty.
    if cx.ui.format() != Format::Prometheus
        && !(cx.ui.is_quiet() && checks.is_empty() && cx.ui.format().is_for_people())
    {
        cx.ui.listing(&Findings { checks, quiet: cx.ui.is_quiet() }).await?;
    }
    Ok(if failed { Outcome::Found } else { Outcome::Done })
}
