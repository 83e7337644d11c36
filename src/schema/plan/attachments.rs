//! What depends on an index, a key or a column that is replaced, and is put back on what takes its place: a replica
//! identity, without which subscribers' tables can no longer be updated, comments, storage parameters.

use super::{Job, Plan};
use crate::db::quote;
use crate::schema::change::Change;
use crate::schema::dialect::literal;
use crate::schema::live::Rename;
use crate::schema::model::{Constraint, Kind, Property, Rule, Schema, Shape};

/// The statements that put back, after `change`, what earlier ones of `changes` take away.
pub(super) fn after(job: &Job<'_>, changes: &[Change], change: &Change) -> Vec<String> {
    let Some(table) = change.table() else { return Vec::new() };
    let Some(had) = job.from.table(table) else { return Vec::new() };
    if let Change::AlterType { column, to, .. } = change {
        let is_it = |object: &str| Rename::apply(job.renames, table, object) == column;
        let mine = had.attachments.iter().filter(|each| is_it(&each.object) && is_stored_apart(to));
        return mine.filter_map(|each| of_column(table, column, &each.property)).collect();
    }
    let Some((name, identifies)) = made(change) else { return Vec::new() };
    let replaced = replaced(changes, table, change);
    let mine = had.attachments.iter().filter(|each| replaced.contains(&each.object.as_str()));
    mine.filter_map(|each| of_object(table, name, identifies, change, &each.property)).collect()
}

/// What a change makes, and whether it can identify rows.
fn made(change: &Change) -> Option<(&str, bool)> {
    match change {
        Change::AddConstraint { constraint, .. } => {
            Some((&constraint.name, matches!(constraint.rule, Rule::PrimaryKey(_) | Rule::Unique(_))))
        }
        Change::CreateIndex { index, .. } => {
            Some((&index.name, matches!(index.shape, Shape::Columns { unique: true, filter: None, .. })))
        }
        _ => None,
    }
}

/// The names of what goes and is replaced by what `change` makes: what has its name, and of primary keys the one there is.
fn replaced<'a>(changes: &'a [Change], table: &str, change: &Change) -> Vec<&'a str> {
    let Some((name, _)) = made(change) else { return Vec::new() };
    let is_key =
        |constraint: &Constraint| matches!(constraint.rule, Rule::PrimaryKey(_) | Rule::UnsupportedPrimaryKey(_));
    let makes_key = matches!(change, Change::AddConstraint { constraint, .. } if is_key(constraint));
    let gone = changes.iter().filter(|gone| gone.table() == Some(table)).filter_map(|gone| match gone {
        Change::DropConstraint { constraint, .. } if constraint.name == name || makes_key && is_key(constraint) => {
            Some(constraint.name.as_str())
        }
        Change::DropIndex { index, .. } if index.name == name => Some(index.name.as_str()),
        _ => None,
    });
    gone.collect()
}

fn of_object(table: &str, name: &str, identifies: bool, change: &Change, property: &Property) -> Option<String> {
    let has_index = match change {
        Change::AddConstraint { constraint, .. } => {
            matches!(constraint.rule, Rule::PrimaryKey(_) | Rule::Unique(_))
        }
        _ => true,
    };
    let is_constraint = matches!(change, Change::AddConstraint { .. });
    let (table, name) = (quote(table), quote(name));
    Some(match property {
        Property::ReplicaIdentity if identifies => format!("ALTER TABLE {table} REPLICA IDENTITY USING INDEX {name}"),
        Property::Cluster if has_index => format!("ALTER TABLE {table} CLUSTER ON {name}"),
        Property::IndexComment(text) if has_index => format!("COMMENT ON INDEX {name} IS {}", literal(text)),
        Property::ConstraintComment(text) if is_constraint => {
            format!("COMMENT ON CONSTRAINT {name} ON {table} IS {}", literal(text))
        }
        Property::Parameters(text) if has_index => format!("ALTER INDEX {name} SET ({text})"),
        Property::Tablespace(of) if has_index => format!("ALTER INDEX {name} SET TABLESPACE {}", quote(of)),
        _ => return None,
    })
}

fn of_column(table: &str, column: &str, property: &Property) -> Option<String> {
    let (what, value) = match property {
        Property::Storage(value) => ("STORAGE", value),
        Property::Compression(value) => ("COMPRESSION", value),
        _ => return None,
    };
    Some(format!("ALTER TABLE {} ALTER COLUMN {} SET {what} {value}", quote(table), quote(column)))
}

/// Whether large values of a type may be stored apart from their rows.
fn is_stored_apart(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Text
            | Kind::VarChar(_)
            | Kind::Char(_)
            | Kind::Bytes
            | Kind::Json
            | Kind::JsonBinary
            | Kind::Numeric(_)
            | Kind::Array(_)
    )
}

/// What depended on replaced objects and is not there any more, although its table and column are: nothing of it may be
/// lost without a word.
pub(in crate::schema) fn lost(before: &Schema, after: &Schema, plan: &Plan) -> Vec<String> {
    let mut lost = Vec::new();
    for table in &before.tables {
        let Some(now) = after.table(&table.name) else { continue };
        let mut left: Vec<&Property> = now.attachments.iter().map(|each| &each.property).collect();
        let goes = |object: &str| {
            plan.changes.iter().any(|change| match change {
                Change::DropColumn { table: of, column } => *of == table.name && column.name == object,
                Change::AlterType { table: of, column, to, .. } => {
                    *of == table.name && Rename::apply(&plan.renames, of, object) == column && !is_stored_apart(to)
                }
                _ => false,
            })
        };
        for each in table.attachments.iter().filter(|each| !goes(&each.object)) {
            match left.iter().position(|property| **property == each.property) {
                Some(at) => drop(left.swap_remove(at)),
                None => lost.push(format!("{} of {} on {}", name(&each.property), each.object, table.name)),
            }
        }
    }
    lost
}

fn name(property: &Property) -> &'static str {
    match property {
        Property::ReplicaIdentity => "the replica identity by index",
        Property::Cluster => "CLUSTER by index",
        Property::IndexComment(_) | Property::ConstraintComment(_) => "the comment",
        Property::Parameters(_) => "the storage parameters",
        Property::Tablespace(_) => "the tablespace",
        Property::Storage(_) => "the storage",
        Property::Compression(_) => "the compression",
    }
}
