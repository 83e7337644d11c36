//! The schema as a Mermaid entity-relationship diagram (<https://mermaid.js.org/syntax/entityRelationshipDiagram.html>).

use std::fmt::Write as _;

use super::model::{Column, Kind, MICROSECONDS, Rule, Schema, Table};

/// The diagram; the same bytes for the same schema.
pub(crate) fn mermaid(schema: &Schema) -> String {
    let mut text = String::from("erDiagram\n");
    for table in &schema.tables {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {} {{", table.name);
        for column in &table.columns {
            let keys = keys(table, column);
            let notes = [column.nullable.then_some("null"), column.comment.as_deref()];
            let notes: Vec<String> = notes.into_iter().flatten().map(|note| note.replace(['"', '\n'], "'")).collect();
            let comment = if notes.is_empty() { String::new() } else { format!(" \"{}\"", notes.join(": ")) };
            let space = if keys.is_empty() { "" } else { " " };
            let _ = writeln!(text, "        {} {}{space}{keys}{comment}", kind(&column.kind), column.name);
        }
        text.push_str("    }\n");
    }
    for table in &schema.tables {
        for (_, key) in table.foreign_keys() {
            let optional = key.columns.iter().any(|name| table.column(name).is_some_and(|column| column.nullable));
            let one = if optional { "|o" } else { "||" };
            let many = if is_unique(table, &key.columns) { "o|" } else { "o{" };
            let _ = writeln!(text, "    {} {one}--{many} {} : \"{}\"", key.table, table.name, key.columns.join(", "));
        }
    }
    text
}

/// `PK`, `FK`, `UK` as they apply, in this order whatever the constraints' order, with commas between.
fn keys(table: &Table, column: &Column) -> String {
    let applies = |mark: &&str| {
        table.constraints.iter().any(|constraint| match &constraint.rule {
            Rule::PrimaryKey(columns) => *mark == "PK" && columns.contains(&column.name),
            Rule::ForeignKey(key) => *mark == "FK" && key.columns.contains(&column.name),
            Rule::Unique(columns) => *mark == "UK" && *columns == [column.name.clone()],
            _ => false,
        })
    };
    ["PK", "FK", "UK"].into_iter().filter(applies).collect::<Vec<_>>().join(", ")
}

fn is_unique(table: &Table, columns: &[String]) -> bool {
    table.constraints.iter().any(|constraint| match &constraint.rule {
        Rule::PrimaryKey(key) | Rule::Unique(key) => key == columns,
        _ => false,
    })
}

/// The type as one word that Mermaid takes: letters, digits, parentheses, brackets, and no comma.
fn kind(kind: &Kind) -> String {
    let sized = |name: &str, length: &Option<u32>| match length {
        None => name.to_owned(),
        Some(length) => format!("{name}({length})"),
    };
    let timed = |name: &str, digits: u8| sized(name, &(digits != MICROSECONDS).then_some(u32::from(digits)));
    let name = match kind {
        Kind::Text => "text",
        Kind::VarChar(length) => return sized("varchar", length),
        Kind::Char(length) => return sized("char", &Some(*length)),
        Kind::SmallInteger => "smallint",
        Kind::Integer => "integer",
        Kind::BigInteger => "bigint",
        Kind::Real => "real",
        Kind::Double => "double",
        Kind::Numeric(None) => "numeric",
        Kind::Numeric(Some((precision, scale))) => return format!("numeric({precision}-{scale})"),
        Kind::Boolean => "boolean",
        Kind::Uuid => "uuid",
        Kind::Timestamp(digits) => return timed("timestamp", *digits),
        Kind::TimestampTz(digits) => return timed("timestamptz", *digits),
        Kind::Date => "date",
        Kind::Time(digits) => return timed("time", *digits),
        Kind::Interval => "interval",
        Kind::Json => "json",
        Kind::JsonBinary => "jsonb",
        Kind::Bytes => "bytea",
        Kind::Inet => "inet",
        Kind::Cidr => "cidr",
        Kind::MacAddr => "macaddr",
        Kind::Bit(length) => return sized("bit", &Some(*length)),
        Kind::VarBit(length) => return sized("varbit", length),
        Kind::Enum(of) => return of.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect(),
        Kind::Array(of) => return format!("{}[]", self::kind(of)),
        Kind::Unsupported(_) => "other",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagram_names_every_table_and_every_reference() {
        let schema = crate::schema::desired().unwrap();
        let text = mermaid(&schema);
        for table in &schema.tables {
            assert!(text.contains(&format!("    {} {{", table.name)));
        }
        for line in [
            "        text userId PK",
            "        uuid flightId PK, FK",
            "        uuid reversesId FK, UK \"null\"",
            "        text iata UK",
            "    airlines ||--o{ brands : \"airlineId\"",
            "    airlines |o--o{ flights : \"codeshareAirlineId\"",
            "    milesTransactions |o--o| milesTransactions : \"reversesId\"",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
