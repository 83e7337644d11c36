//! Finding entries and batches: by a whole id, by its first characters, or as the last thing somebody did.

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::rows::{self, COLUMNS};
use super::{Entry, MilesError};
use crate::entity::types::Id;

/// The fewest characters of an id that name it.
pub const SHORTEST_PREFIX: usize = 4;

/// How many candidates an ambiguous reference is answered with.
const CANDIDATES: usize = 5;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many entries.
    pub entries: i64,
    /// Of how many users.
    pub users: i64,
    /// The sum of their amounts.
    pub total: i64,
    /// The first entry; all of it where there is only one.
    pub first: Entry,
}

/// The entry or batch with this id, or with an id that begins with these hexadecimal digits (at least
/// [`SHORTEST_PREFIX`], hyphens where a UUID has them).
///
/// # Errors
/// [`MilesError::NoEntry`], also for what cannot be an id; [`MilesError::Ambiguous`].
pub async fn find(connection: &impl ConnectionTrait, reference: &str) -> Result<Target, MilesError> {
    let none = || MilesError::NoEntry { reference: reference.to_owned() };
    let (low, high) = bounds(reference).ok_or_else(none)?;
    // Ranges, so that the indexes answer: a pattern over uuid text would read the whole ledger.
    let sql = format!(
        r#"SELECT * FROM (SELECT "id", 0 AS "batch" FROM "milesTransactions" WHERE "id" BETWEEN $1 AND $2 ORDER BY "id" LIMIT {CANDIDATES}) e
        UNION ALL
        SELECT * FROM (SELECT DISTINCT "batchId", 1 FROM "milesTransactions" WHERE "batchId" BETWEEN $1 AND $2 ORDER BY "batchId" LIMIT {CANDIDATES}) b"#
    );
    let found = connection.query_all_raw(rows::statement(connection, sql, [low.into(), high.into()])).await?;
    let mut candidates = Vec::new();
    for row in found {
        let id: Id = row.try_get("", "id")?;
        candidates.push(if row.try_get::<i32>("", "batch")? == 0 { Target::Entry(id) } else { Target::Batch(id) });
    }
    match candidates[..] {
        [] => Err(none()),
        [only] => Ok(only),
        _ => Err(MilesError::Ambiguous { reference: reference.to_owned(), candidates }),
    }
}

/// The last thing `actor` did: the latest entry, or the batch it came with.
///
/// # Errors
/// [`MilesError::NothingBy`].
pub async fn last_by(connection: &impl ConnectionTrait, actor: &str) -> Result<Target, MilesError> {
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

/// The entries of a target, oldest first; empty where there is none.
///
/// # Errors
/// [`MilesError::Db`].
pub async fn entries(connection: &impl ConnectionTrait, target: Target) -> Result<Vec<Entry>, MilesError> {
    let column = column(target);
    let sql =
        format!(r#"SELECT {COLUMNS} FROM "milesTransactions" WHERE "{column}" = $1 ORDER BY "createdAt", "id""#);
    let found = connection.query_all_raw(rows::statement(connection, sql, [target.id().into()])).await?;
    Ok(found.iter().map(rows::entry).collect::<Result<_, _>>()?)
}

/// What a target holds.
///
/// # Errors
/// [`MilesError::NoEntry`].
pub async fn summary(connection: &impl ConnectionTrait, target: Target) -> Result<Summary, MilesError> {
    let column = column(target);
    let sql = format!(
        r#"SELECT {COLUMNS}, count(*) OVER () AS "entries", CAST(sum("amount") OVER () AS bigint) AS "total",
            (SELECT count(DISTINCT "userId") FROM "milesTransactions" WHERE "{column}" = $1) AS "users"
        FROM "milesTransactions" WHERE "{column}" = $1 ORDER BY "createdAt", "id" LIMIT 1"#
    );
    let id: Value = target.id().into();
    let row = connection.query_one_raw(rows::statement(connection, sql, [id])).await?;
    let row = row.ok_or_else(|| MilesError::NoEntry { reference: target.id().to_string() })?;
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

/// The lowest and the highest UUID that begin with `prefix`.
fn bounds(prefix: &str) -> Option<(Id, Id)> {
    let hyphens = [8, 13, 18, 23];
    let mut digits = String::new();
    for (at, character) in prefix.chars().enumerate() {
        match character {
            '-' if hyphens.contains(&at) => {}
            digit if digit.is_ascii_hexdigit() => digits.push(digit),
            _ => return None,
        }
    }
    if !(SHORTEST_PREFIX..=32).contains(&digits.len()) {
        return None;
    }
    let padded = |with: char| {
        let all = digits.chars().chain(std::iter::repeat(with)).take(32);
        Uuid::try_parse(&all.collect::<String>()).ok().map(Id)
    };
    Some((padded('0')?, padded('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range_of_ids() {
        let (low, high) = bounds("0198abCD-12").unwrap();
        assert_eq!(low.to_string(), "0198abcd-1200-0000-0000-000000000000");
        assert_eq!(high.to_string(), "0198abcd-12ff-ffff-ffff-ffffffffffff");
        for wrong in ["", "019", "01-9a", "019g", "0198abcd-1234-7000-8000-0000000000000", "last"] {
            assert_eq!(bounds(wrong), None, "{wrong}");
        }
    }
}
