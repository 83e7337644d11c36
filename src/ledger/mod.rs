//! The miles ledger: every change of a balance, each with the entry that explains it.
//!
//! What holds for every function here, alone and together, on both engines:
//!
//! - a user's `miles` is the sum of the user's entries, from 0 to [`MAX_BALANCE`];
//! - an entry and its balance change are one transaction, on PostgreSQL mostly one statement;
//! - an entry is never changed or deleted: it is reversed, once, by a further entry ([`reverse`]);
//! - a request under an idempotency key is applied once ([`key`]);
//! - a user is paid for a flight once ([`flight_award`]);
//! - user rows are locked in order of `userId` before anything is written, so that no two of us deadlock.
//!
//! [`audit`] proves all of it about stored data. Programs that write beside us are held to the same by the constraints
//! and triggers of the schema, not by this module. Names, references and wording are left to the callers: users are
//! given by `userId`, refusals are facts ([`MilesError`]).

pub mod audit;
pub(crate) mod award_guard;
pub mod batch;
mod bulk;
pub(crate) mod erased;
pub(crate) mod flight_award;
pub mod history;
pub mod key;
pub mod leaderboard;
pub mod lookup;
pub mod movements;
pub mod posting;
pub mod purchase;
pub(crate) mod reconcile;
pub mod redeem;
pub mod reverse;
mod rows;
pub mod statement;
pub(crate) mod typical_award;

use sea_orm::{DbErr, Set};

use crate::db;
pub use crate::entity::miles_transaction::Model as Entry;
use crate::entity::types::{Id, Timestamp};
use crate::entity::{columns, miles_transaction};
use crate::input::Amount;
use crate::input::reference::ReferenceError;

/// The highest balance, and the highest amount of one entry: what the `integer` columns hold.
pub const MAX_BALANCE: i32 = i32::MAX;

/// The values of the column `source` that this crate writes. Other programs may write others; all are kept and shown.
pub mod source {
    /// Paid for a flight.
    pub const FLIGHT: &str = "flight";
    /// Spent on a product.
    pub const PURCHASE: &str = "purchase";
    /// Given or taken by hand: the default of award, spend and import.
    pub const MANUAL: &str = "manual";
    /// Takes back another entry.
    pub const REVERSAL: &str = "reversal";
    /// Written by the audit's repair.
    pub const ADJUSTMENT: &str = "adjustment";

    /// Sources that a person cannot claim for an entry, because the audit reads a meaning from them.
    pub const RESERVED: [&str; 2] = [REVERSAL, ADJUSTMENT];
}

/// The two values of the column `type`.
pub mod kind {
    /// The amount is zero or more.
    pub const EARN: &str = "earn";
    /// The amount is zero or less.
    pub const SPEND: &str = "spend";

    /// The type that fits `amount`.
    pub(crate) fn of(amount: i32) -> &'static str {
        if amount < 0 { SPEND } else { EARN }
    }
}

/// One change of one balance that is asked for: what the entry will hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The entry's key: [`key::entry_id`] of an idempotency key, else [`key::fresh_id`].
    pub id: Id,
    /// Whether the id was drawn for this movement: then no entry can have it, and a batch looks for none.
    pub drawn: bool,
    /// Whose balance.
    pub user_id: String,
    /// Positive earns, negative spends. Never `i32::MIN`, whose opposite no column holds.
    pub amount: i32,
    /// One of [`source`], or another word.
    pub source: String,
    /// The flight it is for.
    pub flight_id: Option<Id>,
    /// The product it is for.
    pub product_id: Option<String>,
    /// Free text.
    pub note: Option<String>,
    /// The entry that it takes back.
    pub reverses_id: Option<Id>,
    /// What it came together with.
    pub batch_id: Option<Id>,
    /// Who asks.
    pub actor: Option<String>,
}

impl Posting {
    /// Gives miles, by hand until [`Posting::source`] says otherwise.
    pub fn award(id: Id, user_id: impl Into<String>, miles: Amount) -> Self {
        Self::new(id, user_id.into(), miles.get())
    }

    /// Takes miles, by hand until [`Posting::source`] says otherwise.
    pub fn spend(id: Id, user_id: impl Into<String>, miles: Amount) -> Self {
        Self::new(id, user_id.into(), -miles.get())
    }

    /// Gives or takes, by the sign of `amount`, which is not `i32::MIN`.
    pub fn signed(id: Id, user_id: impl Into<String>, amount: i32) -> Self {
        Self::new(id, user_id.into(), amount)
    }

    fn new(id: Id, user_id: String, amount: i32) -> Self {
        Self {
            id,
            drawn: false,
            user_id,
            amount,
            source: source::MANUAL.to_owned(),
            flight_id: None,
            product_id: None,
            note: None,
            reverses_id: None,
            batch_id: None,
            actor: None,
        }
    }

    /// The entry it becomes when it is written at `created_at`.
    fn into_entry(self, created_at: Timestamp) -> Result<Entry, DbErr> {
        let entry = miles_transaction::ActiveModel {
            id: Set(self.id),
            user_id: Set(self.user_id),
            amount: Set(self.amount),
            r#type: Set(kind::of(self.amount).to_owned()),
            source: Set(self.source),
            flight_id: Set(self.flight_id),
            product_id: Set(self.product_id),
            note: Set(self.note),
            created_at: Set(created_at),
            reverses_id: Set(self.reverses_id),
            batch_id: Set(self.batch_id),
            actor: Set(self.actor),
            ..Default::default()
        };
        columns::complete(entry, created_at)
    }
}

/// An entry in the ledger and the balance it belongs to.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Posted {
    /// The entry.
    #[serde(flatten)]
    pub entry: Entry,
    /// The user's balance: after the entry, or, where the entry was there already, as it is now.
    pub balance: i64,
    /// Whether the entry was there before this request, which then changed nothing.
    #[serde(skip)]
    pub already: bool,
}

/// A user whose balance a rule looked at, as it was under the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Key.
    pub user_id: String,
    /// Name on ROBLOX.
    pub username: String,
    /// Balance.
    pub miles: i64,
}

/// Why the ledger refused, or failed. Nothing has changed, except where a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum MilesError {
    /// No such user.
    #[error("no user {user_id}")]
    NoUser {
        /// The key asked for.
        user_id: String,
    },
    /// The balance would fall below zero.
    #[error("{} has {}, {needs} needed", holder.username, holder.miles)]
    NotEnough {
        /// Who, with what.
        holder: Account,
        /// How many miles were to be taken, positive.
        needs: i64,
    },
    /// A reversal would take the balance below zero: some of what it takes back has been spent.
    #[error("{} has {}, {takes} to be taken back", holder.username, holder.miles)]
    SpentSince {
        /// Who, with what.
        holder: Account,
        /// How many miles the reversal takes, positive.
        takes: i64,
    },
    /// The balance would pass [`MAX_BALANCE`].
    #[error("{} has {}, {adds} more is past {MAX_BALANCE}", holder.username, holder.miles)]
    TooMany {
        /// Who, with what.
        holder: Account,
        /// How many miles were to be added.
        adds: i64,
    },
    /// The key was used for something else.
    #[error("entry {} differs in {} columns", stored.id, differences.len())]
    KeyTaken {
        /// The entry under the key.
        stored: Box<Entry>,
        /// In what it differs from the request; not empty.
        differences: Vec<key::Difference>,
    },
    /// No such product.
    #[error("no product {product_id}")]
    NoProduct {
        /// The key asked for.
        product_id: String,
    },
    /// The product is not for sale.
    #[error("product {product_id} is not active")]
    ProductInactive {
        /// Its key.
        product_id: String,
        /// Its name.
        name: String,
    },
    /// No such flight.
    #[error("no flight {flight_id}")]
    NoFlight {
        /// The key asked for.
        flight_id: Id,
    },
    /// The user has an award for the flight that has not been reversed.
    #[error("entry {} is an award for the flight", award.id)]
    AlreadyAwarded {
        /// The award in effect.
        award: Box<Entry>,
    },
    /// No such entry or batch.
    #[error("no entry or batch {id}")]
    NoEntry {
        /// The key asked for.
        id: Id,
    },
    /// The actor has written nothing yet.
    #[error("no entry of {actor}")]
    NothingBy {
        /// Who.
        actor: String,
    },
    /// The entry, or every entry of the batch, has been reversed before.
    #[error("{id} has been reversed")]
    AlreadyReversed {
        /// The entry or batch.
        id: Id,
        /// The entry that took it back; for a batch that of its first entry.
        by: Option<Id>,
    },
    /// The entry takes back another one; such an entry is not reversed.
    #[error("{id} is a reversal")]
    IsReversal {
        /// The entry or batch.
        id: Id,
    },
    /// The entry, or all of the batch, has no miles to take back.
    #[error("{id} moves no miles")]
    MovesNothing {
        /// The entry or batch.
        id: Id,
    },
    /// Some of a batch's movements are refused, so none was made.
    #[error("{} of the batch are refused", rejected.len())]
    Batch {
        /// Each with its place in the batch; not empty.
        rejected: Vec<batch::Rejection>,
    },
    /// The balance differs from the ledger by more than one entry could correct.
    #[error("balance {balance} and ledger {ledger} cannot be made equal")]
    BeyondRepair {
        /// Whose.
        user_id: String,
        /// The cached balance.
        balance: i64,
        /// The sum of the entries.
        ledger: i64,
    },
    /// The connection was lost while the change was being made to last: it is applied or it is not.
    #[error("the outcome of {id} is unknown")]
    Unknown {
        /// The entry or batch to ask for.
        id: Id,
        /// The driver's error.
        #[source]
        source: DbErr,
    },
    /// The change is made, and the server's standby is not known to have it: a failover might lose it.
    #[error("{id} is not known to be on the standby")]
    NotReplicated {
        /// The entry or batch to ask for.
        id: Id,
        /// What is known.
        #[source]
        commit: db::NotReplicated,
    },
    /// A reference names nothing, or several.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A request for several users names one of them twice.
    #[error("{username} is named twice")]
    NamedTwice {
        /// Name on ROBLOX.
        username: String,
    },
    /// The database failed; the transaction is gone.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl MilesError {
    /// The driver's error inside it, where running the whole transaction again may be tried ([`crate::db::retry`]).
    pub fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Db(error) => Some(error),
            _ => None,
        }
    }
}
