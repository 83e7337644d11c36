//! Verification: what it proves, what it finds, and where it is remembered.

use std::fs;

use super::scratch_databases;
use crate::support::{Engine, World, both};

#[both]
fn a_deep_verification_is_remembered(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f b.skyteam").ok();
    let proof = world.run("db verify b.skyteam --deep -o json").ok().json();
    assert_eq!((proof["sound"].as_bool(), proof["deep"].as_bool()), (Some(true), Some(true)));
    assert_eq!(proof["auditFindings"], 0);
    assert_eq!(world.run("db backups -o json").ok().json()[0]["verified"], "restored");
    // A later, shallow look takes nothing away.
    world.run("db verify b.skyteam").ok();
    assert_eq!(world.run("db backups -o json").ok().json()[0]["verified"], "restored");
    let doctor = |world: &World| {
        let output = world.run("db doctor -o json");
        let checks: Vec<serde_json::Value> = serde_json::from_str(&output.stdout).unwrap();
        checks.into_iter().find(|check| check["name"] == "proved").unwrap()
    };
    // What counts is when the backup was made.
    assert!(doctor(world)["found"].as_str().unwrap().contains("2025-07-04"), "{}", doctor(world));
    world.call("db backup -f part.skyteam --table users").at("2025-07-20T12:00:00Z").run().ok();
    world.call("db verify part.skyteam --deep").at("2025-07-20T12:00:00Z").run().ok();
    assert!(doctor(world)["found"].as_str().unwrap().contains("2025-07-04"), "{}", doctor(world));
    let table = if world.engine() == Engine::Postgres { "skyteam.verifications" } else { "_skyteam_verifications" };
    assert_eq!(world.query(&format!("SELECT count(*) FROM {table} WHERE sound")), "1");
    world.run("db status --exit-code").ok();
    if world.engine() == Engine::Postgres {
        assert_eq!(scratch_databases(world), Vec::<String>::new());
    }
}

#[both]
fn damage_is_found_and_told(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f b.skyteam").ok();
    let file = world.work().join("b.skyteam");
    let sound = fs::read(&file).unwrap();
    let mut state = 3_u64;
    for _ in 0..20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bit = (state >> 20) as usize % (sound.len() * 8);
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, damaged).unwrap();
        let output = world.run("db verify b.skyteam -o json").exits(3);
        let found: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        assert!(!found["problems"][0].as_str().unwrap().is_empty(), "bit {bit}");
    }
    assert_eq!(world.run("db backups -o json").ok().json().as_array().unwrap().len(), 1);
}

#[both]
fn parts_are_proved_as_what_they_are(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    for part in [
        "--data-only",
        "--schema-only",
        "--table users",
        "--table milesTransactions",
        "--data-only --table flights --table users",
    ] {
        world.run(format!("db backup -f part.skyteam {part}")).ok();
        let proof = world.run("db verify part.skyteam --deep -o json").json();
        assert_eq!((proof["sound"].as_bool(), proof["deep"].as_bool()), (Some(true), Some(true)), "{part}: {proof}");
        world.run("db verify part.skyteam").ok();
    }
}

#[both]
fn a_dry_run_of_a_proof_leaves_no_trace(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f b.skyteam").ok();
    let output = world.run("db verify b.skyteam --deep --dry-run").ok();
    assert!(output.stdout.contains("proved"), "{output}");
    assert!(!world.work().join("b.skyteam.json").exists());
    let tables = match world.engine() {
        Engine::Postgres => "SELECT count(*) FROM pg_tables WHERE tablename = 'verifications'",
        Engine::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE name = '_skyteam_verifications'",
    };
    assert_eq!(world.query(tables), "0");
    // Else it says where it writes.
    assert!(world.run("db verify b.skyteam --deep").ok().stderr.contains('→'));
}

#[test]
fn findings_of_the_audit_are_told_and_no_fault_of_the_backup() {
    let world = World::sqlite();
    world.run("db seed --users 20 --flights 10").ok();
    world.query(r#"UPDATE "users" SET miles = miles + 1 WHERE "userId" = (SELECT min("userId") FROM "users")"#);
    world.run("db backup -f b.skyteam").ok();
    let proof = world.run("db verify b.skyteam --deep -o json").exits(3);
    let proof: serde_json::Value = serde_json::from_str(&proof.stdout).unwrap();
    assert_eq!((proof["sound"].as_bool(), proof["auditFindings"].as_i64()), (Some(true), Some(1)));
}

#[test]
fn a_file_can_be_verified_without_any_database() {
    let world = World::sqlite();
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f b.skyteam").ok();
    let bare = World::bare();
    bare.run(["db", "verify", "--deep", world.work().join("b.skyteam").to_str().unwrap()]).ok();
    let output = bare.run(["db", "verify", "/etc/hostname"]).exits(3);
    assert!(output.stdout.contains("damaged"), "{output}");
    bare.run("db verify nowhere.skyteam").exits(4);
}
