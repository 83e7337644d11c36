//! Page cursors: the values of a row in the sort columns, encoded as one word.
//!
//! A cursor is not authenticated, because it is only a filter: its values are bound like any other's.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::value::{CUT, Datum};
use super::{BrowseError, Result};

/// A position between rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The columns sorted by, `-` before those that descend.
    #[serde(rename = "s")]
    pub sort: Vec<String>,
    /// The values there.
    #[serde(rename = "v")]
    pub values: Vec<Mark>,
}

/// A value in a cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Mark {
    /// NULL.
    #[serde(rename = "n")]
    Null,
    /// A whole number.
    #[serde(rename = "i")]
    Integer(i64),
    /// A floating-point number, by its bits.
    #[serde(rename = "r")]
    Real(u64),
    /// A text.
    #[serde(rename = "t")]
    Text(String),
    /// Bytes.
    #[serde(rename = "b")]
    Bytes(Vec<u8>),
    /// Too long for the cursor: read again from the row that its key names.
    #[serde(rename = "k")]
    OfRow,
}

impl Mark {
    /// Of a value that was read at most so far as a page shows it, or whole.
    pub(super) fn of(datum: &Datum, whole: bool) -> Self {
        match datum {
            Datum::Text(text) if !whole && text.chars().count() > CUT => Self::OfRow,
            Datum::Bytes(bytes) if !whole && bytes.len() >= CUT / 2 => Self::OfRow,
            Datum::Null => Self::Null,
            Datum::Integer(number) => Self::Integer(*number),
            Datum::Real(number) => Self::Real(number.to_bits()),
            Datum::Text(text) => Self::Text(text.clone()),
            Datum::Bytes(bytes) => Self::Bytes(bytes.clone()),
        }
    }

    /// Its value; `None` where only the row knows it.
    pub(super) fn datum(&self) -> Option<Datum> {
        Some(match self {
            Self::Null => Datum::Null,
            Self::Integer(number) => Datum::Integer(*number),
            Self::Real(bits) => Datum::Real(f64::from_bits(*bits)),
            Self::Text(text) => Datum::Text(text.clone()),
            Self::Bytes(bytes) => Datum::Bytes(bytes.clone()),
            Self::OfRow => return None,
        })
    }
}

impl Cursor {
    /// As one word.
    pub(crate) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string())
    }

    /// Reads [`Cursor::encode`].
    ///
    /// # Errors
    /// [`BrowseError::Cursor`], also where it is of another order than `sort`.
    pub(crate) fn decode(word: &str, sort: &[String]) -> Result<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(word).map_err(|_| BrowseError::Cursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| BrowseError::Cursor)?;
        let fits = cursor.sort == sort && cursor.values.len() == sort.len();
        let storable = |mark: &Mark| !matches!(mark, Mark::Text(text) if text.contains('\0'));
        if fits && cursor.values.iter().all(storable) { Ok(cursor) } else { Err(BrowseError::Cursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_fits_its_order_alone() {
        let sort = ["-amount".to_owned(), "id".to_owned()];
        let values = vec![Mark::Real(0.1_f64.to_bits()), Mark::Text("é\"".into())];
        let cursor = Cursor { sort: sort.to_vec(), values };
        assert_eq!(Cursor::decode(&cursor.encode(), &sort).unwrap(), cursor);
        for (word, sort) in [
            (cursor.encode(), ["amount".to_owned(), "id".to_owned()]),
            ("e30".to_owned(), sort.clone()),
            ("%".to_owned(), sort),
        ] {
            assert!(matches!(Cursor::decode(&word, &sort), Err(BrowseError::Cursor)));
        }
    }
}
