//! A push beside live traffic: it takes its locks first, gives way, and tells beforehand whom it stops.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{drizzle, steps};
use crate::support::{DRIZZLE, Engine, Holder, Server, World, block_on, both, eventually};

/// Transactions of an app, one after the other, until it is stopped; how many there were, or why one failed.
pub struct App {
    stopped: Arc<AtomicBool>,
    running: JoinHandle<Result<u32, sqlx::Error>>,
}

impl App {
    /// Repeats these statements in a transaction each time.
    pub fn repeats(world: &World, statements: &'static [&'static str]) -> Self {
        let url = world.url();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let running = std::thread::spawn(move || {
            block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    let mut transaction = connection.begin().await?;
                    for sql in statements {
                        sqlx::raw_sql(AssertSqlSafe(*sql)).execute(&mut *transaction).await?;
                    }
                    transaction.commit().await?;
                    count += 1;
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                Ok(count)
            })
        });
        Self { stopped, running }
    }

    #[track_caller]
    pub fn stop(self) {
        self.stopped.store(true, Ordering::Relaxed);
        let count = self.running.join().unwrap().expect("no transaction of an app fails");
        assert!(count > 0);
    }
}

pub const USERS_FIRST: &[&str] = &[
    r#"UPDATE users SET miles = miles + 1 WHERE "userId" = '100000000000000001'"#,
    r#"INSERT INTO "milesTransactions" ("userId", amount, type, source) VALUES ('100000000000000001', 1, 'earn', 'purchase')"#,
];

pub const LEDGER_FIRST: &[&str] = &[
    r#"INSERT INTO "milesTransactions" ("userId", amount, type, source) VALUES ('100000000000000001', 1, 'earn', 'purchase')"#,
    r#"UPDATE users SET miles = miles + 1 WHERE "userId" = '100000000000000001'"#,
];

pub const READS: &[&str] = &[r#"SELECT count(*) FROM users"#, r#"SELECT count(*) FROM "milesTransactions""#];

/// A database as Drizzle left it, with the user that the apps of these tests write for.
pub fn with_apps_user(world: World) -> World {
    world.psql(Path::new(DRIZZLE));
    world.query(
        r#"INSERT INTO users ("userId", username, "displayName") VALUES ('100000000000000001', 'buyer1', 'Buyer')"#,
    );
    world
}

#[test]
fn no_transaction_of_an_app_fails_whatever_it_locks_first() {
    let world = with_apps_user(World::postgres());
    for round in 0..2 {
        let apps = [USERS_FIRST, LEDGER_FIRST, READS].map(|statements| App::repeats(&world, statements));
        world.run("db push").ok();
        apps.into_iter().for_each(App::stop);
        assert_eq!(steps(&world), [""; 0], "round {round}");
        let rollback = format!("db rollback --to baseline --confirm {}", world.name());
        let apps = [USERS_FIRST, LEDGER_FIRST, READS].map(|statements| App::repeats(&world, statements));
        world.run(rollback).ok();
        world.run("db migrate").ok();
        apps.into_iter().for_each(App::stop);
        world.run(format!("db rollback --to baseline --confirm {}", world.name())).ok();
    }
}

#[test]
fn a_reader_that_wants_to_write_next_is_given_way_to() {
    let world = with_apps_user(World::postgres());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut app = runtime.block_on(PgConnection::connect(&world.url())).unwrap();
    let mut send = |sql: &'static str| runtime.block_on(sqlx::raw_sql(sql).execute(&mut app)).map(drop);
    send(r#"BEGIN; SELECT count(*) FROM "milesTransactions""#).unwrap();
    let pushing = world.spawn("db push");
    // It has built its indexes, and wants the ledger for itself.
    eventually("the push waits for the reader", || {
        world.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'skyteam db push' AND backend_xid IS NOT NULL AND query LIKE '%skyteam_locks%'",
        ) == "1"
    });
    // Each would wait for the other now.
    send(USERS_FIRST[1]).unwrap();
    send("COMMIT").unwrap();
    world.finish("db push".into(), pushing, b"").ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn a_dry_run_waits_for_nobody_who_writes() {
    let world = drizzle();
    let before = world.catalogue();
    let count = steps(&world).len();
    let _writer = Holder::takes(&world, r#"LOCK TABLE users, "milesTransactions" IN ROW EXCLUSIVE MODE"#);
    let planned = world.run("db push --dry-run --lock-timeout 50").ok();
    assert!(planned.stdout.contains(&format!("{count} steps would be done")), "{planned}");
    assert!(planned.stderr.contains("Dry run: nothing was changed."), "{planned}");
    let planned = world.run("db migrate --dry-run --lock-timeout 50 -o json").ok().json();
    let vias: Vec<&str> = planned["applied"].as_array().unwrap().iter().map(|it| it["via"].as_str().unwrap()).collect();
    assert_eq!(vias[0], "baseline");
    assert_eq!(vias[1..], vec!["migrate"; migration::all().len() - 1]);
    world.run("db rollback --dry-run --lock-timeout 50").ok();
    world.run("db reset --dry-run --lock-timeout 50").ok();
    world.run("db push --rehearse --lock-timeout 50").exits(11);
    assert_eq!(world.catalogue(), before);
}

#[test]
fn a_dry_run_of_migrations_looks_at_the_data() {
    let world = drizzle();
    world.query(r#"INSERT INTO "flightPassengers" SELECT * FROM "flightPassengers" LIMIT 1"#);
    let refused = world.run("db migrate --dry-run").exits(5);
    assert!(refused.stderr.contains("flightPassengers_flightId_userId_pk"), "{refused}");
    assert!(!refused.stderr.contains("was rolled back"), "{refused}");
}

#[both]
fn a_rehearsal_runs_everything_and_leaves_nothing(world: &mut World) {
    world.run("db migrate --to baseline").ok();
    let before = world.catalogue();
    for command in ["db push", "db migrate", "db reset", "db rollback"] {
        let rehearsed = world.run(format!("{command} --rehearse -v")).ok();
        assert!(rehearsed.stderr.contains("Rehearsed: rolled back, nothing was changed."), "{rehearsed}");
        assert_eq!(world.catalogue(), before, "{command}");
    }
    if world.engine() == Engine::Postgres {
        let rehearsed = world.run("db push --rehearse").ok();
        assert!(rehearsed.stderr.contains("writers stop for less than a second, readers for"), "{rehearsed}");
    }
}

#[test]
fn a_rehearsal_makes_no_file() {
    let world = World::sqlite();
    world.run("db push --rehearse").ok();
    assert!(!world.work().join("skyteam.db").exists());
}

#[test]
fn a_prepared_transaction_is_named_with_what_ends_it() {
    let server = Server::start(&["max_prepared_transactions=2"]);
    let world = World::on(&server);
    world.psql(Path::new(DRIZZLE));
    world.query(r#"BEGIN; UPDATE users SET miles = miles; PREPARE TRANSACTION 'left behind'"#);
    let refused = world.run("db push --lock-timeout 100").exits(11);
    let named = "may have to be waited for: prepared transaction \"left behind\"";
    for words in [named, "ROLLBACK PREPARED 'left behind'"] {
        assert!(refused.stderr.contains(words), "{words} not in:\n{refused}");
    }
    assert!(!refused.stderr.contains("pg_terminate_backend(0)"), "{refused}");
    world.query("ROLLBACK PREPARED 'left behind'");
    world.run("db push").ok();
}

#[test]
fn what_stops_readers_comes_after_the_indexes() {
    let world = drizzle();
    let plan = world.run("db diff -o json").ok().json();
    let modes: Vec<(&str, &str)> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["what"].as_str().unwrap(), step["lock"]["mode"].as_str().unwrap_or_default()))
        .collect();
    let first = modes.iter().position(|(_, mode)| *mode == "ACCESS EXCLUSIVE").unwrap();
    // Those of columns that are not there yet.
    let late = ["create index milesTransactions_batchId_idx", "create index milesTransactions_reversesId_unique"];
    for (what, mode) in &modes[first..] {
        assert!(*mode != "SHARE" || late.contains(what), "{what} comes late: {modes:?}");
    }
    let key = |what: &str| modes.iter().position(|(step, _)| *step == what).unwrap();
    assert!(key("create index flightPassengers_flightId_userId_pk") < first);
    assert!(key("add constraint flightPassengers_flightId_userId_pk") >= first);
    assert_eq!(modes[0], ("create schema skyteam", ""));
}

#[test]
fn a_constraint_that_holds_for_new_rows_only_is_validated() {
    let world = World::ready(Engine::Postgres);
    let expression = "type = 'earn'::text AND amount >= 0 OR type = 'spend'::text AND amount <= 0";
    world.query(&format!(
        r#"ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_amount_check";
           ALTER TABLE "milesTransactions" ADD CONSTRAINT "milesTransactions_amount_check" CHECK ({expression}) NOT VALID;
           ALTER TABLE flights DROP CONSTRAINT "flights_brandId_brands_brandId_fk";
           ALTER TABLE flights ADD CONSTRAINT "flights_brandId_brands_brandId_fk" FOREIGN KEY ("brandId") REFERENCES brands ("brandId") NOT VALID"#
    ));
    assert_eq!(
        steps(&world),
        ["validate constraint flights_brandId_brands_brandId_fk", "validate constraint milesTransactions_amount_check"]
    );
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    assert_eq!(world.query("SELECT count(*) FROM pg_constraint WHERE NOT convalidated"), "0");
}

#[test]
fn rows_that_break_a_constraint_to_be_validated_are_shown() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check";
           INSERT INTO airlines ("airlineId", name, token) VALUES ('sky', 'Sky', 't');
           INSERT INTO "milesProducts" ("productId", "airlineId", name, "priceMiles") VALUES ('abc123', 'sky', 'Free', 0);
           ALTER TABLE "milesProducts" ADD CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" > 0) NOT VALID"#,
    );
    let refused = world.run("db push").exits(5);
    assert!(refused.stderr.contains("validate constraint milesProducts_priceMiles_check: 1 row"), "{refused}");
}

#[test]
fn a_unique_index_that_is_there_becomes_the_key_and_stays_the_replica_identity() {
    let world = drizzle();
    world.query(
        r#"ALTER TABLE "flightPassengers" ALTER "flightId" SET NOT NULL, ALTER "userId" SET NOT NULL;
           CREATE UNIQUE INDEX by_hand ON "flightPassengers" ("flightId", "userId");
           ALTER TABLE "flightPassengers" REPLICA IDENTITY USING INDEX by_hand"#,
    );
    let filenode = world.query("SELECT pg_relation_filenode('by_hand')");
    assert!(
        steps(&world).contains(&"make index by_hand the primary key flightPassengers_flightId_userId_pk".to_owned())
    );
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    let key = r#"SELECT pg_relation_filenode(indexrelid), indisprimary, indisreplident FROM pg_index
                 WHERE indrelid = '"flightPassengers"'::regclass AND indisprimary"#;
    assert_eq!(world.query(key), format!("{filenode}|t|t"), "the same index");
}

#[test]
fn an_owner_of_a_production_database_is_asked_with_the_pause_in_the_question() {
    let mut world = drizzle();
    let url = world.url();
    std::fs::write(
        world.work().join("skyteam.toml"),
        format!("[profiles.live]\nurl = \"{url}\"\nkind = \"production\"\n"),
    )
    .unwrap();
    world.unset("DATABASE_URL");
    let refused = world.run("db push -p live").exits(9);
    assert!(refused.stderr.contains("Meanwhile writers stop for less than a second"), "{refused}");
    world.run("db push -p live --yes").ok();
}
