//! Through PgBouncer in transaction mode: a session of the server is ours only for one transaction.

use std::sync::Barrier;
use std::time::Duration;

use super::reaches;
use crate::support::{Holder, Pooler, World, eventually};

/// The URL's parameters that say a pooler stands between.
const PARAMETERS: [&str; 2] = ["statement-cache-capacity=0", "pgbouncer=true"];

#[test]
fn every_kind_of_work() {
    for parameters in PARAMETERS {
        let mut world = World::postgres();
        // One session for everybody: what a client leaves on it, the next one finds.
        let pooler = Pooler::before(&world, 1);
        world.set("DATABASE_URL", format!("{}?{parameters}", pooler.url(&world)));
        world.run("db push --dry-run").ok();
        world.run("db push").ok();
        assert!(world.run_program("db push", "").ok().stdout.starts_with("Nothing to do"));
        world.run("db diff --exit-code").ok();
        world.run("db migrate").ok();
        world.run("db status --exit-code").ok();
        world.run("db doctor").ok();
        world.run("user add 1 pilot").ok();
        world.run("user add 2 copilot").ok();
        world.run("user edit pilot --display-name Captain --yes").ok();
        assert_eq!(world.run("user list -o ndjson").ndjson().len(), 2);
        assert_eq!(world.run("user show pilot --json").json()["displayName"], "Captain");
        world.call("user import -").input("userId,username\n3,third\n4,fourth\n").run().ok();
        world.run("airline add sky Sky").ok();
        let name = world.name();
        world.run(format!("db rollback --confirm {name}")).ok();
        world.run("db migrate").ok();
        world.run(format!("db reset --confirm {name}")).ok();
        world.run("db seed --users 5 --flights 2").ok();
        assert_eq!(world.query("SELECT count(*) FROM users"), "5");
    }
}

#[test]
fn backups_and_restores_ask_for_the_server_itself() {
    let mut world = World::ready(crate::support::Engine::Postgres);
    world.run("db backup -f b.skyteam").ok();
    let pooler = Pooler::before(&world, 1);
    world.set("DATABASE_URL", format!("{}?{}", pooler.url(&world), PARAMETERS[0]));
    for command in ["db backup", "db restore b.skyteam"] {
        let output = world.run(format!("-o json {command}")).exits(6);
        assert!(output.error()["fix"].as_str().unwrap().contains("the server itself"), "{output}");
    }
}

#[test]
fn a_limit_of_one_statement_is_of_its_transaction() {
    let mut world = World::ready(crate::support::Engine::Postgres);
    world.run("user add 1 pilot").ok();
    let pooler = Pooler::before(&world, 1);
    world.set("DATABASE_URL", format!("{}?{}&statement_timeout=1000", pooler.url(&world), PARAMETERS[0]));
    world.run("user list").ok();
    let holder = Holder::takes(&world, "LOCK TABLE users");
    world.run("user list").exits(11);
    drop(holder);
    world.run("user list").ok();
    // The session that was shared has no limit of ours.
    let plain = format!("{}?{}", pooler.url(&world), PARAMETERS[0]);
    world.set("DATABASE_URL", plain);
    let holder = Holder::takes(&world, "LOCK TABLE users");
    let waits = world.spawn("user list");
    let locked =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("it waits for the table", || world.source().lines(locked) == "1");
    // Longer than the limit, if it had one.
    std::thread::sleep(Duration::from_millis(1200));
    drop(holder);
    world.finish("user list".into(), waits, b"").ok();
}

#[test]
fn many_clients_on_few_sessions() {
    let mut world = World::postgres();
    reaches(&world);
    world.query("INSERT INTO users SELECT n, 'u' || n, 'U', n, NULL, now(), now() FROM generate_series(1, 300) n");
    let pooler = Pooler::before(&world, 2);
    world.set("DATABASE_URL", format!("{}?{}", pooler.url(&world), PARAMETERS[0]));
    let together = Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                together.wait();
                for _ in 0..5 {
                    assert_eq!(world.run("user list -o ndjson").ndjson().len(), 300, "{}", pooler.log());
                }
            });
        }
    });
}

#[test]
fn without_the_parameter_it_says_which_one_is_missing() {
    let mut world = World::postgres();
    reaches(&world);
    let pooler = Pooler::before(&world, 1);
    world.set("DATABASE_URL", pooler.url(&world));
    let mut outputs = (0..3).map(|_| world.run("user list"));
    let refused = outputs.find(|output| output.code != 0).expect("statements of two clients meet in one session");
    insta::assert_snapshot!(refused, @r#"
    exit: 6
    --- stderr
    error: a pooler in transaction mode is in front of the server, and the URL does not say so
      why  prepared statement "sqlx_s_1" already exists
      fix  add statement-cache-capacity=0 to the URL's parameters
    "#);
}

#[test]
fn a_database_that_the_pooler_does_not_know() {
    let mut world = World::postgres();
    let pooler = Pooler::before(&world, 1);
    world.set("DATABASE_URL", pooler.url(&world).replace(&world.name(), "nowhere"));
    insta::assert_snapshot!(super::fails(&world, 6), @r#"
    exit: 6
    --- stderr
    error: the pooler knows no database "nowhere"
      why  no such database: nowhere
      fix  add it to [databases] in pgbouncer.ini: nowhere = host=… dbname=nowhere
    "#);
}
