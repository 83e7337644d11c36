//! Reads any table for people: typed filters, several sort columns, keyset pages forward and back, bounded counts, distinct
//! values, rows with what they refer to and what refers to them.
//!
//! Works on a [`Table`], a plain description, so that a table or a column that the entities gain is browsed without a line
//! here. Values are read in the form in which the engine stores them and never through a row's Rust type: a stored value
//! that no enum knows is shown and is no error. Everything runs in a [`Session`], which can only read and has a time limit.
//! No statement of this module names a secret column.

mod count;
pub(crate) mod cursor;
mod filter;
mod keyset;
mod live;
mod page;
mod relations;
mod session;
mod sql;
mod table;
pub(crate) mod value;
mod values;

pub(crate) use count::{Count, count, estimate};
pub(crate) use filter::{Filter, Operator, parse};
pub(crate) use live::{Missing, missing};
pub(crate) use page::{At, PageQuery, SortedBy, export_rows, page, sort_order};
pub(crate) use relations::{key_value, labels, related, row};
pub(crate) use session::{Session, begin_read, is_timed_out};
pub(crate) use table::{Column, Kind, Referrer, Table, label_column};
pub(crate) use value::{Cell, key_text};
pub(crate) use values::{Distinct, distinct};

/// Why a table cannot be read as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowseError {
    /// The table has no such column.
    #[error("no column {column}")]
    UnknownColumn {
        /// The table.
        table: String,
        /// What was asked for.
        column: String,
    },
    /// The column holds secrets, which are not read, filtered, sorted or counted by.
    #[error("column {column} is secret")]
    SecretColumn {
        /// The column.
        column: String,
    },
    /// A filter that is not `column:operator` or `column:operator:value`, or whose operator the column does not take.
    #[error("column {column} has no operator {operator}")]
    UnknownOperator {
        /// The column.
        column: String,
        /// What was asked for.
        operator: String,
        /// What it takes.
        known: Vec<&'static str>,
    },
    /// A value that the column cannot be compared with.
    #[error("column {column} cannot be compared with {value}")]
    Value {
        /// The column.
        column: String,
        /// What was given.
        value: String,
        /// What would have been accepted.
        accepted: String,
    },
    /// A cursor of another query, or of none.
    #[error("not a cursor of this query")]
    Cursor,
    /// The row at which the page was to begin is gone, and its value was too long to be part of the cursor.
    #[error("the row of the cursor is gone")]
    CursorGone,
    /// A key that is none of this table.
    #[error("not a key of {table}")]
    Key {
        /// The table.
        table: String,
    },
    /// The database's own error.
    #[error(transparent)]
    Db(#[from] sqlx::Error),
}

pub(crate) type Result<T, E = BrowseError> = std::result::Result<T, E>;
