//! `flight manifest show`, `import` and `export`.

use std::time::Instant;

use serde_json::{Value, json};

use super::{CANCELLED, ENDED, LIVE, books, books_are_right, fleet};
use crate::support::{Output, World, both};

fn import(world: &World, flags: &str, input: &str) -> Output {
    world.call(format!("flight manifest import {LIVE} - {flags}")).input(input).run()
}

fn fates(rows: &Value) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| format!("{} {}", row["line"], row["fate"].as_str().unwrap())).collect()
}

#[both(ready)]
fn a_list_comes_on_board_as_one_batch(world: &mut World) {
    fleet(world);
    std::fs::write(world.work().join("list.csv"), "userId,username,miles\n1,,500\n,captain_ADA,\n3,renamed,0\n")
        .unwrap();
    let output = world.run("flight manifest import DL300 list.csv --miles 300 --note July --actor bot -o json");
    let answer = output.clone().json();
    let batch = answer["batchId"].as_str().unwrap();
    assert_eq!(
        answer,
        json!({
            "flightId": LIVE, "batchId": batch, "boarded": 3, "created": 0, "alreadyOnBoard": 0, "alreadyAwarded": 0,
            "corrected": 0, "repeated": 0, "miles": 800,
        })
    );
    assert!(output.stderr.contains(&format!("Undo: skyteam miles reverse {batch}")), "{output}");
    let entries =
        world.query(r#"SELECT DISTINCT "batchId", "note", "actor", "source", "flightId" FROM "milesTransactions""#);
    assert_eq!(entries, format!("{batch}|July|bot|flight|{LIVE}"));
    assert_eq!(world.query(r#"SELECT "userId", "miles" FROM "flightPassengers" ORDER BY 1"#), "1|500\n2|300\n3|0");
    books_are_right(world);

    let before = books(world);
    let again = world.run("flight manifest import DL300 list.csv --miles 300 -o json").json();
    assert_eq!((&again["alreadyOnBoard"], &again["boarded"], &again["batchId"]), (&3.into(), &0.into(), &Value::Null));
    assert_eq!(books(world), before);
}

#[both(ready)]
fn a_dry_run_tells_what_becomes_of_every_line(world: &mut World) {
    fleet(world);
    world.run("flight board DL300 2 --miles 5").ok();
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "flightId")
            VALUES ('3', 7, 'earn', 'flight', '{LIVE}');
        UPDATE "users" SET "miles" = 7 WHERE "userId" = '3'"#
    ));
    let before = books(world);
    let input = "user\n@pilot123\n2\n3\npilot132\n1\n";
    insta::assert_snapshot!(import(world, "--miles 500 --dry-run", input), @r#"
    exit: 5
    --- stdout
    line  user       userId  username     miles  fate            remark
       2  @pilot123  1       pilot123       500  new
       3  2          2       Captain_Ada    500  paid otherwise  paid 5 for the flight before
       4  3          3       12345          500  paid otherwise  paid 7 for the flight before
       5  pilot132                          500  unknown         nearest: pilot123
       6  1          1       pilot123       500  repeated        line 2
    --- stderr
    → [database]
    Dry run: rolled back, nothing was changed.
    error: no passenger was boarded: 2 lines differ from what was paid
      why  line 3: Captain_Ada was paid 5 for the flight before, this says 500
           line 4: 12345 was paid 7 for the flight before, this says 500
           line 5: pilot132 is unknown: nearest: pilot123
      fix  skyteam flight manifest import [uuid] - --miles 500 --dry-run --correct  # reverses those awards and makes new ones
           skyteam flight manifest import [uuid] - --miles 500 --create-missing --dry-run  # makes accounts where a line gives userId and username
           skyteam flight manifest import [uuid] - --miles 500  # once those lines are mended
    "#);
    let told = import(world, "--miles 500 --dry-run -o json", input).exits(5);
    let rows: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(fates(&rows), ["2 new", "3 differs", "4 differs", "5 unknown", "6 repeated"]);
    assert_eq!(rows[3]["remark"], "nearest: pilot123");
    assert_eq!(books(world), before);
    // For real the one who is unknown keeps all ashore.
    let refused = import(world, "--miles 500 -o json", input).exits(5);
    assert_eq!(refused.error()["code"], "paid_otherwise");
    let fix = refused.error()["fix"].as_str().unwrap().to_owned();
    assert!(fix.contains(" - --miles 500 --create-missing  #") && fix.contains(" - --miles 500 --dry-run  #"), "{fix}");
    assert_eq!(refused.stdout, "");
    assert_eq!(books(world), before);
    let unknown = import(world, "--miles 500 -o json", "user\npilot132\n").exits(4);
    assert_eq!(unknown.error()["code"], "unknown_users");
    let paid = import(world, "--dry-run -o json", "user,miles\n2,5\n3,7\n").ok();
    assert_eq!(fates(&serde_json::from_str(&paid.stdout).unwrap()), ["2 alreadyOnBoard", "3 alreadyAwarded"]);
    let well = import(world, "--miles 500 --dry-run -o json", "user\n1\n").ok();
    assert_eq!(books(world), before);
    assert_eq!(fates(&serde_json::from_str(&well.stdout).unwrap()), ["2 new"]);
}

#[both(ready)]
fn accounts_are_made_where_asked_for(world: &mut World) {
    fleet(world);
    let input = "{\"userId\": 77, \"username\": \"newbie\", \"miles\": 10}\n{\"userId\": 1, \"miles\": 10}\n";
    import(world, "", input).exits(4);
    import(world, "--create-missing --dry-run", input).ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "3");
    let answer = import(world, "--create-missing -o json", input).json();
    assert_eq!((&answer["created"], &answer["boarded"]), (&1.into(), &2.into()));
    assert_eq!(
        world.query(r#"SELECT "userId", "username", "displayName", "miles" FROM "users" WHERE "userId" = '77'"#),
        "77|newbie|newbie|10"
    );
    books_are_right(world);
    for (line, complaint) in [
        ("{\"userId\": 78}", "an account needs userId and username"),
        ("{\"username\": \"other\"}", "an account needs userId and username"),
        ("{\"userId\": 78, \"username\": \"x\"}", "username"),
        ("{\"userId\": \"7x\", \"username\": \"other\"}", "userId"),
        ("{\"userId\": 78, \"username\": \"Pilot123\"}", "belongs to userId 1"),
        ("{\"userId\": 78, \"username\": \"other\"}\n{\"userId\": 79, \"username\": \"OTHER\"}", "userId 78 too"),
    ] {
        let output = import(world, "--create-missing --miles 1", line).exits(2);
        assert!(output.stderr.contains(complaint), "{line}: {output}");
    }
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "4");
}

#[both(ready)]
fn a_list_with_a_wrong_line_is_refused_whole(world: &mut World) {
    fleet(world);
    for (input, complaint) in [
        ("userId,miles\n1,5\n2,-5\n", "line 3: 2 is invalid: miles \"-5\" is not a whole number"),
        ("userId,miles\n1,5\n2,5000000000\n", "is not a whole number"),
        ("userId,miles\n1,5\n2,1e3\n", "is not a whole number"),
        ("userId\n1\n", "it has no miles"),
        ("userId,miles\n1,5\n1,6\n", "line 2 gives the same user 5 miles"),
        ("userId,miles\n,5\n", "it names no user"),
        ("userId,user,miles\n1,1,5\n", "in two ways"),
        ("userId,miles\n1\n", "1 field, but the header has 2"),
        ("userId,mile\n1,5\n", "no column \"mile\""),
        ("1,5\n", "no column"),
        ("", "it is empty"),
        ("[{\"userId\":1}]", "JSON array"),
        ("{\"userId\":1,\"miles\":[]}", "neither a text nor a number"),
        ("{nonsense}", "no JSON object"),
    ] {
        let output = import(world, "", input).exits(2);
        assert!(output.stderr.contains(complaint), "{input:?}: {output}");
    }
    world.run(format!("flight manifest import {LIVE} missing.csv")).exits(4);
    import(world, "--miles -1", "userId\n1\n").exits(2);
    world.call(format!("flight manifest import {CANCELLED} -")).input("userId,miles\n1,5\n").run().exits(5);
    assert_eq!(books(world), "");
    // Many wrong lines are counted, and the first of them named.
    let many = import(world, "", &("userId,miles\n".to_owned() + &"1,x\n".repeat(500)));
    assert!(many.stderr.contains("500 lines cannot be used") && many.stderr.contains("and 490 more"), "{many}");
}

#[both(ready)]
fn a_flight_that_has_landed_takes_its_list(world: &mut World) {
    fleet(world);
    let output = world.call(format!("flight manifest import {ENDED} -")).input("userId,miles\n1,5\n").run().ok();
    assert!(output.stdout.starts_with("Boarded 1 passenger on DL500, 5 miles."), "{output}");
    books_are_right(world);
}

#[both(ready)]
fn what_export_writes_import_reads(world: &mut World) {
    fleet(world);
    world.query(r#"UPDATE "users" SET "username" = 'has"quote,and comma' WHERE "userId" = '3'"#);
    import(world, "--miles 300", "userId\n1\n2\n3\n").ok();
    for format in ["", "-o csv", "-o ndjson"] {
        let exported = world.run(format!("flight manifest export DL300 {format}")).ok().stdout;
        let again = import(world, "-o json", &exported).json();
        assert_eq!(again["alreadyOnBoard"], 3, "{format}");
        let other = world.call("flight manifest import DL100 - -n").input(&exported).run().ok();
        assert_eq!(other.stdout.matches("new").count(), 3, "{other}");
    }
    let shown = world.run("flight manifest show DL300 --sort -username -o ndjson").ndjson();
    assert_eq!(shown[0]["username"], "pilot123");
    assert_eq!(shown.len(), 3);
    let cut = world.call("flight manifest show DL300 --limit 1").terminal(80).run().ok();
    assert_eq!(cut.stdout.lines().count(), 2, "{cut}");
    world.run("flight manifest show DL999").exits(4);
    world.run("flight manifest export DL999").exits(4);
}

#[both(ready)]
fn ten_thousand_lines_take_seconds(world: &mut World) {
    fleet(world);
    let input: String = "userId,username,miles\n".to_owned()
        + &(1000..11_000).map(|n| format!("{n},player{n},{}\n", n % 500)).collect::<String>();
    let began = Instant::now();
    let answer = import(world, "--create-missing -o json", &input).json();
    let took = began.elapsed();
    assert_eq!((&answer["created"], &answer["boarded"]), (&10_000.into(), &10_000.into()));
    // In an unoptimised build on a machine that does other things too.
    assert!(took.as_secs() < 20, "{took:?}");
    let began = Instant::now();
    let again = import(world, "-o json", &input).json();
    assert_eq!((&again["alreadyOnBoard"], &again["boarded"]), (&10_000.into(), &0.into()));
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    books_are_right(world);
}
