//! `flight start`, `end` and `reap`: one direction only, and one winner of two at once.

use std::process::Child;

use super::{CANCELLED, ENDED, LIVE, OVERDUE, SCHEDULED, STALE, fleet, times};
use crate::support::{Engine, Holder, World, both};

#[both(ready)]
fn a_flight_starts_once_and_ends_once(world: &mut World) {
    fleet(world);
    let started = world.run("flight start DL100 -o json").json();
    assert_eq!((&started["startedAt"], &started["status"]), (&"2025-07-04T12:00:00Z".into(), &"live".into()));
    assert_eq!(times(world, SCHEDULED), "2025-07-04 18:00:00|2025-07-04 12:00:00|");
    let again = world.run("flight start DL100 -o json").exits(5);
    assert_eq!(again.error()["code"], "illegal_transition");
    let ended = world.run("flight end DL100 -o json").json();
    assert_eq!((&ended["endTime"], &ended["status"]), (&"2025-07-04T12:00:00Z".into(), &"ended".into()));
    world.run(format!("flight end {SCHEDULED}")).exits(5);
    // A code means flights that are not over.
    world.run("flight end DL100").exits(4);
}

#[both(ready)]
fn illegal_steps_are_refused_and_change_nothing(world: &mut World) {
    fleet(world);
    let all = r#"SELECT * FROM "flights" ORDER BY "id""#;
    let before = world.query(all);
    for (command, ids) in [
        ("start", &[LIVE, STALE, ENDED, CANCELLED][..]),
        ("end", &[SCHEDULED, OVERDUE, ENDED, CANCELLED]),
        ("end --cancel", &[LIVE, STALE, ENDED, CANCELLED]),
    ] {
        for id in ids {
            let (verb, flag) = command.split_once(' ').unwrap_or((command, ""));
            let output = world.run(format!("flight {verb} {id} {flag} -o json")).exits(5);
            assert_eq!(output.error()["code"], "illegal_transition", "{output}");
        }
    }
    assert_eq!(world.query(all), before);
    world.run("flight start 7a000000-0000-4000-8000-000000000000").exits(4);
    world.run("flight start").exits(2);
}

#[both(ready)]
fn a_time_may_be_given_where_it_makes_sense(world: &mut World) {
    fleet(world);
    let started = world.run("flight start DL200 --at -5m").ok();
    assert!(started.stderr.contains("--at -5m (UTC) is 2025-07-04T11:55:00Z"), "{started}");
    assert_eq!(times(world, OVERDUE), "2025-07-04 11:59:59.999999|2025-07-04 11:55:00|");
    world.run("flight start DL100 --at +1s").exits(2);
    let early = world.run("flight end DL200 --at -6m -o json").exits(5);
    assert!(early.error()["message"].as_str().unwrap().contains("before it started"), "{early}");
    world.run("flight end DL200 --at -5m --cancel").exits(2);
    world.run("flight end DL200 --at -5m").ok();
    assert_eq!(times(world, OVERDUE), "2025-07-04 11:59:59.999999|2025-07-04 11:55:00|2025-07-04 11:55:00");
}

#[both(ready)]
fn a_flight_that_started_on_a_faster_clock_never_ends_before(world: &mut World) {
    fleet(world);
    world.query(&format!(r#"UPDATE "flights" SET "startedAt" = '2025-07-04 12:00:03' WHERE "id" = '{LIVE}'"#));
    world.run("flight end DL300").ok();
    assert_eq!(times(world, LIVE), "2025-07-04 05:00:00|2025-07-04 12:00:03|2025-07-04 12:00:03");
}

#[both(ready)]
fn a_flight_is_called_off(world: &mut World) {
    fleet(world);
    world.query(&format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{SCHEDULED}', '1', 500)"#
    ));
    let cancelled = world.run("flight end DL100 --cancel");
    assert!(cancelled.stderr.contains("It keeps 1 passenger with 500 miles"), "{cancelled}");
    assert!(cancelled.ok().stdout.starts_with("Cancelled DL100"));
    assert_eq!(times(world, SCHEDULED), "2025-07-04 18:00:00||2025-07-04 12:00:00");
}

#[both(ready)]
fn dry_runs_change_nothing(world: &mut World) {
    fleet(world);
    world.run("flight start DL100 -n").ok();
    world.run("flight end DL100 --cancel -n").ok();
    world.run("flight end DL300 -n").ok();
    let reaped = world.run("flight reap -n -o json").ok();
    assert_eq!(reaped.json().as_array().unwrap().len(), 1);
    assert_eq!(times(world, SCHEDULED), "2025-07-04 18:00:00||");
    assert_eq!(times(world, LIVE), "2025-07-04 05:00:00|2025-07-04 06:00:00|");
    assert_eq!(times(world, STALE), "2025-07-04 05:00:00|2025-07-04 05:59:59.999999|");
}

#[both(ready)]
fn of_many_starts_at_once_one_succeeds(world: &mut World) {
    fleet(world);
    for (verb, flag) in [("start", ""), ("end", "")] {
        let command = format!("flight {verb} {SCHEDULED} {flag}");
        let children: Vec<Child> = (0..6).map(|_| world.spawn(&command)).collect();
        let codes = children.into_iter().map(|child| world.finish(command.clone(), child, b"").code);
        let mut codes: Vec<i32> = codes.collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 5, 5, 5, 5, 5], "{verb}");
    }
}

#[both(ready)]
fn reaping_lists_asks_and_ends(world: &mut World) {
    fleet(world);
    insta::assert_snapshot!(world.run("flight reap"), @r#"
    exit: 9
    --- stderr
    → [database]
    Live for over 6h:
      [uuid]  AF400 JFK–CDG, started 2025-07-04 05:59:59
    error: a confirmation is needed
      why  no question can be asked here: End 1 flight?
      fix  add --yes
    "#);
    world.call("flight reap").answers(["n"]).run().exits(9);
    assert_eq!(times(world, STALE), "2025-07-04 05:00:00|2025-07-04 05:59:59.999999|");
    let none = world.run("flight reap --older-than 7h --yes").ok();
    assert!(none.stderr.contains("nothing to end"), "{none}");
    let reaped = world.call("flight reap -o json").answers(["y"]).run().ok().json();
    assert_eq!(reaped.as_array().unwrap().len(), 1);
    assert_eq!(reaped[0]["status"], "ended");
    assert_eq!(times(world, STALE), "2025-07-04 05:00:00|2025-07-04 05:59:59.999999|2025-07-04 12:00:00");
    let both = world.run("flight reap --older-than 30m --yes -o ndjson").ndjson();
    assert_eq!(both.len(), 1, "the live one");
    for wrong in ["6", "h", "-6h", "6 h", "6y", "2025-01-01"] {
        let output = world.run(["flight", "reap", "--older-than", wrong, "-o", "json"]).exits(2);
        assert_eq!(output.error()["code"], "invalid_value", "{output}");
    }
}

#[test]
fn a_lock_and_a_missing_right_are_told_apart() {
    let world = World::ready(Engine::Postgres);
    fleet(&world);
    let held = Holder::takes(&world, r#"LOCK TABLE "flights" IN ACCESS EXCLUSIVE MODE"#);
    for command in ["list", "start DL100", "end DL300", "board DL300 1 --miles 5"] {
        let output = world.run(format!("flight {command} --statement-timeout 200 -o json")).exits(11);
        assert_eq!(output.error()["retryable"], true, "{output}");
    }
    drop(held);
    world.query(&format!(r#"REVOKE UPDATE, DELETE ON "flights" FROM {}"#, world.role()));
    let name = world.name();
    for command in ["start DL100", "end DL300", "reap --yes", &format!("delete DL100 --confirm {name}")] {
        let output = world.run(format!("flight {command} -o json")).exits(8);
        assert_eq!(output.error()["code"], "permission_denied", "{output}");
    }
    assert_eq!(times(&world, SCHEDULED), "2025-07-04 18:00:00||");
}

#[test]
fn a_locked_file_is_waited_for_and_then_told() {
    let world = World::ready(Engine::Sqlite);
    fleet(&world);
    let file = world.work().join("skyteam.db");
    crate::support::block_on(async {
        use sqlx::{ConnectOptions, Connection, Executor};
        let mut other = sqlx::sqlite::SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let output = world.run("flight start DL100 -o json").exits(11);
        assert_eq!(output.error()["retryable"], true, "{output}");
        // Readers are not in a writer's way.
        world.run("flight list").ok();
        other.execute("ROLLBACK").await.unwrap();
        other.close().await.unwrap();
    });
    world.run("flight start DL100").ok();
}
