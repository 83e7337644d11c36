//! Looks for cells that an archive cannot hold ([`crate::backup::unarchivable`]).

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use super::catalog;
use crate::backup::error::Result;
use crate::backup::error::{Fault, Unarchivable};
use crate::backup::format::native::Native;
use crate::backup::format::table_schema::Kind as Stored;
use crate::backup::format::timestamp;
use crate::backup::unarchivable::{NAMED, collect_large, key, large};
use crate::backup::version;
use crate::db::quote;
use crate::schema::dialect::literal;

/// Looks for them. `preamble` is what a transaction must begin with.
///
/// # Errors
/// The driver's.
pub(super) async fn find(pool: &PgPool, preamble: &str) -> Result<Vec<Unarchivable>> {
    let mut txn = pool.begin().await?;
    let begin = format!("SET TRANSACTION READ ONLY; SET LOCAL lock_timeout = '1s'; {preamble}");
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *txn).await?;
    let found = look(&mut txn).await?;
    txn.rollback().await?;
    Ok(found)
}

async fn look(connection: &mut PgConnection) -> Result<Vec<Unarchivable>> {
    let latest = version::latest()?;
    let names: Vec<&str> = latest.tables().collect();
    let encoding =
        "SELECT pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()";
    let encoding: String = sqlx::query(encoding).fetch_one(&mut *connection).await?.try_get("encoding")?;
    let mut found = Vec::new();
    for table in catalog::find(connection, &names).await? {
        let (columns, key, may_be_large) = texts(connection, &table.path).await?;
        for column in table.shape.columns.iter().filter(|column| column.stored == Stored::Timestamp) {
            let [first, second] = timestamp::NOT_HELD.map(literal);
            let sql = format!(
                "SELECT {key} AS key FROM {} WHERE {} BETWEEN {first}::timestamp AND {second}::timestamp LIMIT {NAMED}",
                table.path,
                quote(&column.name)
            );
            for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
                let (table, column, key) = (table.shape.name.clone(), column.name.clone(), row.try_get("key")?);
                found.push(Unarchivable { table, column, key, fault: Fault::Time });
            }
        }
        for column in table.shape.columns.iter().filter(|column| column.native.and_then(Native::decimal).is_some()) {
            let name = quote(&column.name);
            let sql = format!("SELECT {key} AS key FROM {} WHERE {name} = 'NaN' LIMIT {NAMED}", table.path);
            for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
                let (table, column) = (table.shape.name.clone(), column.name.clone());
                found.push(Unarchivable { table, column, key: row.try_get("key")?, fault: Fault::NotANumber });
            }
        }
        if columns.is_empty() {
            continue;
        }
        if may_be_large {
            let sql = |key: &str, list: &str, large: &str| {
                format!("SELECT {key} AS key, {list} FROM {} WHERE {large} LIMIT {NAMED}", table.path)
            };
            let size = |column: &String| format!("coalesce(octet_length({}), 0)::int8", quote(column));
            for row in sqlx::query(AssertSqlSafe(large(&columns, &key, size, sql))).fetch_all(&mut *connection).await? {
                collect_large(&mut found, &table.shape.name, &columns, row.try_get("key")?, |index| {
                    row.try_get(index)
                })?;
            }
        }
        if encoding != "UTF8" {
            for column in &columns {
                if let Some(key) = misencoded(connection, &table.path, column, &key, &encoding).await? {
                    let (table, column) = (table.shape.name.clone(), column.clone());
                    found.push(Unarchivable { table, column, key, fault: Fault::Encoding });
                }
            }
        }
    }
    Ok(found)
}

/// The columns of text of a table, an expression for its rows' keys, and whether there is a value that is stored apart:
/// nothing else can be large.
async fn texts(connection: &mut PgConnection, path: &str) -> Result<(Vec<String>, String, bool)> {
    // text, varchar, char
    let sql = "SELECT attname::text AS name FROM pg_attribute
               WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND atttypid IN (25, 1043, 1042)
               ORDER BY attnum";
    let rows = sqlx::query(sql).bind(path).fetch_all(&mut *connection).await?;
    let columns = rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?;
    let sql = "SELECT a.attname::text AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
                      AND a.attnum = ANY (i.indkey) WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY a.attnum";
    let rows = sqlx::query(sql).bind(path).fetch_all(&mut *connection).await?;
    let keys: Vec<String> = rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?;
    let sql = "SELECT reltoastrelid <> 0 AND pg_relation_size(reltoastrelid) > 0 AS apart
               FROM pg_class WHERE oid = $1::regclass";
    let apart = sqlx::query(sql).bind(path).fetch_one(connection).await?.try_get("apart")?;
    Ok((columns, key(&keys, "'ctid ' || ctid::text", "::text"), apart))
}

/// The key of the first row whose cell cannot be sent as UTF-8. The server refuses the whole statement that meets one, so
/// each row that is not plain ASCII is tried by itself.
async fn misencoded(
    connection: &mut PgConnection,
    path: &str,
    column: &str,
    key: &str,
    encoding: &str,
) -> Result<Option<String>> {
    let column = quote(column);
    let tried = match encoding {
        "SQL_ASCII" => "convert_from(convert_to(cell, 'SQL_ASCII'), 'UTF8')",
        _ => "convert_to(cell, 'UTF8')",
    };
    let class = "SK001";
    let block = format!(
        "DO $find$ DECLARE cell text; row_key bytea; BEGIN
           FOR cell, row_key IN SELECT {column}, convert_to({key}, 'SQL_ASCII') FROM {path}
                                WHERE {column} ~ '[^\\x01-\\x7f]' LOOP
             BEGIN PERFORM {tried};
             EXCEPTION WHEN OTHERS THEN RAISE EXCEPTION USING ERRCODE = '{class}', MESSAGE = encode(row_key, 'escape');
             END;
           END LOOP;
         END $find$"
    );
    sqlx::raw_sql("SAVEPOINT looking").execute(&mut *connection).await?;
    let done = sqlx::raw_sql(AssertSqlSafe(block)).execute(&mut *connection).await;
    sqlx::raw_sql("ROLLBACK TO SAVEPOINT looking").execute(&mut *connection).await?;
    match done {
        Ok(_) => Ok(None),
        Err(error) => match error.as_database_error().filter(|refusal| refusal.code().as_deref() == Some(class)) {
            Some(refusal) => Ok(Some(refusal.message().to_owned())),
            None => Err(error.into()),
        },
    }
}
