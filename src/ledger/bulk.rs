//! The statements that read and write many entries at once, each over arrays.
//!
//! PostgreSQL gets one array a column, in its own text form, for `unnest`: of what both SeaORM and the server understand
//! the cheapest to read. SQLite gets one JSON document for `json_each`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{Display, Write as _};

use chrono::TimeDelta;
use futures::future::join;
use sea_orm::{ConnectionTrait, Value};

use super::rows::{self, COLUMNS, WRITTEN};
use super::{Account, Entry, MilesError, Posting};
use crate::db::{Engine, Transaction};
use crate::entity::types::{Id, Timestamp};

/// How many entries one statement writes: few enough that a progress bar moves, enough that a statement costs nothing.
const CHUNK: usize = 10_000;

/// The rows of the users of a batch, locked until the transaction ends.
pub(super) struct Locked {
    /// By `userId`; users that do not exist are missing.
    pub holders: BTreeMap<String, Account>,
    /// The time on the server's clock, after all locks were taken.
    pub now: Timestamp,
}

impl Locked {
    /// When the entry at `place`, counted from 0, is written: each a microsecond after the one before, so that the
    /// entries of one user keep their order.
    pub(super) fn at(&self, place: usize) -> Timestamp {
        let later = i64::try_from(place).unwrap_or(i64::MAX);
        Timestamp(self.now.0 + TimeDelta::microseconds(later))
    }
}

/// Locks the users' rows in order of `userId`.
pub(super) async fn lock<'a>(tx: &Transaction, user_ids: impl Iterator<Item = &'a str>) -> Result<Locked, MilesError> {
    let user_ids: BTreeSet<&str> = user_ids.collect();
    let among = among(Engine::of(tx), "$1", "text");
    let lock = match Engine::of(tx) {
        Engine::Postgres => r#" ORDER BY "userId" FOR NO KEY UPDATE"#,
        // BEGIN IMMEDIATE has locked everything.
        Engine::Sqlite => "",
    };
    let sql = format!(
        r#"SELECT "userId", "username", CAST("miles" AS bigint) AS "miles" FROM "users" WHERE "userId" {among}{lock}"#
    );
    let ids = list(Engine::of(tx), user_ids.into_iter());
    let mut holders = BTreeMap::new();
    for row in tx.query_all_raw(rows::statement(tx, sql, [ids])).await? {
        let user_id: String = row.try_get("", "userId")?;
        let (username, miles) = (row.try_get("", "username")?, row.try_get("", "miles")?);
        holders.insert(user_id.clone(), Account { user_id, username, miles });
    }
    Ok(Locked { holders, now: rows::clock(tx).await? })
}

/// The existing entries with the movements' ids.
pub(super) async fn stored(tx: &Transaction, movements: &[Posting]) -> Result<HashMap<Id, Entry>, MilesError> {
    let ids: Vec<Id> = movements.iter().filter(|movement| !movement.drawn).map(|movement| movement.id).collect();
    by_id(tx, ids.into_iter()).await
}

async fn by_id(tx: &Transaction, ids: impl ExactSizeIterator<Item = Id>) -> Result<HashMap<Id, Entry>, MilesError> {
    if ids.len() == 0 {
        return Ok(HashMap::new());
    }
    let among = among(Engine::of(tx), "$1", "uuid");
    let sql = format!(r#"SELECT {COLUMNS} FROM "milesTransactions" WHERE "id" {among}"#);
    let ids = list(Engine::of(tx), ids);
    let found = tx.query_all_raw(rows::statement(tx, sql, [ids])).await?;
    let entries = found.iter().map(|row| rows::entry(row).map(|entry| (entry.id, entry)));
    Ok(entries.collect::<Result<_, _>>()?)
}

/// Writes entries that every rule has passed, and adds them to the balances. The users' rows are locked. `progress` is
/// called after every so many that were written.
pub(super) async fn write<'a>(
    tx: &Transaction,
    entries: impl Iterator<Item = &'a Entry>,
    mut progress: impl FnMut(u64),
) -> Result<(), MilesError> {
    let entries: Vec<&Entry> = entries.collect();
    if entries.is_empty() {
        return Ok(());
    }
    let engine = Engine::of(tx);
    let mut chunks = entries.chunks(CHUNK);
    let mut next = chunks.next();
    let mut statement = insertion(engine, next.unwrap_or_default()).await;
    while let Some(some) = next {
        next = chunks.next();
        // The server writes some while the next are put together.
        let writing = tx.execute_raw(rows::statement(tx, statement.0, statement.1));
        let (written, following) = join(writing, insertion(engine, next.unwrap_or_default())).await;
        written?;
        statement = following;
        progress(some.len() as u64);
    }
    let mut totals: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in entries {
        *totals.entry(&entry.user_id).or_default() += i64::from(entry.amount);
    }
    // Once for each user, however many entries: every update leaves a dead row behind.
    let (sql, values) = match engine {
        Engine::Postgres => (
            r#"UPDATE "users" SET "miles" = ("miles" + given."delta")::int4
            FROM unnest($1::text::text[], $2::text::int8[]) AS given("userId", "delta")
            WHERE "users"."userId" = given."userId""#,
            vec![list(engine, totals.keys()), list(engine, totals.values())],
        ),
        Engine::Sqlite => (
            r#"UPDATE "users" SET "miles" = "miles" + given."value" FROM json_each($1) AS given
            WHERE "users"."userId" = given."key""#,
            vec![serde_json::json!(totals).to_string().into()],
        ),
    };
    tx.execute_raw(rows::statement(tx, sql, values)).await?;
    Ok(())
}

/// Reads entries that were written again, where the database has given them what was not known before: the values of
/// columns whose default is an expression.
pub(super) async fn complete<'a>(
    tx: &Transaction,
    entries: impl Iterator<Item = &'a mut Entry>,
) -> Result<(), MilesError> {
    if rows::is_told() {
        return Ok(());
    }
    let mut entries: Vec<&mut Entry> = entries.collect();
    for some in entries.chunks_mut(CHUNK) {
        let mut stored = by_id(tx, some.iter().map(|entry| entry.id)).await?;
        for entry in some {
            if let Some(stored) = stored.remove(&entry.id) {
                **entry = stored;
            }
        }
    }
    Ok(())
}

/// Writes entries with one statement, and no balance.
pub(super) async fn insert(tx: &Transaction, entries: &[&Entry]) -> Result<(), MilesError> {
    let (sql, values) = insertion(Engine::of(tx), entries).await;
    tx.execute_raw(rows::statement(tx, sql, values)).await?;
    Ok(())
}

/// The statement that writes entries. Gives way between its columns, to whatever else is to be done on this thread.
async fn insertion(engine: Engine, entries: &[&Entry]) -> (String, Vec<Value>) {
    match engine {
        Engine::Postgres => postgres_insertion(entries).await,
        Engine::Sqlite => sqlite_insertion(entries),
    }
}

async fn postgres_insertion(entries: &[&Entry]) -> (String, Vec<Value>) {
    let mut given = Given::default();
    given.column("uuid", entries.iter().map(|e| Some(e.id))).await;
    given.column("text", entries.iter().map(|e| Some(&e.user_id))).await;
    given.column("int4", entries.iter().map(|e| Some(e.amount))).await;
    given.column("text", entries.iter().map(|e| Some(&e.r#type))).await;
    given.column("text", entries.iter().map(|e| Some(&e.source))).await;
    given.column("uuid", entries.iter().map(|e| e.flight_id)).await;
    given.column("text", entries.iter().map(|e| e.product_id.as_ref())).await;
    given.column("text", entries.iter().map(|e| e.note.as_ref())).await;
    given.column("timestamp", entries.iter().map(|e| Some(e.created_at.sql_text()))).await;
    given.column("uuid", entries.iter().map(|e| e.reverses_id)).await;
    given.column("uuid", entries.iter().map(|e| e.batch_id)).await;
    given.column("text", entries.iter().map(|e| e.actor.as_ref())).await;
    (format!(r#"INSERT INTO "milesTransactions" ({WRITTEN}) {}"#, given.select()), given.values)
}

/// Rows sent to PostgreSQL column by column: an array where a column's values differ, one value where they are all
/// the same, as most columns of an import are. The server then has half as much to read and to put together.
#[derive(Default)]
struct Given {
    /// What is selected, a column each.
    columns: Vec<String>,
    /// The arrays, under the names `c1`, `c2`, … of their parameters.
    arrays: Vec<String>,
    names: Vec<String>,
    values: Vec<Value>,
}

impl Given {
    async fn column<T: Display + PartialEq>(&mut self, kind: &str, values: impl Iterator<Item = Option<T>> + Clone) {
        let place = self.values.len() + 1;
        let mut rest = values.clone();
        let first = rest.next().flatten();
        if rest.all(|value| value == first) {
            self.columns.push(format!("${place}::text::{kind}"));
            self.values.push(first.map(|value| value.to_string()).into());
        } else {
            self.columns.push(format!("c{place}"));
            self.names.push(format!("c{place}"));
            self.arrays.push(format!("${place}::text::{kind}[]"));
            self.values.push(postgres_array(values).into());
        }
        tokio::task::yield_now().await;
    }

    /// Without arrays it is one row.
    fn select(&self) -> String {
        let columns = self.columns.join(", ");
        if self.arrays.is_empty() {
            return format!("SELECT {columns}");
        }
        format!("SELECT {columns} FROM unnest({}) AS given({})", self.arrays.join(", "), self.names.join(", "))
    }
}

fn sqlite_insertion(entries: &[&Entry]) -> (String, Vec<Value>) {
    let rows: Vec<_> = entries
        .iter()
        .map(|e| {
            (
                (e.id, &e.user_id, e.amount, &e.r#type, &e.source, e.flight_id),
                (&e.product_id, &e.note, e.created_at.sql_text(), e.reverses_id, e.batch_id, &e.actor),
            )
        })
        .collect();
    let fields: Vec<String> =
        (0..2).flat_map(|half| (0..6).map(move |at| format!("\"value\" ->> '$[{half}][{at}]'"))).collect();
    let sql = format!(r#"INSERT INTO "milesTransactions" ({WRITTEN}) SELECT {} FROM json_each($1)"#, fields.join(", "));
    (sql, vec![serde_json::json!(rows).to_string().into()])
}

/// The condition that a column is in the [`list`] that `parameter` is bound to.
///
/// On PostgreSQL a join with the elements and not `= ANY(array)`: where that is no index condition, every row is compared
/// with every element.
pub(super) fn among(engine: Engine, parameter: &str, kind: &str) -> String {
    match engine {
        Engine::Postgres => format!("IN (SELECT unnest({parameter}::text::{kind}[]))"),
        Engine::Sqlite => format!(r#"IN (SELECT "value" FROM json_each({parameter}))"#),
    }
}

/// A list of values as one parameter: an array on PostgreSQL, a JSON array of strings on SQLite.
pub(super) fn list<T: Display>(engine: Engine, values: impl Iterator<Item = T>) -> Value {
    match engine {
        Engine::Postgres => postgres_array(values.map(Some)).into(),
        Engine::Sqlite => {
            let texts: Vec<String> = values.map(|value| value.to_string()).collect();
            serde_json::json!(texts).to_string().into()
        }
    }
}

/// PostgreSQL's text form of a one-dimensional array (manual, 8.15.6): every element quoted, `"` and `\` escaped.
fn postgres_array<T: Display>(values: impl Iterator<Item = Option<T>>) -> String {
    let mut text = String::from("{");
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        match value {
            None => text.push_str("NULL"),
            Some(value) => {
                text.push('"');
                let start = text.len();
                // Writing to a String cannot fail.
                let _ = write!(text, "{value}");
                if text[start..].contains(['"', '\\']) {
                    let escaped = text[start..].replace('\\', r"\\").replace('"', r#"\""#);
                    text.truncate(start);
                    text.push_str(&escaped);
                }
                text.push('"');
            }
        }
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::{Given, postgres_array};

    #[tokio::test]
    async fn columns_of_one_value_are_no_arrays() {
        let mut given = Given::default();
        given.column("uuid", ["a", "b"].into_iter().map(Some)).await;
        given.column("text", ["same", "same"].into_iter().map(Some)).await;
        given.column("text", [Some("x"), None].into_iter()).await;
        given.column("text", [None::<&str>; 2].into_iter()).await;
        assert_eq!(
            given.select(),
            "SELECT c1, $2::text::text, c3, $4::text::text FROM unnest($1::text::uuid[], $3::text::text[]) AS given(c1, c3)"
        );
        let values = [Some(r#"{"a","b"}"#), Some("same"), Some(r#"{"x",NULL}"#), None];
        assert_eq!(given.values, values.map(|value| value.map(str::to_owned).into()));
    }

    #[tokio::test]
    async fn one_row_needs_no_arrays() {
        let mut given = Given::default();
        given.column("uuid", [Some("a")].into_iter()).await;
        assert_eq!(given.select(), "SELECT $1::text::uuid");
    }

    #[test]
    fn arrays_are_quoted_as_postgres_reads_them() {
        let given = [Some("plain"), None, Some("NULL"), Some(""), Some(r#"a "b" \c,{}"#)];
        assert_eq!(postgres_array(given.into_iter()), r#"{"plain",NULL,"NULL","","a \"b\" \\c,{}"}"#);
        assert_eq!(postgres_array(None::<Option<&str>>.into_iter()), "{}");
    }
}
