//! What a database remembers of the backups that it made: their SHA-256, in the bookkeeping.
//!
//! The table is made by the first backup that may make it. Only its owner may write it: rights that default
//! privileges would give are taken away. (Where a superuser has made it, the owner of the tables may, too.) Who may read
//! the record of the migrations may read it too, whichever role created it. It counts only where its owner is one whom the database
//! trusts anyway: the owner of the tables, the session's own role, or a superuser.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Statement};

use super::error::Result;
use crate::db::{Database, Engine};
use crate::entity::types::Timestamp;

/// What is remembered of a backup.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint {
    /// SHA-256 of its bytes, in hexadecimal.
    pub(crate) sha256: String,
    /// A digest of its beginning and end; none for one that went into a pipe.
    pub(crate) ends: Option<String>,
}

/// The backups that a database remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    whole: HashSet<String>,
    ends: HashSet<String>,
}

impl Record {
    /// Whether it has a backup of this SHA-256.
    pub(crate) fn has(&self, sha256: &str) -> bool {
        self.whole.contains(sha256)
    }

    /// Whether it has one of this beginning and end.
    pub(crate) fn has_ends(&self, ends: &str) -> bool {
        self.ends.contains(ends)
    }

    /// Whether it has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }
}

fn table(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "skyteam.backups",
        Engine::Sqlite => "_skyteam_backups",
    }
}

/// Remembers a backup.
///
/// # Errors
/// The driver's: a role that may only read cannot, nor can a standby.
pub(crate) async fn remember(database: &Database, backup: &Fingerprint, at: DateTime<Utc>) -> Result<()> {
    let engine = database.engine();
    let txn = database.begin().await?;
    if engine == Engine::Postgres {
        // The session that makes a backup reads only.
        txn.execute_unprepared("SET TRANSACTION READ WRITE").await?;
        txn.execute_unprepared("SET LOCAL lock_timeout = '3s'").await?;
    }
    if !is_there(&txn, engine).await? {
        txn.execute_unprepared(make(engine)).await?;
        if engine == Engine::Postgres {
            txn.execute_unprepared(&migration::history::share_with_readers("backups")).await?;
        }
    }
    let sql = format!(
        r#"INSERT INTO {} (sha256, ends, "madeAt") VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING"#,
        table(engine)
    );
    let values: [sea_orm::Value; 3] =
        [backup.sha256.as_str().into(), backup.ends.clone().into(), Timestamp::from(at).into()];
    txn.execute_raw(Statement::from_sql_and_values(engine.backend(), sql, values)).await?;
    Ok(txn.commit().await?)
}

/// The statement that makes the table, which is not there yet.
const fn make(engine: Engine) -> &'static str {
    match engine {
        // What is not there yet cannot have been planted.
        Engine::Postgres => {
            r#"DO $make$ DECLARE other record; BEGIN
                 IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'skyteam'::name) THEN
                   CREATE SCHEMA skyteam;
                 END IF;
                 CREATE TABLE skyteam.backups (sha256 text PRIMARY KEY, ends text, "madeAt" timestamp NOT NULL);
                 FOR other IN SELECT DISTINCT a.grantee FROM pg_catalog.pg_class c
                     CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
                     WHERE c.oid = 'skyteam.backups'::pg_catalog.regclass AND a.grantee <> c.relowner LOOP
                   EXECUTE CASE WHEN other.grantee = 0::oid THEN 'REVOKE ALL ON skyteam.backups FROM PUBLIC'
                     ELSE pg_catalog.format('REVOKE ALL ON skyteam.backups FROM %I', pg_catalog.pg_get_userbyid(other.grantee)) END;
                 END LOOP;
                 -- Made by a superuser, it still takes what the owner of the tables makes.
                 FOR other IN SELECT t.relowner AS grantee FROM pg_catalog.pg_class t
                     JOIN pg_catalog.pg_namespace p ON p.oid = t.relnamespace
                     WHERE p.nspname = 'public'::name AND t.relname = 'milesTransactions'::name
                       AND pg_catalog.pg_get_userbyid(t.relowner) <> current_user LOOP
                   EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON skyteam.backups TO %I',
                     pg_catalog.pg_get_userbyid(other.grantee));
                 END LOOP;
               END $make$"#
        }
        Engine::Sqlite => {
            r#"CREATE TABLE _skyteam_backups (sha256 TEXT NOT NULL PRIMARY KEY, ends TEXT, "madeAt" TEXT NOT NULL) STRICT"#
        }
    }
}

/// Whether the role of this session may have a backup remembered.
///
/// # Errors
/// The driver's.
pub(crate) async fn may_remember(database: &Database) -> Result<bool> {
    if database.engine() == Engine::Sqlite {
        return Ok(true);
    }
    let sql = "SELECT CASE WHEN pg_catalog.to_regclass('skyteam.backups') IS NOT NULL
                      THEN pg_catalog.has_table_privilege('skyteam.backups', 'INSERT')
                      WHEN pg_catalog.to_regnamespace('skyteam') IS NOT NULL
                      THEN pg_catalog.has_schema_privilege('skyteam', 'CREATE')
                      ELSE pg_catalog.has_database_privilege(pg_catalog.current_database()::pg_catalog.text, 'CREATE') END AS may";
    let row = database.conn().query_one_raw(Statement::from_string(database.engine().backend(), sql)).await?;
    Ok(row.map(|row| row.try_get("", "may")).transpose()?.unwrap_or(false))
}

async fn is_there(connection: &impl ConnectionTrait, engine: Engine) -> Result<bool> {
    let sql = match engine {
        Engine::Postgres => {
            "SELECT 1 AS there FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'skyteam' AND c.relname = 'backups'"
        }
        Engine::Sqlite => "SELECT 1 AS there FROM sqlite_schema WHERE name = '_skyteam_backups'",
    };
    Ok(connection.query_one_raw(Statement::from_string(engine.backend(), sql)).await?.is_some())
}

/// What a database remembers; nothing where it remembers nothing, the role may not read it, or its owner is not trusted with
/// it.
///
/// # Errors
/// The driver's.
pub(crate) async fn of(database: &Database) -> Result<Record> {
    let engine = database.engine();
    if engine == Engine::Postgres {
        let sql = "SELECT 1 AS trusted FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
                   WHERE n.nspname = 'skyteam' AND c.relname = 'backups' AND c.relkind = 'r'
                     AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
                     AND (o.rolsuper OR c.relowner = (SELECT m.oid FROM pg_catalog.pg_roles m WHERE m.rolname = current_user)
                          OR EXISTS (SELECT FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace p ON p.oid = t.relnamespace
                                     WHERE p.nspname = 'public' AND t.relname = 'milesTransactions' AND t.relowner = c.relowner))";
        let trusted = database.conn().query_one_raw(Statement::from_string(engine.backend(), sql)).await?;
        if trusted.is_none() {
            return Ok(Record::default());
        }
    } else if !is_there(database.conn(), engine).await? {
        return Ok(Record::default());
    }
    let sql = format!("SELECT sha256, ends FROM {}", table(engine));
    let mut record = Record::default();
    for row in database.conn().query_all_raw(Statement::from_string(engine.backend(), sql)).await? {
        record.whole.insert(row.try_get("", "sha256")?);
        record.ends.extend(row.try_get::<Option<String>>("", "ends")?);
    }
    Ok(record)
}
