//! The record of the applied migrations: `skyteam.migrations` on PostgreSQL, `_skyteam_migrations` on SQLite.
//!
//! It is in a schema of its own on PostgreSQL because `drizzle-kit push` drops from `public` what it does not know.
//! Every change of the schema writes it in the same transaction as the change.

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

use crate::{Engine, Migration};

/// How a database came to be at a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// The migration's script ran.
    Migrate,
    /// A push made the schema equal to the migration's.
    Push,
    /// The database was recognised as being there already, or declared to be.
    Baseline,
}

impl Via {
    /// The word that is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::Push => "push",
            Self::Baseline => "baseline",
        }
    }

    fn parse(word: &str) -> Result<Self, DbErr> {
        [Self::Migrate, Self::Push, Self::Baseline]
            .into_iter()
            .find(|via| via.as_str() == word)
            .ok_or_else(|| DbErr::Type(format!("the record of the migrations says via {word:?}")))
    }
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The migration's version, 14 digits.
    pub version: String,
    /// Its name then.
    pub name: String,
    /// The checksum of its script up then: see [`Migration::checksum`].
    pub checksum: String,
    /// When, in seconds since 1970 in UTC.
    pub applied_at: i64,
    /// How long its script ran, in milliseconds; 0 where none ran.
    pub took_ms: i32,
    /// How.
    pub via: Via,
}

/// The statement that lets those who may read the record of the migrations read another record in the schema `skyteam`
/// too, whichever role has made it: default privileges are of one maker each. PostgreSQL only.
pub fn share_with_readers(table: &str) -> String {
    format!(
        "DO $share$ DECLARE reader record; BEGIN
           FOR reader IN SELECT DISTINCT a.grantee FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
               CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
               WHERE n.nspname OPERATOR(pg_catalog.=) 'skyteam'::pg_catalog.name
                 AND c.relname OPERATOR(pg_catalog.=) 'migrations'::pg_catalog.name
                 AND a.privilege_type OPERATOR(pg_catalog.=) 'SELECT'::pg_catalog.text LOOP
             EXECUTE pg_catalog.format('GRANT SELECT ON skyteam.{table} TO %s', CASE
               WHEN reader.grantee OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC'
               ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(reader.grantee)::pg_catalog.text) END);
           END LOOP;
         END $share$"
    )
}

/// The position of a database among the migrations of this build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Applied, and as they are here.
    pub applied: Vec<(&'a Migration, Applied)>,
    /// Not applied, oldest first; an older one that arrived late is among them.
    pub pending: Vec<&'a Migration>,
    /// Applied, but their script up is another here.
    pub edited: Vec<(&'a Migration, Applied)>,
    /// Applied, but not here: a newer build, or another branch, has been at this database.
    pub missing: Vec<Applied>,
}

/// Compares the record with the migrations of this build, both oldest first.
pub fn standing<'a>(migrations: &'a [Migration], record: &[Applied], engine: Engine) -> Standing<'a> {
    let mut standing = Standing::default();
    for migration in migrations {
        match record.iter().find(|line| line.version == migration.version()) {
            None => standing.pending.push(migration),
            Some(line) if line.checksum == migration.checksum(engine) => {
                standing.applied.push((migration, line.clone()));
            }
            Some(line) => standing.edited.push((migration, line.clone())),
        }
    }
    let is_here = |line: &&Applied| migrations.iter().any(|migration| migration.version() == line.version);
    standing.missing = record.iter().filter(|line| !is_here(line)).cloned().collect();
    standing
}

fn table(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => r#""skyteam"."migrations""#,
        Engine::Sqlite => r#""_skyteam_migrations""#,
    }
}

/// Whether the record is there. Changes nothing.
///
/// # Errors
/// The driver's.
pub async fn is_installed<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let sql = match Engine::of(db)? {
        // Not to_regclass: a session that has waited for the lock may still remember that there was nothing, and only
        // looks again once it touches a table.
        Engine::Postgres => {
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'skyteam' AND c.relname = 'migrations'"
        }
        Engine::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_skyteam_migrations'",
    };
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    Ok(row.is_some())
}

/// Whether the role may read the record, where it is there. Changes nothing.
///
/// # Errors
/// The driver's.
pub async fn is_readable<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    if Engine::of(db)? == Engine::Sqlite {
        return Ok(true);
    }
    let sql = "SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'skyteam' AND c.relname = 'migrations'";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.map_or(Ok(true), |row| row.try_get_by_index(0))
}

/// The statement that makes the record; on PostgreSQL the schema `skyteam` must be there.
pub const fn create_table(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            r#"CREATE TABLE "skyteam"."migrations" (
                "version" text PRIMARY KEY,
                "name" text NOT NULL,
                "checksum" text NOT NULL,
                "appliedAt" timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
                "tookMs" integer NOT NULL,
                "via" text NOT NULL
            )"#
        }
        Engine::Sqlite => {
            r#"CREATE TABLE "_skyteam_migrations" (
                "version" TEXT NOT NULL PRIMARY KEY,
                "name" TEXT NOT NULL,
                "checksum" TEXT NOT NULL,
                "appliedAt" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%S', 'now')),
                "tookMs" INTEGER NOT NULL,
                "via" TEXT NOT NULL
            ) STRICT"#
        }
    }
}

/// Makes the record where it is missing. What is there already is not made again, so that a role without the right to
/// make schemas can go on working in a database that has been prepared for it.
///
/// # Errors
/// The driver's.
pub async fn install<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    if is_installed(db).await? {
        return Ok(());
    }
    let engine = Engine::of(db)?;
    if engine == Engine::Postgres {
        let home = db
            .query_one_raw(Statement::from_string(
                DbBackend::Postgres,
                "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'skyteam'",
            ))
            .await?;
        if home.is_none() {
            db.execute_unprepared(r#"CREATE SCHEMA "skyteam""#).await?;
        }
    }
    db.execute_unprepared(create_table(engine)).await?;
    Ok(())
}

/// What has been applied, oldest version first; nothing where there is no record. Changes nothing.
///
/// # Errors
/// The driver's.
pub async fn read<C: ConnectionTrait>(db: &C) -> Result<Vec<Applied>, DbErr> {
    if is_installed(db).await? { lines(db).await } else { Ok(Vec::new()) }
}

/// The same, where the record is known to be there.
///
/// # Errors
/// The driver's.
pub async fn lines<C: ConnectionTrait>(db: &C) -> Result<Vec<Applied>, DbErr> {
    let engine = Engine::of(db)?;
    let applied_at = match engine {
        Engine::Postgres => r#"extract(epoch FROM "appliedAt")::bigint"#,
        Engine::Sqlite => r#"CAST(strftime('%s', "appliedAt") AS INTEGER)"#,
    };
    let sql = format!(
        r#"SELECT "version", "name", "checksum", {applied_at} AS "appliedAt", "tookMs", "via" FROM {} ORDER BY "version""#,
        table(engine)
    );
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter()
        .map(|row| {
            Ok(Applied {
                version: row.try_get("", "version")?,
                name: row.try_get("", "name")?,
                checksum: row.try_get("", "checksum")?,
                applied_at: row.try_get("", "appliedAt")?,
                took_ms: row.try_get("", "tookMs")?,
                via: Via::parse(&row.try_get::<String>("", "via")?)?,
            })
        })
        .collect()
}

/// Notes that the database is at `migration`, replacing an older note of it. The record must be installed.
///
/// # Errors
/// The driver's.
pub async fn record<C: ConnectionTrait>(db: &C, migration: &Migration, took_ms: i32, via: Via) -> Result<(), DbErr> {
    let engine = Engine::of(db)?;
    forget(db, migration.version()).await?;
    let sql = format!(
        r#"INSERT INTO {} ("version", "name", "checksum", "tookMs", "via") VALUES ($1, $2, $3, $4, $5)"#,
        table(engine)
    );
    let values: [Value; 5] = [
        migration.version().into(),
        migration.name().into(),
        migration.checksum(engine).into(),
        took_ms.into(),
        via.as_str().into(),
    ];
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// Takes a version off the record. The record must be installed.
///
/// # Errors
/// The driver's.
pub async fn forget<C: ConnectionTrait>(db: &C, version: &str) -> Result<(), DbErr> {
    let sql = format!(r#"DELETE FROM {} WHERE "version" = $1"#, table(Engine::of(db)?));
    db.execute_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, [version.into()])).await?;
    Ok(())
}
