//! `db migrate`: the pending migrations, each in a transaction of its own.

use std::io;

use migration::Migration;
use migration::history::Via;
use serde::Serialize;

use super::planned;
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::settings::ProfileKind;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::loss::by_migration;
use crate::error::{Outcome, Result};
use crate::message::{Message, message, skyteam};
use crate::schema::migrate::{Event, Loss, MigrateOptions, Step};
use crate::schema::{Wait, migrate};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db migrate
  skyteam db migrate --dry-run
  skyteam db migrate --to 20261123000000
  skyteam db migrate --baseline --to baseline";

/// Arguments of `db migrate`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbMigrateArgs {
    /// Go up to this migration, named by its version or name [default: the newest]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Only record that the database is at this version, and run nothing
    #[arg(long)]
    baseline: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Migrated {
    /// The newest version that is on the record now.
    version: Option<String>,
    applied: Vec<Step>,
    dry_run: bool,
}

impl Report for Migrated {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let at = self.version.as_deref().unwrap_or("no version");
        if self.applied.is_empty() {
            return page.line(format!("Nothing to do: the database is at {at}."));
        }
        let ran = self.applied.iter().filter(|step| step.via != Via::Baseline.as_str()).count();
        let said = match (ran, self.applied.len() - ran) {
            (ran, 0) => format!("Migrations applied: {ran}"),
            (0, recorded) => format!("Migrations recorded: {recorded}"),
            (ran, recorded) => format!("Migrations recorded: {recorded}, applied: {ran}"),
        };
        if self.dry_run {
            page.line(format!("{said}; the database would be at {at}, had this been no dry run."))
        } else {
            page.line(format!("{said}; the database is at {at}."))
        }
    }
}

pub(super) async fn run(args: DbMigrateArgs, cx: &Context) -> Result<Outcome> {
    let migrations = migration::all();
    let to = args.to.as_deref().map(|asked| migrate::find(migrations, asked)).transpose()?;
    let manner = MigrateOptions { dry_run: cx.answers.dry_run, patience: planned::patience(cx) };
    let database = cx.creator().await?;

    let applied = if args.baseline {
        let approval = cx.approve(Ask::adds()).await?;
        migrate::baseline(&database, migrations, to, manner, approval, &mut |event| tell(cx, &event)).await?
    } else {
        let (outlook, losses) =
            migrate::plan_up(&database, migrations, to, manner, &mut |event| tell(cx, &event)).await?;
        let pending = outlook.pending(to);
        show(cx, &pending, &losses);
        let approval = cx.approve(ask(cx, database.name(), &pending, &losses)).await?;
        migrate::up(&database, migrations, to, manner, approval, &mut |event| tell(cx, &event)).await?
    };

    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    let outlook = migrate::look(&database, migrations, &manner.patience, wait).await?;
    let version = match applied.last() {
        Some(step) => Some(format!("{}_{}", step.version, step.name)),
        None => outlook.version().map(Migration::folder),
    };
    if applied.is_empty() && !migrate::drift(&database, migrations, &manner.patience, wait).await?.is_empty() {
        cx.ui.warn(message!("the database is not what its migrations made: see {}", skyteam("db diff")));
    }
    cx.ui.report(&Migrated { version, applied, dry_run: manner.dry_run })?;
    if manner.dry_run {
        cx.ui.note("Dry run: rolled back, nothing was changed.");
    }
    Ok(Outcome::Done)
}

/// What is about to run. Losses are always shown, the list where something is asked or `-v` is given.
fn show(cx: &Context, pending: &[&Migration], losses: &[Loss]) {
    for migration in pending {
        cx.ui.step(format!("pending  {}", migration.folder()));
    }
    for loss in losses {
        cx.ui.warn(message!("lost is {}", by_migration(loss)));
    }
}

fn ask(cx: &Context, name: &str, pending: &[&Migration], losses: &[Loss]) -> Ask {
    let folders: Vec<String> = pending.iter().map(|migration| migration.folder()).collect();
    if !losses.is_empty() {
        let lost = Message::joined(losses.iter().map(by_migration), ", ");
        return Ask::loses(name, message!("{} would lose {}.", folders.join(", "), lost));
    }
    if cx.settings.kind.value == ProfileKind::Production && !folders.is_empty() {
        return Ask::changes(format!("Run {} on {name}?", folders.join(", ")));
    }
    Ask::adds()
}

/// Says what happens while migrations run.
fn tell(cx: &Context, event: &Event<'_>) {
    match event {
        Event::Done(step) if step.via == Via::Baseline.as_str() => {
            cx.ui.note(format!("Recorded {}_{} without running it.", step.version, step.name));
        }
        Event::Done(step) => cx.ui.note(format!("Applied {}_{} in {} ms.", step.version, step.name, step.took_ms)),
        Event::Waiting(wait) => planned::waiting(cx, wait),
    }
}
