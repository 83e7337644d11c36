//! The result of comparing two schemas.

use std::fmt;

use crate::schema::change::Change;
use crate::schema::model::{Constraint, Index, Trigger};

/// Where the first of two schemas comes from, which decides over what only it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A live database: further tables, constraints, indexes and triggers are not ours, and kept.
    Live,
    /// A snapshot: everything in it is ours, and goes when it is no longer wanted.
    Snapshot,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What must change, in order.
    pub changes: Vec<Change>,
    /// What is there beyond the second schema and stays.
    pub kept: Vec<Kept>,
    /// Pairs of a dropped and an added column that may be one column renamed.
    pub suspects: Vec<Suspect>,
}

/// A constraint, index or trigger that others have added to one of our tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A constraint of this table.
    Constraint(String, Constraint),
    /// An index of this table.
    Index(String, Index),
    /// A trigger of this table.
    Trigger(String, Trigger),
    /// A function in the schema `skyteam`.
    Function(String),
    /// A collation of a column of this table, which is none of its type.
    Collation {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The collation, as SQL writes it.
        collation: String,
        /// The column's type, as SQL writes it.
        kind: String,
    },
}

impl Kept {
    /// Its table, where it has one.
    pub(crate) fn table(&self) -> Option<&str> {
        match self {
            Self::Constraint(table, _) | Self::Index(table, _) | Self::Trigger(table, _) => Some(table),
            Self::Collation { table, .. } => Some(table),
            Self::Function(_) => None,
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint(table, constraint) if constraint.name.is_empty() => {
                write!(out, "unnamed constraint on {table}")
            }
            Self::Constraint(table, constraint) => write!(out, "constraint {} on {table}", constraint.name),
            Self::Index(table, index) => write!(out, "index {} on {table}", index.name),
            Self::Trigger(table, trigger) => write!(out, "trigger {} on {table}", trigger.name),
            Self::Function(name) => write!(out, "function skyteam.{name}"),
            Self::Collation { table, column, collation, .. } => {
                write!(out, "collation {collation} of {table}.{column}")
            }
        }
    }
}

/// A column that goes while one of the same type comes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Suspect {
    /// The table.
    pub table: String,
    /// The column that goes.
    pub from: String,
    /// The column that comes.
    pub to: String,
}
