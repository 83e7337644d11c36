//! Changes of PostgreSQL's enum types.
//!
//! A value can be added in place, but within one transaction nothing may use it, and none can be taken away: then the
//! type is made anew under its name, and its columns are turned into it.

use super::Origin;
use super::phases::Phases;
use crate::schema::change::Change;
use crate::schema::model::{EnumType, PerEngine, Rule, Schema, Shape, Table, Value};
use crate::schema::sql_tokens::{Token, tokens};

/// Notes the changes, and returns the names of the types that are made anew.
pub(super) fn changes(
    from: &Schema,
    to: &Schema,
    origin: Origin,
    filled: &[(&str, &str)],
    phases: &mut Phases,
) -> Vec<String> {
    let mut remade = Vec::new();
    let (before, after) = (from.enum_types(), to.enum_types());
    for wanted in &after {
        let Some(had) = before.iter().find(|had| had.name == wanted.name) else {
            phases.create_enums.push(Change::CreateEnum((*wanted).clone()));
            continue;
        };
        if had.values == wanted.values {
            continue;
        }
        if grows(had, wanted) && !uses_new(to, had, wanted, filled) {
            add(had, wanted, phases);
        } else {
            let (from, to) = ((*had).clone(), (*wanted).clone());
            phases.create_enums.push(Change::RemakeEnum { from: from.clone(), to: to.clone() });
            phases.drop_former_enums.push(Change::DropFormerEnum { from, to });
            remade.push(wanted.name.clone());
        }
    }
    if origin == Origin::Snapshot {
        let gone = before.into_iter().filter(|had| !after.iter().any(|wanted| wanted.name == had.name));
        phases.drop_enums.extend(gone.map(|had| Change::DropEnum(had.clone())));
    }
    remade
}

/// Whether all values are still wanted, in the order in which they are.
fn grows(had: &EnumType, wanted: &EnumType) -> bool {
    let kept: Vec<&String> = wanted.values.iter().filter(|value| had.values.contains(value)).collect();
    kept.into_iter().eq(had.values.iter())
}

fn add(had: &EnumType, wanted: &EnumType, phases: &mut Phases) {
    let mut values = had.values.clone();
    // From the end, so that the value which a new one comes before is there already.
    for (at, value) in wanted.values.iter().enumerate().rev() {
        if values.contains(value) {
            continue;
        }
        let before = wanted.values.get(at + 1).cloned();
        let of = EnumType { name: had.name.clone(), values: values.clone() };
        let place = before.as_ref().and_then(|next| values.iter().position(|value| value == next));
        values.insert(place.unwrap_or(values.len()), value.clone());
        phases.create_enums.push(Change::AddEnumValue { of, value: value.clone(), before });
    }
}

/// Whether a default, a rule or a value for rows may be one of the new values.
fn uses_new(to: &Schema, had: &EnumType, wanted: &EnumType, filled: &[(&str, &str)]) -> bool {
    let is_new =
        |text: &str| wanted.values.iter().any(|value| value == text) && !had.values.iter().any(|value| value == text);
    to.tables.iter().any(|table| {
        let mut of_type =
            table.columns.iter().filter(|column| column.kind.enum_type().is_some_and(|of| of.name == had.name));
        of_type.any(|column| {
            filled.contains(&(table.name.as_str(), column.name.as_str()))
                || column.default.as_ref().is_some_and(|default| mentions(default, &is_new))
                || expressions(table).any(|sql| says(&sql.postgres, &is_new))
        })
    })
}

fn mentions(default: &Value, is_new: &impl Fn(&str) -> bool) -> bool {
    match default {
        Value::Text(text) => is_new(text),
        Value::List(values) => values.iter().any(|value| mentions(value, is_new)),
        Value::Expression(sql) => says(&sql.postgres, is_new),
        _ => false,
    }
}

fn says(sql: &str, is_new: &impl Fn(&str) -> bool) -> bool {
    tokens(sql).iter().any(|placed| matches!(&placed.token, Token::Text(text) if is_new(text)))
}

fn expressions(table: &Table) -> impl Iterator<Item = &PerEngine> {
    let checks = table.constraints.iter().filter_map(|constraint| match &constraint.rule {
        Rule::Check(sql) => Some(sql),
        _ => None,
    });
    let filters = table.indexes.iter().filter_map(|index| match &index.shape {
        Shape::Columns { filter, .. } => filter.as_ref(),
        Shape::Unsupported { .. } => None,
    });
    checks.chain(filters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Engine;
    use crate::schema::diff::diff;
    use crate::schema::model::{Column, Kind};

    fn schema(values: &[&str], default: Option<&str>) -> Schema {
        let of = EnumType { name: "mood".into(), values: values.iter().map(ToString::to_string).collect() };
        let default = default.map(|text| Value::Text(text.to_owned()));
        let column = Column { default, ..Column::new("mood", Kind::Enum(of)) };
        let table = Table { name: "people".into(), columns: vec![column], ..Table::default() };
        Schema { tables: vec![table], ..Schema::default() }
    }

    fn changes(from: &Schema, to: &Schema) -> Vec<String> {
        let found = diff(from, to, Engine::Postgres, Origin::Snapshot, &[]);
        found.changes.iter().map(Change::what).collect()
    }

    #[test]
    fn values_are_added_in_place_and_from_the_end() {
        let (before, after) = (schema(&["b", "d"], None), schema(&["a", "b", "c", "d", "e"], None));
        assert_eq!(
            changes(&before, &after),
            ["add value \"e\" to type mood", "add value \"c\" to type mood", "add value \"a\" to type mood"]
        );
        let found = diff(&before, &after, Engine::Postgres, Origin::Snapshot, &[]);
        let places: Vec<Option<&str>> = found
            .changes
            .iter()
            .map(|change| match change {
                Change::AddEnumValue { before, .. } => before.as_deref(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(places, [None, Some("d"), Some("b")]);
    }

    /// PostgreSQL refuses a new value in the transaction that added it, and takes none away.
    #[test]
    fn a_type_is_made_anew_where_a_value_goes_moves_or_is_used_at_once() {
        let before = schema(&["a", "b"], None);
        for after in [schema(&["a"], None), schema(&["b", "a"], None), schema(&["a", "b", "c"], Some("c"))] {
            let found = changes(&before, &after);
            assert!(found[0].starts_with("make type mood anew"), "{found:?}");
            assert!(found.contains(&"change the type of people.mood".to_owned()), "{found:?}");
            assert!(found.contains(&"drop the former type mood".to_owned()), "{found:?}");
        }
        assert_eq!(changes(&before, &before), [""; 0]);
        assert_eq!(changes(&before, &Schema::default()), ["drop table people", "drop type mood"]);
    }
}
