//! What entities may say, and what is refused by name.

use super::*;
use crate::schema::model::{Kind, Value};

#[test]
fn every_entity_asks_for_what_a_schema_can_hold() {
    let schema = desired().unwrap();
    assert_eq!(table_names(), schema.tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>());
    for table in &schema.tables {
        for column in &table.columns {
            assert!(!matches!(column.kind, Kind::Unsupported(_)), "{}.{}", table.name, column.name);
            assert!(!matches!(column.default, Some(Value::Unsupported(_))), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn every_foreign_key_is_served_by_an_index() {
    for table in desired().unwrap().tables {
        for (name, key) in table.foreign_keys() {
            let leads = |columns: &[String]| columns.first() == key.columns.first();
            let served =
                table.indexes.iter().any(
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
    let schema = desired().unwrap();
    let json = schema.to_json().unwrap();
    assert_eq!(Schema::from_json(&json).unwrap(), schema);
    assert_eq!(desired().unwrap().to_json().unwrap(), json);
}
