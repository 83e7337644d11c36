//! The desired schema: what the entities and [`super::constraints`] ask for, as a [`Schema`].
//!
//! Names follow Drizzle, which made the databases in the field: `<table>_pkey`, `<table>_<column>_unique`,
//! `<table>_<column>_<foreign table>_<foreign column>_fk`, `<table>_<col>_<col>_pk` for a key of several columns.
//! What an entity says is either honoured or refused by name: nothing is passed over.

mod binding;
mod column;
mod enums;
mod error;

use std::sync::LazyLock;

use sea_orm::sea_query::{Expr, ForeignKeyAction, PostgresQueryBuilder, Query, SqliteQueryBuilder};
use sea_orm::{DbBackend, EntityTrait, IdenStatic, Identity, Iterable, PrimaryKeyToColumn, RelationDef, RelationTrait};

pub use error::DesiredError;
use error::Problem;

use super::constraints;
use super::live::Rename;
use super::model::{Action, Column, Constraint, ForeignKey, Index, Rule, Schema, Shape, Table, fit_name};
use crate::entity;
use crate::entity::listed::Values;
use crate::entity::registry::{self, Declared, Visitor};

/// How each entity is described, in the order in which the tables are created.
static ENTITIES: LazyLock<Vec<(Describe, Former)>> = LazyLock::new(|| {
    struct Collect(Vec<(Describe, Former)>);
    impl Visitor for Collect {
        fn table<E: registry::Table>(&mut self, declared: Declared<E>) {
            self.0.push((Box::new(move || table::<E>(declared.values)), former::<E>));
        }
    }
    let mut collect = Collect(Vec::new());
    entity::visit(&mut collect);
    collect.0
});

type Describe = Box<dyn Fn() -> Result<Table, DesiredError> + Send + Sync>;
type Former = fn() -> Vec<Rename>;

/// What the entities ask for.
///
/// # Errors
///
/// [`DesiredError`], for the first entity or field that asks for what no schema can hold. A test excludes it.
pub fn desired() -> Result<Schema, DesiredError> {
    let tables: Vec<Table> = ENTITIES.iter().map(|(table, _)| table()).collect::<Result<_, _>>()?;
    let schema = Schema { tables, functions: constraints::functions(), unused_enums: Vec::new() };
    fits(&schema)?;
    Ok(schema)
}

/// The names of the tables, in the order in which they are created.
pub(crate) fn table_names() -> Vec<String> {
    ENTITIES.iter().filter_map(|(table, _)| table().ok()).map(|table| table.name).collect()
}

/// An expression in an engine's words.
fn rendered(expression: &Expr, postgres: bool) -> String {
    let mut query = Query::select();
    let query = query.expr(expression.clone());
    let sql = if postgres { query.to_string(PostgresQueryBuilder) } else { query.to_string(SqliteQueryBuilder) };
    sql.strip_prefix("SELECT ").unwrap_or(&sql).to_owned()
}

/// The columns that have had another name, by the entities' own word.
pub(crate) fn renames() -> Vec<Rename> {
    ENTITIES.iter().flat_map(|(_, former)| former()).collect()
}

/// Those of them that lead from one schema to another.
pub(crate) fn renames_between(from: &Schema, to: &Schema) -> Vec<Rename> {
    renames().into_iter().filter(|rename| rename.leads(from, to)).collect()
}

fn former<E: EntityTrait>() -> Vec<Rename> {
    let table = E::default();
    let table = table.table_name();
    let renamed = |column: E::Column| {
        let from = column::renamed_from::<E>(column)?;
        Some(Rename { table: table.to_owned(), from, to: column.as_str().to_owned() })
    };
    E::Column::iter().filter_map(renamed).collect()
}

fn table<E: EntityTrait>(values: &[(E::Column, Values)]) -> Result<Table, DesiredError> {
    let entity = E::default();
    let name = entity.table_name();
    if let Some(schema) = entity.schema_name() {
        let problem = format!("schema_name = {schema:?}: all tables of ours are in one schema");
        return Err(Problem::new(problem, "an entity without schema_name").of_entity(name));
    }
    if name.is_empty() || fit_name(name) != name || name.starts_with("sqlite_") {
        let problem = "the name must have 1 to 63 bytes and not begin with sqlite_";
        return Err(Problem::new(problem, "another table_name").of_entity(name));
    }
    let columns: Vec<Column> =
        E::Column::iter().map(|column| column::column::<E>(name, column)).collect::<Result<_, _>>()?;
    let listed = columns.iter().zip(E::Column::iter()).map(|(column, of)| enums::check::<E>(name, column, of, values));
    let listed: Vec<Option<Constraint>> = listed.collect::<Result<_, _>>()?;
    let mut constraints = vec![primary_key::<E>(name)];
    let uniques = E::Column::iter().filter(|column| sea_orm::ColumnTrait::def(column).is_unique());
    constraints.extend(uniques.map(|column| unique(name, vec![column.as_str().to_owned()])));
    let mut keys: Vec<(Option<String>, ForeignKey)> = Vec::new();
    for relation in E::Relation::iter().map(|relation| relation.def()) {
        let key = (relation.fk_name.clone(), foreign_key(&relation));
        // A relation may be declared twice, under two names.
        if !relation.is_owner && !relation.skip_fk && !keys.contains(&key) {
            keys.push(key);
        }
    }
    // The relations' own order is the macro's business; the columns' is ours.
    keys.sort_by_key(|(_, key)| columns.iter().position(|column| key.columns.first() == Some(&column.name)));
    let mut indexes: Vec<Index> = Vec::new();
    for (_, key) in &keys {
        let wanted = index(name, key.columns.clone());
        let is_served = matches!(key.columns.as_slice(), [column] if constraints::served(name, column));
        if !is_served && !indexes.contains(&wanted) {
            indexes.push(wanted);
        }
    }
    indexes.extend(constraints::indexes(name));
    for wanted in sea_orm::Schema::new(DbBackend::Postgres).create_index_from_entity(entity) {
        let columns = wanted.get_index_spec().get_column_names();
        if wanted.is_unique_key() {
            let wanted = unique(name, columns);
            if !constraints.iter().any(|constraint| constraint.rule == wanted.rule) {
                constraints.push(wanted);
            }
        } else {
            let wanted = index(name, columns);
            if !indexes.iter().any(|index| index.shape == wanted.shape) {
                indexes.push(wanted);
            }
        }
    }
    constraints.extend(keys.into_iter().map(|(given, key)| {
        let drizzles = || format!("{name}_{}_{}_{}_fk", key.columns.join("_"), key.table, key.references.join("_"));
        Constraint { name: fit_name(&given.unwrap_or_else(drizzles)), rule: Rule::ForeignKey(key) }
    }));
    constraints.extend(listed.into_iter().flatten());
    constraints.extend(constraints::checks(name));
    let comment = entity.comment().filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Table {
        name: name.to_owned(),
        columns,
        constraints,
        indexes,
        triggers: constraints::triggers(name),
        comment,
        ..Table::default()
    })
}

fn primary_key<E: EntityTrait>(table: &str) -> Constraint {
    let columns: Vec<String> = E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect();
    let name = match columns.as_slice() {
        [_] => format!("{table}_pkey"),
        several => format!("{table}_{}_pk", several.join("_")),
    };
    Constraint { name: fit_name(&name), rule: Rule::PrimaryKey(columns) }
}

fn unique(table: &str, columns: Vec<String>) -> Constraint {
    Constraint { name: fit_name(&format!("{table}_{}_unique", columns.join("_"))), rule: Rule::Unique(columns) }
}

fn index(table: &str, columns: Vec<String>) -> Index {
    Index {
        name: fit_name(&format!("{table}_{}_idx", columns.join("_"))),
        shape: Shape::Columns { columns, unique: false, filter: None },
    }
}

fn foreign_key(relation: &RelationDef) -> ForeignKey {
    ForeignKey {
        columns: names(&relation.from_col),
        table: relation.to_tbl.sea_orm_table().to_string(),
        references: names(&relation.to_col),
        on_update: action(relation.on_update.as_ref()),
        on_delete: action(relation.on_delete.as_ref()),
    }
}

fn names(columns: &Identity) -> Vec<String> {
    columns.iter().map(ToString::to_string).collect()
}

fn action(action: Option<&ForeignKeyAction>) -> Action {
    match action {
        Some(ForeignKeyAction::Restrict) => Action::Restrict,
        Some(ForeignKeyAction::Cascade) => Action::Cascade,
        Some(ForeignKeyAction::SetNull) => Action::SetNull,
        Some(ForeignKeyAction::SetDefault) => Action::SetDefault,
        // SQL has five; sea-query only says that it might learn more.
        Some(ForeignKeyAction::NoAction | _) | None => Action::NoAction,
    }
}

/// What only all entities together show.
fn fits(schema: &Schema) -> Result<(), DesiredError> {
    for (at, table) in schema.tables.iter().enumerate() {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        if schema.tables[..at].iter().any(|earlier| same(&earlier.name, &table.name)) {
            return Err(Problem::new("another entity has this table", "another table_name").of_entity(&table.name));
        }
        for (place, column) in table.columns.iter().enumerate() {
            if table.columns[..place].iter().any(|earlier| same(&earlier.name, &column.name)) {
                let problem =
                    Problem::new("another field has this column; SQLite knows no case", "another column_name");
                return Err(problem.of_field(&table.name, &column.name));
            }
            if let Some(of) = column.kind.enum_type()
                && schema.table(&of.name).is_some()
            {
                let problem = format!("PostgreSQL has one type named {0} already: the rows of the table {0}", of.name);
                return Err(Problem::new(problem, "another enum_name").of_field(&table.name, &column.name));
            }
            if let Some(of) = column.kind.enum_type()
                && schema.enum_types().into_iter().any(|known| known.name == of.name && known != of)
            {
                let problem = format!("another field has a type {} of other values", of.name);
                return Err(Problem::new(problem, "another enum_name").of_field(&table.name, &column.name));
            }
        }
        for (_, key) in table.foreign_keys() {
            let field = key.columns.join(", ");
            let Some(target) = schema.table(&key.table) else {
                let problem = format!("it refers to {}, which is no table of ours", key.table);
                return Err(Problem::new(problem, "skip_fk, or the entity's line in src/schema/desired")
                    .of_field(&table.name, &field));
            };
            let names_one = target.constraints.iter().any(|constraint| {
                matches!(&constraint.rule, Rule::PrimaryKey(columns) | Rule::Unique(columns)
                    if columns.len() == key.references.len() && key.references.iter().all(|name| columns.contains(name)))
            });
            if !names_one {
                let problem = format!("{} of {} may name several rows", key.references.join(" with "), key.table);
                return Err(Problem::new(problem, "unique on what is referred to").of_field(&table.name, &field));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
