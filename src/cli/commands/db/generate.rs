//! `db generate`: a migration from the last snapshot to what the entities ask for. Needs the source tree and no server.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::planned::PlanArgs;
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::{Cell, Page, Tone};
use crate::db::DatabaseUrl;
use crate::error::schema::{possible_rename, renames};
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};
use crate::schema::generate::{self, Generated};
use crate::schema::snapshot::{self, SnapshotError, SourceTree};
use crate::schema::{Loss, desired};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db generate
  skyteam db generate add_home_airport --rename users.base=homeAirport
  skyteam db generate fix_codes --empty
  skyteam db generate --check";

/// Arguments of `db generate`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbGenerateArgs {
    /// Name of the migration [default: made from what it does]
    name: Option<String>,
    /// Write nothing; exit 3 when the entities are ahead of the migrations
    #[arg(long, conflicts_with_all = ["name", "empty", "rename", "backfill"])]
    check: bool,
    /// Write a migration without statements, to be filled by hand
    #[arg(long, conflicts_with_all = ["rename", "backfill"])]
    empty: bool,
    #[command(flatten)]
    plan: PlanArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    /// Path of the new folder; none where there was nothing to do.
    folder: Option<PathBuf>,
    files: Vec<&'static str>,
    changes: Vec<String>,
    losses: Vec<Loss>,
    dry_run: bool,
}

impl Report for Written {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let Some(folder) = &self.folder else {
            return page.line("Nothing to do: the migrations make what the entities ask for.");
        };
        for change in &self.changes {
            page.line(format!("  {change}"))?;
        }
        let done = if self.dry_run { "Would be written" } else { "Written" };
        page.words(&[Cell::new(format!("{done}:")), Cell::new(folder.display().to_string()).tone(Tone::Strong)])
    }
}

#[derive(Serialize)]
struct Checked {
    /// What the entities have and the migrations have not.
    ahead: Vec<String>,
}

impl Report for Checked {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.ahead.is_empty() {
            return page.line(Cell::new("The migrations make what the entities ask for.").tone(Tone::Good));
        }
        page.line(Cell::new("The entities are ahead of the migrations:").tone(Tone::Warn))?;
        self.ahead.iter().try_for_each(|change| page.line(format!("  {change}")))
    }
}

pub(super) async fn run(args: DbGenerateArgs, cx: &Context) -> Result<Outcome> {
    if args.check {
        return check(cx);
    }
    let tree = SourceTree::find(&cx.cwd)?;
    let last = tree.last()?;
    let name = args.name.as_deref();
    let generated = if args.empty {
        Some(generate::empty(&last, name, cx.now)?)
    } else {
        generate::generate(&last, &desired()?, &args.plan.request()?, name, cx.now)?
    };
    let dry_run = cx.answers.dry_run;
    let written = match generated {
        None => Written { folder: None, files: Vec::new(), changes: Vec::new(), losses: Vec::new(), dry_run },
        Some(generated) => {
            agree(cx, &generated).await?;
            let folder = if dry_run {
                tree.folder().join(&generated.folder)
            } else {
                tree.write(&generated.folder, &generated.files)?
            };
            let files = generated.files.into_iter().map(|(name, _)| name).collect();
            Written { folder: Some(folder), files, changes: generated.changes, losses: generated.losses, dry_run }
        }
    };
    let next = written.folder.is_some() && !dry_run;
    cx.ui.report(&written)?;
    if next {
        cx.ui.note(message!("Next: read it, build skyteam anew, then {}", skyteam("db migrate")));
    }
    Ok(Outcome::Done)
}

/// Compares with the migrations that `db generate` would go on from: those of the source tree, where a folder may be
/// newer than this build. Elsewhere it needs no files, and looks at those that are built in.
fn check(cx: &Context) -> Result<Outcome> {
    let last = match SourceTree::find(&cx.cwd) {
        Ok(tree) => tree.last()?.schema,
        Err(SnapshotError::NoFolder(_)) => migration::all().last().map(snapshot::of).transpose()?.unwrap_or_default(),
        Err(error) => return Err(error.into()),
    };
    let ahead = generate::ahead(&last, &desired()?)?;
    let fine = ahead.is_empty();
    cx.ui.check(&Checked { ahead }, fine)?;
    Ok(if fine { Outcome::Done } else { Outcome::Found })
}

/// Stops where a rename may be meant or data would be lost, and says what will not work on tables with rows.
async fn agree(cx: &Context, generated: &Generated) -> Result<()> {
    for column in &generated.unfilled {
        cx.ui.warn(message!(
            "{} must have a value, and rows that are there get none: add --backfill {}=VALUE",
            column,
            column
        ));
    }
    let name = consent_name(cx);
    if !generated.suspects.is_empty() && cx.answers.confirm.is_none() {
        if !cx.ui.is_interactive() {
            return Err(possible_rename(&generated.suspects, &name));
        }
        for suspect in &generated.suspects {
            let (table, from, to) = (&suspect.table, &suspect.from, &suspect.to);
            cx.ui.warn(message!("{}.{} would go and {}.{} come; if that is a rename, say so:", table, from, table, to));
            cx.ui.note(message!("  {}", skyteam("db generate").also(renames(table, from, to))));
        }
        if !cx.ui.ask_yes("Write a migration that drops them?").await? {
            return Err(Error::new(Kind::Unconfirmed, "declined", "nothing was written: the answer was no"));
        }
    }
    if !generated.losses.is_empty() {
        let lost: Vec<String> = generated.losses.iter().map(Loss::what).collect();
        let question = message!("The migration would lose {} wherever it runs.", lost.join(", "));
        // The loss comes when it runs, and is asked for again then: here the word is only for the developer.
        drop(cx.approve(Ask::loses(name, question)).await?);
    }
    Ok(())
}

/// What `--confirm` must say: the name of the database in the settings, as for a push. It is not opened.
fn consent_name(cx: &Context) -> String {
    let name = match cx.url() {
        Ok(DatabaseUrl::Postgres(place)) => place.database.or(place.user),
        Ok(DatabaseUrl::Sqlite(place)) => place.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
        Err(_) => None,
    };
    name.unwrap_or_else(|| "skyteam".to_owned())
}
