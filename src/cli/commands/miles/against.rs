//! `miles audit --against`: the ledger held against a backup of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use migration::openings;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::backup::against::{self, Altered, Compared, Subject};
use crate::backup::create::{self as make, Wanted};
use crate::backup::format::archive::{Archive, Progress};
use crate::backup::format::crypt::{Identities, Recipients};
use crate::backup::spool::Spools;
use crate::backup::{BackupError, version};
use crate::cli::commands::db::opened::{in_scratch, open, scratch_folder, sum};
use crate::cli::commands::db::restore::identities;
use crate::cli::commands::db::signers::{SignerArgs, vouch};
use crate::cli::commands::openings::summary;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::text::count;
use crate::cli::ui::{Cell, Column, RenderOptions, Tone};
use crate::db::Database;
use crate::error::{Error, Outcome, Result};
use crate::message::message;

/// The table whose history is evidence.
const LEDGER: &str = "milesTransactions";
/// How long a snapshot waits for a change of the tables.
const PATIENCE: Duration = Duration::from_secs(10);
/// Findings on their way to the list.
const AHEAD: usize = 64;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum EntryFate {
    /// It is gone.
    Missing,
    /// It is another.
    Changed,
}

/// A value that is not what it was.
#[derive(Serialize)]
struct Change {
    column: String,
    before: Option<String>,
    after: Option<String>,
}

/// An entry of the backup that is missing or changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disturbed {
    finding: EntryFate,
    entry_id: String,
    user_id: Option<String>,
    amount: Option<i64>,
    created_at: Option<String>,
    changes: Vec<Change>,
}

impl Disturbed {
    fn new(columns: &[String], altered: Altered) -> Self {
        let was = |name: &str| {
            columns.iter().position(|column| column == name).and_then(|at| altered.before.get(at).cloned().flatten())
        };
        let changes = altered.after.as_ref().map_or_else(Vec::new, |after| {
            let pairs = altered.before.iter().zip(after).zip(columns);
            let differ = pairs.filter(|((before, after), _)| before != after);
            differ
                .map(|((before, after), column)| Change {
                    column: column.clone(),
                    before: before.clone(),
                    after: after.clone(),
                })
                .collect()
        });
        Self {
            finding: if altered.after.is_some() { EntryFate::Changed } else { EntryFate::Missing },
            entry_id: was("id").unwrap_or_default(),
            user_id: was("userId"),
            amount: was("amount").and_then(|amount| amount.parse().ok()),
            created_at: was("createdAt"),
            changes,
        }
    }
}

impl Row for Disturbed {
    const COLUMNS: &'static [Column] = &[
        Column::text("finding").rank(0),
        Column::text("entryId").rank(0),
        Column::text("userId").rank(1),
        Column::number("amount").rank(1),
        Column::text("createdAt").rank(2),
        Column::text("changes").rank(0),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "finding" => {
                Cell::new(if self.finding == EntryFate::Missing { "missing" } else { "changed" }).tone(Tone::Bad)
            }
            "entryId" => self.entry_id.as_str().into(),
            "userId" => self.user_id.as_deref().into(),
            "amount" => self.amount.map_or_else(Cell::empty, |amount| look.number(amount)),
            "createdAt" => self.created_at.as_deref().into(),
            _ => {
                let shown =
                    |value: &Option<String>| value.as_ref().map_or("NULL".to_owned(), |value| format!("{value:?}"));
                let each = self.changes.iter();
                let each = each.map(|one| format!("{}: {} -> {}", one.column, shown(&one.before), shown(&one.after)));
                Cell::new(each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Lists the entries that are missing or changed.
pub(super) async fn run(cx: &Context, backup: &Path, keys: &[PathBuf], signers: &SignerArgs) -> Result<Outcome> {
    let database = cx.reader().await?;
    let mut opened = open(backup, cx).await?;
    let sha256 = sum(&mut opened.file).await?;
    let archive = Arc::new(Archive::open(opened.file, &identities(keys, cx)?)?);
    let trusted = signers.trusted(cx, Some(&*database)).await?;
    vouch(&trusted.of_archive(&archive, &sha256)?, &trusted, cx)?;
    proved(cx, &archive).await?;
    let manifest = archive.manifest();
    if manifest.database != database.name() || manifest.engine != database.engine() {
        let (name, engine) = (&manifest.database, manifest.engine.title());
        cx.ui.note(message!("The backup is of {} on {}; compared is {}.", name, &engine, database.name()));
    }
    let now = Arc::new(now(cx, &database, archive.encrypted()).await.map_err(|error| in_scratch(cx, error))?);
    let (found, compared) = list(cx, &archive, &now).await?;
    let at = manifest.created_at;
    if found == 0 {
        let entries = count(compared.backup, "entry");
        cx.ui.note(message!("Nothing found: {} of the backup of {} compared, all unchanged.", entries, at));
        return Ok(Outcome::Done);
    }
    let found = count(found, "entry");
    cx.ui.note(message!("{} of {} in the backup of {} found missing or changed.", found, compared.backup, at));
    explain(cx, &database).await;
    Ok(Outcome::Found)
}

/// Reads the whole backup once: what is damaged proves nothing.
async fn proved(cx: &Context, archive: &Arc<Archive>) -> Result<()> {
    let bar = cx.ui.progress(Some(archive.size()), "Verifying");
    let (archive, counted) = (Arc::clone(archive), bar.counter());
    let problems = tokio::task::spawn_blocking(move || archive.problems(counted));
    match problems.await.map_err(|_| BackupError::Worker)?.into_iter().next() {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

/// The present ledger, from one snapshot, in the form of a backup; on the disk it is as readable as the other one.
async fn now(cx: &Context, database: &Database, encrypted: bool) -> Result<Archive, BackupError> {
    let folder = scratch_folder(cx);
    let tables = vec![LEDGER.to_owned()];
    let spools = Spools::new(&folder, encrypted);
    let bar = cx.ui.progress(None, "Reading the ledger");
    let advance: Progress = Arc::new(bar.counter());
    let made = make::make(database, PATIENCE, cx.now, &spools, &tables, async |_| {
        Ok((Wanted { tables: tables.clone(), ..Wanted::default() }, Arc::clone(&advance)))
    });
    let made = made.await?;
    let mut file = tempfile::tempfile_in(&folder).map_err(BackupError::io("making room for the comparison"))?;
    let (recipients, identities) =
        if encrypted { Identities::ephemeral()? } else { (Recipients::default(), Identities::default()) };
    made.write(&mut file, &recipients)?;
    Archive::open(file, &identities)
}

/// Compares on a thread of its own and lists what comes from there.
async fn list(cx: &Context, archive: &Arc<Archive>, now: &Arc<Archive>) -> Result<(u64, Compared)> {
    let ours = version::latest()?.schema;
    let columns: Vec<String> = ours
        .table(LEDGER)
        .map_or_else(Vec::new, |table| table.columns.iter().map(|column| column.name.clone()).collect());
    let subject = Subject { table: LEDGER.to_owned(), key: "id".to_owned(), columns: columns.clone() };
    let (found, mut coming) = mpsc::channel(AHEAD);
    let (backup, now, folder) = (Arc::clone(archive), Arc::clone(now), scratch_folder(cx));
    let bar = cx.ui.progress(None, "Comparing");
    let counted = bar.counter();
    let comparing = tokio::task::spawn_blocking(move || {
        // Once the receiver is gone, there is nothing more to compare for.
        against::compare(&backup, &now, &subject, &folder, counted, &mut |one| found.blocking_send(one).is_ok())
    });
    cx.ui
        .list(async |list| {
            while let Some(altered) = coming.recv().await {
                list.push(&Disturbed::new(&columns, altered))?;
            }
            comparing.await.map_err(|_| BackupError::Worker)?.map_err(|error| in_scratch(cx, error))
        })
        .await
}

/// Says how often the ledger was opened on purpose: an erasure changes entries, and nothing else should have.
async fn explain(cx: &Context, database: &Database) {
    match openings::newest(database.conn()).await {
        Ok(Some(newest)) => cx.ui.note(message!("On record: {}.", summary(&newest))),
        Ok(None) => cx.ui.note("No opening of the ledger is on record: this was done past its guard."),
        Err(error) => cx.ui.note(message!("The record of openings cannot be read: {}.", Error::from(error).what())),
    }
}
