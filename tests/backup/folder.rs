//! Folders of backups: what is listed, and what is removed.

use std::fs;

use crate::support::{Engine, World};

/// Backups of these days at 02:00, in the folder `b`.
fn folder(days: &[&str]) -> World {
    let world = World::ready(Engine::Sqlite);
    fs::create_dir(world.work().join("b")).unwrap();
    for day in days {
        world.call("db backup b").at(&format!("{day}T02:00:00Z")).run().ok();
    }
    world
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

#[test]
fn only_what_skyteam_made_is_listed_and_removed() {
    let world = folder(&["2026-11-01", "2026-11-02", "2026-11-03"]);
    fs::write(world.work().join("b/notes.skyteam"), "not a backup").unwrap();
    fs::write(world.work().join("b/dump.sql"), "--\n-- PostgreSQL database dump\n--\n").unwrap();
    fs::write(world.work().join("b/other.age"), "age-encryption.org/v1\n-> X25519 abc\n--- mac\n").unwrap();
    assert_eq!(world.run("db backups b -o json").ok().json().as_array().unwrap().len(), 3);
    world.run("db prune b").exits(2);
    world.run("db prune b --keep-last 1").exits(9);
    world.run("db prune b --keep-last 1 --dry-run").ok();
    assert_eq!(names(&world).len(), 6);
    world.run("db prune b --keep-last 1 --yes").ok();
    assert_eq!(names(&world), ["dump.sql", "notes.skyteam", "other.age", "skyteam-skyteam-20261103T020000Z.skyteam"]);
}

#[test]
fn the_last_good_one_outlives_a_damaged_newer_one() {
    let world = folder(&["2026-11-01", "2026-11-02", "2026-11-03"]);
    let newest = world.work().join("b/skyteam-skyteam-20261103T020000Z.skyteam");
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    world.run("db verify b/skyteam-skyteam-20261101T020000Z.skyteam --deep").ok();
    world.run("db prune b --keep-last 1 --yes").ok();
    let left: Vec<String> = names(&world).into_iter().filter(|name| name.ends_with(".skyteam")).collect();
    // The damaged one by the rule, the newest that can be read, and the newest that is proved.
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn a_backup_prunes_after_itself() {
    let world = folder(&["2026-11-01", "2026-11-02"]);
    let call = world.call("db backup b --keep-daily 2 -o json").at("2026-11-03T02:00:00Z");
    let made = call.run().ok().json();
    assert_eq!(made["removed"].as_array().unwrap().len(), 1);
    assert_eq!(names(&world).len(), 2);
}
