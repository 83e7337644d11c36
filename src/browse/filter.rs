//! Filters: a column, an operator, and a value in the form in which it is shown.

use serde::Serialize;

use super::sql::{Sql, compared, name};
use super::table::{Column, Kind, Table};
use super::value::Datum;
use super::{BrowseError, Result};
use crate::db::Engine;
use crate::entity::types::{Id, Timestamp};

/// The most values of a list.
const LISTED: usize = 200;

/// How a filter compares a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operator {
    /// Equal.
    Is,
    /// Not equal, or NULL.
    Not,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Between two values, both included.
    Between,
    /// One of several.
    In,
    /// None of several, or NULL.
    NotIn,
    /// Contains this text, in any case.
    Contains,
    /// Begins with this, in any case.
    Starts,
    /// The empty text.
    Empty,
    /// Neither the empty text nor NULL.
    NotEmpty,
    /// NULL.
    Null,
    /// Not NULL.
    NotNull,
    /// Refers to what a reference of the command line means.
    Ref,
}

impl Operator {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::Not => "not",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Between => "between",
            Self::In => "in",
            Self::NotIn => "notin",
            Self::Contains => "contains",
            Self::Starts => "starts",
            Self::Empty => "empty",
            Self::NotEmpty => "notempty",
            Self::Null => "null",
            Self::NotNull => "notnull",
            Self::Ref => "ref",
        }
    }

    /// What a column takes, [`Operator::Ref`] aside.
    pub(crate) fn of(column: &Column) -> Vec<Self> {
        use Operator::{Between, Contains, Empty, Ge, Gt, In, Is, Le, Lt, Not, NotEmpty, NotIn, NotNull, Null, Starts};
        let mut all = match column.kind {
            _ if column.secret => return Vec::new(),
            Kind::Integer | Kind::BigInteger | Kind::Decimal | Kind::Float => {
                vec![Is, Not, Lt, Le, Gt, Ge, Between, In, NotIn]
            }
            Kind::Timestamp | Kind::Date | Kind::Time => vec![Is, Not, Lt, Le, Gt, Ge, Between],
            Kind::Boolean => vec![Is, Not],
            Kind::Text => {
                vec![Is, Not, Contains, Starts, In, NotIn, Lt, Le, Gt, Ge, Between, Empty, NotEmpty]
            }
            Kind::Uuid => vec![Is, Not, Starts, Contains, In, NotIn],
            Kind::Enum => vec![Is, Not, In, NotIn, Contains, Starts],
            Kind::Json | Kind::List | Kind::Other => vec![Is, Not, Contains, Starts],
            Kind::Bytes => Vec::new(),
        };
        all.extend([Null, NotNull]);
        all
    }
}

/// A condition on a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    column: Column,
    operator: Operator,
    values: Vec<Datum>,
}

/// Reads a time as people type it; fails with what would have been accepted.
pub(crate) type TimeReader<'a> = &'a (dyn Fn(&str) -> Result<Timestamp, String> + Sync);

/// Reads `column:operator` or `column:operator:value`.
///
/// # Errors
/// All of [`BrowseError`] but the cursor's, the key's and the database's.
pub(crate) fn parse(engine: Engine, table: &Table, filter: &str, time: TimeReader<'_>) -> Result<Filter> {
    let mut parts = filter.splitn(3, ':');
    let column = table.readable(parts.next().unwrap_or_default())?;
    let (name, value) = (parts.next().unwrap_or_default(), parts.next());
    let known = Operator::of(column);
    let unknown = || BrowseError::UnknownOperator {
        column: column.name.clone(),
        operator: name.to_owned(),
        known: known.iter().map(|operator| operator.name()).collect(),
    };
    let operator = *known.iter().find(|operator| operator.name() == name).ok_or_else(unknown)?;
    Filter::new(engine, column, operator, value.unwrap_or_default(), time)
}

impl Filter {
    /// A filter that a column has exactly this value.
    ///
    /// # Errors
    /// [`BrowseError::Value`].
    pub(crate) fn is(engine: Engine, column: &Column, value: &str, time: TimeReader<'_>) -> Result<Self> {
        Self::new(engine, column, Operator::Is, value, time)
    }

    /// A filter that a column has one of these values.
    ///
    /// # Errors
    /// [`BrowseError::Value`].
    pub(super) fn any(engine: Engine, column: &Column, values: &[String], time: TimeReader<'_>) -> Result<Self> {
        let values = values.iter().map(|value| datum(engine, column, value, time)).collect::<Result<_>>()?;
        Ok(Self { column: column.clone(), operator: Operator::In, values })
    }

    fn new(engine: Engine, column: &Column, operator: Operator, value: &str, time: TimeReader<'_>) -> Result<Self> {
        let one = |value: &str| datum(engine, column, value, time);
        let values = match operator {
            Operator::Empty | Operator::NotEmpty | Operator::Null | Operator::NotNull => Vec::new(),
            Operator::Contains | Operator::Starts => vec![text(column, value)?],
            Operator::In | Operator::NotIn | Operator::Between => {
                let wrong = |accepted: &str| wrong(column, value, accepted);
                let list = serde_json::from_str::<Vec<String>>(value)
                    .map_err(|_| wrong("a list of texts in JSON, such as [\"a\",\"b\"]"))?;
                if operator == Operator::Between && list.len() != 2 {
                    return Err(wrong("a list of two texts in JSON, the least and the greatest"));
                }
                if list.is_empty() || list.len() > LISTED {
                    return Err(wrong("a list of 1 to 200 texts"));
                }
                list.iter().map(|value| one(value)).collect::<Result<_>>()?
            }
            _ => vec![one(value)?],
        };
        Ok(Self { column: column.clone(), operator, values })
    }

    /// Adds the condition.
    pub(super) fn push(&self, engine: Engine, sql: &mut Sql) {
        let name = name(engine, &self.column);
        let (expression, sql_type) = compared(engine, &self.column);
        // An enum's own values alone can be cast to it, a number beyond a column's range not at all.
        let (expression, sql_type) = match (engine, self.column.kind) {
            (Engine::Postgres, Kind::Enum) => (format!("CAST({name} AS text)"), "text"),
            (Engine::Postgres, Kind::Integer) => (expression, "bigint"),
            _ => (expression, sql_type),
        };
        let value = |index: usize| self.values.get(index).cloned().unwrap_or(Datum::Null);
        let compare = |sql: &mut Sql, operator: &str| {
            let place = sql.place(engine, value(0), sql_type);
            sql.push(&format!("{expression} {operator} {place}"));
        };
        match self.operator {
            Operator::Is | Operator::Ref => compare(sql, "="),
            Operator::Not => compare(
                sql,
                match engine {
                    Engine::Postgres => "IS DISTINCT FROM",
                    Engine::Sqlite => "IS NOT",
                },
            ),
            Operator::Lt => compare(sql, "<"),
            Operator::Le => compare(sql, "<="),
            Operator::Gt => compare(sql, ">"),
            Operator::Ge => compare(sql, ">="),
            Operator::Between => {
                let least = sql.place(engine, value(0), sql_type);
                let greatest = sql.place(engine, value(1), sql_type);
                sql.push(&format!("{expression} BETWEEN {least} AND {greatest}"));
            }
            Operator::In | Operator::NotIn => {
                let places: Vec<String> =
                    self.values.iter().map(|value| sql.place(engine, value.clone(), sql_type)).collect();
                let places = places.join(", ");
                sql.push(&match self.operator {
                    Operator::In => format!("{expression} IN ({places})"),
                    _ => format!("({expression} NOT IN ({places}) OR {name} IS NULL)"),
                });
            }
            Operator::Contains | Operator::Starts => {
                let place = sql.place(engine, value(0), "text");
                let position = match engine {
                    Engine::Postgres => format!("strpos(lower(CAST({name} AS text)), lower({place}))"),
                    Engine::Sqlite => format!("instr(lower({name}), lower({place}))"),
                };
                sql.push(&match self.operator {
                    Operator::Contains => format!("{position} > 0"),
                    _ => format!("{position} = 1"),
                });
            }
            Operator::Empty => drop(sql.push(&format!("{name} = ''"))),
            Operator::NotEmpty => drop(sql.push(&format!("{name} <> ''"))),
            Operator::Null => drop(sql.push(&format!("{name} IS NULL"))),
            Operator::NotNull => drop(sql.push(&format!("{name} IS NOT NULL"))),
        }
    }
}

/// Adds `WHERE` with all conditions, and `more` where there is more.
pub(super) fn push_where(engine: Engine, sql: &mut Sql, filters: &[Filter]) -> bool {
    for (index, filter) in filters.iter().enumerate() {
        sql.push(if index == 0 { " WHERE " } else { " AND " });
        filter.push(engine, sql);
    }
    !filters.is_empty()
}

fn wrong(column: &Column, value: &str, accepted: &str) -> BrowseError {
    // Enough to recognise it by.
    let value = value.chars().take(100).collect();
    BrowseError::Value { column: column.name.clone(), value, accepted: accepted.to_owned() }
}

fn text(column: &Column, value: &str) -> Result<Datum> {
    if value.contains('\0') {
        return Err(wrong(column, &value.replace('\0', "\\0"), "text without the character NUL"));
    }
    Ok(Datum::Text(value.to_owned()))
}

/// A value of a column in the form in which the engine stores it.
pub(super) fn datum(engine: Engine, column: &Column, value: &str, time: TimeReader<'_>) -> Result<Datum> {
    let wrong = |accepted: &str| wrong(column, value, accepted);
    Ok(match column.kind {
        Kind::Integer | Kind::BigInteger => {
            Datum::Integer(value.parse().map_err(|_| wrong("a whole number of at most 64 bits"))?)
        }
        Kind::Decimal => {
            let number = value.parse::<sea_orm::prelude::Decimal>();
            Datum::Text(number.map_err(|_| wrong("a number, such as 12.50"))?.to_string())
        }
        Kind::Float => Datum::Real(value.parse().map_err(|_| wrong("a number"))?),
        Kind::Boolean => {
            let truth = value.parse::<bool>().map_err(|_| wrong("true or false"))?;
            match engine {
                Engine::Postgres => Datum::Text(truth.to_string()),
                Engine::Sqlite => Datum::Integer(truth.into()),
            }
        }
        Kind::Uuid => Datum::Text(value.parse::<Id>().map_err(|_| wrong("a UUID"))?.to_string()),
        Kind::Timestamp => Datum::Text(time(value).map_err(|accepted| wrong(&accepted))?.sql_text()),
        Kind::Date => {
            let date = value.parse::<chrono::NaiveDate>();
            Datum::Text(date.map_err(|_| wrong("a date, such as 2026-11-22"))?.to_string())
        }
        Kind::Time => {
            let time = value.parse::<chrono::NaiveTime>();
            Datum::Text(time.map_err(|_| wrong("a time of day, such as 18:00:00"))?.to_string())
        }
        Kind::Text | Kind::Enum | Kind::Json | Kind::List | Kind::Other => text(column, value)?,
        Kind::Bytes => return Err(wrong("nothing: bytes are not compared here")),
    })
}
