//! Dumps by pg_dump, and what of them is restored.

use std::fs;

use super::everything;
use crate::support::{Engine, World};

fn seeded() -> World {
    let world = World::postgres();
    world.run("db seed --users 20 --flights 10").ok();
    world
}

#[test]
fn plain_and_custom_come_back_told_by_content() {
    let world = seeded();
    let before = everything(&world);
    for format in ["plain", "custom"] {
        world.run(format!("db backup -f dump --format {format}")).ok();
        let file = world.work().join("dump");
        let twin = World::postgres();
        let restored = ["db", "restore", file.to_str().unwrap()];
        twin.run(restored).ok();
        assert_eq!(everything(&twin), before);
        twin.run(restored).exits(5);
        twin.query(r#"UPDATE "users" SET "displayName" = 'mine'"#);
        twin.run(["db", "restore", file.to_str().unwrap(), "--clean", "--dry-run"]).ok();
        assert_ne!(everything(&twin), before);
        let sqlite = World::sqlite();
        sqlite.run(restored).exits(5);
        // Cut short it is refused before anything is touched.
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() * 2 / 3]).unwrap();
        World::postgres().run(restored).exits(5);
        world.run("db verify dump").exits(3);
    }
}

#[test]
fn a_dump_cannot_run_a_shell() {
    let world = seeded();
    world.run("db backup -f dump.sql --format plain").ok();
    let file = world.work().join("dump.sql");
    let trace = world.work().join("trace");
    let text = fs::read_to_string(&file).unwrap();
    let attack = format!("\\! touch {}\n", trace.display());
    let forged = text.replacen("SET statement_timeout", &format!("{attack}SET statement_timeout"), 1);
    assert_ne!(forged, text);
    fs::write(&file, forged).unwrap();
    let twin = World::postgres();
    let output = twin.run(["db", "restore", file.to_str().unwrap()]);
    assert_ne!(output.code, 0, "{output}");
    assert!(!trace.exists());
    assert_eq!(twin.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
}

#[test]
fn the_password_is_in_no_argument_and_a_missing_program_is_told() {
    let mut world = seeded();
    world.set("PATH", "/nonexistent");
    let output = world.run("-o json db backup -f x.dump --format custom").exits(5);
    assert!(output.error()["fix"].as_str().unwrap().contains("postgresql-client"), "{output}");
    assert!(!world.work().join("x.dump").exists());
    let sqlite = World::ready(Engine::Sqlite);
    sqlite.run("db backup --format plain").exits(5);
}
