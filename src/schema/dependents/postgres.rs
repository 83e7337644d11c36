//! What PostgreSQL's own record of dependencies says.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde_json::json;

use super::{Dependent, Touched};
use crate::schema::change::Change;
use crate::schema::model::Value;
use crate::schema::plan::Plan;

const DEPENDENTS: &str = include_str!("dependents.sql");

pub(super) async fn find(
    txn: &impl ConnectionTrait,
    plan: &Plan,
    touched: &[Touched<'_>],
) -> Result<Vec<Dependent>, DbErr> {
    let columns: Vec<_> = touched
        .iter()
        .map(|each| json!({"table": each.table, "column": each.column, "dropped": each.dropped}))
        .collect();
    let columns = serde_json::Value::from(columns).to_string();
    let query = Query::from_sql_and_values(DbBackend::Postgres, DEPENDENTS, [columns.into()]);
    let mut found = Vec::new();
    for row in txn.query_all_raw(query).await? {
        let (on, kind): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let name: Option<String> = row.try_get_by_index(2)?;
        if goes_before(plan, &kind, name.as_deref().unwrap_or_default()) {
            continue;
        }
        found.push(Dependent { object: row.try_get_by_index(4)?, on, way_out: row.try_get_by_index(5)? });
    }
    Ok(found)
}

/// Whether the plan itself takes it out of the way.
fn goes_before(plan: &Plan, kind: &str, name: &str) -> bool {
    plan.changes.iter().any(|change| match (kind, change) {
        ("trigger", Change::DropTrigger { trigger, .. }) => trigger.name == name,
        ("column", Change::DropColumn { column, .. }) => column.name == name,
        ("constraint", Change::DropConstraint { constraint, .. }) => constraint.name == name,
        _ => false,
    })
}

/// A column whose values are nowhere stored, which PostgreSQL cannot make an ordinary one.
pub(super) fn virtual_column(change: &Change) -> Option<Dependent> {
    let Change::SetDefault { table, column, from: Some(Value::Unsupported(text)), .. } = change else { return None };
    if !text.ends_with(" VIRTUAL") {
        return None;
    }
    let (quoted, of) = (crate::db::quote(table), crate::db::quote(column));
    Some(Dependent {
        object: format!("the expression {text}, whose values are not stored,"),
        on: format!("{table}.{column}"),
        way_out: Some(format!("ALTER TABLE {quoted} DROP COLUMN {of}")),
    })
}
