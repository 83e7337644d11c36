//! One record as its keys and values, for programs and wherever columns are named.

use std::io::{self, Write};

use serde_json::Value;

use super::{Cell, Page, list, text};
use crate::error::{Error, Result};

/// The value with only the keys that `--columns` names, in that order.
///
/// # Errors
/// An unknown column.
pub(super) fn chosen(value: Value, columns: Option<&[String]>) -> Result<Value> {
    let (Some(names), Some(object)) = (columns, value.as_object()) else { return Ok(value) };
    let mut kept = serde_json::Map::new();
    for name in names {
        let Some((key, value)) = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)) else {
            return Err(Error::unknown_column(
                "--columns",
                name,
                &object.keys().map(String::as_str).collect::<Vec<_>>(),
            ));
        };
        kept.insert(key.clone(), value.clone());
    }
    Ok(kept.into())
}

/// Writes it as CSV: a header, where one is wanted, and a record.
pub(super) fn record(out: &mut dyn Write, value: &Value, header: bool, safe: bool) -> io::Result<()> {
    let Some(object) = value.as_object() else { return Ok(()) };
    if header {
        list::write_csv(out, object.keys().cloned())?;
    }
    let cells = object.values().map(|value| match value {
        Value::String(text) => crate::csv_record::defused(text.clone(), safe),
        other => plain(other),
    });
    list::write_csv(out, cells)
}

/// Shows it to a person, a key a line.
pub(super) fn fields(page: &mut Page<'_>, value: &Value) -> io::Result<()> {
    let fields = value.as_object().into_iter().flatten();
    let fields: Vec<(&str, Cell)> = fields.map(|(key, value)| (key.as_str(), Cell::new(read(value)))).collect();
    page.fields(&fields)
}

/// A value as people read it everywhere else. Ids are texts, so that a number is a quantity.
fn read(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), text::grouped),
        other => plain(other),
    }
}

/// A value as one cell, for programs.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
