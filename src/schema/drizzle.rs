//! The schema as TypeScript for Drizzle ORM on PostgreSQL, so that `drizzle-kit push` with it finds nothing to do.
//!
//! Every constraint and index is named, because Drizzle Kit drops what it does not know in the schema `public`. Triggers
//! and the schema `skyteam` have no words there, and it leaves them alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::model::{Action, Column, ForeignKey, Index, Kind, Rule, Schema, Shape, Table, Value};

/// The file; the same bytes for the same schema.
pub fn drizzle(schema: &Schema) -> String {
    let mut used = BTreeSet::from(["pgTable"]);
    let mut body = String::new();
    for table in &schema.tables {
        body.push('\n');
        write_table(&mut body, table, &mut used);
    }
    let mut text = String::from(
        "// Written by `skyteam db schema -o drizzle`. The schema is managed by skyteam: change it there.\n",
    );
    if body.contains("sql`") {
        text.push_str("import { sql } from \"drizzle-orm\";\n");
    }
    let names: Vec<&str> = used.into_iter().collect();
    let _ = writeln!(text, "import {{ {} }} from \"drizzle-orm/pg-core\";", names.join(", "));
    text + &body
}

fn write_table(text: &mut String, table: &Table, used: &mut BTreeSet<&'static str>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "export const {} = pgTable({}, {{", table.name, quoted(&table.name));
    let key = table.constraints.iter().find_map(|constraint| match &constraint.rule {
        Rule::PrimaryKey(columns) => Some((&constraint.name, columns)),
        _ => None,
    });
    for column in &table.columns {
        let primary = key.is_some_and(|(_, columns)| *columns == [column.name.clone()]);
        let _ = writeln!(text, "  {}: {},", column.name, column_call(column, primary, used));
    }
    let mut extras = Vec::new();
    if let Some((name, columns)) = key
        && columns.len() > 1
    {
        used.insert("primaryKey");
        extras.push(format!("primaryKey({{ name: {}, columns: [{}] }})", quoted(name), members("table", columns)));
    }
    for constraint in &table.constraints {
        let name = quoted(&constraint.name);
        match &constraint.rule {
            Rule::Unique(columns) => {
                used.insert("unique");
                extras.push(format!("unique({name}).on({})", members("table", columns)));
            }
            Rule::ForeignKey(key) => {
                used.insert("foreignKey");
                extras.push(foreign_key(&name, table, key));
            }
            Rule::Check(expression) => {
                used.insert("check");
                extras.push(format!("check({name}, sql`{}`)", template(&expression.postgres)));
            }
            Rule::PrimaryKey(_) | Rule::RawPrimaryKey(_) | Rule::Raw(_) => {}
        }
    }
    extras.extend(table.indexes.iter().filter_map(|index| index_call(index, used)));
    if extras.is_empty() {
        text.push_str("});\n");
        return;
    }
    text.push_str("}, (table) => [\n");
    for extra in extras {
        let _ = writeln!(text, "  {extra},");
    }
    text.push_str("]);\n");
}

fn column_call(column: &Column, primary: bool, used: &mut BTreeSet<&'static str>) -> String {
    let function = match &column.kind {
        Kind::Text | Kind::Raw(_) => "text",
        Kind::Integer => "integer",
        Kind::BigInteger => "bigint",
        Kind::Double => "doublePrecision",
        Kind::Boolean => "boolean",
        Kind::Uuid => "uuid",
        Kind::Timestamp => "timestamp",
    };
    used.insert(function);
    let options = if column.kind == Kind::BigInteger { ", { mode: \"number\" }" } else { "" };
    let mut call = format!("{function}({}{options})", quoted(&column.name));
    if primary {
        call.push_str(".primaryKey()");
    } else if !column.nullable {
        call.push_str(".notNull()");
    }
    match &column.default {
        None => {}
        Some(Value::Now) => call.push_str(".defaultNow()"),
        Some(Value::RandomUuid) => call.push_str(".defaultRandom()"),
        Some(Value::Text(default)) => call.push_str(&format!(".default({})", quoted(default))),
        Some(Value::Integer(default)) => call.push_str(&format!(".default({default})")),
        Some(Value::Boolean(default)) => call.push_str(&format!(".default({default})")),
        Some(Value::Raw(default)) => call.push_str(&format!(".default(sql`{}`)", template(default))),
    }
    call
}

fn foreign_key(name: &str, table: &Table, key: &ForeignKey) -> String {
    let target = if key.table == table.name { "table" } else { &key.table };
    let mut call = format!(
        "foreignKey({{ name: {name}, columns: [{}], foreignColumns: [{}] }})",
        members("table", &key.columns),
        members(target, &key.references)
    );
    for (method, action) in [("onUpdate", key.on_update), ("onDelete", key.on_delete)] {
        if action != Action::NoAction {
            call.push_str(&format!(".{method}(\"{}\")", action.sql().to_lowercase()));
        }
    }
    call
}

fn index_call(index: &Index, used: &mut BTreeSet<&'static str>) -> Option<String> {
    let Shape::Columns { columns, unique, filter } = &index.shape else { return None };
    let function = if *unique { "uniqueIndex" } else { "index" };
    used.insert(function);
    let mut call = format!("{function}({}).on({})", quoted(&index.name), members("table", columns));
    if let Some(filter) = filter {
        call.push_str(&format!(".where(sql`{}`)", template(&filter.postgres)));
    }
    Some(call)
}

fn members(object: &str, columns: &[String]) -> String {
    columns.iter().map(|column| format!("{object}.{column}")).collect::<Vec<_>>().join(", ")
}

/// A string literal of TypeScript; JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Text inside a template literal.
fn template(text: &str) -> String {
    text.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_that_drizzle_kit_could_drop_is_named() {
        let schema = crate::schema::desired();
        let text = drizzle(&schema);
        for table in &schema.tables {
            for column in &table.columns {
                assert!(text.contains(&format!("(\"{}\"", column.name)), "{}", column.name);
            }
            let constraints = table
                .constraints
                .iter()
                .filter(|constraint| !matches!(&constraint.rule, Rule::PrimaryKey(columns) if columns.len() == 1));
            for name in
                constraints.map(|constraint| &constraint.name).chain(table.indexes.iter().map(|index| &index.name))
            {
                assert!(text.contains(&format!("\"{name}\"")), "{name}");
            }
        }
    }
}
