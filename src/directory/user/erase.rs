//! The right to erasure: a person is removed from every table, and the ledger's sums stay right.
//!
//! The account is not deleted, because its entries and flights refer to it and balance the books; it is made anonymous. Its
//! id becomes a random one of twenty digits, which no ROBLOX account can have (ids there are signed and of 64 bits), its names and picture
//! are replaced, the notes of its entries go, and where notes of others name the person as a word, the word goes.
//! Backups made before still hold the person: they are pruned, not edited.

use std::collections::BTreeMap;

use migration::openings;
use rand::RngExt as _;
use sea_orm::{ConnectionTrait, DbErr, IdenStatic as _, Iterable as _, ModelTrait as _, Set};
use serde::{Deserialize, Serialize};

use super::super::error::{DirectoryError, Result, now, statement};
use super::super::row;
use super::{lock, mention};
use crate::consent::Approval;
use crate::db::{Engine, Transaction, quote};
use crate::entity::columns::complete;
use crate::entity::privacy::Mask;
use crate::entity::registry::{self, ErasePlan};
use crate::entity::user;
use crate::input::{InputError, UserId};
use crate::ledger::erased;

/// What an erasure changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Erased {
    /// The random id under which the sums live on.
    pub replacement_id: String,
    /// Miles on the account, before as after.
    pub miles: i32,
    /// Ledger entries that now belong to the replacement.
    pub entries: u64,
    /// Notes of theirs that were cleared.
    pub notes: u64,
    /// Flights boarded that now belong to the replacement.
    pub flights: u64,
    /// Entries of others whose note or actor named the person.
    pub mentions: u64,
    /// Rows of further tables that were deleted or now belong to the replacement, by table.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<&'static str, u64>,
}

/// Erases a person, in the transaction given. The caller has asked: the approval is used up.
///
/// `keep_mentions` leaves the notes of others as they are.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such user. [`DirectoryError::OwnerOnly`]: the role may not change the ledger.
/// [`DirectoryError::Undecided`]: a table refers to users, and nothing says what becomes of its rows. Otherwise the
/// database's.
pub async fn erase(tx: &Transaction, user_id: &str, keep_mentions: bool, _approved: Approval) -> Result<Erased> {
    let further = further(tx).await?;
    let person = lock(tx, user_id).await?;
    let replacement = replacement(tx).await?;
    refuse_outsiders(tx).await?;
    maintenance(tx, true).await?;
    let mentions = scrub_mentions(tx, &person, &replacement, keep_mentions).await?;
    let sql = r#"SELECT count(*) FROM "milesTransactions" WHERE "userId" = $1 AND "note" IS NOT NULL"#;
    let notes = tx.query_one_raw(statement(tx, sql, [user_id.into()])).await?;
    let notes: i64 = notes.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    let Counts { entries, flights, others } = rename_key(tx, &person, &replacement, &further).await?;
    clear_account(tx, &replacement).await?;
    maintenance(tx, false).await?;
    Ok(Erased {
        replacement_id: replacement.id,
        miles: person.miles,
        entries,
        notes: notes.unsigned_abs(),
        flights,
        mentions,
        others,
    })
}

struct Replacement {
    id: String,
    username: String,
}

/// A random id and name that no user has.
async fn replacement(tx: &Transaction) -> Result<Replacement> {
    loop {
        let (id, username) = {
            let mut random = rand::rng();
            let id = random.random_range(erased::FIRST_ID..=u64::MAX).to_string();
            let word = |_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[random.random_range(0..36)]);
            let username = format!("{}{}", erased::NAME, (0..13).map(word).collect::<String>());
            (id, username)
        };
        let sql = r#"SELECT 1 FROM "users" WHERE "userId" = $1 OR "username" = $2"#;
        let held = statement(tx, sql, [id.as_str().into(), username.as_str().into()]);
        if tx.query_one_raw(held).await?.is_none() {
            return Ok(Replacement { id, username });
        }
    }
}

/// Lets the ledger be changed, or closes it again; only within this transaction either way.
async fn maintenance(tx: &Transaction, on: bool) -> std::result::Result<(), DbErr> {
    let sql = match (Engine::of(tx), on) {
        (Engine::Postgres, true) => "SET LOCAL skyteam.maintenance = 'on'; SET LOCAL skyteam.operation = 'user erase'",
        (Engine::Postgres, false) => "SET LOCAL skyteam.maintenance = 'off'; SET LOCAL skyteam.operation = ''",
        (Engine::Sqlite, true) => r#"INSERT INTO "_skyteam_maintenance" ("reason") VALUES ('user erase')"#,
        (Engine::Sqlite, false) => r#"DELETE FROM "_skyteam_maintenance" WHERE "reason" = 'user erase'"#,
    };
    tx.execute_unprepared(sql).await?;
    if on && Engine::of(tx) == Engine::Sqlite {
        openings::record(tx, "user erase").await?;
    }
    Ok(())
}

/// Refuses a role that the ledger does not open to: on PostgreSQL only members of the role that owns it may change
/// entries, and the trigger would say no more than that the ledger is append-only.
async fn refuse_outsiders(tx: &Transaction) -> Result<()> {
    if Engine::of(tx) == Engine::Sqlite {
        return Ok(());
    }
    let sql = r#"SELECT current_user::pg_catalog.text AS "role", pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS "owner"
        FROM pg_catalog.pg_class c WHERE c.oid = 'public."milesTransactions"'::pg_catalog.regclass::pg_catalog.oid
        AND NOT (pg_catalog.pg_has_role(c.relowner, 'MEMBER'::pg_catalog.text)
          AND pg_catalog.pg_has_role(session_user, c.relowner, 'MEMBER'::pg_catalog.text))"#;
    match tx.query_one_raw(statement(tx, sql, [])).await? {
        Some(row) => {
            Err(DirectoryError::OwnerOnly { role: row.try_get("", "role")?, owner: row.try_get("", "owner")? })
        }
        None => Ok(()),
    }
}

/// What becomes of the rows of a further table, as a statement over `$1`, the person's id, and `$2`, the replacement's.
struct Further {
    table: &'static str,
    sql: String,
}

/// The further tables that refer to users and are there, with what is declared beside their entities.
async fn further(tx: &Transaction) -> Result<Vec<Further>> {
    let mut further = Vec::new();
    for table in registry::tables().iter().filter(|table| !KNOWN.contains(&table.name)) {
        for column in registry::user_columns(table) {
            if !is_there(tx, table.name).await? {
                continue;
            }
            if let Some(column) = registry::undeclared_reference(table) {
                return Err(DirectoryError::Undecided { table: table.name, column, file: table.file });
            }
            let (name, refers) = (quote(table.name), quote(column));
            let sql = match &table.erase {
                ErasePlan::Delete | ErasePlan::Undeclared => format!("DELETE FROM {name} WHERE {refers} = $1"),
                ErasePlan::Keep(_) => {
                    format!("UPDATE {name} SET {refers} = $2{} WHERE {refers} = $1", cleared(table.name))
                }
            };
            further.push(Further { table: table.name, sql });
        }
    }
    Ok(further)
}

/// `, "column" = NULL` for each column of a table that an erasure empties.
fn cleared(table: &str) -> String {
    match registry::tables().iter().find(|facts| facts.name == table).map(|facts| &facts.erase) {
        Some(ErasePlan::Keep(cleared)) => cleared.iter().map(|column| format!(", {} = NULL", quote(column))).collect(),
        _ => String::new(),
    }
}

/// Takes what later columns of `users` tell about the person: all that are not declared to tell nothing.
async fn clear_account(tx: &Transaction, to: &Replacement) -> Result<()> {
    const RENAMED: [&str; 4] = ["userId", "username", "displayName", "avatarUrl"];
    let personal = |column: &user::Column| {
        !RENAMED.contains(&column.as_str())
            && !matches!(registry::mask("users", column.as_str()), Mask::Keep | Mask::Hour)
    };
    let columns: Vec<user::Column> = user::Column::iter().filter(personal).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let account = lock(tx, &to.id).await?;
    let new = user::ActiveModel { user_id: Set(to.id.clone()), ..Default::default() };
    let new = complete(new, account.updated_at)?;
    let mut wanted = account.clone();
    for column in columns {
        wanted.try_set(column, new.get(column))?;
    }
    if wanted != account {
        row::update::<user::Entity>(tx, &account, &wanted, None).await?;
    }
    Ok(())
}

/// The tables that [`rename_key`] knows.
const KNOWN: [&str; 3] = ["users", "milesTransactions", "flightPassengers"];

/// Whether the database has the table: an entity's may not have been pushed yet.
async fn is_there(tx: &Transaction, table: &str) -> Result<bool> {
    let sql = match Engine::of(tx) {
        Engine::Postgres => "SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename = $1",
        Engine::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
    };
    Ok(tx.query_one_raw(statement(tx, sql, [table.into()])).await?.is_some())
}

/// How many rows a change of key has touched.
#[derive(Default)]
struct Counts {
    entries: u64,
    flights: u64,
    others: BTreeMap<&'static str, u64>,
}

/// Moves the account and all that refers to it to the new key, at once: the foreign keys hold before and after.
async fn rename_key(tx: &Transaction, person: &user::Model, to: &Replacement, further: &[Further]) -> Result<Counts> {
    let users = format!(
        r#"UPDATE "users" SET "userId" = $2, "username" = $3, "displayName" = 'Erased user', "avatarUrl" = NULL,
        "updatedAt" = {} WHERE "userId" = $1"#,
        now(tx)
    );
    let entries = format!(
        r#"UPDATE "milesTransactions" SET "userId" = $2{},
        "actor" = CASE WHEN lower("actor") IN (lower($1), lower($4)) THEN $3 ELSE "actor" END WHERE "userId" = $1"#,
        cleared("milesTransactions")
    );
    let flights =
        format!(r#"UPDATE "flightPassengers" SET "userId" = $2{} WHERE "userId" = $1"#, cleared("flightPassengers"));
    let values =
        || [&person.user_id, &to.id, &to.username, &person.username].map(|text| sea_orm::Value::from(text.as_str()));
    let mut counts = Counts::default();
    match Engine::of(tx) {
        // NO ACTION is looked at when the statement ends: one statement moves parent and children together.
        Engine::Postgres => {
            let others: String =
                further.iter().enumerate().map(|(at, one)| format!(", o{at} AS ({} RETURNING 1)", one.sql)).collect();
            let counted: String =
                (0..further.len()).map(|at| format!(r#", (SELECT count(*) FROM o{at}) AS "o{at}""#)).collect();
            let sql = format!(
                r#"WITH e AS ({entries} RETURNING 1), f AS ({flights} RETURNING 1), u AS ({users} RETURNING 1){others}
                SELECT (SELECT count(*) FROM e) AS "e", (SELECT count(*) FROM f) AS "f", (SELECT count(*) FROM u) AS "u"{counted}"#
            );
            let row = tx.query_one_raw(statement(tx, sql, values())).await?;
            let count = |name: &str| -> std::result::Result<u64, DbErr> {
                let count: Option<i64> = row.as_ref().map(|row| row.try_get("", name)).transpose()?;
                Ok(count.unwrap_or(0).unsigned_abs())
            };
            (counts.entries, counts.flights) = (count("e")?, count("f")?);
            for (at, one) in further.iter().enumerate() {
                *counts.others.entry(one.table).or_default() += count(&format!("o{at}"))?;
            }
        }
        Engine::Sqlite => {
            tx.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
            // What is replaced is overwritten in the file, too.
            tx.execute_unprepared("PRAGMA secure_delete = ON").await?;
            tx.execute_raw(statement(tx, users, values())).await?;
            counts.entries = tx.execute_raw(statement(tx, entries, values())).await?.rows_affected();
            counts.flights = tx.execute_raw(statement(tx, flights, values())).await?.rows_affected();
            for one in further {
                let given = values().into_iter().take(if one.sql.contains("$2") { 2 } else { 1 });
                let touched = tx.execute_raw(statement(tx, one.sql.as_str(), given)).await?.rows_affected();
                *counts.others.entry(one.table).or_default() += touched;
            }
        }
    }
    Ok(counts)
}

/// Takes the person out of the entries of others. Returns how many were changed.
async fn scrub_mentions(tx: &Transaction, person: &user::Model, to: &Replacement, keep_notes: bool) -> Result<u64> {
    let words = mention::words(person);
    let mut changed = 0;
    for one in mention::find(tx, person).await? {
        let scrubbed = one.note.as_deref().filter(|_| !keep_notes).and_then(|note| mention::scrub(note, &words));
        let actor = mention::is_actor(one.actor.as_deref(), person).then(|| to.username.clone());
        if scrubbed.is_none() && actor.is_none() {
            continue;
        }
        let sql = r#"UPDATE "milesTransactions" SET "note" = $2, "actor" = $3 WHERE "id" = $1"#;
        let values = [one.id.into(), scrubbed.or(one.note).into(), actor.or(one.actor).into()];
        tx.execute_raw(statement(tx, sql, values)).await?;
        changed += 1;
    }
    Ok(changed)
}

/// How many entries of others name the person: what an erasure would change beside the person's own rows.
///
/// # Errors
/// The database's.
pub(crate) async fn count_mentions(db: &impl ConnectionTrait, person: &user::Model) -> Result<u64> {
    Ok(mention::find(db, person).await?.len() as u64)
}

/// The notification that ROBLOX posts to a webhook when a player asks to be forgotten
/// (<https://create.roblox.com/docs/cloud/webhooks/webhook-notifications>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notification {
    /// Erase this player.
    RightToErasure(UserId),
    /// A test that was sent from the dashboard; nothing is to be done.
    Sample,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Payload {
    event_type: String,
    #[serde(default)]
    event_payload: serde_json::Value,
}

/// Reads the body of such a notification.
///
/// # Errors
/// [`InputError`]: it is not JSON, of another kind, or names no player.
pub(crate) fn notification(body: &str) -> std::result::Result<Notification, InputError> {
    const FIELD: &str = "--webhook";
    const ACCEPTED: &str =
        "ROBLOX's notification: {\"EventType\":\"RightToErasureRequest\",\"EventPayload\":{\"UserId\":…}}";
    let refuse = |value: &str| InputError::new(FIELD, value, ACCEPTED);
    let payload: Payload = serde_json::from_str(body).map_err(|_| refuse(body))?;
    match payload.event_type.as_str() {
        "RightToErasureRequest" => {}
        "SampleNotification" => return Ok(Notification::Sample),
        other => return Err(refuse(other)),
    }
    let id = match payload.event_payload.get("UserId") {
        Some(serde_json::Value::Number(number)) => number.to_string(),
        Some(serde_json::Value::String(text)) => text.clone(),
        _ => return Err(refuse(body)),
    };
    UserId::parse_as("UserId", &id).map(Notification::RightToErasure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_webhook_of_roblox_is_understood() {
        let body = r#"{"NotificationId":"e9d5","EventType":"RightToErasureRequest","EventTime":"2026-11-23T12:00:00Z",
            "EventPayload":{"UserId":107919,"GameIds":[1234,2345]}}"#;
        assert_eq!(notification(body), Ok(Notification::RightToErasure(UserId::parse("107919").unwrap())));
        let sample = r#"{"NotificationId":"e9d5","EventType":"SampleNotification","EventTime":"2026-11-23T12:00:00Z"}"#;
        assert_eq!(notification(sample), Ok(Notification::Sample));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"EventType":"Other"}"#,
            r#"{"EventType":"RightToErasureRequest"}"#,
            r#"{"EventType":"RightToErasureRequest","EventPayload":{"UserId":-5}}"#,
            r#"{"EventType":"RightToErasureRequest","EventPayload":{"UserId":1.5}}"#,
            r#"{"EventType":"RightToErasureRequest","EventPayload":{"UserId":"1 OR 1=1"}}"#,
        ] {
            assert!(notification(bad).is_err(), "{bad}");
        }
    }
}
