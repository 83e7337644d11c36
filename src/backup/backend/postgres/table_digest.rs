//! What the server itself says of a table's rows ([`crate::backup::format::row_hash`]).

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::catalog::output;
use super::catalog::{self, Found};
use super::job::Job;
use crate::backup::error::{BackupError, Result};
use crate::backup::format::row_hash::{self, NULL};
use crate::backup::format::server_digest::{Method, ServerDigest};
use crate::backup::format::table_schema::{ColumnShape, Kind};
use crate::db::quote;

/// How a database computes its digests; `None` for a server whose hash is another, on a machine with the highest byte
/// first.
///
/// # Errors
/// The driver's.
pub(super) async fn method(connection: &mut PgConnection) -> Result<Option<Method>> {
    let known = row_hash::bytes(b"skyteam archive", 7).cast_signed();
    let sql = "SELECT pg_catalog.current_setting('server_encoding') AS encoding,
                      pg_catalog.hashtextextended('skyteam archive'::text, 7::int8) = $1 AS same";
    let row = sqlx::query(sql).bind(known).fetch_one(connection).await?;
    let encoding: String = row.try_get("encoding")?;
    // Bytes of SQL_ASCII are sent as they are.
    let method = if matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") { Method::Postgres } else { Method::PostgresHex };
    Ok(row.try_get::<bool, _>("same")?.then_some(method))
}

/// The digest of a table that was found, over all of its columns that an archive holds.
///
/// # Errors
/// The driver's.
pub(super) async fn of_found(connection: &mut PgConnection, table: &Found, method: Method) -> Result<ServerDigest> {
    let columns = table.shape.columns.iter().zip(&table.as_text).map(|(column, as_text)| (column, *as_text)).collect();
    // What a plain COPY of the table reads: not the rows of tables that inherit from it.
    let only = if table.as_text.contains(&true) { "" } else { "ONLY " };
    compute(connection, &format!("{only}{}", table.path), columns, method).await
}

/// Compares a restored table with what the archive says that its source's server said. `path` is quoted, with its schema.
///
/// # Errors
/// [`BackupError::Digest`] where they differ; the driver's.
pub(super) async fn compare(connection: &mut PgConnection, job: &Job, table: &str, path: &str) -> Result<()> {
    let is_filled = job.plan.fillings.iter().any(|filling| filling.table == table);
    let Some(entry) = job.archive.manifest().table(table).filter(|_| is_filled) else { return Ok(()) };
    let Some(wanted) = &entry.digest else { return Ok(()) };
    // SQLite's is compared while the rows are read, as PostgreSQL does not write its values as SQLite does.
    let Some(method) = wanted.method().filter(|method| *method != Method::Sqlite) else { return Ok(()) };
    if self::method(connection).await?.is_none() {
        return Ok(());
    }
    let sql = "SELECT attname::text AS name, atttypid::int8 AS type FROM pg_catalog.pg_attribute
               WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped";
    let mut types = HashMap::new();
    for row in sqlx::query(sql).bind(path).fetch_all(&mut *connection).await? {
        types.insert(row.try_get::<String, _>("name")?, catalog::kind(row.try_get("type")?));
    }
    let typed = |column| fits(column, types.get(&column.name).copied());
    let Some(columns) = entry.columns.iter().map(typed).collect::<Option<Vec<_>>>() else { return Ok(()) };
    let found = compute(connection, path, columns, method).await?;
    if found == *wanted { Ok(()) } else { Err(BackupError::Digest { table: table.to_owned() }) }
}

/// Whether a column is to be read as its type writes it; `None` where the target's type allows no such digest.
fn fits(column: &ColumnShape, existing: Option<Option<Kind>>) -> Option<(&ColumnShape, bool)> {
    match existing? {
        None => (column.stored == Kind::Text).then_some((column, true)),
        Some(kind) => (kind == column.stored).then_some((column, false)),
    }
}

async fn compute(
    connection: &mut PgConnection,
    from: &str,
    mut columns: Vec<(&ColumnShape, bool)>,
    method: Method,
) -> Result<ServerDigest> {
    columns.sort_by_key(|(column, _)| column.name.as_bytes());
    let hash =
        columns.into_iter().fold("0::int8".to_owned(), |seed, (column, as_text)| cell(column, as_text, method, &seed));
    let sql = format!("SELECT coalesce(pg_catalog.sum({hash}), 0::numeric)::text AS sum FROM {from}");
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(ServerDigest::new(method, row.try_get::<String, _>("sum")?))
}

/// The hash of a cell, whose seed is that of the cells before it. Whether a cell is NULL is asked even where it must not
/// be: another database may have lost that rule.
fn cell(column: &ColumnShape, as_text: bool, method: Method, seed: &str) -> String {
    let name = quote(&column.name);
    let text = |text: &str| {
        let text = match method {
            Method::PostgresHex => {
                format!("pg_catalog.encode(pg_catalog.convert_to({text}, 'UTF8'::name), 'hex'::text)")
            }
            _ => text.to_owned(),
        };
        format!(r#"pg_catalog.hashtextextended(coalesce({text}, ''::text) COLLATE pg_catalog."C", {seed})"#)
    };
    let hash = match column.stored {
        _ if as_text => text(&output(&name)),
        Kind::Boolean => format!("pg_catalog.hashint4extended(coalesce({name}::int4, 0), {seed})"),
        Kind::Integer => format!("pg_catalog.hashint4extended(coalesce({name}, 0), {seed})"),
        Kind::Timestamp => {
            format!("pg_catalog.timestamp_hash_extended(coalesce({name}, '2000-01-01'::timestamp), {seed})")
        }
        Kind::Uuid => format!(
            "pg_catalog.uuid_hash_extended(coalesce({name}, '00000000-0000-0000-0000-000000000000'::uuid), {seed})"
        ),
        Kind::Bytes => text(&format!("pg_catalog.encode({name}, 'hex'::text)")),
        Kind::Bigint | Kind::Text => text(&format!("{name}::text")),
    };
    // Not IS NULL: of a row without values that is true.
    format!("{hash} # CASE WHEN {name} IS DISTINCT FROM NULL THEN 0::int8 ELSE {NULL}::int8 END")
}
