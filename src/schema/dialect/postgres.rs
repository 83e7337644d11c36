//! PostgreSQL's DDL for the objects of the model.
//!
//! Names are not qualified, so that the same words make the tables in `public` and the scratch copies in `pg_temp`;
//! who runs them sets the search path. Only functions stand in a schema of their own, [`HOME`].

use migration::openings;

use super::{Statement, literal, quote_all};
use crate::db::quote;
use crate::schema::model::{
    Column, Constraint, ForeignKey, Function, Index, Kind, Rule, Schema, Shape, Table, Trigger, TriggerBody, Value,
};

/// The schema of skyteam's own tables and functions, out of the way of tools that manage `public`.
pub const HOME: &str = "skyteam";

/// The search path that every trigger function is pinned to, as `pg_proc.proconfig` shows it.
pub const FUNCTION_CONFIG: &str = "search_path=pg_catalog, pg_temp";

pub(super) fn create(schema: &Schema) -> Vec<Statement> {
    let mut statements: Vec<Statement> = schema.tables.iter().map(table).collect();
    for table in &schema.tables {
        let keys = table.constraints.iter().filter(|constraint| is_foreign_key(constraint));
        statements.extend(keys.map(|key| add_constraint(&table.name, key)));
    }
    for table in &schema.tables {
        statements.extend(table.indexes.iter().map(|index| create_index(&table.name, index)));
    }
    statements.extend(schema.functions.iter().flat_map(create_functions));
    for table in &schema.tables {
        statements.extend(table.triggers.iter().filter_map(|trigger| create_trigger(&table.name, trigger, HOME)));
    }
    statements
}

/// `CREATE TABLE` with keys and checks, but without foreign keys, whose targets may come later.
pub fn table(table: &Table) -> Statement {
    let mut lines: Vec<String> = table.columns.iter().map(column).collect();
    lines.extend(table.constraints.iter().filter(|constraint| !is_foreign_key(constraint)).map(constraint_clause));
    Statement::new(
        format!("table {}", table.name),
        format!("CREATE TABLE {} (\n  {}\n)", quote(&table.name), lines.join(",\n  ")),
    )
}

fn is_foreign_key(constraint: &Constraint) -> bool {
    matches!(constraint.rule, Rule::ForeignKey(_))
}

/// A column as it stands in `CREATE TABLE` and `ADD COLUMN`.
pub fn column(column: &Column) -> String {
    let mut sql = format!("{} {}", quote(&column.name), kind(&column.kind));
    if let Some(value) = &column.default {
        sql.push_str(&format!(" DEFAULT {}", default(value)));
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    sql
}

/// The name of a type, as `format_type` gives it.
pub fn kind(kind: &Kind) -> &str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::BigInteger => "bigint",
        Kind::Double => "double precision",
        Kind::Boolean => "boolean",
        Kind::Uuid => "uuid",
        Kind::Timestamp => "timestamp without time zone",
        Kind::Raw(text) => text,
    }
}

/// A default's expression.
pub fn default(value: &Value) -> String {
    match value {
        Value::Now => "now()".to_owned(),
        Value::RandomUuid => "gen_random_uuid()".to_owned(),
        Value::Text(text) => literal(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Raw(sql) => sql.clone(),
    }
}

/// `CONSTRAINT "name" …`, as it stands in `CREATE TABLE` and `ADD`.
pub fn constraint_clause(constraint: &Constraint) -> String {
    let rule = match &constraint.rule {
        Rule::PrimaryKey(columns) => format!("PRIMARY KEY ({})", quote_all(columns)),
        Rule::Unique(columns) => format!("UNIQUE ({})", quote_all(columns)),
        Rule::ForeignKey(key) => foreign_key(key),
        Rule::Check(sql) => format!("CHECK ({})", sql.postgres),
        Rule::RawPrimaryKey(text) | Rule::Raw(text) => text.clone(),
    };
    format!("CONSTRAINT {} {rule}", quote(&constraint.name))
}

fn foreign_key(key: &ForeignKey) -> String {
    let mut sql = format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        quote_all(&key.columns),
        quote(&key.table),
        quote_all(&key.references)
    );
    if key.on_update != Default::default() {
        sql.push_str(&format!(" ON UPDATE {}", key.on_update.sql()));
    }
    if key.on_delete != Default::default() {
        sql.push_str(&format!(" ON DELETE {}", key.on_delete.sql()));
    }
    sql
}

/// `ALTER TABLE … ADD CONSTRAINT`.
pub fn add_constraint(table: &str, constraint: &Constraint) -> Statement {
    Statement::new(
        format!("constraint {}", constraint.name),
        format!("ALTER TABLE {} ADD {}", quote(table), constraint_clause(constraint)),
    )
}

/// `CREATE INDEX`.
pub fn create_index(table: &str, index: &Index) -> Statement {
    let sql = match &index.shape {
        Shape::Raw { raw } => raw.clone(),
        Shape::Columns { columns, unique, filter } => {
            let unique = if *unique { "UNIQUE " } else { "" };
            let mut sql =
                format!("CREATE {unique}INDEX {} ON {} ({})", quote(&index.name), quote(table), quote_all(columns));
            if let Some(filter) = filter {
                sql.push_str(&format!(" WHERE {}", filter.postgres));
            }
            sql
        }
    };
    Statement::new(format!("index {}", index.name), sql)
}

/// `CREATE OR REPLACE FUNCTION` in the schema `home`.
pub fn create_function(function: &Function, home: &str) -> Statement {
    let name = format!("{home}.{}", quote(&function.name));
    Statement::new(
        format!("function {HOME}.{}", function.name),
        format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger\n  LANGUAGE plpgsql\n  SET search_path = pg_catalog, pg_temp\n  AS $skyteam${}$skyteam$",
            function.body
        ),
    )
}

/// `CREATE OR REPLACE FUNCTION` in [`HOME`], after the record that the function writes, where it writes one.
pub fn create_functions(function: &Function) -> Vec<Statement> {
    let record = Statement::new(format!("table {HOME}.openings"), openings::create_table(migration::Engine::Postgres));
    let writes = function.body.contains("INSERT INTO skyteam.openings");
    writes.then_some(record).into_iter().chain([create_function(function, HOME)]).collect()
}

/// `CREATE TRIGGER`, with its function in the schema `home`; `None` for the other engine's triggers.
pub fn create_trigger(table: &str, trigger: &Trigger, home: &str) -> Option<Statement> {
    let sql = match &trigger.body {
        TriggerBody::Postgres { fires, each, function } => format!(
            "CREATE TRIGGER {} {fires} ON {}\n  {each} EXECUTE FUNCTION {home}.{}()",
            quote(&trigger.name),
            quote(table),
            quote(function)
        ),
        TriggerBody::Raw(text) => text.clone(),
        TriggerBody::Sqlite(_) => return None,
    };
    Some(Statement::new(format!("trigger {}", trigger.name), sql))
}
