//! The wording of data that a change of the schema loses: rows of a table, or values of a column.

use crate::message::{Message, message};

/// What goes from `what`, a table or `table.column`; a column counts the values in it, a table its rows.
fn lost(what: &str, column: bool, count: Option<u64>) -> Message {
    match (column, count) {
        (_, None) => message!("{}", what),
        (true, Some(0)) => message!("{} (no values)", what),
        (true, Some(1)) => message!("{} (1 value)", what),
        (true, Some(count)) => message!("{} ({} values)", what, count),
        (false, Some(1)) => message!("{} (1 row)", what),
        (false, Some(count)) => message!("{} ({})", what, crate::message::count(count, "row")),
    }
}

/// What a step of a push loses.
pub(crate) fn by_step(loss: &crate::schema::Loss) -> Message {
    if let Some(rule) = &loss.rule {
        return match loss.rows {
            None | Some(0) => message!("the rule of {} ({}), not its values", loss.what(), rule),
            Some(1) => message!("the rule of {} ({}), and 1 value is altered", loss.what(), rule),
            Some(rows) => message!("the rule of {} ({}), and {} values are altered", loss.what(), rule, rows),
        };
    }
    lost(&loss.what(), loss.column.is_some(), loss.rows)
}

/// What a migration loses.
pub(crate) fn by_migration(loss: &crate::schema::migrate::Loss) -> Message {
    lost(&loss.what, loss.what.contains('.'), u64::try_from(loss.rows).ok())
}
