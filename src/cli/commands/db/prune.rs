//! `db prune`: old backups go, as the retention says.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::typed;
use crate::backup::identity::Identity;
use crate::backup::prune::{self, Scope, Verdict};
use crate::backup::retention::Policy;
use crate::backup::store::file::FolderLock;
use crate::backup::store::folder::{self, Listing};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{count, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db prune /var/backups/skyteam --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  skyteam db prune --keep-last 10 --dry-run";

/// How many backups to keep.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(super) struct Keep {
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
    pub(super) fn policy(self) -> Policy {
        Policy {
            last: self.keep_last.unwrap_or(0),
            daily: self.keep_daily.unwrap_or(0),
            weekly: self.keep_weekly.unwrap_or(0),
            monthly: self.keep_monthly.unwrap_or(0),
        }
    }
}

/// Backups that the question names.
const NAMED: usize = 10;

/// Arguments of `db prune`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbPruneArgs {
    /// Folder of the backups [default: the current folder]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    keep: Keep,
}

#[derive(Serialize)]
struct Line {
    file: String,
    /// The same for people.
    #[serde(skip)]
    typed: String,
    size: u64,
    keep: bool,
    /// Why it is kept.
    reasons: Vec<&'static str>,
}

impl Row for Line {
    const COLUMNS: &'static [Column] =
        &[Column::text("keep"), Column::text("file"), Column::number("size"), Column::text("reasons")];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "keep" if look.human => if self.keep { "keep" } else { "remove" }.into(),
            "keep" => look.yes_no(self.keep),
            "file" if look.human => self.typed.as_str().into(),
            "file" => self.file.as_str().into(),
            "size" => look.bytes(self.size),
            _ => self.reasons.join(", ").into(),
        }
    }
}

impl Line {
    fn new(verdict: &Verdict, cx: &Context) -> Self {
        Self {
            file: verdict.entry.path.display().to_string(),
            typed: typed(&verdict.entry.path, cx),
            size: verdict.entry.size,
            keep: !verdict.goes(),
            reasons: verdict.reasons.clone(),
        }
    }
}

pub(super) async fn run(args: DbPruneArgs, cx: &Context) -> Result<Outcome> {
    let policy = args.keep.policy();
    if policy.is_empty() {
        return Err(Error::new(Kind::Usage, "usage", "nothing says what to keep")
            .why("without a number every backup but the last good one would go")
            .fix(skyteam("db prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12")));
    }
    let folder = args.dir.map_or_else(|| cx.cwd.clone(), |dir| cx.path(dir));
    let scope = Scope { now: cx.now, only: None, made: None };
    let listing = folder::list(&folder)?;
    warn_of_odd_ones(cx, &listing);
    let mut verdicts = prune::decide(policy, scope, listing.entries);
    let doomed: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.goes()).collect();
    if !doomed.is_empty() && !cx.answers.dry_run {
        // What goes was chosen by the numbers on the command line; a cron job says --yes.
        let mut named: Vec<String> = doomed.iter().take(NAMED).map(|verdict| typed(&verdict.entry.path, cx)).collect();
        if doomed.len() > NAMED {
            named.push(format!("{} more", doomed.len() - NAMED));
        }
        let question =
            message!("Remove {} of {}: {}?", doomed.len(), count(verdicts.len() as u64, "backup"), named.join(", "));
        drop(cx.approve(Ask::changes(question)).await?);
        let _lock = FolderLock::take(&folder)?;
        // Others may have been here while the question stood: only what still goes, and was asked for, is removed.
        let asked: HashSet<PathBuf> =
            verdicts.iter().filter(|verdict| verdict.goes()).map(|verdict| verdict.entry.path.clone()).collect();
        verdicts = prune::decide(policy, scope, folder::list(&folder)?.entries);
        for verdict in &mut verdicts {
            match (verdict.goes(), asked.contains(&verdict.entry.path)) {
                (true, true) => folder::remove(&verdict.entry.path)?,
                (true, false) => verdict.reasons.push("came meanwhile"),
                _ => {}
            }
        }
    }
    let list = cx.ui.list::<Line, ()>(async |list| {
        for verdict in &verdicts {
            list.push(&Line::new(verdict, cx))?;
        }
        Ok(())
    });
    let (count, ()) = list.await?;
    if count == 0 {
        cx.ui.note(message!("No backups in {}.", folder.display()));
    }
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was removed.");
    }
    Ok(Outcome::Done)
}

/// Removes what the policy does not keep of this database's backups, after `made` was written under the folder's lock;
/// answers what went.
pub(super) fn apply(
    cx: &Context,
    folder: &Path,
    policy: Policy,
    identity: Option<&Identity>,
    made: &Path,
) -> Result<Vec<PathBuf>> {
    let listing = folder::list(folder)?;
    warn_of_odd_ones(cx, &listing);
    let scope = Scope { now: cx.now, only: Some(identity), made: Some(made) };
    let mut removed = Vec::new();
    for verdict in prune::decide(policy, scope, listing.entries).into_iter().filter(Verdict::goes) {
        if !cx.answers.dry_run {
            folder::remove(&verdict.entry.path)?;
        }
        removed.push(verdict.entry.path);
    }
    Ok(removed)
}

/// Says which backups are outside every rule: those of wrong clocks, and those that cannot be read.
pub(super) fn warn_of_odd_ones(cx: &Context, listing: &Listing) {
    for entry in listing.entries.iter().filter(|entry| entry.is_from_the_future(cx.now)) {
        let (file, at) = (typed(&entry.path, cx), Timestamp::from(entry.created_at));
        cx.ui.warn(message!(
            "{} is dated {}, in the future: a clock was or is wrong. It counts for nothing and is never removed; \
             move it away, or remove it by hand.",
            file,
            at
        ));
    }
    for path in &listing.unreadable {
        cx.ui.warn(message!("{} cannot be read, so it counts for nothing and is never removed.", typed(path, cx)));
    }
}
