//! `db status`: where a database stands, and how far live, snapshot and entities are apart.

use serde_json::json;

use crate::support::{DRIZZLE, Engine, PASSWORD, World, both, migrations};

#[both]
fn an_empty_database_has_everything_before_it(world: &mut World) {
    world.touch();
    let before = world.catalogue();
    let status = world.run("db status -o json").json();
    assert_eq!(status["knownFrom"], "empty");
    assert_eq!(status["version"], serde_json::Value::Null);
    assert_eq!(status["pending"], json!(migrations::folders()));
    assert_eq!(status["inOrder"], false);
    world.run("db status").ok();
    world.run("db status --exit-code").exits(3);
    assert_eq!(world.catalogue(), before, "looking changes nothing");
}

#[both]
fn in_order_is_said_and_exits_zero(world: &mut World) {
    world.run("db migrate").ok();
    let status = world.run("db status --exit-code -o json").json();
    let expected = match world.engine() {
        Engine::Postgres => ("postgres", json!(world.role())),
        Engine::Sqlite => ("sqlite", serde_json::Value::Null),
    };
    assert_eq!((status["engine"].as_str().unwrap(), &status["role"]), (expected.0, &expected.1));
    assert_eq!(status["database"], world.name());
    assert_eq!(status["version"], migrations::newest());
    assert_eq!(status["applied"].as_array().unwrap().len(), migration::all().len());
    assert_eq!(status["applied"][0]["via"], "migrate");
    assert_eq!(status["drift"], json!({"liveToSnapshot": [], "liveToEntities": [], "snapshotToEntities": []}));
    let shown = world.run("db status").ok();
    assert!(
        shown.stdout.ends_with("Everything is applied; database, snapshot and entities are the same.\n"),
        "{shown}"
    );
}

#[both]
fn what_is_pending_is_listed_in_its_place(world: &mut World) {
    world.run("db migrate --to safety").ok();
    let shown = world.run("db status").ok();
    let lines: Vec<&str> = shown.stdout.lines().collect();
    let of = |name: &str| lines.iter().position(|line| line.contains(name) && line.starts_with("2026")).unwrap();
    assert!(lines[of("safety")].contains("applied"));
    assert!(lines[of("ledger")].contains("pending"));
    assert!(of("safety") < of("ledger"));
    assert_eq!(lines.last(), Some(&"Next: skyteam db migrate"));
}

#[both(ready)]
fn a_lost_record_is_put_back_by_migrate(world: &mut World) {
    let record = match world.engine() {
        Engine::Postgres => "skyteam.migrations",
        Engine::Sqlite => "\"_skyteam_migrations\"",
    };
    world.query(&format!("DELETE FROM {record}"));
    let status = world.run("db status -o json").json();
    assert_eq!((&status["knownFrom"], &status["inOrder"]), (&json!("recognised"), &json!(false)));
    let shown = world.run("db status").ok();
    assert_eq!(shown.stdout.lines().last(), Some("Next: skyteam db migrate"), "{shown}");
    world.run("db migrate").ok();
    world.run("db status --exit-code").ok();
}

#[test]
fn a_role_that_only_reads_may_look() {
    let mut world = World::ready(Engine::Postgres);
    let stranger = World::postgres();
    let (role, port, name) = (stranger.role(), world.server().port(), world.name());
    let url = format!("postgres://{role}:{PASSWORD}@127.0.0.1:{port}/{name}");
    world.query(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"));
    world.set("DATABASE_URL", url);
    world.run("db diff --exit-code").ok();
    let status = world.run("db status --exit-code -o json").json();
    assert_eq!((&status["knownFrom"], &status["recordHidden"]), (&json!("recognised"), &json!(true)));
    assert_eq!(status["version"], migrations::newest());
    assert!(world.run("db status").ok().stdout.contains("this role may not read skyteam.migrations"));
    for refused in [world.run("db push").exits(8), world.run("db migrate").exits(8)] {
        assert!(refused.stderr.contains("GRANT SELECT, INSERT, DELETE ON skyteam.migrations TO"), "{refused}");
    }
}

#[both]
fn edited_and_missing_and_drift_are_told_apart(world: &mut World) {
    world.run("db migrate").ok();
    let record = match world.engine() {
        Engine::Postgres => "skyteam.migrations",
        Engine::Sqlite => "\"_skyteam_migrations\"",
    };
    world.query(&format!("UPDATE {record} SET checksum = '' WHERE name = 'safety'"));
    world.query(&format!("INSERT INTO {record} (version, name, checksum, \"tookMs\", via) VALUES ('20990101000000', 'future', '', 1, 'migrate')"));
    world.query("DROP INDEX \"flights_brandId_idx\"");
    let status = world.run("db status -o json").json();
    assert_eq!(status["edited"], json!(["20261123000000_safety"]));
    assert_eq!(status["missing"], json!(["20990101000000_future"]));
    assert_eq!(status["drift"]["liveToSnapshot"], json!(["create index flights_brandId_idx"]));
    assert_eq!(status["applied"].as_array().unwrap().len(), migration::all().len() + 1);
    let shown = world.run("db status").ok();
    for words in ["edited since", "not in this build", "  create index flights_brandId_idx", "ahead of this build"] {
        assert!(shown.stdout.contains(words), "{words}: {shown}");
    }
    world.run("db status --exit-code").exits(3);
}

#[test]
fn a_database_of_drizzle_kit_is_recognised_and_left_alone() {
    let world = World::postgres();
    world.psql(DRIZZLE.as_ref());
    let before = world.catalogue();
    let status = world.run("db status -o json").json();
    assert_eq!((&status["version"], &status["knownFrom"]), (&json!("20240101000000_baseline"), &json!("recognised")));
    assert_eq!(status["pending"], json!(migrations::folders()[1..]));
    assert_eq!(status["drift"]["liveToSnapshot"], json!([]));
    assert_eq!(world.catalogue(), before);
}

#[both]
fn after_a_push_nothing_is_pending(world: &mut World) {
    world.run("db push").ok();
    let status = world.run("db status --exit-code -o json").json();
    assert_eq!(status["applied"][2]["via"], "push");
    assert!(world.run("db migrate").ok().stdout.starts_with("Nothing to do"));
    assert!(world.run("db push").ok().stdout.starts_with("Nothing to do"));
}
