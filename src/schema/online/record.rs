//! How far an online push has come: a row in `skyteam.online_push`, which is there only while one is unfinished.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde::Serialize;

use crate::db::Engine;

/// An online push that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unfinished {
    /// The steps that are done.
    pub done: i32,
    /// All steps.
    pub total: i32,
    /// Whether it is going on at this moment.
    pub running: bool,
}

/// Whether the role may read the record; no row where there is none.
const READABLE: &str = "SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
       AND pg_catalog.has_table_privilege(c.oid, 'SELECT') \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'skyteam' AND c.relname = 'online_push'";

/// Reads it. Changes nothing.
///
/// # Errors
/// The driver's.
pub(crate) async fn read(db: &impl ConnectionTrait) -> Result<Option<Unfinished>, DbErr> {
    if Engine::of(db) == Engine::Sqlite || !is_readable(db).await? {
        return Ok(None);
    }
    let (class, object) = migration::runner::LOCK;
    let sql = format!(
        "SELECT o.done, o.total, EXISTS (SELECT FROM pg_catalog.pg_locks l \
           WHERE l.granted AND l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.classid = {class} \
           AND l.objid = {object} AND l.objsubid = 2 AND l.database = \
             (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) \
         FROM skyteam.online_push o"
    );
    let row = db.query_one_raw(Query::from_string(DbBackend::Postgres, sql)).await?;
    row.map(|row| {
        Ok(Unfinished {
            done: row.try_get_by_index(0)?,
            total: row.try_get_by_index(1)?,
            running: row.try_get_by_index(2)?,
        })
    })
    .transpose()
}

async fn is_readable(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let row = db.query_one_raw(Query::from_string(DbBackend::Postgres, READABLE)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// The statements that note that so many steps of so many are done, and make the record where it is missing.
pub(super) fn note(done: usize, total: usize) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS skyteam.online_push (\"startedAt\" timestamp NOT NULL, done integer NOT NULL, \
               total integer NOT NULL); \
             INSERT INTO skyteam.online_push SELECT pg_catalog.now() AT TIME ZONE 'UTC', {done}, {total} \
               WHERE NOT EXISTS (SELECT FROM skyteam.online_push); \
             UPDATE skyteam.online_push SET done = {done}, total = {total}"
    )
}

/// Removes it, in the caller's transaction: nothing is unfinished any more. Where the role may not, it is left.
///
/// # Errors
/// The driver's.
pub(crate) async fn clear(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if Engine::of(db) == Engine::Postgres {
        db.execute_unprepared(
            "DO $clear$ BEGIN \
               IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = 'skyteam' AND c.relname = 'online_push' \
                   AND pg_catalog.pg_has_role(c.relowner, 'USAGE')) THEN \
                 DROP TABLE skyteam.online_push; \
               END IF; \
             END $clear$",
        )
        .await?;
    }
    Ok(())
}
