//! A change beside live traffic, where no session may be blocked for long: the parts it is done in, or why it
//! needs a push. PostgreSQL only.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::cost::Cost;
use super::{Lock, Step};
use crate::db::quote;
use crate::schema::change::Change;
use crate::schema::model::{Constraint, Rule, Value, fit_name};

/// How a step is done beside live traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Online {
    /// In these parts, in order.
    Parts(Vec<Part>),
    /// Not at all, for this reason.
    Refused(&'static str),
}

/// A part of a step. None stops another session for longer than a short transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A transaction that changes the catalogue only.
    Short {
        /// The locks that it takes first.
        lock: Option<Lock>,
        /// The statements.
        sql: Vec<String>,
    },
    /// `CREATE INDEX CONCURRENTLY`.
    Build {
        /// The table.
        table: String,
        /// The index.
        index: String,
        /// The statement.
        sql: String,
    },
    /// `DROP INDEX CONCURRENTLY`.
    Remove {
        /// The index.
        index: String,
    },
    /// `VALIDATE CONSTRAINT`.
    Validate {
        /// The table.
        table: String,
        /// The constraint.
        constraint: String,
    },
}

impl Serialize for Online {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut out = to.serialize_struct("Online", 2)?;
        out.serialize_field("possible", &matches!(self, Self::Parts(_)))?;
        out.serialize_field(
            "why",
            &match self {
                Self::Parts(_) => None,
                Self::Refused(why) => Some(why),
            },
        )?;
        out.end()
    }
}

/// How `change` is done online; `step` is how a push does it.
pub(super) fn of(change: &Change, step: &Step) -> Online {
    // Of another type it is not known before the rows are looked at.
    if !step.loses.is_empty() && !matches!(change, Change::AlterType { .. }) {
        return Online::Refused("it loses data");
    }
    let short = || Online::Parts(vec![whole(step)]);
    match change {
        Change::CreateTable(_)
        | Change::CreateEnum(_)
        | Change::AddEnumValue { .. }
        | Change::SetComment { .. }
        | Change::CreateFunction(_)
        | Change::ReplaceFunction { .. }
        | Change::CreateTrigger { .. }
        // The planner looks at it together with the trigger that takes its place.
        | Change::DropTrigger { .. }
        | Change::RenameConstraint { .. }
        | Change::RenameIndex { .. }
        | Change::PromoteIndex { .. }
        | Change::SetNullable { to: true, .. } => short(),
        Change::AddColumn { .. } | Change::SetDefault { .. } if step.cost == Cost::Catalogue => short(),
        Change::AddColumn { .. } => Online::Refused("every row gets a value of its own, for which the table is written anew"),
        Change::SetDefault { to: Some(Value::AutoIncrement), .. } | Change::SetDefault { .. } => {
            Online::Refused("the numbers are read from every row while no other session may write")
        }
        Change::AlterType { .. } if step.cost == Cost::Catalogue => short(),
        Change::AlterType { .. } => Online::Refused("another type writes the table anew"),
        Change::Normalise { .. } => Online::Refused("SET LOGGED writes the table anew"),
        Change::SetNullable { table, column, .. } if step.cost == Cost::Scan => {
            Online::Parts(refuse_null(table, column, step))
        }
        Change::SetNullable { .. } => Online::Refused("rows without a value get one, which writes them"),
        Change::CreateIndex { table, index } => Online::Parts(vec![build(table, &index.name, step)]),
        Change::AddConstraint { table, constraint } => match &constraint.rule {
            // The index and the constraint are two steps.
            Rule::PrimaryKey(_) | Rule::Unique(_) if step.cost == Cost::Index => {
                Online::Parts(vec![build(table, &constraint.name, step)])
            }
            Rule::PrimaryKey(_) | Rule::Unique(_) => short(),
            _ => Online::Parts(not_valid_first(table, constraint, step)),
        },
        Change::ValidateConstraint { table, constraint } => {
            Online::Parts(vec![Part::Validate { table: table.clone(), constraint: constraint.name.clone() }])
        }
        Change::DropIndex { index, .. } => Online::Parts(vec![Part::Remove { index: index.name.clone() }]),
        Change::DropConstraint { .. } => Online::Refused("what it guards would be unguarded until the next one holds"),
        Change::RenameColumn { .. } => Online::Refused("the apps that run know the old name"),
        Change::DropTable(_) | Change::DropColumn { .. } => Online::Refused("it loses data"),
        Change::RemakeEnum { .. } | Change::DropFormerEnum { .. } | Change::DropEnum(_) => {
            Online::Refused("a type made anew writes its columns anew")
        }
        Change::DropFunction(_) => Online::Refused("an app that runs may still call it"),
    }
}

/// The step of a push, as one short transaction.
pub(super) fn whole(step: &Step) -> Part {
    Part::Short { lock: step.lock.clone(), sql: step.sql.clone() }
}

fn build(table: &str, index: &str, step: &Step) -> Part {
    // `CREATE INDEX` and `CREATE UNIQUE INDEX` begin alike in every statement of ours.
    let sql = step.sql.first().map(|sql| sql.replacen("INDEX ", "INDEX CONCURRENTLY ", 1)).unwrap_or_default();
    Part::Build { table: table.to_owned(), index: index.to_owned(), sql }
}

fn not_valid_first(table: &str, constraint: &Constraint, step: &Step) -> Vec<Part> {
    let sql = step.sql.iter().map(|sql| format!("{sql} NOT VALID")).collect();
    vec![
        Part::Short { lock: step.lock.clone(), sql },
        Part::Validate { table: table.to_owned(), constraint: constraint.name.clone() },
    ]
}

/// A check that holds already spares `SET NOT NULL` its look at every row.
fn refuse_null(table: &str, column: &str, step: &Step) -> Vec<Part> {
    let name = fit_name(&format!("_skyteam_{column}_not_null"));
    let alter = |what: String| format!("ALTER TABLE {} {what}", quote(table));
    let drop = |how: &str| alter(format!("DROP CONSTRAINT {how}{}", quote(&name)));
    let check = alter(format!("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID", quote(&name), quote(column)));
    let mut last = step.sql.clone();
    last.push(drop(""));
    vec![
        // One that an earlier run left proves nothing.
        Part::Short { lock: step.lock.clone(), sql: vec![drop("IF EXISTS "), check] },
        Part::Validate { table: table.to_owned(), constraint: name.clone() },
        Part::Short { lock: step.lock.clone(), sql: last },
    ]
}
