//! The order in which changes can run.

use super::{Diff, Kept, Suspect};
use crate::schema::change::Change;
use crate::schema::model::{Constraint, Rule};

/// The changes in the order in which they can run.
#[derive(Default)]
pub(super) struct Phases {
    pub(super) drop_triggers: Vec<Change>,
    pub(super) drop_foreign_keys: Vec<Change>,
    pub(super) drop_tables: Vec<Change>,
    pub(super) drop_indexes: Vec<Change>,
    pub(super) drop_constraints: Vec<Change>,
    pub(super) drop_columns: Vec<Change>,
    pub(super) renames: Vec<Change>,
    pub(super) create_tables: Vec<Change>,
    pub(super) add_columns: Vec<Change>,
    pub(super) alterations: Vec<Change>,
    pub(super) add_constraints: Vec<Change>,
    pub(super) validate_constraints: Vec<Change>,
    pub(super) create_indexes: Vec<Change>,
    pub(super) add_foreign_keys: Vec<Change>,
    pub(super) create_functions: Vec<Change>,
    pub(super) create_triggers: Vec<Change>,
    pub(super) drop_functions: Vec<Change>,
    pub(super) create_enums: Vec<Change>,
    pub(super) drop_former_enums: Vec<Change>,
    pub(super) drop_enums: Vec<Change>,
    pub(super) comments: Vec<Change>,
    pub(super) kept: Vec<Kept>,
    pub(super) suspects: Vec<Suspect>,
}

impl Phases {
    pub(super) fn finish(self) -> Diff {
        let changes = [
            self.drop_triggers,
            self.drop_foreign_keys,
            self.drop_tables,
            self.drop_indexes,
            self.drop_constraints,
            self.drop_columns,
            self.renames,
            self.create_enums,
            self.create_tables,
            self.add_columns,
            self.alterations,
            self.drop_former_enums,
            self.add_constraints,
            self.create_indexes,
            self.add_foreign_keys,
            self.validate_constraints,
            self.create_functions,
            self.create_triggers,
            self.drop_functions,
            self.drop_enums,
            self.comments,
        ];
        Diff { changes: changes.into_iter().flatten().collect(), kept: self.kept, suspects: self.suspects }
    }

    pub(super) fn add(&mut self, table: &str, constraint: &Constraint) {
        let list = match constraint.rule {
            Rule::ForeignKey(_) => &mut self.add_foreign_keys,
            _ => &mut self.add_constraints,
        };
        list.push(Change::AddConstraint { table: table.to_owned(), constraint: constraint.clone() });
    }

    pub(super) fn drop(&mut self, table: &str, constraint: &Constraint) {
        let list = match constraint.rule {
            Rule::ForeignKey(_) => &mut self.drop_foreign_keys,
            _ => &mut self.drop_constraints,
        };
        list.push(Change::DropConstraint { table: table.to_owned(), constraint: constraint.clone() });
    }
}
