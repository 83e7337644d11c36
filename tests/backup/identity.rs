//! Which database a backup is of, and which clock it was made by: what retention may count and remove.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Engine, Output, Server, World, both};

/// A database of another server, or another file, of the same name.
fn namesake(world: &World) -> World {
    if world.engine() == Engine::Sqlite {
        return World::ready(Engine::Sqlite);
    }
    let mut other = World::on(&Server::start(&["fsync=off"]));
    other.run("db migrate").ok();
    let name = other.name();
    other.server().admin(&format!("ALTER DATABASE {name} RENAME TO {}", world.name()));
    let url = other.url().replace(&format!("/{name}"), &format!("/{}", world.name()));
    other.set("DATABASE_URL", url);
    other
}

/// Runs `db backup` into a folder at two in the morning of a day.
fn backup(world: &World, folder: &Path, day: &str, flags: &str) -> Output {
    world.call(format!("-o json db backup {} {flags}", folder.display())).at(&format!("{day}T02:00:00Z")).run().ok()
}

fn file(made: &Output) -> PathBuf {
    made.clone().json()["file"].as_str().unwrap().into()
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    files.filter(|name| !name.starts_with('.')).collect()
}

#[both(ready)]
fn retention_leaves_the_backups_of_a_namesake_alone(world: &mut World) {
    let folder = tempfile::tempdir().unwrap();
    let production = file(&backup(world, folder.path(), "2026-11-01", ""));
    backup(world, folder.path(), "2026-11-02", "");
    let other = namesake(world);
    let first = file(&backup(&other, folder.path(), "2026-11-03", ""));
    let made = backup(&other, folder.path(), "2026-11-04", "--keep-last 1").json();
    assert_eq!(made["removed"], serde_json::json!([first]));
    assert!(production.exists());
    assert_eq!(names(folder.path()).len(), 3);
    // Each database has its own rows in the list, and its own count.
    let later = |args: String| world.call(args).at("2026-12-01T00:00:00Z").run();
    let listed = later(format!("-o json db backups {}", folder.path().display())).ok().json();
    let identities: Vec<&str> =
        listed.as_array().unwrap().iter().map(|line| line["identity"].as_str().unwrap()).collect();
    assert!(identities[0] != identities[1] && identities[1] == identities[2], "{listed}");
    later(format!("db prune {} --keep-last 1 --yes", folder.path().display())).ok();
    assert!(!production.exists());
    assert_eq!(names(folder.path()).len(), 2);
    // The newest of this database is verified, and not the namesake's.
    let verified = later(format!("-o json db verify {} --deep", folder.path().display())).ok().json();
    assert!(verified["file"].as_str().unwrap().contains("20261102T"), "{verified}");
}

#[test]
fn a_copied_file_is_another_database_and_a_renamed_one_the_same() {
    let world = World::ready(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    let first = file(&backup(&world, folder.path(), "2026-11-01", ""));
    world.query("PRAGMA wal_checkpoint(TRUNCATE)");
    let mut copy = World::bare();
    let there = copy.work().join("skyteam.db");
    fs::copy(world.work().join("skyteam.db"), &there).unwrap();
    copy.set("DATABASE_URL", format!("sqlite:{}", there.display()));
    backup(&copy, folder.path(), "2026-11-02", "--keep-last 1");
    assert!(first.exists());
    let renamed = copy.work().join("other.db");
    fs::rename(&there, &renamed).unwrap();
    copy.set("DATABASE_URL", format!("sqlite:{}", renamed.display()));
    let removed = backup(&copy, folder.path(), "2026-11-03", "--keep-last 1").json()["removed"].clone();
    assert_eq!(removed.as_array().unwrap().len(), 1);
    assert!(first.exists());
    copy.run("db status --exit-code").ok();
    copy.run("db diff --exit-code").ok();
}

#[both(ready)]
fn a_backup_of_nobody_knows_what_is_listed_and_stays(world: &mut World) {
    let folder = tempfile::tempdir().unwrap();
    let url = world.url();
    let (off, on) = match world.engine() {
        Engine::Postgres => {
            let database = world.server().as_superuser(&world.name());
            database.rows("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
            (url.clone(), url.clone())
        }
        Engine::Sqlite => (format!("{url}?mode=ro"), url.clone()),
    };
    world.set("DATABASE_URL", off);
    let unknown = file(&backup(world, folder.path(), "2026-11-01", ""));
    let made = backup(world, folder.path(), "2026-11-02", "--keep-last 1");
    assert_eq!(made.clone().json()["removed"], serde_json::json!([]));
    if world.engine() == Engine::Postgres {
        assert!(made.stderr.contains("GRANT EXECUTE ON FUNCTION pg_control_system() TO"), "{made}");
        assert!(world.run("db doctor").stdout.contains("GRANT EXECUTE ON FUNCTION pg_control_system() TO"));
        world.server().as_superuser(&world.name()).rows("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
    }
    world.set("DATABASE_URL", on);
    backup(world, folder.path(), "2026-11-03", "--keep-last 1");
    assert!(unknown.exists());
    assert_eq!(names(folder.path()).len(), 3);
    let pruned = world.call(format!("db prune {} --keep-last 1 --dry-run", folder.path().display()));
    let pruned = pruned.at("2026-12-01T00:00:00Z").run().ok();
    assert_eq!(pruned.stdout.matches("of an unknown database").count(), 2, "{pruned}");
}

#[both(ready)]
fn a_backup_from_the_future_takes_no_ones_place(world: &mut World) {
    let folder = tempfile::tempdir().unwrap();
    let future = file(&backup(world, folder.path(), "2031-01-01", ""));
    world.call(["db", "verify", future.to_str().unwrap(), "--deep"]).at("2031-01-01T03:00:00Z").run().ok();
    let first = file(&backup(world, folder.path(), "2026-11-01", "--keep-last 1"));
    assert!(first.exists());
    let made = backup(world, folder.path(), "2026-11-02", "--keep-last 1");
    assert!(file(&made).exists() && future.exists() && !first.exists());
    assert!(made.stderr.contains("is dated 2031-01-01 02:00:00, in the future"), "{made}");
    let at = |args: String| world.call(args).at("2026-11-03T00:00:00Z").run();
    let listed = at(format!("db backups {}", folder.path().display())).ok();
    assert!(listed.stderr.contains("in the future"), "{listed}");
    let pruned = at(format!("db prune {} --keep-last 1 --yes", folder.path().display())).ok();
    assert!(pruned.stdout.contains("from the future") && pruned.stderr.contains("in the future"), "{pruned}");
    assert!(file(&made).exists() && future.exists());
    // It proves nothing of today, neither to the doctor nor to a verification.
    let found = at("db doctor".to_owned()).stdout;
    assert!(found.contains("is known to have been proved") && found.contains("in the future"), "{found}");
    let verified = at(format!("-o json db verify {} --deep", folder.path().display())).ok().json();
    assert!(verified["file"].as_str().unwrap().contains("20261102T"), "{verified}");
    let found = at("db doctor".to_owned()).stdout;
    assert!(found.contains("that was proved is of 2026-11-02 02:00:00"), "{found}");
}

#[both(ready)]
fn a_clock_that_fell_back_removes_nothing(world: &mut World) {
    let folder = tempfile::tempdir().unwrap();
    let before = file(&backup(world, folder.path(), "2026-11-01", ""));
    let made = file(&backup(world, folder.path(), "1970-01-01", "--keep-last 1"));
    assert!(before.exists() && made.exists());
}
