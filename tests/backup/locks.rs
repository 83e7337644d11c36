//! Backups and restores beside programs that use and change the same tables: nobody is stopped for a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::everything;
use crate::support::{Engine, Holder, Output, Proxy, World, both, eventually};

fn seeded(engine: Engine) -> World {
    let world = World::ready(engine);
    world.run("db seed --users 20 --flights 10").ok();
    world
}

/// Reads a table again and again until `done`; no reader may wait for its lock for a second. The server measures: what else
/// the machine does is no wait.
fn reads(world: &World, table: &str, done: impl Fn() -> bool) {
    while !done() {
        world.query(&format!(r#"SET lock_timeout = '1s'; SELECT count(*) FROM "{table}""#));
    }
}

/// Runs a command that is held up in the middle of a table, changes that table meanwhile, lets the command go on, and
/// answers what came of it.
fn changed_meanwhile(world: &mut World, command: &str, table: &str, change: &str) -> Output {
    let proxy = Proxy::before(world);
    let direct = world.url();
    world.set("DATABASE_URL", proxy.url(world));
    let output = std::thread::scope(|scope| {
        let running = scope.spawn(|| world.run(command));
        proxy.wait_until_held();
        let changing = scope.spawn(|| world.query(change));
        reads(world, table, || changing.is_finished());
        proxy.open();
        changing.join().unwrap();
        running.join().unwrap()
    });
    world.set("DATABASE_URL", direct);
    output
}

#[test]
fn a_backup_gives_way_to_who_changes_a_table_and_begins_again() {
    for (table, change) in [
        ("users", r#"ALTER TABLE "users" ADD COLUMN extra text"#),
        ("users", r#"VACUUM FULL "users""#),
        ("flightPassengers", r#"TRUNCATE "flightPassengers""#),
        ("users", r#"BEGIN; LOCK TABLE "users"; COMMIT"#),
    ] {
        let mut world = seeded(Engine::Postgres);
        changed_meanwhile(&mut world, "db backup -f b.skyteam", table, change).ok();
        let twin = World::postgres();
        twin.run(["db", "restore", world.work().join("b.skyteam").to_str().unwrap()]).ok();
        assert_eq!(everything(&twin), everything(&world), "{change}");
    }
}

/// Who asks for a table again and again is always in its queue, and never waits long enough for a backup to give way.
#[test]
fn a_table_that_others_queue_for_is_read_by_the_session_that_has_it() {
    let mut world = seeded(Engine::Postgres);
    let proxy = Proxy::before(&world);
    let (direct, source) = (world.url(), world.source());
    let done = AtomicBool::new(false);
    world.set("DATABASE_URL", proxy.url(&world));
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let output = world.run("db backup -f b.skyteam");
            done.store(true, Ordering::Relaxed);
            output
        });
        proxy.wait_until_held();
        for delay in [0, 40, 80, 120] {
            let (source, done) = (&source, &done);
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(delay));
                while !done.load(Ordering::Relaxed) {
                    let _ = source.try_rows(r#"SET lock_timeout = '150ms'; LOCK TABLE "users""#);
                }
            });
        }
        let queued = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'";
        eventually("they queue", || source.lines(queued) != "0");
        proxy.open();
        running.join().unwrap().ok();
    });
    world.set("DATABASE_URL", direct);
    world.run("db verify b.skyteam").ok();
}

#[test]
fn a_transfer_gives_way_too() {
    let mut world = seeded(Engine::Postgres);
    let change = r#"ALTER TABLE "users" ADD COLUMN extra text"#;
    changed_meanwhile(&mut world, "db transfer --to sqlite:copy.db", "users", change).ok();
}

#[test]
fn pg_dump_gives_way_and_its_half_dump_does_not_stay() {
    for format in ["plain", "custom"] {
        let mut world = seeded(Engine::Postgres);
        let command = format!("-o json db backup b --format {format}");
        std::fs::create_dir(world.work().join("b")).unwrap();
        let change = r#"ALTER TABLE "users" ADD COLUMN extra text"#;
        let output = changed_meanwhile(&mut world, &command, "users", change);
        // What was not begun yet is begun again.
        if output.code == 0 {
            world.run(["db", "verify", output.json()["file"].as_str().unwrap()]).ok();
            continue;
        }
        assert_eq!((output.code, output.error()["code"].as_str()), (11, Some("gave_way")), "{output}");
        assert!(world.run("-o json db backups b").ok().json().as_array().unwrap().is_empty());
    }
}

#[test]
fn while_a_backup_waits_for_one_table_it_holds_no_other() {
    for format in ["archive", "plain"] {
        let world = seeded(Engine::Postgres);
        let holder = Holder::takes(&world, r#"LOCK TABLE "milesTransactions""#);
        std::thread::scope(|scope| {
            let backup = scope.spawn(|| world.run(format!("db backup -f b --format {format} --lock-timeout 10000")));
            let asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND \
                         application_name LIKE 'skyteam%'";
            eventually("the backup has begun", || world.query(asked) != "0");
            // An application's reader waits no second. A backup that held the table would keep it for all its patience.
            world.query(r#"SET lock_timeout = '3s'; ALTER TABLE "users" ADD COLUMN extra text"#);
            drop(holder);
            backup.join().unwrap().ok();
        });
        world.run("db verify b").ok();
    }
}

#[test]
fn a_table_that_stays_locked_ends_the_backup_within_seconds() {
    let world = seeded(Engine::Postgres);
    let _holder = Holder::takes(&world, r#"LOCK TABLE "users""#);
    for format in ["archive", "plain", "custom"] {
        let begun = Instant::now();
        let output = world.run(format!("-o json db backup -f b --format {format} --lock-timeout 100")).exits(11);
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_eq!((&output.error()["code"], &output.error()["retryable"]), (&"lock_timeout".into(), &true.into()));
        assert!(output.error()["why"].as_str().unwrap().contains("a patient reader"), "{output}");
        assert!(!world.work().join("b").exists());
    }
}

#[test]
fn a_restore_that_waits_for_one_table_stops_no_reader_of_the_others() {
    let source = seeded(Engine::Postgres);
    source.run("db backup -f b.skyteam").ok();
    source.run("db backup -f b.sql --format plain").ok();
    for file in ["b.skyteam", "b.sql"] {
        let world = seeded(Engine::Postgres);
        let before = everything(&world);
        let _holder = Holder::takes(&world, r#"SELECT FROM "milesTransactions""#);
        let name = world.name();
        let file = source.work().join(file);
        let restore =
            ["db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &name, "--lock-timeout", "2500"]
                .map(str::to_owned);
        std::thread::scope(|scope| {
            let running = scope.spawn(|| world.run(restore.to_vec()));
            reads(&world, "users", || running.is_finished());
            running.join().unwrap().exits(11);
        });
        assert_eq!(everything(&world), before);
    }
}

#[both(ready)]
fn who_writes_does_not_stop_a_backup_nor_it_them(world: &mut World) {
    world.run("db seed --users 5 --flights 2").ok();
    let before = everything(world);
    let holder = Holder::takes(world, r#"UPDATE "users" SET "displayName" = 'theirs'"#);
    world.run("db backup -f b.skyteam --lock-timeout 100").ok();
    drop(holder);
    let twin = World::empty(world.engine());
    twin.run(["db", "restore", world.work().join("b.skyteam").to_str().unwrap()]).ok();
    assert_eq!(everything(&twin), before);
}
