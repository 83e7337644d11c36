//! CSV for people and programs: one record, and cells that a spreadsheet does not run.

/// Appends one record by RFC 4180, with LF as Unix tools expect. By hand: the csv crate's writer would be made anew, with
/// its buffer, for each row of a stream.
pub(crate) fn csv_record(record: &mut Vec<u8>, fields: impl IntoIterator<Item = String>) {
    let mut record = Record::new(record);
    fields.into_iter().for_each(|field| record.field(&field));
    record.end();
}

/// Whether readers of ours take a character for a blank: white space, also the kind that does not break, and what has no
/// width.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// One record in the making; see [`csv_record`].
pub(crate) struct Record<'a> {
    text: &'a mut Vec<u8>,
    start: usize,
    count: usize,
}

impl<'a> Record<'a> {
    /// Begins one at the end of `text`.
    pub(crate) fn new(text: &'a mut Vec<u8>) -> Self {
        Self { start: text.len(), text, count: 0 }
    }

    /// Adds a cell.
    pub(crate) fn field(&mut self, field: &str) {
        if self.count > 0 {
            self.text.push(b',');
        }
        self.count += 1;
        // Blanks at the ends of a cell without quotes are not read as part of it.
        // Apostrophes that a reader takes away for those of a formula do not hide them.
        let begins = field.trim_start_matches('\'');
        let bare = !begins.starts_with(is_blank) && !field.ends_with(is_blank);
        if bare && !field.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            self.text.extend_from_slice(field.as_bytes());
            return;
        }
        self.text.push(b'"');
        for (index, part) in field.split('"').enumerate() {
            if index > 0 {
                self.text.extend_from_slice(b"\"\"");
            }
            self.text.extend_from_slice(part.as_bytes());
        }
        self.text.push(b'"');
    }

    /// Ends it.
    pub(crate) fn end(self) {
        // One empty cell alone would be an empty line, which readers skip.
        if self.count == 1 && self.text.len() == self.start {
            self.text.extend_from_slice(b"\"\"");
        }
        self.text.push(b'\n');
    }
}

/// A cell that a spreadsheet would take for a formula, with an apostrophe before it.
pub(crate) fn defused(text: String, safe: bool) -> String {
    if safe && is_formula(&text) { format!("'{text}") } else { text }
}

/// Whether a spreadsheet may take a cell for a formula (OWASP, "CSV injection"): also behind blanks and quotes, which some
/// drop, and by the wide forms of the characters, which some turn into the narrow ones.
pub(crate) fn is_formula(text: &str) -> bool {
    const BEGINNINGS: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    // Its own apostrophes are kept apart from ours, of which an import takes one away.
    let own = text.trim_start_matches('\'');
    let dropped = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '\u{feff}' | '\u{200b}');
    let starts_formula = own.starts_with(['\t', '\r', '\n']) || own.trim_start_matches(dropped).starts_with(BEGINNINGS);
    starts_formula && text.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        assert_eq!(defused("=HYPERLINK(\"x\")".into(), true), "'=HYPERLINK(\"x\")");
        assert_eq!(defused("-5".into(), true), "-5");
        assert_eq!(defused("=1".into(), false), "=1");
        assert_eq!(defused("'=1".into(), true), "''=1");
        assert_eq!(defused("'tis".into(), true), "'tis");
        for cell in
            [" =1", "\"=1", "\u{feff}=1", "\u{a0}+1", "\n=1", "\u{ff1d}1", "\u{ff20}SUM(1)", "\tx", "\nx", "- 1"]
        {
            assert_eq!(defused(cell.into(), true), format!("'{cell}"));
        }
        for cell in ["a=1", "1=1", "a -b", "\"quoted\"", "", "'", " "] {
            assert_eq!(defused(cell.into(), true), cell);
        }
    }

    #[test]
    fn records_are_read_back_by_any_csv_reader() {
        let rows = [
            vec!["\u{feff}a", "b\u{200b}", "\u{a0}"],
            vec!["a", "", "b,c"],
            vec!["\"", "x\ny", "\r"],
            vec!["", "", ""],
            vec!["é", " s ", "'"],
        ];
        let mut text = Vec::new();
        for row in &rows {
            csv_record(&mut text, row.iter().map(|cell| (*cell).to_owned()));
        }
        csv_record(&mut text, [String::new()]);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_slice());
        let read: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(read[..5], rows);
        assert_eq!(read[5], [""]);
    }
}
