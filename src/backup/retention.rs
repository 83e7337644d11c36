//! Which backups to keep, as restic and rustic define it.
//!
//! The newest backups are kept by `last`; of the newest days, weeks and months that have backups at all, the newest
//! backup of each. Where there are fewer days, weeks or months than a rule has numbers, it keeps the oldest backup too,
//! so that history reaches back as far as it can. A backup that any rule keeps is kept. Days, weeks (ISO 8601) and months are those of UTC, like the
//! times in the names.

use chrono::{DateTime, Datelike, Utc};

/// How many to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Of the newest.
    pub last: usize,
    /// Of the newest days.
    pub daily: usize,
    /// Of the newest weeks.
    pub weekly: usize,
    /// Of the newest months.
    pub monthly: usize,
}

/// A backup that is subject to the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// When its snapshot was taken.
    pub at: DateTime<Utc>,
    /// Whether it may be the one that everything depends on: it can be read, as far as is known.
    pub good: bool,
    /// Whether a restore of it has been proved.
    pub proved: bool,
}

impl Policy {
    /// Whether it keeps nothing, which is no policy.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Per candidate why it is kept; empty where nothing keeps it. The candidates are of one database.
    ///
    /// Whatever the numbers say, the newest good backup stays, and the newest one whose restore has been proved.
    pub(crate) fn reasons(self, candidates: &[Candidate]) -> Vec<Vec<&'static str>> {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(candidates[index].at));
        let mut reasons = vec![Vec::new(); candidates.len()];
        type Period = fn(DateTime<Utc>, usize) -> (i32, u32);
        let rules: [(&str, &str, usize, Period); 4] = [
            ("last", "oldest", self.last, |_, place| (0, place as u32)),
            ("daily", "oldest daily", self.daily, |at, _| (at.year(), at.ordinal())),
            ("weekly", "oldest weekly", self.weekly, |at, _| (at.iso_week().year(), at.iso_week().week())),
            ("monthly", "oldest monthly", self.monthly, |at, _| (at.year(), at.month())),
        ];
        for (name, oldest, count, period) in rules {
            let mut kept = 0;
            let mut previous = None;
            for (place, &index) in order.iter().enumerate() {
                let this = period(candidates[index].at, place);
                let is_new = previous != Some(this);
                if kept < count && (is_new || place + 1 == order.len()) {
                    reasons[index].push(if is_new { name } else { oldest });
                    kept += 1;
                }
                previous = Some(this);
            }
        }
        let good = newest(candidates, |candidate| candidate.good);
        let proved = newest(candidates, |candidate| candidate.proved);
        for (index, name) in [(good, "newest good"), (proved, "newest proved")] {
            if let Some(index) = index
                && reasons[index].is_empty()
            {
                reasons[index].push(name);
            }
        }
        reasons
    }
}

/// The newest candidate that fits.
pub(crate) fn newest(candidates: &[Candidate], fits: impl Fn(&Candidate) -> bool) -> Option<usize> {
    let fitting = (0..candidates.len()).filter(|&index| fits(&candidates[index]));
    // Of equal ones the first, as in the list.
    fitting.min_by_key(|&index| std::cmp::Reverse(candidates[index].at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(times: &[&str]) -> Vec<Candidate> {
        times.iter().map(|at| Candidate { at: at.parse().unwrap(), good: true, proved: false }).collect()
    }

    fn kept(policy: Policy, times: &[&str]) -> Vec<usize> {
        let reasons = policy.reasons(&candidates(times));
        (0..times.len()).filter(|&index| !reasons[index].is_empty()).collect()
    }

    const TIMES: [&str; 8] = [
        "2026-11-23T02:00:00Z",
        "2026-11-23T01:00:00Z",
        "2026-11-22T02:00:00Z",
        "2026-11-20T02:00:00Z",
        "2026-11-01T02:00:00Z",
        "2026-10-31T02:00:00Z",
        "2026-10-30T02:00:00Z",
        "2025-12-31T02:00:00Z",
    ];

    #[test]
    fn each_rule_keeps_the_newest_of_each_period_that_has_one() {
        let none = Policy::default();
        assert_eq!(kept(Policy { last: 3, ..none }, &TIMES), [0, 1, 2]);
        // Days without a backup do not count.
        assert_eq!(kept(Policy { daily: 3, ..none }, &TIMES), [0, 2, 3]);
        assert_eq!(kept(Policy { weekly: 3, ..none }, &TIMES), [0, 2, 4]);
        assert_eq!(kept(Policy { monthly: 3, ..none }, &TIMES), [0, 5, 7]);
        assert_eq!(kept(Policy { last: 1, monthly: 2, ..none }, &TIMES), [0, 5]);
        assert_eq!(kept(Policy { last: 99, ..none }, &TIMES).len(), 8);
    }

    #[test]
    fn where_there_are_too_few_periods_the_oldest_stays_too() {
        let none = Policy::default();
        // Two backups of one day: restic keeps the second as the "oldest daily" while numbers are left.
        assert_eq!(kept(Policy { daily: 7, ..none }, &TIMES[..2]), [0, 1]);
        assert_eq!(kept(Policy { monthly: 12, ..none }, &TIMES[..5]), [0, 4]);
        let reasons = Policy { monthly: 12, ..none }.reasons(&candidates(&TIMES[..5]));
        assert_eq!(reasons[4], ["oldest monthly"]);
        // No numbers are left: it goes.
        assert_eq!(kept(Policy { daily: 1, ..none }, &TIMES[..2]), [0]);
    }

    #[test]
    fn order_of_the_list_does_not_matter() {
        let mut times = TIMES;
        times.reverse();
        assert_eq!(kept(Policy { daily: 3, ..Policy::default() }, &times), [4, 5, 7]);
    }

    #[test]
    fn the_last_good_one_stays_whatever_the_numbers_say() {
        let mut list = candidates(&TIMES);
        list[0].good = false;
        list[1].good = false;
        list[6].proved = true;
        let reasons = Policy { last: 1, ..Policy::default() }.reasons(&list);
        assert_eq!(reasons[0], ["last"]);
        assert_eq!(reasons[2], ["newest good"]);
        assert_eq!(reasons[6], ["newest proved"]);
        assert_eq!(reasons.iter().filter(|reasons| !reasons.is_empty()).count(), 3);
    }
}
