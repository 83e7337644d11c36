//! Separated values with a header, as spreadsheets write them.

use super::header::{Heading, Layout, named};
use super::rfc4180::{Field, Malformed, Row, Rows, trimmed};
use super::{Record, Values, Wrong, separator};
use crate::cli::ui::text::count;

/// Reads all rows; a row that cannot be parted into columns has a [`Record::fault`].
pub(super) fn read(text: &str, layout: &mut Layout<'_>) -> Result<Vec<Record>, Wrong> {
    let known = |parts: &[&str]| {
        let names = parts.iter().map(|part| trimmed(part.trim_matches('"')));
        names.filter(|name| layout.columns.known.iter().any(|column| column.eq_ignore_ascii_case(name))).count()
    };
    let start = separator::find(text, known)?;
    let mut rows = Rows::new(start.text, start.line, start.separator);
    let malformed = |wrong: Malformed| {
        Wrong::new(wrong.line, wrong.reason).accepts("quotes as RFC 4180 has them: \"He said \"\"hi\"\" to me\"")
    };
    let header = match rows.next() {
        Some(header) => header.map_err(malformed)?,
        None => return Err(Wrong::new(None, "it is empty: a header, or a JSON object, was expected")),
    };
    let header = named(&header, layout)?;
    let mut records = Vec::new();
    for row in rows {
        let row = row.map_err(malformed)?;
        records.push(match values(&row, &header, start.separator) {
            Ok(values) => Record::new(row.line, values),
            Err(fault) => Record::unreadable(row.line, fault, row.raw),
        });
    }
    Ok(records)
}

fn values(row: &Row<'_>, header: &[Heading], separator: u8) -> Result<Values, String> {
    let surplus = row.fields.get(header.len()..).unwrap_or_default();
    if row.fields.len() < header.len() || !surplus.iter().all(Field::is_empty) {
        let used = row.fields.len() - surplus.iter().rev().take_while(|field| field.is_empty()).count();
        let other = separator::other(row.raw, separator).filter(|_| used == 1);
        let hint = other.map(|name| format!(": is it parted by a {name}?")).unwrap_or_default();
        return Err(format!("{}, but the header has {}{hint}", count(used as u64, "field"), header.len()));
    }
    let mut values = Values::new();
    for ((field, heading), place) in row.fields.iter().zip(header).zip(1..) {
        match heading {
            Heading::Known(column) => {
                let text = if field.quoted { &field.text } else { trimmed(&field.text) };
                if !text.is_empty() {
                    values.insert(column, text.to_owned());
                }
            }
            Heading::Nameless if !field.is_empty() => {
                return Err(format!("field {place} is in a column without a name"));
            }
            Heading::Nameless | Heading::Ignored => {}
        }
    }
    Ok(values)
}
