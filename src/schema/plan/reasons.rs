//! Why a step is there: the reason of a rule that has one, else the difference itself.

use crate::db::Engine;
use crate::schema::change::Change;
use crate::schema::dialect;
use crate::schema::model::{Kind, Rule, Shape, Value};

/// The reasons of the rules in [`crate::schema::constraints`], by the name of the object.
const RULES: &[(&str, &str)] = &[
    ("flightPassengers_flightId_userId_pk", "a passenger boards a flight once"),
    ("milesTransactions_amount_check", "what is earned is not negative, what is spent not positive"),
    ("milesProducts_priceMiles_check", "a product costs something"),
    ("flightPassengers_miles_check", "a flight takes no miles away"),
    ("brands_airlineId_primary_unique", "an airline has one primary brand"),
    ("users_miles_guard", "no client can spend more miles than there are"),
    ("users_miles_guard_insert", "no client can spend more miles than there are"),
    ("users_miles_bound", "a balance stays within 32 bits, as on PostgreSQL"),
    ("users_miles_bound_insert", "a balance stays within 32 bits, as on PostgreSQL"),
    ("milesTransactions_append_only", "the ledger is evidence: entries are reversed, never changed"),
    ("milesTransactions_append_only_delete", "the ledger is evidence: entries are reversed, never changed"),
    ("milesTransactions_reversesId_unique", "an entry is reversed once"),
    ("milesTransactions_batchId_idx", "the entries of one batch are found together"),
    ("milesTransactions_userId_createdAt_idx", "a user's history is read without a full scan"),
    ("flights_airlineId_startTime_idx", "an airline's flights are listed without a full scan"),
    ("milesTransactions.reversesId", "a mistake is reversed by a new entry"),
    ("milesTransactions.batchId", "entries of one import or award are reversed together"),
    ("milesTransactions.actor", "the ledger says who did it"),
];

/// Why this change is there.
pub(super) fn why(change: &Change, engine: Engine) -> String {
    if let Some((_, reason)) = subject(change).and_then(|name| RULES.iter().find(|(rule, _)| *rule == name)) {
        return (*reason).to_owned();
    }
    let kind = |kind: &Kind| dialect::kind(engine, kind);
    match change {
        Change::CreateTable(_) => "an entity has it and the database has not".to_owned(),
        Change::DropTable(_) => "no entity has it any more".to_owned(),
        Change::Normalise { oddity, .. } => format!("the table is {oddity}"),
        Change::RenameColumn { .. } => "the rename was declared".to_owned(),
        Change::AddColumn { .. } => "the entity has it and the table has not".to_owned(),
        Change::DropColumn { .. } => "the table has it and the entity has not".to_owned(),
        Change::AlterType { from, to, .. } if kind(from) == kind(to) => "the entity allows other values".to_owned(),
        Change::AlterType { from, to, .. } => format!("the entity says {}, the table {}", kind(to), kind(from)),
        Change::SetDefault { from, to, .. } => {
            format!("the entity says {}, the table {}", default(to.as_ref()), default(from.as_ref()))
        }
        Change::CreateEnum(_) | Change::AddEnumValue { .. } => "a field of an entity has it".to_owned(),
        Change::DropEnum(_) => "no field of an entity is of this type any more".to_owned(),
        Change::RemakeEnum { .. } => "PostgreSQL only adds values, and lets none be used at once".to_owned(),
        Change::DropFormerEnum { .. } => "another type took its place".to_owned(),
        Change::SetComment { .. } => "the entity says so".to_owned(),
        Change::SetNullable { to: true, .. } => "the entity takes NULL".to_owned(),
        Change::SetNullable { to: false, .. } => "the entity takes no NULL".to_owned(),
        Change::AddConstraint { constraint, .. } => match &constraint.rule {
            Rule::PrimaryKey(columns) => format!("{} identifies a row", columns.join(" and ")),
            Rule::Unique(columns) => format!("{} is unique", columns.join(" with ")),
            Rule::ForeignKey(key) => format!("{} names a row of {}", key.columns.join(" with "), key.table),
            _ => "the entity demands it".to_owned(),
        },
        Change::PromoteIndex { constraint, .. } => {
            format!("{} identifies a row", constraint.rule.columns().join(" and "))
        }
        Change::ValidateConstraint { .. } => "it holds for new rows only".to_owned(),
        Change::DropConstraint { .. } => "another constraint takes its place, or its name".to_owned(),
        Change::RenameConstraint { .. } | Change::RenameIndex { .. } => "its name follows its columns".to_owned(),
        Change::CreateIndex { index, .. } => match &index.shape {
            Shape::Columns { columns, .. } => {
                format!("rows are found by {} without a full scan", columns.join(" and "))
            }
            Shape::Unsupported { .. } => "it stood there before".to_owned(),
        },
        Change::DropIndex { .. } => "another index takes its place, or its name".to_owned(),
        Change::CreateTrigger { .. } => "the entity demands it".to_owned(),
        Change::DropTrigger { .. } => "it is made anew, or no longer wanted".to_owned(),
        Change::CreateFunction(function) => {
            let rule = RULES.iter().find(|(rule, _)| *rule == function.name);
            rule.map_or("a trigger calls it", |(_, reason)| reason).to_owned()
        }
        Change::ReplaceFunction { .. } => "its body is another one".to_owned(),
        Change::DropFunction(_) => "no trigger calls it any more".to_owned(),
    }
}

/// The name under which a rule may give a reason; only for what comes.
fn subject(change: &Change) -> Option<String> {
    match change {
        Change::AddConstraint { constraint, .. }
        | Change::PromoteIndex { constraint, .. }
        | Change::ValidateConstraint { constraint, .. } => Some(constraint.name.clone()),
        Change::CreateIndex { index, .. } => Some(index.name.clone()),
        Change::CreateTrigger { trigger, .. } => Some(trigger.name.clone()),
        Change::AddColumn { table, column } => Some(format!("{table}.{}", column.name)),
        _ => None,
    }
}

fn default(value: Option<&Value>) -> String {
    value.map_or_else(|| "no default".to_owned(), dialect::postgres::default)
}
