//! Cells that an archive cannot hold: larger than its limit, in no encoding, or of another type than their column
//! promises. `db doctor` looks for them before the night does, and a backup that met one names it.
//!
//! Cheap on a sound database: sizes are known without reading large values, encodings are only looked at where the
//! server does not check them itself.

use super::error::{Fault, Result, Unarchivable};
use super::format::batch::CELL_BYTES;
use crate::db::quote;
use crate::schema::dialect::literal;

/// At most so many of one table are named.
pub(super) const NAMED: usize = 5;

/// A query that returns a key and every column's size for rows with a large cell.
pub(super) fn large(
    columns: &[String],
    key: &str,
    size: impl Fn(&String) -> String,
    sql: impl Fn(&str, &str, &str) -> String,
) -> String {
    let sizes: Vec<String> = columns.iter().map(size).collect();
    let any: Vec<String> = sizes.iter().map(|size| format!("{size} > {CELL_BYTES}")).collect();
    sql(key, &sizes.join(", "), &any.join(" OR "))
}

pub(super) fn collect_large(
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

pub(super) fn key(columns: &[String], otherwise: &str, cast: &str) -> String {
    let part = |column: &String| format!("{} || {}{cast}", literal(&format!("{column} ")), quote(column));
    match columns {
        [] => otherwise.to_owned(),
        some => some.iter().map(part).collect::<Vec<_>>().join(" || ', ' || "),
    }
}
