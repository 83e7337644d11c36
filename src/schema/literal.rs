//! Values that a person gives for a column, read as the column's type and never as SQL.

use super::model::{Kind, Value};
use crate::entity::{Id, Timestamp};

/// Reads `text` as a value of `kind`. `now` is a time, `random` a UUID of its own for every row.
///
/// # Errors
///
/// What the type takes, in words.
pub fn parse(kind: &Kind, text: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Integer => text
            .parse::<i32>()
            .map(|number| Value::Integer(number.into()))
            .map_err(|_| "a whole number from -2147483648 to 2147483647"),
        Kind::BigInteger => text.parse::<i64>().map(Value::Integer).map_err(|_| "a whole number of 64 bits"),
        Kind::Double => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Raw(format!("{number:?}"))),
            _ => Err("a number"),
        },
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "1" => Ok(Value::Boolean(true)),
            "false" | "f" | "no" | "0" => Ok(Value::Boolean(false)),
            _ => Err("true or false"),
        },
        Kind::Uuid if text == "random" => Ok(Value::RandomUuid),
        Kind::Uuid => text.parse::<Id>().map(|id| Value::Text(id.to_string())).map_err(|_| "a UUID, or random"),
        Kind::Timestamp if text == "now" => Ok(Value::Now),
        Kind::Timestamp => text
            .parse::<Timestamp>()
            .map(|at| Value::Text(at.sql_text()))
            .map_err(|_| "a time such as 2026-11-22 18:00:00, in UTC, or now"),
        Kind::Raw(_) => Err("nothing: skyteam does not know this type"),
    }
}

/// The value that stands for none where NULL may not stand.
pub fn blank(kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Raw(_) => Value::Text(String::new()),
        Kind::Integer | Kind::BigInteger | Kind::Double => Value::Integer(0),
        Kind::Boolean => Value::Boolean(false),
        Kind::Uuid => Value::Text("00000000-0000-0000-0000-000000000000".to_owned()),
        Kind::Timestamp => Value::Text("1970-01-01 00:00:00".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_the_columns_type_or_refused() {
        assert_eq!(parse(&Kind::Integer, "-5"), Ok(Value::Integer(-5)));
        assert!(parse(&Kind::Integer, "2147483648").is_err());
        assert_eq!(parse(&Kind::Text, "it's; DROP TABLE users"), Ok(Value::Text("it's; DROP TABLE users".into())));
        assert_eq!(parse(&Kind::Double, "1e3"), Ok(Value::Raw("1000.0".into())));
        assert!(parse(&Kind::Double, "inf").is_err());
        assert_eq!(parse(&Kind::Boolean, "Yes"), Ok(Value::Boolean(true)));
        assert!(parse(&Kind::Uuid, "x").is_err());
        assert_eq!(parse(&Kind::Timestamp, "2026-11-22T18:00:00+01:00"), Ok(Value::Text("2026-11-22 17:00:00".into())));
        assert_eq!(parse(&Kind::Timestamp, "now"), Ok(Value::Now));
    }
}
