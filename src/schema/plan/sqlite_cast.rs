//! Casts of values on SQLite that give what PostgreSQL's casts give.

use crate::schema::model::{Kind, MICROSECONDS};

/// The value of `expression` as another type. A `STRICT` column itself turns text into numbers and back, and refuses
/// what is no number; what is written here is what the two engines write differently.
pub(in crate::schema) fn cast(expression: &str, from: &Kind, to: &Kind) -> String {
    use Kind::{
        BigInteger, Boolean, Bytes, Char, Date, Double, Integer, Numeric, Real, SmallInteger, Text, Time, Timestamp,
        TimestampTz, VarChar,
    };
    let x = expression;
    match (from, to) {
        (Boolean, Text | VarChar(_) | Char(_)) => {
            format!("CASE {x} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE {x} END")
        }
        (Text | VarChar(_) | Char(_), Boolean) => format!(
            "CASE WHEN lower(trim({x})) IN ('true', 't', 'yes', 'y', 'on', '1') THEN 1 \
             WHEN lower(trim({x})) IN ('false', 'f', 'no', 'n', 'off', '0') THEN 0 ELSE {x} END"
        ),
        (SmallInteger | Integer | BigInteger | Real | Double, Boolean) => format!("{x} <> 0"),
        (Numeric(_), Boolean) => format!("CAST({x} AS REAL) <> 0"),
        (Real | Double | Numeric(_), SmallInteger | Integer | BigInteger) => {
            format!("CAST(round({x}) AS INTEGER)")
        }
        (Real | Double | Numeric(_), Numeric(Some((precision, scale))))
            if *precision <= crate::schema::dialect::sqlite::REAL_DIGITS =>
        {
            format!("round({x}, {scale})")
        }
        (Timestamp(_), TimestampTz(digits)) => {
            format!("({}) || '+00:00'", cut(&format!("replace({x}, ' ', 'T')"), *digits))
        }
        (TimestampTz(_), Timestamp(digits)) => cut(&utc(x), *digits),
        (TimestampTz(_), Date) => format!("substr({}, 1, 10)", utc(x)),
        (TimestampTz(_), Time(digits)) => cut_time(&format!("substr({}, 12)", utc(x)), *digits),
        (TimestampTz(_), TimestampTz(digits)) => {
            format!("({}) || substr({x}, -6)", cut(&format!("substr({x}, 1, length({x}) - 6)"), *digits))
        }
        (Timestamp(_), Timestamp(digits)) => cut(x, *digits),
        (Timestamp(_), Date) => format!("substr({x}, 1, 10)"),
        (Timestamp(_), Time(digits)) => cut_time(&format!("substr({x}, 12)"), *digits),
        (Time(_), Time(digits)) => cut_time(x, *digits),
        (Date, Timestamp(_)) => format!("{x} || ' 00:00:00'"),
        (Date, TimestampTz(_)) => format!("{x} || 'T00:00:00+00:00'"),
        (Bytes, Bytes) => x.to_owned(),
        // hex makes an empty text of NULL.
        (Bytes, _) => format!("CASE WHEN {x} IS NOT NULL THEN '\\x' || lower(hex({x})) END"),
        (_, Bytes) => format!(
            "CASE WHEN substr({x}, 1, 2) = '\\x' THEN unhex(substr({x}, 3)) WHEN {x} IS NOT NULL THEN CAST({x} AS BLOB) END"
        ),
        _ => x.to_owned(),
    }
}

/// An instant without its offset, in UTC.
fn utc(x: &str) -> String {
    format!(
        "CASE WHEN {x} LIKE '%+00:00' THEN replace(substr({x}, 1, length({x}) - 6), 'T', ' ') \
         ELSE rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', {x}), '0'), '.') END"
    )
}

/// A date and time with no more digits after the second than these.
fn cut(x: &str, digits: u8) -> String {
    cut_at(x, 19, digits)
}

fn cut_time(x: &str, digits: u8) -> String {
    cut_at(x, 8, digits)
}

fn cut_at(x: &str, seconds: u8, digits: u8) -> String {
    match digits {
        MICROSECONDS => x.to_owned(),
        0 => format!("substr({x}, 1, {seconds})"),
        // Without a fraction nothing is cut, and the zeros at the end are seconds.
        digits => format!(
            "CASE WHEN instr({x}, '.') THEN rtrim(rtrim(substr({x}, 1, {}), '0'), '.') ELSE {x} END",
            seconds + digits + 1
        ),
    }
}
