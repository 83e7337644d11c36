//! Which database a backup is of. Names do not identify it: every server may have a database `skyteam`, and every folder a file
//! `skyteam.db`.
//!
//! - PostgreSQL: the cluster's system identifier, which `initdb` draws and replicas share, and the OID of the database
//!   in it.
//! - SQLite: a UUID in a bookkeeping table of the file, made by the first backup. The file's inode is recorded with it,
//!   so that a copy of the file, which has the same UUID in it, gets one of its own.

use sea_orm::{ConnectionTrait, Statement};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::Result;
use super::format::hex::hex;
use crate::db::{Database, DatabaseUrl, quote};
use crate::system;

/// Where an SQLite file keeps its UUID.
const TABLE: &str = "_skyteam_identity";
/// Characters of the short form.
const SHORT: usize = 8;

/// A database, whatever it is called and however it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Identity(String);

impl Identity {
    /// What file names contain of it: eight hexadecimal digits.
    pub(crate) fn short(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))[..SHORT].to_owned()
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a database cannot be identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unidentified {
    /// PostgreSQL: the role may not call `pg_control_system()`, which everybody may by default.
    NoRight {
        /// The role, quoted.
        role: String,
    },
    /// SQLite: the file has no identity yet and none can be written into it.
    NotWritten {
        /// What the driver said, where it was tried.
        why: Option<String>,
    },
    /// A database in memory is gone after this run.
    InMemory,
}

/// The identity of a database. An SQLite file that has none gets one where `may_write`.
///
/// # Errors
/// The driver's, where reading fails.
pub(crate) async fn of(database: &Database, may_write: bool) -> Result<Result<Identity, Unidentified>> {
    match database.url() {
        DatabaseUrl::Postgres(_) => postgres(database).await,
        DatabaseUrl::Sqlite(place) if place.in_memory() => Ok(Err(Unidentified::InMemory)),
        DatabaseUrl::Sqlite(place) => {
            let inode = inode(&place.path);
            match stored(database, inode).await? {
                Some(found) => Ok(Ok(found)),
                None if !may_write => Ok(Err(Unidentified::NotWritten { why: None })),
                None => Ok(store(database, inode).await.map_err(|error| {
                    let why = crate::db::sql_state(&error).map_or_else(|| error.to_string(), |state| state.message);
                    Unidentified::NotWritten { why: Some(why) }
                })),
            }
        }
    }
}

async fn postgres(database: &Database) -> Result<Result<Identity, Unidentified>> {
    let ask = async |sql: &str| {
        let row = database.conn().query_one_raw(Statement::from_string(database.engine().backend(), sql)).await?;
        row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the database itself".into()))
    };
    let row = ask(
        "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may, current_user::text AS role,
                (SELECT oid::int8 FROM pg_database WHERE datname = current_database()) AS oid",
    )
    .await?;
    if !row.try_get::<bool>("", "may")? {
        return Ok(Err(Unidentified::NoRight { role: quote(&row.try_get::<String>("", "role")?) }));
    }
    let oid: i64 = row.try_get("", "oid")?;
    let row = ask("SELECT system_identifier FROM pg_catalog.pg_control_system()").await?;
    // The server shows it as a signed number; it is an unsigned one.
    let cluster = row.try_get::<i64>("", "system_identifier")?.cast_unsigned();
    Ok(Ok(Identity(format!("{cluster}-{oid}"))))
}

async fn stored(database: &Database, inode: i64) -> Result<Option<Identity>> {
    let backend = database.engine().backend();
    let there = format!("SELECT 1 FROM sqlite_schema WHERE name = '{TABLE}'");
    if database.conn().query_one_raw(Statement::from_string(backend, there)).await?.is_none() {
        return Ok(None);
    }
    let sql = format!("SELECT id FROM {TABLE} WHERE inode = $1");
    let row = database.conn().query_one_raw(Statement::from_sql_and_values(backend, sql, [inode.into()])).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?.map(Identity))
}

async fn store(database: &Database, inode: i64) -> Result<Identity, sea_orm::DbErr> {
    let backend = database.engine().backend();
    let txn = database.begin().await?;
    txn.execute_unprepared(&format!(
        "CREATE TABLE IF NOT EXISTS {TABLE} (id TEXT NOT NULL, inode INTEGER NOT NULL UNIQUE) STRICT;
         DELETE FROM {TABLE} WHERE inode <> {inode}"
    ))
    .await?;
    // Two backups may begin at the same time: the first one's stays.
    let sql = format!("INSERT INTO {TABLE} (id, inode) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    let id = uuid::Uuid::new_v4().to_string();
    txn.execute_raw(Statement::from_sql_and_values(backend, sql, [id.into(), inode.into()])).await?;
    let row = txn.query_one_raw(Statement::from_string(backend, format!("SELECT id FROM {TABLE}"))).await?;
    let id: Option<String> = row.map(|row| row.try_get("", "id")).transpose()?;
    txn.commit().await?;
    Ok(Identity(id.unwrap_or_default()))
}

fn inode(path: &std::path::Path) -> i64 {
    std::fs::metadata(path).map_or(0, |metadata| system::inode(&metadata).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_is_for_file_names() {
        let short = Identity("7412345678901234567-16384".into()).short();
        assert!(short.len() == SHORT && short.bytes().all(|byte| byte.is_ascii_hexdigit()), "{short}");
        assert_ne!(short, Identity("7412345678901234567-16385".into()).short());
    }
}
