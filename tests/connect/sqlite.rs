//! SQLite files: made only by the commands that lay tables, for their owner alone; and what is no such file.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use super::{fails, reaches};
use crate::support::{Holder, Scratch, World};

#[test]
fn a_missing_file() {
    let world = World::sqlite();
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: no database file ~/work/skyteam.db
      fix  skyteam db push    makes it, with all tables
           --database-url URL or DATABASE_URL names another database
    ");
    assert!(!world.work().join("skyteam.db").exists(), "looking made the file");
}

#[test]
fn a_new_file_and_its_folders_are_made_by_push_for_their_owner_alone() {
    let mut world = World::sqlite();
    let file = world.work().join("far/away/sky.db");
    world.set("DATABASE_URL", format!("sqlite:{}", file.display()));
    for looking in ["db push --dry-run", "db diff", "db status", "user list", "user add 1 pilot", "db doctor"] {
        world.run(looking);
        assert!(!world.work().join("far").exists(), "{looking} made something");
    }
    world.run("db push").ok();
    for name in ["sky.db", "sky.db-wal", "sky.db-shm"] {
        if let Ok(metadata) = std::fs::metadata(file.with_file_name(name)) {
            assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    assert!(file.exists());
    for folder in ["far", "far/away"] {
        let metadata = std::fs::metadata(world.work().join(folder)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn a_file_that_somebody_else_writes_is_waited_for_then_called_locked() {
    let mut world = World::ready(crate::support::Engine::Sqlite);
    let holder = Holder::takes(&world, "");
    world.set("DATABASE_URL", format!("{}?busy_timeout=200", world.url()));
    // Readers are not in the way of a writer, nor it in theirs.
    world.run("user list").ok();
    let output = world.run("user add 1 pilot").exits(11);
    drop(holder);
    insta::assert_snapshot!(output, @r"
    exit: 11
    --- stderr
    → [database]
    error: the database file is locked by another program
      why  database is locked
      fix  try again
           wait longer: --lock-timeout 30000
    ");
    world.run("user add 1 pilot").ok();
}

/// Where somebody writes in a file that has no log yet, SQLite refuses to turn it to one at once, without any wait.
#[test]
fn a_file_without_a_log_is_turned_to_one_once_nobody_writes_in_it() {
    let mut world = World::sqlite();
    let file = world.work().join("skyteam.db");
    let writer = rusqlite::Connection::open(&file).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; CREATE TABLE theirs (id int)").unwrap();
    let child = world.spawn("db push");
    std::thread::sleep(Duration::from_millis(400));
    writer.execute_batch("COMMIT").unwrap();
    world.finish("db push".to_owned(), child, b"").ok();
    assert_eq!(world.query("PRAGMA journal_mode"), "wal");
    drop(writer);

    std::fs::remove_file(&file).unwrap();
    let writer = rusqlite::Connection::open(&file).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE; CREATE TABLE theirs (id int)").unwrap();
    world.set("DATABASE_URL", format!("{}?busy_timeout=200", world.url()));
    let refused = world.run("db push -o json").exits(11).error();
    assert_eq!(refused["code"], "locked");
}

#[test]
fn a_folder() {
    let world = World::sqlite();
    std::fs::create_dir(world.work().join("skyteam.db")).unwrap();
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: ~/work/skyteam.db is a folder, not a database file
      fix  name a file in it: sqlite:~/work/skyteam.db/skyteam.db
    ");
}

#[test]
fn not_a_database() {
    let world = World::sqlite();
    std::fs::write(world.work().join("skyteam.db"), "a text that is long enough to be no header of SQLite's at all")
        .unwrap();
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: the file is no SQLite database, or is damaged
      why  file is not a database
           ~/work/skyteam.db
      fix  check the path of the URL, or restore a backup: skyteam db restore FILE
    ");
}

#[test]
fn an_unknown_parameter() {
    let mut world = World::sqlite();
    world.set("DATABASE_URL", format!("{}?jorunal=wal", world.url()));
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: the URL's parameter jorunal is not known
      why  it is not ignored: a misspelt sslmode would be none at all
      fix  take it out of the URL, or correct it
    ");
}

#[test]
fn a_relative_path_is_below_the_current_folder() {
    let mut world = World::sqlite();
    std::fs::write(world.work().join("skyteam.db"), "").unwrap();
    world.set("DATABASE_URL", "sqlite:skyteam.db");
    reaches(&world);
}

#[test]
fn a_file_of_ours_is_written_ahead_and_read_only_where_asked() {
    let mut world = World::sqlite();
    std::fs::write(world.work().join("skyteam.db"), "").unwrap();
    reaches(&world);
    assert_eq!(world.query("PRAGMA journal_mode"), "wal");
    world.set("DATABASE_URL", format!("{}?mode=ro", world.url()));
    assert_eq!(world.run("user list --json").json(), serde_json::json!([]));
}

#[test]
fn a_file_without_the_right_to_read() {
    let world = World::sqlite();
    // Root may read everything, so the program runs as the user who runs servers, from where that one may.
    let scratch = Scratch::new("unreadable");
    let program = scratch.path().join("skyteam");
    std::fs::copy(env!("CARGO_BIN_EXE_skyteam"), &program).unwrap();
    scratch.write("sky.db", "").unwrap();
    std::fs::set_permissions(scratch.path().join("sky.db"), std::fs::Permissions::from_mode(0o0)).unwrap();
    let mut command = scratch.command(&program);
    command.args(["user", "list"]).env_clear().env("DATABASE_URL", "sqlite:sky.db");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = world.finish("user list".into(), child, b"").exits(8);
    assert!(output.stderr.contains("sky.db may not be read"), "{output}");
}
