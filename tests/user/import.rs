//! `user import`: many users at once, all or nothing or what can be taken.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{World, both};

fn users(world: &World) -> String {
    world.query(r#"SELECT "userId", username, "displayName", "avatarUrl" FROM users ORDER BY "userId""#)
}

both!(ready fn a_file_adds_and_changes_and_says_what_it_did(world) {
    world.run("user add 1 ann --avatar-url https://x.org/a").ok();
    world.run("user add 2 bob").ok();
    let file = "userId,username,displayName,avatarUrl,miles,createdAt\n1,ann,Ann A,,5,x\n3,cat,,https://x.org/c,,\n2,bob,bob,,9,\n";
    let output = world.run_with_input("user import - --json", file).json();
    assert_eq!(output, json!({"added": 1, "updated": 1, "unchanged": 1, "rejected": 0}));
    assert_eq!(users(world), "1|ann|Ann A|https://x.org/a\n2|bob|bob|\n3|cat|cat|https://x.org/c");
    assert_eq!(world.query("SELECT max(miles) FROM users"), "0", "miles are never imported");
    let again = world.run_with_input("user import - --json", file).json();
    assert_eq!(again["unchanged"], 3);
    world.query(r#"UPDATE users SET miles = 7"#);
    let ndjson = world.run("user list -o ndjson").ok().stdout;
    assert_eq!(world.run_with_input("user import - --json", ndjson).json()["unchanged"], 3, "a list comes back in");
});

both!(ready fn names_swap_within_one_file(world) {
    for (id, name) in [("1", "ann"), ("2", "bob"), ("3", "cat")] {
        world.run(["user", "add", id, name]).ok();
    }
    world.query(r#"UPDATE users SET "updatedAt" = '2020-01-01 00:00:00'"#);
    world.run_with_input("user import -", "userId,username\n1,bob\n2,cat\n3,ann\n4,dan\n").ok();
    assert_eq!(world.query(r#"SELECT username FROM users ORDER BY "userId""#), "bob\ncat\nann\ndan");
    assert_eq!(world.query(r#"SELECT count(*) FROM users WHERE "updatedAt" = '2020-01-01 00:00:00'"#), "0");
    world.run_with_input("user import -", "userId,username\n5,bob\n1,BOB1\n").ok();
    assert_eq!(world.query(r#"SELECT username FROM users WHERE "userId" IN ('1', '5') ORDER BY "userId""#), "BOB1\nbob");
});

both!(ready fn one_bad_row_refuses_all(world) {
    world.run("user add 1 ann").ok();
    insta::assert_snapshot!(world.run_with_input("user import -", "userId,username\n2,bob\n3,ANN\n2,dan\n4,\n"), @r#"
    exit: 5
    --- stderr
    → [database]
    error: 3 rows of 4 cannot be taken, so none was
      why  line 3: username ANN is held by user 1
           line 4: userId 2 stands on an earlier row too
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
});

both!(ready fn keep_going_takes_the_rest_and_hands_the_others_back(world) {
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
});

both!(ready fn hostile_values_come_in_whole(world) {
    let big = "x".repeat(1 << 20);
    let name = "Robert'); DROP TABLE users;--\n\u{202e}\"\\ {} $1";
    let row = |id: u32, name: &str| json!({"userId": id, "username": format!("user{id}"), "displayName": name}).to_string();
    let file = [row(1, &big), row(2, name)].join("\n");
    world.run_with_input("user import -", file).ok();
    assert_eq!(world.query(r#"SELECT length("displayName") FROM users WHERE "userId" = '1'"#), "1048576");
    assert_eq!(world.rows(r#"SELECT "displayName" FROM users WHERE "userId" = '2'"#)[0][0].as_deref(), Some(name));
    let nul = world.run_with_input("user import -", row(3, "a\0b")).exits(2);
    assert!(nul.stderr.contains("displayName"), "{nul}");
    assert_eq!(world.run("user list -o ndjson").ndjson()[0]["displayName"].as_str().unwrap().len(), 1 << 20);
});

both!(ready fn a_hundred_thousand_rows_take_seconds(world) {
    let file = |prefix: &str| {
        let rows = (0..100_000).map(|id| format!("{id},{prefix}{id},Flyer {id}\n"));
        std::iter::once("userId,username,displayName\n".to_owned()).chain(rows).collect::<String>()
    };
    let start = Instant::now();
    let output = world.run_with_input("user import - --json", file("user")).json();
    assert_eq!(output["added"], 100_000);
    let output = world.run_with_input("user import - --json", file("u_")).json();
    assert_eq!(output["updated"], 100_000);
    // A debug build on a busy machine; row by row it would be minutes.
    assert!(start.elapsed() < Duration::from_secs(90), "{:?}", start.elapsed());
});
