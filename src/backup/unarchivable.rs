//! Cells that an archive cannot hold: larger than its limit, in no encoding, or of another type than their column
//! promises. `db doctor` looks for them before the night does, and a backup that met one names it.
//!
//! Cheap on a sound database: sizes are known without reading large values, encodings are only looked at where the
//! server does not check them itself.

use super::error::Result;
use super::format::batch::CELL_BYTES;
use crate::db::quote;
use crate::schema::dialect::literal;

/// At most so many of one table are named.
pub(super) const NAMED: usize = 5;

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

/// A query that answers a key and every column's size for rows with a large cell.
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
