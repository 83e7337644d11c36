//! `db migrate`: the pending migrations, each in a transaction of its own.

use std::io;

use migration::Migration;
use migration::history::Via;
use serde::Serialize;

use super::online::{self, OnlineView};
use super::planned::{self, LiveArgs, PlanMode};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::settings::ProfileKind;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::loss::by_migration;
use crate::error::{Outcome, Result};
use crate::message::{Message, message, skyteam};
use crate::schema::migrate::{Event, Loss, MigrateOptions, Step, WayUp};
use crate::schema::{Wait, migrate};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db migrate
  skyteam db migrate --dry-run
  skyteam db migrate --online          # beside live traffic
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
    #[command(flatten)]
    live: LiveArgs,
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
    if args.live.online {
        // Before an SQLite file is made.
        online::only_on_postgres(cx.url()?.engine(), "db migrate")?;
    }
    let database = args.live.rehearsal.creator(cx).await?;
    let manner = args.live.rehearsal.manner(cx, database.engine());
    let options = MigrateOptions { dry_run: !manner.lasts(), patience: planned::patience(cx) };

    let applied = if args.baseline {
        let approval = cx.approve(Ask::adds()).await?;
        migrate::baseline(&database, migrations, to, options, approval, &mut |event| tell(cx, manner, &event)).await?
    } else {
        let way = migrate::plan_up(&database, migrations, to, options, &mut |event| tell(cx, manner, &event)).await?;
        show(cx, &way.outlook.pending(to), &way.losses);
        if !args.live.online {
            manner.warn(cx, &way.pause);
        }
        let approval = cx.approve(ask(cx, database.name(), &way, to, manner, args.live.online)).await?;
        if args.live.online && !way.outlook.pending(to).is_empty() {
            let policy = options.patience;
            let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
            let ready = migrate::prepare_online(&database, &way, to, &policy, wait).await?;
            if manner.lasts() {
                let mut view = OnlineView::new(cx);
                migrate::up_online(&database, &ready, &policy, approval, &mut |event| view.show(&event)).await?
            } else {
                way.steps(to)
            }
        } else if manner == PlanMode::Plan {
            let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
            migrate::check(&database, migrations, to, &options.patience, wait).await?;
            way.steps(to)
        } else {
            migrate::up(&database, migrations, to, options, approval, &mut |event| tell(cx, manner, &event)).await?
        }
    };

    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    let outlook = migrate::look(&database, migrations, &options.patience, wait).await?;
    let version = match applied.last() {
        Some(step) => Some(format!("{}_{}", step.version, step.name)),
        None => outlook.version().map(Migration::folder),
    };
    if applied.is_empty() {
        let status = migrate::status(&database, migrations, &options.patience, wait).await?;
        if status.is_pushed_ahead() {
            cx.ui.note(message!(
                "The database was pushed ahead of the migrations: {}, build again, then {}",
                skyteam("db generate"),
                skyteam("db migrate")
            ));
        } else if !status.live_to_snapshot.is_empty() {
            cx.ui.warn(message!("the database is not what its migrations made: see {}", skyteam("db diff")));
        }
    }
    cx.ui.report(&Migrated { version, applied, dry_run: !manner.lasts() })?;
    manner.note(cx);
    Ok(Outcome::Done)
}

/// What is about to run. Losses are always shown, the list where something is asked or `-v` is given.
fn show(cx: &Context, pending: &[&Migration], losses: &[Loss]) {
    for migration in pending {
        cx.ui.step(message!("pending  {}", migration.folder()));
    }
    for loss in losses {
        cx.ui.warn(message!("lost is {}", by_migration(loss)));
    }
}

fn ask(cx: &Context, name: &str, way: &WayUp<'_>, to: Option<&Migration>, manner: PlanMode, online: bool) -> Ask {
    let folders: Vec<String> = way.outlook.pending(to).iter().map(|migration| migration.folder()).collect();
    if !way.losses.is_empty() && manner != PlanMode::Rehearse {
        let lost = Message::joined(way.losses.iter().map(by_migration), ", ");
        return Ask::loses(name, message!("{} would lose {}.", folders.join(", "), lost));
    }
    if cx.settings.kind.value == ProfileKind::Production && !folders.is_empty() {
        return Ask::changes(match planned::stops(&way.pause).filter(|_| !online) {
            Some(stops) => message!("Run {} on {}? Meanwhile {}.", folders.join(", "), name, stops),
            None => message!("Run {} on {}?", folders.join(", "), name),
        });
    }
    Ask::adds()
}

/// Says what happens while migrations run.
fn tell(cx: &Context, manner: PlanMode, event: &Event<'_>) {
    match event {
        Event::Done(_) if !manner.lasts() => {}
        Event::Done(step) if step.via == Via::Baseline.as_str() => {
            cx.ui.note(message!("Recorded {}_{} without running it.", &step.version, &step.name));
        }
        Event::Done(step) => cx.ui.note(message!("Applied {}_{} in {} ms.", &step.version, &step.name, step.took_ms)),
        Event::Waiting(wait) => planned::waiting(cx, wait),
    }
}
