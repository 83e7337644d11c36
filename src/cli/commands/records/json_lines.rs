//! JSON objects, one a line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::header::Layout;
use super::{Record, Values, Wrong};

/// Reads the objects. A line that is JSON of another kind becomes a record with a fault; one that ends in the middle of
/// an object means that the file was cut, and then nothing of it is taken.
pub(super) fn read(text: &str, layout: &mut Layout<'_>) -> Result<Vec<Record>, Wrong> {
    let mut records = Vec::new();
    for (line, text) in lines(text).filter(|(_, text)| !text.trim().is_empty()) {
        let pairs: Pairs = match serde_json::from_str(text) {
            Ok(pairs) => pairs,
            Err(error) if error.classify() == Category::Eof => {
                let reason = "it ends in the middle of a JSON object: the file was cut, or an object has several lines";
                return Err(Wrong::new(line, reason).accepts("one whole object a line, as -o ndjson writes it"));
            }
            Err(error) => {
                records.push(Record::unreadable(line, fault(&error, text), text));
                continue;
            }
        };
        records.push(match values(pairs, line, layout) {
            Ok(values) => Record::new(line, values),
            Err(fault) => Record::unreadable(line, fault, text),
        });
    }
    Ok(records)
}

/// What is wrong with a line. serde_json counts lines within the text that it is given, which is one line.
fn fault(error: &serde_json::Error, text: &str) -> String {
    let object = text.trim_end().strip_suffix(',').map(serde_json::from_str::<Pairs>);
    if matches!(object, Some(Ok(_))) {
        return "a comma is after the object: write one object a line, without commas between".to_owned();
    }
    format!("no JSON object: {}", error.to_string().replacen(" at line 1 column ", " at column ", 1))
}

fn values(pairs: Pairs, line: u64, layout: &mut Layout<'_>) -> Result<Values, String> {
    let mut values = Values::new();
    let mut seen: Vec<&'static str> = Vec::new();
    for (key, value) in pairs.0 {
        let Some(column) = layout.column(&key, line) else { continue };
        if seen.contains(&column) {
            return Err(format!("{column} is there twice"));
        }
        seen.push(column);
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) if number.is_f64() => {
                return Err(format!(
                    "{column} {number} is a number with a fraction or an exponent, or beyond 64 bits: write whole \
                     digits, and long ids in quotes"
                ));
            }
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Array(_) | Value::Object(_) => return Err(format!("{column} is neither a text nor a number")),
        };
        if !text.is_empty() {
            values.insert(column, text);
        }
    }
    Ok(values)
}

/// The lines of a text with their numbers; CR LF, LF and CR end one. JSON has none of them inside a string.
fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let mut rest = Some(text);
    let lines = std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let (line, after) = text.split_at(end);
        rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix(['\r', '\n']));
        Some(line)
    });
    (1..).zip(lines)
}

/// The members of an object as they are written: a map would keep one of two with the same key without a word.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
