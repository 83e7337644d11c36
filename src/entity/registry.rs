//! All tables at once: what backups, resets, erasures, seeds and the schema go through instead of lists of their own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sea_orm::{
    ActiveModelTrait, EntityName as _, EntityTrait, IdenStatic as _, IntoActiveModel, Iterable as _,
    RelationTrait as _, Value,
};

use super::listed::{self, Values};
use super::privacy::{Erase, Mask, Undeclared};

/// An entity of this crate.
pub(crate) trait Table: EntityTrait<Model: IntoActiveModel<Self::ActiveModel>> + Undeclared {}

impl<E: EntityTrait<Model: IntoActiveModel<E::ActiveModel>> + Undeclared> Table for E where
    E::ActiveModel: ActiveModelTrait<Entity = E>
{
}

/// Is shown every table, in the order in which they are made.
pub(crate) trait Visitor {
    /// Shows one; `declared` is printed beside it.
    fn table<E: Table>(&mut self, declared: Declared<E>);
}

/// What is declared beside an entity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<E: EntityTrait> {
    /// Its source file.
    pub file: &'static str,
    /// Per column what `--anonymize` does.
    pub anonymize: &'static [(E::Column, Mask)],
    /// What `user erase` does.
    pub erase: Erase<E::Column>,
    /// Per column of an enum that is stored as text or a number its values.
    pub values: &'static [(E::Column, Values)],
}

/// What is known of a table without its Rust type.
#[derive(Clone, Debug)]
pub(crate) struct TableFacts {
    /// Its name in the database.
    pub name: &'static str,
    /// Its source file, for messages to developers.
    pub file: &'static str,
    /// Its columns.
    pub columns: Vec<ColumnFacts>,
    /// What `user erase` does with its rows, columns by name.
    pub erase: ErasePlan,
}

/// What is known of a column.
#[derive(Clone, Debug)]
pub(crate) struct ColumnFacts {
    /// Its name in the database.
    pub name: &'static str,
    /// The variant of the entity's `Column`, for the lines that a unit test says to write.
    #[cfg(test)]
    pub variant: String,
    /// What `--anonymize` does, where that is declared.
    pub mask: Option<Mask>,
    /// The table and column that it refers to.
    pub refers_to: Option<(String, String)>,
    /// What it takes, where its type is an enum that is stored as text or a number.
    pub values: Option<Vec<Value>>,
}

/// [`Erase`] with the columns' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ErasePlan {
    /// See [`Erase::Undeclared`].
    Undeclared,
    /// See [`Erase::Keep`].
    Keep(Vec<&'static str>),
    /// See [`Erase::Delete`].
    Delete,
}

static TABLES: LazyLock<Vec<TableFacts>> = LazyLock::new(|| {
    struct Collect(Vec<TableFacts>);
    impl Visitor for Collect {
        fn table<E: Table>(&mut self, declared: Declared<E>) {
            self.0.push(facts(declared));
        }
    }
    let mut collect = Collect(Vec::new());
    super::visit(&mut collect);
    collect.0
});

/// All tables, in the order in which they are made.
pub(crate) fn tables() -> &'static [TableFacts] {
    &TABLES
}

fn facts<E: Table>(declared: Declared<E>) -> TableFacts {
    let mut references: BTreeMap<String, (String, String)> = BTreeMap::new();
    for relation in E::Relation::iter().map(|relation| relation.def()).filter(|relation| !relation.is_owner) {
        for (from, to) in relation.from_col.iter().zip(relation.to_col.iter()) {
            references.insert(from.to_string(), (relation.to_tbl.sea_orm_table().to_string(), to.to_string()));
        }
    }
    let column = |column: E::Column| {
        let name = column.as_str();
        let mask = declared.anonymize.iter().find(|(declared, _)| declared.as_str() == name).map(|(_, mask)| *mask);
        let values = listed::declared::<E>(declared.values, column).filter(|values| !values.is_empty());
        ColumnFacts {
            name,
            #[cfg(test)]
            variant: format!("{column:?}"),
            mask,
            refers_to: references.get(name).cloned(),
            values,
        }
    };
    let erase = match declared.erase {
        Erase::Undeclared => ErasePlan::Undeclared,
        Erase::Keep(cleared) => ErasePlan::Keep(cleared.iter().map(|column| column.as_str()).collect()),
        Erase::Delete => ErasePlan::Delete,
    };
    TableFacts {
        name: E::default().table_name(),
        file: declared.file,
        columns: E::Column::iter().map(column).collect(),
        erase,
    }
}

/// What `--anonymize` does with a column. One that refers to another follows it, unless it is declared itself, so that
/// references stay whole; one that is not declared is replaced.
pub(crate) fn mask(table: &str, column: &str) -> Mask {
    // A cycle of references has no column that is more than a reference: nothing in it would be a value.
    let mut place = (table.to_owned(), column.to_owned());
    for _ in 0..tables().len() {
        let Some(facts) = column_facts(&place.0, &place.1) else { return Mask::Replace };
        match (facts.mask, &facts.refers_to) {
            (Some(mask), _) => return mask,
            (None, Some(target)) => place.clone_from(target),
            (None, None) => return Mask::Replace,
        }
    }
    Mask::Replace
}

/// What a column takes, where its type is an enum that is stored as text or a number.
pub(crate) fn values(table: &str, column: &str) -> Option<&'static [Value]> {
    column_facts(table, column)?.values.as_deref()
}

fn column_facts(table: &str, column: &str) -> Option<&'static ColumnFacts> {
    let table = tables().iter().find(|facts| facts.name == table)?;
    table.columns.iter().find(|facts| facts.name == column)
}

/// The first column of a table that refers to a user, where it is not declared what `user erase` does with its rows.
pub(crate) fn undeclared_reference(table: &TableFacts) -> Option<&'static str> {
    let undeclared = table.erase == ErasePlan::Undeclared;
    user_columns(table).next().filter(|_| undeclared)
}

/// The columns of a table that refer to a user.
pub(crate) fn user_columns(table: &TableFacts) -> impl Iterator<Item = &'static str> {
    let users = super::user::Entity.table_name();
    let refers = move |column: &&ColumnFacts| column.refers_to.as_ref().is_some_and(|(table, _)| table == users);
    table.columns.iter().filter(refers).map(|column| column.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that are missing beside the entities, each with the file that it belongs into; empty where all is decided.
    fn undeclared() -> Vec<String> {
        let mut missing = Vec::new();
        for table in tables() {
            let file = table.file;
            let columns: Vec<&ColumnFacts> =
                table.columns.iter().filter(|column| column.mask.is_none() && column.refers_to.is_none()).collect();
            if columns.len() == table.columns.iter().filter(|column| column.refers_to.is_none()).count() {
                let masks: Vec<String> =
                    columns.iter().map(|column| format!("(Column::{}, Mask::Keep)", column.variant)).collect();
                missing.push(format!(
                    "{file}: what may a copy made with --anonymize show of {}? In `impl Entity`, with another mask of \
                     crate::entity::privacy than Keep for what says something about a person:\n    pub const ANONYMIZE: &'static \
                     [(Column, Mask)] = &[{}];",
                    table.name,
                    masks.join(", ")
                ));
            } else {
                for column in columns {
                    missing.push(format!(
                        "{file}: may a copy made with --anonymize show {}.{}? If so, in ANONYMIZE:\n    (Column::{}, \
                         Mask::Keep),\n  if not:\n    (Column::{}, Mask::Replace),",
                        table.name, column.name, column.variant, column.variant
                    ));
                }
            }
            if let Some(column) = undeclared_reference(table) {
                missing.push(format!(
                    "{file}: what does `user erase` do with the rows of {} whose {column} is the user? In `impl Entity`, to \
                     delete them:\n    pub const ERASE: Erase<Column> = Erase::Delete;\n  or to keep them under a random \
                     id, with the named columns set to NULL:\n    pub const ERASE: Erase<Column> = Erase::Keep(&[]);",
                    table.name
                ));
            }
        }
        missing
    }

    #[test]
    fn what_only_a_person_can_decide_stands_beside_every_entity() {
        let missing = undeclared();
        assert!(missing.is_empty(), "write these lines:\n\n{}\n", missing.join("\n\n"));
    }

    #[test]
    fn references_follow_what_they_refer_to() {
        assert_eq!(mask("flightPassengers", "userId"), mask("users", "userId"));
        assert_eq!(mask("milesTransactions", "reversesId"), Mask::Replace);
        assert_eq!(mask("users", "not declared"), Mask::Replace);
    }
}
