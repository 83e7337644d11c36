//! `user`: adding, looking, changing, and what hostile input comes to.

mod erase;
mod import;

use serde_json::{Value, json};

use crate::support::{World, both};

/// A flight of an airline, so that something refers to users: `('6e1f…', 'DL1')`.
pub fn flight(world: &World) -> &'static str {
    let id = "6e1fcd70-4528-4d8b-a6d6-bbedb9210096";
    world.run("airline add delta Delta").ok();
    world.run("brand add delta Delta --airline delta --iata DL --icao DAL --callsign DELTA").ok();
    world.query(&format!(
        r#"INSERT INTO flights (id, code, "gameId", aircraft, "airlineId", "brandId", departure, arrival)
        VALUES ('{id}', 'DL1', '14', 'A350', 'delta', 'delta', 'ATL', 'AMS')"#
    ));
    id
}

#[both(ready)]
fn a_user_is_added_and_shown(world: &mut World) {
    insta::assert_snapshot!(world.run("user add 107919 pilot123 --display-name 'Captain Pilot'"), @r"
    exit: 0
    --- stdout
    userId       107919
    username     pilot123
    displayName  Captain Pilot
    miles        0
    avatarUrl    —
    createdAt    [time]
    updatedAt    [time]
    --- stderr
    → [database]
    ");
    let shown = world.run("user show @PILOT123 --json").json();
    assert_eq!(shown["userId"], "107919");
    assert_eq!((&shown["rank"], &shown["users"], &shown["movements"]), (&json!(1), &json!(1), &json!([])));
    let keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys[..7], ["userId", "username", "displayName", "miles", "avatarUrl", "createdAt", "updatedAt"]);
}

#[both(ready)]
fn a_search_of_any_length_finds_what_it_says(world: &mut World) {
    world.run("user add 1 ann --display-name 'École 100%_\\'").ok();
    world.run("user add 2 bob").ok();
    let found = |text: &str| world.run(["user", "list", "--search", text, "-o", "ndjson"]).ndjson().len();
    for text in ["ANN", "École", "École 100%_\\", "e 100%", "_\\"] {
        assert_eq!(found(text), 1, "{text}");
    }
    for text in ["100_", "%%", "\\\\", "nn b"] {
        assert_eq!(found(text), 0, "{text}");
    }
    for part in ["x", "%", "_\\", "é"] {
        assert_eq!(found(&part.repeat(100_000)), 0);
    }
}

#[both(ready)]
fn a_taken_id_or_name_is_refused_naming_who_holds_it(world: &mut World) {
    world.run("user add 1 ann").ok();
    insta::assert_snapshot!(world.run("user add 1 bob"), @r#"
    exit: 5
    --- stderr
    → [database]
    error: userId "1" is taken
      why  user 1 (ann) has it
      fix  skyteam user show 1
    "#);
    let refused = world.run("user add 2 ANN -o json").exits(5).error();
    assert_eq!(refused["code"], "duplicate");
    assert!(refused["why"].as_str().unwrap().contains("user 1 (ann)"), "{refused}");
    assert_eq!(world.query("SELECT count(*) FROM users"), "1");
}

#[both(ready)]
fn values_are_held_to_the_rules(world: &mut World) {
    for (args, field) in [
        ("user add x1 ann", "userId"),
        ("user add 1 a", "username"),
        ("user add 1 a__b", "username"),
        ("user add 1 ann --avatar-url ftp://x.org", "avatarUrl"),
        ("user add 1 ann --display-name ''", "displayName"),
        ("user edit 1 --username _a --yes", "username"),
    ] {
        let refused = world.run(args).exits(2);
        assert!(refused.stderr.contains(field), "{refused}");
        assert!(refused.stderr.contains("accepted is"), "{refused}");
    }
    assert_eq!(world.query("SELECT count(*) FROM users"), "0");
    world.run("user edit 1").exits(2);
    world.run("user show").exits(2);
}

#[both(ready)]
fn hostile_text_is_kept_whole_and_cannot_act_on_a_terminal(world: &mut World) {
    for (index, name) in [
        "Robert'); DROP TABLE users; --",
        "\"quoted\" 'twice' \\ back",
        "two\nlines\ttab",
        "\u{202e}gnp.exe",
        "\u{1b}[2J\u{1b}]0;title\u{7}gone",
        "✈️ 대한항공 👩\u{200d}✈️ é",
        "=HYPERLINK(\"x\")",
        "12345",
        "$1 {} %s ${HOME} `id`",
    ]
    .iter()
    .enumerate()
    {
        let id = (1000 + index).to_string();
        let username = format!("user{index}");
        world.run(["user", "add", &id, &username, "--display-name", name]).ok();
        let shown = world.run(["user", "show", &id, "-o", "json"]).json();
        assert_eq!(shown["displayName"], *name);
        let row = world.rows(&format!("SELECT \"displayName\" FROM users WHERE \"userId\" = '{id}'"));
        assert_eq!(row[0][0].as_deref(), Some(*name));
    }
    for args in
        ["user list", "user list -o md", "user show 1004", "user show 1003", "user edit 1004 --display-name x -n"]
    {
        let output = world.run(args).ok();
        for stream in [&output.stdout, &output.stderr] {
            let acts = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!stream.contains(acts), "{args}: {stream:?}");
        }
    }
    let table = world.run("user list --columns displayName,miles,userId").ok().stdout;
    let ends: Vec<usize> = table.lines().skip(1).map(unicode_width::UnicodeWidthStr::width).collect();
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "columns are not straight:\n{table}");
    let csv = world.run("user list -o csv --csv-safe --columns displayName").ok().stdout;
    assert!(csv.contains("'=HYPERLINK"), "{csv}");
    assert_eq!(world.query("SELECT count(*) FROM users"), "9");
}

#[both(ready)]
fn references_are_taken_in_the_contracts_order(world: &mut World) {
    world.run("user add 777 ann").ok();
    world.run("user add 5 777").ok();
    world.run("user add 6 Bob").ok();
    let id = |reference: &str| world.run(["user", "show", reference, "--json"]).json()["userId"].clone();
    assert_eq!(id("777"), "777", "digits are an id first");
    assert_eq!(id("@777"), "5", "with @ they are a name");
    assert_eq!(id("bOB"), "6");
    world.query(r#"INSERT INTO users ("userId", username, "displayName") VALUES ('7', 'BOB', 'x')"#);
    assert_eq!(id("Bob"), "6", "the exact name goes first");
    let ambiguous = world.run("user show bob").exits(4);
    assert!(ambiguous.stderr.contains("6 (Bob)") && ambiguous.stderr.contains("7 (BOB)"), "{ambiguous}");
    insta::assert_snapshot!(world.run("user show annn"), @r#"
    exit: 4
    --- stderr
    error: no user "annn"
      why  nearest: ann (userId 777)
      fix  skyteam user list
    "#);
    for hostile in ["", "@", "'", "%", "_", "a'; --", &"9".repeat(5000), "\u{202e}", "-"] {
        world.run(["user", "show", "--json", "--", hostile]).exits(4);
    }
}

#[both(ready)]
fn a_list_is_filtered_and_sorted(world: &mut World) {
    for (id, name, miles) in [("1", "ann", 10), ("2", "bob", 300), ("3", "a_c", 200)] {
        world.run(["user", "add", id, name]).ok();
        world.query(&format!("UPDATE users SET miles = {miles} WHERE \"userId\" = '{id}'"));
    }
    let names = |args: &str| -> Vec<String> {
        let rows = world.run(format!("user list {args} -o json")).json();
        rows.as_array().unwrap().iter().map(|row| row["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(""), ["a_c", "ann", "bob"]);
    assert_eq!(names("--sort -miles"), ["bob", "a_c", "ann"]);
    assert_eq!(names("--sort=-miles,username --limit 1"), ["bob"]);
    assert_eq!(names("--search A"), ["a_c", "ann"]);
    assert_eq!(names("--search _"), ["a_c"], "a wildcard means itself");
    assert_eq!(names("--search %"), [""; 0]);
    assert_eq!(names("--min-miles 200"), ["a_c", "bob"]);
    assert_eq!(names("--min-miles 11 --max-miles 299"), ["a_c"]);
    assert_eq!(names("--since 2020-01-01"), ["a_c", "ann", "bob"]);
    assert_eq!(names("--since 9999-01-01"), [""; 0]);
    world.run("user list --sort nope").exits(2);
    world.run("user list --since yesterday").exits(2);
    world.run("user list --since '2026-03-29 02:30' --tz Europe/Amsterdam").exits(2);
}

#[both(ready)]
fn an_edit_shows_asks_and_moves_updated_at(world: &mut World) {
    world.run("user add 1 ann").ok();
    world.run("user add 2 bob").ok();
    world.query(r#"UPDATE users SET "updatedAt" = '2020-01-01 00:00:00'"#);
    insta::assert_snapshot!(world.run("user edit ann --username anna --display-name 'Ann A'"), @r"
    exit: 9
    --- stderr
    → [database]
    username: ann → anna
    displayName: ann → Ann A
    error: a confirmation is needed
      why  no question can be asked here: Change user 1?
      fix  add --yes
    ");
    assert_eq!(
        world.query(r#"SELECT username, "updatedAt" FROM users WHERE "userId" = '1'"#),
        "ann|2020-01-01 00:00:00"
    );
    world.call("user edit ann --username anna").answers(["n"]).run().exits(9);
    world.run("user edit ann --username anna -n").ok();
    assert_eq!(world.query(r#"SELECT username FROM users WHERE "userId" = '1'"#), "ann");
    world.call("user edit ann --username anna").answers(["y"]).run().ok();
    assert_eq!(
        world
            .query(r#"SELECT username, "updatedAt" > '2021-01-01' FROM users WHERE "userId" = '1'"#)
            .replace("|t", "|1"),
        "anna|1"
    );
    assert_eq!(world.query(r#"SELECT "updatedAt" FROM users WHERE "userId" = '2'"#), "2020-01-01 00:00:00");
    let refused = world.run("user edit anna --username BOB --yes").exits(5);
    assert!(refused.stderr.contains("user 2 (bob) has it"), "{refused}");
    world.run("user edit anna --username Anna --yes").ok();
    let same = world.run("user edit anna --username Anna").ok();
    assert!(same.stderr.contains("Nothing to change"), "{same}");
    world.run("user edit nobody --username zed --yes").exits(4);
}

#[both(ready)]
fn a_dry_run_of_every_write_leaves_nothing(world: &mut World) {
    world.run("user add 1 ann").ok();
    let before = world.query("SELECT * FROM users");
    let dry = world.run("user add 2 bob -n").ok();
    assert!(dry.stderr.contains("rolled back"), "{dry}");
    world.run("user edit ann --display-name x --dry-run").ok();
    world.run("user erase ann -n").ok();
    world.run_with_input("user import - -n", "userId,username\n2,bob\n").ok();
    assert_eq!(world.query("SELECT * FROM users"), before);
}

#[both(ready)]
fn what_a_user_did_is_shown(world: &mut World) {
    let flight = flight(world);
    world.run("user add 1 ann").ok();
    world.run("user add 2 bob").ok();
    world.query(&format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", miles) VALUES ('{flight}', '1', 250)"#
    ));
    for index in 0..12 {
        world.query(&format!(
            r#"INSERT INTO "milesTransactions" ("userId", amount, type, source, note, "createdAt")
            VALUES ('1', {}, '{}', 'event', 'n{index}', '2026-01-{:02} 00:00:00')"#,
            if index == 3 { -40 } else { 100 },
            if index == 3 { "spend" } else { "earn" },
            index + 1
        ));
    }
    world.query(r#"UPDATE users SET miles = 1060 WHERE "userId" = '1'"#);
    let shown = world.run("user show ann --json").json();
    let pick = |key: &str| shown[key].as_i64().unwrap();
    assert_eq!((pick("rank"), pick("users"), pick("flights"), pick("earned"), pick("spent")), (1, 2, 1, 1100, 40));
    let movements = shown["movements"].as_array().unwrap();
    assert_eq!((movements.len(), &movements[0]["note"]), (10, &json!("n11")));
    assert_eq!(world.run("user show bob --json").json()["rank"], 2);
    let flights = world.run("user flights ann -o ndjson").ndjson();
    assert_eq!((flights.len(), &flights[0]["code"], &flights[0]["miles"]), (1, &json!("DL1"), &json!(250)));
    assert_eq!(world.run("user flights bob --json").json(), json!([]));
    let drawn = world.call("user show ann").terminal(60).run().ok();
    assert!(drawn.stdout.contains("2026-01-12 00:00:00"), "{drawn}");
    let id = movements[0]["id"].as_str().unwrap();
    assert!(drawn.stdout.contains(&id[..8]) && !drawn.stdout.contains(id), "{drawn}");
    world.run("user flights nobody").exits(4);
    world.run("user flights ann --sort -miles").ok();

    let export = world.run("user export ann").json();
    let count = |key: &str| export[key].as_array().unwrap().len();
    assert_eq!(
        (&export["user"]["userId"], count("flightPassengers"), count("milesTransactions")),
        (&json!("1"), 1, 12)
    );
    assert_eq!(world.run("user export ann -o ndjson").ndjson()[0], export);
    world.run("user export ann -o csv").exits(2);
}

#[both(ready)]
fn two_adds_of_one_name_at_once_make_one_user(world: &mut World) {
    let children: Vec<_> = (0..6)
        .map(|n| world.spawn(["user", "add", &(n + 1).to_string(), if n % 2 == 0 { "Ada" } else { "ADA" }]))
        .collect();
    let codes: Vec<i32> = children.into_iter().map(|child| world.finish("user add".into(), child, b"").code).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 0 | 5)), "{codes:?}");
    assert_eq!(world.query("SELECT count(*) FROM users"), "1");
}

#[test]
fn without_a_database_nothing_is_made() {
    let world = World::bare();
    for args in ["user list", "user add 1 ann", "airline list", "brand list", "product list"] {
        let refused = world.run(args).exits(6);
        assert!(refused.stderr.contains("skyteam db push"), "{refused}");
    }
    let made: Vec<_> = std::fs::read_dir(world.home()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(made.is_empty(), "{made:?}");
}

#[both]
fn a_database_without_tables_is_told(world: &mut World) {
    world.touch();
    let refused = world.run("user list -o json").exits(5);
    assert_eq!(refused.error()["code"], Value::from("schema_behind"));
}

#[both(ready)]
fn columns_of_one_thing_are_chosen_in_every_format(world: &mut World) {
    world.run("user add 1 pilot123").ok();
    for format in ["", "-o md", "-o csv", "-o json", "-o ndjson"] {
        let refused = world.run(format!("user show @pilot123 --columns username,nope {format}")).exits(2);
        assert!(refused.stderr.contains("nope") && refused.stderr.contains("columns here: userId"), "{refused}");
    }
    let shown = world.run("user show @pilot123 --columns miles,username").ok();
    assert!(shown.stdout.starts_with("miles ") && shown.stdout.lines().count() == 2, "{shown}");
    // As the whole answer shows it to people, and as it is to programs.
    let awarded = world.run("miles award @pilot123 12345 --yes --note n --columns balance").ok();
    assert_eq!(awarded.stdout, "balance  12,345\n");
    let awarded = world.run("miles award @pilot123 1000 --yes --note n --columns balance -o csv").ok();
    assert_eq!(awarded.stdout, "balance\n13345\n");
}

// A list for programs is written from where the driver keeps its rows, on PostgreSQL; `show` reads a model.
#[both(ready)]
fn a_list_for_programs_shows_what_show_does(world: &mut World) {
    world.query(
        r#"INSERT INTO users ("userId", username, "displayName", miles, "avatarUrl", "createdAt", "updatedAt") VALUES
           ('1', 'ann', 'Ann, "the" pilot', 5, NULL, '2026-01-02 03:04:05.5', '2026-01-02 03:04:05'),
           ('2', 'bob', ' é ✈', 2147483647, 'https://x.invalid', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999')"#,
    );
    let listed = world.run("user list -o json").json();
    let lines = world.run("user list -o ndjson").ndjson();
    for (place, name) in ["ann", "bob"].into_iter().enumerate() {
        let mut shown = world.run(format!("user show {name} -o json")).json();
        let known: Vec<String> = listed[place].as_object().unwrap().keys().cloned().collect();
        shown.as_object_mut().unwrap().retain(|key, _| known.contains(key));
        assert_eq!((&listed[place], &lines[place]), (&shown, &shown));
    }
    let csv = world.run("user list -o csv").ok().stdout;
    assert_eq!(
        csv,
        "userId,username,displayName,miles,avatarUrl,createdAt,updatedAt\n\
         1,ann,\"Ann, \"\"the\"\" pilot\",5,,2026-01-02T03:04:05.5Z,2026-01-02T03:04:05Z\n\
         2,bob,\" é ✈\",2147483647,https://x.invalid,0001-01-01T00:00:00Z,9999-12-31T23:59:59.999999Z\n"
    );
    let some = world.run("user list -o json --columns miles,username --limit 1").json();
    assert_eq!(some.to_string(), r#"[{"miles":5,"username":"ann"}]"#);
}
