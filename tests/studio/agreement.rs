//! The same filters find the same rows on both engines.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::{Studio, encoded};
use crate::support::{Engine, World};

/// Rows with what engines may take differently: case, blanks, signs, quotes, patterns, NULL, the ends of ranges.
const ROWS: &str = r#"
    INSERT INTO "users" ("userId", "username", "displayName", "miles", "createdAt") VALUES
        ('1', 'ann', 'Ann', 0, '2025-01-01 00:00:00'),
        ('2', 'Bob', '', 2147483647, '2025-01-01 00:00:00.000001'),
        ('10', 'a_b', '100%', 1, '2024-12-31 23:59:59.999999'),
        ('9', 'a%b', 'a''b', 10, '1999-02-28 12:00:00'),
        ('-7', '\', 'x\y', 9, '2025-06-01 10:00:00.5'),
        ('007', '[a]*', ' ', 5, '2025-06-01 10:00:00');
"#;

/// The same for the ledger, whose columns are numbers, enums, keys and NULL.
const ENTRIES: &str = r#"
    INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "note", "createdAt", "batchId") VALUES
        ('00000000-0000-4000-8000-00000000000a', '1', 5, 'earn', 'manual', NULL, '2025-01-01 00:00:00', NULL),
        ('00000000-0000-4000-8000-00000000000b', '1', -5, 'spend', 'manual', 'A note', '2025-01-01 00:00:01', 'abcdef00-0000-4000-8000-000000000001'),
        ('00000000-0000-4000-8000-00000000000c', '2', 2147483647, 'earn', 'flight', '', '2025-01-02 00:00:00', 'abcdef00-0000-4000-8000-000000000002'),
        ('00000000-0000-4000-8000-00000000000d', '9', -2147483648, 'spend', 'manual', 'a note', '2025-01-02 00:00:00', NULL);
"#;

const OPERATORS: [&str; 16] = [
    "is", "not", "lt", "le", "gt", "ge", "between", "in", "notin", "contains", "starts", "empty", "notempty", "null",
    "notnull", "nonsense",
];

const VALUES: [&str; 34] = [
    "",
    " ",
    "a",
    "A",
    "ann",
    "ANN",
    "Bob",
    "%",
    "_",
    "a_b",
    "'",
    "\\",
    "[a]",
    "*",
    "0",
    "1",
    "-5",
    "5",
    "9",
    "10",
    "007",
    "+5",
    "2147483647",
    "2147483648",
    "-2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "1e3",
    "earn",
    "2025-01-01",
    "2025-01-01T00:00:00Z",
    "2025-01-01T00:00:00.000001Z",
    "ABCDEF00-0000-4000-8000-000000000001",
    "a note",
];

/// A column by its place, an operator, and what is compared with.
type Filter = (usize, &'static str, Vec<&'static str>);

fn filters() -> impl Strategy<Value = (bool, Vec<Filter>)> {
    let one = (
        0..8_usize,
        prop::sample::select(&OPERATORS[..]),
        prop::collection::vec(prop::sample::select(&VALUES[..]), 1..4),
    );
    (any::<bool>(), prop::collection::vec(one, 1..3))
}

/// What a studio answers: the keys of the rows, or the status and code of the error.
fn found(studio: &Studio, table: &str, key: &str, query: &str) -> Value {
    let answer = studio.get(&format!("/api/tables/{table}/rows?columns={key}&sort={key}&{query}"));
    match answer.status {
        200 => answer.json()["rows"].clone(),
        status => json!([status, answer.json()["error"]["code"], answer.json()["error"]["why"]]),
    }
}

#[test]
fn filters_find_the_same_rows_on_both_engines() {
    let worlds = [Engine::Postgres, Engine::Sqlite].map(World::ready);
    for world in &worlds {
        match world.engine() {
            Engine::Postgres => world.query(
                r#"ALTER TABLE "milesTransactions" DISABLE TRIGGER USER; ALTER TABLE "users" DISABLE TRIGGER USER"#,
            ),
            Engine::Sqlite => world.query(r#"DROP TRIGGER "users_miles_guard""#),
        };
        world.query(ROWS);
        world.query(ENTRIES);
    }
    let studios = worlds.each_ref().map(Studio::start);
    let tables = [
        (
            "users",
            "userId",
            ["userId", "username", "displayName", "miles", "createdAt", "avatarUrl", "updatedAt", "none"],
        ),
        ("milesTransactions", "id", ["id", "userId", "amount", "type", "source", "note", "createdAt", "batchId"]),
    ];
    let config = Config { cases: 250, failure_persistence: None, ..Config::default() };
    let mut hits = 0;
    let outcome = TestRunner::new(config).run(&filters(), |(ledger, filters)| {
        let (table, key, columns) = &tables[usize::from(ledger)];
        let query: Vec<String> = filters
            .iter()
            .map(|(column, operator, values)| {
                let value = match *operator {
                    "between" | "in" | "notin" => json!(values).to_string(),
                    _ => values[0].to_owned(),
                };
                format!("filter={}", encoded(&format!("{}:{operator}:{value}", columns[*column])))
            })
            .collect();
        let query = query.join("&");
        let [postgres, sqlite] = studios.each_ref().map(|studio| found(studio, table, key, &query));
        prop_assert_eq!(postgres, sqlite, "{} {:?}", table, filters);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    // Not all of them find nothing.
    for operator in ["is:ann", "contains:N", "starts:a_", "in:[\"ann\",\"Bob\"]", "ge:a"] {
        hits += found(&studios[0], "users", "userId", &format!("filter=username:{}", encoded(operator)))
            .as_array()
            .unwrap()
            .len();
    }
    assert!(hits > 5, "{hits}");
}
