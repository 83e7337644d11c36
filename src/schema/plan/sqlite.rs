//! Changes as SQL for SQLite: one statement where its `ALTER TABLE` suffices, else a rebuild of the table ([`rebuild`]).
//!
//! Foreign keys must be off on the connection, which cannot be done inside a transaction: that is the part of who runs
//! the steps, as is `PRAGMA foreign_key_check` before the commit.

use super::cost::{self, Cost};
use super::{Job, Lock, Step, reasons, rebuild};
use crate::db::{Engine, quote};
use crate::schema::change::Change;
use crate::schema::constraints::MAINTENANCE_TABLE;
use crate::schema::dialect::sqlite;
use crate::schema::model::{Trigger, TriggerBody, Value};

pub(super) fn steps(job: &Job<'_>, changes: &[Change]) -> Vec<Step> {
    let must = |table: &str| changes.iter().any(|change| change.table() == Some(table) && needs_rebuild(job, change));
    let rebuilt: Vec<&str> = job.to.tables.iter().map(|table| table.name.as_str()).filter(|name| must(name)).collect();
    // A rename carries views, triggers and foreign keys along, which a table made anew would not: it goes before.
    let (early, late): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .filter(|change| {
            matches!(change, Change::RenameColumn { .. })
                || !change.table().is_some_and(|table| rebuilt.contains(&table))
        })
        .partition(|change| {
            matches!(
                change,
                Change::DropTrigger { .. }
                    | Change::DropIndex { .. }
                    | Change::RenameColumn { .. }
                    | Change::RenameIndex { .. }
                    | Change::DropTable(_)
                    | Change::CreateTable(_)
            )
        });
    let mut maintenance = job.from.tables.iter().any(sqlite::needs_maintenance);
    let mut steps: Vec<Step> = early.into_iter().map(|change| step(job, change)).collect();
    for table in rebuilt {
        let mine: Vec<&Change> = changes.iter().filter(|change| change.table() == Some(table)).collect();
        maintenance |= job.to.table(table).is_some_and(sqlite::needs_maintenance);
        steps.extend(rebuild::step(job, table, &mine));
    }
    for change in late {
        if let Change::CreateTrigger { trigger, .. } = change
            && mentions_maintenance(trigger)
            && !maintenance
        {
            maintenance = true;
            steps.push(maintenance_step());
        }
        steps.push(step(job, change));
    }
    steps
}

pub(super) fn script(steps: &[Step]) -> String {
    let mut script = String::from("PRAGMA foreign_keys = OFF;\nBEGIN IMMEDIATE;\n");
    for step in steps {
        script.push_str(&format!("\n-- {}: {}\n", step.what, step.why));
        for sql in &step.sql {
            script.push_str(&format!("{sql};\n"));
        }
    }
    script.push_str("\nPRAGMA foreign_key_check;\nCOMMIT;\nPRAGMA foreign_keys = ON;\n");
    script
}

fn maintenance_step() -> Step {
    Step {
        what: format!("create table {MAINTENANCE_TABLE}"),
        why: "a row in it lifts the append-only rule, as a setting does on PostgreSQL".to_owned(),
        sql: vec![sqlite::maintenance().sql],
        lock: Some(Lock::whole_file(MAINTENANCE_TABLE)),
        cost: Cost::Catalogue,
        conversion: None,
        loses: Vec::new(),
        undo: vec![format!("DROP TABLE {}", quote(MAINTENANCE_TABLE))],
        estimated_ms: None,
        online: None,
    }
}

fn mentions_maintenance(trigger: &Trigger) -> bool {
    matches!(&trigger.body, TriggerBody::Sqlite(sql) if sql.contains(MAINTENANCE_TABLE))
}

/// What SQLite's `ALTER TABLE` cannot do.
fn needs_rebuild(job: &Job<'_>, change: &Change) -> bool {
    match change {
        Change::AddColumn { table, column } => {
            job.backfill(table, column).is_some()
                || !column.nullable && column.default.is_none()
                // Only a constant may fill rows that are there.
                || column.default.as_ref().is_some_and(|default| !is_constant(default))
        }
        Change::Normalise { .. }
        | Change::DropColumn { .. }
        | Change::AlterType { .. }
        | Change::SetDefault { .. }
        | Change::SetNullable { .. }
        | Change::AddConstraint { .. }
        | Change::DropConstraint { .. }
        | Change::RenameConstraint { .. } => true,
        _ => false,
    }
}

fn is_constant(default: &Value) -> bool {
    match default {
        Value::Text(_)
        | Value::Integer(_)
        | Value::Number(_)
        | Value::Boolean(_)
        | Value::Bytes(_)
        | Value::List(_) => true,
        Value::Now
        | Value::CurrentDate
        | Value::CurrentTime
        | Value::RandomUuid
        | Value::AutoIncrement
        | Value::Expression(_)
        | Value::Unsupported(_) => false,
    }
}

fn step(job: &Job<'_>, change: &Change) -> Step {
    let undo = match change {
        // Nothing mentions a column that was added in this way, so SQLite can take it back.
        Change::AddColumn { table, column } => {
            vec![format!("ALTER TABLE {} DROP COLUMN {}", quote(table), quote(&column.name))]
        }
        other => sql(&other.inverse()),
    };
    Step {
        what: change.what(),
        why: reasons::why(change, Engine::Sqlite),
        sql: sql(change),
        lock: change.table().map(Lock::whole_file),
        cost: cost::sqlite(change),
        conversion: super::conversion([change]),
        loses: super::loss(job, change).into_iter().collect(),
        undo,
        estimated_ms: None,
        online: None,
    }
}

fn sql(change: &Change) -> Vec<String> {
    match change {
        Change::CreateTable(table) => vec![sqlite::table(table, &table.name, &[]).sql],
        Change::DropTable(table) => vec![format!("DROP TABLE {}", quote(&table.name))],
        Change::RenameColumn { table, from, to } => {
            vec![format!("ALTER TABLE {} RENAME COLUMN {} TO {}", quote(table), quote(from), quote(to))]
        }
        Change::AddColumn { table, column } => {
            vec![format!("ALTER TABLE {} ADD COLUMN {}", quote(table), sqlite::column(column))]
        }
        Change::CreateIndex { table, index } => vec![sqlite::create_index(table, index).sql],
        Change::DropIndex { index, .. } => vec![format!("DROP INDEX {}", quote(&index.name))],
        Change::RenameIndex { table, from, to } => {
            vec![format!("DROP INDEX {}", quote(from)), sqlite::create_index(table, to).sql]
        }
        Change::CreateTrigger { table, trigger } => {
            sqlite::create_trigger(table, trigger).map(|statement| statement.sql).into_iter().collect()
        }
        Change::DropTrigger { trigger, .. } => vec![format!("DROP TRIGGER {}", quote(&trigger.name))],
        // These are a table made anew, or PostgreSQL's alone, and never come here.
        Change::Normalise { .. }
        | Change::DropColumn { .. }
        | Change::AlterType { .. }
        | Change::SetDefault { .. }
        | Change::SetNullable { .. }
        | Change::AddConstraint { .. }
        | Change::DropConstraint { .. }
        | Change::PromoteIndex { .. }
        | Change::ValidateConstraint { .. }
        | Change::RenameConstraint { .. }
        | Change::CreateEnum(_)
        | Change::DropEnum(_)
        | Change::AddEnumValue { .. }
        | Change::RemakeEnum { .. }
        | Change::DropFormerEnum { .. }
        | Change::SetComment { .. }
        | Change::CreateFunction(_)
        | Change::ReplaceFunction { .. }
        | Change::DropFunction(_) => Vec::new(),
    }
}
