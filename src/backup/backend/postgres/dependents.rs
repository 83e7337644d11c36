//! What others have built upon skyteam's tables, which a restore must neither lose nor change without a word.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

use super::catalog::Found;
use crate::backup::error::{BackupError, Result};

/// The tables given as `$1`, by their paths.
const GIVEN: &str = "ARRAY(SELECT path::regclass::oid FROM unnest($1::text[]) AS path)";

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
