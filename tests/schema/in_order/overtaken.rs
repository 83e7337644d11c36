//! Another program's DDL between a plan and its steps: read and planned again.

use skyteam::schema::plan::Request;
use skyteam::schema::{self, Applied, ApplyOptions, Event, LockPolicy, SchemaError};

use crate::schema::steps;
use crate::support::{Engine, Holder, Library, Output, World, both, eventually, signal};

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

/// A table of ours as another program makes it, without its rules.
const BARE: &str = r#"CREATE TABLE "milesProducts" ("productId" text, "airlineId" text, name text, description text,
    "priceMiles" integer, active boolean, "createdAt" timestamp)"#;

/// A push in the library, whose plan is approved; `meanwhile` runs before its first step, in its transaction's time.
fn push(world: &World, before: impl FnOnce() + Send, meanwhile: impl FnOnce() + Send) -> Result<Applied, SchemaError> {
    Library(world).with(async |database, approval| {
        let desired = schema::desired().unwrap();
        let (request, policy) = (Request::default(), LockPolicy::default());
        let prepared = schema::prepare(database, &desired, &request, &policy, &mut |_| {}).await.unwrap();
        aside(before);
        let options = ApplyOptions { record: true, ..ApplyOptions::default() };
        let mut meanwhile = Some(meanwhile);
        let tell = &mut |event: Event<'_>| {
            if matches!(event, Event::Step { .. })
                && let Some(meanwhile) = meanwhile.take()
            {
                aside(meanwhile);
            }
        };
        schema::apply(database, &desired, &request, &prepared.plan, options, approval, tell).await
    })
}

/// Runs it to its end on a thread of its own: a query of the world has a runtime of its own.
fn aside(run: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

#[track_caller]
fn is_overtaken(pushed: &Result<Applied, SchemaError>) {
    assert!(matches!(pushed, Err(SchemaError::Changed)), "{pushed:?}");
}

#[both]
fn a_plan_that_is_overtaken_before_it_runs_is_made_again(world: &mut World) {
    world.run("db push").ok();
    world.query(r#"DROP TABLE "milesProducts"; DROP INDEX "flights_brandId_idx""#);
    let pushed = push(
        world,
        || drop(world.query(r#"CREATE INDEX "flights_brandId_idx" ON "flights" ("brandId")"#)),
        || panic!("no step of the old plan runs"),
    );
    is_overtaken(&pushed);
    assert!(matches!(push(world, || {}, || {}), Ok(Applied::Done(_))));
    assert_eq!(steps(world), [""; 0]);
}

/// No lock keeps another program from making what is not there yet.
#[test]
fn a_push_that_is_overtaken_by_a_table_plans_again() {
    let world = World::ready(Engine::Postgres);
    world.query(r#"DROP TABLE "milesProducts"; DROP INDEX "flights_brandId_idx""#);
    is_overtaken(&push(&world, || {}, || drop(world.query(BARE))));
    // All of it is undone, and the same again goes on from what is there.
    assert_eq!(world.query("SELECT to_regclass('\"flights_brandId_idx\"') IS NULL"), "t");
    assert!(matches!(push(&world, || {}, || {}), Ok(Applied::Done(_))));
    assert_eq!(steps(&world), [""; 0]);
}

/// A table that another program is just making, and that its push waits for.
fn overtaken_in_a_step(world: &World, line: &str) -> Output {
    // Who waits for a name waits as long as for a lock.
    let superuser = world.server().as_superuser(&world.name());
    superuser.lines(&format!("ALTER DATABASE \"{}\" SET deadlock_timeout = '200s'", world.name()));
    world.query(r#"DROP TABLE "milesProducts""#);
    let holder = Holder::takes(world, BARE);
    let pushing = world.spawn(format!("{line} --lock-timeout 60000").as_str());
    eventually("the push waits for the other's table", || {
        superuser.lines(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
             AND application_name = 'skyteam db push' AND query LIKE 'CREATE TABLE %'",
        ) == "1"
    });
    holder.commits();
    world.finish(line.into(), pushing, b"")
}

#[test]
fn a_push_that_is_overtaken_in_a_step_plans_again() {
    let world = World::ready(Engine::Postgres);
    overtaken_in_a_step(&world, "db push").ok();
    assert_eq!(steps(&world), [""; 0]);
}

/// What a person has approved is not replaced by another plan.
#[test]
fn an_approved_push_that_is_overtaken_may_be_tried_again() {
    let world = World::ready(Engine::Postgres);
    world.query("ALTER TABLE users ADD COLUMN hers integer");
    let line = format!("db push --confirm {}", world.name());
    let overtaken = overtaken_in_a_step(&world, &line).exits(11);
    assert!(overtaken.stderr.contains("the schema has changed since the plan was made"), "{overtaken}");
    assert_eq!(world.query("SELECT count(hers) FROM users"), "0");
    world.run(line.as_str()).ok();
    assert_eq!(steps(&world), [""; 0]);
}
