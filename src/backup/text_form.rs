//! Columns whose type archives keep as text: the form that PostgreSQL and SQLite give it differs for some, and a value of
//! one goes into the other.

use std::borrow::Cow;

use serde_json::Value;

use super::column_mapping::scalar;
use super::format::hex::hex;
use super::format::list;
use super::format::scalar::unhex;
use super::format::table_schema::Kind as Stored;
use crate::schema::model::Kind;

/// The text of a cell as PostgreSQL reads it for a column of this type.
///
/// # Errors
/// In words, why it cannot be one.
pub(super) fn for_postgres<'a>(kind: &Kind, stored: Stored, cell: &'a [u8]) -> Result<Cow<'a, str>, String> {
    if *kind == Kind::Bytes && stored == Stored::Bytes {
        return Ok(format!("\\x{}", hex(cell)).into());
    }
    let text = std::str::from_utf8(cell).map_err(|_| "the text is not UTF-8")?;
    if text.contains('\0') {
        return Err("PostgreSQL cannot hold the character NUL in a text".into());
    }
    match kind {
        // PostgreSQL's own text begins so too where the first place of an array is not 1: `[0:1]={1,2}`.
        Kind::Array(_) if text.starts_with('[') => Ok(match serde_json::from_str::<Vec<Value>>(text) {
            Ok(values) => postgres_list(&values).into(),
            Err(_) => text.into(),
        }),
        _ => Ok(text.into()),
    }
}

/// What SQLite holds of such a column.
#[derive(Debug, PartialEq)]
pub(super) enum SqliteForm<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(Vec<u8>),
}

/// The value of a cell as SQLite holds it in a column of this type.
pub(super) fn for_sqlite<'a>(kind: &Kind, text: &'a str) -> SqliteForm<'a> {
    match kind {
        Kind::Bytes => match unhex(text.as_bytes()) {
            Some(bytes) => SqliteForm::Blob(bytes),
            None => SqliteForm::Blob(text.as_bytes().to_vec()),
        },
        Kind::Array(of) if text.starts_with('{') => match list::to_json(scalar(of), text) {
            Some(list) => SqliteForm::Text(list.to_string().into()),
            None => SqliteForm::Text(text.into()),
        },
        // PostgreSQL leaves out the minutes of a zone that has none.
        Kind::TimestampTz(_) if text.len() > 3 && matches!(text.as_bytes()[text.len() - 3], b'+' | b'-') => {
            SqliteForm::Text(format!("{text}:00").into())
        }
        _ => SqliteForm::Text(text.into()),
    }
}

/// The bytes of a cell that both engines' forms of one value have in common.
pub(super) fn canonical<'a>(kind: &Kind, stored: Stored, cell: &'a [u8]) -> Cow<'a, [u8]> {
    let Ok(text) = std::str::from_utf8(cell) else { return cell.into() };
    match kind {
        Kind::Bytes if stored == Stored::Bytes => cell.into(),
        // SQLite's number has seventeen digits, PostgreSQL's as many as it needs.
        Kind::Real | Kind::Double | Kind::Numeric(Some((..=15, _))) => match text.parse::<f64>() {
            Ok(number) => number.to_string().into_bytes().into(),
            Err(_) => cell.into(),
        },
        Kind::JsonBinary => match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                value.sort_all_objects();
                value.to_string().into_bytes().into()
            }
            Err(_) => cell.into(),
        },
        _ => match for_sqlite(kind, text) {
            SqliteForm::Text(text) => text.into_owned().into_bytes().into(),
            SqliteForm::Blob(bytes) => bytes.into(),
        },
    }
}

/// PostgreSQL's text form of an array (manual, 8.15.6).
fn postgres_list(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::Array(inner) => postgres_list(inner),
        Value::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        other => format!("\"{}\"", other.to_string().replace('\\', "\\\\").replace('"', "\\\"")),
    };
    format!("{{{}}}", values.iter().map(one).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(kind: &Kind, text: &str) -> String {
        match for_sqlite(kind, text) {
            SqliteForm::Text(text) => text.into_owned(),
            SqliteForm::Blob(bytes) => format!("blob {}", hex(&bytes)),
        }
    }

    #[test]
    fn lists_bytes_and_instants_go_both_ways() {
        let texts = Kind::Array(Box::new(Kind::Text));
        let numbers = Kind::Array(Box::new(Kind::Integer));
        let list = r#"{a,"b \"c\", \\d",NULL,"NULL",""}"#;
        let json = r#"["a","b \"c\", \\d",null,"NULL",""]"#;
        assert_eq!(sqlite(&texts, list), json);
        assert_eq!(
            for_postgres(&texts, Stored::Text, json.as_bytes()).unwrap(),
            r#"{"a","b \"c\", \\d",NULL,"NULL",""}"#
        );
        assert_eq!(sqlite(&numbers, "{1,-2,NULL}"), "[1,-2,null]");
        assert_eq!(sqlite(&texts, "{}"), "[]");
        let doubles = Kind::Array(Box::new(Kind::Double));
        assert_eq!(sqlite(&doubles, "{1,0.5,NaN}"), r#"[1.0,0.5,"NaN"]"#);
        for other in ["{{1},{2}}", "[0:1]={1,2}"] {
            assert_eq!(sqlite(&numbers, other), other);
            assert_eq!(for_postgres(&numbers, Stored::Text, other.as_bytes()).unwrap(), other);
        }
        assert_eq!(for_postgres(&numbers, Stored::Text, b"[1,-2]").unwrap(), r#"{"1","-2"}"#);
        assert_eq!(sqlite(&Kind::Bytes, r"\xc0ff"), "blob c0ff");
        assert_eq!(for_postgres(&Kind::Bytes, Stored::Bytes, &[0xc0, 0xff]).unwrap(), r"\xc0ff");
        assert_eq!(for_postgres(&Kind::Bytes, Stored::Text, br"\xc0ff").unwrap(), r"\xc0ff");
        assert_eq!(sqlite(&Kind::TimestampTz(6), "2026-11-22 18:00:00+00"), "2026-11-22 18:00:00+00:00");
        assert_eq!(sqlite(&Kind::TimestampTz(6), "2026-11-22 18:00:00+05:30"), "2026-11-22 18:00:00+05:30");
        assert_eq!(sqlite(&Kind::Date, "2026-11-22"), "2026-11-22");
        let same = |kind: &Kind, one: &[u8], other: &[u8]| {
            assert_eq!(canonical(kind, Stored::Text, one), canonical(kind, Stored::Text, other), "{kind:?}");
        };
        same(&Kind::Double, b"0.1", b"0.10000000000000001");
        same(&Kind::Numeric(Some((10, 2))), b"12.50", b"12.5");
        same(&Kind::JsonBinary, br#"{"b": 1, "a": 2}"#, br#"{"a":2,"b":1}"#);
        same(&numbers, b"{1,-2,NULL}", b"[1,-2,null]");
        assert_eq!(
            canonical(&Kind::Bytes, Stored::Text, br"\xc0ff"),
            canonical(&Kind::Bytes, Stored::Bytes, &[0xc0, 0xff])
        );
        assert!(for_postgres(&Kind::Date, Stored::Text, b"\0").is_err());
    }
}
