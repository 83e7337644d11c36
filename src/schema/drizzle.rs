//! The schema as TypeScript for Drizzle ORM on PostgreSQL, so that `drizzle-kit push` with it finds nothing to do.
//!
//! Every constraint and index is named, because Drizzle Kit drops what it does not know in the schema `public`. Triggers
//! and the schema `skyteam` have no words there, and it leaves them alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::dialect::{literal, postgres};
use super::listed;
use super::model::{
    Action, Column, EnumType, ForeignKey, Index, Kind, MICROSECONDS, Rule, Schema, Shape, Table, Value,
};

/// Words that cannot be the name of a constant.
const RESERVED: [&str; 46] = [
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// The file; the same bytes for the same schema.
pub fn drizzle(schema: &Schema) -> String {
    let mut used = BTreeSet::from(["pgTable"]);
    let mut body = String::new();
    for of in schema.enum_types() {
        used.insert("pgEnum");
        let values: Vec<String> = of.values.iter().map(|value| quoted(value)).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            body,
            "\nexport const {} = pgEnum({}, [{}]);",
            enum_constant(of),
            quoted(&of.name),
            values.join(", ")
        );
    }
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
    let _ = writeln!(text, "export const {} = pgTable({}, {{", constant(&table.name), quoted(&table.name));
    let key = table.constraints.iter().find_map(|constraint| match &constraint.rule {
        Rule::PrimaryKey(columns) => Some((&constraint.name, columns)),
        _ => None,
    });
    for column in &table.columns {
        let primary = key.is_some_and(|(_, columns)| *columns == [column.name.clone()]);
        let name = if is_identifier(&column.name) { column.name.clone() } else { quoted(&column.name) };
        let listed = table
            .constraints
            .iter()
            .filter_map(|constraint| listed::values(&constraint.rule))
            .find(|(listed, _)| *listed == column.name)
            .map(|(_, values)| values);
        let _ = writeln!(text, "  {name}: {},", column_call(&table.name, column, listed.as_deref(), primary, used));
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
            Rule::PrimaryKey(_)
            | Rule::NotValid(_)
            | Rule::Disabled(_)
            | Rule::UnsupportedPrimaryKey(_)
            | Rule::Unsupported(_) => {}
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

fn column_call(
    table: &str,
    column: &Column,
    listed: Option<&[Value]>,
    primary: bool,
    used: &mut BTreeSet<&'static str>,
) -> String {
    let mut call = type_call(&column.kind, &column.name, used);
    if let Some(values) = listed {
        call.push_str(&listed_type(values, matches!(column.kind, Kind::Array(_))));
    }
    if primary {
        call.push_str(".primaryKey()");
    } else if !column.nullable {
        call.push_str(".notNull()");
    }
    if let Some(default) = &column.default {
        call.push_str(&match default {
            Value::AutoIncrement => identity_call(table, &column.name),
            default => default_call(default, &column.kind),
        });
    }
    call
}

/// Narrows a column's type in TypeScript to these values; in the database a check does.
fn listed_type(values: &[Value], list: bool) -> String {
    let value = |value: &Value| match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => quoted(text),
        other => quoted(&format!("{other:?}")),
    };
    let values = values.iter().map(value).collect::<Vec<_>>().join(" | ");
    if list { format!(".$type<({values})[]>()") } else { format!(".$type<{values}>()") }
}

/// The call of a column's type, `text("name")`. Instants and dates are strings where the type's own form would lose
/// digits, or where a default could not be compared.
fn type_call(kind: &Kind, name: &str, used: &mut BTreeSet<&'static str>) -> String {
    let time = |digits: u8, zone: bool| {
        let mut options = Vec::new();
        if digits != MICROSECONDS {
            options.push(format!("precision: {digits}"));
        }
        if zone {
            options.push("withTimezone: true".to_owned());
        }
        options
    };
    let length = |length: &Option<u32>| length.iter().map(|length| format!("length: {length}")).collect();
    let (function, options): (&'static str, Vec<String>) = match kind {
        Kind::Text => ("text", Vec::new()),
        Kind::VarChar(given) => ("varchar", length(given)),
        Kind::Char(given) => ("char", length(&Some(*given))),
        Kind::SmallInteger => ("smallint", Vec::new()),
        Kind::Integer => ("integer", Vec::new()),
        Kind::BigInteger => ("bigint", vec!["mode: \"number\"".to_owned()]),
        Kind::Real => ("real", Vec::new()),
        Kind::Double => ("doublePrecision", Vec::new()),
        Kind::Numeric(None) => ("numeric", Vec::new()),
        Kind::Numeric(Some((precision, scale))) => {
            ("numeric", vec![format!("precision: {precision}"), format!("scale: {scale}")])
        }
        Kind::Boolean => ("boolean", Vec::new()),
        Kind::Uuid => ("uuid", Vec::new()),
        Kind::Timestamp(digits) => ("timestamp", time(*digits, false)),
        Kind::TimestampTz(digits) => ("timestamp", time(*digits, true)),
        Kind::Date => ("date", Vec::new()),
        Kind::Time(digits) => ("time", time(*digits, false)),
        Kind::Interval => ("interval", Vec::new()),
        Kind::Json => ("json", Vec::new()),
        Kind::JsonBinary => ("jsonb", Vec::new()),
        Kind::Inet => ("inet", Vec::new()),
        Kind::Cidr => ("cidr", Vec::new()),
        Kind::MacAddr => ("macaddr", Vec::new()),
        Kind::Enum(of) => return format!("{}({})", enum_constant(of), quoted(name)),
        Kind::Array(of) => return format!("{}.array()", type_call(of, name, used)),
        // Drizzle has no name for these.
        Kind::Bytes | Kind::Bit(_) | Kind::VarBit(_) | Kind::Unsupported(_) => {
            used.insert("customType");
            let sql = quoted(&postgres::kind(kind));
            return format!("customType<{{ data: unknown }}>({{ dataType: () => {sql} }})({})", quoted(name));
        }
    };
    used.insert(function);
    match options.as_slice() {
        [] => format!("{function}({})", quoted(name)),
        options => format!("{function}({}, {{ {} }})", quoted(name), options.join(", ")),
    }
}

fn identity_call(table: &str, column: &str) -> String {
    match postgres::sequence_name(table, column) {
        None => ".generatedByDefaultAsIdentity()".to_owned(),
        Some(name) => format!(".generatedByDefaultAsIdentity({{ name: {} }})", quoted(&name)),
    }
}

/// A default in the form in which Drizzle Kit finds it in the catalogue, which it compares as text: a negative number
/// is one in quotes there, a numeric any number in quotes, JSON has no spaces, and the texts of an array are all in
/// quotes. (It cuts an array at every comma, so that a text with one in it is a difference to it for ever.)
fn default_call(default: &Value, kind: &Kind) -> String {
    let sql = |sql: &str| format!(".default(sql`{}`)", template(sql));
    let in_quotes = |number: &str| sql(&literal(number));
    match (default, kind) {
        (Value::Now, Kind::Timestamp(_) | Kind::TimestampTz(_)) => ".defaultNow()".to_owned(),
        (Value::RandomUuid, _) => ".defaultRandom()".to_owned(),
        (Value::Text(text), Kind::Text | Kind::VarChar(_) | Kind::Char(_) | Kind::Enum(_) | Kind::Uuid) => {
            format!(".default({})", quoted(text))
        }
        (Value::Integer(number), Kind::Numeric(_)) => format!(".default({})", quoted(&number.to_string())),
        (Value::Number(digits), Kind::Numeric(_)) => format!(".default({})", quoted(digits)),
        (Value::Integer(number), _) if *number < 0 => in_quotes(&number.to_string()),
        (Value::Number(digits), _) if digits.starts_with('-') => in_quotes(digits),
        (Value::Integer(number), _) => format!(".default({number})"),
        (Value::Number(digits), _) => format!(".default({digits})"),
        (Value::Boolean(truth), _) => format!(".default({truth})"),
        (Value::Text(text), Kind::Json | Kind::JsonBinary) => match serde_json::from_str(text) {
            Ok(json) => {
                let json = if *kind == Kind::JsonBinary { sorted(json) } else { json };
                sql(&format!("{}::{}", literal(&json.to_string()), postgres::kind(kind)))
            }
            Err(_) => sql(&literal(text)),
        },
        (other, _) => sql(&postgres::default(other)),
    }
}

/// The object keys in the order in which `jsonb` keeps them: shorter ones first.
fn sorted(json: serde_json::Value) -> serde_json::Value {
    match json {
        serde_json::Value::Array(values) => values.into_iter().map(sorted).collect(),
        serde_json::Value::Object(map) => {
            let mut members: Vec<(String, serde_json::Value)> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
            members.into_iter().collect()
        }
        other => other,
    }
}

/// The constant of an enum type: `moodEnum`.
fn enum_constant(of: &EnumType) -> String {
    let mut name: String = of.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name + "Enum"
}

fn foreign_key(name: &str, table: &Table, key: &ForeignKey) -> String {
    let target = if key.table == table.name { "table".to_owned() } else { constant(&key.table) };
    let mut call = format!(
        "foreignKey({{ name: {name}, columns: [{}], foreignColumns: [{}] }})",
        members("table", &key.columns),
        members(&target, &key.references)
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
    let member = |column: &String| {
        if is_identifier(column) { format!("{object}.{column}") } else { format!("{object}[{}]", quoted(column)) }
    };
    columns.iter().map(member).collect::<Vec<_>>().join(", ")
}

fn is_identifier(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

/// The constant of a table: its name, unless that is none that TypeScript takes.
fn constant(table: &str) -> String {
    if is_identifier(table) && !RESERVED.contains(&table) {
        return table.to_owned();
    }
    let name: String = table.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("_{name}")
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
        let schema = crate::schema::desired().unwrap();
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
