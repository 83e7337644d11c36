//! The cost of a change: whether rows are read, or written anew.

use std::fmt;

use serde::Serialize;

use super::Job;
use crate::schema::change::Change;
use crate::schema::model::{Kind, Rule, Value};

/// What a step does to the rows of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cost {
    /// Nothing: only the catalogue changes.
    Catalogue,
    /// Every row is read once.
    Scan,
    /// Every row is read once, and an index is written.
    Index,
    /// Every row that needs it is updated.
    Update,
    /// Every row is written anew, with all indexes.
    Rewrite,
}

impl fmt::Display for Cost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Catalogue => "changes the catalogue only: no row is read or written",
            Self::Scan => "reads every row of the table once",
            Self::Index => "reads every row of the table once and writes an index",
            Self::Update => "reads every row of the table and updates those without a value",
            Self::Rewrite => "writes every row of the table anew, and all its indexes",
        })
    }
}

/// What a change costs on PostgreSQL; `fills` says that rows without a value get one by an update.
pub(super) fn postgres(job: &Job<'_>, change: &Change, fills: Option<bool>) -> Cost {
    match change {
        Change::Normalise { .. } => Cost::Rewrite,
        Change::AlterType { from, to, .. } if keeps_rows(from, to) => Cost::Catalogue,
        Change::AlterType { .. } => Cost::Rewrite,
        Change::AddColumn { table, column } => {
            let value = job.backfill(table, column).or_else(|| column.default.clone());
            match value {
                // A value of its own for every row. What an expression gives is not known.
                Some(Value::RandomUuid | Value::AutoIncrement | Value::Expression(_)) => Cost::Rewrite,
                _ => Cost::Catalogue,
            }
        }
        Change::SetNullable { to: false, .. } => match fills {
            None => Cost::Scan,
            Some(false) => Cost::Update,
            Some(true) => Cost::Rewrite,
        },
        Change::SetDefault { to: Some(Value::AutoIncrement), .. } => Cost::Scan,
        Change::AddConstraint { constraint, .. } => match constraint.rule {
            Rule::PrimaryKey(_) | Rule::Unique(_) => Cost::Index,
            _ => Cost::Scan,
        },
        Change::CreateIndex { .. } => Cost::Index,
        Change::ValidateConstraint { .. } => Cost::Scan,
        _ => Cost::Catalogue,
    }
}

/// What a change costs on SQLite where the table is not made anew for it.
pub(super) fn sqlite(change: &Change) -> Cost {
    match change {
        Change::CreateIndex { .. } | Change::RenameIndex { .. } => Cost::Index,
        // Where there is something to check, SQLite checks all rows.
        Change::AddColumn { column, .. }
            if !column.nullable || crate::schema::dialect::sqlite::condition("x", &column.kind).is_some() =>
        {
            Cost::Scan
        }
        _ => Cost::Catalogue,
    }
}

/// Whether PostgreSQL takes the stored values as they are: those of the two types look alike, and each is one of the
/// wider. Tried for every pair of types by a test.
pub(super) fn keeps_rows(from: &Kind, to: &Kind) -> bool {
    use Kind::{Bit, Cidr, Inet, Numeric, Text, Time, Timestamp, TimestampTz, VarBit, VarChar};
    match (from, to) {
        (VarChar(_), Text) | (Text, VarChar(None)) | (Bit(_), VarBit(None)) | (Cidr, Inet) => true,
        (VarChar(_), VarChar(_)) | (VarBit(_), VarBit(_)) => from.widens_to(to),
        (Numeric(_), Numeric(None)) => true,
        (Numeric(Some((had, scale))), Numeric(Some((wanted, same)))) => scale == same && wanted >= had,
        (Timestamp(had), Timestamp(wanted)) | (TimestampTz(had), TimestampTz(wanted)) | (Time(had), Time(wanted)) => {
            wanted >= had
        }
        // The session's zone is UTC, in which both are the same number.
        (Timestamp(_), TimestampTz(6)) | (TimestampTz(_), Timestamp(6)) => true,
        _ => false,
    }
}
