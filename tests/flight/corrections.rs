//! Wrong manifests: taken back and imported again, or corrected; what is shown is what stands.

use serde_json::{Value, json};

use super::{LIVE, books, fleet};
use crate::support::{Output, World, both};

const WRONG: &str = "userId,miles\n1,5000\n2,5000\n";
const RIGHT: &str = "userId,miles\n1,500\n2,500\n";

fn import(world: &World, flags: &str, input: &str) -> Output {
    world.call(format!("flight manifest import {LIVE} - {flags}")).input(input).run()
}

#[track_caller]
fn sound(world: &World) {
    assert_eq!(world.run("miles audit -o json").json(), json!([]));
}

/// What the three views say that user 1 has of the flight, and the flight's sum.
fn shown(world: &World) -> [i64; 3] {
    let manifest = world.run(format!("flight manifest show {LIVE} -o json")).json();
    let flight = world.run(format!("flight show {LIVE} -o json")).json();
    let flights = world.run("user flights 1 -o json").json();
    [&manifest[0]["miles"], &flight["manifest"]["miles"], &flights[0]["miles"]].map(|miles| miles.as_i64().unwrap())
}

#[both(ready)]
fn a_manifest_that_was_taken_back_is_paid_by_the_right_one(world: &mut World) {
    fleet(world);
    let batch = import(world, "-o json", WRONG).json()["batchId"].as_str().unwrap().to_owned();
    assert_eq!(shown(world), [5000, 10_000, 5000]);
    world.run(format!("miles reverse {batch} --note wrong --yes")).ok();
    assert_eq!(shown(world), [0, 0, 0]);
    sound(world);
    let dry = import(world, "-n -o json", RIGHT).json();
    assert_eq!((&dry[0]["fate"], &dry[1]["fate"]), (&json!("new"), &json!("new")));
    let right = import(world, "-o json", RIGHT).json();
    assert_eq!((&right["boarded"], &right["miles"]), (&json!(2), &json!(1000)));
    assert_eq!(world.query(r#"SELECT "miles" FROM "users" ORDER BY "userId""#), "500\n500\n0");
    assert_eq!(shown(world), [500, 1000, 500]);
    assert_eq!(world.query(r#"SELECT DISTINCT "miles" FROM "flightPassengers""#), "500");
    let again = import(world, "-o json", RIGHT).json();
    assert_eq!((&again["boarded"], &again["alreadyOnBoard"]), (&json!(0), &json!(2)));
    sound(world);
    // One by one as well: boarding pays who has no award that stands.
    world.run("miles reverse last --note wrong --yes").ok();
    world.run(format!("flight board {LIVE} 1 --miles 300")).ok();
    assert_eq!(shown(world), [300, 300, 300]);
    sound(world);
}

#[both(ready)]
fn a_passenger_of_another_program_who_was_never_paid_is_paid(world: &mut World) {
    fleet(world);
    world.query(&format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{LIVE}', '1', 250)"#
    ));
    assert_eq!(shown(world), [250, 250, 250]);
    let answer = import(world, "-o json", RIGHT).json();
    assert_eq!((&answer["boarded"], &answer["miles"]), (&json!(2), &json!(1000)));
    assert_eq!(shown(world), [500, 1000, 500]);
    sound(world);
}

#[both(ready)]
fn one_line_differs_and_two_differ(world: &mut World) {
    fleet(world);
    let import = |input: &str| world.call("flight manifest import DL300 -").input(input).run();
    import("user,miles\n1,5\n2,5\n").ok();
    assert!(import("user,miles\n1,6\n2,5\n").exits(5).stderr.contains("1 line differs from what was paid"));
    assert!(import("user,miles\n1,6\n2,6\n").exits(5).stderr.contains("2 lines differ from what was paid"));
}

#[both(ready)]
fn other_miles_than_were_paid_are_refused_or_corrected(world: &mut World) {
    fleet(world);
    import(world, "", WRONG).ok();
    let before = books(world);
    let changed = "userId,miles\n1,500\n2,5000\n3,700\n";
    let refused = import(world, "-o json", changed).exits(5);
    let error = refused.error();
    assert_eq!(error["code"], "paid_otherwise");
    assert_eq!(error["why"], "line 2: pilot123 was paid 5,000 for the flight before, this says 500");
    assert!(error["fix"].as_str().unwrap().contains("--correct"), "{error}");
    let dry = import(world, "-n -o json", changed).exits(5);
    let rows: Value = serde_json::from_str(&dry.stdout).unwrap();
    assert_eq!(
        rows.as_array().unwrap().iter().map(|row| &row["fate"]).collect::<Vec<_>>(),
        ["differs", "alreadyOnBoard", "new"]
    );
    assert_eq!(dry.error()["why"], error["why"]);
    assert_eq!(books(world), before);

    let dry = import(world, "--correct -n -o json", changed).json();
    assert_eq!(dry[0]["fate"], "corrected");
    assert_eq!(books(world), before);
    let people = import(world, "--correct", "userId,miles\n1,4000\n").ok();
    assert!(
        people.stdout.starts_with("Boarded 0 passengers on DL300, -1,000 miles.\n1 award was corrected."),
        "{people}"
    );
    import(world, "--correct", WRONG).ok();
    let done = import(world, "--correct -o json", changed);
    let answer = done.clone().json();
    assert_eq!(
        (&answer["boarded"], &answer["corrected"], &answer["alreadyOnBoard"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(answer["miles"], 700 - 4500);
    let batch = answer["batchId"].as_str().unwrap();
    let entries = world.query(&format!(
        r#"SELECT "amount", "source", "reversesId" IS NOT NULL FROM "milesTransactions" WHERE "batchId" = '{batch}' ORDER BY "userId", "createdAt""#
    ));
    let entries = entries.replace("|t", "|1").replace("|f\n", "|0\n");
    assert!(entries.starts_with("500|flight|0\n-5000|reversal|1\n700|flight|"), "{entries}");
    assert_eq!(shown(world), [500, 6200, 500]);
    sound(world);
    // Of the batch only the awards can be taken back, and the earlier list pays again.
    let undone = world.run(format!("miles reverse {batch} --note undo --yes -o json"));
    assert!(undone.stderr.contains("1 entry left out"), "{undone}");
    assert_eq!(undone.json().as_array().unwrap().len(), 2);
    assert_eq!(shown(world), [0, 5000, 0]);
    import(world, "", WRONG).ok();
    assert_eq!(shown(world), [5000, 10_000, 5000]);
    sound(world);
}

#[both(ready)]
fn a_correction_takes_back_no_more_than_is_there(world: &mut World) {
    fleet(world);
    import(world, "", WRONG).ok();
    world.run("miles spend 1 4600 --note x").ok();
    let before = books(world);
    let refused = import(world, "--correct", RIGHT).exits(5);
    assert!(refused.stderr.contains("pilot123 has 400, the reversal takes back 4"), "{refused}");
    assert_eq!(books(world), before);
    import(world, "--correct", "userId,miles\n1,4600\n").ok();
    assert_eq!(world.query(r#"SELECT "miles" FROM "users" WHERE "userId" = '1'"#), "0");
    sound(world);
}

#[both(ready)]
fn a_batch_is_taken_back_from_those_who_have_it(world: &mut World) {
    fleet(world);
    let batch =
        import(world, "-o json", "userId,miles\n1,500\n2,500\n3,500\n").json()["batchId"].as_str().unwrap().to_owned();
    world.run("miles spend 1 100 --note x").ok();
    world.run("miles spend 2 500 --note x").ok();
    let before = books(world);
    let refused = world.run(format!("miles reverse {batch} --note wrong --yes")).exits(5);
    for told in ["pilot123 has 400", "Captain_Ada has 0", "--keep-going"] {
        assert!(refused.stderr.contains(told), "{told}: {refused}");
    }
    assert_eq!(books(world), before);
    let dry = world.run(format!("miles reverse {batch} --note wrong --keep-going -n")).exits(10);
    assert_eq!(dry.stderr.matches("pilot123 has 400").count(), 1, "{dry}");
    assert_eq!(books(world), before);
    world.run(format!("miles reverse {batch} --note wrong --keep-going")).exits(9);
    let part = world.run(format!("miles reverse {batch} --note wrong --keep-going --yes -o json")).exits(10);
    let taken: Value = serde_json::from_str(&part.stdout).unwrap();
    assert_eq!((taken.as_array().unwrap().len(), &taken[0]["userId"]), (1, &json!("3")));
    assert!(part.stderr.contains("pilot123 has 400") && part.stderr.contains("Captain_Ada has 0"), "{part}");
    let file = std::fs::read_to_string(world.work().join(format!("{batch}.rejects.csv"))).unwrap();
    assert_eq!(file.lines().count(), 3, "{file}");
    assert!(file.contains(",1,pilot123,500,1,"), "{file}");
    assert_eq!(world.query(r#"SELECT "miles" FROM "users" ORDER BY "userId""#), "400\n0\n0");
    sound(world);
    // What is left is taken back once it is there; who is short alone is a refusal.
    world.run("miles award 1 100 --note x").ok();
    world.run(format!("miles reverse {batch} --note wrong --keep-going --rejects rest.csv --yes")).exits(10);
    world.run(format!("miles reverse {batch} --note wrong --keep-going --rejects rest2.csv --yes")).exits(5);
    assert_eq!(world.query(r#"SELECT "miles" FROM "users" ORDER BY "userId""#), "0\n0\n0");
    sound(world);
}
