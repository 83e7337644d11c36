//! `db status`: the position of the database among the migrations, and how far live, snapshot and entities are apart.

use std::io;

use chrono::DateTime;
use migration::Migration;
use migration::history::Applied;
use serde::Serialize;

use super::planned;
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Align, Cell, Page, Tone};
use crate::db::{Engine, Target};
use crate::entity::types::Timestamp;
use crate::error::{Outcome, Result};
use crate::message::{Command, Message, Words, message, skyteam};
use crate::schema::migrate::{Origin, Status};
use crate::schema::online::Unfinished;
use crate::schema::{Wait, migrate};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db status
  skyteam db status --exit-code -o json";

/// How many changes of each kind people are shown; JSON has all.
const LISTED: usize = 8;

/// Arguments of `db status`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbStatusArgs {
    /// Exit 3 unless everything is applied and live, snapshot and entities are the same
    #[arg(long)]
    exit_code: bool,
}

/// What `db status` answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusView {
    engine: Engine,
    server_version: String,
    database: String,
    role: Option<String>,
    /// Folder of the newest version that the database is at.
    version: Option<String>,
    /// How that is known: `record`, `recognised`, `pushed`, `unknown`, `empty`.
    known_from: &'static str,
    /// Whether the database is what the entities ask for, while no migration makes that yet.
    pushed_ahead: bool,
    /// Whether there is a record that this role may not read.
    record_hidden: bool,
    applied: Vec<StatusLine>,
    /// Folders, like `edited` and `missing`.
    pending: Vec<String>,
    edited: Vec<String>,
    missing: Vec<String>,
    /// An online push that has begun and not ended.
    online_push: Option<Unfinished>,
    drift: Drift,
    in_order: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusLine {
    version: String,
    name: String,
    applied_at: Option<Timestamp>,
    took_ms: i32,
    via: &'static str,
}

/// What would have to change for one state to become the other.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Drift {
    live_to_snapshot: Vec<String>,
    live_to_entities: Vec<String>,
    snapshot_to_entities: Vec<String>,
}

impl StatusView {
    fn new(target: &Target, status: Status<'_>) -> Self {
        let (in_order, pushed_ahead) = (status.is_in_order(), status.is_pushed_ahead());
        let applied = status.record().into_iter().map(StatusLine::new).collect();
        let standing = &status.outlook.standing;
        Self {
            engine: target.engine,
            server_version: status.server_version,
            database: target.database.clone(),
            role: target.role.clone(),
            version: status.outlook.version().map(Migration::folder),
            known_from: match status.outlook.origin {
                Origin::Record => "record",
                Origin::Recognised(_) => "recognised",
                Origin::Pushed(_) => "pushed",
                Origin::Unknown { .. } => "unknown",
                Origin::Empty => "empty",
            },
            pushed_ahead,
            record_hidden: status.outlook.hidden,
            applied,
            pending: status.outlook.pending(None).into_iter().map(Migration::folder).collect(),
            edited: standing.edited.iter().map(|(migration, _)| migration.folder()).collect(),
            missing: standing.missing.iter().map(|line| format!("{}_{}", line.version, line.name)).collect(),
            online_push: status.online,
            drift: Drift {
                live_to_snapshot: status.live_to_snapshot,
                live_to_entities: status.live_to_entities,
                snapshot_to_entities: status.snapshot_to_entities,
            },
            in_order,
        }
    }

    fn state_of(&self, line: &StatusLine) -> Cell {
        let folder = format!("{}_{}", line.version, line.name);
        if self.edited.contains(&folder) {
            Cell::new("edited since").tone(Tone::Bad)
        } else if self.missing.contains(&folder) {
            Cell::new("not in this build").tone(Tone::Bad)
        } else {
            Cell::new("applied").tone(Tone::Good)
        }
    }
}

impl StatusLine {
    fn new(line: &Applied) -> Self {
        Self {
            version: line.version.clone(),
            name: line.name.clone(),
            applied_at: DateTime::from_timestamp(line.applied_at, 0).map(|time| Timestamp::new(time.naive_utc())),
            took_ms: line.took_ms,
            via: line.via.as_str(),
        }
    }
}

impl Report for StatusView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.fields(&[
            ("engine", Cell::new(format!("{} {}", self.engine.title(), self.server_version))),
            ("database", Cell::new(&self.database)),
            ("role", Cell::new(self.role.as_deref().unwrap_or_default())),
            ("version", self.version_cell()),
        ])?;
        if !self.applied.is_empty() || !self.pending.is_empty() {
            page.gap()?;
            let mut rows: Vec<Vec<Cell>> = Vec::new();
            for line in &self.applied {
                rows.push(vec![
                    Cell::whole(&line.version),
                    Cell::new(&line.name),
                    self.state_of(line),
                    line.applied_at.map_or_else(Cell::empty, |time| page.look.time(time)),
                    Cell::new(line.via),
                    page.look.number(line.took_ms),
                ]);
            }
            for folder in &self.pending {
                let (version, name) = folder.split_once('_').unwrap_or((folder, ""));
                let pending = Cell::new("pending").tone(Tone::Warn);
                rows.push(vec![
                    Cell::whole(version),
                    name.into(),
                    pending,
                    Cell::empty(),
                    Cell::empty(),
                    Cell::empty(),
                ]);
            }
            rows.sort_by(|one, other| one[0].text.cmp(&other[0].text));
            let left = |heading| (heading, Align::Left);
            page.table(
                &[left("version"), left("name"), left("state"), left("at"), left("via"), ("ms", Align::Right)],
                &rows,
            )?;
        }
        if let Some(online) = &self.online_push {
            page.gap()?;
            let (done, total) = (online.done, online.total);
            page.message(
                if online.running {
                    message!("An online push is going on: {} of {} steps are done.", done, total)
                } else {
                    let again = skyteam("db push --online");
                    message!("online push half done: {} of {} steps; {} goes on", done, total, again)
                },
                Tone::Warn,
            )?;
        }
        let drift = &self.drift;
        let at = self.version.as_deref().unwrap_or("the nearest version");
        // Of a database that was pushed that would only be the way back.
        if !self.pushed_ahead {
            changes(
                page,
                message!("To equal {}, the database needs", at),
                &drift.live_to_snapshot,
                skyteam("db diff"),
            )?;
        }
        let push = message!("To equal the entities ({}), the database needs", skyteam("db push"));
        changes(page, push, &drift.live_to_entities, skyteam("db diff"))?;
        let generate = message!("To equal the entities ({}), the migrations need", skyteam("db generate"));
        changes(page, generate, &drift.snapshot_to_entities, skyteam("db generate --check"))?;
        page.gap()?;
        if self.in_order {
            page.line(
                Cell::new("Everything is applied; database, snapshot and entities are the same.").tone(Tone::Good),
            )
        } else {
            page.message(self.next(), Tone::Warn)
        }
    }
}

impl StatusView {
    fn version_cell(&self) -> Cell {
        match (&self.version, self.known_from) {
            (Some(version), "recognised") if self.record_hidden => {
                Cell::new(format!("{version}, by its looks; this role may not read skyteam.migrations"))
            }
            (Some(version), "recognised") => Cell::new(format!("{version}, recognised; not recorded yet")),
            (Some(version), "pushed") => Cell::new(format!("{version}, pushed; not recorded yet")),
            (Some(version), _) if self.pushed_ahead => {
                Cell::new(format!("{version}, and pushed ahead of the migrations"))
            }
            (Some(version), _) => Cell::new(version),
            (None, _) if self.pushed_ahead => Cell::new("pushed ahead of the migrations; not recorded yet"),
            (None, "unknown") => Cell::new("none that is known").tone(Tone::Bad),
            (None, _) => Cell::new("none yet"),
        }
    }

    /// What to do about it, most pressing first.
    fn next(&self) -> Message {
        if !self.missing.is_empty() {
            message!("The database is ahead of this build: use the skyteam that applied the missing migrations.")
        } else if !self.edited.is_empty() {
            message!("An applied migration was edited: bring its script back.")
        } else if self.pushed_ahead {
            message!(
                "The database is what the entities ask for, ahead of the migrations: {}, build again, then {}",
                skyteam("db generate"),
                skyteam("db migrate")
            )
        } else if !self.drift.live_to_snapshot.is_empty() {
            message!("The database is not what its migrations made: look with {}", skyteam("db diff"))
        } else if !self.pending.is_empty() || ["recognised", "pushed"].contains(&self.known_from) && !self.record_hidden
        {
            message!("Next: {}", skyteam("db migrate"))
        } else {
            message!("The entities are ahead of the migrations: {}", skyteam("db generate"))
        }
    }
}

/// The first changes of a list; `all` is the command that prints the whole list.
fn changes(page: &mut Page<'_>, heading: Message, changes: &[String], all: Command) -> io::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.message(heading.then(Words(":")), Tone::Plain)?;
    changes.iter().take(LISTED).try_for_each(|change| page.line(format!("  {change}")))?;
    match changes.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => page.message(message!("  … and {} more: {}", more, all), Tone::Plain),
    }
}

pub(super) async fn run(args: DbStatusArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let wait = &mut |wait: Wait<'_>| planned::waiting(cx, &wait);
    let status = migrate::status(&database, migration::all(), &planned::patience(cx), wait).await?;
    let in_order = status.is_in_order();
    let unknown = planned::unknown(&status.unknown);
    cx.ui.check(&StatusView::new(database.target(), status), in_order)?;
    if let Some(note) = unknown {
        cx.ui.note(note);
    }
    Ok(if args.exit_code && !in_order { Outcome::Found } else { Outcome::Done })
}
