//! Which backups of a folder or an object store go. Only files that say themselves that skyteam made them and of which database
//! ([`Identity`]), only for others of the same, and only while a good one stays: what everything depends on is read
//! before anything is removed. A backup that is dated in the future was made with a wrong clock: it neither counts nor
//! goes, or it would take the place of every new one until then. Nor does one by an unknown maker, where makers can be
//! known: anyone with write access to the folder could push the genuine ones out with forged newer ones.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::detect::Content;
use super::error::{BackupError, Result};
use super::format::manifest::Contents;
use super::identity::Identity;
use super::maker::Trusted;
use super::retention::{self, Candidate, Policy};
use super::store::Store;
use super::store::folder::Entry;

/// What becomes of a backup.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// The backup, with the damage that was found on the way.
    pub entry: Entry,
    /// Why it is kept; empty when it goes.
    pub reasons: Vec<&'static str>,
}

impl Verdict {
    /// Whether nothing keeps it.
    pub(crate) fn goes(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Now. What is later is from the future.
    pub now: DateTime<Utc>,
    /// Only backups of this database may go; of each database in the store when there is none.
    pub only: Option<Option<&'a Identity>>,
    /// A backup that has just been made, and stays.
    pub made: Option<&'a Path>,
    /// What the makers of backups are known by.
    pub trusted: &'a Trusted,
    /// The database whose record is among that.
    pub own: Option<&'a Identity>,
}

impl Scope<'_> {
    /// Whether the maker of a backup should be known, and is not: a configured key signs every backup, and a database that
    /// remembers any remembers all of its own.
    ///
    /// # Errors
    /// The store's, where it cannot be asked.
    fn is_by_a_stranger(&self, entry: &Entry, identity: Option<&Identity>, store: &dyn Store) -> Result<bool> {
        let remembers = !self.trusted.record.is_empty() && self.own.is_some() && self.own == identity;
        let is_judged = !self.trusted.signers.is_empty() || remembers;
        if !is_judged || self.made == Some(entry.path.as_path()) {
            return Ok(false);
        }
        match self.trusted.of_entry(entry, store) {
            Ok(maker) => Ok(maker.is_unknown()),
            Err(error @ (BackupError::Store { .. } | BackupError::Interrupted)) => Err(error),
            // A signature that is not of the file vouches for nothing, nor does a file that cannot be read.
            Err(_) => Ok(true),
        }
    }
}

/// Why a backup by an unknown maker is kept.
pub(crate) const UNKNOWN_MAKER: &str = "by somebody unknown";

/// Decides on every backup of a store.
///
/// # Errors
/// The store's, where the backup that everything depends on, or what its maker is known by, cannot be read for reasons that
/// are not its own.
pub(crate) fn decide(policy: Policy, scope: Scope<'_>, entries: Vec<Entry>, store: &dyn Store) -> Result<Vec<Verdict>> {
    let mut entries = entries;
    let mut reasons = vec![Vec::new(); entries.len()];
    for (entry, reasons) in entries.iter().zip(&mut reasons) {
        let identity = entry.subject.as_ref().and_then(|subject| subject.identity.as_ref());
        if entry.subject.is_none() {
            reasons.push("not known as skyteam's");
        } else if identity.is_none() {
            reasons.push("of an unknown database");
        } else if scope.only.is_some_and(|only| only != identity) {
            reasons.push("of another database");
        } else if entry.is_from_the_future(scope.now) {
            reasons.push("from the future");
        } else if scope.is_by_a_stranger(entry, identity, store)? {
            reasons.push(UNKNOWN_MAKER);
        }
    }
    for group in groups(&entries, |index| reasons[index].is_empty()) {
        for (index, why) in group.iter().zip(decide_group(policy, &mut entries, &group, store)?) {
            reasons[*index] = why;
        }
    }
    for (entry, reasons) in entries.iter().zip(&mut reasons) {
        if reasons.is_empty() && scope.made == Some(entry.path.as_path()) {
            reasons.push("just made");
        }
    }
    Ok(entries.into_iter().zip(reasons).map(|(entry, reasons)| Verdict { entry, reasons }).collect())
}

/// Backups that can take each other's place, by index: the same part of the same database, and in the same form, for a
/// dump of the whole database holds more than an archive of skyteam's tables and is restored by other programs.
fn groups(entries: &[Entry], counts: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let form = |entry: &Entry| match entry.content {
        Content::Archive | Content::Encrypted => Content::Archive,
        other => other,
    };
    type Key<'a> = (Option<&'a Identity>, Contents, &'a [String], Content);
    let mut groups: Vec<(Key<'_>, Vec<usize>)> = Vec::new();
    for (index, entry) in entries.iter().enumerate().filter(|(index, _)| counts(*index)) {
        let Some(subject) = &entry.subject else { continue };
        // Not by its name: a database may be renamed.
        let key = (subject.identity.as_ref(), subject.contents, subject.tables.as_slice(), form(entry));
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(index),
            None => groups.push((key, vec![index])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn decide_group(
    policy: Policy,
    entries: &mut [Entry],
    group: &[usize],
    store: &dyn Store,
) -> Result<Vec<Vec<&'static str>>> {
    loop {
        let candidates: Vec<Candidate> = group.iter().map(|&index| candidate(&entries[index])).collect();
        let mut reasons = policy.reasons(&candidates);
        if reasons.iter().all(|reasons| !reasons.is_empty()) {
            return Ok(reasons);
        }
        let Some(newest) = retention::newest(&candidates, |candidate| candidate.good) else {
            // Perhaps something can still be saved from one of them.
            reasons.iter_mut().filter(|reasons| reasons.is_empty()).for_each(|reasons| reasons.push("no good one"));
            return Ok(reasons);
        };
        let relied_on = &mut entries[group[newest]];
        match store.check_bytes(relied_on) {
            Ok(()) => return Ok(reasons),
            Err(error @ (BackupError::Store { .. } | BackupError::Interrupted)) => return Err(error),
            Err(damage) => relied_on.damage = Some(damage.to_string()),
        }
    }
}

fn candidate(entry: &Entry) -> Candidate {
    let sound = |verified: &super::store::folder::Verified| verified.sound;
    let good = entry.damage.is_none() && entry.verified.as_ref().is_none_or(sound);
    let proved = good && entry.verified.as_ref().is_some_and(|verified| verified.deep);
    Candidate { at: entry.created_at, good, proved }
}
