//! The desired schema: what the entities and [`super::constraints`] ask for, as a [`Schema`].
//!
//! Names follow Drizzle, which made the databases in the field: `<table>_pkey`, `<table>_<column>_unique`,
//! `<table>_<column>_<foreign table>_<foreign column>_fk`, `<table>_<col>_<col>_pk` for a key of several columns.

use sea_orm::sea_query::{self, ColumnType, Expr, ForeignKeyAction, Keyword};
use sea_orm::{
    ColumnTrait, EntityTrait, IdenStatic, Identity, Iterable, PrimaryKeyToColumn, RelationDef, RelationTrait,
};

use super::constraints;
use super::model::{Action, Column, Constraint, ForeignKey, Index, Kind, Rule, Schema, Shape, Table, Value, fit_name};
use crate::entity::{Airline, Brand, Flight, FlightPassenger, MilesProduct, MilesTransaction, User};

/// What the entities ask for.
pub fn desired() -> Schema {
    Schema {
        tables: vec![
            table(User),
            table(Airline),
            table(Brand),
            table(Flight),
            table(FlightPassenger),
            table(MilesTransaction),
            table(MilesProduct),
        ],
        functions: constraints::functions(),
    }
}

fn table<E: EntityTrait>(entity: E) -> Table {
    let name = entity.table_name();
    let columns: Vec<Column> = E::Column::iter().map(column).collect();
    let mut constraints = vec![primary_key::<E>(name)];
    constraints.extend(
        E::Column::iter().filter(|column| column.def().is_unique()).map(|column| unique(name, column.as_str())),
    );
    let mut keys: Vec<ForeignKey> = E::Relation::iter()
        .map(|relation| relation.def())
        .filter(|relation| !relation.is_owner && !relation.skip_fk)
        .map(|relation| foreign_key(&relation))
        .collect();
    // The relations' own order is the macro's business; the columns' is ours.
    keys.sort_by_key(|key| columns.iter().position(|column| key.columns.first() == Some(&column.name)));
    let mut indexes: Vec<Index> = keys
        .iter()
        .filter_map(|key| key.columns.first())
        .filter(|column| !constraints::served(name, column))
        .map(|column| Index {
            name: fit_name(&format!("{name}_{column}_idx")),
            shape: Shape::Columns { columns: vec![column.clone()], unique: false, filter: None },
        })
        .collect();
    indexes.extend(constraints::indexes(name));
    constraints.extend(keys.into_iter().map(|key| Constraint {
        name: fit_name(&format!("{name}_{}_{}_{}_fk", key.columns.join("_"), key.table, key.references.join("_"))),
        rule: Rule::ForeignKey(key),
    }));
    constraints.extend(constraints::checks(name));
    Table { name: name.to_owned(), columns, constraints, indexes, triggers: constraints::triggers(name), oddity: None }
}

fn primary_key<E: EntityTrait>(table: &str) -> Constraint {
    let columns: Vec<String> = E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect();
    let name = match columns.as_slice() {
        [_] => format!("{table}_pkey"),
        several => format!("{table}_{}_pk", several.join("_")),
    };
    Constraint { name: fit_name(&name), rule: Rule::PrimaryKey(columns) }
}

fn unique(table: &str, column: &str) -> Constraint {
    Constraint { name: fit_name(&format!("{table}_{column}_unique")), rule: Rule::Unique(vec![column.to_owned()]) }
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

fn column<C: ColumnTrait>(column: C) -> Column {
    let def = column.def();
    Column {
        name: column.as_str().to_owned(),
        kind: kind(def.get_column_type()),
        nullable: def.is_null(),
        default: def.get_column_default().map(value),
    }
}

/// A type that the model does not know becomes `Raw`, which no test of this module lets pass.
fn kind(kind: &ColumnType) -> Kind {
    match kind {
        ColumnType::Text => Kind::Text,
        ColumnType::Integer => Kind::Integer,
        ColumnType::BigInteger => Kind::BigInteger,
        ColumnType::Double => Kind::Double,
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::Uuid => Kind::Uuid,
        ColumnType::DateTime | ColumnType::Timestamp => Kind::Timestamp,
        other => Kind::Raw(format!("{other:?}")),
    }
}

fn value(default: &Expr) -> Value {
    match default {
        Expr::Keyword(Keyword::CurrentTimestamp) => Value::Now,
        Expr::Custom(sql) if sql == "gen_random_uuid()" => Value::RandomUuid,
        Expr::Value(sea_query::Value::String(Some(text))) => Value::Text(text.clone()),
        Expr::Value(sea_query::Value::Int(Some(number))) => Value::Integer((*number).into()),
        Expr::Value(sea_query::Value::BigInt(Some(number))) => Value::Integer(*number),
        Expr::Value(sea_query::Value::Bool(Some(truth))) => Value::Boolean(*truth),
        other => Value::Raw(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_default_is_one_that_the_model_knows() {
        for table in desired().tables {
            for column in table.columns {
                assert!(!matches!(column.kind, Kind::Raw(_)), "{}.{}: {:?}", table.name, column.name, column.kind);
                assert!(
                    !matches!(column.default, Some(Value::Raw(_))),
                    "{}.{}: {:?}",
                    table.name,
                    column.name,
                    column.default
                );
            }
        }
    }

    #[test]
    fn every_foreign_key_is_served_by_an_index() {
        for table in desired().tables {
            for (name, key) in table.foreign_keys() {
                let leads = |columns: &[String]| columns.first() == key.columns.first();
                let served = table.indexes.iter().any(
                    |index| matches!(&index.shape, Shape::Columns { columns, filter: None, .. } if leads(columns)),
                ) || table
                    .constraints
                    .iter()
                    .any(|constraint| matches!(&constraint.rule, Rule::Unique(columns) if leads(columns)));
                assert!(served, "{name}");
            }
        }
    }

    #[test]
    fn the_snapshot_comes_back_the_same() {
        let schema = desired();
        let json = schema.to_json().unwrap();
        assert_eq!(Schema::from_json(&json).unwrap(), schema);
        assert_eq!(desired().to_json().unwrap(), json);
    }
}
