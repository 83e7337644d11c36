//! The rights that a role needs for a plan, checked before anything runs.

use serde::Serialize;

use super::change::Change;
use super::live::Rights;
use super::plan::Plan;
use crate::db::Engine;

/// A right that a plan needs and the role has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Missing {
    /// The schema `public`, which is not there.
    Public,
    /// To make tables in `public`.
    CreateInPublic,
    /// To make the schema `skyteam`.
    CreateSchema,
    /// To make tables and functions in the schema `skyteam`.
    CreateInHome,
    /// To use the functions in the schema `skyteam`.
    UseHome,
    /// To read and write the record of applied migrations.
    Record,
    /// To alter a table, which only its owner may.
    Owner {
        /// The table.
        table: String,
        /// Whose it is.
        owner: String,
    },
    /// To replace a function, which only its owner may.
    FunctionOwner {
        /// The function.
        function: String,
        /// Whose it is.
        owner: String,
    },
}

/// What the role lacks for `plan`; `record` says whether the record of migrations must be made too.
pub(crate) fn missing(plan: &Plan, rights: &Rights, record: bool) -> Vec<Missing> {
    if plan.engine == Engine::Sqlite {
        return Vec::new();
    }
    let mut missing = Vec::new();
    let any = |test: fn(&Change) -> bool| plan.changes.iter().any(test);
    let functions = any(|change| matches!(change, Change::CreateFunction(_) | Change::ReplaceFunction { .. }));
    let indexes = any(|change| matches!(change, Change::CreateTable(_) | Change::CreateIndex { .. }));
    if indexes && !rights.public {
        missing.push(Missing::Public);
    } else if indexes && !rights.create_in_public {
        missing.push(Missing::CreateInPublic);
    }
    let triggers = any(|change| matches!(change, Change::CreateTable(_) | Change::CreateTrigger { .. }));
    if functions || record && !rights.migrations {
        if !rights.home {
            if !rights.create_schema {
                missing.push(Missing::CreateSchema);
            }
        } else if !rights.create_in_home {
            missing.push(Missing::CreateInHome);
        }
    } else if triggers && rights.home && !rights.use_home {
        missing.push(Missing::UseHome);
    }
    if record && rights.migrations && !rights.write_record {
        missing.push(Missing::Record);
    }
    for (table, owner) in &rights.not_owned {
        if plan.changes.iter().any(|change| change.table() == Some(table)) {
            missing.push(Missing::Owner { table: table.clone(), owner: owner.clone() });
        }
    }
    for (function, owner) in &rights.functions_not_owned {
        let replaces = |change: &Change| matches!(change, Change::ReplaceFunction { to, .. } if to.name == *function);
        if plan.changes.iter().any(replaces) {
            missing.push(Missing::FunctionOwner { function: function.clone(), owner: owner.clone() });
        }
    }
    missing
}
