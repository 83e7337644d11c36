//! Rows that a bulk command reads from a file or from standard input: CSV with a header, or one JSON object a line.
//!
//! Which of the two it is shows in the first character. What a row means is its command's business; here a row is the text
//! of the columns that the command knows, with the line on which it stands.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use crate::cli::context::Context;
use crate::error::{Error, Kind, Result};

/// The longest input that is taken, in bytes: some ten million short rows.
const MOST: u64 = 1 << 30;

/// The column of a file of rejects that keeps, as it stood, what could not be parted into columns.
pub const RAW: &str = "raw";

/// What a file of rejects says about its rows, let through unread.
pub const ABOUT: [&str; 2] = ["line", "error"];

/// The columns of an input.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Those that mean something.
    pub known: &'static [&'static str],
    /// Those that are let through unread, so that what an export wrote can be read again. What a file of rejects has
    /// beside its columns is understood everywhere.
    pub ignored: &'static [&'static str],
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    values: BTreeMap<&'static str, String>,
    /// Why it cannot be read; it has no values then.
    pub fault: Option<String>,
    /// The row as it stood, where it could not be parted into columns: now, or when it was rejected before.
    pub raw: Option<String>,
}

impl Record {
    fn new(line: u64, mut values: BTreeMap<&'static str, String>) -> Self {
        let raw = values.remove(RAW);
        let fault = (values.is_empty() && raw.is_some())
            .then(|| format!("its columns are empty: put what is right of the column {RAW} into them"));
        Self { line, values, fault, raw }
    }

    fn unreadable(line: u64, fault: String, raw: &str) -> Self {
        Self { line, fault: Some(fault), raw: Some(raw.to_owned()), ..Self::default() }
    }

    /// The text in a column; `None` where it is empty, null or not there.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(String::as_str)
    }
}

/// Reads all rows of `source`, a path or `-` for standard input.
///
/// # Errors
/// The file cannot be read; it is neither CSV nor ndjson in UTF-8; a column is unknown or named twice. A single row that
/// cannot be read is no error here: its [`Record::fault`] says so.
pub async fn read(cx: &Context, source: &str, columns: Columns) -> Result<Vec<Record>> {
    let bytes = bytes(cx, source, MOST).await?;
    parse(&bytes, columns).map_err(|wrong| {
        let name = if source == "-" { "standard input".to_owned() } else { shortened(source) };
        let place = wrong.line.map(|line| format!(" line {line}")).unwrap_or_default();
        let error = Error::new(Kind::Usage, "invalid_file", format!("{name}{place} cannot be read")).why(wrong.reason);
        match wrong.accepted {
            Some(accepted) => error.why(accepted),
            None => error,
        }
    })
}

/// All of `source`, a path or `-` for standard input; at most `most` bytes.
///
/// # Errors
/// The file cannot be read, or it is longer.
pub async fn bytes(cx: &Context, source: &str, most: u64) -> Result<Vec<u8>> {
    if source == "-" {
        return cx.ui.read_input(most).await;
    }
    file(&cx.cwd.join(source), most).map_err(|error| unreadable(source, &error))
}

fn file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}

fn unreadable(source: &str, error: &io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::NotFound,
        io::ErrorKind::PermissionDenied => Kind::Denied,
        io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => Kind::Usage,
        _ => Kind::Failure,
    };
    let what = format!("the file {} cannot be read", shortened(source));
    Error::new(kind, "unreadable_file", what).why(error.to_string())
}

/// A name as a message repeats it.
fn shortened(name: &str) -> String {
    let shown: String = name.chars().take(200).collect();
    if shown.len() < name.len() { shown + "…" } else { shown }
}

/// Why a whole input is refused.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    line: Option<u64>,
    reason: String,
    accepted: Option<String>,
}

impl Wrong {
    fn new(line: impl Into<Option<u64>>, reason: impl Into<String>) -> Self {
        Self { line: line.into(), reason: reason.into(), accepted: None }
    }
}

fn parse(bytes: &[u8], columns: Columns) -> Result<Vec<Record>, Wrong> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() as u64;
        Wrong::new(line, "it is not UTF-8")
    })?;
    // Spreadsheets write a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().chars().next() {
        None => Err(Wrong::new(None, "it is empty: a header, or a JSON object, was expected")),
        Some('{') => Ok(json_lines(text, columns)),
        Some('[') => Err(Wrong::new(None, "it is a JSON array: write one object a line, as -o ndjson does")),
        Some(_) => comma_separated(text, columns),
    }
}

fn json_lines(text: &str, columns: Columns) -> Vec<Record> {
    let numbered = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    numbered
        .map(|(line, text)| match json_object(text, columns) {
            Ok(values) => Record::new(line, values),
            Err(fault) => Record::unreadable(line, fault, text),
        })
        .collect()
}

fn json_object(text: &str, columns: Columns) -> Result<BTreeMap<&'static str, String>, String> {
    use serde_json::Value;
    let object: serde_json::Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))?;
    let mut values = BTreeMap::new();
    for (key, value) in object {
        let Some(column) = column(&key, columns)? else { continue };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
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

fn comma_separated(text: &str, columns: Columns) -> Result<Vec<Record>, Wrong> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| Wrong::new(1, error.to_string()))?.clone();
    let header = named(&header, columns)?;
    let mut records = Vec::new();
    let mut fields = StringRecord::new();
    loop {
        match reader.read_record(&mut fields) {
            Ok(true) => {}
            Ok(false) => return Ok(records),
            Err(error) => return Err(Wrong::new(reader.position().line(), error.to_string())),
        }
        let line = fields.position().map_or(0, |place| first_line(text, place));
        if fields.len() != header.len() {
            let fault = format!("{} fields, but the header has {}", fields.len(), header.len());
            records.push(Record::unreadable(line, fault, between(text, &fields, reader.position())));
            continue;
        }
        let values = header.iter().zip(&fields).filter(|(_, text)| !text.is_empty());
        let values = values.filter_map(|(column, text)| Some(((*column)?, text.to_owned()))).collect();
        records.push(Record::new(line, values));
    }
}

/// A record as it stands in the text, up to where the reader is now.
fn between<'a>(text: &'a str, record: &StringRecord, end: &csv::Position) -> &'a str {
    let at = |place: &csv::Position| usize::try_from(place.byte()).ok();
    let range = record.position().and_then(at).zip(at(end));
    range.and_then(|(from, to)| text.get(from..to)).unwrap_or_default().trim_matches(['\r', '\n'])
}

/// The line of a record. The reader's own count stands before the empty lines that it skipped.
fn first_line(text: &str, place: &csv::Position) -> u64 {
    let rest = usize::try_from(place.byte()).ok().and_then(|at| text.as_bytes().get(at..)).unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    place.line() + skipped.filter(|byte| **byte == b'\n').count() as u64
}

/// The columns of a header, `None` for one that is let through.
fn named(header: &StringRecord, columns: Columns) -> Result<Vec<Option<&'static str>>, Wrong> {
    let mut named = Vec::with_capacity(header.len());
    for name in header {
        let column = column(name.trim(), columns).map_err(|reason| Wrong {
            line: Some(1),
            reason,
            accepted: Some("the first line must be a header".into()),
        })?;
        if column.is_some() && named.contains(&column) {
            return Err(Wrong::new(1, format!("the column {} is there twice", name.trim())));
        }
        named.push(column);
    }
    Ok(named)
}

fn column(name: &str, columns: Columns) -> Result<Option<&'static str>, String> {
    let is = |column: &&&'static str| column.eq_ignore_ascii_case(name);
    if let Some(column) = columns.known.iter().find(is) {
        return Ok(Some(column));
    }
    if name.eq_ignore_ascii_case(RAW) {
        return Ok(Some(RAW));
    }
    if columns.ignored.iter().chain(&ABOUT).any(|column| column.eq_ignore_ascii_case(name)) {
        return Ok(None);
    }
    let shown: String = name.chars().take(60).collect();
    Err(format!("no column {shown:?} here; columns are: {}", columns.known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns { known: &["userId", "username", "miles"], ignored: &["joinedAt"] };

    fn rows(text: &str) -> Vec<Record> {
        parse(text.as_bytes(), COLUMNS).unwrap()
    }

    fn wrong(text: &[u8]) -> (Option<u64>, String) {
        let wrong = parse(text, COLUMNS).unwrap_err();
        (wrong.line, wrong.reason)
    }

    #[test]
    fn csv_and_ndjson_mean_the_same() {
        let csv = rows("\u{feff}userId,MILES,joinedAt\r\n1,500,x\r\n\r\n\"2\",,y\r\n");
        let json = rows("{\"userId\":1,\"miles\":500,\"joinedAt\":[]}\n\n{\"userId\":\"2\",\"miles\":null}\n");
        let values = |records: &[Record]| records.iter().map(|record| record.values.clone()).collect::<Vec<_>>();
        let lines = |records: &[Record]| records.iter().map(|record| record.line).collect::<Vec<_>>();
        assert_eq!((csv[0].get("userId"), csv[0].get("miles"), csv[0].get("joinedAt")), (Some("1"), Some("500"), None));
        assert_eq!((csv[1].get("userId"), csv[1].get("miles")), (Some("2"), None));
        assert_eq!(values(&csv), values(&json));
        assert_eq!((lines(&csv), lines(&json)), (vec![2, 4], vec![1, 3]));
    }

    #[test]
    fn quoted_fields_keep_what_they_hold() {
        let rows = rows("userId,username\n1,\"a \"\"b\"\",\nc\"\n2,d\n");
        assert_eq!(rows[0].get("username"), Some("a \"b\",\nc"));
        assert_eq!((rows[0].line, rows[1].line), (2, 4));
    }

    #[test]
    fn a_bad_row_is_told_and_the_others_are_read() {
        let csv = rows("userId,miles\n1\n2,5\n");
        assert_eq!(csv[0].fault.as_deref(), Some("1 fields, but the header has 2"));
        assert_eq!(csv[1].values.len(), 2);
        let json = rows("{\"userId\":{}}\n{\"userId\":1}\n{nonsense\n{\"colour\":1}\n");
        assert_eq!(json[0].fault.as_deref(), Some("userId is neither a text nor a number"));
        assert!(json[1].fault.is_none());
        assert!(json[2].fault.as_deref().unwrap().starts_with("no JSON object"));
        assert!(json[3].fault.as_deref().unwrap().starts_with("no column \"colour\""));
    }

    #[test]
    fn what_cannot_be_parted_is_kept_as_it_stood() {
        let csv = rows("userId,miles\r\n\r\n1,\"a\nb\",c\r\n2,5\n3");
        assert_eq!((csv[0].raw.as_deref(), csv[0].line), (Some("1,\"a\nb\",c"), 3));
        assert_eq!((csv[1].raw.as_deref(), csv[2].raw.as_deref()), (None, Some("3")));
        assert_eq!(rows("{\"userId\":1}\n{nonsense \n")[1].raw.as_deref(), Some("{nonsense "));
        // Rejected before: still kept while its columns are empty, and out of the way once they are filled.
        let again = rows("userId,miles,line,error,raw\n,,3,why,\"1,5,6\"\n1,5,3,why,\"1,5,6\"\n");
        assert!(again[0].fault.as_deref().unwrap().contains("column raw") && again[1].fault.is_none());
        assert_eq!((again[0].raw.as_deref(), again[1].raw.as_deref()), (Some("1,5,6"), Some("1,5,6")));
    }

    #[test]
    fn a_bad_input_is_refused_as_a_whole() {
        assert_eq!(wrong(b" \n").0, None);
        assert!(wrong(b"[{}]").1.contains("array"));
        assert_eq!(wrong(b"userId\n1\n\xff\n"), (Some(3), "it is not UTF-8".into()));
        assert_eq!(wrong(b"userId,mile\n1,2\n").1, "no column \"mile\" here; columns are: userId, username, miles");
        assert_eq!(wrong(b"userId,userid\n1,2\n").1, "the column userid is there twice");
        assert_eq!(wrong(b"12345\n67890\n").0, Some(1));
    }
}
