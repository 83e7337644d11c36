//! What others have built upon skyteam's tables, which a restore must neither lose nor change without a word.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::catalog::Found;
use crate::backup::error::{BackupError, Result};
use crate::backup::version;
use crate::db::quote;

/// The tables given as `$1`, by their paths.
const GIVEN: &str = "ARRAY(SELECT path::regclass::oid FROM unnest($1::text[]) AS path)";

/// Refuses when tables that are about to be dropped have triggers, policies, indexes or constraints that no version of
/// skyteam's has: they would go with the tables, and nothing would say so. What would keep a table from being dropped,
/// the server tells itself.
///
/// # Errors
/// [`BackupError::Dependents`]; the driver's.
pub(super) async fn refuse_loss(connection: &mut PgConnection, tables: &[Found]) -> Result<()> {
    let sql = format!(
        "SELECT what || ' ' || quote_ident(name) || ' on table ' || relid::regclass AS object, name
         FROM (SELECT 'trigger' AS what, tgname::text AS name, tgrelid AS relid FROM pg_trigger WHERE NOT tgisinternal
               UNION ALL SELECT 'policy', polname::text, polrelid FROM pg_policy
               UNION ALL SELECT 'constraint', conname::text, conrelid FROM pg_constraint
                         WHERE contype IN ('p', 'u', 'f', 'c', 'x')
               UNION ALL SELECT 'index', c.relname::text, i.indrelid
                         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                         WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)) AS objects
         WHERE relid = ANY ({GIVEN}) ORDER BY 1"
    );
    let ours = version::objects()?;
    let paths: Vec<&str> = tables.iter().map(|table| table.path.as_str()).collect();
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(paths).fetch_all(connection).await?;
    let mut objects = Vec::new();
    for row in rows {
        let (object, name): (String, String) = (row.try_get("object")?, row.try_get("name")?);
        if object.starts_with("policy ") || !ours.contains(&name) {
            objects.push(object);
        }
    }
    if objects.is_empty() { Ok(()) } else { Err(BackupError::Dependents { objects }) }
}

/// Refuses when rows of tables that are not skyteam's refer to rows that are about to be replaced.
///
/// # Errors
/// [`BackupError::Dependents`]; the driver's.
pub(super) async fn refuse_references(connection: &mut PgConnection, all: &[Found], emptied: &[&str]) -> Result<()> {
    let sql = format!(
        "SELECT 'constraint ' || quote_ident(conname) || ' on table ' || conrelid::regclass || ' depends on table '
                || confrelid::regclass AS object
         FROM pg_constraint
         WHERE contype = 'f' AND confrelid = ANY ({GIVEN})
           AND conrelid <> ALL (ARRAY(SELECT path::regclass::oid FROM unnest($2::text[]) AS path)) ORDER BY 1"
    );
    let paths = |fits: &dyn Fn(&Found) -> bool| -> Vec<&str> {
        all.iter().filter(|table| fits(table)).map(|table| table.path.as_str()).collect()
    };
    let emptied = paths(&|table| emptied.contains(&table.shape.name.as_str()));
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(emptied).bind(paths(&|_| true)).fetch_all(connection).await?;
    let objects: Vec<String> = rows.iter().map(|row| row.try_get("object")).collect::<Result<_, _>>()?;
    if objects.is_empty() { Ok(()) } else { Err(BackupError::Dependents { objects }) }
}

/// Statements that put a table's triggers, all disabled meanwhile, back as they are now.
///
/// # Errors
/// The driver's.
pub(super) async fn triggers(connection: &mut PgConnection, table: &Found) -> Result<Vec<String>> {
    let sql = "SELECT tgname::text AS name, tgenabled::text AS state FROM pg_trigger
               WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY tgname";
    let mut statements = Vec::new();
    for row in sqlx::query(sql).bind(&table.path).fetch_all(connection).await? {
        let (name, state): (String, String) = (row.try_get("name")?, row.try_get("state")?);
        let enable = match state.as_str() {
            "D" => continue,
            "A" => "ENABLE ALWAYS",
            "R" => "ENABLE REPLICA",
            _ => "ENABLE",
        };
        statements.push(format!("ALTER TABLE {} {enable} TRIGGER {}", quote(&table.shape.name), quote(&name)));
    }
    Ok(statements)
}

/// The comments on tables and their columns, as statements that make them again.
///
/// # Errors
/// The driver's.
pub(super) async fn comments(connection: &mut PgConnection, tables: &[Found]) -> Result<Vec<String>> {
    let mut statements = Vec::new();
    for table in tables {
        // The restored table may lack a column. The quotes around the block are such as no comment has in it.
        let sql = "
            SELECT CASE d.objsubid WHEN 0 THEN format('COMMENT ON TABLE %I IS %L', $2::text, d.description)
                   ELSE format('DO $%1$s$ BEGIN COMMENT ON COLUMN %2$I.%3$I IS %4$L; '
                               'EXCEPTION WHEN undefined_column THEN END $%1$s$',
                               'c' || md5(d.description), $2::text, a.attname, d.description) END AS statement
            FROM pg_description d
            LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid AND d.objsubid > 0
            WHERE d.objoid = $1::regclass AND d.classoid = 'pg_class'::regclass ORDER BY d.objsubid";
        for row in sqlx::query(sql).bind(&table.path).bind(&table.shape.name).fetch_all(&mut *connection).await? {
            statements.push(row.try_get("statement")?);
        }
    }
    Ok(statements)
}
