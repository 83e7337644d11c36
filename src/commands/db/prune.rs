//! `db prune`: old backups go, as the retention says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::approval::Ask;
use crate::backup::file::FolderLock;
use crate::backup::folder::{self, Entry};
use crate::backup::retention::{Candidate, Policy};
use crate::context::Context;
use crate::error::{Error, Kind, Outcome, Result};
use crate::report::Report;
use crate::ui::{Align, Cell, Page, text};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db prune /var/backups/skyteam --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  skyteam db prune --keep-last 10 --dry-run";

/// How many backups to keep.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Keep {
    /// Keep the newest N backups and remove what no rule keeps
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keep the newest backup of each of the newest N days that have one
    #[arg(long, value_name = "N")]
    keep_daily: Option<usize>,
    /// Keep the newest backup of each of the newest N weeks that have one
    #[arg(long, value_name = "N")]
    keep_weekly: Option<usize>,
    /// Keep the newest backup of each of the newest N months that have one
    #[arg(long, value_name = "N")]
    keep_monthly: Option<usize>,
}

impl Keep {
    /// The policy.
    pub fn policy(self) -> Policy {
        Policy {
            last: self.keep_last.unwrap_or(0),
            daily: self.keep_daily.unwrap_or(0),
            weekly: self.keep_weekly.unwrap_or(0),
            monthly: self.keep_monthly.unwrap_or(0),
        }
    }
}

/// Arguments of `db prune`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Folder of the backups [default: the current folder]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    keep: Keep,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Pruned(Vec<Line>);

#[derive(Serialize)]
struct Line {
    file: String,
    size: u64,
    keep: bool,
    reasons: Vec<&'static str>,
}

impl Report for Pruned {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.0.is_empty() {
            return page.line("No backups here.");
        }
        let row = |line: &Line| {
            let what = if line.keep { "keep" } else { "remove" };
            vec![
                Cell::new(what),
                Cell::new(&line.file),
                Cell::new(text::bytes(line.size)),
                Cell::new(line.reasons.join(", ")),
            ]
        };
        let rows: Vec<Vec<Cell>> = self.0.iter().map(row).collect();
        page.table(&[("", Align::Left), ("file", Align::Left), ("size", Align::Right), ("because", Align::Left)], &rows)
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let policy = args.keep.policy();
    if policy.is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "nothing says what to keep")
            .why("without a number every backup but the last good one would go")
            .fix("skyteam db prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12"));
    }
    let folder = args.dir.map_or_else(|| cx.cwd.clone(), |dir| cx.cwd.join(dir));
    let entries = folder::list(&folder)?;
    let reasons = decide(policy, &entries);
    let lines: Vec<Line> = entries
        .iter()
        .zip(&reasons)
        .map(|(entry, reasons)| Line {
            file: entry.path.display().to_string(),
            size: entry.size,
            keep: !reasons.is_empty(),
            reasons: reasons.clone(),
        })
        .collect();
    let doomed = lines.iter().filter(|line| !line.keep).count();
    if doomed > 0 && !cx.answers.dry_run {
        // What goes was chosen by the numbers on the command line; a cron job says --yes.
        let question = format!("Remove {} of {} backups?", doomed, lines.len());
        drop(cx.approve(Ask::changes(question)).await?);
        let _lock = FolderLock::take(&folder)?;
        for (entry, reasons) in entries.iter().zip(&reasons) {
            if reasons.is_empty() {
                folder::remove(&entry.path)?;
            }
        }
    }
    cx.ui.report(&Pruned(lines))?;
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was removed.");
    }
    Ok(Outcome::Done)
}

/// Removes what the policy does not keep, after a new backup was written under the folder's lock; answers what went.
pub fn apply(folder: &Path, policy: Policy, dry_run: bool) -> Result<Vec<PathBuf>> {
    let entries = folder::list(folder)?;
    let reasons = decide(policy, &entries);
    let mut removed = Vec::new();
    for (entry, reasons) in entries.iter().zip(&reasons) {
        if reasons.is_empty() {
            if !dry_run {
                folder::remove(&entry.path)?;
            }
            removed.push(entry.path.clone());
        }
    }
    Ok(removed)
}

/// Each database's backups are a row of their own.
fn decide(policy: Policy, entries: &[Entry]) -> Vec<Vec<&'static str>> {
    let mut databases: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        databases.entry(entry.database.as_str()).or_default().push(index);
    }
    let mut reasons = vec![Vec::new(); entries.len()];
    for indices in databases.values() {
        let candidate = |index: &usize| {
            let entry = &entries[*index];
            let unsound = entry.verified.as_ref().is_some_and(|verified| !verified.sound);
            Candidate {
                at: entry.created_at,
                good: entry.damage.is_none() && !unsound,
                proved: entry.damage.is_none() && entry.verified.as_ref().is_some_and(|v| v.sound && v.deep),
            }
        };
        let candidates: Vec<Candidate> = indices.iter().map(candidate).collect();
        for (index, why) in indices.iter().zip(policy.reasons(&candidates)) {
            reasons[*index] = why;
        }
    }
    reasons
}
