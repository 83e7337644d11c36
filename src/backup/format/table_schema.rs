//! What a table looks like in an archive: its columns and how their cells are stored. No cell is handled here.

use serde::{Deserialize, Serialize};

use super::native::Native;

/// How the cells of a column are stored in an archive.
///
/// A column's own type (`ColumnShape::declared`) and the stored one differ only where an SQLite column holds what its
/// type does not promise (a timestamp that is not in the canonical text form, an integer beyond 32 bits): then the
/// cells are stored as they are, in the wider kind, so that they come back byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Parquet BOOLEAN.
    Boolean,
    /// Parquet INT32, logical INTEGER(32, signed).
    Integer,
    /// Parquet INT64, logical INTEGER(64, signed).
    Bigint,
    /// Parquet INT64, logical TIMESTAMP(MICROS, not adjusted to UTC): microseconds since 1970-01-01 00:00:00.
    /// `i64::MAX` and `i64::MIN` are `infinity` and `-infinity`.
    Timestamp,
    /// Parquet FIXED_LEN_BYTE_ARRAY(16), logical UUID.
    Uuid,
    /// Parquet BYTE_ARRAY, logical STRING.
    Text,
    /// Parquet BYTE_ARRAY: text of an SQLite file that is not valid UTF-8.
    Bytes,
}

impl Kind {
    /// The kind that takes every cell that this one refuses; `None` when there is no wider one.
    pub(crate) fn wider(self) -> Option<Self> {
        match self {
            Self::Boolean | Self::Integer => Some(Self::Bigint),
            Self::Timestamp | Self::Uuid => Some(Self::Text),
            Self::Text => Some(Self::Bytes),
            Self::Bigint | Self::Bytes => None,
        }
    }
}

/// One column of a table in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ColumnShape {
    /// Its name in the database.
    pub name: String,
    /// Its type as the source database says it (`text`, `timestamp without time zone`, `INTEGER`).
    pub declared: String,
    /// How its cells are stored.
    pub stored: Kind,
    /// What they are in the Parquet file, where that is more than `stored` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// Whether a cell may be NULL.
    pub nullable: bool,
}

/// A table and its columns, in the order of the source database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableShape {
    /// Its name in the database.
    pub name: String,
    /// Its columns.
    pub columns: Vec<ColumnShape>,
}

impl TableShape {
    /// Where a column is.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }
}
