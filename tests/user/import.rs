//! `user import`: many users at once, all or nothing or what can be taken.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{World, both};

fn users(world: &World) -> String {
    world.query(r#"SELECT "userId", username, "displayName", "avatarUrl" FROM users ORDER BY "userId""#)
}

#[both(ready)]
fn a_file_adds_and_changes_and_says_what_it_did(world: &mut World) {
    world.run("user add 1 ann --avatar-url https://x.org/a").ok();
    world.run("user add 2 bob").ok();
    let file = "userId,username,displayName,avatarUrl,miles,createdAt\n1,ann,Ann A,,5,x\n3,cat,,https://x.org/c,,\n2,bob,bob,,9,\n";
    let output = world.run_with_input("user import - --json --yes", file).json();
    assert_eq!(output, json!({"added": 1, "updated": 1, "unchanged": 1, "rejected": 0}));
    assert_eq!(users(world), "1|ann|Ann A|https://x.org/a\n2|bob|bob|\n3|cat|cat|https://x.org/c");
    assert_eq!(world.query("SELECT max(miles) FROM users"), "0", "miles are never imported");
    let said = |miles: &str| {
        let file = format!("userId,username,miles\n1,ann,{miles}\n");
        world.run_with_input("user import -", &file).ok().stderr.contains("The column miles is not taken")
    };
    assert_eq!(["5", "abc", "0", ""].map(said), [true, true, false, false]);
    let again = world.run_with_input("user import - --json", file).json();
    assert_eq!(again["unchanged"], 3);
    world.query(r#"UPDATE users SET miles = 7"#);
    let ndjson = world.run("user list -o ndjson").ok().stdout;
    assert_eq!(world.run_with_input("user import - --json", ndjson).json()["unchanged"], 3, "a list comes back in");
}

#[both(ready)]
fn names_swap_within_one_file(world: &mut World) {
    for (id, name) in [("1", "ann"), ("2", "bob"), ("3", "cat")] {
        world.run(["user", "add", id, name]).ok();
    }
    world.query(r#"UPDATE users SET "updatedAt" = '2020-01-01 00:00:00'"#);
    world.run_with_input("user import - --yes", "userId,username\n1,bob\n2,cat\n3,ann\n4,dan\n").ok();
    assert_eq!(world.query(r#"SELECT username FROM users ORDER BY "userId""#), "bob\ncat\nann\ndan");
    assert_eq!(world.query(r#"SELECT count(*) FROM users WHERE "updatedAt" = '2020-01-01 00:00:00'"#), "0");
    world.run_with_input("user import - --yes", "userId,username\n5,bob\n1,BOB1\n").ok();
    assert_eq!(
        world.query(r#"SELECT username FROM users WHERE "userId" IN ('1', '5') ORDER BY "userId""#),
        "BOB1\nbob"
    );
}

#[both(ready)]
fn one_bad_row_refuses_all(world: &mut World) {
    world.run("user add 1 ann").ok();
    insta::assert_snapshot!(world.run_with_input("user import -", "userId,username\n2,bob\n3,ANN\n2,dan\n4,\n"), @r#"
    exit: 5
    --- stderr
    → [database]
    error: 3 rows of 4 cannot be taken, so none was
      why  line 3: username ANN is held by user 1
           line 4: userId 2 is on an earlier row too
           line 5: user 4 is new, and a new user needs a username
      fix  mend those rows, or take the others with --keep-going
    "#);
    assert_eq!(users(world), "1|ann|ann|");
    let malformed = world.run_with_input("user import - -o json", "userId,username\nx,bob\n5,a\n6\n").exits(2);
    assert_eq!(malformed.error()["code"], "invalid_rows");
    world.run_with_input("user import -", "user,name\n1,ann\n").exits(2);
    world.run_with_input("user import -", "").exits(2);
    world.run_with_input("user import -", b"userId,username\n1,\xff\n").exits(2);
    world.run("user import nowhere.csv").exits(4);
}

#[both(ready)]
fn rejects_hold_no_formula_and_come_back_as_they_were(world: &mut World) {
    let rows = "userId,username,displayName\n2,bob,=HYPERLINK(A1)\nx,cat,@SUM(1)\ny,dan,\"'=1\"\n";
    std::fs::write(world.work().join("in.csv"), rows).unwrap();
    world.run("user import in.csv --keep-going").exits(10);
    let rejects = world.work().join("in.csv.rejects.csv");
    let text = std::fs::read_to_string(&rejects).unwrap();
    assert!(text.contains("x,cat,'@SUM(1),") && text.contains("y,dan,'=1,"), "{text}");
    std::fs::write(&rejects, text.replace("\nx,", "\n3,").replace("\ny,", "\n4,")).unwrap();
    world.run("user import in.csv.rejects.csv").ok();
    let names = world.query(r#"SELECT "displayName" FROM users ORDER BY "userId""#);
    assert_eq!(names, "=HYPERLINK(A1)\n@SUM(1)\n=1");
}

#[both(ready)]
fn keep_going_takes_the_rest_and_hands_the_others_back(world: &mut World) {
    world.run("user add 1 ann").ok();
    let rows = "userId,username,displayName\n2,bob,\"B, \"\"ob\"\"\"\n3,ANN,\"C\nat\"\n4,d,\n";
    std::fs::write(world.work().join("in.csv"), rows).unwrap();
    let output = world.run("user import in.csv --keep-going --json").exits(10);
    assert!(output.stderr.contains("in.csv.rejects.csv"), "{output}");
    assert_eq!(users(world), "1|ann|ann|\n2|bob|B, \"ob\"|");
    let rejects = world.work().join("in.csv.rejects.csv");
    let text = std::fs::read_to_string(&rejects).unwrap();
    assert!(text.contains("username ANN is held by user 1") && text.contains("\"C\nat\""), "{text}");
    std::fs::write(&rejects, text.replace("ANN", "cat").replace("4,d,", "4,dan,")).unwrap();
    world.run("user import in.csv.rejects.csv").ok();
    assert_eq!(world.query("SELECT count(*) FROM users"), "4");
    world.run("user import in.csv --keep-going --rejects other.csv").exits(10);
    assert!(world.work().join("other.csv").exists());
    std::fs::remove_file(&rejects).unwrap();
    world.run("user import in.csv --keep-going -n").exits(10);
    assert!(!rejects.exists(), "a dry run writes no file");
}

#[both(ready)]
fn users_who_are_there_are_changed_only_after_a_yes(world: &mut World) {
    world.run("user add 1 ann").ok();
    world.run("user add 2 bob").ok();
    std::fs::write(world.work().join("in.csv"), "userId,username\n1,anna\n2,bob\n3,cat\n").unwrap();
    let before = users(world);
    insta::assert_snapshot!(world.run("user import in.csv"), @r"
    exit: 9
    --- stderr
    → [database]
    1 user to add, 1 user to change, 1 as they are
    error: a confirmation is needed
      why  no question can be asked here: Change 1 user?
      fix  add --yes
    ");
    world.call("user import in.csv").answers(["n"]).run().exits(9);
    assert_eq!(users(world), before);
    world.run("user import in.csv -n").ok();
    assert_eq!(users(world), before);
    world.call("user import in.csv").answers(["y"]).run().ok();
    assert_eq!(users(world), "1|anna|ann|\n2|bob|bob|\n3|cat|cat|");
    // Nobody is changed: nobody is asked.
    world.run_with_input("user import -", "userId,username\n2,bob\n4,dan\n").ok();
}

#[both(ready)]
fn rejected_rows_are_lost_in_no_case(world: &mut World) {
    let work = world.work();
    let read = |name: &str| std::fs::read_to_string(work.join(name)).unwrap();
    let rows = "userId,username\n1,ann\n2,bob,\"x, y\"\n3\n4,d\n";
    // What cannot be parted comes back as it stood, also from standard input, in CSV as in ndjson.
    world.run_with_input("user import - --keep-going", rows).exits(10);
    assert_eq!(
        read("rejects.csv"),
        "userId,username,displayName,avatarUrl,line,error,raw\n\
         ,,,,3,\"3 fields, but the header has 2\",\"2,bob,\"\"x, y\"\"\"\n\
         ,,,,4,\"1 field, but the header has 2\",3\n\
         4,d,,,5,\"username \"\"d\"\": 3 to 20 letters, digits and at most one underscore inside\",\n"
            .replace(
                "username \"\"d\"\": 3 to 20 letters, digits and at most one underscore inside",
                &why(&read("rejects.csv"))
            )
    );
    // Another run gets another name; handed in unmended, nothing of them is lost either.
    world.run("user import rejects.csv --keep-going --rejects again.csv").exits(10);
    assert!(read("again.csv").contains(",\"2,bob,\"\"x, y\"\"\"\n"), "{}", read("again.csv"));
    world
        .run_with_input("user import - --keep-going", "{\"userId\":5,\"username\":[\"eve\"]}\n{\"userId\":6]\n")
        .exits(10);
    assert!(read("rejects.2.csv").contains(r#""{""userId"":5,""username"":[""eve""]}""#), "{}", read("rejects.2.csv"));
    assert!(read("rejects.2.csv").contains(r#""{""userId"":6]""#));
    let mended = read("rejects.csv")
        .replacen(",,,,3", "2,bob,\"x, y\",,3", 1)
        .replacen(",,,,4", "3,cat,,,4", 1)
        .replacen("4,d,", "4,dan,", 1);
    world.run_with_input("user import -", mended).ok();
    assert_eq!(users(world), "1|ann|ann|\n2|bob|x, y|\n3|cat|cat|\n4|dan|dan|");
}

/// Why the last row of a file of rejects was one, as CSV has it between the quotes.
fn why(rejects: &str) -> String {
    let line = rejects.trim_end().lines().last().unwrap();
    line.trim_start_matches("4,d,,,5,\"").trim_end_matches("\",").to_owned()
}

#[both(ready)]
fn a_rejects_file_has_its_place_before_anything_is_taken(world: &mut World) {
    let work = world.work();
    let rows = "userId,username\n1,ann\n2,b\n";
    std::fs::write(work.join("in.csv"), rows).unwrap();
    std::fs::write(work.join("old.csv"), "kept").unwrap();
    std::os::unix::fs::symlink("nowhere", work.join("link")).unwrap();
    for (rejects, exit) in [("nodir/x", 1), ("in.csv", 5), ("./in.csv", 5), ("old.csv", 5), ("link", 5), (".", 5)] {
        let refused = world.run(format!("user import in.csv --keep-going --rejects {rejects}")).exits(exit);
        assert!(refused.stderr.contains("nothing was changed"), "{refused}");
        world
            .run_with_input(format!("miles import - --keep-going --rejects {rejects}"), "user,amount\n1,5\n")
            .exits(exit);
    }
    assert_eq!(users(world), "");
    assert_eq!(std::fs::read_to_string(work.join("in.csv")).unwrap(), rows);
    assert_eq!(std::fs::read_to_string(work.join("old.csv")).unwrap(), "kept");
    world.run("user import in.csv --keep-going").exits(10);
    world.run("user import in.csv --keep-going").exits(10);
    use std::os::unix::fs::PermissionsExt as _;
    for name in ["in.csv.rejects.csv", "in.csv.rejects.2.csv"] {
        assert_eq!(std::fs::metadata(work.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    // Nothing is left of files that nobody needed.
    let names = |folder: &std::path::Path| std::fs::read_dir(folder).unwrap().count();
    let before = names(&work);
    world.run_with_input("user import - --keep-going --rejects none.csv", "userId,username\n9,zoe\n").ok();
    assert_eq!(names(&work), before);
}

#[both(ready)]
fn hostile_values_come_in_whole(world: &mut World) {
    let big = "x".repeat(1 << 20);
    let name = "Robert'); DROP TABLE users;--\n\u{202e}\"\\ {} $1";
    let row =
        |id: u32, name: &str| json!({"userId": id, "username": format!("user{id}"), "displayName": name}).to_string();
    let file = [row(1, &big), row(2, name)].join("\n");
    world.run_with_input("user import -", file).ok();
    assert_eq!(world.query(r#"SELECT length("displayName") FROM users WHERE "userId" = '1'"#), "1048576");
    assert_eq!(world.rows(r#"SELECT "displayName" FROM users WHERE "userId" = '2'"#)[0][0].as_deref(), Some(name));
    let nul = world.run_with_input("user import -", row(3, "a\0b")).exits(2);
    assert!(nul.stderr.contains("displayName"), "{nul}");
    assert_eq!(world.run("user list -o ndjson").ndjson()[0]["displayName"].as_str().unwrap().len(), 1 << 20);
}

#[both(ready)]
fn a_hundred_thousand_rows_take_seconds(world: &mut World) {
    let file = |prefix: &str| {
        let rows = (0..100_000).map(|id| format!("{id},{prefix}{id},Flyer {id}\n"));
        std::iter::once("userId,username,displayName\n".to_owned()).chain(rows).collect::<String>()
    };
    let start = Instant::now();
    let output = world.run_with_input("user import - --json", file("user")).json();
    assert_eq!(output["added"], 100_000);
    let output = world.run_with_input("user import - --json --yes", file("u_")).json();
    assert_eq!(output["updated"], 100_000);
    // A debug build on a busy machine; row by row it would be minutes.
    assert!(start.elapsed() < Duration::from_secs(90), "{:?}", start.elapsed());
}
