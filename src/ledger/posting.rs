//! One entry with its balance change: award and spend.
//!
//! On PostgreSQL this is one statement, and the row of a busy account is locked for no longer than that statement's
//! commit takes. The rule is the update's condition, which is evaluated on the newest version of the row;
//! there is no reading before writing that a concurrent change could make false.
//!
//! Where the short statement changes nothing, a second one settles why ([`settle`]): it locks the row first, so that the
//! balance it answers is the one it decided on.

use std::sync::LazyLock;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::rows::{self, COLUMNS, POSTGRES_CLOCK, WRITTEN};
use super::{Account, MAX_BALANCE, MilesError, Posted, Posting, key, kind};
use crate::db::{self, Autocommit, Database, Engine, Transaction, sql_state, violated_constraint};
use crate::entity::types::Id;

/// What a balance must be for `$3` to be added: the result neither falls below zero nor passes 2 147 483 647. A balance
/// that is negative already may rise. The least number of 32 bits has no negative one.
const ALLOWED: &str =
    r#"CASE WHEN $3 > 0 THEN "miles" <= 2147483647 - $3 ELSE CAST("miles" AS bigint) + CAST($3 AS bigint) >= 0 END"#;

/// PostgreSQL, the short statement.
static AT_ONCE: LazyLock<String> = LazyLock::new(|| {
    format!(
        r#"WITH paid AS (
            UPDATE "users" SET "miles" = "miles" + $3 WHERE "userId" = $2 AND {ALLOWED} RETURNING "miles"
        )
        INSERT INTO "milesTransactions" ({WRITTEN})
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, {POSTGRES_CLOCK}, $9, $10, $11 FROM paid
        RETURNING {COLUMNS}, (SELECT "miles"::int8 FROM paid) AS "balance""#
    )
});

/// PostgreSQL, the statement that distinguishes the outcomes: no row, no such user; a balance, done; else refused by rule
/// or by key. A taken key raises no error, which would end the transaction around it.
///
/// `FOR NO KEY UPDATE` is what the update takes anyway; it lets other sessions insert rows that refer to the user.
static SETTLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        r#"WITH held AS MATERIALIZED (
            SELECT "userId", "username", "miles" FROM "users" WHERE "userId" = $2 FOR NO KEY UPDATE
        ), entry AS (
            INSERT INTO "milesTransactions" ({WRITTEN})
            SELECT $1, "userId", $3, $4, $5, $6, $7, $8, {POSTGRES_CLOCK}, $9, $10, $11 FROM held WHERE {ALLOWED}
            ON CONFLICT ("id") DO NOTHING
            RETURNING {COLUMNS}
        ), paid AS (
            UPDATE "users" SET "miles" = "users"."miles" + entry."amount" FROM entry
            WHERE "users"."userId" = entry."userId" RETURNING "users"."miles"
        )
        SELECT held."username" AS "holder", held."miles"::int8 AS "had", paid."miles"::int8 AS "balance", entry.*
        FROM held LEFT JOIN entry ON true LEFT JOIN paid ON true"#
    )
});

/// SQLite has no writing CTE; `BEGIN IMMEDIATE` has locked the database, so that nothing moves between statements. A taken
/// key is looked for and not left to `ON CONFLICT`: the trigger that keeps entries from being replaced speaks first.
static SQLITE_INSERT: LazyLock<String> = LazyLock::new(|| {
    format!(
        r#"INSERT INTO "milesTransactions" ({WRITTEN})
        SELECT $1, "userId", $3, $4, $5, $6, $7, $8, $12, $9, $10, $11 FROM "users" WHERE "userId" = $2 AND {ALLOWED}
            AND NOT EXISTS (SELECT 1 FROM "milesTransactions" WHERE "id" = $1)
        RETURNING {COLUMNS}"#
    )
});

/// How long, and how often, an entry of unknown outcome is asked for before that is reported.
const ASKING: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(500), Duration::from_millis(1000)];

/// How long one such question waits for a server that does not answer at all.
const ANSWER: Duration = Duration::from_secs(3);

/// Writes one entry and its balance change in a transaction of their own.
///
/// The same request again (the same id and content) returns the existing entry, with [`Posted::already`]. Lost races
/// are run again. Where the connection breaks before the commit is acknowledged, the entry is asked for by its id.
///
/// # Errors
/// [`MilesError::NoUser`], [`MilesError::NotEnough`], [`MilesError::TooMany`], [`MilesError::KeyTaken`];
/// [`MilesError::Unknown`] where the commit was not acknowledged and the entry cannot be found (yet).
pub async fn post(database: &Database, movement: &Posting) -> Result<Posted, MilesError> {
    Poster::of(database).post(movement).await
}

/// Where one entry after the other is posted: [`post`] for callers who have many.
#[derive(Debug)]
pub struct Poster<'a> {
    database: &'a Database,
    connection: Autocommit<'a>,
}

impl<'a> Poster<'a> {
    /// Posts to this database.
    pub fn of(database: &'a Database) -> Self {
        Self { database, connection: database.autocommit() }
    }

    /// As [`post`]. Refusals and failures leave the poster usable.
    ///
    /// # Errors
    /// As [`post`].
    pub async fn post(&self, movement: &Posting) -> Result<Posted, MilesError> {
        let done = db::retry(MilesError::db, || async {
            match self.database.engine() {
                Engine::Postgres => match post_at_once(&self.connection, movement).await? {
                    Some(posted) => Ok(posted),
                    None => settle_alone(self.database, movement).await,
                },
                Engine::Sqlite => settle_alone(self.database, movement).await,
            }
        });
        match done.await {
            Err(unknown @ MilesError::Unknown { .. }) => {
                ask(self.database, unknown, |posted| same_or_taken(posted, movement)).await
            }
            Ok(posted) if posted.already => replicated(self.database, movement.id).await.map(|()| posted),
            done => done,
        }
    }
}

/// Writes one entry and its balance change as part of an open transaction.
///
/// A refusal leaves a PostgreSQL transaction usable, but nothing of this request in it.
///
/// # Errors
/// As [`post`], without [`MilesError::Unknown`].
pub async fn post_in(tx: &Transaction, movement: &Posting) -> Result<Posted, MilesError> {
    settle(tx, movement).await
}

/// The short statement: update on condition, then insert, as one. `None` where it changed nothing.
async fn post_at_once(connection: &Autocommit<'_>, movement: &Posting) -> Result<Option<Posted>, MilesError> {
    match connection.query_one_raw(rows::statement(connection, AT_ONCE.as_str(), values(movement))).await {
        Ok(Some(row)) => {
            let (entry, balance) = (rows::entry(&row)?, row.try_get("", "balance")?);
            Ok(Some(Posted { entry, balance, already: false }))
        }
        Ok(None) => Ok(None),
        Err(error) if is_taken(&error) => Ok(None),
        Err(error) => Err(unknown_or_failed(movement.id, error)),
    }
}

/// [`settle`] in a transaction of its own.
async fn settle_alone(database: &Database, movement: &Posting) -> Result<Posted, MilesError> {
    alone(database, movement.id, async |tx| settle(tx, movement).await).await
}

/// Makes the entry `id` in a transaction of its own, whose reads no lagging replica answers.
pub(super) async fn alone(
    database: &Database,
    id: Id,
    make: impl AsyncFnOnce(&Transaction) -> Result<Posted, MilesError>,
) -> Result<Posted, MilesError> {
    let tx = database.begin().await?;
    match make(&tx).await {
        Ok(posted) => {
            tx.commit().await.map_err(|source| unknown_or_failed(id, source))?;
            Ok(posted)
        }
        Err(error) => {
            // At once: a transaction that is dropped keeps the account's row locked until its connection is used again.
            // Where the connection is gone, so is the lock, and the refusal is the answer all the same.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

/// Posts it, or finds out why not, under the lock of the user's row.
async fn settle(connection: &impl ConnectionTrait, movement: &Posting) -> Result<Posted, MilesError> {
    match Engine::of(connection) {
        Engine::Postgres => settle_postgres(connection, movement).await,
        Engine::Sqlite => settle_sqlite(connection, movement).await,
    }
}

async fn settle_postgres(connection: &impl ConnectionTrait, movement: &Posting) -> Result<Posted, MilesError> {
    let statement = rows::statement(connection, SETTLE.as_str(), values(movement));
    let row = connection.query_one_raw(statement).await.map_err(|error| unknown_or_failed(movement.id, error))?;
    let Some(row) = row else { return refuse(connection, movement, None).await };
    if let Some(balance) = row.try_get::<Option<i64>>("", "balance")? {
        return Ok(Posted { entry: rows::entry(&row)?, balance, already: false });
    }
    let holder = Account {
        user_id: movement.user_id.clone(),
        username: row.try_get("", "holder")?,
        miles: row.try_get("", "had")?,
    };
    refuse(connection, movement, Some(holder)).await
}

async fn settle_sqlite(connection: &impl ConnectionTrait, movement: &Posting) -> Result<Posted, MilesError> {
    let mut bound = values(movement);
    bound.push(rows::clock(connection).await?.into());
    let inserted = connection.query_one_raw(rows::statement(connection, SQLITE_INSERT.as_str(), bound)).await?;
    let Some(inserted) = inserted else {
        let sql = r#"SELECT "username", "miles" FROM "users" WHERE "userId" = $1"#;
        let row =
            connection.query_one_raw(rows::statement(connection, sql, [movement.user_id.as_str().into()])).await?;
        let holder = row.map(|row| {
            Ok::<_, DbErr>(Account {
                user_id: movement.user_id.clone(),
                username: row.try_get("", "username")?,
                miles: row.try_get("", "miles")?,
            })
        });
        return refuse(connection, movement, holder.transpose()?).await;
    };
    let sql = r#"UPDATE "users" SET "miles" = "miles" + $1 WHERE "userId" = $2 RETURNING "miles""#;
    let bound = [movement.amount.into(), movement.user_id.as_str().into()];
    let paid = connection.query_one_raw(rows::statement(connection, sql, bound)).await?;
    let balance = paid.ok_or_else(|| DbErr::RecordNotUpdated)?.try_get("", "miles")?;
    Ok(Posted { entry: rows::entry(&inserted)?, balance, already: false })
}

/// Why a movement was not made. Its key is looked up first: the first request may have left too little for a second.
async fn refuse(
    connection: &impl ConnectionTrait,
    movement: &Posting,
    holder: Option<Account>,
) -> Result<Posted, MilesError> {
    if let Some(posted) = rows::stored(connection, movement.id).await? {
        return same_or_taken(posted, movement);
    }
    let Some(holder) = holder else { return Err(MilesError::NoUser { user_id: movement.user_id.clone() }) };
    match refusal(&holder, movement.amount.into()) {
        Some(refused) => Err(refused),
        // Only an entry that was deleted in this very moment could have held the key; deleting takes maintenance.
        None => Err(MilesError::Db(DbErr::RecordNotInserted)),
    }
}

/// The stored entry where it is the same request, else the difference.
pub(super) fn same_or_taken(posted: Posted, movement: &Posting) -> Result<Posted, MilesError> {
    let differences = key::differences(&posted.entry, movement);
    if differences.is_empty() {
        Ok(posted)
    } else {
        Err(MilesError::KeyTaken { stored: Box::new(posted.entry), differences })
    }
}

/// The rule that keeps `amount` from being added to a balance, if one does: [`ALLOWED`], in Rust.
pub(super) fn refusal(holder: &Account, amount: i64) -> Option<MilesError> {
    let after = holder.miles + amount;
    if amount < 0 && after < 0 {
        Some(MilesError::NotEnough { holder: holder.clone(), needs: -amount })
    } else if amount > 0 && after > i64::from(MAX_BALANCE) {
        Some(MilesError::TooMany { holder: holder.clone(), adds: amount })
    } else {
        None
    }
}

fn values(movement: &Posting) -> Vec<Value> {
    vec![
        movement.id.into(),
        movement.user_id.as_str().into(),
        movement.amount.into(),
        kind::of(movement.amount).into(),
        movement.source.as_str().into(),
        movement.flight_id.into(),
        movement.product_id.clone().into(),
        movement.note.clone().into(),
        movement.reverses_id.into(),
        movement.batch_id.into(),
        movement.actor.clone().into(),
    ]
}

/// Whether an entry's id was taken.
pub(crate) fn is_taken(error: &DbErr) -> bool {
    sql_state(error).is_some_and(|state| state.code == "23505")
        && violated_constraint(error).as_deref() == Some("milesTransactions_pkey")
}

/// An error of a statement that commits by itself, or of a COMMIT: failed for certain, of unknown outcome, or made and
/// not known to be on the standby.
pub(crate) fn unknown_or_failed(id: Id, error: DbErr) -> MilesError {
    if let Some(db::NotReplicated { warning }) = db::not_replicated(&error) {
        return MilesError::NotReplicated { id, commit: db::NotReplicated { warning: warning.clone() } };
    }
    if db::is_outcome_unknown(&error) { MilesError::Unknown { id, source: error } } else { MilesError::Db(error) }
}

/// Looks for an entry whose commit was not acknowledged. Not finding it proves nothing, since the server may still be at
/// it: the outcome then stays unknown.
pub(super) async fn ask(
    database: &Database,
    unknown: MilesError,
    is_same: impl Fn(Posted) -> Result<Posted, MilesError>,
) -> Result<Posted, MilesError> {
    let MilesError::Unknown { id, .. } = unknown else { return Err(unknown) };
    if !is_there(database, id).await {
        return Err(unknown);
    }
    let tx = database.begin().await?;
    let stored = rows::stored(&tx, id).await?;
    tx.rollback().await?;
    match stored {
        Some(posted) => {
            replicated(database, id).await?;
            is_same(Posted { already: false, ..posted })
        }
        None => Err(unknown),
    }
}

/// Waits until what was found under `id` is on the standby too, where commits wait for one: whether another session's wait was
/// cancelled cannot be seen of an entry.
///
/// # Errors
/// [`MilesError::NotReplicated`].
pub(crate) async fn replicated(database: &Database, id: Id) -> Result<(), MilesError> {
    database.replicated().await.map_err(|error| unknown_or_failed(id, error))
}

/// Whether an entry or a batch `id` is in the ledger after all, when its commit was not acknowledged. `false` proves
/// nothing.
pub(crate) async fn is_there(database: &Database, id: Id) -> bool {
    for pause in ASKING {
        tokio::time::sleep(pause).await;
        // A server that is starting again refuses; its error then is of no use.
        let look = async {
            let tx = database.begin().await?;
            let found = rows::is_there(&tx, id).await?;
            tx.rollback().await?;
            Ok::<_, DbErr>(found)
        };
        match tokio::time::timeout(ANSWER, look).await {
            Ok(Ok(true)) => return true,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    false
}
