//! The order of PostgreSQL's steps by what they lock: first what locks nothing, then indexes (SHARE), then foreign keys
//! and triggers (SHARE ROW EXCLUSIVE), last what stops readers too (ACCESS EXCLUSIVE). Indexes take nearly all of the
//! time, so readers are stopped for the short rest only.
//!
//! A step goes early only where nothing that it needs comes late: the column of an index, the key of a foreign key, a
//! name that is still taken.

use super::Step;
use crate::schema::change::Change;
use crate::schema::model::{Rule, Shape};
use crate::schema::sql_tokens::{Token, tokens};

/// A step with the change that it is for; without one it makes the schema `skyteam`.
pub(super) type Planned<'a> = (Option<&'a Change>, Step);

/// Puts steps, which are in an order that works, into one that stops others for less time.
pub(super) fn by_lock(planned: Vec<Planned<'_>>) -> Vec<Step> {
    let mut early: Vec<(u8, Step)> = Vec::new();
    let mut late: Vec<Planned<'_>> = Vec::new();
    for (change, step) in planned {
        let rank = rank(change, &step);
        match change {
            Some(change) if rank == LATE || late.iter().any(|before| waits_for(change, &step, before)) => {
                late.push((Some(change), step));
            }
            _ => early.push((rank, step)),
        }
    }
    early.sort_by_key(|(rank, _)| *rank);
    early.into_iter().map(|(_, step)| step).chain(late.into_iter().map(|(_, step)| step)).collect()
}

/// The rank of all that locks readers out, or takes something away.
const LATE: u8 = 3;

fn rank(change: Option<&Change>, step: &Step) -> u8 {
    match change {
        None
        | Some(
            Change::CreateFunction(_) | Change::ReplaceFunction { .. } | Change::CreateEnum(_) | Change::CreateTable(_),
        ) => 0,
        Some(_) => match step.lock.as_ref().map(|lock| lock.mode) {
            Some("SHARE") => 1,
            Some("SHARE ROW EXCLUSIVE") => 2,
            _ => LATE,
        },
    }
}

/// Whether `step` can only run after `before`, which comes late.
fn waits_for(change: &Change, step: &Step, before: &Planned<'_>) -> bool {
    let Some(late) = before.0 else { return false };
    let on = |table: &str| touches(change, step, table);
    match late {
        Change::AddColumn { table, column } => on(table) && mentions(step, &column.name),
        Change::RenameColumn { table, .. }
        | Change::DropColumn { table, .. }
        | Change::AlterType { table, .. }
        | Change::Normalise { table, .. } => on(table),
        // Rows that get a value are written: before there is an index on them.
        Change::SetNullable { table, to: false, .. } => on(table) && before.1.cost > super::Cost::Index,
        Change::CreateTable(table) => on(&table.name),
        Change::DropTable(_)
        | Change::RemakeEnum { .. }
        | Change::DropFormerEnum { .. }
        | Change::AddEnumValue { .. } => !matches!(change, Change::CreateFunction(_) | Change::ReplaceFunction { .. }),
        Change::DropIndex { index, .. } => takes_name(change, &index.name),
        Change::RenameIndex { from, to, .. } => takes_name(change, from) || takes_name(change, &to.name),
        Change::DropConstraint { constraint, .. } => {
            takes_name(change, &constraint.name) || refers_to_key(change, late)
        }
        Change::RenameConstraint { from, to, .. } => takes_name(change, from) || takes_name(change, &to.name),
        Change::AddConstraint { .. } | Change::PromoteIndex { .. } | Change::CreateIndex { .. } => {
            refers_to_key(change, late)
        }
        Change::DropTrigger { table, trigger } => {
            matches!(change, Change::CreateTrigger { table: on, trigger: made } if on == table && made.name == trigger.name)
        }
        _ => false,
    }
}

/// Whether a change is about a table, as a foreign key is about its target too.
fn touches(change: &Change, step: &Step, table: &str) -> bool {
    change.table() == Some(table)
        || step.lock.as_ref().is_some_and(|lock| lock.tables.iter().any(|locked| locked == table))
}

fn mentions(step: &Step, column: &str) -> bool {
    let is = |token: &Token| matches!(token, Token::Word(name, _) if name == column);
    step.sql.iter().any(|sql| tokens(sql).iter().any(|placed| is(&placed.token)))
}

/// Whether a change takes a name for an index or constraint, while another still has it. Indexes of all tables share
/// theirs.
fn takes_name(change: &Change, name: &str) -> bool {
    match change {
        Change::CreateIndex { index, .. } => index.name == name,
        Change::AddConstraint { constraint, .. } => constraint.name == name,
        Change::CreateTable(table) => table.constraints.iter().any(|constraint| constraint.name == name),
        _ => false,
    }
}

/// Whether a change is a foreign key to the table on which `key` makes or drops a key.
fn refers_to_key(change: &Change, key: &Change) -> bool {
    let Change::AddConstraint { constraint, .. } = change else { return false };
    let Rule::ForeignKey(foreign) = &constraint.rule else { return false };
    let is_key = match key {
        Change::AddConstraint { constraint, .. } | Change::DropConstraint { constraint, .. } => {
            !matches!(constraint.rule, Rule::ForeignKey(_) | Rule::Check(_))
        }
        Change::CreateIndex { index, .. } => !matches!(index.shape, Shape::Columns { unique: false, .. }),
        _ => true,
    };
    is_key && key.table() == Some(&foreign.table)
}
