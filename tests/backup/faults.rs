//! Faults: full disks, kills at any moment, servers that die, files cut at every member.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{everything, scratch_databases};
use crate::support::{Engine, Server, Stop, World, both, eventually, signal};

/// Nothing that a backup could be taken for, and nothing unfinished once the next run has been.
fn no_backups(folder: &Path) {
    let names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with('.')), "{names:?}");
}

/// A folder on a file system of its own with so many bytes; unmounted at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn new(world: &World, bytes: u32) -> Self {
        let path = world.work().join("small");
        fs::create_dir(&path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]).arg(&path).status();
        assert!(mounted.unwrap().success(), "the tests mount a small tmpfs: run them as root");
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[both]
fn a_full_disk_leaves_no_backup(world: &mut World) {
    world.run("db seed --users 2000 --flights 500").ok();
    let disk = SmallDisk::new(world, 128 << 10);
    for extra in ["", " --encrypt-to age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"] {
        let output = world.run(format!("-o json db backup small{extra}")).exits(1);
        assert_eq!(output.error()["code"], "disk_full", "{output}");
        no_backups(&disk.0);
    }
    if world.engine() == Engine::Postgres {
        world.run("-o json db backup small --format plain").exits(1);
        no_backups(&disk.0);
    }
}

#[both]
fn a_full_disk_for_what_is_temporary_is_named(world: &mut World) {
    world.run("db seed --users 2000 --flights 500").ok();
    world.run("db backup -f b.skyteam").ok();
    let bytes = fs::read(world.work().join("b.skyteam")).unwrap();
    let disk = SmallDisk::new(world, 64 << 10);
    let small = disk.0.to_str().unwrap().to_owned();
    world.set("TMPDIR", &small);
    let told = |output: crate::support::Output| {
        let error = output.exits(1).error();
        assert_eq!(error["code"], "disk_full", "{error}");
        assert!(error["message"].as_str().unwrap().contains(&small), "{error}");
        assert!(error["fix"].as_str().unwrap().contains("TMPDIR="), "{error}");
        no_backups(&disk.0);
    };
    told(world.call("-o json db verify -").input(&bytes).run());
    told(world.run("-o json db verify b.skyteam --deep"));
    told(world.run("-o json db transfer --to sqlite:copy.db"));
    assert!(!world.work().join("copy.db").exists());
    let mut twin = World::empty(world.engine());
    twin.set("TMPDIR", &small);
    told(twin.call("-o json db restore -").input(&bytes).run());
}

#[test]
fn a_full_disk_leaves_no_half_a_database() {
    let world = World::sqlite();
    world.run("db seed --users 2000 --flights 500").ok();
    world.run("db backup -f b.skyteam").ok();
    let disk = SmallDisk::new(&world, 64 << 10);
    let output = world.run("-o json db restore b.skyteam --database-url sqlite:small/new.db").exits(1);
    assert_eq!(output.error()["code"], "disk_full", "{output}");
    assert!(output.error()["message"].as_str().unwrap().contains("new.db"), "{output}");
    no_backups(&disk.0);
}

#[test]
fn each_of_a_thousand_flipped_bits_is_found_before_anything_is_touched() {
    use skyteam::backup::format::archive::Archive;
    use skyteam::backup::format::crypt::Identities;
    use std::io::{Seek, Write};

    let world = World::sqlite();
    world.run("db seed --users 5 --flights 3").ok();
    world.run("db backup -f b.skyteam").ok();
    let mut bytes = fs::read(world.work().join("b.skyteam")).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    let mut state = 5_u64;
    for _ in 0..1000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bit = (state >> 20) as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        file.rewind().unwrap();
        file.write_all(&bytes).unwrap();
        // As a restore does before it looks at the database.
        let found = Archive::open(file.try_clone().unwrap(), &Identities::default())
            .and_then(|archive| archive.check_members(|_| {}));
        assert!(found.is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[both]
fn a_killed_backup_leaves_no_backup(world: &mut World) {
    world.run("db seed --users 2000 --flights 500").ok();
    fs::create_dir(world.work().join("b")).unwrap();
    for delay in [5, 20, 40, 60, 90, 130] {
        let mut child = world.spawn("db backup b");
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        for file in fs::read_dir(world.work().join("b")).unwrap() {
            let path = file.unwrap().path();
            if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
                // It came through before the kill: then it is whole.
                world.run(["db", "verify", path.to_str().unwrap()]).ok();
                fs::remove_file(path).unwrap();
            }
        }
    }
    world.run("db backup b").ok();
    let partial = |name: &str| name.starts_with(".skyteam-partial-");
    assert!(
        fs::read_dir(world.work().join("b"))
            .unwrap()
            .all(|file| !partial(&file.unwrap().file_name().to_string_lossy()))
    );
}

#[test]
fn an_interrupted_restore_clears_up_what_it_has_made() {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 5").ok();
    source.run("db backup -f b.skyteam").ok();
    let world = World::postgres();
    let file = source.work().join("b.skyteam");
    let superuser = world.server().as_superuser(&world.name());
    superuser.lines(
        "CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END';
         CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION slow()",
    );
    let staged = || superuser.lines("SELECT count(*) FROM pg_tables WHERE schemaname = 'skyteam_restore'");
    let child = world.spawn(["db", "restore", file.to_str().unwrap()]);
    eventually("tables are filled", || staged() == "7");
    signal("INT", child.id());
    world.finish("db restore".into(), child, b"").exits(130);
    assert_eq!(superuser.lines("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'skyteam%'"), "0");
    superuser.lines("DROP EVENT TRIGGER slow");
    world.run(["db", "restore", file.to_str().unwrap()]).ok();
}

#[test]
fn an_interrupted_proof_drops_its_scratch_database() {
    let world = World::postgres();
    world.server().admin(&format!(r#"ALTER ROLE "{}" CREATEDB"#, world.role()));
    world.run("db push").ok();
    world.run("db seed --users 2000 --flights 500").ok();
    world.run("db backup -f b.skyteam").ok();
    let child = world.spawn("db verify b.skyteam --deep");
    eventually("there is a scratch database", || scratch_databases(&world).len() == 1);
    signal("INT", child.id());
    world.finish("db verify".into(), child, b"").exits(130);
    assert_eq!(scratch_databases(&world), Vec::<String>::new());
    // A kill leaves it, which is told.
    let mut child = world.spawn("db verify b.skyteam --deep");
    eventually("there is a scratch database", || scratch_databases(&world).len() == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let told = "left over  a proof that was killed left its database skyteam_verify_";
    eventually("the doctor tells it", || world.run("db doctor").stdout.contains(told));
    world.server().admin(&format!("DROP DATABASE {}", scratch_databases(&world)[0]));
}

#[both]
fn a_killed_restore_leaves_the_target_as_it_was(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 2000 --flights 500").ok();
    source.run("db backup -f b.skyteam").ok();
    let file = source.work().join("b.skyteam");
    let restore = ["db", "restore", file.to_str().unwrap()];
    for delay in [10, 40, 80, 120, 180, 260] {
        let mut child = world.spawn(restore);
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        let whole = child.wait().unwrap().success();
        let there = match world.engine() {
            Engine::Sqlite => world.work().join("skyteam.db").exists(),
            Engine::Postgres => world.query("SELECT to_regclass('users') IS NOT NULL") == "t",
        };
        if there {
            assert!(whole || everything(world) == everything(&source), "half a restore");
            break;
        }
    }
    if world.run("user list").code != 0 || world.query(r#"SELECT count(*) FROM "users""#) == "0" {
        world.run(restore).ok();
    }
    assert_eq!(everything(world), everything(&source));
    // And over rows that are there.
    world.query(r#"UPDATE "users" SET "displayName" = 'mine'"#);
    let before = everything(world);
    let name = world.name();
    let clean = ["db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &name];
    for delay in [10, 50, 100, 150, 220] {
        let mut child = world.spawn(clean);
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        let after = everything(world);
        assert!(after == before || after == everything(&source), "half a restore after {delay} ms");
    }
    world.run(clean).ok();
    assert_eq!(everything(world), everything(&source));
}

#[test]
fn a_server_that_dies_in_the_middle_of_a_restore() {
    let source = World::sqlite();
    source.run("db seed --users 3000 --flights 800").ok();
    source.run("db backup -f b.skyteam").ok();
    let file = source.work().join("b.skyteam");
    let restore = ["db", "restore", file.to_str().unwrap()];
    let server = Server::durable(&[]);
    for delay in [60, 150] {
        let world = World::on(&server);
        let child = world.spawn(restore);
        std::thread::sleep(Duration::from_millis(delay));
        server.stop(Stop::Immediate);
        let output = world.finish("db restore".into(), child, b"");
        server.restart();
        if output.code != 0 {
            assert!(output.stderr.contains("error:"), "{output}");
            assert_eq!(world.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
            world.run(restore).ok();
        }
        assert_eq!(everything(&world), everything(&source));
    }
}

#[test]
fn a_server_that_dies_in_the_middle_of_a_backup() {
    let server = Server::durable(&[]);
    let world = World::on(&server);
    world.run("db seed --users 3000 --flights 800").ok();
    fs::create_dir(world.work().join("b")).unwrap();
    let child = world.spawn("db backup b");
    std::thread::sleep(Duration::from_millis(60));
    server.stop(Stop::Immediate);
    let output = world.finish("db backup".into(), child, b"");
    server.restart();
    if output.code != 0 {
        assert!(output.stderr.contains("error:"), "{output}");
        no_backups(&world.work().join("b"));
    }
}

#[both]
fn a_file_cut_at_any_member_touches_nothing(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 10").ok();
    source.run("db backup -f b.skyteam").ok();
    let file = source.work().join("b.skyteam");
    let bytes = fs::read(&file).unwrap();
    // Headers begin with a member's name; the cut falls before, on and behind each.
    let starts: Vec<usize> = (0..bytes.len() / 512)
        .map(|record| record * 512)
        .filter(|&at| bytes[at + 257..].starts_with(b"ustar"))
        .collect();
    assert_eq!(starts.len(), 9);
    for cut in starts.iter().flat_map(|&at| [at, at + 512, at + 700]).chain([bytes.len() - 1, bytes.len() - 512]) {
        fs::write(&file, &bytes[..cut.min(bytes.len() - 1)]).unwrap();
        let output = world.run(["-o", "json", "db", "restore", file.to_str().unwrap()]).exits(5);
        assert!(["damaged_backup", "not_a_backup"].contains(&output.error()["code"].as_str().unwrap()), "{output}");
        match world.engine() {
            Engine::Sqlite => assert!(!world.work().join("skyteam.db").exists()),
            Engine::Postgres => {
                assert_eq!(world.query("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'skyteam%'"), "0")
            }
        }
    }
}

#[test]
fn a_file_whose_index_has_lost_rows_makes_no_backup() {
    let world = World::ready(Engine::Sqlite);
    world.run("user add 1 ann").ok();
    // An index of some rows that the catalogue says to be one of all: nothing is in it.
    world.query(
        r#"CREATE INDEX theirs ON "users" ("miles") WHERE "miles" > 5;
           PRAGMA writable_schema = ON;
           UPDATE sqlite_schema SET sql = 'CREATE INDEX theirs ON "users" ("miles")' WHERE name = 'theirs'"#,
    );
    let output = world.run("-o json db backup -f x.skyteam").exits(1);
    assert_eq!(output.error()["code"], "unread", "{output}");
    assert!(!world.work().join("x.skyteam").exists());
}
