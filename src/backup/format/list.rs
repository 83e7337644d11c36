//! Lists in a Parquet file: cells that travel as the text of a PostgreSQL array are a LIST there, with a level of its own
//! for a list that is NULL, for one without elements, and for an element that is NULL. (Apache Parquet format, "Lists".)

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition};
use parquet::column::reader::ColumnReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::{ColumnPath, Type};
use serde_json::{Number, Value};

use super::array;
use super::scalar::{Scalar, double_text, parse, real_text};
use super::strings::Strings;

/// The most elements that a list in a LIST column has; a column with a longer one stays text. Their levels take memory
/// that no page's size shows.
pub(crate) const LIST_LENGTH: usize = 100_000;

/// Values handed to the file at a time, in bytes of their text, so that its pages stay small.
const PIECE: usize = 1 << 20;

/// The names that the format prescribes for the two levels below the column.
const LEVELS: [&str; 2] = ["list", "element"];

/// The column in the file's schema, with this type of its elements.
///
/// # Errors
/// None for a type that has a name.
pub(crate) fn field(name: &str, repetition: Repetition, element: impl FnOnce(&str) -> Result<Type>) -> Result<Type> {
    let [list, of] = LEVELS;
    let elements = Type::group_type_builder(list)
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element(of)?)])
        .build()?;
    Type::group_type_builder(name)
        .with_repetition(repetition)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(elements)])
        .build()
}

/// Where the values of such a column are.
pub(crate) fn path(name: &str) -> ColumnPath {
    let [list, of] = LEVELS;
    ColumnPath::new(vec![name.to_owned(), list.to_owned(), of.to_owned()])
}

/// Whether this text would come back byte for byte.
pub(crate) fn holds(of: Scalar, text: &[u8]) -> bool {
    let Some(elements) = std::str::from_utf8(text).ok().and_then(array::split) else { return false };
    elements.len() <= LIST_LENGTH
        && elements.iter().flatten().all(|element| of.holds(element.as_bytes()))
        && array::join(elements.iter().map(Option::as_deref)).as_bytes() == text
}

/// The text that PostgreSQL would have written for a list in JSON, as SQLite has it; none where that would not come back
/// byte for byte.
pub(crate) fn of_json(of: Scalar, json: &str) -> Option<String> {
    let values: Vec<Value> = serde_json::from_str(json).ok()?;
    let elements = values.into_iter().map(|value| element(of, value)).collect::<Option<Vec<_>>>()?;
    let text = array::join(elements.iter().map(Option::as_deref));
    let again = to_json(of, &text)?.to_string();
    (holds(of, text.as_bytes()) && again == json).then_some(text)
}

/// The text of an element; `Some(None)` for NULL.
fn element(of: Scalar, value: Value) -> Option<Option<String>> {
    Some(Some(match value {
        Value::Null => return Some(None),
        Value::Bool(truth) => if truth { "t" } else { "f" }.to_owned(),
        Value::Number(number) => {
            let digits = number.to_string();
            match of {
                Scalar::Real => String::from_utf8(real_text(parse(digits.as_bytes())?)).ok()?,
                Scalar::Double => String::from_utf8(double_text(parse(digits.as_bytes())?)).ok()?,
                _ => digits,
            }
        }
        Value::String(text) if of == Scalar::Timestamptz => text.strip_suffix(":00")?.to_owned(),
        Value::String(text) => text,
        Value::Array(_) | Value::Object(_) => return None,
    }))
}

/// A list in PostgreSQL's text form as JSON, in the form in which SeaORM writes it on SQLite; none where it is none.
pub(crate) fn to_json(of: Scalar, text: &str) -> Option<Value> {
    let value = |element: Option<String>| {
        let Some(text) = element else { return Value::Null };
        let number = match of {
            Scalar::Boolean => return Value::Bool(text == "t"),
            Scalar::Smallint | Scalar::Integer | Scalar::Bigint => text.parse::<i64>().ok().map(Number::from),
            Scalar::Real => text.parse::<f32>().ok().and_then(|number| Number::from_f64(number.into())),
            Scalar::Double => text.parse::<f64>().ok().and_then(Number::from_f64),
            // PostgreSQL leaves out the minutes of a zone that has none.
            Scalar::Timestamptz if text.len() > 3 && matches!(text.as_bytes()[text.len() - 3], b'+' | b'-') => {
                return Value::String(text + ":00");
            }
            _ => None,
        };
        number.map_or(Value::String(text), Value::Number)
    };
    Some(Value::Array(array::split(text)?.into_iter().map(value).collect()))
}

/// Writes a column; `levels` are 1 for a list and 0 for NULL, empty where none can be NULL.
///
/// # Errors
/// What the file returns, and a text that [`holds`] not.
pub(crate) fn write(
    of: Scalar,
    writer: &mut SerializedColumnWriter<'_>,
    cells: &Strings,
    levels: &[i16],
) -> Result<()> {
    let no_list = || ParquetError::General(format!("a cell is no list of {of:?}"));
    let nullable = i16::from(!levels.is_empty());
    let rows = if levels.is_empty() { cells.len() } else { levels.len() };
    let (mut cell, mut row) = (0, 0);
    while row < rows {
        let (mut definitions, mut repetitions, mut values, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        while row < rows && bytes < PIECE {
            if levels.get(row) == Some(&0) {
                definitions.push(0);
                repetitions.push(0);
                row += 1;
                continue;
            }
            let text = cells.get(cell);
            let elements = std::str::from_utf8(text).ok().and_then(array::split).ok_or_else(no_list)?;
            if elements.is_empty() {
                definitions.push(nullable);
                repetitions.push(0);
            }
            for (place, element) in elements.into_iter().enumerate() {
                definitions.push(nullable + if element.is_some() { 2 } else { 1 });
                repetitions.push(i16::from(place > 0));
                values.extend(element);
            }
            bytes += text.len();
            cell += 1;
            row += 1;
        }
        of.write(writer, values.iter().map(String::as_bytes), &definitions, &repetitions)?;
    }
    Ok(())
}

/// Reads `rows` rows of a column; returns how many rows and lists there were, and the bytes of their texts.
///
/// # Errors
/// A column of another physical type, a value that no list of this type holds, and what the decoder returns.
pub(crate) fn read(
    of: Scalar,
    reader: &mut ColumnReader,
    rows: usize,
    levels: Option<&mut Vec<i16>>,
    out: &mut Strings,
) -> Result<((usize, usize), usize)> {
    let (mut definitions, mut repetitions, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let read = of.read(reader, rows, Some(&mut definitions), Some(&mut repetitions), |text| texts.push(text))?;
    let nullable = i16::from(levels.is_some());
    let mut nulls = Vec::new();
    let (mut lists, mut bytes) = (0, 0);
    let mut texts = texts.into_iter();
    let mut list: Vec<Option<String>> = Vec::new();
    for (place, &level) in definitions.iter().enumerate() {
        match level - nullable {
            ..0 => nulls.push(0),
            0 => {}
            1 => list.push(None),
            _ => {
                let text = texts.next().and_then(|text| String::from_utf8(text).ok());
                list.push(Some(text.ok_or_else(|| ParquetError::General(format!("an element is no {of:?}")))?));
            }
        }
        let last = repetitions.get(place + 1).is_none_or(|&next| next == 0);
        if last && level >= nullable {
            let text = array::join(list.iter().map(Option::as_deref));
            out.push(text.as_bytes());
            bytes += text.len();
            lists += 1;
            nulls.push(1);
            list.clear();
        }
    }
    if let Some(levels) = levels {
        levels.append(&mut nulls);
    }
    Ok(((read.0, lists), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_sqlite_become_the_text_of_postgres_or_are_left_alone() {
        for (of, json, text) in [
            (Scalar::Integer, "[1,-2,null]", Some("{1,-2,NULL}")),
            (Scalar::Integer, "[]", Some("{}")),
            (Scalar::Integer, "[1, -2]", None),
            (Scalar::Integer, "[1.5]", None),
            (Scalar::Integer, "[[1]]", None),
            (Scalar::Smallint, "[32768]", None),
            (Scalar::Double, "[1.0,0.1]", Some("{1,0.1}")),
            (Scalar::Double, "[1]", None),
            (Scalar::Real, "[0.10000000149011612]", Some("{0.1}")),
            (Scalar::Boolean, "[true,false]", Some("{t,f}")),
            (Scalar::Boolean, "[1]", None),
            (Scalar::Text, r#"["a","b \"c\", \\d",null,"NULL",""]"#, Some(r#"{a,"b \"c\", \\d",NULL,"NULL",""}"#)),
            (Scalar::Text, r#"["\u0061"]"#, None),
            (Scalar::Decimal(10, 2), r#"["1.50"]"#, Some("{1.50}")),
            (Scalar::Decimal(10, 2), r#"["1.5"]"#, None),
            (Scalar::Date, r#"["2026-11-22"]"#, Some("{2026-11-22}")),
            (Scalar::Timestamptz, r#"["2026-11-22 18:00:00+00:00"]"#, Some("{\"2026-11-22 18:00:00+00\"}")),
            (Scalar::Timestamptz, r#"["2026-11-22T18:00:00Z"]"#, None),
            (Scalar::Text, "{}", None),
        ] {
            assert_eq!(of_json(of, json).as_deref(), text, "{of:?} {json}");
        }
    }

    #[test]
    fn what_no_list_of_a_column_is_is_known() {
        for (of, text) in [
            (Scalar::Integer, "{{1},{2}}"),
            (Scalar::Integer, "[0:1]={1,2}"),
            (Scalar::Integer, "{x}"),
            (Scalar::Integer, "{\"1\"}"),
            (Scalar::Decimal(4, 2), "{NaN}"),
            (Scalar::Text, "[1]"),
        ] {
            assert!(!holds(of, text.as_bytes()), "{of:?} {text}");
        }
        assert!(!holds(Scalar::Text, &[b'{', 0xff, b'}']));
        let long = |count: usize| format!("{{{}}}", vec!["1"; count].join(","));
        assert!(holds(Scalar::Integer, long(LIST_LENGTH).as_bytes()));
        assert!(!holds(Scalar::Integer, long(LIST_LENGTH + 1).as_bytes()));
    }

    proptest::proptest! {
        #[test]
        fn any_list_of_texts_goes_both_ways(texts: Vec<Option<String>>) {
            let json = Value::from(texts).to_string();
            let text = of_json(Scalar::Text, &json).unwrap();
            proptest::prop_assert_eq!(to_json(Scalar::Text, &text).unwrap().to_string(), json);
        }
    }
}
