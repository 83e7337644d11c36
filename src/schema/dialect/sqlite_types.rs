//! SQLite's form of each type: one of four stored types, and the condition that keeps what the type means.
//!
//! Tables are `STRICT`, so the stored type is certain. The types of the baseline (`text`, `integer`, `bigint`,
//! `double precision`, `boolean`, `uuid`, `timestamp`) have no condition: tables with them are in use, and a condition
//! would have to be checked against every row that is there already.

use super::literal;
use crate::schema::model::{Kind, MICROSECONDS, Value};

/// The digits of a number that SQLite's REAL, a 64-bit floating-point number, gives back as they went in.
pub(crate) const REAL_DIGITS: u32 = 15;

/// A version 4 UUID. `random() & 3` picks the variant; `abs(random())` would fail once in 2^64.
const RANDOM_UUID: &str = "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
     substr(hex(randomblob(2)), 2) || '-' || substr('89ab', (random() & 3) + 1, 1) || \
     substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))";

/// The name of the type as which values are stored.
///
/// Numbers of up to [`REAL_DIGITS`] digits are REAL, which compares, sorts and sums as numbers, and which SeaORM's
/// `Decimal` reads; larger ones are text, which keeps every digit.
pub(crate) fn kind(kind: &Kind) -> &str {
    match kind {
        Kind::SmallInteger | Kind::Integer | Kind::BigInteger | Kind::Boolean => "INTEGER",
        Kind::Real | Kind::Double => "REAL",
        Kind::Numeric(Some((precision, _))) if *precision <= REAL_DIGITS => "REAL",
        Kind::Bytes => "BLOB",
        Kind::Unsupported(text) => text,
        Kind::Text
        | Kind::VarChar(_)
        | Kind::Char(_)
        | Kind::Numeric(_)
        | Kind::Uuid
        | Kind::Timestamp(_)
        | Kind::TimestampTz(_)
        | Kind::Date
        | Kind::Time(_)
        | Kind::Interval
        | Kind::Json
        | Kind::JsonBinary
        | Kind::Inet
        | Kind::Cidr
        | Kind::MacAddr
        | Kind::Bit(_)
        | Kind::VarBit(_)
        | Kind::Enum(_)
        | Kind::Array(_) => "TEXT",
    }
}

/// What a value `x`, an expression of the stored type, must meet to be one of the type; none where all do.
///
/// `IS` and not `=`, which would be NULL, and so let pass, where a function knows no answer.
pub(crate) fn condition(x: &str, kind: &Kind) -> Option<String> {
    let fraction = |digits: u8| if digits == 0 { 0 } else { u32::from(digits) + 1 };
    Some(match kind {
        Kind::VarChar(Some(length)) | Kind::Char(length) => format!("length({x}) <= {length}"),
        Kind::SmallInteger => format!("{x} BETWEEN -32768 AND 32767"),
        Kind::Numeric(Some((precision, scale))) if *precision <= REAL_DIGITS => {
            format!("round({x}, {scale}) = {x} AND abs({x}) < 1e{}", precision.saturating_sub(*scale))
        }
        Kind::Numeric(size) => {
            let number = format!(
                "{x} GLOB '*[0-9]*' AND {x} NOT GLOB '*[^-0-9.]*' AND {x} NOT GLOB '*.*.*' AND {x} NOT GLOB '?*-*'"
            );
            match size {
                None => number,
                Some((precision, scale)) => format!(
                    "{number} AND instr(ltrim({x}, '-0') || '.', '.') <= {} AND length({x}) - instr({x} || '.', '.') <= {scale}",
                    precision.saturating_sub(*scale) + 1
                ),
            }
        }
        Kind::Timestamp(digits) if *digits < MICROSECONDS => format!("length({x}) <= {}", 19 + fraction(*digits)),
        Kind::TimestampTz(digits) => format!(
            "{x} IS NULL OR date(substr({x}, 1, 10)) IS substr({x}, 1, 10) AND datetime({x}) IS NOT NULL AND \
             {x} GLOB '????-??-??[T ]??:??:??*[-+]??:??' AND length({x}) <= {}",
            25 + fraction(*digits)
        ),
        Kind::Date => format!("date({x}) IS {x}"),
        Kind::Time(digits) => format!(
            "time({x}) IS substr({x}, 1, 8) AND {x} NOT GLOB '*[^0-9:.]*' AND length({x}) <= {}",
            8 + fraction(*digits)
        ),
        // Before version 3.41, and in Debian 12, SQLite has 0 and not NULL for json_valid(NULL).
        Kind::Json | Kind::JsonBinary => format!("{x} IS NULL OR json_valid({x})"),
        Kind::Inet | Kind::Cidr => format!("{x} GLOB '*[.:]*' AND {x} NOT GLOB '*[^0-9a-fA-F:./]*'"),
        Kind::MacAddr => {
            let pair = "[0-9a-f][0-9a-f]";
            format!("{x} GLOB '{}'", [pair; 6].join(":"))
        }
        Kind::Bit(length) => format!("length({x}) = {length} AND {x} NOT GLOB '*[^01]*'"),
        Kind::VarBit(None) => format!("{x} NOT GLOB '*[^01]*'"),
        Kind::VarBit(Some(length)) => format!("length({x}) <= {length} AND {x} NOT GLOB '*[^01]*'"),
        Kind::Enum(of) => {
            let values: Vec<String> = of.values.iter().map(|value| literal(value)).collect();
            format!("{x} IN ({})", values.join(", "))
        }
        Kind::Array(_) => format!("CASE WHEN json_valid({x}) THEN json_type({x}) IS 'array' ELSE {x} IS NULL END"),
        Kind::Text
        | Kind::VarChar(None)
        | Kind::Integer
        | Kind::BigInteger
        | Kind::Real
        | Kind::Double
        | Kind::Boolean
        | Kind::Uuid
        | Kind::Timestamp(_)
        | Kind::Interval
        | Kind::Bytes
        | Kind::Unsupported(_) => return None,
    })
}

/// A default's expression, in parentheses where SQLite wants them.
pub(crate) fn default(value: &Value, kind: &Kind) -> String {
    match value {
        Value::Now => now(kind),
        Value::CurrentDate => "(date('now'))".to_owned(),
        Value::CurrentTime => match kind {
            Kind::Time(0..=2) => "(time('now'))".to_owned(),
            _ => "(rtrim(rtrim(strftime('%H:%M:%f', 'now'), '0'), '.'))".to_owned(),
        },
        Value::RandomUuid => RANDOM_UUID.to_owned(),
        // Never a default in SQLite's words; the value of a row that is to get a number is NULL.
        Value::AutoIncrement => "NULL".to_owned(),
        Value::Text(text) => literal(text),
        Value::Integer(number) if self::kind(kind) == "TEXT" => literal(&number.to_string()),
        Value::Integer(number) => number.to_string(),
        Value::Number(digits) if self::kind(kind) == "TEXT" => literal(digits),
        Value::Number(digits) => digits.clone(),
        Value::Boolean(truth) => i32::from(*truth).to_string(),
        Value::Bytes(hex) => format!("X'{hex}'"),
        Value::List(values) => literal(&json(values).to_string()),
        Value::Expression(sql) => format!("({})", sql.sqlite),
        Value::Unsupported(sql) => sql.clone(),
    }
}

/// `YYYY-MM-DD HH:MM:SS[.fff]`, trailing zeros trimmed as PostgreSQL does; an instant as RFC 3339, as SeaORM writes one.
fn now(kind: &Kind) -> String {
    match kind {
        Kind::Timestamp(0..=2) => "(datetime('now'))".to_owned(),
        Kind::TimestampTz(0..=2) => "(strftime('%Y-%m-%dT%H:%M:%S', 'now') || '+00:00')".to_owned(),
        Kind::TimestampTz(_) => "(rtrim(rtrim(strftime('%Y-%m-%dT%H:%M:%f', 'now'), '0'), '.') || '+00:00')".to_owned(),
        _ => "(rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.'))".to_owned(),
    }
}

/// The values of an array as JSON.
fn json(values: &[Value]) -> serde_json::Value {
    let element = |value: &Value| match value {
        Value::Integer(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Number(digits) => serde_json::from_str(digits).unwrap_or_else(|_| digits.as_str().into()),
        Value::Bytes(hex) => format!("\\x{hex}").into(),
        Value::List(values) => json(values),
        Value::Text(text) => text.as_str().into(),
        other => default(other, &Kind::Text).into(),
    };
    values.iter().map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite before version 3.41, as Debian 12 has it, finds NULL to be no JSON.
    #[test]
    fn a_column_of_json_takes_null_in_every_version() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        for kind in [Kind::Json, Kind::JsonBinary] {
            let holds = condition("x", &kind).unwrap().replace("json_valid(x)", "x IS NOT NULL AND json_valid(x)");
            for (value, taken) in [("NULL", true), ("'{}'", true), ("'{'", false)] {
                let sql = format!("SELECT {holds} FROM (SELECT {value} AS x)");
                assert_eq!(database.query_row(&sql, [], |row| row.get(0)), Ok(taken), "{sql}");
            }
        }
    }
}
