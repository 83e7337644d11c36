//! Values as the engine stores them, and as they are shown.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::table::Kind;
use crate::entity::types::Timestamp;

/// How many characters of a long value a page shows.
pub(super) const CUT: usize = 2_000;

/// A value in its storage class. PostgreSQL's are all text here, in the form of a cast to text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A value as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// NULL.
    Null,
    /// A whole number that fits 32 bits.
    Number(i64),
    /// A truth value.
    Boolean(bool),
    /// Everything else, exactly.
    Text(String),
    /// The beginning of a long text.
    Cut(String),
}

impl Cell {
    /// The value of a column of this kind; cut where it is longer than `most` characters.
    pub(crate) fn of(kind: Kind, datum: Datum, most: usize) -> Self {
        let text = match (kind, datum) {
            (_, Datum::Null) => return Self::Null,
            (Kind::Boolean, Datum::Integer(number @ (0 | 1))) => return Self::Boolean(number == 1),
            (Kind::Integer, Datum::Integer(number)) if i32::try_from(number).is_ok() => return Self::Number(number),
            (_, Datum::Integer(number)) => return Self::Text(number.to_string()),
            (_, Datum::Real(number)) => return Self::Text(number.to_string()),
            (_, Datum::Bytes(bytes)) => hexadecimal(&bytes),
            (_, Datum::Text(text)) => text,
        };
        match kind {
            Kind::Boolean if text == "true" => Self::Boolean(true),
            Kind::Boolean if text == "false" => Self::Boolean(false),
            Kind::Integer => match text.parse::<i32>() {
                Ok(number) if number.to_string() == text => Self::Number(number.into()),
                _ => Self::Text(text),
            },
            Kind::Timestamp => Self::Text(instant(&text).unwrap_or(text)),
            _ => match text.char_indices().nth(most) {
                Some((end, _)) => Self::Cut(text[..end].to_owned()),
                None => Self::Text(text),
            },
        }
    }

    /// Its text; `None` for NULL.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Number(number) => Some(number.to_string()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::Text(text) | Self::Cut(text) => Some(text.clone()),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Number(number) => to.serialize_i64(*number),
            Self::Boolean(value) => to.serialize_bool(*value),
            Self::Text(text) => to.serialize_str(text),
            Self::Cut(text) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry("cut", text)?;
                map.end()
            }
        }
    }
}

/// A stored time in RFC 3339, where it is one to the microsecond.
fn instant(stored: &str) -> Option<String> {
    let fraction = stored.split_once('.').map_or("", |(_, rest)| rest);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 6 {
        return None;
    }
    // What PostgreSQL prints for an instant with a zone, in a session whose zone is UTC.
    let stored = stored.strip_suffix("+00").unwrap_or(stored);
    stored.parse::<Timestamp>().ok().map(|at| at.to_string())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// What `encodeURIComponent` leaves as it is.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~').remove(b'*').remove(b'\'');

/// The key of a row as one text: its parts percent-encoded, with commas between.
pub(crate) fn key_text(parts: &[Cell]) -> String {
    let encoded = |part: &Cell| utf8_percent_encode(&part.text().unwrap_or_default(), KEPT).to_string();
    parts.iter().map(encoded).collect::<Vec<_>>().join(",")
}

/// The parts of [`key_text`]; `None` where it is none of so many.
pub(crate) fn key_parts(key: &str, count: usize) -> Option<Vec<String>> {
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8().ok().map(String::from);
    let parts: Vec<String> = key.split(',').map(decoded).collect::<Option<_>>()?;
    (parts.len() == count).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Kind, text: &str) -> Cell {
        Cell::of(kind, Datum::Text(text.to_owned()), CUT)
    }

    #[test]
    fn values_that_do_not_fit_their_kind_are_shown_as_they_are() {
        for (kind, text) in [
            (Kind::Integer, "007"),
            (Kind::Integer, "99999999999"),
            (Kind::Boolean, "perhaps"),
            (Kind::Timestamp, "infinity"),
            (Kind::Timestamp, "2026-11-22 18:00:00.1234567"),
            (Kind::Enum, "no value of it"),
        ] {
            assert_eq!(shown(kind, text), Cell::Text(text.to_owned()));
        }
        assert_eq!(Cell::of(Kind::Integer, Datum::Integer(1 << 40), CUT), Cell::Text("1099511627776".into()));
        assert_eq!(Cell::of(Kind::Boolean, Datum::Integer(2), CUT), Cell::Text("2".into()));
    }

    #[test]
    fn times_keep_their_microseconds() {
        let at = |text| shown(Kind::Timestamp, text).text().unwrap();
        assert_eq!(at("2026-11-22 18:00:00.123456"), "2026-11-22T18:00:00.123456Z");
        assert_eq!(at("2026-11-22 18:00:00+00"), "2026-11-22T18:00:00Z");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(CUT + 1);
        assert_eq!(shown(Kind::Text, &long), Cell::Cut("é".repeat(CUT)));
        assert_eq!(shown(Kind::Text, &long[2..]), Cell::Text("é".repeat(CUT)));
    }

    #[test]
    fn keys_of_several_parts_come_back() {
        let key = key_text(&[Cell::Text("a,b/é %".into()), Cell::Text(String::new())]);
        assert_eq!(key, "a%2Cb%2F%C3%A9%20%25,");
        assert_eq!(key_parts(&key, 2), Some(vec!["a,b/é %".to_owned(), String::new()]));
        assert_eq!(key_parts(&key, 1), None);
    }
}
