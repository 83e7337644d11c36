//! What the database itself says of its rows finds what checksums of our own cannot: an archive that is whole and says
//! something else.

use std::path::PathBuf;

use super::{everything, hard_rows};
use crate::support::archive::unpack;
use crate::support::{Engine, World, both};

/// An archive of other values than its database has summed up, and which are right in every other way.
fn corrupted(world: &World) -> PathBuf {
    world.run("db backup -f sound.skyteam").ok();
    world.query(r#"UPDATE "users" SET "displayName" = 'Another' WHERE "userId" = (SELECT min("userId") FROM "users")"#);
    world.run("db backup -f other.skyteam").ok();
    let sound = unpack(&world.work().join("sound.skyteam"));
    let mut other = unpack(&world.work().join("other.skyteam"));
    let wanted = sound.manifest["tables"].as_array().unwrap();
    for (table, sound) in other.manifest["tables"].as_array_mut().unwrap().iter_mut().zip(wanted) {
        assert!(table["digest"].is_object(), "{table}");
        assert_eq!(table["digest"] != sound["digest"], table["name"] == "users");
        table["digest"] = sound["digest"].clone();
    }
    other.manifest.as_object_mut().unwrap().remove("signature");
    let file = world.work().join("corrupted.skyteam");
    std::fs::write(&file, other.pack()).unwrap();
    file
}

#[both]
fn other_values_under_right_checksums_are_found(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    let file = corrupted(world);
    let file = file.to_str().unwrap();
    for deep in [&["db", "verify", file][..], &["db", "verify", file, "--deep"]] {
        let output = world.run(deep).exits(3);
        assert!(output.stdout.contains("users: other values than its server has summed up"), "{output}");
    }
    // On its own engine after it was written, on the other one while it is read; nothing stays.
    for twin in [World::postgres(), World::sqlite()] {
        let output = twin.run(["-o", "json", "db", "restore", file, "--confirm", &twin.name()]).exits(5);
        assert_eq!(output.error()["code"], "damaged", "{output}");
        match twin.engine() {
            Engine::Postgres => {
                let left = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'skyteam_restore')";
                assert_eq!(twin.query(left), "0");
            }
            Engine::Sqlite => assert!(!twin.work().join("skyteam.db").exists()),
        }
    }
    // In place too, where what stood there stays.
    let before = everything(world);
    world.run(["db", "restore", file, "--clean", "--confirm", &world.name()]).exits(5);
    assert_eq!(everything(world), before);
}

#[both]
fn hard_values_are_summed_up_as_they_are_archived(world: &mut World) {
    world.run("db push").ok();
    hard_rows(world);
    world.run("db backup -f b.skyteam").ok();
    world.run("db verify b.skyteam").ok();
    let proof = world.run("db verify b.skyteam --deep -o json");
    let proof: serde_json::Value = serde_json::from_str(&proof.stdout).unwrap();
    assert_eq!(proof["problems"], serde_json::json!([]), "{proof}");
    let made = unpack(&world.work().join("b.skyteam")).manifest;
    assert!(made["tables"].as_array().unwrap().iter().all(|table| table["digest"].is_object()), "{made}");
    assert!(made["reading"][1].as_str().unwrap().contains("9223372036854775807 is infinity"), "{made}");
}

#[test]
fn a_column_of_any_type_is_summed_up() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"CREATE TYPE mood AS ENUM ('calm', 'late');
           ALTER TABLE "users" ADD COLUMN extra jsonb, ADD COLUMN price numeric, ADD COLUMN mood mood,
             ADD COLUMN many bigint, ADD COLUMN list text[], ADD COLUMN at timestamptz, ADD COLUMN ratio double precision;
           INSERT INTO "users" ("userId", username, "displayName", extra, price, mood, many, list, at, ratio)
           VALUES ('1', 'one', 'One', '{"b": 1, "a": null}', 12.50, 'late', -9223372036854775808, '{a,NULL,"b c"}',
                   '2025-01-05 10:30+02', 0.1),
                  ('2', 'two', 'Two', NULL, NULL, NULL, NULL, NULL, NULL, NULL)"#,
    );
    world.run("db backup -f b.skyteam").ok();
    world.run("db verify b.skyteam").ok();
    let digest = |file: &str| unpack(&world.work().join(file)).table("users")["digest"].clone();
    let before = digest("b.skyteam");
    for change in ["extra = NULL", "price = 12.5", "mood = 'calm'", "many = 5", "list = '{}'", "ratio = 0.2"] {
        world.query(&format!(r#"UPDATE "users" SET {change} WHERE "userId" = '1'"#));
        world.run("db backup -f c.skyteam").ok();
        assert_ne!(digest("c.skyteam"), before, "{change}");
    }
}

#[test]
fn two_finite_times_are_refused_by_name() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 41 sound").ok();
    for time in ["294247-01-10 04:00:54.775807", "294247-01-10 04:00:54.775808"] {
        world.query(&format!(
            r#"INSERT INTO "users" ("userId", username, "displayName", "createdAt")
               VALUES ('42', 'late', 'Late', '{time}') ON CONFLICT ("userId") DO UPDATE SET "createdAt" = excluded."createdAt""#
        ));
        let error = world.run("-o json db backup -f b").exits(5).error();
        assert_eq!(error["code"], "unarchivable");
        let why = error["why"].as_str().unwrap();
        assert!(why.contains("users.createdAt of userId 42: an archive would take this time for infinity"), "{why}");
        assert!(world.run("db doctor").exits(3).stdout.contains("users.createdAt of userId 42"));
        let fix = error["fix"].as_str().unwrap();
        let (update, _) = fix.split_once(" for that row").unwrap();
        world.query(&format!(r#"{update} WHERE "userId" = '42'"#));
        world.run("db backup -f b").ok();
    }
    // The last that PostgreSQL knows comes back.
    world.query(r#"UPDATE "users" SET "createdAt" = '294276-12-31 23:59:59.999999' WHERE "userId" = '42'"#);
    world.run("db backup -f b").ok();
    world.run("db verify b --deep").ok();
}
