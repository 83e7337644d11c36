//! The schema as a Mermaid entity-relationship diagram (<https://mermaid.js.org/syntax/entityRelationshipDiagram.html>).

use std::fmt::Write as _;

use super::model::{Column, Kind, Rule, Schema, Table};

/// The diagram; the same bytes for the same schema.
pub fn mermaid(schema: &Schema) -> String {
    let mut text = String::from("erDiagram\n");
    for table in &schema.tables {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {} {{", table.name);
        for column in &table.columns {
            let keys = keys(table, column);
            let comment = if column.nullable { " \"null\"" } else { "" };
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

fn kind(kind: &Kind) -> &str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::BigInteger => "bigint",
        Kind::Double => "double",
        Kind::Boolean => "boolean",
        Kind::Uuid => "uuid",
        Kind::Timestamp => "timestamp",
        Kind::Raw(_) => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagram_names_every_table_and_every_reference() {
        let schema = crate::schema::desired();
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
