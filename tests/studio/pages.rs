//! Keyset pages: walking forward and back shows every row exactly once, in the order that was asked for.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use super::Studio;
use crate::support::{Engine, World, both};

/// A row of the ledger that is made up.
type Made = (i32, Option<String>, u8, Option<u8>);

fn texts() -> impl Strategy<Value = Option<String>> {
    let some = ["", "a", "A", "b", "é", "É", "z", " ", "10", "9", "a'b", "\u{202e}x", "ab", "a b", "Z"];
    proptest::option::weighted(0.7, prop::sample::select(some.map(str::to_owned).to_vec()))
}

fn rows() -> impl Strategy<Value = Vec<Made>> {
    proptest::collection::vec((-2..3, texts(), 0..3_u8, proptest::option::of(0..2_u8)), 0..40)
}

fn sorts() -> impl Strategy<Value = Vec<String>> {
    let columns = ["amount", "note", "createdAt", "batchId", "source"].map(str::to_owned).to_vec();
    let some = prop::sample::subsequence(columns, 0..=3).prop_shuffle();
    (some, proptest::collection::vec(any::<bool>(), 3)).prop_map(|(columns, descends)| {
        let signed = columns.into_iter().zip(descends);
        signed.map(|(column, descends)| if descends { format!("-{column}") } else { column }).collect()
    })
}

fn fill(world: &World, rows: &[Made]) {
    let quoted = |text: &Option<String>| {
        text.as_ref().map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
    };
    let row = |(index, (amount, note, second, batch)): (usize, &Made)| {
        let amount = if *amount == 0 { 9 } else { *amount };
        let kind = if amount > 0 { "earn" } else { "spend" };
        let batch = batch.map_or("NULL".to_owned(), |batch| format!("'00000000-0000-4000-8000-0000000000b{batch}'"));
        format!(
            "('00000000-0000-4000-8000-{index:012}', '1', {amount}, '{kind}', 'manual', {}, '2025-01-01 00:00:0{second}', {batch})",
            quoted(note)
        )
    };
    let values: Vec<String> = rows.iter().enumerate().map(row).collect();
    if !values.is_empty() {
        world.query(&format!(
            r#"INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "note", "createdAt", "batchId")
            VALUES {}"#,
            values.join(", ")
        ));
    }
}

/// Takes away what keeps entries from being changed.
fn unguard(world: &World) {
    match world.engine() {
        Engine::Postgres => world.query(r#"ALTER TABLE "milesTransactions" DISABLE TRIGGER USER"#),
        Engine::Sqlite => world.query(
            r#"DROP TRIGGER "milesTransactions_append_only"; DROP TRIGGER "milesTransactions_append_only_delete""#,
        ),
    };
    world.query(r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('1', 'ann', 'Ann')"#);
}

/// The ids in the order that the database itself gives them.
fn expected(world: &World, sort: &[String]) -> Vec<String> {
    let descends = sort.last().is_some_and(|last| last.starts_with('-'));
    let key = if descends { "-id" } else { "id" };
    let order = sort.iter().map(String::as_str).chain([key]).map(|column| match column.strip_prefix('-') {
        Some(column) => format!("\"{column}\" DESC NULLS LAST"),
        None => format!("\"{column}\" ASC NULLS LAST"),
    });
    let order = order.collect::<Vec<_>>().join(", ");
    let rows = world.rows(&format!(r#"SELECT "id" FROM "milesTransactions" ORDER BY {order}"#));
    rows.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

fn page(studio: &Studio, query: &str) -> (Vec<String>, Option<String>, Option<String>) {
    let page = studio.get(&format!("/api/tables/milesTransactions/rows?columns=id&{query}")).ok();
    let ids = page["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    let cursor = |name: &str| page[name].as_str().map(str::to_owned);
    (ids, cursor("next"), cursor("previous"))
}

fn walks(world: &World, studio: &Studio, sort: &[String], limit: usize) {
    let all = expected(world, sort);
    let query = format!("sort={}&limit={limit}", sort.join(","));
    let (mut seen, mut next, previous) = page(studio, &query);
    assert_eq!(previous, None);
    while let Some(cursor) = next {
        let (ids, following, before) = page(studio, &format!("{query}&after={cursor}"));
        assert!(!ids.is_empty() && ids.len() <= limit && before.is_some(), "{sort:?}");
        seen.extend(ids);
        next = following;
    }
    assert_eq!(seen, all, "forward by {sort:?}");
    let (mut seen, following, mut previous) = page(studio, &format!("{query}&before=end"));
    assert_eq!(following, None);
    while let Some(cursor) = previous {
        let (mut ids, after, before) = page(studio, &format!("{query}&before={cursor}"));
        assert!(!ids.is_empty() && after.is_some(), "{sort:?}");
        ids.extend(seen);
        seen = ids;
        previous = before;
    }
    assert_eq!(seen, all, "back by {sort:?}");
}

#[both(ready)]
fn every_row_is_seen_once_in_order(world: &mut World) {
    unguard(world);
    let studio = Studio::start(world);
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let cases = (rows(), sorts(), 1..9_usize);
    let empty = |world: &World| match world.engine() {
        Engine::Postgres => world.query("TRUNCATE \"milesTransactions\""),
        Engine::Sqlite => world.query("DELETE FROM \"milesTransactions\""),
    };
    let ran = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
    .run(&cases, |(rows, sort, limit)| {
        empty(world);
        fill(world, &rows);
        walks(world, &studio, &sort, limit);
        Ok(())
    });
    ran.unwrap();
}

#[both(ready)]
fn pages_stay_right_while_rows_come_and_go(world: &mut World) {
    unguard(world);
    let studio = Studio::start(world);
    fill(world, &(0..6).map(|at| (at + 1, None, 0, None)).collect::<Vec<_>>());
    let (first, next, _) = page(&studio, "sort=amount&limit=2");
    // The row at the cursor is gone, one before it came: neither is missed or seen twice after it.
    world.query(r#"UPDATE "milesTransactions" SET "amount" = 1 WHERE "amount" = 2"#);
    let (second, ..) = page(&studio, &format!("sort=amount&limit=2&after={}", next.unwrap()));
    assert!(first.iter().all(|id| !second.contains(id)), "{first:?} {second:?}");
    assert_eq!(second.len(), 2);
}

#[both(ready)]
fn long_texts_are_cut_and_can_be_sorted_by(world: &mut World) {
    unguard(world);
    let studio = Studio::start(world);
    let long = "x".repeat(100_000);
    fill(world, &(0..3).map(|at| (1, Some(format!("{long}{at}")), 0, None)).collect::<Vec<_>>());
    walks(world, &studio, &["note".to_owned()], 1);
    let note = studio.column("milesTransactions", "note", "sort=note&limit=1")[0].clone();
    assert_eq!(note["cut"].as_str().unwrap().len(), 2_000);
    let whole = studio.get("/api/tables/milesTransactions/rows/00000000-0000-4000-8000-000000000000").ok();
    assert!(whole["row"].as_array().unwrap().contains(&Value::from(format!("{long}0"))));
    // Its cursor knows the long value by its row alone.
    let (_, next, _) = page(&studio, "sort=note&limit=1");
    match world.engine() {
        Engine::Postgres => world.query("TRUNCATE \"milesTransactions\""),
        Engine::Sqlite => world.query("DELETE FROM \"milesTransactions\""),
    };
    let gone = studio.get(&format!("/api/tables/milesTransactions/rows?sort=note&limit=1&after={}", next.unwrap()));
    assert_eq!(gone.fails(404), "cursor_gone");
}

#[both(ready)]
fn a_cursor_that_somebody_made_up_is_refused(world: &mut World) {
    use base64::Engine as _;
    let studio = Studio::start(world);
    let refused = |json: &str| {
        let cursor = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json);
        studio.get(&format!("/api/tables/users/rows?sort=miles&after={cursor}"))
    };
    for json in [
        r#"{"s":["miles"],"v":[{"i":1}]}"#,
        r#"{"s":["userId"],"v":[{"t":"1"}]}"#,
        r#"{"s":["miles","userId"],"v":["k","k"]}"#,
        r#"{"s":["miles","userId"],"v":[{"i":1},{"t":"a\u0000"}]}"#,
        "{}",
        "",
    ] {
        assert_eq!(refused(json).fails(400), "invalid_cursor", "{json}");
    }
    let odd = refused(r#"{"s":["miles","userId"],"v":[{"t":"many"},{"t":"1"}]}"#);
    match world.engine() {
        Engine::Postgres => assert_eq!(odd.fails(400), "invalid_cursor"),
        Engine::Sqlite => drop(odd.ok()),
    }
}

#[test]
fn a_page_says_whether_all_rows_were_sorted() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::ready(engine);
        unguard(&world);
        fill(&world, &(0..30).map(|at| (at + 1, None, 0, None)).collect::<Vec<_>>());
        let studio = Studio::start(&world);
        let sorted_by = |sort: &str| {
            studio.get(&format!("/api/tables/milesTransactions/rows?sort={sort}&limit=1")).ok()["sortedBy"].clone()
        };
        assert_eq!(sorted_by("note"), "scan");
        if engine == Engine::Sqlite {
            assert_eq!(sorted_by("id"), "index");
        }
    }
}
