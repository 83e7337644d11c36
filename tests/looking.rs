//! Looking around: `db info`, `db activity`, `config path`, `config init`.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Holder, World, both, eventually};

both!(ready fn info_counts_what_is_there(world) {
    world.run("user add 1 pilot123").ok();
    world.query(r#"ANALYZE"#);
    let info = world.run("db info -o json").json();
    assert!(info["bytes"].as_u64().unwrap() > 10_000, "{info}");
    let tables = info["tables"].as_array().unwrap();
    let users = tables.iter().find(|table| table["name"] == "users").unwrap();
    assert_eq!(users["rows"], 1, "{info}");
    assert!(users["indexBytes"].as_u64().unwrap() > 0, "{users}");
    let indexes = info["indexes"].as_array().unwrap();
    assert!(indexes.iter().any(|index| index["table"] == "milesTransactions"), "{info}");
    let shown = world.run("db info").ok().stdout;
    assert!(shown.contains("size") && shown.contains("milesTransactions"), "{shown}");
    let postgres = shown.starts_with("engine") && shown.contains("PostgreSQL");
    assert_eq!(postgres, shown.contains("oldest transaction"), "{shown}");
});

#[test]
fn activity_names_what_blocks_what_and_shows_no_values() {
    let world = World::ready(crate::support::Engine::Postgres);
    world.run("user add 1 pilot123").ok();
    let holder = Holder::takes(&world, r#"UPDATE "users" SET "displayName" = 'new' WHERE "userId" = '1'"#);
    let waiting = world.spawn("miles award @pilot123 5 --note n");
    let mut seen = String::new();
    eventually("the award waits for the row", || {
        seen = world.run("db activity").ok().stdout;
        seen.contains("waiting; to end that")
    });
    assert!(seen.contains("keeps 1 waiting; to end that: skyteam db shell"), "{seen}");
    assert!(seen.contains("pg_terminate_backend("), "{seen}");
    // The last statement of the holder is SELECT 'held'.
    assert!(seen.contains("SELECT …") && !seen.contains("held"), "{seen}");
    let lines = world.run("db activity -o ndjson").ndjson();
    let blocked = lines.iter().find(|line| !line["blockedBy"].as_array().unwrap().is_empty()).unwrap();
    let blocker = lines.iter().find(|line| line["blocks"] == 1).unwrap();
    assert_eq!(blocked["blockedBy"][0], blocker["pid"]);
    assert_eq!(blocker["state"], "idle in transaction");
    drop(holder);
    world.finish("miles award".to_owned(), waiting, b"").ok();
}

#[test]
fn a_file_has_no_list_of_sessions() {
    let world = World::ready(crate::support::Engine::Sqlite);
    let refused = world.run("db activity").exits(2);
    assert!(refused.stderr.contains("lsof"), "{refused}");
}

#[test]
fn a_first_file_of_settings_is_written_once_and_changes_nothing() {
    let world = World::bare();
    let before = world.run("config show -o json").json();
    assert!(world.run("-n config init").ok().stdout.contains("# [profiles.prod]"));
    let file = world.work().join("skyteam.toml");
    assert!(!file.exists());
    world.run("config init").ok();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.run("config show -o json").json(), before);
    assert!(world.run("config init").exits(5).stderr.contains("not written over"));
    // What is in it is what a file of settings may say.
    let text = std::fs::read_to_string(&file).unwrap();
    let settings = text
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = ") || line.starts_with('['));
    std::fs::write(&file, settings.collect::<Vec<_>>().join("\n")).unwrap();
    assert!(world.run("config show").ok().stdout.contains("Europe/Amsterdam"));
    world.run("config init --user -o json").ok();
    assert!(world.home().join(".config/skyteam/skyteam.toml").exists());
}

#[test]
fn where_a_setting_came_from_is_never_cut() {
    let world = World::bare();
    let long = world.work().join("a-folder-with-a-name-that-is-rather-long/and-one-more-below-it");
    std::fs::create_dir_all(&long).unwrap();
    let file = long.join(".env");
    std::fs::write(&file, "DATABASE_URL=sqlite:of-the-project-with-a-long-name.db\n").unwrap();
    for width in [40, 80] {
        let within = |args: &str| world.call(args).within(&long).terminal(width).run().ok().stdout;
        let shown = within("config show");
        assert!(shown.contains(&format!("DATABASE_URL in {}", file.display())), "{shown}");
        assert!(shown.contains("of-the-project-with-a-long-name.db") && !shown.contains('…'), "{shown}");
        let places = within("config path");
        assert!(places.contains(&file.display().to_string()) && !places.contains('…'), "{places}");
    }
    let wide = world.call("config show").within(&long).terminal(400).run().ok().stdout;
    assert!(wide.lines().next().unwrap().contains("setting"), "{wide}");
    assert_eq!(wide.lines().filter(|line| line.contains("DATABASE_URL in")).count(), 1, "{wide}");
}

#[test]
fn every_place_of_settings_is_listed_even_where_a_file_cannot_be_used() {
    let world = World::bare();
    let inner = world.work().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(world.work().join("skyteam.toml"), "this is no TOML").unwrap();
    let lines = world.run("config path -o json").json();
    let found: Vec<_> = lines.as_array().unwrap().iter().filter(|line| line["found"] == true).collect();
    assert_eq!(found.len(), 1, "{lines}");
    assert_eq!(
        (found[0]["kind"].as_str(), found[0]["path"].as_str()),
        (Some("project"), world.work().join("skyteam.toml").to_str())
    );
    assert!(lines.as_array().unwrap().iter().any(|line| line["kind"] == "user" && line["found"] == false), "{lines}");
    assert!(lines.as_array().unwrap().iter().any(|line| line["kind"] == "environment"), "{lines}");
}
