//! What goes to which stream, in which format, with how much colour; and how a list ends.

use crate::support::{Engine, World, both};

/// The most columns that a line of it takes.
fn widest(text: &str) -> usize {
    text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0)
}

fn seed(world: &World, users: usize) {
    world.run(format!("db seed --users {users} --flights 0")).ok();
}

#[both(ready)]
fn a_piped_list_is_whole_and_a_terminals_is_short_and_says_so(world: &mut World) {
    seed(world, 60);
    let piped = world.run("user list").ok();
    assert_eq!(piped.stdout.lines().count(), 61);
    assert_eq!(piped.stderr, "");
    let terminal = world.call("user list").terminal(100).run().ok();
    assert_eq!(terminal.stdout.lines().count(), 51);
    assert!(terminal.stderr.contains("--limit N or --all"), "{terminal}");
    assert_eq!(world.call("user list --all").terminal(100).run().ok().stdout.lines().count(), 61);
    assert_eq!(world.call("user list --limit 55").terminal(100).run().ok().stdout.lines().count(), 56);
    world.run("user list --limit 5 --all").exits(2);
    // Quiet as it is asked to be, it does not keep silent on rows that are missing.
    let quiet = world.call("user list -q").terminal(100).run().ok();
    assert!(quiet.stderr.contains("--limit N or --all"), "{quiet}");
}

#[both(ready)]
fn a_limit_beyond_all_rows_shows_them_all(world: &mut World) {
    crate::flight::fleet(world);
    world.run("flight board DL300 1 --miles 5").ok();
    let lists =
        ["user list", "airline list", "flight list", "user flights 1", "flight manifest show DL300", "miles history 1"];
    for list in lists {
        let all = world.run(format!("{list} -o ndjson --all")).ok().stdout;
        for limit in ["9223372036854775806", "9223372036854775807", "18446744073709551615"] {
            assert_eq!(
                world.run(format!("{list} -o ndjson --limit {limit}")).ok().stdout.lines().count(),
                all.lines().count()
            );
        }
        world.run(format!("{list} --limit 18446744073709551616")).exits(2);
    }
}

#[both(ready)]
fn every_format_holds_the_same_rows(world: &mut World) {
    seed(world, 3);
    let json = world.run("user list --sort username -o json").ok().json();
    let ndjson = world.run("user list --sort username -o ndjson").ok().ndjson();
    assert_eq!(json.as_array().unwrap(), &ndjson);
    assert_eq!(world.run("user list --sort username --json").ok().json(), json);
    let csv = world.run("user list --sort username -o csv").ok().stdout;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 3);
    assert_eq!(&records[0][0], ndjson[0]["userId"].as_str().unwrap());
    assert_eq!(&records[0][5], ndjson[0]["createdAt"].as_str().unwrap());
    // Discord shows columns in a block of code only; without the block it is the table that Markdown is elsewhere.
    let markdown = world.run("user list --sort username -o md").ok().stdout;
    let lines: Vec<&str> = markdown.lines().collect();
    assert_eq!((lines[0], lines[6], lines.len()), ("```", "```", 7), "{markdown}");
    assert!(lines[1].starts_with("| userId ") && lines[2].starts_with("| ---"), "{markdown}");
    assert!(lines[1..6].iter().all(|line| line.len() == lines[1].len()), "{markdown}");
}

#[both(ready)]
fn columns_are_chosen_in_every_format(world: &mut World) {
    seed(world, 2);
    let row = &world.run("user list --columns miles,username -o ndjson").ok().ndjson()[0];
    let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["miles", "username"]);
    assert!(world.run("user list --columns username --no-header -o csv").ok().stdout.lines().count() == 2);
    assert!(world.run("user list --columns username").ok().stdout.starts_with("username\n"));
    assert!(!world.run("user list").ok().stdout.contains("avatarUrl"));
    assert!(world.run("user list --wide").ok().stdout.contains("avatarUrl"));
    let refused = world.run("user list --columns nope -o json").exits(2);
    assert_eq!(refused.error()["code"], "unknown_column");
    let long = "x".repeat(100_000);
    for flag in ["--columns", "--sort"] {
        let refused = world.run(["user", "list", flag, &long]).exits(2);
        assert!(refused.stderr.len() < 500, "{}", refused.stderr.len());
    }
}

#[both(ready)]
fn an_empty_list_is_well_formed_in_every_format(world: &mut World) {
    assert_eq!(world.run("user list -o json").ok().stdout, "[]\n");
    assert_eq!(world.run("user list -o ndjson").ok().stdout, "");
    assert!(world.run("user list -o csv").ok().stdout.starts_with("userId,username"));
    let markdown = world.run("user list -o md").ok().stdout;
    assert!(markdown.starts_with("```\n| userId | username | displayName |"), "{markdown}");
    let piped = world.run("user list").ok();
    assert_eq!((piped.stdout.as_str(), piped.stderr.as_str()), ("", ""));
    for (list, said) in [
        ("user list", "No users."),
        ("airline list", "No airlines."),
        ("brand list", "No brands."),
        ("flight list", "No flights."),
        ("product list", "No products."),
    ] {
        let seen = world.call(list).terminal(80).run().ok();
        assert_eq!((seen.stdout.as_str(), seen.stderr.trim_end()), ("", said), "{list}");
    }
}

#[test]
fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
    let mut world = World::bare();
    let coloured = |world: &World, args: &str, terminal: bool| {
        let call = world.call(args);
        let call = if terminal { call.terminal(80) } else { call };
        call.run().exits(6).stderr.contains('\u{1b}')
    };
    assert!(!coloured(&world, "user list", false));
    assert!(coloured(&world, "user list", true));
    assert!(coloured(&world, "user list --color always", false));
    assert!(!coloured(&world, "user list --color never", true));
    world.set("CLICOLOR_FORCE", "1");
    assert!(coloured(&world, "user list", false));
    world.set("NO_COLOR", "1");
    assert!(!coloured(&world, "user list", true));
    assert!(coloured(&world, "user list --color always", true));
}

#[test]
fn errors_are_json_where_the_answer_would_be() {
    let world = World::bare();
    let error = world.run("user list -o ndjson").exits(6).error();
    assert_eq!(
        (error["code"].as_str(), error["exit"].as_i64(), error["retryable"].as_bool()),
        (Some("no_database"), Some(6), Some(false))
    );
    let usage = world.run("user lst --output=json").exits(2).error();
    assert_eq!(usage["code"], "usage");
    assert_eq!(world.run("user list -o sql").exits(2).stdout, "");
}

#[both(ready)]
fn sql_is_shown_without_values_under_vv_only(world: &mut World) {
    seed(world, 2);
    assert_eq!(world.run("user list -v").ok().stderr, "");
    let traced = world.run("user list --limit 1 -vv").ok();
    assert!(traced.stderr.contains("ms  SELECT"), "{traced}");
    assert_eq!(world.run("user list -q").ok().stderr, "");
    world.run("user list -q -v").exits(2);
}

/// Lists that have more columns than a terminal.
const LISTS: [&str; 6] =
    ["user list", "flight list", "airline list", "brand list", "product list", "miles leaderboard"];

#[both(ready)]
fn a_list_fits_every_terminal_in_whole_columns(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    for columns in [40, 60, 80, 120] {
        for list in LISTS {
            let shown = world.call(format!("{list} --color never")).terminal(columns).run().ok();
            assert!(widest(&shown.stdout) <= columns.into(), "{columns}\n{shown}");
            let whole = world.call(format!("{list} --wide --color never")).terminal(columns).run().ok();
            assert!(widest(&whole.stdout) <= columns.into(), "{columns}\n{whole}");
            assert!(!whole.stderr.contains("hidden") && !whole.stdout.contains('…'), "{columns}\n{whole}");
            assert!(!shown.stdout.contains('…') || columns == 40, "{columns}\n{shown}");
        }
        let flights = world.call("flight list --color never").terminal(columns).run().ok();
        let header = flights.stdout.lines().next().unwrap().to_owned();
        assert!(header.starts_with("code") && header.contains("status") && header.contains("startTime"), "{flights}");
        assert!(columns == 120 || flights.stderr.contains("--wide shows"), "{flights}");
    }
    let every = world.call("flight list --wide --color never").terminal(40).run().ok();
    for column in ["startedAt", "endTime", "gameId", "discordEventLink", "brandId", "id"] {
        assert!(every.stdout.lines().any(|line| line.split(' ').next() == Some(column)), "{column}: {every}");
    }
    let fingerprint = world.call("airline list").terminal(80).run().ok();
    assert!(fingerprint.stdout.contains("(sha256 ") && !fingerprint.stdout.contains('…'), "{fingerprint}");
}

#[both(ready)]
fn a_text_of_any_length_hangs_no_terminal(world: &mut World) {
    let long = "x".repeat(70_000);
    world.query(&format!(
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', '{long}'), ('2', '{long}', 'A')"
    ));
    for args in ["user list", "user list --wide", "user show 1", "user list --columns displayName"] {
        let shown = world.call(args).terminal(80).run().ok();
        assert!(shown.stdout.len() < 10_000 || args == "user show 1", "{args}");
    }
    // In a pipe nothing is cut, and the other lines are not padded for it.
    let piped = world.run("user list").ok().stdout;
    assert!(piped.matches(&long).count() == 2 && piped.len() < 2 * long.len() + 2_000, "{}", piped.len());
    assert!(world.run("user list -o md").ok().stdout.len() < 2 * long.len() + 4_000);
}

#[both(ready)]
fn a_terminal_gets_a_long_list_whole_and_in_order(world: &mut World) {
    let rows = "INSERT INTO users (\"userId\", username, \"displayName\") SELECT n, 'pilot' || n, 'Pilot' FROM";
    match world.engine() {
        Engine::Postgres => world.query(&format!("{rows} generate_series(1001, 3500) n")),
        Engine::Sqlite => world.query(&format!(
            "{rows} (WITH RECURSIVE c(n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM c WHERE n < 3500) SELECT n FROM c)"
        )),
    };
    let shown = world
        .call("user list --all --sort userId --columns userId,username --color never")
        .terminal(80)
        .run()
        .ok()
        .stdout;
    let lines: Vec<String> = (1001..=3500).map(|n| format!("{n}    pilot{n}")).collect();
    assert_eq!(shown, format!("userId  username\n{}\n", lines.join("\n")));
}

#[both(ready)]
fn stored_text_does_nothing_to_a_terminal_in_any_format(world: &mut World) {
    let hostile = "\u{9b}2J\u{1b}[2J\u{202e}";
    world.query(&format!(
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', '{hostile}')"
    ));
    for args in [
        "user list",
        "user list --json",
        "user list -o ndjson",
        "user list -o csv",
        "user show 1 --json",
        "user list -o md",
    ] {
        let shown = world.call(format!("{args} --color never")).terminal(200).run().ok().stdout;
        let acts = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!shown.contains(acts), "{args}: {shown:?}");
    }
    let told = world.call("user list --json").terminal(200).run().json();
    assert_eq!(told[0]["displayName"], hostile);
    assert_eq!(world.run("user list --json").json()[0]["displayName"], hostile);
}

#[both(ready)]
fn a_fix_can_be_pasted_whatever_is_stored(world: &mut World) {
    world.query(
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES \
         ('1', 'x; touch pwned', 'A'), ('2', '-rf', 'B'), ('3', '44', 'C')",
    );
    for (user, fix) in [("1", "skyteam miles history 'x; touch pwned'"), ("2", "history @-rf"), ("3", "history @44")] {
        let refused = world.run(["miles", "spend", user, "5", "--note", "test"]).exits(5);
        assert!(refused.stderr.lines().any(|line| line.ends_with(fix)), "{refused}");
    }
    let erase = world.run("user erase 2").exits(9);
    assert!(erase.stderr.contains("add --confirm=-rf") || erase.stderr.contains("add --confirm 2"), "{erase}");
}

#[both]
fn a_fix_means_the_database_of_the_run(world: &mut World) {
    let url = world.url();
    std::fs::write(world.work().join("skyteam.toml"), format!("[profiles.'p 2']\nurl = '{url}'\n")).unwrap();
    let here = world.run("user list").stderr;
    assert!(here.contains("skyteam db push"), "{here}");
    let profile = world.run("user list -p 'p 2'").stderr;
    assert!(profile.contains("skyteam -p 'p 2' db push"), "{profile}");
    let named = world.run(["user", "list", "--database-url", &url]).stderr;
    assert!(named.contains("skyteam --database-url ") && named.contains(" db push"), "{named}");
    let json = world.run("user list -p 'p 2' -o json").error();
    assert!(json["fix"].as_str().unwrap().contains("skyteam -p 'p 2' db push"), "{json}");
}

#[both(ready)]
fn times_in_messages_are_those_of_the_zone(world: &mut World) {
    world.run("db seed --users 3 --flights 5").ok();
    world.query("UPDATE flights SET \"startTime\" = '2025-01-01 10:00:00', \"startedAt\" = '2025-01-01 10:00:00', \"endTime\" = '2025-01-01 12:00:00'");
    let id = world.run("flight list --limit 1 -o ndjson").ndjson()[0]["id"].as_str().unwrap().to_owned();
    let refused = world.run(format!("flight end {id} --tz Europe/Paris")).exits(5);
    assert!(refused.stderr.contains("it has ended at 2025-01-01 13:00:00\n"), "{refused}");
    let json = world.run(format!("flight end {id} --tz Europe/Paris -o json")).exits(5).error();
    assert!(json["why"].as_str().unwrap().contains("2025-01-01T12:00:00Z"), "{json}");
}

#[test]
fn a_noun_alone_is_explained_by_examples() {
    let world = World::bare();
    for noun in ["db", "user", "airline", "brand", "flight", "product", "miles", "config", "completions"] {
        let help = world.run(noun).exits(2);
        assert!(help.stderr.contains(&format!("Examples:\n  skyteam {noun} ")) || noun == "completions", "{help}");
        assert!(help.stderr.contains("Examples:"), "{help}");
    }
}

#[both(ready)]
fn an_export_does_nothing_to_a_terminal(world: &mut World) {
    world.query("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', '\u{9b}2J')");
    let shown = world.call("user export 1").terminal(80).run();
    assert!(!shown.stdout.contains('\u{9b}'), "{shown}");
    assert_eq!(shown.json()["user"]["displayName"], world.run("user export 1").json()["user"]["displayName"]);
}

/// A file named .csv is opened by a spreadsheet, which runs what looks like a formula; a program reads a pipe.
#[test]
fn cells_that_a_spreadsheet_would_run_are_defused_where_a_person_reads() {
    let world = World::ready(Engine::Sqlite);
    let name = "=HYPERLINK(\"http://evil\")";
    world.run(["user", "add", "1", "pilot1", "--display-name", name]).ok();
    let list = "user list -o csv --columns userId,username,displayName";
    let into = |file: &str, args: &str| {
        let path = world.work().join(file);
        let done = world.command(args).stdout(std::fs::File::create(&path).unwrap()).status().unwrap();
        assert!(done.success());
        std::fs::read_to_string(path).unwrap()
    };
    let csv = into("out.csv", list);
    assert!(csv.contains("\"'=HYPERLINK"), "{csv}");
    assert!(into("out.txt", list).contains("\"=HYPERLINK"));
    assert!(into("raw.csv", &format!("{list} --csv-safe=never")).contains("\"=HYPERLINK"));
    assert!(world.run(list).ok().stdout.contains("\"=HYPERLINK"));
    assert!(world.run(format!("{list} --csv-safe")).ok().stdout.contains("\"'=HYPERLINK"));
    assert!(world.call(list).terminal(100).run().stdout.contains("\"'=HYPERLINK"));
    // An import reads it back as it was.
    let twin = World::ready(Engine::Sqlite);
    std::fs::write(twin.work().join("in.csv"), csv).unwrap();
    twin.run("user import in.csv --yes").ok();
    assert_eq!(twin.query(r#"SELECT "displayName" FROM users"#), name);
}
