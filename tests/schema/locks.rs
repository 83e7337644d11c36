//! Who waits for whom, for how long, and what the role may do.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{drizzle, steps};
use crate::support::{Engine, Holder, World, eventually};

#[test]
fn a_table_in_use_is_waited_for_and_its_user_named() {
    let world = drizzle();
    let before = world.catalogue();
    let holder = Holder::takes(&world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let begun = Instant::now();
    let refused = world.run("db push --lock-timeout 300").exits(11);
    assert!(begun.elapsed() < Duration::from_secs(20));
    for word in ["Try 1 of 3", "Try 2 of 3", "a patient reader", "idle in transaction", "SELECT pg_terminate_backend("]
    {
        assert!(refused.stderr.contains(word), "{word} not in:\n{}", refused.stderr);
    }
    assert_eq!(world.catalogue(), before);
    let ours =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skyteam%'";
    assert_eq!(world.query(ours), "0", "nothing stays queued");
    drop(holder);
    world.run("db push").ok();
}

/// Every command that looks at the schema.
const LOOKING: [&str; 6] = ["db push", "db diff", "db status", "db migrate", "db rollback", "db reset"];

#[test]
fn whoever_looks_waits_for_a_table_no_longer_than_told() {
    let world = World::ready(Engine::Postgres);
    // Not even the definitions of a table can be read meanwhile.
    let _holder = Holder::takes(&world, "DROP TRIGGER users_miles_guard ON users");
    for command in LOOKING {
        let refused = world.run(format!("{command} --lock-timeout 50 --yes --confirm {}", world.name())).exits(11);
        for word in ["Try 2 of 3", "a table is in use", "a patient reader as", "SELECT 'held'", "pg_terminate_backend("]
        {
            assert!(refused.stderr.contains(word), "{word} not in:\n{refused}");
        }
    }
    let error = world.run("db diff --lock-timeout 50 -o json").exits(11).error();
    assert_eq!((&error["sqlstate"], &error["retryable"]), (&json!("55P03"), &json!(true)));
    world.run("db doctor --lock-timeout 50").exits(3);
    let ours =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skyteam%'";
    assert_eq!(world.query(ours), "0", "nothing stays queued");
}

#[test]
fn what_goes_while_it_is_read_is_read_again() {
    let world = World::ready(Engine::Postgres);
    for command in ["db diff", "db status", "db migrate"] {
        let holder = Holder::takes(&world, "DROP TRIGGER users_miles_guard ON users");
        let reading = world.spawn(format!("{command} --lock-timeout 60000"));
        eventually("the catalogue is being read", || {
            world.query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name LIKE 'skyteam%' AND wait_event_type = 'Lock'",
            ) == "1"
        });
        // What it is about to describe is gone when it comes to it.
        holder.commits();
        world.finish(command.into(), reading, b"").ok();
        assert_eq!(steps(&world), ["create trigger users_miles_guard"]);
        world.run("db push").ok();
    }
}

#[test]
fn a_file_that_is_being_written_is_waited_for_as_long_as_told() {
    let world = World::sqlite();
    world.run("db migrate --to safety").ok();
    let _holder = Holder::takes(&world, "");
    for command in ["db push", "db migrate"] {
        let refused = world.run(format!("{command} --lock-timeout 40")).exits(11);
        for word in ["Try 2 of 3", "the database file is in use", "3 × 0.04 s", "--lock-timeout 30000"] {
            assert!(refused.stderr.contains(word), "{word} not in:\n{refused}");
        }
    }
}

#[test]
fn migrate_and_rollback_say_for_whom_they_wait() {
    let world = World::postgres();
    world.run("db migrate --to safety").ok();
    let holder = Holder::takes(&world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let first = world.spawn("db push --lock-timeout 60000");
    let count = |which: &str| world.query(&format!("SELECT count(*) FROM {which}"));
    eventually("the push has the lock", || {
        count(
            "pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ) == "1"
    });
    let waiting = ["db migrate", "db rollback --yes"].map(|command| (command, world.spawn(command)));
    eventually("both wait", || {
        count("pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skyteam%'") == "3"
    });
    // Their first try is over: they sleep between two of them, in a transaction.
    eventually("both have tried", || {
        count(
            "pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction' \
             AND application_name IN ('skyteam db migrate', 'skyteam db rollback') AND query LIKE '%pg_stat_activity%'",
        ) == "2"
    });
    drop(holder);
    world.finish("db push".into(), first, b"").ok();
    for (command, child) in waiting {
        let told = world.finish(command.into(), child, b"");
        assert!(told.stderr.contains("Waiting for another change of the schema: pid"), "{told}");
        assert!(told.stderr.contains("skyteam db push as"), "{told}");
        let ours = told.stderr.lines().filter(|line| line.contains(", skyteam db "));
        assert!(!ours.into_iter().any(|line| line.contains("SELECT")), "its bookkeeping is nobody's concern: {told}");
    }
}

#[test]
fn a_push_that_is_overtaken_plans_again() {
    let world = drizzle();
    // Who looks shares the lock; who changes waits.
    let (class, object) = migration::runner::LOCK;
    let holder =
        Holder::takes(&world, &format!("DO $$ BEGIN PERFORM pg_advisory_xact_lock_shared({class}, {object}); END $$"));
    let pushing = world.spawn("db push");
    eventually("the plan is made", || {
        world.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction' \
             AND application_name = 'skyteam db push' AND query LIKE '%pg_stat_activity%'",
        ) == "1"
    });
    world.query("CREATE INDEX \"flights_brandId_idx\" ON flights (\"brandId\")");
    drop(holder);
    world.finish("db push".into(), pushing, b"").ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn pushes_and_migrations_of_one_file_at_once_all_end_well() {
    let world = World::sqlite();
    world.run("db migrate --to baseline").ok();
    let commands = ["db push", "db migrate", "db push", "db push", "db migrate", "db push"];
    let running = commands.map(|command| (command, world.spawn(command)));
    for (command, child) in running {
        world.finish(command.into(), child, b"").ok();
    }
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn the_tables_of_public_are_meant_whatever_the_search_path_says() {
    let world = World::ready(Engine::Postgres);
    let (name, role) = (world.name(), world.role().to_owned());
    world.run("user add 1 pilot").ok();
    world.query(&format!("CREATE SCHEMA \"{role}\"; CREATE TABLE \"{role}\".users (a int)"));
    for path in ["\"$user\", public", "nowhere"] {
        world.query(&format!("ALTER ROLE \"{role}\" IN DATABASE \"{name}\" SET search_path = {path}"));
        assert_eq!(world.run("user list -o ndjson").ndjson().len(), 1, "{path}");
        assert_eq!(steps(&world), [""; 0], "{path}");
        world.run("db status --exit-code").ok();
        world.run("miles audit").ok();
    }
}

#[test]
fn a_table_that_comes_free_in_time_is_taken() {
    let world = drizzle();
    let holder = Holder::takes(&world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let beside = world.source();
    let release = std::thread::spawn(move || {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually("the push waits for the table", || beside.lines(waits) != "0");
        drop(holder);
    });
    world.run("db push --lock-timeout 500").ok();
    release.join().unwrap();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn the_second_of_two_pushes_waits_says_for_whom_and_finds_nothing_to_do() {
    let world = drizzle();
    let count = steps(&world).len();
    let holder = Holder::takes(&world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let first = world.spawn("db push --lock-timeout 60000");
    // The server is shared with other tests, and `pg_locks` shows theirs too.
    let locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted \
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("the first push holds the lock", || world.query(locked) == "1");
    let second = world.spawn("db push");
    // It has asked who holds the lock, and says so next.
    let queued = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'active' \
                  AND application_name LIKE 'skyteam%' AND query LIKE '%l.locktype = ''advisory''%'";
    eventually("the second push waits", || world.query(queued) == "1");
    drop(holder);
    let first = world.finish("db push".into(), first, b"").ok();
    let second = world.finish("db push".into(), second, b"").ok();
    assert!(first.stdout.contains(&format!("{count} steps done")), "{}", first.stdout);
    assert!(second.stdout.contains("Nothing to do"), "{}", second.stdout);
    assert!(second.stderr.contains("Waiting for another change of the schema: pid"), "{}", second.stderr);
    assert!(second.stderr.contains("skyteam db push"), "{}", second.stderr);
}

#[test]
fn a_role_without_rights_is_told_which_and_how_to_give_them() {
    let world = World::postgres();
    let (name, role) = (world.name(), world.role().to_owned());
    let admin = world.server().as_superuser(&name);
    admin.rows(&format!("ALTER DATABASE \"{name}\" OWNER TO postgres; ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC, \"{role}\"; GRANT USAGE ON SCHEMA public TO PUBLIC"));
    let refused = world.run("db push").exits(8);
    let grants = [
        format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{role}\""),
        format!("GRANT CREATE ON DATABASE \"{name}\" TO \"{role}\""),
    ];
    for grant in &grants {
        assert!(refused.stderr.contains(grant), "{grant} not in:\n{}", refused.stderr);
        admin.rows(grant);
    }
    world.run("db push").ok();

    admin.rows("ALTER TABLE users OWNER TO postgres; ALTER TABLE users DROP CONSTRAINT users_username_unique");
    let refused = world.run("db push").exits(8);
    assert!(refused.stderr.contains("the table users belongs to postgres"), "{}", refused.stderr);
}

#[test]
fn a_view_under_one_of_our_names_is_named() {
    let world = World::postgres();
    world.query("CREATE VIEW users AS SELECT 1 AS x");
    let refused = world.run("db push").exits(5);
    assert!(refused.stderr.contains("users is a view here"), "{}", refused.stderr);
}
