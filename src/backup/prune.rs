//! Which backups of a folder go. Only files that say themselves that skyteam made them, only for others of the same
//! ([`Subject`]), and only while a good one stays: what everything hangs on is read before anything is removed.

use super::detect::Content;
use super::format::manifest::Subject;
use super::retention::{self, Candidate, Policy};
use super::store::folder::Entry;

/// What becomes of a backup.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The backup. Damage that was found on the way is told.
    pub entry: Entry,
    /// Why it is kept; empty when it goes.
    pub reasons: Vec<&'static str>,
}

impl Verdict {
    /// Whether nothing keeps it.
    pub fn goes(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Decides on every backup of a folder.
pub fn decide(policy: Policy, entries: Vec<Entry>) -> Vec<Verdict> {
    let mut entries = entries;
    let mut reasons = vec![Vec::new(); entries.len()];
    for group in groups(&entries) {
        for (index, why) in group.iter().zip(decide_group(policy, &mut entries, &group)) {
            reasons[*index] = why;
        }
    }
    for (entry, reasons) in entries.iter().zip(&mut reasons) {
        if entry.subject.is_none() {
            reasons.push("not known as skyteam's");
        }
    }
    entries.into_iter().zip(reasons).map(|(entry, reasons)| Verdict { entry, reasons }).collect()
}

/// Backups that can take each other's place, by index: of the same, and in the same form, for a dump of the whole
/// database holds more than an archive of skyteam's tables and is restored by other programs.
fn groups(entries: &[Entry]) -> Vec<Vec<usize>> {
    let form = |entry: &Entry| match entry.content {
        Content::Archive | Content::Encrypted => Content::Archive,
        other => other,
    };
    let mut groups: Vec<((&Subject, Content), Vec<usize>)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(subject) = &entry.subject else { continue };
        let key = (subject, form(entry));
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(index),
            None => groups.push((key, vec![index])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn decide_group(policy: Policy, entries: &mut [Entry], group: &[usize]) -> Vec<Vec<&'static str>> {
    loop {
        let candidates: Vec<Candidate> = group.iter().map(|&index| candidate(&entries[index])).collect();
        let mut reasons = policy.reasons(&candidates);
        if reasons.iter().all(|reasons| !reasons.is_empty()) {
            return reasons;
        }
        let Some(newest) = retention::newest(&candidates, |candidate| candidate.good) else {
            // Perhaps something can still be saved from one of them.
            reasons.iter_mut().filter(|reasons| reasons.is_empty()).for_each(|reasons| reasons.push("no good one"));
            return reasons;
        };
        let relied_on = &mut entries[group[newest]];
        match relied_on.check_bytes() {
            Ok(()) => return reasons,
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
