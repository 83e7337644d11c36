//! `miles import`.

use std::fmt::Write as _;
use std::time::Instant;

use serde_json::json;

use super::{award, furnish, sound, state};
use crate::support::{World, both};

fn rows(world: &World, text: &str) {
    std::fs::write(world.work().join("rows.csv"), text).unwrap();
}

#[both]
fn a_file_is_taken_whole_and_taken_back_whole(world: &mut World) {
    furnish(world);
    rows(world, "user,amount,note,key\n1,500,\"a \"\"b\"\", \\ {c}\",\n@Ann,-200,,\nBOB,300,NULL,\n");
    let run = world.run("miles import rows.csv --note bonus -o json");
    let answer = run.clone().json();
    let batch = answer["batchId"].as_str().unwrap();
    assert_eq!(
        answer,
        json!({"batchId": batch, "applied": 3, "alreadyApplied": 0, "rejected": 0, "earned": 800, "spent": -200})
    );
    assert!(run.stderr.contains(&format!("Undo: skyteam miles reverse {batch} --note TEXT")), "{run}");
    assert_eq!(state(world), "1=300 2=300 3=0 entries=3 seats=0");
    let notes = world.query(r#"SELECT "note" FROM "milesTransactions" ORDER BY "userId", "createdAt""#);
    assert_eq!(notes, "a \"b\", \\ {c}\nbonus\nNULL");
    // In the order of the file, also where the clock does not tell.
    let history = world.run("miles history 1 -o json").json();
    assert_eq!((&history[0]["balance"], &history[1]["balance"]), (&json!(300), &json!(500)));
    sound(world);
    world.run(format!("miles reverse {batch} --note oops --yes")).ok();
    assert_eq!(state(world), "1=0 2=0 3=0 entries=6 seats=0");
    sound(world);
}

#[both]
fn one_bad_row_stops_all_or_is_handed_back(world: &mut World) {
    furnish(world);
    rows(world, "user,amount,note\n1,100,ok\n2,-1,too much\nnobody,5,\n3,1.5,\n1,-60,ok\n1,-60,too much\n");
    let refused = world.run("miles import rows.csv -o json").exits(5).error();
    assert_eq!(refused["code"], "refused_rows");
    assert_eq!(state(world), "1=0 2=0 3=0 entries=0 seats=0");
    let run = world.run("miles import rows.csv --keep-going -o json").exits(10);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&answer["applied"], &answer["rejected"]), (&json!(2), &json!(4)));
    assert_eq!(state(world), "1=40 2=0 3=0 entries=2 seats=0");
    let rejects = std::fs::read_to_string(world.work().join("rows.csv.rejects.csv")).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    assert_eq!(lines.len(), 5, "{rejects}");
    assert_eq!(lines[0], "user,amount,note,key,line,error,raw");
    assert_eq!(lines[1], "2,-1,too much,,3,\"not enough miles: Bob has 0, this spends 1: 1 short\",");
    assert!(lines[2].starts_with("nobody,5,,,4,\"no user"), "{rejects}");
    assert!(lines[3].starts_with("3,1.5,,,5,"), "{rejects}");
    assert_eq!(lines[4], "1,-60,too much,,7,\"not enough miles: Ann has 40, this spends 60: 20 short\",");
    sound(world);

    // Mended, the file of rejects can be handed in.
    award(world, "2", 1);
    let mended = rejects.replace("nobody,5", "Cleo,5").replace("3,1.5", "3,2").replace("1,-60", "1,-40");
    rows(world, &mended);
    world.run("miles import rows.csv").ok();
    assert_eq!(state(world), "1=0 2=0 3=7 entries=7 seats=0");
}

#[both]
fn all_that_is_wrong_is_told_at_once(world: &mut World) {
    furnish(world);
    rows(world, "user,amount\nnobody,5\n1,-5\n2,x\n3,7\n");
    let error = world.run("miles import rows.csv -o json").exits(5).error();
    let why = error["why"].as_str().unwrap();
    assert_eq!(error["message"], "3 rows of 4 cannot be taken, so none was");
    for line in ["line 2: no user \"nobody\"", "line 3: not enough miles: Ann has 0", "line 4: amount \"x\""] {
        assert!(why.contains(line), "{why}");
    }
    assert_eq!(state(world), "1=0 2=0 3=0 entries=0 seats=0");
}

#[both]
fn a_name_that_no_database_can_hold_is_one_row_that_nobody_has(world: &mut World) {
    furnish(world);
    let lines = "{\"user\":\"An\\u0000n\",\"amount\":5}\n{\"user\":\"1\\u0000\",\"amount\":5}\n{\"user\":\"Bob\",\"amount\":6}\n";
    let run = world.call("miles import - --keep-going -o json").input(lines).run().exits(10);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&answer["applied"], &answer["rejected"]), (&json!(1), &json!(2)), "{run}");
    assert_eq!(state(world), "1=0 2=6 3=0 entries=1 seats=0");
    let lines = "{\"user\":\"An\\u0000n\",\"miles\":5}\n";
    let error = world.call("flight manifest import DL1 - -o json").input(lines).run().error();
    assert_ne!(error["code"], "encoding", "{error}");
}

#[both]
fn rows_with_keys_are_applied_once(world: &mut World) {
    furnish(world);
    let lines = r#"{"user":"1","amount":100,"key":"a"}
{"user":"Bob","amount":"50","key":"b","note":"x"}
{"user":"1","amount":100,"key":"a"}
"#;
    let first = world.call("miles import - -o json").input(lines).run().json();
    assert_eq!((&first["applied"], &first["alreadyApplied"]), (&json!(2), &json!(1)));
    let again = world.call("miles import - -o json").input(lines).run().json();
    assert_eq!((&again["applied"], &again["alreadyApplied"], &again["batchId"]), (&json!(0), &json!(3), &json!(null)));
    // The very keys of award and spend.
    assert!(world.run("miles award 2 50 --note x --key b").stderr.contains("Already applied"));
    let other = world.call("miles import - -o json").input(r#"{"user":"1","amount":101,"key":"a"}"#).run().exits(5);
    assert!(other.error()["why"].as_str().unwrap().contains("amount: the entry has"), "{other}");
    assert_eq!(state(world), "1=100 2=50 3=0 entries=2 seats=0");
    sound(world);
}

#[both]
fn what_is_no_list_of_rows_is_refused(world: &mut World) {
    furnish(world);
    for text in ["", "user,amount,colour\n", "[{}]"] {
        rows(world, text);
        world.run("miles import rows.csv").exits(2);
    }
    rows(world, "user,amount\n1,0\n,5\n1\n");
    world.run("miles import rows.csv").exits(2);
    world.run("miles import nosuch.csv").exits(4);
    assert_eq!(state(world), "1=0 2=0 3=0 entries=0 seats=0");
}

#[both]
fn a_hundred_thousand_rows_take_seconds(world: &mut World) {
    furnish(world);
    let mut users =
        String::from(r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('10', 'many10', 'x')"#);
    for user in 11..10_010 {
        write!(users, ",('{user}','many{user}','x')").unwrap();
    }
    world.query(&users);
    let mut text = String::from("user,amount,note\n");
    for row in 0..100_000 {
        writeln!(text, "{},{},season bonus {row}", 10 + row * 7919 % 10_000, 1 + row % 7).unwrap();
    }
    // No bound in seconds: a busy machine without optimisation is slow. Row by row would be taken for a hang.
    let mut took = Vec::new();
    for rows in [100_000, 20_000] {
        let some: Vec<&str> = text.lines().take(1 + rows).collect();
        std::fs::write(world.work().join("rows.csv"), some.join("\n")).unwrap();
        let began = Instant::now();
        assert_eq!(world.run("miles import rows.csv -o json").json()["applied"], rows);
        took.push(began.elapsed());
    }
    // The ledger is no longer empty then: looking up keys must not compare every row with every key.
    assert!(took[1] < took[0], "{took:?}");
    sound(world);
}
