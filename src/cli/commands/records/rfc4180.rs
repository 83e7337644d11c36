//! A strict reader of separated values (RFC 4180).
//!
//! By hand, because the csv crate has no strict mode: it takes a quote that is never closed for a cell that holds the
//! rest of the file, and text after a closing quote for part of the cell. Here both end the reading, with the line on
//! which the quote opened. Lines end by CR LF, LF or CR.

use std::borrow::Cow;

use super::decode::breaks;
use crate::csv_record::{is_blank, is_formula};

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// What it holds, without its quotes.
    pub text: Cow<'a, str>,
    /// Whether it was quoted: then blanks at its ends are part of it.
    pub quoted: bool,
}

impl Field<'_> {
    /// Without the apostrophe that a list of ours, and a spreadsheet, puts before what would be a formula.
    fn armed(mut self) -> Self {
        if self.text.starts_with('\'') && is_formula(&self.text) {
            self.text = match self.text {
                Cow::Borrowed(text) => Cow::Borrowed(&text[1..]),
                Cow::Owned(text) => Cow::Owned(text[1..].to_owned()),
            };
        }
        self
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        !self.quoted && trimmed(&self.text).is_empty() || self.text.is_empty()
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells; never empty.
    pub fields: Vec<Field<'a>>,
    /// As it is in the file.
    pub raw: &'a str,
}

/// A quote that RFC 4180 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// The line of the quote, or where it opened.
    pub line: u64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Without the blanks around it.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Reads row by row. Rows in which every cell is empty are passed over.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    separator: u8,
}

impl<'a> Rows<'a> {
    /// Reads from the beginning of `text`, which is on `line` of its file.
    pub(super) fn new(text: &'a str, line: u64, separator: u8) -> Self {
        Self { text, at: 0, line, separator }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn row(&mut self) -> Result<Row<'a>, Malformed> {
        let (start, line) = (self.at, self.line);
        let mut fields = Vec::new();
        loop {
            let field = if self.peek() == Some(b'"') { self.quoted()? } else { self.bare()? };
            fields.push(field.armed());
            if self.peek() == Some(self.separator) {
                self.at += 1;
                continue;
            }
            break;
        }
        let raw = &self.text[start..self.at];
        match self.peek() {
            Some(b'\r') if self.text.as_bytes().get(self.at + 1) == Some(&b'\n') => self.at += 2,
            Some(_) => self.at += 1,
            None => {}
        }
        self.line += 1;
        Ok(Row { line, fields, raw })
    }

    /// A cell without quotes: up to the next separator or end of line.
    fn bare(&mut self) -> Result<Field<'a>, Malformed> {
        let rest = &self.text.as_bytes()[self.at..];
        let separator = self.separator;
        let ends = |byte: &u8| *byte == separator || matches!(byte, b'\r' | b'\n' | b'"');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let text = &self.text[self.at..self.at + length];
        if rest.get(length) == Some(&b'"') {
            let reason = if trimmed(text).is_empty() {
                "a quote opens after a blank: the quote must be the cell's first character"
            } else {
                "a quote is inside a cell that does not begin with one: quote the whole cell, and write the quote twice"
            };
            return Err(Malformed { line: self.line, reason });
        }
        self.at += length;
        Ok(Field { text: text.into(), quoted: false })
    }

    /// A cell in quotes, in which a quote is written twice.
    fn quoted(&mut self) -> Result<Field<'a>, Malformed> {
        let opened = self.line;
        let malformed = |reason| Malformed { line: opened, reason };
        self.at += 1;
        let mut text: Cow<'a, str> = "".into();
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find('"') else {
                return Err(malformed(
                    "a quote opens there and is never closed; a quote inside a cell is written twice",
                ));
            };
            let part = &rest[..length];
            self.line += breaks(part.as_bytes());
            self.at += length + 1;
            if text.is_empty() {
                text = part.into()
            } else {
                text.to_mut().push_str(part)
            }
            match self.peek() {
                Some(b'"') => {
                    text.to_mut().push('"');
                    self.at += 1;
                }
                None | Some(b'\r' | b'\n') => break,
                Some(byte) if byte == self.separator => break,
                Some(_) => {
                    return Err(malformed(
                        "a quote opens there, and text comes after the quote that closes it; \
                         a quote inside a cell is written twice",
                    ));
                }
            }
        }
        Ok(Field { text, quoted: true })
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.text.len() {
            match self.row() {
                Ok(row) if row.fields.iter().all(Field::is_empty) => {}
                Ok(row) => return Some(Ok(row)),
                Err(malformed) => {
                    self.at = self.text.len();
                    return Some(Err(malformed));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<(u64, Vec<String>)> {
        let row = |row: Row<'_>| (row.line, row.fields.iter().map(|field| field.text.to_string()).collect());
        Rows::new(text, 1, b',').map(|one| row(one.unwrap())).collect()
    }

    fn malformed(text: &str) -> (u64, &'static str) {
        let wrong = Rows::new(text, 1, b',').find_map(Result::err).unwrap();
        (wrong.line, wrong.reason)
    }

    #[test]
    fn quotes_hold_separators_lines_and_quotes() {
        let text = "a,\"b,\"\"c\"\"\r\nd\",\"\"\r\n\r\n\"e\",,\n , \n,,\nf";
        assert_eq!(
            cells(text),
            [
                (1, vec!["a".into(), "b,\"c\"\r\nd".into(), String::new()]),
                (4, vec!["e".into(), String::new(), String::new()]),
                (7, vec!["f".into()]),
            ]
        );
        assert_eq!(
            cells("a\rb\r\r\"c\rd\"\re"),
            [(1, vec!["a".into()]), (2, vec!["b".into()]), (4, vec!["c\rd".into()]), (6, vec!["e".into()])]
        );
        assert_eq!(cells("\"\"\"\"\n"), [(1, vec!["\"".to_owned()])]);
        assert_eq!(cells("\"\"\"\"\"\"\n"), [(1, vec!["\"\"".to_owned()])]);
    }

    #[test]
    fn a_malformed_quote_ends_the_reading_where_it_opened() {
        for (text, line, word) in [
            ("a\nb,\"c\nd,e\nf\n", 2, "never closed"),
            ("a\rb\r\"c\rd", 3, "never closed"),
            ("a\nb,\"c\nd,\"e\"\n", 2, "after the quote"),
            ("\"He said \"hi\" to me\"", 1, "after the quote"),
            ("a,\"b\" ,c", 1, "after the quote"),
            ("a,5'10\" tall", 1, "inside a cell"),
            ("a, \"b\"", 1, "after a blank"),
            ("\"", 1, "never closed"),
            ("\"\"\"", 1, "never closed"),
        ] {
            let (at, reason) = malformed(text);
            assert_eq!((at, reason.contains(word)), (line, true), "{text:?}: {reason}");
        }
        // Nothing is read after it.
        assert_eq!(Rows::new("a\n\"b\"c\nd\n", 1, b',').count(), 2);
    }

    #[test]
    fn rows_are_kept_as_they_are_in_the_file() {
        let raw: Vec<&str> = Rows::new("a,\"b\nc\"\r\n,\nd ,é\n", 1, b',').map(|row| row.unwrap().raw).collect();
        assert_eq!(raw, ["a,\"b\nc\"", "d ,é"]);
    }
}
