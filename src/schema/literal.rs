//! Values that a person or an entity gives for a column, read as the column's type and never as SQL.

use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

use super::model::{Kind, Value};
use crate::entity::{Id, Timestamp};

/// Reads `text` as a value of `kind`. `now` is a time, `random` a UUID of its own for every row.
///
/// # Errors
///
/// What the type takes, in words.
pub(crate) fn parse(kind: &Kind, text: &str) -> Result<Value, String> {
    let as_text = || Value::Text(text.to_owned());
    let at_most = |length: u32, value: Value| {
        let fits = text.chars().count() <= length as usize;
        fits.then_some(value).ok_or_else(|| format!("a text of at most {length} characters"))
    };
    match kind {
        Kind::Text | Kind::VarChar(None) | Kind::Interval => Ok(as_text()),
        Kind::VarChar(Some(length)) | Kind::Char(length) => at_most(*length, as_text()),
        Kind::SmallInteger => text
            .parse::<i16>()
            .map(|number| Value::Integer(number.into()))
            .map_err(|_| "a whole number from -32768 to 32767".to_owned()),
        Kind::Integer => text
            .parse::<i32>()
            .map(|number| Value::Integer(number.into()))
            .map_err(|_| "a whole number from -2147483648 to 2147483647".to_owned()),
        Kind::BigInteger => text.parse::<i64>().map(Value::Integer).map_err(|_| "a whole number of 64 bits".to_owned()),
        Kind::Real | Kind::Double => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Number(format!("{number:?}"))),
            _ => Err("a number".to_owned()),
        },
        Kind::Numeric(size) => numeric(text, *size),
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "1" => Ok(Value::Boolean(true)),
            "false" | "f" | "no" | "0" => Ok(Value::Boolean(false)),
            _ => Err("true or false".to_owned()),
        },
        Kind::Uuid if text == "random" => Ok(Value::RandomUuid),
        Kind::Uuid => {
            text.parse::<Id>().map(|id| Value::Text(id.to_string())).map_err(|_| "a UUID, or random".to_owned())
        }
        Kind::Timestamp(_) | Kind::TimestampTz(_) if text == "now" => Ok(Value::Now),
        Kind::Timestamp(_) => text
            .parse::<Timestamp>()
            .map(|at| Value::Text(at.sql_text()))
            .map_err(|_| "a time such as 2026-11-22 18:00:00, in UTC, or now".to_owned()),
        Kind::TimestampTz(_) => text
            .parse::<Timestamp>()
            .map(|at| Value::Text(instant(at.utc())))
            .map_err(|_| "a time such as 2026-11-22T18:00:00+01:00, or now".to_owned()),
        Kind::Date if text == "today" => Ok(Value::CurrentDate),
        Kind::Date => text
            .parse::<NaiveDate>()
            .map(|date| Value::Text(date.format("%Y-%m-%d").to_string()))
            .map_err(|_| "a date such as 2026-11-22, or today".to_owned()),
        Kind::Time(_) if text == "now" => Ok(Value::CurrentTime),
        Kind::Time(_) => text
            .parse::<NaiveTime>()
            .map(|time| Value::Text(time.format("%H:%M:%S%.f").to_string()))
            .map_err(|_| "a time of day such as 18:00:00, in UTC, or now".to_owned()),
        Kind::Json | Kind::JsonBinary => match serde_json::from_str::<serde_json::Value>(text) {
            Ok(_) => Ok(as_text()),
            Err(error) => Err(format!("JSON ({error})")),
        },
        Kind::Bytes => {
            let hex = text.strip_prefix("\\x").unwrap_or(text).to_ascii_lowercase();
            let whole = hex.len().is_multiple_of(2) && hex.chars().all(|c| c.is_ascii_hexdigit());
            whole.then_some(Value::Bytes(hex)).ok_or_else(|| "bytes as hexadecimal digits, such as \\x0aff".to_owned())
        }
        Kind::Inet | Kind::Cidr => {
            let (address, mask) = text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
            let longest = match address.parse::<IpAddr>() {
                Ok(IpAddr::V4(_)) => Some(32_u8),
                Ok(IpAddr::V6(_)) => Some(128),
                Err(_) => None,
            };
            let masked =
                mask.map_or(Some(true), |mask| mask.parse::<u8>().ok().zip(longest).map(|(bits, most)| bits <= most));
            let is_address = longest.is_some() && masked == Some(true);
            is_address.then(as_text).ok_or_else(|| "an IP address, such as 192.0.2.1 or 2001:db8::/32".to_owned())
        }
        Kind::MacAddr => {
            let text = text.to_ascii_lowercase().replace('-', ":");
            let pairs: Vec<&str> = text.split(':').collect();
            let is_pair = |pair: &&str| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit());
            let whole = pairs.len() == 6 && pairs.iter().all(is_pair);
            whole
                .then(|| Value::Text(text.clone()))
                .ok_or_else(|| "a MAC address, such as 08:00:2b:01:02:03".to_owned())
        }
        Kind::Bit(length) => {
            let whole = text.len() == *length as usize && is_bits(text);
            whole.then(as_text).ok_or_else(|| format!("{length} digits of 0 and 1"))
        }
        Kind::VarBit(length) => match length {
            _ if !is_bits(text) => Err("digits of 0 and 1".to_owned()),
            None => Ok(as_text()),
            Some(length) => at_most(*length, as_text()),
        },
        Kind::Enum(of) if of.values.iter().any(|value| value == text) => Ok(as_text()),
        Kind::Enum(of) => Err(format!("one of {}", of.values.join(", "))),
        Kind::Array(of) => list(of, text),
        Kind::Unsupported(name) => Err(format!("nothing: skyteam cannot write the type {name}")),
    }
}

fn is_bits(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '0' | '1'))
}

fn numeric(text: &str, size: Option<(u32, u32)>) -> Result<Value, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let is_number = !whole.is_empty() && is_digits(whole) && is_digits(fraction) && !digits.ends_with('.');
    let fits = size.is_none_or(|(precision, scale)| {
        let before = whole.trim_start_matches('0').len();
        before <= precision.saturating_sub(scale) as usize && fraction.trim_end_matches('0').len() <= scale as usize
    });
    if is_number && fits {
        return Ok(Value::Number(text.to_owned()));
    }
    Err(match size {
        None => "a number, such as 12.50".to_owned(),
        Some((precision, scale)) => format!("a number of at most {precision} digits, {scale} of them after the point"),
    })
}

/// A JSON array of values, each read as the element's type.
fn list(of: &Kind, text: &str) -> Result<Value, String> {
    let refused = || "a JSON array, such as [1, 2]".to_owned();
    let values: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| refused())?;
    let element = |value: serde_json::Value| match value {
        serde_json::Value::Null => Err("an array without null".to_owned()),
        serde_json::Value::String(text) => parse(of, &text),
        other => parse(of, &other.to_string()),
    };
    values.into_iter().map(element).collect::<Result<_, _>>().map(Value::List)
}

/// An instant as SQLite keeps it: RFC 3339 in UTC, as SeaORM writes one.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// The value to use in place of NULL in a NOT NULL column.
pub(crate) fn blank(kind: &Kind) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    match kind {
        Kind::Text | Kind::VarChar(_) | Kind::Char(_) | Kind::VarBit(_) | Kind::Unsupported(_) => text(""),
        Kind::SmallInteger | Kind::Integer | Kind::BigInteger | Kind::Real | Kind::Double | Kind::Numeric(_) => {
            Value::Integer(0)
        }
        Kind::Boolean => Value::Boolean(false),
        Kind::Uuid => text("00000000-0000-0000-0000-000000000000"),
        Kind::Timestamp(_) => text("1970-01-01 00:00:00"),
        Kind::TimestampTz(_) => text("1970-01-01T00:00:00+00:00"),
        Kind::Date => text("1970-01-01"),
        Kind::Time(_) => text("00:00:00"),
        Kind::Interval => text("00:00:00"),
        Kind::Json | Kind::JsonBinary => text("{}"),
        Kind::Bytes => Value::Bytes(String::new()),
        Kind::Inet => text("0.0.0.0"),
        Kind::Cidr => text("0.0.0.0/0"),
        Kind::MacAddr => text("00:00:00:00:00:00"),
        Kind::Bit(length) => Value::Text("0".repeat(*length as usize)),
        // PostgreSQL allows a type without values, which then has no column that must have one.
        Kind::Enum(of) => Value::Text(of.values.first().cloned().unwrap_or_default()),
        Kind::Array(_) => Value::List(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::EnumType;
    use super::*;

    #[test]
    fn values_are_of_the_columns_type_or_refused() {
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        let number = |digits: &str| Ok(Value::Number(digits.to_owned()));
        let mood = Kind::Enum(EnumType { name: "mood".into(), values: vec!["good".into(), "bad".into()] });
        for (kind, given, read) in [
            (Kind::Integer, "-5", Ok(Value::Integer(-5))),
            (Kind::SmallInteger, "32767", Ok(Value::Integer(32767))),
            (Kind::Text, "it's; DROP TABLE users", text("it's; DROP TABLE users")),
            (Kind::VarChar(Some(3)), "äöü", text("äöü")),
            (Kind::Double, "1e3", number("1000.0")),
            (Kind::Numeric(Some((4, 2))), "-12.50", number("-12.50")),
            (Kind::Numeric(None), "123456789012345678901234567890.5", number("123456789012345678901234567890.5")),
            (Kind::Boolean, "Yes", Ok(Value::Boolean(true))),
            (Kind::Timestamp(6), "2026-11-22T18:00:00+01:00", text("2026-11-22 17:00:00")),
            (Kind::TimestampTz(6), "2026-11-22T18:00:00+01:00", text("2026-11-22T17:00:00+00:00")),
            (Kind::Timestamp(6), "now", Ok(Value::Now)),
            (Kind::Date, "2024-02-29", text("2024-02-29")),
            (Kind::Time(6), "18:00", text("18:00:00")),
            (Kind::JsonBinary, "{\"a\": 1}", text("{\"a\": 1}")),
            (Kind::Bytes, "\\x0AFF", Ok(Value::Bytes("0aff".into()))),
            (Kind::Inet, "2001:db8::1/64", text("2001:db8::1/64")),
            (Kind::MacAddr, "08-00-2B-01-02-03", text("08:00:2b:01:02:03")),
            (Kind::Bit(3), "101", text("101")),
            (mood.clone(), "bad", text("bad")),
            (
                Kind::Array(Box::new(Kind::Integer)),
                "[1, 2]",
                Ok(Value::List(vec![Value::Integer(1), Value::Integer(2)])),
            ),
        ] {
            assert_eq!(parse(&kind, given), read, "{kind:?} {given}");
        }
        for (kind, given) in [
            (Kind::Integer, "2147483648"),
            (Kind::SmallInteger, "32768"),
            (Kind::VarChar(Some(3)), "four"),
            (Kind::Double, "inf"),
            (Kind::Numeric(Some((4, 2))), "123.5"),
            (Kind::Numeric(Some((4, 2))), "1.234"),
            (Kind::Numeric(None), "1e5"),
            (Kind::Numeric(None), "-"),
            (Kind::Uuid, "x"),
            (Kind::Date, "2025-02-29"),
            (Kind::Json, "{"),
            (Kind::Bytes, "abc"),
            (Kind::Inet, "1.2.3.4/33"),
            (Kind::MacAddr, "08:00"),
            (Kind::Bit(3), "10"),
            (mood, "ugly"),
            (Kind::Array(Box::new(Kind::Integer)), "[\"x\"]"),
        ] {
            assert!(parse(&kind, given).is_err(), "{kind:?} {given}");
        }
    }

    #[test]
    fn the_value_that_stands_for_none_is_one_of_the_type() {
        for kind in
            [Kind::Text, Kind::Uuid, Kind::Timestamp(6), Kind::TimestampTz(0), Kind::Date, Kind::Json, Kind::Cidr]
        {
            let Value::Text(text) = blank(&kind) else { panic!("{kind:?}") };
            assert!(parse(&kind, &text).is_ok(), "{kind:?} {text}");
        }
    }
}
