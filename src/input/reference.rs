//! What a word on the command line can mean, and why one means nothing.

use sea_orm::DbErr;

use super::quoted;
use crate::entity::Timestamp;

/// How many candidates an ambiguous reference lists at most.
pub(crate) const CANDIDATES: u64 = 10;

/// What a reference can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    /// A row of `users`.
    User,
    /// A row of `airlines`.
    Airline,
    /// A row of `brands`.
    Brand,
    /// A row of `flights`.
    Flight,
    /// A row of `milesProducts`.
    Product,
    /// A row of `milesTransactions`.
    Entry,
    /// The entries of one import, manifest or award.
    Batch,
}

impl Noun {
    /// The word for one of them.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Airline => "airline",
            Self::Brand => "brand",
            Self::Flight => "flight",
            Self::Product => "product",
            Self::Entry => "ledger entry",
            Self::Batch => "batch",
        }
    }
}

/// One thing that may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What to type so that only this is meant.
    pub key: String,
    /// What it is, for people.
    pub what: String,
    /// When it is, or was written, where that distinguishes it from others.
    pub at: Option<Timestamp>,
}

impl Candidate {
    /// One that no time belongs to.
    #[must_use]
    pub(crate) fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into(), at: None }
    }
}

/// Why a reference means nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing answers to it.
    #[error("no {} {}", noun.singular(), quoted(reference))]
    NotFound {
        /// What was looked for.
        noun: Noun,
        /// What was typed.
        reference: String,
        /// What is spelt most like it, best first; perhaps nothing.
        nearest: Vec<Candidate>,
    },
    /// More than one thing answers to it.
    #[error("{} means more than one {}", quoted(reference), noun.singular())]
    Ambiguous {
        /// What was looked for.
        noun: Noun,
        /// What was typed.
        reference: String,
        /// What it may mean: at most [`CANDIDATES`], and one more where there are more.
        candidates: Vec<Candidate>,
    },
    /// A code that only flights have which have ended or were cancelled.
    #[error("no scheduled or live flight {}", quoted(reference))]
    Ended {
        /// What was looked for.
        reference: String,
        /// The newest of them, by its code and day.
        newest: Candidate,
    },
    /// The day of a flight, as in `DL123@2026-02-30`, is in no calendar.
    #[error("{} names a day that does not exist", quoted(reference))]
    NoSuchDay {
        /// What was typed.
        reference: String,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Db(#[from] DbErr),
}
