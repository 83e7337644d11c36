//! What others have made of columns that a plan drops or retypes: views, policies, triggers, publications. None of it is
//! dropped along with a column, so it is looked for before anything runs.

mod postgres;
mod sqlite;

use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;

use super::change::Change;
use super::live::Rename;
use super::plan::Plan;
use crate::db::Engine;

/// An object that depends on a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dependent {
    /// What it is: `view airline_stats`.
    pub object: String,
    /// The column, as `table.column`.
    pub on: String,
    /// The statement that takes it out of the way; none where there is no such statement.
    pub way_out: Option<String>,
}

/// A column that goes, or gets another type, under the name that it has now.
struct Touched<'a> {
    table: &'a str,
    column: &'a str,
    dropped: bool,
}

/// Finds what blocks a plan. Changes nothing.
///
/// # Errors
/// The driver's.
pub(super) async fn find(txn: &impl ConnectionTrait, plan: &Plan) -> Result<Vec<Dependent>, DbErr> {
    let touched: Vec<Touched<'_>> = plan.changes.iter().filter_map(|change| touched(change, &plan.renames)).collect();
    let mut found = match plan.engine {
        _ if touched.is_empty() => Vec::new(),
        Engine::Postgres => postgres::find(txn, plan, &touched).await?,
        Engine::Sqlite => sqlite::find(txn, &touched).await?,
    };
    if plan.engine == Engine::Postgres {
        found.extend(plan.changes.iter().filter_map(postgres::virtual_column));
    }
    Ok(found)
}

fn touched<'a>(change: &'a Change, renames: &'a [Rename]) -> Option<Touched<'a>> {
    match change {
        Change::DropColumn { table, column } => Some(Touched { table, column: &column.name, dropped: true }),
        Change::AlterType { table, column, .. } => {
            let had = renames.iter().find(|rename| rename.table == *table && rename.to == *column);
            let column = had.map_or(column, |rename| &rename.from);
            Some(Touched { table, column, dropped: false })
        }
        _ => None,
    }
}
