//! The statements that make a version's tables in the order that loads fastest: bare tables, rows, indexes, keys,
//! foreign keys, triggers. All names are unqualified; the search path says where.

use crate::backup::column_mapping::{Filling, Target};
use crate::backup::format::table_schema::Kind;
use crate::db::{Engine, quote};
use crate::schema::dialect::postgres as dialect;
use crate::schema::model::{Constraint, Index, Rule, Schema, Shape, Table};

/// The enum types of the tables.
pub(super) fn enums(schema: &Schema) -> Vec<String> {
    schema.enum_types().into_iter().map(|of| dialect::create_enum(of).sql).collect()
}

/// Takes away the enum types of tables that are gone.
pub(super) fn drop_enums(schema: &Schema) -> Vec<String> {
    schema.enum_types().into_iter().map(|of| format!("DROP TYPE IF EXISTS {}", quote(&of.name))).collect()
}

/// A table with its checks and comments, without keys.
pub(super) fn bare_table(table: &Table) -> Vec<String> {
    let mut bare = table.clone();
    bare.constraints.retain(|constraint| matches!(constraint.rule, Rule::Check(_)));
    let statements = std::iter::once(dialect::table(&bare)).chain(dialect::comments(&bare));
    statements.map(|statement| statement.sql).collect()
}

/// Columns of an SQLite file that are not skyteam's, of the types that their cells are stored in.
pub(super) fn sqlite_columns(table: &Table, filling: Option<&Filling>, from: Engine) -> Vec<String> {
    let columns = filling.into_iter().flat_map(|filling| &filling.columns);
    let columns = columns.filter(|column| column.foreign.is_some() && from == Engine::Sqlite);
    let add = |column: &Target| {
        let (table, name, kind) = (quote(&table.name), quote(&column.name), name(column.kind));
        format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {kind}")
    };
    columns.map(add).collect()
}

/// Everything that needs a sort: the indexes under the keys, and the others, each with the number of its columns. They can
/// be made side by side.
pub(super) fn indexes(table: &Table) -> Vec<(usize, String)> {
    let under_keys = table.constraints.iter().filter_map(|constraint| match &constraint.rule {
        Rule::PrimaryKey(columns) | Rule::Unique(columns) => {
            let columns: Vec<String> = columns.iter().map(|column| quote(column)).collect();
            let (index, table) = (quote(&constraint.name), quote(&table.name));
            Some((columns.len(), format!("CREATE UNIQUE INDEX {index} ON {table} ({})", columns.join(", "))))
        }
        _ => None,
    });
    let others = table.indexes.iter();
    let others = others.map(|index| (columns_of(index), dialect::create_index(&table.name, index).sql));
    under_keys.chain(others).collect()
}

fn columns_of(index: &Index) -> usize {
    match &index.shape {
        Shape::Columns { columns, .. } => columns.len(),
        Shape::Unsupported { .. } => 1,
    }
}

/// Turns the indexes under the keys into keys, at once.
pub(super) fn keys(table: &Table) -> Vec<String> {
    let key = |constraint: &Constraint| {
        let word = match constraint.rule {
            Rule::PrimaryKey(_) => "PRIMARY KEY",
            Rule::Unique(_) => "UNIQUE",
            _ => return None,
        };
        let (table, name) = (quote(&table.name), quote(&constraint.name));
        Some(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {word} USING INDEX {name}"))
    };
    table.constraints.iter().filter_map(key).collect()
}

/// Declares the foreign keys without looking at a row.
pub(super) fn foreign_keys(table: &Table) -> Vec<String> {
    let keys = table.constraints.iter().filter(|constraint| matches!(constraint.rule, Rule::ForeignKey(_)));
    keys.map(|key| format!("{} NOT VALID", dialect::add_constraint(&table.name, key).sql)).collect()
}

/// Looks whether the rows keep a foreign key.
pub(super) fn validate_foreign_key(table: &Table, key: &str) -> String {
    format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", quote(&table.name), quote(key))
}

/// Whether an index of the table begins with these columns.
pub(super) fn has_index_on(table: &Table, columns: &[String]) -> bool {
    let keys = table.constraints.iter().filter_map(|constraint| match &constraint.rule {
        Rule::PrimaryKey(columns) | Rule::Unique(columns) => Some(columns),
        _ => None,
    });
    let others = table.indexes.iter().filter_map(|index| match &index.shape {
        Shape::Columns { columns, filter: None, .. } => Some(columns),
        _ => None,
    });
    keys.chain(others).any(|indexed| indexed.starts_with(columns))
}

/// Functions and triggers: last, so that rows that an older program let in come back too.
pub(super) fn triggers(schema: &Schema) -> Vec<String> {
    let functions = schema.functions.iter().flat_map(dialect::create_functions).map(|statement| statement.sql);
    let triggers = schema.tables.iter().flat_map(|table| {
        let make = |trigger| dialect::create_trigger(&table.name, trigger, dialect::HOME);
        table.triggers.iter().filter_map(make).map(|statement| statement.sql)
    });
    functions.chain(triggers).collect()
}

/// The type that a kind has in PostgreSQL.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Integer => "integer",
        Kind::Bigint => "bigint",
        Kind::Timestamp => "timestamp without time zone",
        Kind::Uuid => "uuid",
        Kind::Text | Kind::Bytes => "text",
    }
}
