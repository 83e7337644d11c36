//! Who waits for whom, for how long, and what the role may do.

use std::time::{Duration, Instant};

use super::{drizzle, steps};
use crate::support::{Holder, World, eventually};

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

#[test]
fn a_table_that_comes_free_in_time_is_taken() {
    let world = drizzle();
    let holder = Holder::takes(&world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        drop(holder);
    });
    world.run("db push --lock-timeout 500").ok();
    release.join().unwrap();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn the_second_of_two_pushes_waits_says_for_whom_and_finds_nothing_to_do() {
    let world = drizzle();
    let holder = Holder::takes(&world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let first = world.spawn("db push --lock-timeout 60000");
    // The server is shared with other tests, and `pg_locks` shows theirs too.
    let locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted \
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("the first push holds the lock", || world.query(locked) == "1");
    let second = world.spawn("db push");
    let queued =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skyteam%'";
    eventually("the second push waits", || world.query(queued) == "2");
    std::thread::sleep(Duration::from_millis(300));
    drop(holder);
    let first = world.finish("db push".into(), first, b"").ok();
    let second = world.finish("db push".into(), second, b"").ok();
    assert!(first.stdout.contains("25 steps done"), "{}", first.stdout);
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
