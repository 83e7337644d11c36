//! The wording of what keeps a table from being read as asked.

use super::{Error, Kind};
use crate::browse::{BrowseError, is_timed_out};
use crate::input::quoted;
use crate::message::message;

impl From<BrowseError> for Error {
    fn from(error: BrowseError) -> Self {
        match error {
            BrowseError::UnknownColumn { table, column } => {
                Self::new(Kind::Usage, "unknown_column", message!("{} has no column {}", table, quoted(&column)))
            }
            BrowseError::SecretColumn { column } => {
                Self::new(Kind::Usage, "secret_column", message!("the column {} is secret", column))
                    .why("its values never leave the database, and so nothing is filtered, sorted or counted by it")
            }
            BrowseError::UnknownOperator { column, operator, known } => {
                let what = message!("the column {} has no operator {}", column, quoted(&operator));
                Self::new(Kind::Usage, "unknown_operator", what)
                    .why(message!("a filter is column:operator or column:operator:value; here: {}", known.join(", ")))
            }
            BrowseError::Value { column, value, accepted } => {
                let what = message!("{} cannot be compared with {}", column, quoted(&value));
                Self::new(Kind::Usage, "invalid_value", what).why(message!("accepted is {}", accepted))
            }
            BrowseError::Cursor => Self::new(Kind::Usage, "invalid_cursor", "the page is none of this list")
                .why("a cursor belongs to one table and one order")
                .fix("go to the first page"),
            BrowseError::CursorGone => {
                Self::new(Kind::NotFound, "cursor_gone", "the row at which the page begins is gone")
                    .fix("go to the first page")
            }
            BrowseError::Key { table } => {
                Self::new(Kind::NotFound, "not_found", message!("{} has no row of such a key", table))
            }
            BrowseError::Db(error) if is_timed_out(&error) => {
                Self::new(Kind::Locked, "timed_out", "the database did not answer in time")
                    .why("reading is limited to a few seconds, so that the database has time for others")
                    .fix("narrow the filter, or sort by another column")
                    .source(error)
            }
            BrowseError::Db(error) => error.into(),
        }
    }
}
