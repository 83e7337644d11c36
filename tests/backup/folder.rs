//! Folders of backups: what is listed, and what is removed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Args, Engine, Output, World, both};

const KEY: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

/// After all backups of these tests.
const LATER: &str = "2026-12-01T00:00:00Z";

fn later(world: &World, args: impl Args) -> Output {
    world.call(args).at(LATER).run()
}

/// A backup of this day at 02:00 in the folder `b`; answers its path.
fn backup(world: &World, day: &str, flags: &str) -> PathBuf {
    let _ = fs::create_dir(world.work().join("b"));
    let made = world.call(format!("db backup b -o json {flags}")).at(&format!("{day}T02:00:00Z")).run().ok().json();
    PathBuf::from(made["file"].as_str().unwrap())
}

fn names(world: &World) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(world.work().join("b"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// A tar of somebody else's that begins like an archive of ours.
fn foreign_tar(world: &World, name: &str) {
    let folder = world.work().join("theirs");
    let _ = fs::create_dir(&folder);
    fs::write(folder.join("manifest.json"), r#"{"format": "something else", "formatVersion": 1}"#).unwrap();
    fs::write(folder.join("data"), "precious").unwrap();
    let file = world.work().join("b").join(name);
    let made = Command::new("tar").arg("-cf").arg(file).args(["manifest.json", "data"]).current_dir(&folder).status();
    assert!(made.unwrap().success());
}

#[both(ready)]
fn only_what_skyteam_made_is_listed_and_removed(world: &mut World) {
    for day in ["2026-11-01", "2026-11-02"] {
        backup(world, day, "");
    }
    let newest = backup(world, "2026-11-03", "");
    fs::write(world.work().join("b/notes.skyteam"), "not a backup").unwrap();
    fs::write(world.work().join("b/dump.sql"), "--\n-- PostgreSQL database dump\n--\n").unwrap();
    fs::write(world.work().join("b/other.age"), "age-encryption.org/v1\n-> X25519 abc\n--- mac\n").unwrap();
    foreign_tar(world, "theirs.tar");
    assert_eq!(later(world, "db backups b -o json").ok().json().as_array().unwrap().len(), 3);
    // With our ending it is listed as what it is, and still not ours to remove.
    foreign_tar(world, "skyteam-x-20261101T000000Z.skyteam");
    assert_eq!(later(world, "db backups b -o json").ok().json().as_array().unwrap().len(), 4);
    later(world, "db prune b").exits(2);
    later(world, "db prune b --keep-last 1").exits(9);
    later(world, "db prune b --keep-last 1 --dry-run").ok();
    assert_eq!(names(world).len(), 8);
    later(world, "db prune b --keep-last 1 --yes").ok();
    let newest = newest.file_name().unwrap().to_str().unwrap().to_owned();
    let mut left =
        ["dump.sql", "notes.skyteam", "other.age", "skyteam-x-20261101T000000Z.skyteam", "theirs.tar", &newest];
    left.sort();
    assert_eq!(names(world), left);
    backup(world, "2026-11-04", "--keep-last 1");
    assert_eq!(names(world).len(), 6);
}

#[both(ready)]
fn the_last_good_one_outlives_a_damaged_newer_one(world: &mut World) {
    let oldest = backup(world, "2026-11-01", "");
    backup(world, "2026-11-02", "");
    let newest = backup(world, "2026-11-03", "");
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    world.run(["db", "verify", oldest.to_str().unwrap(), "--deep"]).ok();
    later(world, "db prune b --keep-last 1 --yes").ok();
    let left: Vec<String> = names(world).into_iter().filter(|name| name.ends_with(".skyteam")).collect();
    // The damaged one by the rule, the newest that can be read, and the newest that is proved.
    assert_eq!(left.len(), 3, "{left:?}");
}

#[both]
fn damage_that_only_reading_shows_is_seen_before_anything_goes(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    let sound = backup(world, "2026-11-01", "");
    let flipped = backup(world, "2026-11-02", "");
    let mut bytes = fs::read(&flipped).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&flipped, bytes).unwrap();
    later(world, "db prune b --keep-last 1 --yes").ok();
    assert!(sound.exists());
    // Nothing good at all: then nothing goes.
    fs::remove_file(&sound).unwrap();
    let other = backup(world, "2026-10-01", "");
    fs::write(&other, fs::read(&flipped).unwrap()).unwrap();
    later(world, "db prune b --keep-last 1 --yes").ok();
    assert!(other.exists() && flipped.exists());
}

#[both(ready)]
fn an_encrypted_one_that_is_cut_is_no_good_one(world: &mut World) {
    let sound = backup(world, "2026-11-01", &format!("--encrypt-to {KEY}"));
    let cut = backup(world, "2026-11-02", &format!("--encrypt-to {KEY}"));
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    let listed = later(world, "db backups b -o json").ok().json();
    assert!(listed[0]["verified"].as_str().unwrap().contains("bytes instead of"), "{listed}");
    assert!(listed[1]["verified"].is_null());
    later(world, "db prune b --keep-last 1 --yes").ok();
    assert!(sound.exists());
    // Nothing tells who made what is left of it, so it is nothing to remove.
    let newest = backup(world, "2026-11-03", &format!("--encrypt-to {KEY} --keep-last 1"));
    assert!(newest.exists() && cut.exists() && !sound.exists());
}

#[both(ready)]
fn a_part_does_not_take_the_place_of_the_whole(world: &mut World) {
    let whole = backup(world, "2026-11-01", "");
    for (day, part) in [("2026-11-02", "--schema-only"), ("2026-11-03", "--data-only"), ("2026-11-04", "--table users")]
    {
        let older = backup(world, &day.replace("2026-11", "2026-10"), part);
        let made = backup(world, day, &format!("{part} --keep-last 1"));
        assert!(whole.exists(), "{part}");
        assert!(made.exists() && !older.exists(), "{part}");
    }
    backup(world, "2026-11-05", &format!("--schema-only --encrypt-to {KEY} --keep-last 1"));
    assert!(whole.exists());
    assert_eq!(names(world).len(), 4, "{:?}", names(world));
}

#[both(ready)]
fn every_backup_of_a_part_is_remembered(world: &mut World) {
    // A snapshot of which no row is read must not leave its transaction in the pool, whose connections are taken by chance.
    for round in 0..12 {
        let made = world.run(format!("db backup -f {round}.skyteam --schema-only")).ok();
        assert!(!made.stderr.contains("remember"), "{made}");
    }
}

#[test]
fn dumps_are_pruned_among_themselves_and_their_notes_with_them() {
    let world = World::ready(Engine::Postgres);
    let archive = backup(&world, "2026-10-01", "");
    let older = backup(&world, "2026-11-01", "--format plain");
    let flipped = backup(&world, "2026-11-02", "--format plain");
    let mut bytes = fs::read(&flipped).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&flipped, bytes).unwrap();
    later(&world, "db prune b --keep-last 1 --yes").ok();
    assert!(older.exists() && archive.exists());
    let newest = backup(&world, "2026-11-03", "--format plain --keep-last 1");
    // The changed one is no file that its note is about, so nothing says whose it is.
    assert!(archive.exists() && newest.exists() && flipped.exists() && !older.exists());
    assert_eq!(later(&world, "db backups b -o json").ok().json().as_array().unwrap().len(), 2);
    assert!(!names(&world).iter().any(|name| name.contains("20261101")));
}

#[both(ready)]
fn a_backup_prunes_after_itself(world: &mut World) {
    backup(world, "2026-11-01", "");
    backup(world, "2026-11-02", "");
    let call = world.call("db backup b --keep-daily 2 -o json").at("2026-11-03T02:00:00Z");
    let made = call.run().ok().json();
    assert_eq!(made["removed"].as_array().unwrap().len(), 1);
    assert_eq!(names(world).len(), 2);
}

#[both(ready)]
fn the_second_backup_of_a_second_gets_a_name_of_its_own(world: &mut World) {
    let first = backup(world, "2026-11-01", "");
    let bytes = fs::read(&first).unwrap();
    world.run("user add 1 pilot1").ok();
    let second = backup(world, "2026-11-01", "");
    assert!(second.to_str().unwrap().ends_with("T020000Z-2.skyteam"), "{second:?}");
    assert_eq!(fs::read(&first).unwrap(), bytes);
    assert_eq!(later(world, "db backups b -o json").ok().json().as_array().unwrap().len(), 2);
}

#[both(ready)]
fn a_note_vouches_for_the_file_that_it_saw(world: &mut World) {
    let verified = |world: &World| later(world, "db backups -o json").ok().json()[0]["verified"].clone();
    world.run("db backup -f b.skyteam").ok();
    later(world, "db verify b.skyteam --deep").ok();
    assert_eq!(verified(world), "restored");
    world.call("db backup -f b.skyteam").at("2026-11-03T02:00:00Z").run().ok();
    assert!(verified(world).is_null());
    // As with a file that came there by other ways.
    later(world, "db verify b.skyteam --deep").ok();
    world.call("db backup -f c.skyteam").at("2026-11-04T02:00:00Z").run().ok();
    fs::rename(world.work().join("c.skyteam"), world.work().join("b.skyteam")).unwrap();
    assert!(verified(world).is_null());
}

#[both(ready)]
fn notes_stay_away_from_files_of_others(world: &mut World) {
    world.run("db backup -f c.skyteam").ok();
    fs::write(world.work().join("c.skyteam.json"), r#"{"mine": true}"#).unwrap();
    let output = later(world, "db verify c.skyteam").ok();
    assert!(output.stderr.contains("is not skyteam's"), "{output}");
    assert_eq!(fs::read_to_string(world.work().join("c.skyteam.json")).unwrap(), r#"{"mine": true}"#);
    world.run("db backup -f c.skyteam").ok();
    assert!(world.work().join("c.skyteam.json").exists());
    fs::write(world.work().join("foo"), "no backup").unwrap();
    later(world, "db verify foo").exits(3);
    assert!(!world.work().join("foo.json").exists());
}

#[both(ready)]
fn programs_read_sizes_as_numbers(world: &mut World) {
    let file = backup(world, "2026-11-01", "");
    let size = fs::metadata(&file).unwrap().len().to_string();
    assert!(later(world, "db backups b -o csv --columns size").ok().stdout.contains(&size));
    let pruned = later(world, "db prune b --keep-last 1 -o csv").ok().stdout;
    assert_eq!(pruned.lines().next(), Some("keep,file,size,reasons"));
    assert_eq!(pruned.lines().nth(1).unwrap(), format!("true,{},{size},last", file.display()));
}

#[both(ready)]
fn people_read_paths_and_times_as_they_write_them(world: &mut World) {
    let older = backup(world, "2026-11-01", "");
    backup(world, "2026-11-02", "");
    let older = older.strip_prefix(world.work()).unwrap().display().to_string();
    let listed = world.call("db backups b").at(LATER).terminal(110).run().ok().stdout;
    assert!(listed.contains(&format!("2026-11-01 02:00:00  {older}  ")) && listed.contains("size"), "{listed}");
    let asked = later(world, "db prune b --keep-last 1").exits(9).stderr;
    assert!(asked.contains(&format!("Remove 1 of 2 backups: {older}?")), "{asked}");
    let decided = later(world, "db prune b --keep-last 1 --dry-run").ok().stdout;
    assert!(decided.contains(&format!("remove  {older}")), "{decided}");
    world.set("SKYTEAM_TZ", "Asia/Tokyo");
    world.run("user add 1 pilot1").ok();
    let restored = world.run(format!("db restore {older} --clean --dry-run")).ok().stdout;
    assert!(restored.contains(" of 2026-11-01 11:00:00 into "), "{restored}");
    let asked = world.call(format!("db restore {older} --clean")).answers(["no"]).run().exits(9).stderr;
    assert!(asked.contains("the backup of 2026-11-01 11:00:00:"), "{asked}");
    later(world, format!("db verify {older} --deep")).ok();
    let looked_at = later(world, "db doctor").stdout;
    assert!(looked_at.contains("that was proved is of 2026-11-01 11:00:00"), "{looked_at}");
}

#[both(ready)]
fn a_folder_that_is_none_is_told(world: &mut World) {
    let missing = world.run("-o json db backup nope/x").exits(4);
    assert_eq!(missing.error()["code"], "no_such_folder");
    later(world, "db backups nope").exits(4);
    fs::write(world.work().join("file"), "").unwrap();
    world.run("db backup file").exits(2);
    later(world, "db backups file").exits(2);
    later(world, "db prune file --keep-last 1").exits(2);
}
