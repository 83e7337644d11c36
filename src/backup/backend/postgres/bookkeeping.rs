//! What surrounds the tables: the record of applied migrations, and trigger functions.

use std::collections::BTreeSet;
use std::time::Instant;

use migration::{Engine, Migration, history};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, PgPool, Row as _};

use super::job::{Job, run};
use super::read::RECORD;
use crate::backup::error::{BackupError, Result};
use crate::backup::version;
use crate::db::quote;
use crate::schema::dialect::postgres::HOME;

/// Makes schema and record where they are missing and writes the lines up to the version that was restored.
///
/// # Errors
/// The driver's.
pub(super) async fn write(connection: &mut PgConnection, job: &Job) -> Result<()> {
    let schema = format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{HOME}') THEN CREATE SCHEMA {HOME}; \
         END IF; END $$; \
         DO $$ BEGIN IF NOT EXISTS ({RECORD}) THEN {}; END IF; END $$; \
         DELETE FROM {HOME}.migrations",
        history::create_table(Engine::Postgres)
    );
    run(connection, [schema]).await?;
    let manifest = job.archive.manifest();
    for migration in migration::all().iter().filter(|m| m.version() <= job.plan.version.migration.version()) {
        let line = manifest.migrations.iter().find(|line| line.version == migration.version());
        let applied_at = line.map(|line| line.applied_at.as_str());
        let (took_ms, via) = line.map_or((0, "baseline"), |line| (line.took_ms, line.via.as_str()));
        record(connection, migration, applied_at, took_ms, via).await?;
    }
    Ok(())
}

/// Writes a line of the record; without `applied_at` it happens now.
///
/// # Errors
/// The driver's.
pub(super) async fn record(
    connection: &mut PgConnection,
    migration: &Migration,
    applied_at: Option<&str>,
    took_ms: i64,
    via: &str,
) -> Result<()> {
    let sql = format!(
        r#"INSERT INTO {HOME}.migrations (version, name, checksum, "appliedAt", "tookMs", via)
           VALUES ($1, $2, $3, coalesce($4::timestamp, now() AT TIME ZONE 'UTC'), $5, $6)"#
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(migration.version())
        .bind(migration.name())
        .bind(migration.checksum(Engine::Postgres))
        .bind(applied_at.and_then(|at| at.parse::<crate::entity::types::Timestamp>().ok()).map(|at| at.0))
        .bind(i32::try_from(took_ms).unwrap_or(i32::MAX))
        .bind(via)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes away the functions that any version of ours has: an older version's script makes them again.
///
/// # Errors
/// As [`version::all`].
pub(crate) fn drop_functions() -> Result<Vec<String>> {
    let versions = version::all()?;
    let names: BTreeSet<&str> =
        versions.iter().flat_map(|version| &version.schema.functions).map(|function| function.name.as_str()).collect();
    Ok(names.into_iter().map(|name| format!("DROP FUNCTION IF EXISTS {HOME}.{}()", quote(name))).collect())
}

/// Whether skyteam's own schema is there.
///
/// # Errors
/// The driver's.
pub(crate) async fn has_home(pool: &PgPool) -> Result<bool> {
    let row = sqlx::raw_sql("SELECT to_regnamespace('skyteam') IS NOT NULL").fetch_one(pool).await?;
    Ok(row.try_get(0)?)
}

/// The statements that give what a dump makes again in skyteam's own schema the owners and the grants that it has now. One
/// about something that the dump does not have does nothing.
///
/// # Errors
/// The driver's.
pub(crate) async fn access(pool: &PgPool) -> Result<Vec<String>> {
    const OWNERS: &str = "
        SELECT made.name, made.exists, format('ALTER %s %s OWNER TO %I', made.kind, made.name, pg_get_userbyid(made.owner))
        FROM made WHERE pg_get_userbyid(made.owner) <> current_user
        UNION ALL
        SELECT made.name, made.exists, format('GRANT %s ON %s %s TO %s%s', a.privilege_type, made.kind, made.name,
            CASE a.grantee WHEN 0::oid THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM made, aclexplode(made.acl) a WHERE a.grantee <> made.owner";
    let sql = format!(
        "WITH made (name, exists, kind, owner, acl) AS (
            SELECT format('skyteam.%I', relname), 'to_regclass', 'TABLE', relowner, relacl FROM pg_class
            WHERE relnamespace = to_regnamespace('skyteam') AND relname IN ('migrations', 'openings', 'verifications')
            UNION ALL
            SELECT format('skyteam.%I()', proname), 'to_regprocedure', 'FUNCTION', proowner, proacl FROM pg_proc
            WHERE pronamespace = to_regnamespace('skyteam') AND pronargs = 0
        ), said (name, exists, statement) AS ({OWNERS})
        SELECT format('DO %L', format('BEGIN IF pg_catalog.%s(%L) IS NOT NULL THEN %s; END IF; END', exists, name, statement))
        FROM said"
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The statements that give the functions of skyteam's own schema, made anew, the owners and exactly the grants that they
/// have now: default privileges give new ones more. One about a function that there is no longer does nothing.
///
/// # Errors
/// The driver's.
pub(super) async fn function_access(connection: &mut PgConnection) -> Result<Vec<String>> {
    let sql = "SELECT pg_catalog.format('DO %L', pg_catalog.format(
          $$DECLARE
              made CONSTANT pg_catalog.regprocedure := pg_catalog.to_regprocedure(%1$L);
              grantee pg_catalog.text;
            BEGIN
              IF made IS NULL THEN RETURN; END IF;
              ALTER FUNCTION %1$s OWNER TO %2$I;
              FOR grantee IN
                SELECT CASE a.grantee WHEN 0::pg_catalog.oid THEN 'PUBLIC'
                       ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END
                FROM pg_catalog.pg_proc p,
                  pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                WHERE p.oid = made AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
              LOOP
                EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %%s FROM %%s', made, grantee);
              END LOOP;
              %3$s
            END$$, f.name, f.owner, f.grants)) AS statement
        FROM (
          SELECT pg_catalog.format('skyteam.%I()', p.proname) AS name, pg_catalog.pg_get_userbyid(p.proowner) AS owner,
            (SELECT pg_catalog.string_agg(pg_catalog.format('GRANT EXECUTE ON FUNCTION skyteam.%I() TO %s%s;', p.proname,
               CASE a.grantee WHEN 0::pg_catalog.oid THEN 'PUBLIC'
               ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
               CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' ')
             FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
             WHERE a.grantee OPERATOR(pg_catalog.<>) p.proowner) AS grants
          FROM pg_catalog.pg_proc p
          WHERE p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('skyteam')::pg_catalog.oid
            AND p.pronargs OPERATOR(pg_catalog.=) 0::pg_catalog.int2) f";
    let rows = sqlx::raw_sql(sql).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get("statement")?)).collect()
}

/// Takes what was restored on to the newest version.
pub(super) async fn onward(connection: &mut PgConnection, job: &Job) -> Result<()> {
    for migration in job.plan.onward() {
        let begun = Instant::now();
        let failed = |source| BackupError::Onward { version: migration.folder(), source };
        for sql in version::script(migration, Engine::Postgres)? {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.map_err(failed)?;
        }
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        record(connection, migration, None, took_ms, "migrate").await?;
    }
    Ok(())
}
