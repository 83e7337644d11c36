//! The right to erasure: a person leaves every table, and the ledger's sums stay true.
//!
//! The account is not deleted, because its entries and flights refer to it and balance the books; it is made nobody's. Its
//! id becomes a random one of twenty digits, which no ROBLOX account can have (ids there are signed and of 64 bits), its names and picture
//! are replaced, the notes of its entries go, and where notes of others name the person as a word, the word goes.
//! Backups made before still hold the person: they are pruned, not edited.

use migration::openings;
use rand::RngExt as _;
use sea_orm::{ConnectionTrait, DbErr};
use serde::{Deserialize, Serialize};

use super::super::erased;
use super::super::error::{DirectoryError, Result, now, statement};
use super::super::input::{InputError, UserId};
use super::{lock, mention};
use crate::consent::Approval;
use crate::db::{Engine, Transaction};
use crate::entity::user;

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
}

/// Erases a person, in the transaction given. The caller has asked: the approval is used up.
///
/// `keep_mentions` leaves the notes of others as they are.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such user. [`DirectoryError::OwnerOnly`]: the role may not change the ledger. Otherwise the database's.
pub async fn erase(tx: &Transaction, user_id: &str, keep_mentions: bool, _approved: Approval) -> Result<Erased> {
    let person = lock(tx, user_id).await?;
    let replacement = replacement(tx).await?;
    refuse_outsiders(tx).await?;
    maintenance(tx, true).await?;
    let mentions = scrub_mentions(tx, &person, &replacement, keep_mentions).await?;
    let sql = r#"SELECT count(*) FROM "milesTransactions" WHERE "userId" = $1 AND "note" IS NOT NULL"#;
    let notes = tx.query_one_raw(statement(tx, sql, [user_id.into()])).await?;
    let notes: i64 = notes.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    let (entries, flights) = rename_key(tx, &person, &replacement).await?;
    maintenance(tx, false).await?;
    Ok(Erased {
        replacement_id: replacement.id,
        miles: person.miles,
        entries,
        notes: notes.unsigned_abs(),
        flights,
        mentions,
    })
}

struct Replacement {
    id: String,
    username: String,
}

/// A random id and name that nobody has.
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
        AND NOT pg_catalog.pg_has_role(c.relowner, 'MEMBER'::pg_catalog.text)"#;
    match tx.query_one_raw(statement(tx, sql, [])).await? {
        Some(row) => {
            Err(DirectoryError::OwnerOnly { role: row.try_get("", "role")?, owner: row.try_get("", "owner")? })
        }
        None => Ok(()),
    }
}

/// Moves the account and all that refers to it to the new key, at once: the foreign keys hold before and after.
async fn rename_key(tx: &Transaction, person: &user::Model, to: &Replacement) -> Result<(u64, u64)> {
    let users = format!(
        r#"UPDATE "users" SET "userId" = $2, "username" = $3, "displayName" = 'Erased user', "avatarUrl" = NULL,
        "updatedAt" = {} WHERE "userId" = $1"#,
        now(tx)
    );
    let entries = r#"UPDATE "milesTransactions" SET "userId" = $2, "note" = NULL,
        "actor" = CASE WHEN lower("actor") IN (lower($1), lower($4)) THEN $3 ELSE "actor" END WHERE "userId" = $1"#;
    let flights = r#"UPDATE "flightPassengers" SET "userId" = $2 WHERE "userId" = $1"#;
    let values =
        || [&person.user_id, &to.id, &to.username, &person.username].map(|text| sea_orm::Value::from(text.as_str()));
    match Engine::of(tx) {
        // NO ACTION is looked at when the statement ends: one statement moves parent and children together.
        Engine::Postgres => {
            let sql = format!(
                r#"WITH e AS ({entries} RETURNING 1), f AS ({flights} RETURNING 1), u AS ({users} RETURNING 1)
                SELECT (SELECT count(*) FROM e), (SELECT count(*) FROM f), (SELECT count(*) FROM u)"#
            );
            let counts = tx.query_one_raw(statement(tx, sql, values())).await?;
            let count = |index| -> std::result::Result<u64, DbErr> {
                let count: Option<i64> = counts.as_ref().map(|row| row.try_get_by_index(index)).transpose()?;
                Ok(count.unwrap_or(0).unsigned_abs())
            };
            Ok((count(0)?, count(1)?))
        }
        Engine::Sqlite => {
            tx.execute_unprepared("PRAGMA defer_foreign_keys = ON").await?;
            // What is replaced is overwritten in the file, too.
            tx.execute_unprepared("PRAGMA secure_delete = ON").await?;
            tx.execute_raw(statement(tx, users, values())).await?;
            let entries = tx.execute_raw(statement(tx, entries, values())).await?.rows_affected();
            let flights = tx.execute_raw(statement(tx, flights, values())).await?.rows_affected();
            Ok((entries, flights))
        }
    }
}

/// Takes the person out of the entries of others. Answers how many were changed.
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
pub async fn count_mentions(db: &impl ConnectionTrait, person: &user::Model) -> Result<u64> {
    Ok(mention::find(db, person).await?.len() as u64)
}

/// The notification that ROBLOX posts to a webhook when a player asks to be forgotten
/// (<https://create.roblox.com/docs/cloud/webhooks/webhook-notifications>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
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
pub fn notification(body: &str) -> std::result::Result<Notification, InputError> {
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
