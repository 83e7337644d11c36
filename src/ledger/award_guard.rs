//! The guard before awards: which of them are so large that they need consent.
//!
//! Every command that awards miles asks this guard, whether for one user, a batch, a file or a flight's passengers. It is
//! read before anything is written, so that the awards in question do not count as usual themselves.

use sea_orm::{ConnectionTrait, DbErr};

use super::typical_award;

/// Above what an award is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AwardGuard {
    /// The limit of the profile.
    limit: Option<i64>,
    /// The usual award.
    usual: Option<i64>,
}

/// What an award is above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The limit of the profile.
    Limit(i64),
    /// [`typical_award::FACTOR`] times the usual award, which is this.
    Usual(i64),
}

/// An award to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Award<'a> {
    /// Who gets it, as the question names the user.
    pub user: &'a str,
    /// How many miles.
    pub miles: i32,
}

/// The awards of a request that are too large to go unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unusual<'a> {
    /// How many awards the request has.
    pub awards: usize,
    /// Those that are too large, the largest first; not empty.
    pub offenders: Vec<Award<'a>>,
    /// What the largest is above.
    pub bound: Bound,
}

impl AwardGuard {
    /// Reads what is usual: on the flights of an airline where one is given.
    ///
    /// # Errors
    /// The driver's.
    pub(crate) async fn read(
        connection: &impl ConnectionTrait,
        limit: Option<u32>,
        airline_id: Option<&str>,
    ) -> Result<Self, DbErr> {
        Ok(Self { limit: limit.map(i64::from), usual: typical_award::award(connection, airline_id).await? })
    }

    /// What the award is above, if it is.
    fn bound(self, miles: i32) -> Option<Bound> {
        let miles = i64::from(miles);
        let over = |limit: &i64| miles > *limit;
        self.limit
            .filter(over)
            .map(Bound::Limit)
            .or_else(|| self.usual.filter(|usual| over(&usual.saturating_mul(typical_award::FACTOR))).map(Bound::Usual))
    }

    /// Judges the awards of one request; what takes miles is none.
    pub(crate) fn judge<'a>(&self, awards: impl IntoIterator<Item = Award<'a>>) -> Option<Unusual<'a>> {
        let mut count = 0;
        let awards = awards.into_iter().filter(|award| award.miles > 0).inspect(|_| count += 1);
        let mut offenders: Vec<Award<'a>> = awards.filter(|award| self.bound(award.miles).is_some()).collect();
        offenders.sort_by_key(|award| std::cmp::Reverse(award.miles));
        let bound = self.bound(offenders.first()?.miles)?;
        Some(Unusual { awards: count, offenders, bound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(limit: Option<i64>, usual: Option<i64>, awards: &[i32]) -> Option<(usize, Vec<i32>, Bound)> {
        let awards = awards.iter().map(|miles| Award { user: "ann", miles: *miles });
        let unusual = AwardGuard { limit, usual }.judge(awards)?;
        Some((unusual.awards, unusual.offenders.iter().map(|award| award.miles).collect(), unusual.bound))
    }

    #[test]
    fn awards_above_the_limit_or_twenty_times_the_usual_are_found() {
        assert_eq!(judged(None, None, &[i32::MAX]), None);
        assert_eq!(judged(Some(150), Some(100), &[150, -5000, 2]), None);
        assert_eq!(judged(Some(150), Some(100), &[151, 1, -5000, 160]), Some((3, vec![160, 151], Bound::Limit(150))));
        assert_eq!(judged(None, Some(100), &[2000, 2001]), Some((2, vec![2001], Bound::Usual(100))));
        assert_eq!(judged(Some(5000), Some(100), &[2001, 6000]), Some((2, vec![6000, 2001], Bound::Limit(5000))));
    }
}
