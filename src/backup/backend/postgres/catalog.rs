//! Which of skyteam's tables a PostgreSQL database has, with which columns, and how each is stored in an archive.

use std::collections::{BTreeMap, HashSet};

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::backup::column_mapping;
use crate::backup::error::Result;
use crate::backup::format::list::LIST_LENGTH;
use crate::backup::format::native::Native;
use crate::backup::format::scalar::Scalar;
use crate::backup::format::table_schema::{ColumnShape, Kind, TableShape};
use crate::db::quote;
use crate::schema::model;

/// A table that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Its columns as an archive holds them.
    pub shape: TableShape,
    /// `public."table"`, quoted.
    pub path: String,
    /// Per column whether it is read as its type writes it, for a type that archives do not know.
    pub as_text: Vec<bool>,
    /// Pages on the disk, to begin with the largest.
    pub pages: i32,
    /// Names of its constraints, indexes and triggers.
    pub objects: HashSet<String>,
    /// Per column that the server numbers: the last number that it gave.
    pub sequences: BTreeMap<String, i64>,
}

/// Where the tables of these names are, `public."table"`, quoted; those that are not there are left out.
///
/// # Errors
/// The driver's.
pub(super) async fn paths(connection: &mut PgConnection, names: &[&str]) -> Result<Vec<String>> {
    let rows = places(connection, names).await?;
    Ok(rows.iter().map(|row| row.try_get("path")).collect::<Result<_, _>>()?)
}

/// Looks up tables by name; those that are not there are left out.
///
/// # Errors
/// The driver's.
pub(crate) async fn find(connection: &mut PgConnection, names: &[&str]) -> Result<Vec<Found>> {
    let mut tables = Vec::new();
    for row in places(connection, names).await? {
        let oid: i64 = row.try_get("oid")?;
        let (columns, as_text) = columns(connection, oid).await?;
        let shape = TableShape { name: row.try_get("name")?, columns };
        let (path, pages): (String, _) = (row.try_get("path")?, row.try_get("relpages")?);
        let (objects, sequences) = (objects(connection, oid).await?, sequences(connection, oid, &path).await?);
        tables.push(Found { shape, path, as_text, pages, objects, sequences });
    }
    Ok(tables)
}

/// Tables in the schema of the contract beside those of these names. What is a part of another is left out.
///
/// # Errors
/// The driver's.
pub(super) async fn others(connection: &mut PgConnection, names: &[&str]) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = 'public'
                 AND c.relname <> ALL ($1::text[])
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                 AND d.deptype = 'e') ORDER BY 1";
    let rows = sqlx::query(sql).bind(names).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?)
}

/// In the schema of the contract. Not by to_regclass: a session that has waited for a lock may still remember other tables.
async fn places(connection: &mut PgConnection, names: &[&str]) -> Result<Vec<PgRow>> {
    let sql = r#"
        SELECT t.name, c.oid::int8, 'public.' || quote_ident(c.relname) AS path, c.relpages
        FROM unnest($1::text[]) WITH ORDINALITY AS t(name, place)
        JOIN pg_class c ON c.relname = t.name AND c.relkind IN ('r', 'p')
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        ORDER BY t.place"#;
    Ok(sqlx::query(sql).bind(names).fetch_all(connection).await?)
}

async fn columns(connection: &mut PgConnection, table: i64) -> Result<(Vec<ColumnShape>, Vec<bool>)> {
    // Generated columns follow from the others and cannot be written.
    let sql = r#"
        SELECT attname::text AS name, format_type(atttypid, atttypmod) AS declared, atttypid::int8 AS type, attnotnull,
               EXISTS (SELECT FROM pg_type list JOIN pg_type of ON of.oid = list.typelem
                       WHERE list.oid = atttypid AND list.typcategory = 'A' AND of.typtype = 'e') AS "listOfEnum"
        FROM pg_attribute
        WHERE attrelid = $1::int8::oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum"#;
    let mut shapes = Vec::new();
    let mut as_text = Vec::new();
    for row in sqlx::query(sql).bind(table).fetch_all(connection).await? {
        let kind = kind(row.try_get("type")?);
        let declared: String = row.try_get("declared")?;
        shapes.push(ColumnShape {
            name: row.try_get("name")?,
            stored: kind.unwrap_or(Kind::Text),
            native: match model::Kind::from_postgres(&declared) {
                Some(kind) => column_mapping::native(&kind),
                None if row.try_get("listOfEnum")? => Some(Native::List(Scalar::Text)),
                None => None,
            },
            declared,
            nullable: !row.try_get::<bool, _>("attnotnull")?,
        });
        as_text.push(kind.is_none());
    }
    Ok((shapes, as_text))
}

/// Leaves those columns of lists as text that have a value which no LIST of Parquet holds: of several dimensions, beginning
/// elsewhere than at 1, longer than any that is read, or with a number that is NaN.
///
/// # Errors
/// The driver's.
pub(super) async fn keep_odd_lists_as_text(connection: &mut PgConnection, tables: &mut [Found]) -> Result<()> {
    for table in tables {
        let of = |column: &ColumnShape| column.native.and_then(Native::list);
        let lists: Vec<usize> =
            (0..table.shape.columns.len()).filter(|&index| of(&table.shape.columns[index]).is_some()).collect();
        if lists.is_empty() {
            continue;
        }
        let is_odd = |&index: &usize| {
            let column = &table.shape.columns[index];
            let name = quote(&column.name);
            let shape = format!(
                "array_ndims({name}) > 1 OR array_lower({name}, 1) <> 1 OR cardinality({name}) > {LIST_LENGTH}"
            );
            match of(column) {
                Some(Scalar::Decimal(..)) => format!("coalesce(bool_or({shape} OR 'NaN' = ANY ({name})), false)"),
                _ => format!("coalesce(bool_or({shape}), false)"),
            }
        };
        let list: Vec<String> = lists.iter().map(is_odd).collect();
        let row = sqlx::query(AssertSqlSafe(format!("SELECT {} FROM {}", list.join(", "), table.path)));
        let row = row.fetch_one(&mut *connection).await?;
        for (place, &index) in lists.iter().enumerate() {
            if row.try_get(place)? {
                table.shape.columns[index].native = None;
            }
        }
    }
    Ok(())
}

/// How the type with this OID is stored; `None` for one that archives do not know and keep as text.
pub(super) fn kind(oid: i64) -> Option<Kind> {
    match oid {
        16 => Some(Kind::Boolean),
        17 => Some(Kind::Bytes),
        20 => Some(Kind::Bigint),
        // smallint, integer
        21 | 23 => Some(Kind::Integer),
        // text, varchar
        25 | 1043 => Some(Kind::Text),
        1114 => Some(Kind::Timestamp),
        2950 => Some(Kind::Uuid),
        _ => None,
    }
}

/// The last numbers of its sequences. One that was never used, or that the role may not see, has none.
async fn sequences(connection: &mut PgConnection, table: i64, path: &str) -> Result<BTreeMap<String, i64>> {
    let sql = "SELECT name, last FROM (
                   SELECT attname::text AS name,
                          pg_sequence_last_value(pg_get_serial_sequence($2, attname::text)::regclass) AS last
                   FROM pg_attribute WHERE attrelid = $1::int8::oid AND attnum > 0 AND NOT attisdropped
                     AND (attidentity <> '' OR atthasdef)) AS numbered
               WHERE last IS NOT NULL";
    let rows = sqlx::query(sql).bind(table).bind(path).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("last")?))).collect::<Result<_, sqlx::Error>>()?)
}

async fn objects(connection: &mut PgConnection, table: i64) -> Result<HashSet<String>> {
    let sql = "SELECT conname::text AS name FROM pg_constraint WHERE conrelid = $1::int8::oid
               UNION SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                     WHERE i.indrelid = $1::int8::oid
               UNION SELECT tgname::text FROM pg_trigger WHERE tgrelid = $1::int8::oid AND NOT tgisinternal";
    let rows = sqlx::query(sql).bind(table).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| row.try_get("name")).collect::<Result<_, _>>()?)
}

/// A column as its type's output function writes it, which is the type's own and runs in `pg_dump` too. A cast to text
/// would be whatever function the type's owner has declared for it. (Not IS NULL: of a row without values that is true.)
pub(super) fn output(column: &str) -> String {
    format!("CASE WHEN {column} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', {column}) END")
}
