//! Rows of CSV and ndjson.

use crate::cli::commands::records::{Columns, parse};
use crate::csv_record::{csv_record, defused, is_blank};

const COLUMNS: Columns = Columns { known: &["userId", "username", "miles"], ignored: &["joinedAt"] };

/// A file of an import, read as it is; and its lines as the cells of one that is written and read.
pub(super) fn records(data: &[u8]) {
    if let Ok(records) = parse(data, COLUMNS, &["colour".to_owned()]) {
        let lines = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
        for record in &records {
            assert!((1..=lines).contains(&record.line), "a record is on a line of its file");
            let values = COLUMNS.known.iter().filter(|name| record.text(name).is_some()).count();
            assert!(record.fault.is_none() || values == 0, "a row that cannot be read has no values");
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.contains('\0') {
        return;
    }
    let cells: Vec<&str> = text.split('\u{1f}').collect();
    let rows: Vec<[&str; 3]> = cells.chunks_exact(3).map(|row| [row[0], row[1], row[2]]).collect();
    // A row without any value is none.
    let rows: Vec<[&str; 3]> =
        rows.into_iter().filter(|row| row.iter().any(|cell| !cell.chars().all(is_blank))).collect();
    if rows.is_empty() {
        return;
    }
    let mut csv = b"userId,username,miles\n".to_vec();
    let mut json = Vec::new();
    for row in &rows {
        csv_record(&mut csv, row.iter().map(|cell| defused((*cell).to_owned(), true)));
        let object: serde_json::Map<String, serde_json::Value> =
            COLUMNS.known.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), (*cell).into())).collect();
        json.extend_from_slice(serde_json::Value::from(object).to_string().as_bytes());
        json.push(b'\n');
    }
    for file in [&csv, &json] {
        let read = parse(file, COLUMNS, &[]).unwrap_or_else(|error| panic!("{error:?}"));
        let read: Vec<[&str; 3]> = read
            .iter()
            .map(|record| std::array::from_fn(|index| record.text(COLUMNS.known[index]).unwrap_or_default()))
            .collect();
        assert_eq!(read, rows, "what was written is read: {}", String::from_utf8_lossy(file));
    }
}
