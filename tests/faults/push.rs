//! A push that is cut off half-way, by its user, by a kill or by the server's own end, leaves the catalogue as it was.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{DRIZZLE, Holder, Server, Stop, World, eventually, signal};

/// A database as Drizzle Kit left it, and what its catalogue holds.
fn adopted(world: World) -> (World, String) {
    world.psql(Path::new(DRIZZLE));
    let before = world.catalogue();
    (world, before)
}

fn adopted_on(server: &Arc<Server>) -> (World, String) {
    adopted(World::on(server))
}

/// Starts a push and lets it come to a table that somebody reads, where it waits in the middle of its work.
fn stuck(world: &World) -> (Holder, Child) {
    // Whoever reads the table lets everything be prepared, and nothing of it be changed.
    let holder = Holder::takes(world, "LOCK TABLE \"milesTransactions\" IN ACCESS SHARE MODE");
    let child = world.spawn("db push --lock-timeout 60000");
    let superuser = world.server().as_superuser(&world.name());
    eventually("the push waits for the table", || {
        superuser.lines(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'skyteam db push' AND backend_xid IS NOT NULL AND query LIKE '%skyteam_locks%'",
        ) == "1"
    });
    (holder, child)
}

/// How many statements of ours the server works at.
fn waiting(world: &World, which: &str) -> String {
    let superuser = world.server().as_superuser(&world.name());
    superuser.lines(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'skyteam db push' AND state = 'active' {which}"
    ))
}

#[test]
fn ctrl_c_in_the_middle() {
    let (world, before) = adopted(World::postgres());
    let (holder, child) = stuck(&world);
    let began = Instant::now();
    signal("INT", child.id());
    let output = world.finish("db push".into(), child, b"").exits(130);
    assert!(began.elapsed() < Duration::from_secs(30), "{output}");
    eventually("nothing is left at work", || waiting(&world, "") == "0");
    drop(holder);
    assert_eq!(world.catalogue(), before);
}

#[test]
fn a_killed_client_in_the_middle() {
    let (world, before) = adopted(World::postgres());
    let (holder, mut child) = stuck(&world);
    child.kill().unwrap();
    child.wait().unwrap();
    // While the table is still held: nothing may stay queued behind it and run later.
    eventually("nothing is left at work", || waiting(&world, "") == "0");
    drop(holder);
    assert_eq!(world.catalogue(), before);
    world.run("db push").ok();
}

#[test]
fn a_server_that_dies_in_the_middle() {
    let server = Server::durable(&[]);
    let (world, before) = adopted_on(&server);
    let (holder, child) = stuck(&world);
    server.stop(Stop::Immediate);
    let output = world.finish("db push".into(), child, b"").exits(7);
    assert!(output.stderr.contains("error:"), "{output}");
    drop(holder);
    server.restart();
    assert_eq!(world.catalogue(), before);
    world.run("db push").ok();
    assert!(world.run("db push").ok().stdout.starts_with("Nothing to do"));
}

#[test]
fn a_client_killed_at_any_moment_leaves_all_or_nothing() {
    let server = Server::durable(&[]);
    let (model, before) = adopted_on(&server);
    let began = Instant::now();
    assert_eq!(model.run_program("db push", "").code, 0);
    let whole = began.elapsed();
    let after = model.catalogue();
    let mut cut = 0;
    for round in 0..20_u32 {
        let (world, _) = adopted_on(&server);
        let mut child = world.spawn("db push");
        std::thread::sleep(whole * round / 20);
        child.kill().unwrap();
        child.wait().unwrap();
        eventually("the server has noticed", || waiting(&world, "") == "0");
        let left = world.catalogue();
        assert!(left == before || left == after, "round {round} left neither the one nor the other:\n{left}");
        cut += u32::from(left == before);
        world.run("db push").ok();
        assert_eq!(world.catalogue(), after, "round {round}: a push after the cut one");
    }
    assert!(cut > 0, "no round cut a push off: this proved nothing");
}

#[test]
fn a_server_that_dies_at_any_moment_leaves_all_or_nothing() {
    let server = Server::durable(&[]);
    let (model, before) = adopted_on(&server);
    let began = Instant::now();
    assert_eq!(model.run_program("db push", "").code, 0);
    let whole = began.elapsed();
    let after = model.catalogue();
    for round in 0..5_u32 {
        let (world, _) = adopted_on(&server);
        let child = world.spawn("db push");
        std::thread::sleep(whole * (round + 1) / 6);
        server.stop(Stop::Immediate);
        let output = world.finish("db push".into(), child, b"");
        server.restart();
        let left = world.catalogue();
        match output.code {
            0 => assert_eq!(left, after, "round {round}: what was reported as done is not there"),
            _ => assert!(left == before || left == after, "round {round} left neither:\n{output}\n{left}"),
        }
    }
}

#[test]
fn a_client_killed_at_any_moment_leaves_a_whole_file() {
    let model = World::sqlite();
    model.run("db migrate --to 20240101000000").ok();
    model.query("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot', 'Pilot')");
    let file = std::fs::read(model.work().join("skyteam.db")).unwrap();
    let before = model.catalogue();
    let began = Instant::now();
    assert_eq!(model.run_program("db push", "").code, 0);
    let whole = began.elapsed();
    let after = model.catalogue();
    let mut cut = 0;
    for round in 0..20_u32 {
        let world = World::sqlite();
        std::fs::write(world.work().join("skyteam.db"), &file).unwrap();
        let mut child = world.spawn("db push");
        std::thread::sleep(whole * round / 20);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = world.catalogue();
        assert!(left == before || left == after, "round {round} left neither the one nor the other:\n{left}");
        assert_eq!(world.query("PRAGMA integrity_check"), "ok");
        assert_eq!(world.query("PRAGMA foreign_key_check"), "");
        assert_eq!(world.query("SELECT username FROM users"), "pilot");
        cut += u32::from(left == before);
        world.run("db push").ok();
        assert_eq!(world.catalogue(), after, "round {round}: a push after the cut one");
    }
    assert!(cut > 0, "no round cut a push off: this proved nothing");
}
