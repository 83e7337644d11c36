//! Another program's DDL between a plan and its steps: read and planned again.

use crate::schema::steps;
use crate::support::{Engine, Holder, World, eventually, signal};

/// The push has looked and waits; meanwhile the very index that it wants is made under its name.
#[test]
fn an_online_push_that_is_overtaken_plans_again() {
    let world = World::ready(Engine::Postgres);
    world.query(r#"DROP INDEX "flights_brandId_idx"; ALTER TABLE users DROP CONSTRAINT users_username_unique"#);
    // An open transaction of another keeps CREATE INDEX CONCURRENTLY waiting.
    let holder = Holder::takes(&world, "LOCK TABLE users IN ROW EXCLUSIVE MODE");
    let pushing = world.spawn("db push --online");
    eventually("the push builds", || {
        world.query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE%INDEX CONCURRENTLY%' AND datname = current_database()") == "1"
    });
    world.query(r#"CREATE INDEX "flights_brandId_idx" ON flights ("brandId")"#);
    drop(holder);
    world.finish("db push --online".into(), pushing, b"").ok();
    assert_eq!(steps(&world), [""; 0]);
}

/// An interrupt leaves what was done, and says so; the same command goes on.
#[test]
fn an_interrupted_online_push_says_that_it_goes_on() {
    let world = World::ready(Engine::Postgres);
    world.query(r#"DROP INDEX "flights_brandId_idx"; ALTER TABLE users DROP CONSTRAINT users_username_unique"#);
    let holder = Holder::takes(&world, "LOCK TABLE users IN ROW EXCLUSIVE MODE");
    let pushing = world.spawn("db push --online");
    eventually("the push builds", || {
        world.query("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE%INDEX CONCURRENTLY%' AND datname = current_database()") == "1"
    });
    signal("INT", pushing.id());
    let interrupted = world.finish("db push --online".into(), pushing, b"").exits(130);
    assert!(interrupted.stderr.contains("what was done before stays"), "{interrupted}");
    assert!(interrupted.stderr.contains("run the same command again: it goes on from there"), "{interrupted}");
    drop(holder);
    assert!(world.run("db status").ok().stdout.contains("online push half done"));
    world.run("db push --online").ok();
    assert_eq!(steps(&world), [""; 0]);
}
