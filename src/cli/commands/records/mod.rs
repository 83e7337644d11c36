//! Rows that a bulk command reads from a file or from standard input: separated values with a header, or one JSON object a
//! line. All commands that take files from people read them here, by the same rules.
//!
//! Which of the two it is shows in the first character. What a row means is its command's business; here a row is the text
//! of the columns that the command knows, with the line on which it begins. What is not certain is refused: a row that is
//! read otherwise than it was meant pays the wrong person.

mod decode;
pub(crate) mod form;
mod header;
mod json_lines;
mod rfc4180;
mod separated;
mod separator;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::cli::context::Context;
use crate::error::file::unreadable;
use crate::error::{Error, Kind, Result};
use crate::message::message;

use header::Layout;
use rfc4180::trimmed;

/// The longest input that is taken, in bytes: some ten million short rows.
const MOST: u64 = 1 << 30;

/// The column of a file of rejects that keeps, as it stood, what could not be parted into columns.
pub(crate) const RAW: &str = "raw";

/// What a file of rejects says about its rows, let through unread.
pub(crate) const ABOUT: [&str; 2] = ["line", "error"];

/// How a command reads its input.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct InputArgs {
    /// Ignore this column of the file; may be given again
    #[arg(long = "ignore-column", value_name = "NAME")]
    pub ignore_columns: Vec<String>,
}

/// The columns of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    /// Those that mean something.
    pub known: &'static [&'static str],
    /// Those that are let through unread, so that what an export wrote can be read again. What a file of rejects has
    /// beside its columns is understood everywhere.
    pub ignored: &'static [&'static str],
}

/// The texts of a row, by column.
type Values = BTreeMap<&'static str, String>;

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    values: Values,
    /// Why it cannot be read; it has no values then.
    pub fault: Option<String>,
    /// The row as it stood, where it could not be parted into columns: now, or when it was rejected before.
    pub raw: Option<String>,
}

impl Record {
    fn new(line: u64, mut values: Values) -> Self {
        let raw = values.remove(RAW);
        let fault = (values.is_empty() && raw.is_some())
            .then(|| format!("its columns are empty: put what is right of the column {RAW} into them"));
        Self { line, values, fault, raw }
    }

    /// A row that is not from a file, for a file of rejects.
    #[must_use]
    pub(crate) fn of(line: u64, values: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { line, values: values.into_iter().collect(), ..Self::default() }
    }

    fn unreadable(line: u64, fault: String, raw: &str) -> Self {
        Self { line, fault: Some(fault), raw: Some(raw.to_owned()), ..Self::default() }
    }

    /// The word in a column, without blanks around it; `None` where it is empty, null or not there.
    #[must_use]
    pub(crate) fn get(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(|text| trimmed(text)).filter(|text| !text.is_empty())
    }

    /// The text in a column as it was written, with the blanks that were quoted; `None` where it is empty, null or not
    /// there.
    #[must_use]
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(String::as_str)
    }
}

/// Reads all rows of `source`, a path or `-` for standard input.
///
/// # Errors
/// The file cannot be read; it is neither CSV nor ndjson, was cut, or has a malformed quote; a column is unknown or named
/// twice. A single row that cannot be read is no error here: its [`Record::fault`] says so.
pub(crate) async fn read(cx: &Context, source: &str, columns: Columns, args: &InputArgs) -> Result<Vec<Record>> {
    let bytes = bytes(cx, source, MOST).await?;
    let name = if source == "-" { "standard input".to_owned() } else { shortened(source) };
    let records = parse(&bytes, columns, &args.ignore_columns).map_err(|wrong| {
        let place = wrong.line.map(|line| format!(" line {line}")).unwrap_or_default();
        let what = message!("{}{} cannot be read, so nothing was taken", &name, &place);
        let error = Error::new(Kind::Usage, "invalid_file", what).why(wrong.reason);
        let error = wrong.accepted.into_iter().fold(error, Error::why);
        wrong.fix.into_iter().fold(error, Error::fix)
    })?;
    if records.is_empty() {
        cx.ui.warn(message!("{} has a header and no rows.", &name));
    }
    Ok(records)
}

/// All of `source`, a path or `-` for standard input; at most `most` bytes.
///
/// # Errors
/// The file cannot be read, or it is longer.
pub(crate) async fn bytes(cx: &Context, source: &str, most: u64) -> Result<Vec<u8>> {
    if source == "-" {
        return cx.ui.read_input(most).await;
    }
    let path = cx.path(source);
    // On a thread of its own, so that a signal is seen while a pipe has no writer.
    let read = tokio::task::spawn_blocking(move || file(&path, most)).await.unwrap_or_else(|panic| Err(panic.into()));
    read.map_err(|error| unreadable(shortened(source), error))
}

fn file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}

/// A name as a message repeats it.
fn shortened(name: &str) -> String {
    let shown: String = name.chars().take(200).collect();
    if shown.len() < name.len() { shown + "…" } else { shown }
}

/// Why a whole input is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    line: Option<u64>,
    reason: String,
    accepted: Option<String>,
    fix: Option<String>,
}

impl Wrong {
    fn new(line: impl Into<Option<u64>>, reason: impl Into<String>) -> Self {
        Self { line: line.into(), reason: reason.into(), accepted: None, fix: None }
    }

    /// Says what would have been accepted.
    fn accepts(self, what: impl Into<String>) -> Self {
        Self { accepted: Some(what.into()), ..self }
    }

    /// Says how to go on.
    fn fixed_by(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

pub(crate) fn parse(bytes: &[u8], columns: Columns, ignored: &[String]) -> Result<Vec<Record>, Wrong> {
    let text = decode::decode(bytes)?;
    let mut layout = Layout { columns, ignored, unknown: Vec::new() };
    let records = match text.trim_start().chars().next() {
        None => return Err(Wrong::new(None, "it is empty: a header, or a JSON object, was expected")),
        Some('[') => {
            let reason = "it is a JSON array: write one object a line, as -o ndjson does";
            return Err(Wrong::new(None, reason).accepts("jq -c '.[]' FILE makes it so"));
        }
        Some('{') => json_lines::read(&text, &mut layout)?,
        Some(_) => separated::read(&text, &mut layout)?,
    };
    layout.refusal().map_or(Ok(records), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns { known: &["userId", "username", "miles"], ignored: &["joinedAt"] };

    fn rows(text: &str) -> Vec<Record> {
        parse(text.as_bytes(), COLUMNS, &[]).unwrap()
    }

    fn wrong(text: &[u8]) -> (Option<u64>, String) {
        let wrong = parse(text, COLUMNS, &[]).unwrap_err();
        (wrong.line, wrong.reason)
    }

    fn lines(records: &[Record]) -> Vec<u64> {
        records.iter().map(|record| record.line).collect()
    }

    #[test]
    fn csv_and_ndjson_mean_the_same() {
        let csv = rows("\u{feff}userId,MILES,joinedAt\r\n1,500,x\r\n\r\n\"2\",,y\r\n");
        let json = rows("{\"userId\":1,\"miles\":500,\"joinedAt\":[]}\n\n{\"userId\":\"2\",\"miles\":null}\n");
        let values = |records: &[Record]| records.iter().map(|record| record.values.clone()).collect::<Vec<_>>();
        assert_eq!((csv[0].get("userId"), csv[0].get("miles"), csv[0].get("joinedAt")), (Some("1"), Some("500"), None));
        assert_eq!((csv[1].get("userId"), csv[1].get("miles")), (Some("2"), None));
        assert_eq!(values(&csv), values(&json));
        assert_eq!((lines(&csv), lines(&json)), (vec![2, 4], vec![1, 3]));
    }

    #[test]
    fn quoted_fields_keep_what_they_hold_and_others_are_trimmed() {
        let rows = rows("userId,username\n 1\u{a0}\t,\"a \"\"b\"\",\nc\"\n\" 2\",\" d \"\n3,  \n");
        assert_eq!((rows[0].get("userId"), rows[0].text("username")), (Some("1"), Some("a \"b\",\nc")));
        assert_eq!(
            (rows[1].get("userId"), rows[1].text("username"), rows[1].get("username")),
            (Some("2"), Some(" d "), Some("d"))
        );
        assert_eq!((rows[2].text("username"), lines(&rows)), (None, vec![2, 4, 5]));
    }

    #[test]
    fn blanks_at_the_ends_of_a_cell_come_back_from_a_list() {
        use crate::csv_record::{csv_record, defused};
        for name in ["\t2", "\u{feff}ann", "ann\u{200b}", " =1", "'\tx", "\n"] {
            let mut file = b"userId,username\n".to_vec();
            csv_record(&mut file, ["1".to_owned(), defused(name.to_owned(), true)]);
            let file = String::from_utf8(file).unwrap();
            assert_eq!(rows(&file)[0].text("username"), Some(name), "{file}");
        }
    }

    #[test]
    fn empty_columns_and_rows_of_spreadsheets_are_passed_over() {
        let csv = rows("userId;miles;;\r\n1;5;;\r\n;;;\r\n2;6\r\n3;7;;;;\r\n \r\n4;8;x;\r\n");
        assert_eq!((csv.len(), lines(&csv)), (4, vec![2, 4, 5, 7]));
        assert_eq!(csv[2].get("miles"), Some("7"));
        assert_eq!(csv[3].fault.as_deref(), Some("3 fields, but the header has 2"));
        let middle = rows("userId,,miles\n1,,5\n2,x,6\n");
        assert_eq!(middle[0].get("miles"), Some("5"));
        assert_eq!(middle[1].fault.as_deref(), Some("field 2 is in a column without a name"));
    }

    #[test]
    fn separators_and_line_ends_of_other_programs_are_read() {
        for text in [
            "userId;miles\r1;5\r2;6",
            "sep=\t\nuserId\tmiles\n1\t5\n2\t6\n",
            "\u{feff}sep=;\r\nuserId;miles\r\n1;5\r\n2;6",
        ] {
            let read = rows(text);
            assert_eq!((read[1].get("userId"), read[1].get("miles")), (Some("2"), Some("6")), "{text:?}");
        }
        assert_eq!(lines(&rows("userId\r\r1\r2")), [3, 4]);
        assert_eq!(lines(&rows("{\"userId\":1}\r\r{\"userId\":2}")), [1, 3]);
        let mixed = rows("userId,miles\n1;5\n");
        assert_eq!(mixed[0].fault.as_deref(), Some("1 field, but the header has 2: is it parted by a semicolon?"));
    }

    #[test]
    fn a_bad_row_is_told_and_the_others_are_read() {
        let csv = rows("userId,miles\n1\n2,5\n");
        assert_eq!(csv[0].fault.as_deref(), Some("1 field, but the header has 2"));
        assert_eq!(csv[1].values.len(), 2);
        let json =
            rows("{\"userId\":{}}\n{\"userId\":1}\n{nonsense\n{\"userId\":1,\"USERID\":2}\n{\"userId\":7.74307e9}\n");
        assert_eq!(json[0].fault.as_deref(), Some("userId is neither a text nor a number"));
        assert!(json[1].fault.is_none());
        assert!(json[2].fault.as_deref().unwrap().starts_with("no JSON object"));
        // The place within the line, and not a line that is none of the file's.
        let comma = rows("\n\n{\"userId\":1,}\n{\"userId\":1},\n{\"userId\":1}]\n");
        let faults: Vec<&str> = comma.iter().map(|row| row.fault.as_deref().unwrap()).collect();
        assert_eq!(faults[0], "no JSON object: trailing comma at column 13");
        assert_eq!(faults[1], "a comma is after the object: write one object a line, without commas between");
        assert_eq!(faults[2], "no JSON object: trailing characters at column 13");
        assert_eq!(json[3].fault.as_deref(), Some("userId is there twice"));
        assert!(json[4].fault.as_deref().unwrap().contains("exponent"));
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
        assert_eq!(wrong(b"userId\n1\n\xff\n").0, Some(3));
        assert_eq!(wrong(b"userId,mile\n1,2\n").1, "no column \"mile\" here; columns are: userId, username, miles");
        assert!(wrong(b"userId,mile,x y\n1,2,3\n").1.starts_with("no columns \"mile\", \"x y\" here"));
        assert_eq!(wrong(b"userId,userid\n1,2\n").1, "the column \"userid\" is there twice");
        // However long a name is, or many there are, the refusal can be read.
        for header in ["x".repeat(1 << 20), (0..5000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",")] {
            let refused = parse(header.as_bytes(), COLUMNS, &[]).unwrap_err();
            assert!(refused.reason.len() < 1000, "{}", refused.reason.len());
            assert_eq!(refused.fix.as_deref(), Some("mend the names"));
        }
        assert_eq!(wrong(b"12345\n67890\n").0, Some(1));
        assert_eq!(wrong(b"userId\n1\n\"2\n3\n").0, Some(3));
        assert_eq!(wrong(b"{\"userId\":1}\n{\"userId\":2}\n{\"userI").0, Some(3));
        assert_eq!(wrong(b"{\"userId\":1}\n{\"colour\":2}\n").0, Some(2));
    }

    #[test]
    fn columns_that_are_to_be_ignored_are() {
        let names = ["Colour".to_owned(), "a,b".to_owned()];
        let read = |text: &[u8]| parse(text, COLUMNS, &names);
        assert_eq!(read(b"userId,colour,\"a,b\"\n1,red,2\n").unwrap()[0].get("userId"), Some("1"));
        assert_eq!(read(b"{\"userId\":1,\"Colour\":{}}\n").unwrap()[0].get("userId"), Some("1"));
        // Also one that would mean something.
        assert_eq!(read(b"userId,Colour,miles\n1,red,2\n").unwrap()[0].get("miles"), Some("2"));
        assert_eq!(parse(b"userId,miles\n1,2\n", COLUMNS, &["MILES".into()]).unwrap()[0].get("miles"), None);
        let fix = read(b"userId,x,-y\n").unwrap_err().fix.unwrap();
        assert!(fix.contains("--ignore-column x --ignore-column=-y"), "{fix}");
    }
}
