//! `db rollback`: undoes the newest migrations.

use std::io;

use migration::Migration;
use serde::Serialize;

use super::planned::{self, PlanMode, RehearsalArgs};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::loss::by_migration;
use crate::error::{Outcome, Result};
use crate::message::{Message, message};
use crate::schema::migrate::{Descent, Event, Loss, MigrateOptions, Step, WayDown};
use crate::schema::{Wait, migrate};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db rollback
  skyteam db rollback --steps 2 --dry-run
  skyteam db rollback --to baseline --confirm skyteam";

/// Arguments of `db rollback`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbRollbackArgs {
    /// Undo this many migrations
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Undo all migrations after this one, named by its version or name
    #[arg(long, value_name = "VERSION", conflicts_with = "steps")]
    to: Option<String>,
    #[command(flatten)]
    rehearsal: RehearsalArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RolledBack {
    /// The newest version that is still on the record.
    version: Option<String>,
    undone: Vec<Step>,
    lost: Vec<Loss>,
    dry_run: bool,
}

impl Report for RolledBack {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let at = self.version.as_deref().unwrap_or("no version");
        match self.undone.len() {
            0 if self.version.is_some() => page.line(format!("Nothing to undo: the database is at {at}.")),
            0 => page.line("Nothing to undo: no migration is on the record."),
            count if self.dry_run => page
                .line(format!("Migrations undone: {count}; the database would be at {at}, had this been no dry run.")),
            count => page.line(format!("Migrations undone: {count}; the database is at {at}.")),
        }
    }
}

pub(super) async fn run(args: DbRollbackArgs, cx: &Context) -> Result<Outcome> {
    let migrations = migration::all();
    let descent = match args.to.as_deref() {
        Some(asked) => Descent::To(migrate::find(migrations, asked)?),
        None => Descent::Steps(args.steps as usize),
    };
    let database = cx.writer().await?;
    let manner = args.rehearsal.manner(cx, database.engine());
    let options = MigrateOptions { dry_run: !manner.lasts(), patience: planned::patience(cx) };

    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    let way = migrate::plan_down(&database, migrations, descent, &options.patience, wait).await?;
    let undone = if way.migrations.is_empty() {
        Vec::new()
    } else {
        show(cx, &way);
        manner.warn(cx, &way.pause);
        let ask = match manner {
            PlanMode::Rehearse => planned::rehearsal(cx, database.name()),
            _ => ask(database.name(), &way),
        };
        let approval = cx.approve(ask).await?;
        let tell = &mut |event: Event<'_>| match event {
            Event::Done(_) if !manner.lasts() => {}
            Event::Done(step) => cx.ui.note(message!("Undid {}_{} in {} ms.", &step.version, &step.name, step.took_ms)),
            Event::Waiting(wait) => planned::waiting(cx, &wait),
        };
        match manner {
            PlanMode::Plan => way.steps(),
            _ => migrate::down(&database, migrations, &way, options, approval, tell).await?,
        }
    };

    let version = way.stays.map(Migration::folder);
    cx.ui.report(&RolledBack { version, undone, lost: way.losses, dry_run: !manner.lasts() })?;
    manner.note(cx);
    Ok(Outcome::Done)
}

fn show(cx: &Context, way: &WayDown<'_>) {
    for migration in &way.migrations {
        cx.ui.note(message!("To undo: {}", migration.folder()));
    }
    for loss in &way.losses {
        cx.ui.warn(message!("lost is {}", by_migration(loss)));
    }
}

fn ask(name: &str, way: &WayDown<'_>) -> Ask {
    let count = way.migrations.len();
    let migrations = if count == 1 { "1 migration".to_owned() } else { format!("{count} migrations") };
    if way.losses.is_empty() {
        return Ask::changes(message!("Undo {} on {}?", &migrations, &name));
    }
    let lost = Message::joined(way.losses.iter().map(by_migration), ", ");
    Ask::loses(name, message!("Undoing {} loses {}.", migrations, lost))
}
