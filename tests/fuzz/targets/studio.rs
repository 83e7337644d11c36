//! What a browser sends to the studio.

use super::parts;
use crate::browse::cursor::{Cursor, Mark};
use crate::browse::value::key_parts;
use crate::browse::{Cell, Column, Kind, Table, key_text, parse, sort_order};
use crate::db::Engine;
use crate::entity::types::Timestamp;
use crate::studio::routes::parameters::Parameters;

const KINDS: [Kind; 15] = [
    Kind::Integer,
    Kind::BigInteger,
    Kind::Decimal,
    Kind::Float,
    Kind::Boolean,
    Kind::Text,
    Kind::Uuid,
    Kind::Timestamp,
    Kind::Date,
    Kind::Time,
    Kind::Enum,
    Kind::Json,
    Kind::Bytes,
    Kind::List,
    Kind::Other,
];

fn table() -> Table {
    let column = |(index, kind): (usize, &Kind)| Column {
        name: format!("c{index}"),
        kind: *kind,
        sql_type: "text".into(),
        nullable: index % 2 == 0,
        secret: false,
        references: None,
        choices: vec!["open".into(), "closed".into()],
    };
    let mut columns: Vec<Column> = KINDS.iter().enumerate().map(column).collect();
    columns.push(Column { name: "secret".into(), secret: true, ..columns[5].clone() });
    Table { name: "t".into(), columns, key: vec!["c0".into(), "c6".into()], referrers: Vec::new() }
}

/// A query string, a cursor and the key of a row.
pub(super) fn studio(data: &[u8]) {
    let Some([query, word, key]) = parts::<3>(data) else { return };
    let table = table();
    let time = |text: &str| text.parse::<Timestamp>().map_err(|_| "a time".to_owned());
    let known = ["filter", "sort", "after", "limit", "columns"];
    let Ok(parameters) = Parameters::read(Some(query), &known) else { return };
    for filter in parameters.all("filter") {
        for engine in [Engine::Postgres, Engine::Sqlite] {
            let read = parse(engine, &table, &filter, &time);
            assert!(read.is_err() || !filter.starts_with("secret"), "a secret is not asked for");
        }
    }
    if let Ok(Some(limit)) = parameters.number("limit", 1_usize, 500) {
        assert!((1..=500).contains(&limit));
    }
    if let Ok(sort) = sort_order(&table, &parameters.list("sort")) {
        assert!(sort.iter().all(|column| !column.ends_with("secret")), "no order by a secret");
        if let Ok(cursor) = Cursor::decode(word, &sort) {
            let again = Cursor::decode(&cursor.encode(), &sort);
            assert_eq!(again.ok(), Some(cursor), "a cursor is written as it was read");
        }
        let marks = [Mark::Text(key.replace('\0', "")), Mark::Bytes(data.to_vec()), Mark::Real(0), Mark::Null];
        let cursor = Cursor { values: marks.iter().cycle().take(sort.len()).cloned().collect(), sort };
        assert_eq!(Cursor::decode(&cursor.encode(), &cursor.sort).ok().as_ref(), Some(&cursor));
    }
    let _ = key_parts(key, 2);
    let cells = [Cell::Text(key.to_owned()), Cell::Text(word.to_owned())];
    assert_eq!(key_parts(&key_text(&cells), 2), Some(vec![key.to_owned(), word.to_owned()]));
}
