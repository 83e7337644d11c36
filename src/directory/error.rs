//! What the directory refuses, as facts, and the few words of SQL that its operations share.

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

use super::reference::{Candidate, Noun, ReferenceError};
use crate::db::{Engine, Transaction, sql_state, violated_constraint};
use crate::input::InputError;

/// Why a user, an airline, a brand or a product stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A value breaks an input rule.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A reference means nothing, or too much.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Another row has this value already.
    #[error("{field} {value} is taken")]
    Taken {
        /// The column.
        field: &'static str,
        /// The value that was wanted.
        value: String,
        /// What kind of thing holds it.
        noun: Noun,
        /// Who holds it; `None` where another program took it in this very moment.
        holder: Option<Candidate>,
    },
    /// Rows of other tables refer to it.
    #[error("{} {key} is referred to", noun.singular())]
    InUse {
        /// What was to be deleted.
        noun: Noun,
        /// Its key.
        key: String,
        /// What refers to it, and how often; none of them zero.
        by: Vec<Use>,
    },
    /// The primary brand cannot go while its airline has others.
    #[error("brand {key} is the primary one of {airline}")]
    Primary {
        /// The brand.
        key: String,
        /// Its airline.
        airline: String,
        /// A brand that could take the mark.
        other: String,
    },
    /// A table refers to users, and its entity does not say what erasing one does with its rows.
    #[error("{table} refers to users by {column}, and nothing says what becomes of its rows")]
    Undecided {
        /// The table.
        table: &'static str,
        /// The column that refers to a user.
        column: &'static str,
        /// The entity's source file.
        file: &'static str,
    },
    /// The row was there and is gone: another program deleted it meanwhile.
    #[error("{} {key} is gone", noun.singular())]
    Gone {
        /// What it was.
        noun: Noun,
        /// Its key.
        key: String,
    },
    /// Only members of the role that owns the ledger may change its entries.
    #[error("{role} is no member of {owner}")]
    OwnerOnly {
        /// The role that asked.
        role: String,
        /// The ledger's owner.
        owner: String,
    },
    /// The database refused, or could not be asked.
    #[error(transparent)]
    Db(#[from] DbErr),
}

/// How often one kind of row refers to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// One of them, in words: `flight`, `codeshare flight`.
    pub what: &'static str,
    /// How many.
    pub count: i64,
}

/// A row before and after a change.
#[derive(Clone, Debug)]
pub struct Edited<M> {
    /// As it was.
    pub before: M,
    /// As it is; equal to `before` where there was nothing to change.
    pub after: M,
}

impl<M> Edited<M> {
    /// Both rows as something else.
    pub(crate) fn map<N>(self, to: impl Fn(M) -> N) -> Edited<N> {
        Edited { before: to(self.before), after: to(self.after) }
    }
}

impl<M: PartialEq> Edited<M> {
    /// Whether anything is different now.
    #[must_use]
    pub(crate) fn changed(&self) -> bool {
        self.before != self.after
    }
}

/// The directory's results.
pub type Result<T> = std::result::Result<T, DirectoryError>;

/// A statement for the engine behind `db`; both number their parameters `$1`, `$2`, ….
pub(super) fn statement(
    db: &impl ConnectionTrait,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// The time of the transaction, as an expression for a `timestamp` column.
pub(super) fn now(db: &impl ConnectionTrait) -> &'static str {
    match Engine::of(db) {
        Engine::Postgres => "now()",
        Engine::Sqlite => "(rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.'))",
    }
}

/// The function that finds the position of one text in another, 0 where it does not occur. Not LIKE, which on SQLite takes no pattern
/// beyond 50 000 bytes.
pub(super) const fn position(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "strpos",
        Engine::Sqlite => "instr",
    }
}

/// Holds back other operations of ours that would take the same value, until the transaction ends.
///
/// A unique constraint sees `Ada` and `ada` as two names, and two brands can each find that their airline has no primary
/// yet; on SQLite the write lock that the transaction holds already keeps them apart.
pub(super) async fn claim(tx: &Transaction, what: &str, value: &str) -> std::result::Result<(), DbErr> {
    if Engine::of(tx) == Engine::Postgres {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || lower($2), 0))";
        tx.execute_raw(statement(tx, sql, [what.into(), value.into()])).await?;
    }
    Ok(())
}

/// `error` as [`DirectoryError::Taken`] where it is the violation of a unique constraint that one of `fields` has: what
/// is left of a race with a program that takes no locks of ours.
pub(super) fn taken(error: DbErr, noun: Noun, fields: &[(&'static str, &str)]) -> DirectoryError {
    let unique = sql_state(&error).is_some_and(|state| matches!(state.code.as_str(), "23505" | "1555" | "2067"));
    let constraint = violated_constraint(&error).filter(|_| unique).unwrap_or_default();
    // `users_username_unique` on PostgreSQL, `users.username` on SQLite; a key is `users_pkey` or `users.userId`.
    let hit = fields.iter().find(|(field, _)| {
        constraint.ends_with(&format!("_{field}_unique")) || constraint.ends_with(&format!(".{field}"))
    });
    let hit = hit.or_else(|| fields.first().filter(|_| constraint.ends_with("_pkey")));
    match hit {
        Some((field, value)) => DirectoryError::Taken { field, value: (*value).to_owned(), noun, holder: None },
        None => error.into(),
    }
}
