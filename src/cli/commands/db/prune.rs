//! `db prune`: removes old backups by the rules of the retention.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::signers::SignerArgs;
use super::{place, typed};
use crate::backup::BackupError;
use crate::backup::identity::{self, Identity};
use crate::backup::maker::Trusted;
use crate::backup::prune::{self, Scope, Verdict};
use crate::backup::retention::Policy;
use crate::backup::store::folder::Listing;
use crate::backup::store::{Store, Unfinished};
use crate::cli::approve::Ask;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{count, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam db prune /var/backups/skyteam --keep-daily 7 --keep-weekly 5 --keep-monthly 12
  skyteam db prune s3://shop-backups/skyteam --keep-daily 30 --yes
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

/// How old an upload is that no run can be at any more.
const ABANDONED: TimeDelta = TimeDelta::days(1);
/// Backups that the question names.
const NAMED: usize = 10;

/// Arguments of `db prune`.
#[derive(clap::Args, Debug)]
pub(crate) struct DbPruneArgs {
    /// Folder or URL of the backups [default: the current folder]
    #[arg(value_name = "DIR|URL")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    signers: SignerArgs,
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
    let store = place::store(args.dir.as_deref(), cx)?;
    let now = cx.now;
    let look = move |store: &dyn Store| {
        let listing = store.list()?;
        let unfinished = match store.unfinished(now - ABANDONED) {
            // Another right than those that a retention needs.
            Err(error) if error.is_denied() => Err(error.to_string()),
            found => Ok(found?),
        };
        Ok((listing, unfinished))
    };
    let (listing, unfinished) = place::on_a_thread(cx, &store, look).await?;
    warn_of_odd_ones(cx, &listing);
    let makers = if listing.entries.is_empty() { Makers::default() } else { Makers::of(cx, &args.signers).await? };
    let judge = {
        let makers = makers.clone();
        move |store: &dyn Store| prune::decide(policy, makers.scope(now), listing.entries, store)
    };
    let mut verdicts = place::on_a_thread(cx, &store, judge).await?;
    warn_of_strangers(cx, &verdicts);
    let doomed: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.goes()).collect();
    let mut kept_by_store = Vec::new();
    if !doomed.is_empty() && !cx.answers.dry_run {
        // What goes was chosen by the numbers on the command line; a cron job says --yes.
        let mut named: Vec<String> = doomed.iter().take(NAMED).map(|verdict| typed(&verdict.entry.path, cx)).collect();
        if doomed.len() > NAMED {
            named.push(format!("{} more", doomed.len() - NAMED));
        }
        let question =
            message!("Remove {} of {}: {}?", doomed.len(), count(verdicts.len() as u64, "backup"), named.join(", "));
        drop(cx.approve(Ask::changes(question)).await?);
        let asked: HashSet<PathBuf> = doomed.iter().map(|verdict| verdict.entry.path.clone()).collect();
        let remove = move |store: &dyn Store| {
            let _lock = store.lock()?;
            // Others may have been here while the question was asked: only what still goes, and was asked for, is removed.
            let mut verdicts = prune::decide(policy, makers.scope(now), store.list()?.entries, store)?;
            let mut refused = Vec::new();
            for verdict in &mut verdicts {
                match (verdict.goes(), asked.contains(&verdict.entry.path)) {
                    (true, true) => refused.extend(remove(store, verdict)?),
                    (true, false) => verdict.reasons.push("came meanwhile"),
                    _ => {}
                }
            }
            Ok((verdicts, refused))
        };
        (verdicts, kept_by_store) = place::on_a_thread(cx, &store, remove).await?;
    }
    let list = cx.ui.list::<Line, ()>(async |list| {
        for verdict in &verdicts {
            list.push(&Line::new(verdict, cx))?;
        }
        Ok(())
    });
    let (count, ()) = list.await?;
    if count == 0 {
        cx.ui.note(message!("No backups in {}.", place::named(args.dir.as_deref(), cx)));
    }
    clear_unfinished(cx, &store, unfinished).await?;
    if cx.answers.dry_run {
        cx.ui.note("Dry run: nothing was removed.");
    }
    warn_of_kept(cx, &kept_by_store);
    Ok(if kept_by_store.is_empty() { Outcome::Done } else { Outcome::Found })
}

/// What shows who made a backup: the keys, and what the database of the settings remembers.
#[derive(Clone, Default)]
struct Makers {
    trusted: Trusted,
    /// That database.
    own: Option<Identity>,
}

impl Makers {
    /// Backups may be pruned without a database; one that is there and does not answer is named.
    async fn of(cx: &Context, signers: &SignerArgs) -> Result<Self> {
        let database = match cx.reader().await {
            Ok(database) => Some(database),
            Err(error) if error.kind() == Kind::Config => None,
            Err(error) => {
                cx.ui.warn(message!(
                    "the database cannot be asked which backups it made ({}): only signatures tell.",
                    error.what().clone()
                ));
                None
            }
        };
        let trusted = signers.trusted(cx, database.as_deref()).await?;
        let own = match database {
            Some(database) => identity::of(&database, false).await?.ok(),
            None => None,
        };
        Ok(Self { trusted, own })
    }

    fn scope(&self, now: DateTime<Utc>) -> Scope<'_> {
        Scope { now, only: None, made: None, trusted: &self.trusted, own: self.own.as_ref() }
    }
}

/// Says how many backups no rule looks at because nothing shows who made them.
fn warn_of_strangers(cx: &Context, verdicts: &[Verdict]) {
    let unknown: Vec<&Verdict> =
        verdicts.iter().filter(|verdict| verdict.reasons.contains(&prune::UNKNOWN_MAKER)).collect();
    if let Some(first) = unknown.first() {
        let list = match first.entry.path.parent() {
            Some(folder) if folder != cx.cwd => skyteam("db backups").file(typed(folder, cx)),
            _ => skyteam("db backups"),
        };
        cx.ui.warn(message!(
            "{} by somebody unknown, {} among them, count for nothing and are never removed: no configured key has signed \
             them, and the database does not remember them. Look at {}, and remove by hand what is not yours.",
            count(unknown.len() as u64, "backup"),
            typed(&first.entry.path, cx),
            list
        ));
    }
}

/// Removes a backup; returns why it is still there where the store does not let it go, and notes it as a reason.
fn remove(store: &dyn Store, verdict: &mut Verdict) -> Result<Option<BackupError>, BackupError> {
    match store.remove(&verdict.entry.path) {
        Ok(()) => Ok(None),
        Err(error) if error.is_denied() => {
            verdict.reasons.push("may not be removed");
            Ok(Some(error))
        }
        Err(error) => Err(error),
    }
}

/// Says what the store does not let go.
fn warn_of_kept(cx: &Context, refused: &[BackupError]) {
    for error in refused.iter().take(NAMED) {
        cx.ui.warn(message!("{}; it stays, though no rule keeps it", error.to_string()));
    }
    if refused.len() > NAMED {
        cx.ui.warn(message!("and {} more", refused.len() - NAMED));
    }
}

/// Removes the parts of uploads that killed runs have left, which are paid for and are in no list.
async fn clear_unfinished(
    cx: &Context,
    store: &Arc<dyn Store>,
    uploads: Result<Vec<Unfinished>, String>,
) -> Result<()> {
    let uploads = match uploads {
        Ok(uploads) => uploads,
        Err(why) => {
            cx.ui.warn(message!("{}; what killed runs have left stays", why));
            return Ok(());
        }
    };
    if uploads.is_empty() {
        return Ok(());
    }
    let words = count(uploads.len() as u64, "unfinished upload");
    if cx.answers.dry_run {
        cx.ui.note(message!("{} of killed runs would be removed.", words));
        return Ok(());
    }
    let give_up = move |store: &dyn Store| {
        for upload in &uploads {
            match store.give_up(upload) {
                Err(error) if error.is_denied() => return Ok(Some(error)),
                done => done?,
            }
        }
        Ok(None)
    };
    match place::on_a_thread(cx, store, give_up).await? {
        Some(error) => cx.ui.warn(message!("{}; what killed runs have left stays", error.to_string())),
        None => cx.ui.note(message!("{} of killed runs removed.", words)),
    }
    Ok(())
}

/// What a retention did after a backup.
#[derive(Default)]
pub(super) struct Applied {
    /// What went.
    pub removed: Vec<PathBuf>,
    /// Whether the store kept something that should have gone.
    pub incomplete: bool,
}

/// Removes what the policy does not keep of this database's backups, after `made` was written under the store's lock.
pub(super) async fn apply(
    cx: &Context,
    store: &Arc<dyn Store>,
    policy: Policy,
    identity: Option<Identity>,
    made: PathBuf,
    trusted: Trusted,
) -> Result<Applied> {
    let (now, dry_run) = (cx.now, cx.answers.dry_run);
    let prune = move |store: &dyn Store| {
        let listing = store.list()?;
        let odd = Listing { entries: listing.entries.clone(), unreadable: listing.unreadable };
        let own = identity.as_ref();
        let scope = Scope { now, only: Some(own), made: Some(&made), trusted: &trusted, own };
        let (mut removed, mut refused) = (Vec::new(), Vec::new());
        let mut verdicts = prune::decide(policy, scope, listing.entries, store)?;
        for verdict in verdicts.iter_mut().filter(|verdict| verdict.goes()) {
            match if dry_run { None } else { remove(store, verdict)? } {
                Some(error) => refused.push(error),
                None => removed.push(verdict.entry.path.clone()),
            }
        }
        Ok((odd, verdicts, removed, refused))
    };
    let (odd, verdicts, removed, refused) = place::on_a_thread(cx, store, prune).await?;
    warn_of_odd_ones(cx, &odd);
    warn_of_strangers(cx, &verdicts);
    warn_of_kept(cx, &refused);
    Ok(Applied { removed, incomplete: !refused.is_empty() })
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
