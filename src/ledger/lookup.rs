//! Finding entries and batches: an actor's last, or the import of a file; and what they contain.

use sea_orm::{ConnectionTrait, Value};

use super::rows::{self, COLUMNS};
use super::{Entry, MilesError, key};
use crate::entity::types::{Id, Timestamp};

/// What a reference to the ledger means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// One entry, by its `id`.
    Entry(Id),
    /// All entries of one `batchId`.
    Batch(Id),
}

impl Target {
    /// The id, of whichever it is.
    pub fn id(self) -> Id {
        match self {
            Self::Entry(id) | Self::Batch(id) => id,
        }
    }
}

/// What a target holds, for showing it before it is touched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// How many entries.
    pub entries: i64,
    /// Of how many users.
    pub users: i64,
    /// The sum of their amounts.
    pub total: i64,
    /// The first entry; all of it where there is only one.
    pub first: Entry,
}

/// The last thing `actor` did: the latest entry, or the batch it came with.
///
/// # Errors
/// [`MilesError::NothingBy`].
pub(crate) async fn last_by(connection: &impl ConnectionTrait, actor: &str) -> Result<Target, MilesError> {
    let sql = r#"SELECT "id", "batchId" FROM "milesTransactions" WHERE "actor" = $1
        ORDER BY "createdAt" DESC, "id" DESC LIMIT 1"#;
    let row = connection.query_one_raw(rows::statement(connection, sql, [actor.into()])).await?;
    let row = row.ok_or_else(|| MilesError::NothingBy { actor: actor.to_owned() })?;
    let batch: Option<Id> = row.try_get("", "batchId")?;
    Ok(match batch {
        Some(batch) => Target::Batch(batch),
        None => Target::Entry(row.try_get("", "id")?),
    })
}

/// An import of the same content that was made before and is not reversed as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EarlierImport {
    /// Its batch.
    pub batch_id: Id,
    /// When its first entry was written.
    pub at: Timestamp,
    /// How many of its entries have not been reversed.
    pub standing: i64,
}

/// The batch that an import of this content is to make, and the latest import of the same content in effect.
///
/// # Errors
/// [`MilesError::Db`].
pub(crate) async fn import_of(
    connection: &impl ConnectionTrait,
    content: &[u8],
) -> Result<(Id, Option<EarlierImport>), MilesError> {
    let sql = r#"SELECT min(e."createdAt") AS "at", CAST(sum(CASE WHEN EXISTS (SELECT 1 FROM "milesTransactions" r
            WHERE r."reversesId" = e."id") THEN 0 ELSE 1 END) AS bigint) AS "standing"
        FROM "milesTransactions" e WHERE e."batchId" = $1 HAVING count(*) > 0"#;
    let mut earlier = None;
    let mut nth = 0;
    loop {
        let batch_id = key::content_batch(content, nth);
        let Some(row) = connection.query_one_raw(rows::statement(connection, sql, [batch_id.into()])).await? else {
            return Ok((batch_id, earlier));
        };
        let standing: i64 = row.try_get("", "standing")?;
        if standing > 0 {
            earlier = Some(EarlierImport { batch_id, at: row.try_get("", "at")?, standing });
        }
        nth += 1;
    }
}

/// The entries of a target, oldest first; empty where there is none.
///
/// # Errors
/// [`MilesError::Db`].
pub(crate) async fn entries(connection: &impl ConnectionTrait, target: Target) -> Result<Vec<Entry>, MilesError> {
    let column = column(target);
    let sql = format!(r#"SELECT {COLUMNS} FROM "milesTransactions" WHERE "{column}" = $1 ORDER BY "createdAt", "id""#);
    let found = connection.query_all_raw(rows::statement(connection, sql, [target.id().into()])).await?;
    Ok(found.iter().map(rows::entry).collect::<Result<_, _>>()?)
}

/// What a target holds.
///
/// # Errors
/// [`MilesError::NoEntry`].
pub(crate) async fn summary(connection: &impl ConnectionTrait, target: Target) -> Result<Summary, MilesError> {
    let column = column(target);
    let sql = format!(
        r#"SELECT {COLUMNS}, count(*) OVER () AS "entries", CAST(sum("amount") OVER () AS bigint) AS "total",
            (SELECT count(DISTINCT "userId") FROM "milesTransactions" WHERE "{column}" = $1) AS "users"
        FROM "milesTransactions" WHERE "{column}" = $1 ORDER BY "createdAt", "id" LIMIT 1"#
    );
    let id: Value = target.id().into();
    let row = connection.query_one_raw(rows::statement(connection, sql, [id])).await?;
    let row = row.ok_or_else(|| MilesError::NoEntry { id: target.id() })?;
    Ok(Summary {
        entries: row.try_get("", "entries")?,
        users: row.try_get("", "users")?,
        total: row.try_get("", "total")?,
        first: rows::entry(&row)?,
    })
}

fn column(target: Target) -> &'static str {
    match target {
        Target::Entry(_) => "id",
        Target::Batch(_) => "batchId",
    }
}
