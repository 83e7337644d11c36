//! `db push --online` and `db migrate --online`: nobody is stopped, and the same command goes on from where it was cut off.

use super::live::{App, LEDGER_FIRST, READS, USERS_FIRST, with_apps_user};
use super::{drizzle, steps};
use crate::support::{Engine, Holder, Pooler, World, eventually, migrations};

/// An index of ours, half built.
fn invalid_index(world: &World, sql: &str) {
    world.source().try_rows(sql).unwrap_err();
    assert_eq!(world.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "1");
}

fn is_clean(world: &World) {
    assert_eq!(steps(world), [""; 0]);
    assert_eq!(world.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready"), "0");
    assert_eq!(
        world.query("SELECT count(*) FROM pg_constraint WHERE NOT convalidated OR conname LIKE '%skyteam%'"),
        "0"
    );
    assert_eq!(world.query("SELECT to_regclass('skyteam.online_push') IS NULL"), "t");
    world.run("db status --exit-code").ok();
}

#[test]
fn it_comes_to_what_a_push_comes_to_beside_apps_at_work() {
    let atomic = with_apps_user(World::postgres());
    atomic.run("db push").ok();
    let world = with_apps_user(World::postgres());
    let count = steps(&world).len();
    let apps = [USERS_FIRST, LEDGER_FIRST, READS].map(|statements| App::repeats(&world, statements));
    let pushed = world.run("db push --online").ok();
    apps.into_iter().for_each(App::stop);
    assert!(pushed.stdout.contains(&format!("{count} steps done")), "{pushed}");
    assert!(pushed.stderr.contains(&format!("{count}/{count}  ")), "one line a step: {pushed}");
    assert_eq!(world.catalogue(), atomic.catalogue());
    is_clean(&world);
    assert_eq!(world.query("SELECT DISTINCT via FROM skyteam.migrations"), "push");
    let again = world.run("db push --online").ok();
    assert!(again.stdout.starts_with("Nothing to do"), "{again}");
}

#[test]
fn an_empty_database_can_be_pushed_to_in_this_way_too() {
    let world = World::postgres();
    world.run("db push --online").ok();
    is_clean(&world);
}

#[test]
fn migrate_does_it_too_and_puts_each_version_on_the_record() {
    let world = drizzle();
    let planned = world.run("db migrate --online --dry-run").ok();
    let later = migration::all().len() - 1;
    assert!(planned.stdout.contains(&format!("Migrations recorded: 1, applied: {later}")), "{planned}");
    assert_eq!(world.query("SELECT to_regnamespace('skyteam') IS NULL"), "t");
    world.run("db migrate --online --to safety").ok();
    let record = "SELECT name, via FROM skyteam.migrations ORDER BY version";
    assert_eq!(world.query(record), "baseline|migrate\nsafety|migrate");
    world.run("db migrate --online").ok();
    is_clean(&world);
    assert_eq!(world.query(record), migrations::record("migrate", "migrate"));
}

#[test]
fn what_needs_a_push_is_named_before_anything_runs() {
    let world = drizzle();
    world.query(r#"ALTER TABLE users ALTER miles TYPE bigint; ALTER TABLE brands ADD COLUMN gone text"#);
    world.query(r#"UPDATE brands SET gone = 'kept'"#);
    let before = world.catalogue();
    let refused = world.run("db push --online").exits(5);
    for words in ["cannot be done online; nothing was run", "change the type of users.miles: ", "skyteam db push"] {
        assert!(refused.stderr.contains(words), "{words} not in:\n{refused}");
    }
    world.run("db push --online --dry-run").exits(5);
    assert_eq!(world.catalogue(), before);
    let plan = world.run("db diff -o json").ok().json();
    let online: Vec<bool> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["online"]["possible"].as_bool().unwrap()).collect();
    assert!(online.contains(&false) && online.contains(&true), "{plan}");
    assert!(plan["steps"][0]["estimatedMs"].is_u64(), "{plan}");
}

#[test]
fn a_partitioned_table_needs_a_push() {
    let world = World::postgres();
    world.run("db migrate --to baseline").ok();
    world.query(
        r#"DROP TABLE "flightPassengers";
           CREATE TABLE "flightPassengers" ("flightId" uuid NOT NULL REFERENCES flights (id),
             "userId" text NOT NULL REFERENCES users ("userId"), miles integer NOT NULL,
             "joinedAt" timestamp NOT NULL DEFAULT now()) PARTITION BY HASH ("flightId");
           CREATE TABLE part PARTITION OF "flightPassengers" FOR VALUES WITH (MODULUS 1, REMAINDER 0)"#,
    );
    let refused = world.run("db push --online").exits(5);
    assert!(refused.stderr.contains("its table is partitioned"), "{refused}");
}

#[test]
fn sqlite_and_a_pooler_refuse_the_flag() {
    for command in ["db push --online", "db migrate --online"] {
        let world = World::sqlite();
        let refused = world.run(command).exits(2);
        assert!(!world.work().join("skyteam.db").exists());
        assert!(refused.stderr.contains("cannot honour --online on SQLite"), "{refused}");
    }
    let mut world = drizzle();
    let pooler = Pooler::before(&world, 1);
    let before = world.catalogue();
    for parameters in ["?statement-cache-capacity=0", ""] {
        world.set("DATABASE_URL", format!("{}{parameters}", pooler.url(&world)));
        let refused = world.run("db push --online -o json").exits(6);
        assert_eq!(refused.error()["code"], "pooler", "{refused}");
    }
    assert_eq!(world.catalogue(), before);
}

#[test]
fn an_unfinished_index_of_ours_is_removed_first_and_no_other_is() {
    let world = drizzle();
    let key = r#""flightPassengers" ("flightId", "userId")"#;
    let row = r#"FROM "flightPassengers" LIMIT 1"#;
    world.query(&format!(r#"INSERT INTO "flightPassengers" SELECT * {row}"#));
    let unique = |name: &str| format!(r#"CREATE UNIQUE INDEX CONCURRENTLY "{name}" ON {key}"#);
    invalid_index(&world, &unique("flightPassengers_flightId_userId_pk"));
    // Data first, and nothing is removed where nothing is going to be built.
    world.run("db push --online").exits(5);
    world.query(
        r#"DELETE FROM "flightPassengers" one USING "flightPassengers" other WHERE one.ctid > other.ctid
           AND one."flightId" = other."flightId" AND one."userId" = other."userId""#,
    );
    let pushed = world.run("db push --online").ok();
    assert!(pushed.stderr.contains("Removing the unfinished index flightPassengers_flightId_userId_pk"), "{pushed}");
    is_clean(&world);

    // What a REINDEX of ours left is removed, though the schema is what it should be.
    let admin = world.server().as_superuser(&world.name());
    admin.rows(
        r#"CREATE INDEX "flights_brandId_idx_ccnew" ON flights ("brandId");
           CREATE INDEX somebodys ON flights (aircraft);
           UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('"flights_brandId_idx_ccnew"'::regclass, 'somebodys'::regclass)"#,
    );
    let pushed = world.run("db push --online").ok();
    assert!(pushed.stderr.contains("Removing the unfinished index flights_brandId_idx_ccnew"), "{pushed}");
    assert_eq!(world.query("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"), "somebodys");

    // Of our name, and another index.
    admin.rows(
        r#"DROP INDEX "flights_brandId_idx"; CREATE INDEX "flights_brandId_idx" ON flights (aircraft, code);
           UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"flights_brandId_idx"'::regclass"#,
    );
    let refused = world.run("db push --online").exits(5);
    assert!(refused.stderr.contains("it has the name of an index of ours, and is another one"), "{refused}");
}

#[test]
fn a_row_that_comes_too_late_to_be_checked_is_shown_and_its_index_dropped_at_once() {
    let world = drizzle();
    let (class, object) = migration::runner::LOCK;
    // Who looks goes on; who changes waits.
    let holder =
        Holder::takes(&world, &format!("DO $$ BEGIN PERFORM pg_advisory_xact_lock_shared({class}, {object}); END $$"));
    let pushing = world.spawn("db push --online");
    eventually("the data was looked at", || {
        world.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'skyteam db push' AND query LIKE '%pg_try_advisory_lock(%'",
        ) == "1"
    });
    world.query(r#"INSERT INTO "flightPassengers" SELECT * FROM "flightPassengers" LIMIT 1"#);
    drop(holder);
    let refused = world.finish("db push --online".into(), pushing, b"").exits(5);
    for words in
        ["rows came that break what create index flightPassengers_flightId_userId_pk", "what was done before it stays"]
    {
        assert!(refused.stderr.contains(words), "{words} not in:\n{refused}");
    }
    assert_eq!(world.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
}

#[test]
fn status_says_how_far_it_has_come() {
    let world = drizzle();
    let count = steps(&world).len();
    let reader = Holder::takes(&world, r#"LOCK TABLE "milesProducts" IN ACCESS SHARE MODE"#);
    let stuck = world.run("db push --online --lock-timeout 10").exits(11);
    for words in ["a patient reader", "what was done before it stays"] {
        assert!(stuck.stderr.contains(words), "{words} not in:\n{stuck}");
    }
    let status = world.run("db status").ok();
    assert!(status.stdout.contains("online push half done: "), "{status}");
    assert!(status.stdout.contains(&format!(" of {count} steps; skyteam db push --online goes on")), "{status}");
    let done = world.run("db status -o json").json()["onlinePush"]["done"].as_u64().unwrap();
    assert!((10..count as u64).contains(&done), "{done}");
    drop(reader);
    let rest = world.run("db push --online").ok();
    assert!(!rest.stdout.contains(&format!("{count} steps")), "it goes on from there: {rest}");
    is_clean(&world);
}

#[test]
fn a_push_that_ends_what_was_begun_online_leaves_no_record_of_it() {
    let world = drizzle();
    let reader = Holder::takes(&world, r#"LOCK TABLE "milesProducts" IN ACCESS SHARE MODE"#);
    world.run("db push --online --lock-timeout 10").exits(11);
    drop(reader);
    world.run("db push").ok();
    is_clean(&world);
}

#[test]
fn null_is_refused_without_a_long_look_and_nothing_is_left_of_the_way() {
    let world = World::ready(Engine::Postgres);
    world.query(r#"ALTER TABLE users ALTER "displayName" DROP NOT NULL"#);
    assert_eq!(steps(&world), ["refuse NULL in users.displayName"]);
    world.run("db push --online").ok();
    is_clean(&world);
}

#[test]
fn a_trigger_that_is_made_anew_is_never_missing() {
    let world = World::ready(Engine::Postgres);
    world.query(
        "DROP TRIGGER users_miles_guard ON users; CREATE TRIGGER users_miles_guard BEFORE INSERT ON users \
         FOR EACH ROW EXECUTE FUNCTION skyteam.users_miles_guard()",
    );
    let before = world.query("SELECT oid FROM pg_trigger WHERE tgname = 'users_miles_guard'");
    world.run("db push --online").ok();
    is_clean(&world);
    assert_eq!(
        world.query("SELECT oid FROM pg_trigger WHERE tgname = 'users_miles_guard'"),
        before,
        "replaced in place"
    );
}
