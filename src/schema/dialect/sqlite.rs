//! SQLite's DDL for the objects of the model.
//!
//! Tables are `STRICT`, so that a column holds what it says. UUIDs and times are text in PostgreSQL's own form, which
//! the defaults give too: equal on both engines, and in order of time where it is compared as text.

use super::{Statement, foreign_key, quote_all};
use crate::db::quote;
use crate::schema::constraints::MAINTENANCE_TABLE;
use crate::schema::model::{Column, Constraint, Index, Rule, Schema, Shape, Table, Trigger, TriggerBody, Value};

pub(crate) use super::sqlite_types::{REAL_DIGITS, condition, default, kind};

pub(super) fn create(schema: &Schema) -> Vec<Statement> {
    let mut statements: Vec<Statement> = schema.tables.iter().map(|each| table(each, &each.name, &[])).collect();
    for table in &schema.tables {
        statements.extend(table.indexes.iter().map(|index| create_index(&table.name, index)));
    }
    if schema.tables.iter().any(needs_maintenance) {
        statements.push(maintenance());
    }
    for table in &schema.tables {
        statements.extend(table.triggers.iter().filter_map(|trigger| create_trigger(&table.name, trigger)));
    }
    statements
}

/// Whether a trigger of the table looks at [`MAINTENANCE_TABLE`].
pub(crate) fn needs_maintenance(table: &Table) -> bool {
    table
        .triggers
        .iter()
        .any(|trigger| matches!(&trigger.body, TriggerBody::Sqlite(sql) if sql.contains(MAINTENANCE_TABLE)))
}

/// The table in which a row lifts the append-only rule.
pub(crate) fn maintenance() -> Statement {
    Statement::new(
        format!("table {MAINTENANCE_TABLE}"),
        format!("CREATE TABLE IF NOT EXISTS {} (\n  \"reason\" TEXT NOT NULL\n) STRICT", quote(MAINTENANCE_TABLE)),
    )
}

/// `CREATE TABLE` under another name, with all clauses of a table and with `foreign` clauses, verbatim,
/// that none of ours are.
pub(crate) fn table(table: &Table, name: &str, foreign: &[String]) -> Statement {
    let mut lines: Vec<String> = table.columns.iter().map(column).collect();
    lines.extend(table.constraints.iter().map(constraint_clause));
    lines.extend_from_slice(foreign);
    Statement::new(
        format!("table {}", table.name),
        format!("CREATE TABLE {} (\n  {}\n) STRICT", quote(name), lines.join(",\n  ")),
    )
}

/// A column definition for `CREATE TABLE` and `ADD COLUMN`.
pub(crate) fn column(column: &Column) -> String {
    let name = quote(&column.name);
    let mut sql = format!("{name} {}", kind(&column.kind));
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    // An INTEGER that alone is the primary key numbers its rows by itself.
    if let Some(value) = column.default.as_ref().filter(|value| **value != Value::AutoIncrement) {
        sql.push_str(&format!(" DEFAULT {}", default(value, &column.kind)));
    }
    if let Some(condition) = condition(&name, &column.kind) {
        sql.push_str(&format!(" CHECK ({condition})"));
    }
    sql
}

/// A type of others as SQLite stores it, without the collation or condition behind it.
pub(crate) fn stored(kind: &str) -> &str {
    [" COLLATE ", " CHECK ("].iter().filter_map(|word| kind.find(word)).min().map_or(kind, |end| &kind[..end])
}

/// `CONSTRAINT "name" …`, for `CREATE TABLE`.
pub(crate) fn constraint_clause(constraint: &Constraint) -> String {
    let rule = match &constraint.rule {
        Rule::PrimaryKey(columns) => format!("PRIMARY KEY ({})", quote_all(columns)),
        Rule::Unique(columns) => format!("UNIQUE ({})", quote_all(columns)),
        Rule::ForeignKey(key) => foreign_key(key),
        Rule::Check(sql) => format!("CHECK ({})", sql.sqlite),
        Rule::NotValid(of) | Rule::Disabled(of) => {
            return constraint_clause(&Constraint { name: constraint.name.clone(), rule: (**of).clone() });
        }
        Rule::UnsupportedPrimaryKey(text) | Rule::Unsupported(text) => return text.clone(),
    };
    if constraint.name.is_empty() { rule } else { format!("CONSTRAINT {} {rule}", quote(&constraint.name)) }
}

/// `CREATE INDEX`.
pub(crate) fn create_index(table: &str, index: &Index) -> Statement {
    let sql = match &index.shape {
        Shape::Unsupported { definition } => definition.clone(),
        Shape::Columns { columns, unique, filter } => {
            let unique = if *unique { "UNIQUE " } else { "" };
            let mut sql =
                format!("CREATE {unique}INDEX {} ON {} ({})", quote(&index.name), quote(table), quote_all(columns));
            if let Some(filter) = filter {
                sql.push_str(&format!(" WHERE {}", filter.sqlite));
            }
            sql
        }
    };
    Statement::new(format!("index {}", index.name), sql)
}

/// `CREATE TRIGGER`; `None` for the other engine's triggers.
pub(crate) fn create_trigger(table: &str, trigger: &Trigger) -> Option<Statement> {
    let sql = match &trigger.body {
        TriggerBody::Sqlite(body) => {
            format!("CREATE TRIGGER {} {}", quote(&trigger.name), body.replace("{table}", &quote(table)))
        }
        TriggerBody::Unsupported(text) => text.clone(),
        TriggerBody::Postgres { .. } => return None,
    };
    Some(Statement::new(format!("trigger {}", trigger.name), sql))
}
