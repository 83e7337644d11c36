//! Cells that an archive cannot hold: larger than its limit, in no encoding, or of another type than their column
//! promises. `db doctor` looks for them before the night does, and a backup that met one names it.
//!
//! Cheap on a sound database: sizes are known without reading large values, encodings are only looked at where the
//! server does not check them itself.

use sqlx::{AssertSqlSafe, PgConnection, Row, SqliteConnection};

use super::backend::postgres;
use super::error::Result;
use super::format::batch::CELL_BYTES;
use super::format::native::Native;
use super::format::table_schema::Kind as Stored;
use super::format::timestamp;
use super::version;
use crate::db::{Database, quote};
use crate::schema::dialect::literal;
use crate::schema::model::Kind;

/// At most so many of one table are named.
const NAMED: usize = 5;

/// A cell that cannot be archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unarchivable {
    /// Its table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// Its row's primary key, as `userId 42`; where there is none, the row's place.
    pub key: String,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has so many bytes.
    Large(u64),
    /// Its bytes are no text in the database's encoding.
    Encoding,
    /// It is not of its column's type, which SQLite lets happen in tables that are not strict.
    Type,
    /// It is one of the two times that an archive would take for infinity.
    Time,
    /// It is `NaN` in a column of exact numbers.
    NotANumber,
}

/// Looks for them in skyteam's tables.
///
/// # Errors
/// The driver's.
pub(crate) async fn find(database: &Database) -> Result<Vec<Unarchivable>> {
    match (database.postgres(), database.sqlite()) {
        (Some(pool), _) => {
            let mut txn = pool.begin().await?;
            let begin = format!("SET TRANSACTION READ ONLY; SET LOCAL lock_timeout = '1s'; {}", database.preamble());
            sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *txn).await?;
            let found = in_postgres(&mut txn).await?;
            txn.rollback().await?;
            Ok(found)
        }
        (None, Some(pool)) => in_sqlite(&mut *pool.acquire().await?).await,
        (None, None) => Ok(Vec::new()),
    }
}

async fn in_postgres(connection: &mut PgConnection) -> Result<Vec<Unarchivable>> {
    let latest = version::latest()?;
    let names: Vec<&str> = latest.tables().collect();
    let encoding =
        "SELECT pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()";
    let encoding: String = sqlx::query(encoding).fetch_one(&mut *connection).await?.try_get("encoding")?;
    let mut found = Vec::new();
    for table in postgres::find(connection, &names).await? {
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

/// A query that answers a key and every column's size for rows with a large cell.
fn large(
    columns: &[String],
    key: &str,
    size: impl Fn(&String) -> String,
    sql: impl Fn(&str, &str, &str) -> String,
) -> String {
    let sizes: Vec<String> = columns.iter().map(size).collect();
    let any: Vec<String> = sizes.iter().map(|size| format!("{size} > {CELL_BYTES}")).collect();
    sql(key, &sizes.join(", "), &any.join(" OR "))
}

fn collect_large(
    found: &mut Vec<Unarchivable>,
    table: &str,
    columns: &[String],
    key: String,
    size: impl Fn(usize) -> sqlx::Result<i64>,
) -> Result<()> {
    for (index, column) in columns.iter().enumerate() {
        let bytes = size(index + 1)?.unsigned_abs();
        if bytes > CELL_BYTES as u64 {
            let (table, column, key) = (table.to_owned(), column.clone(), key.clone());
            found.push(Unarchivable { table, column, key, fault: Fault::Large(bytes) });
        }
    }
    Ok(())
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

fn key(columns: &[String], otherwise: &str, cast: &str) -> String {
    let part = |column: &String| format!("{} || {}{cast}", literal(&format!("{column} ")), quote(column));
    match columns {
        [] => otherwise.to_owned(),
        some => some.iter().map(part).collect::<Vec<_>>().join(" || ', ' || "),
    }
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

async fn in_sqlite(connection: &mut SqliteConnection) -> Result<Vec<Unarchivable>> {
    let latest = version::latest()?;
    let mut found = Vec::new();
    for table in &latest.schema.tables {
        let sql = "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid";
        let rows = sqlx::query(sql).bind(&table.name).fetch_all(&mut *connection).await?;
        let (mut columns, mut keys) = (Vec::new(), Vec::new());
        for row in rows {
            let name: String = row.try_get("name")?;
            if row.try_get::<i64, _>("pk")? > 0 {
                keys.push(name.clone());
            }
            columns.push(name);
        }
        if columns.is_empty() {
            continue;
        }
        let (path, key) = (quote(&table.name), key(&keys, "'rowid ' || rowid", ""));
        let sql = |key: &str, list: &str, large: &str| {
            format!("SELECT CAST({key} AS TEXT) AS key, {list} FROM {path} WHERE {large} LIMIT {NAMED}")
        };
        let size = |column: &String| format!("coalesce(octet_length({}), 0)", quote(column));
        for row in sqlx::query(AssertSqlSafe(large(&columns, &key, size, sql))).fetch_all(&mut *connection).await? {
            collect_large(&mut found, &table.name, &columns, row.try_get("key")?, |index| row.try_get(index))?;
        }
        let numbers = table
            .columns
            .iter()
            .filter(|column| matches!(column.kind, Kind::Integer | Kind::BigInteger | Kind::Boolean));
        for column in numbers.filter(|column| columns.contains(&column.name)) {
            let sql = format!(
                "SELECT CAST({key} AS TEXT) AS key FROM {path} WHERE typeof({}) NOT IN ('integer', 'null') LIMIT {NAMED}",
                quote(&column.name)
            );
            for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
                let (table, column, key) = (table.name.clone(), column.name.clone(), row.try_get("key")?);
                found.push(Unarchivable { table, column, key, fault: Fault::Type });
            }
        }
    }
    Ok(found)
}
