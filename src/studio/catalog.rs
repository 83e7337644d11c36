//! The tables as the entities declare them, in the terms of [`crate::browse`].

use crate::browse::{Column, Kind, Referrer, Table};
use crate::entity::privacy::Mask;
use crate::entity::registry;
use crate::schema::desired;
use crate::schema::dialect::postgres;
use crate::schema::model::{self, Rule};

/// All tables, in the order in which they are created.
///
/// # Errors
/// An entity that asks for what no schema can hold; a test excludes it.
pub(crate) fn tables() -> Result<Vec<Table>, crate::schema::DesiredError> {
    let schema = desired()?;
    let mut tables: Vec<Table> = schema.tables.iter().map(table).collect();
    let references: Vec<(String, String, String, String)> = tables
        .iter()
        .flat_map(|table| {
            table.columns.iter().filter_map(|column| {
                let (to, key) = column.references.clone()?;
                Some((to, table.name.clone(), column.name.clone(), key))
            })
        })
        .collect();
    for table in &mut tables {
        let own = references.iter().filter(|(to, ..)| *to == table.name);
        let referrer = |(_, table, column, to): &(String, String, String, String)| Referrer {
            table: table.clone(),
            column: column.clone(),
            to: to.clone(),
        };
        table.referrers = own.map(referrer).collect();
    }
    Ok(tables)
}

fn table(table: &model::Table) -> Table {
    let mut key = Vec::new();
    let mut references = Vec::new();
    for constraint in &table.constraints {
        match &constraint.rule {
            Rule::PrimaryKey(columns) => key.clone_from(columns),
            // One of several columns is followed by all of them or not at all.
            Rule::ForeignKey(to) if to.columns.len() == 1 => {
                references.push((to.columns[0].clone(), (to.table.clone(), to.references[0].clone())));
            }
            _ => {}
        }
    }
    let facts = registry::tables().iter().find(|facts| facts.name == table.name);
    let column = |column: &model::Column| {
        let facts = facts.and_then(|facts| facts.columns.iter().find(|known| known.name == column.name));
        let values = facts.and_then(|facts| facts.values.clone()).unwrap_or_default();
        let choices = match &column.kind {
            model::Kind::Enum(of) => of.values.clone(),
            _ => values.iter().filter_map(crate::entity::columns::text).collect(),
        };
        Column {
            name: column.name.clone(),
            kind: kind(&column.kind),
            sql_type: cast(&column.kind),
            nullable: column.nullable,
            secret: facts.is_some_and(|facts| facts.mask == Some(Mask::Secret)),
            references: references.iter().find(|(from, _)| *from == column.name).map(|(_, to)| to.clone()),
            choices,
        }
    };
    let columns = table.columns.iter().map(column).collect();
    Table { name: table.name.clone(), columns, key, referrers: Vec::new() }
}

/// The type to which a value is cast that is compared with a column: without a length or digits, to which PostgreSQL would
/// cut the value.
fn cast(of: &model::Kind) -> String {
    match of {
        model::Kind::Text | model::Kind::VarChar(_) | model::Kind::Char(_) => "text".to_owned(),
        model::Kind::Numeric(_) => "numeric".to_owned(),
        model::Kind::Timestamp(_) => "timestamp without time zone".to_owned(),
        model::Kind::TimestampTz(_) => "timestamp with time zone".to_owned(),
        model::Kind::Time(_) => "time without time zone".to_owned(),
        other => postgres::kind(other),
    }
}

fn kind(of: &model::Kind) -> Kind {
    match of {
        model::Kind::SmallInteger | model::Kind::Integer => Kind::Integer,
        model::Kind::BigInteger => Kind::BigInteger,
        model::Kind::Numeric(_) => Kind::Decimal,
        model::Kind::Real | model::Kind::Double => Kind::Float,
        model::Kind::Boolean => Kind::Boolean,
        model::Kind::Text | model::Kind::VarChar(_) | model::Kind::Char(_) => Kind::Text,
        model::Kind::Uuid => Kind::Uuid,
        model::Kind::Timestamp(_) | model::Kind::TimestampTz(_) => Kind::Timestamp,
        model::Kind::Date => Kind::Date,
        model::Kind::Time(_) => Kind::Time,
        model::Kind::Json | model::Kind::JsonBinary => Kind::Json,
        model::Kind::Bytes => Kind::Bytes,
        model::Kind::Enum(_) => Kind::Enum,
        model::Kind::Array(_) => Kind::List,
        model::Kind::Interval
        | model::Kind::Inet
        | model::Kind::Cidr
        | model::Kind::MacAddr
        | model::Kind::Bit(_)
        | model::Kind::VarBit(_)
        | model::Kind::Unsupported(_) => Kind::Other,
    }
}
