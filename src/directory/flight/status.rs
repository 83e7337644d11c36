//! The state of a flight, derived from its times: the one place that knows how, for rows in memory and in SQL.

use chrono::TimeDelta;
use sea_orm::ColumnTrait as _;
use sea_orm::sea_query::{CaseStatement, Condition, SimpleExpr};

use crate::entity::flight::{Column, Model};
use crate::entity::types::Timestamp;

/// For how long a flight may be live before its game server is taken for dead.
pub const STALE_AFTER: TimeDelta = TimeDelta::hours(6);

/// The state of a flight. Each flight is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its start is still to come.
    Scheduled,
    /// Its start has passed and it has not started.
    Overdue,
    /// It has started, not longer than [`STALE_AFTER`] ago, and not ended.
    Live,
    /// It has started longer ago than that, and not ended.
    Stale,
    /// It has started and ended.
    Ended,
    /// It was called off: ended without a start.
    Cancelled,
}

impl Status {
    /// Every state, in the order in which a flight goes through them.
    pub const ALL: [Self; 6] = [Self::Scheduled, Self::Overdue, Self::Live, Self::Stale, Self::Ended, Self::Cancelled];

    /// Its name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Overdue => "overdue",
            Self::Live => "live",
            Self::Stale => "stale",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state called `name`.
    #[must_use]
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing can happen to the flight any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Cancelled)
    }

    /// The state of `flight` at `now`.
    #[must_use]
    pub fn of(flight: &Model, now: Timestamp) -> Self {
        match (flight.started_at, flight.end_time) {
            (Some(_), Some(_)) => Self::Ended,
            (None, Some(_)) => Self::Cancelled,
            (Some(started), None) if started < stale_before(now) => Self::Stale,
            (Some(_), None) => Self::Live,
            (None, None) if flight.start_time < now => Self::Overdue,
            (None, None) => Self::Scheduled,
        }
    }

    /// The condition that a row of `flights` is in this state at `now`: what [`Status::of`] says, for WHERE.
    #[must_use]
    pub fn condition(self, now: Timestamp) -> Condition {
        let stale_before = stale_before(now);
        let all = Condition::all();
        match self {
            Self::Scheduled => all.add(open()).add(Column::StartTime.gte(now)),
            Self::Overdue => all.add(open()).add(Column::StartTime.lt(now)),
            Self::Live => all.add(flying()).add(Column::StartedAt.gte(stale_before)),
            Self::Stale => all.add(flying()).add(Column::StartedAt.lt(stale_before)),
            Self::Ended => all.add(Column::StartedAt.is_not_null()).add(Column::EndTime.is_not_null()),
            Self::Cancelled => all.add(Column::StartedAt.is_null()).add(Column::EndTime.is_not_null()),
        }
    }

    /// The name of the state of a row of `flights` at `now`, as an SQL expression.
    #[must_use]
    pub fn expression(now: Timestamp) -> SimpleExpr {
        let cases = Self::ALL
            .into_iter()
            .fold(CaseStatement::new(), |cases, status| cases.case(status.condition(now), status.name()));
        cases.into()
    }
}

/// Neither started nor ended.
fn open() -> Condition {
    Condition::all().add(Column::StartedAt.is_null()).add(Column::EndTime.is_null())
}

/// Started and not ended.
fn flying() -> Condition {
    Condition::all().add(Column::StartedAt.is_not_null()).add(Column::EndTime.is_null())
}

fn stale_before(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - STALE_AFTER)
}
