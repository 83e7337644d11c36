//! What a `db push` has made of a version's tables ahead of any migration: new tables and columns, and those that it has taken
//! away, because the entities dropped or renamed them.

use crate::schema::model::{Rule, Schema, Shape, Table};

/// A version's schema with what is pending: whole tables, and columns with the keys, checks and indexes that they are in.
pub(super) fn extended(mut schema: Schema, wanted: &Schema, pending: &[String]) -> Schema {
    for table in &wanted.tables {
        let is_pending = |column: &str| pending.contains(&format!("{}.{column}", table.name));
        let Some(old) = schema.table_mut(&table.name) else {
            if pending.contains(&table.name) {
                schema.tables.push(table.clone());
            }
            continue;
        };
        let mut added = false;
        for (place, column) in table.columns.iter().enumerate() {
            if is_pending(&column.name) && old.column(&column.name).is_none() {
                // Where the entity has it, as far as the table has what comes before.
                old.columns.insert(place.min(old.columns.len()), column.clone());
                added = true;
            }
        }
        if !added {
            continue;
        }
        let has_all = |columns: &[String], old: &Table| columns.iter().all(|column| old.column(column).is_some());
        for constraint in &table.constraints {
            let columns: Vec<String> = match &constraint.rule {
                Rule::Unique(columns) => columns.clone(),
                Rule::ForeignKey(key) => key.columns.clone(),
                Rule::Check(expression) => named_in(&expression.sqlite, table),
                _ => continue,
            };
            let known = old.constraints.iter().any(|known| known.name == constraint.name);
            if !known && columns.iter().any(|column| is_pending(column)) && has_all(&columns, old) {
                old.constraints.push(constraint.clone());
            }
        }
        for index in &table.indexes {
            let Shape::Columns { columns, .. } = &index.shape else { continue };
            let known = old.indexes.iter().any(|known| known.name == index.name);
            if !known && columns.iter().any(|column| is_pending(column)) && has_all(columns, old) {
                old.indexes.push(index.clone());
            }
        }
    }
    schema
}

/// What a database lacks of a version because the entities lack it too: columns as `users.points`, and tables. `None` where
/// anything else is missing, so that the database is not at that version. `columns` answers a table's, `None` where there
/// is no such table.
pub(super) fn gone<'a>(
    version: &Schema,
    wanted: &Schema,
    columns: impl Fn(&str) -> Option<&'a [&'a str]>,
) -> Option<Vec<String>> {
    let mut gone = Vec::new();
    for table in &version.tables {
        let new = wanted.table(&table.name);
        let Some(found) = columns(&table.name) else {
            if new.is_some() {
                return None;
            }
            gone.push(table.name.clone());
            continue;
        };
        for column in table.columns.iter().filter(|column| !found.contains(&column.name.as_str())) {
            if new.is_none_or(|new| new.column(&column.name).is_some()) {
                return None;
            }
            gone.push(format!("{}.{}", table.name, column.name));
        }
    }
    Some(gone)
}

/// The schema without those of these names that are tables or columns of it, and without what they are a part of.
pub(super) fn without(mut schema: Schema, gone: &[String]) -> Schema {
    let is_gone = |name: &str| gone.iter().any(|gone| gone == name);
    schema.tables.retain(|table| !is_gone(&table.name));
    for table in &mut schema.tables {
        let is_column = |column: &str| is_gone(&format!("{}.{column}", table.name));
        let lost: Vec<String> =
            table.columns.iter().map(|column| column.name.clone()).filter(|name| is_column(name)).collect();
        let names_lost = |columns: &[String]| columns.iter().any(|column| lost.contains(column));
        let speaks_of_lost = |sql: &str| names_lost(&named_in(sql, table));
        let constraints = table.constraints.iter().filter(|constraint| match &constraint.rule {
            Rule::Check(expression) => !speaks_of_lost(&expression.sqlite),
            Rule::ForeignKey(key) => {
                let refers_to_lost = |column: &String| is_gone(&format!("{}.{column}", key.table));
                !names_lost(&key.columns) && !is_gone(&key.table) && !key.references.iter().any(refers_to_lost)
            }
            rule => !names_lost(rule.columns()),
        });
        let constraints = constraints.cloned().collect();
        let indexes = table.indexes.iter().filter(|index| match &index.shape {
            Shape::Columns { columns, filter, .. } => {
                !names_lost(columns) && !filter.as_ref().is_some_and(|filter| speaks_of_lost(&filter.sqlite))
            }
            Shape::Unsupported { .. } => true,
        });
        table.indexes = indexes.cloned().collect();
        table.constraints = constraints;
        table.columns.retain(|column| !lost.contains(&column.name));
    }
    schema
}

/// Whether a name is that of a table or column of the schema.
pub(super) fn is_part(schema: &Schema, name: &str) -> bool {
    schema.table(name).is_some()
        || name
            .split_once('.')
            .is_some_and(|(table, column)| schema.table(table).is_some_and(|table| table.column(column).is_some()))
}

/// The columns of a table that an expression names, quoted or bare. A text that is spelt as a column counts as one, too.
pub(super) fn named_in(expression: &str, table: &Table) -> Vec<String> {
    let words: Vec<&str> = expression.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    table.columns.iter().map(|column| &column.name).filter(|name| words.contains(&name.as_str())).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::desired;

    fn columns(schema: &Schema) -> Vec<(&str, Vec<&str>)> {
        schema
            .tables
            .iter()
            .map(|table| {
                (table.name.as_str(), table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>())
            })
            .collect()
    }

    fn lacks(version: &Schema, wanted: &Schema, live: &Schema) -> Option<Vec<String>> {
        let there = columns(live);
        gone(version, wanted, |name| there.iter().find(|(table, _)| *table == name).map(|(_, columns)| &**columns))
    }

    #[test]
    fn only_what_the_entities_lack_too_is_gone() {
        let version = desired().unwrap();
        let mut pushed = version.clone();
        pushed.table_mut("users").unwrap().columns.retain(|column| column.name != "avatarUrl");
        pushed.tables.retain(|table| table.name != "milesProducts");
        let names = lacks(&version, &pushed, &pushed).unwrap();
        assert_eq!(names, ["users.avatarUrl", "milesProducts"]);
        assert_eq!(lacks(&version, &version, &version).unwrap(), [""; 0]);
        // Another tool took it away.
        assert_eq!(lacks(&version, &version, &pushed), None);
        assert!(names.iter().all(|name| is_part(&version, name)) && !is_part(&version, "users_username_unique"));
    }

    #[test]
    fn what_a_lost_column_is_a_part_of_goes_with_it() {
        let version = desired().unwrap();
        let gone = ["users.username", "milesTransactions.amount", "brands.isPrimary", "airlines.airlineId"];
        let left = without(version, &gone.map(str::to_owned));
        let has = |table: &str, name: &str| {
            let table = left.table(table).unwrap();
            table.constraints.iter().any(|constraint| constraint.name == name)
                || table.indexes.iter().any(|index| index.name == name)
        };
        assert!(left.table("users").unwrap().column("username").is_none());
        assert!(!has("users", "users_username_unique") && has("users", "users_pkey"));
        assert!(!has("milesTransactions", "milesTransactions_amount_check"));
        assert!(!has("brands", "brands_airlineId_primary_unique") && has("brands", "brands_airlineId_idx"));
        assert!(!has("brands", "brands_airlineId_airlines_airlineId_fk"));
    }
}
