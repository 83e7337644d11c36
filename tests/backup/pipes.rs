//! Backups into pipes: a reader that goes away early has no backup, and nothing is written before there is one.

use std::io::Read;
use std::process::Stdio;

use crate::support::{Engine, Holder, World, both};

fn formats(world: &World) -> &'static [&'static str] {
    match world.engine() {
        Engine::Postgres => &["archive", "plain", "custom"],
        Engine::Sqlite => &["archive"],
    }
}

#[both(ready)]
fn a_reader_that_goes_away_has_no_backup(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    for format in formats(world) {
        // Little enough for a pipe to hold it: every write succeeds.
        for taken in [0, 10, 3000] {
            let mut child = world.spawn(format!("-o json db backup -f - --format {format}"));
            let mut out = child.stdout.take().unwrap();
            out.read_exact(&mut vec![0; taken]).unwrap();
            drop(out);
            let output = world.finish(format!("{format} {taken}"), child, b"").exits(1);
            assert_eq!(output.error()["code"], "not_taken", "{output}");
        }
        let child = world.command(format!("db backup -f - --format {format}")).spawn().unwrap();
        let taken = child.wait_with_output().unwrap();
        assert!(taken.status.success());
        std::fs::write(world.work().join("taken"), &taken.stdout).unwrap();
        world.run("db verify taken").ok();
    }
}

#[both(ready)]
fn a_reader_of_a_named_pipe_that_goes_away_has_no_backup(world: &mut World) {
    let fifo = world.work().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for format in formats(world) {
        let child = world.spawn(format!("-o json db backup -f fifo --format {format}"));
        std::fs::File::open(&fifo).unwrap().read_exact(&mut [0; 10]).unwrap();
        let output = world.finish((*format).to_owned(), child, b"").exits(1);
        assert_eq!(output.error()["code"], "not_taken", "{output}");
        let child = world.spawn(format!("-o json db backup -f fifo --format {format}"));
        std::fs::read(&fifo).unwrap();
        world.finish((*format).to_owned(), child, b"").ok();
    }
}

#[test]
fn nothing_is_written_before_the_snapshot_is_taken() {
    let world = World::ready(Engine::Postgres);
    let _holder = Holder::takes(&world, r#"LOCK TABLE "users""#);
    for format in ["archive", "plain", "custom"] {
        let mut command = world.command(format!("db backup -f - --lock-timeout 50 --format {format}"));
        let output = command.stdout(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(11), 0), "{format}");
    }
}

#[both(ready)]
fn a_dry_run_writes_nothing_to_a_pipe(world: &mut World) {
    assert_eq!(world.run("db backup -f - --dry-run").ok().stdout, "");
}
