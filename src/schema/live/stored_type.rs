//! What type a column of SQLite has: its stored type, and the condition in its definition that says the rest.

use super::create_table::{ColumnText, Definition};
use crate::db::quote;
use crate::schema::dialect::sqlite;
use crate::schema::model::{EnumType, Kind, Rule};
use crate::schema::sql_tokens::{Token, bare, same, tokens};

/// The type of a column: the one that is wanted where it is stored alike, else the one whose condition it has.
pub(super) fn of(text: &ColumnText, wanted: Option<&Kind>) -> Kind {
    let name = quote(&text.name);
    let is = |kind: &Kind| {
        sqlite::kind(kind) == text.kind
            && match (sqlite::condition(&name, kind), text.checks.as_slice()) {
                (None, []) => true,
                (Some(condition), [check]) => same(bare(check), bare(&condition)),
                _ => false,
            }
    };
    if let Some(wanted) = wanted.filter(|wanted| is(wanted)) {
        return wanted.clone();
    }
    let enum_name = wanted.and_then(Kind::enum_type).map_or(text.name.as_str(), |of| of.name.as_str());
    let given = text.checks.first().into_iter().flat_map(|check| candidates(check, enum_name)).find(is);
    given.unwrap_or_else(|| match (text.kind.as_str(), text.checks.is_empty()) {
        ("TEXT", true) => Kind::Text,
        ("INTEGER", true) => Kind::Integer,
        ("REAL", true) => Kind::Double,
        ("BLOB", true) => Kind::Bytes,
        (other, true) => Kind::Unsupported(other.to_owned()),
        (other, false) => Kind::Unsupported(format!("{other} CHECK ({})", text.checks.join(") CHECK ("))),
    })
}

/// The places in `definition.constraints` of the conditions that belong to types.
pub(super) fn conditions(definition: &Definition) -> Vec<usize> {
    let belongs = |sql: &str| definition.columns.iter().any(|column| column.checks.iter().any(|check| check == sql));
    let of_type = |(constraint, check): &(crate::schema::model::Constraint, Option<String>)| {
        constraint.name.is_empty()
            && matches!(constraint.rule, Rule::Unsupported(_))
            && check.as_deref().is_some_and(belongs)
    };
    definition.constraints.iter().enumerate().filter(|(_, each)| of_type(each)).map(|(at, _)| at).collect()
}

/// Every type that a condition of these numbers and texts may be of.
fn candidates(condition: &str, enum_name: &str) -> Vec<Kind> {
    let found = tokens(condition);
    let numbers: Vec<u32> = found
        .iter()
        .filter_map(|placed| match &placed.token {
            Token::Number(digits) => digits.trim_start_matches("1e").parse().ok(),
            _ => None,
        })
        .collect();
    let values: Vec<String> = found
        .iter()
        .filter_map(|placed| match &placed.token {
            Token::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    let mut all = vec![
        Kind::SmallInteger,
        Kind::Numeric(None),
        Kind::Date,
        Kind::JsonBinary,
        Kind::Inet,
        Kind::MacAddr,
        Kind::VarBit(None),
        Kind::Array(Box::new(Kind::Text)),
        Kind::Enum(EnumType { name: enum_name.to_owned(), values }),
    ];
    all.extend((0..=6).flat_map(|digits| [Kind::Timestamp(digits), Kind::TimestampTz(digits), Kind::Time(digits)]));
    for &number in &numbers {
        all.extend([Kind::VarChar(Some(number)), Kind::Bit(number), Kind::VarBit(Some(number))]);
        // A condition has the scale, and the digits before the point or one more.
        for &scale in &numbers {
            let before = number.saturating_add(scale);
            all.extend([before, before.saturating_sub(1)].map(|precision| Kind::Numeric(Some((precision, scale)))));
        }
    }
    all
}
