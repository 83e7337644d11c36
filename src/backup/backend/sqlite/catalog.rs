//! Which of skyteam's tables an SQLite database has, with which columns, and how each is stored in an archive.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::backup::column_mapping;
use crate::backup::error::Result;
use crate::backup::format::native::Native;
use crate::backup::format::table_schema::{ColumnShape, Kind, TableShape};
use crate::backup::version;
use crate::db::quote;
use crate::schema::dialect::sqlite as dialect;
use crate::schema::model::{Column, Schema};

/// A table that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its columns as an archive holds them, as long as its cells are what they should be.
    pub shape: TableShape,
    /// Names of its constraints, indexes and triggers.
    pub objects: HashSet<String>,
}

/// Looks up tables by name; those that are not there are left out.
///
/// # Errors
/// The driver's.
pub(super) async fn find(connection: &mut SqliteConnection, names: &[&str]) -> Result<Vec<Found>> {
    let known = version::known()?;
    let mut tables = Vec::new();
    for name in names {
        let columns = columns(connection, name, &known).await?;
        if !columns.is_empty() {
            let shape = TableShape { name: (*name).to_owned(), columns };
            tables.push(Found { shape, objects: objects(connection, name).await? });
        }
    }
    Ok(tables)
}

/// Tables beside those of these names and the bookkeeping.
///
/// # Errors
/// The driver's.
pub(super) async fn others(connection: &mut SqliteConnection, names: &[&str]) -> Result<Vec<String>> {
    let sql = r"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
                AND name NOT LIKE '\_skyteam\_%' ESCAPE '\' ORDER BY name";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let found: Vec<String> = rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|name| !names.contains(&name.as_str())).collect())
}

/// A table's columns, as an archive holds them.
///
/// # Errors
/// The driver's.
pub(super) async fn columns(
    connection: &mut SqliteConnection,
    table: &str,
    known: &Schema,
) -> Result<Vec<ColumnShape>> {
    // Hidden and generated columns are not 0 here.
    let sql = r#"SELECT name, type, "notnull" FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid"#;
    let mut columns = Vec::new();
    let wanted = version::wanted()?;
    for row in sqlx::query(sql).bind(table).fetch_all(connection).await? {
        let (name, declared): (String, String) = (row.try_get("name")?, row.try_get("type")?);
        let ours = ours(known, &wanted, table, &name, &declared);
        let native =
            ours.and_then(|column| column_mapping::native(&column.kind)).filter(|native| fits(*native, &declared));
        let known = ours.and_then(|column| column_mapping::kind(&column.kind));
        let stored = match native {
            Some(Native::Smallint) => Kind::Integer,
            _ => known.unwrap_or_else(|| kind(&declared)),
        };
        let nullable = row.try_get::<i64, _>("notnull")? == 0;
        columns.push(ColumnShape { name, declared, stored, native, nullable });
    }
    Ok(columns)
}

/// What is known of a column of ours that is declared so: a type that was changed and pushed is the entities', before any
/// version has it.
pub(super) fn ours<'s>(
    known: &'s Schema,
    wanted: &'s Schema,
    table: &str,
    name: &str,
    declared: &str,
) -> Option<&'s Column> {
    let column = |schema: &'s Schema| schema.table(table).and_then(|table| table.column(name));
    let stored_so = |column: &&Column| dialect::kind(&column.kind).eq_ignore_ascii_case(declared);
    column(known).filter(stored_so).or_else(|| column(wanted).filter(stored_so)).or_else(|| column(known))
}

/// Whether a column of this type holds such values in the form that is expected of it.
fn fits(native: Native, declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    match native {
        Native::Smallint => declared == "INTEGER",
        Native::Real | Native::Double => declared == "REAL",
        Native::Decimal(..) => declared == "REAL" || declared == "TEXT",
        Native::Date | Native::Time | Native::Timestamptz | Native::Json | Native::List(_) => declared == "TEXT",
    }
}

/// How a column of others is stored.
fn kind(declared: &str) -> Kind {
    match declared.to_ascii_uppercase().as_str() {
        "INT" | "INTEGER" => Kind::Bigint,
        "BLOB" => Kind::Bytes,
        _ => Kind::Text,
    }
}

/// Names of indexes and triggers, and every quoted name in the table's own statement, which has its constraints.
async fn objects(connection: &mut SqliteConnection, table: &str) -> Result<HashSet<String>> {
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ?";
    let mut names = HashSet::new();
    for row in sqlx::query(sql).bind(table).fetch_all(connection).await? {
        if row.try_get::<String, _>("type")? == "table" {
            let sql: String = row.try_get("sql")?;
            names.extend(sql.split('"').skip(1).step_by(2).map(str::to_owned));
        } else {
            names.insert(row.try_get("name")?);
        }
    }
    Ok(names)
}

/// How many rows a table has.
///
/// # Errors
/// The driver's.
pub(super) async fn count(connection: &mut SqliteConnection, table: &Found) -> Result<u64> {
    number(connection, table, "count(*)").await
}

/// About how many rows a table has, without a walk through it: the highest of their numbers.
///
/// # Errors
/// The driver's.
pub(super) async fn highest(connection: &mut SqliteConnection, table: &Found) -> Result<u64> {
    number(connection, table, "coalesce(max(rowid), 0)").await
}

async fn number(connection: &mut SqliteConnection, table: &Found, what: &str) -> Result<u64> {
    let sql = format!("SELECT {what} FROM {}", quote(&table.shape.name));
    let number: i64 = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)?;
    Ok(number.unsigned_abs())
}

/// The query that reads a table as an archive takes it.
pub(super) fn select(shape: &TableShape) -> String {
    let column = |column: &ColumnShape| {
        let name = quote(&column.name);
        match column.declared.to_ascii_uppercase().as_str() {
            // Seventeen digits give a double back exactly.
            "REAL" => format!("iif({name} IS NULL, NULL, printf('%!.17g', {name}))"),
            _ if is_number(column.stored) => name,
            "TEXT" => name,
            _ => format!("CAST({name} AS TEXT)"),
        }
    };
    let columns: Vec<String> = shape.columns.iter().map(column).collect();
    // An index that happens to hold every column would give them in an order of its own.
    format!("SELECT {} FROM {} NOT INDEXED", columns.join(", "), quote(&shape.name))
}

pub(super) fn is_number(stored: Kind) -> bool {
    matches!(stored, Kind::Boolean | Kind::Integer | Kind::Bigint)
}
