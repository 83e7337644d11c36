//! An online push that is cut off at any moment, by a kill of the client or the end of the server: the same command goes on
//! from there and always comes to the same end.

use std::time::Instant;

use crate::schema::live::{App, READS, USERS_FIRST, with_apps_user};
use crate::support::{Server, Stop, World, eventually};

const COMMAND: &str = "db push --online";

/// What is left when it is done, however often it was cut off.
fn is_done(world: &World, entries: u32, round: u32) {
    world.run(COMMAND).ok();
    let plan = world.run("db diff -o json").ok().json();
    assert_eq!(plan["steps"].as_array().unwrap().len(), 0, "round {round}");
    assert_eq!(world.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "round {round}");
    let left: u32 = world.query(r#"SELECT count(*) FROM "milesTransactions""#).parse().unwrap();
    assert!(left >= entries, "round {round}: {left} entries of {entries}");
    world.run("db status --exit-code").ok();
}

fn is_unfinished(world: &World) -> bool {
    world.query("SELECT to_regclass('skyteam.online_push') IS NOT NULL") == "t"
}

/// More rows than the fixture has, so that a build takes a moment.
fn filled(server: &std::sync::Arc<Server>) -> (World, u32) {
    let world = with_apps_user(World::on(server));
    world.query(
        r#"INSERT INTO "milesTransactions" ("userId", amount, type, source)
           SELECT '100000000000000001', 1, 'earn', 'event' FROM generate_series(1, 20000)"#,
    );
    let entries = world.query(r#"SELECT count(*) FROM "milesTransactions""#).parse().unwrap();
    (world, entries)
}

#[test]
fn cut_off_at_any_moment_the_same_command_goes_on() {
    let server = Server::durable(&[]);
    let (model, _) = filled(&server);
    let began = Instant::now();
    assert_eq!(model.run_program(COMMAND, "").code, 0);
    let whole = began.elapsed();
    let at_work = |world: &World| {
        world.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'skyteam db push' AND state = 'active'",
        )
    };
    let mut half = 0;
    for round in 0..15_u32 {
        let (world, entries) = filled(&server);
        let apps = [USERS_FIRST, READS].map(|statements| App::repeats(&world, statements));
        let mut child = world.spawn(COMMAND);
        // How long a push takes differs much between moments of a busy machine, so half of the rounds count from the
        // moment that it is known to have begun.
        if round % 2 == 1 {
            eventually("it has begun", || is_unfinished(&world) || child.try_wait().unwrap().is_some());
        }
        std::thread::sleep(whole * (round / 2) / 10);
        child.kill().unwrap();
        child.wait().unwrap();
        // The server ends the statement that it is at, or notices that nobody waits for it.
        eventually("the server has noticed", || at_work(&world) == "0");
        half += u32::from(is_unfinished(&world));
        is_done(&world, entries, round);
        apps.into_iter().for_each(App::stop);
    }
    assert!(half > 0, "no round cut it off half done: this proved nothing");
    for round in 15..20_u32 {
        let (world, entries) = filled(&server);
        let child = world.spawn(COMMAND);
        std::thread::sleep(whole * (round - 14) / 6);
        server.stop(Stop::Immediate);
        let cut = world.finish(COMMAND.into(), child, b"");
        assert!([0, 7].contains(&cut.code), "round {round}, {:?} of {whole:?}: {cut}", whole * (round - 14) / 6);
        server.restart();
        is_done(&world, entries, round);
    }
}
