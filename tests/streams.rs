//! What goes to which stream, in which format, with how much colour; and how a list ends.

use crate::support::{World, both};

fn with_users(count: usize) -> World {
    let world = World::sqlite();
    world.run("db migrate").ok();
    world.run(format!("db seed --users {count} --flights 0")).ok();
    world
}

#[test]
fn a_piped_list_is_whole_and_a_terminals_is_short_and_says_so() {
    let world = with_users(60);
    let piped = world.run("user list").ok();
    assert_eq!(piped.stdout.lines().count(), 61);
    assert_eq!(piped.stderr, "");
    let terminal = world.call("user list").terminal(100).run().ok();
    assert_eq!(terminal.stdout.lines().count(), 51);
    assert!(terminal.stderr.contains("--limit N or --all"), "{terminal}");
    assert_eq!(world.call("user list --all").terminal(100).run().ok().stdout.lines().count(), 61);
    assert_eq!(world.call("user list --limit 55").terminal(100).run().ok().stdout.lines().count(), 56);
    world.run("user list --limit 5 --all").exits(2);
}

both!(ready fn a_limit_beyond_all_rows_shows_them_all(world) {
    crate::flight::fleet(world);
    world.run("flight board DL300 1 --miles 5").ok();
    let lists = ["user list", "airline list", "flight list", "user flights 1", "flight manifest show DL300", "miles history 1"];
    for list in lists {
        let all = world.run(format!("{list} -o ndjson --all")).ok().stdout;
        for limit in ["9223372036854775806", "9223372036854775807", "18446744073709551615"] {
            assert_eq!(world.run(format!("{list} -o ndjson --limit {limit}")).ok().stdout.lines().count(), all.lines().count());
        }
        world.run(format!("{list} --limit 18446744073709551616")).exits(2);
    }
});

#[test]
fn every_format_holds_the_same_rows() {
    let world = with_users(3);
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
    let markdown = world.run("user list --sort username -o md").ok().stdout;
    assert!(markdown.starts_with("| userId | username |") && markdown.lines().count() == 5, "{markdown}");
}

#[test]
fn columns_are_chosen_in_every_format() {
    let world = with_users(2);
    let row = &world.run("user list --columns miles,username -o ndjson").ok().ndjson()[0];
    let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["miles", "username"]);
    assert!(world.run("user list --columns username --no-header -o csv").ok().stdout.lines().count() == 2);
    assert!(world.run("user list --columns username").ok().stdout.starts_with("username\n"));
    assert!(!world.run("user list").ok().stdout.contains("avatarUrl"));
    assert!(world.run("user list --wide").ok().stdout.contains("avatarUrl"));
    let refused = world.run("user list --columns nope -o json").exits(2);
    assert_eq!(refused.error()["code"], "unknown_column");
}

#[test]
fn an_empty_list_is_well_formed_in_every_format() {
    let world = World::sqlite();
    world.run("db migrate").ok();
    assert_eq!(world.run("user list -o json").ok().stdout, "[]\n");
    assert_eq!(world.run("user list -o ndjson").ok().stdout, "");
    assert!(world.run("user list -o csv").ok().stdout.starts_with("userId,username"));
    assert_eq!(world.run("user list").ok().stdout, "");
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

#[test]
fn sql_is_shown_without_values_under_vv_only() {
    let world = with_users(2);
    assert_eq!(world.run("user list -v").ok().stderr, "");
    let traced = world.run("user list --limit 1 -vv").ok();
    assert!(traced.stderr.contains("ms  SELECT"), "{traced}");
    assert_eq!(world.run("user list -q").ok().stderr, "");
    world.run("user list -q -v").exits(2);
}
