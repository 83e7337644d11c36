//! What is otherwise than in the version that a database is at, and is in the backup as it is.

use super::everything;
use crate::support::archive::unpack;
use crate::support::{Engine, World, both};

/// Changes the definition of a table of an SQLite file by hand, as no other tool could.
fn redefine(world: &World, table: &str, from: &str, to: &str) {
    let file = rusqlite::Connection::open(world.work().join("skyteam.db")).unwrap();
    let sql = format!(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE type = 'table' AND name = '{table}';
         PRAGMA writable_schema = RESET;"
    );
    file.execute_batch(&sql).unwrap();
    let sql: String = file
        .query_row("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", [table], |row| row.get(0))
        .unwrap();
    assert!(sql.contains(to), "{sql}");
}

#[both(ready)]
fn rows_that_a_changed_table_lets_in_come_back(world: &mut World) {
    match world.engine() {
        Engine::Postgres => {
            world.query(
                r#"ALTER TABLE users ALTER "displayName" DROP NOT NULL, ALTER username TYPE varchar(40);
                   ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check",
                     ADD CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" > -5)"#,
            );
        }
        Engine::Sqlite => {
            redefine(world, "users", r#""displayName" TEXT NOT NULL"#, r#""displayName" TEXT"#);
            redefine(world, "milesProducts", r#""priceMiles" > 0"#, r#""priceMiles" > -5"#);
        }
    }
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName") VALUES ('1', 'nameless', NULL);
           INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('a', 'A', 't');
           INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles") VALUES ('000001', 'a', 'Gift', -3)"#,
    );
    let backup = world.run("db backup -f live.skyteam").ok();
    assert!(backup.stderr.contains("users.displayName"), "{backup}");
    let manifest = unpack(&world.work().join("live.skyteam")).manifest;
    let changed = manifest["changed"].as_array().unwrap();
    let name = changed.iter().find(|changed| changed["column"]["name"] == "displayName").unwrap();
    assert_eq!((&name["table"], &name["column"]["nullable"]), (&"users".into(), &true.into()));
    // A check that neither the version nor the entities have is not run from a file.
    assert_eq!(manifest["missing"], serde_json::json!(["milesProducts_priceMiles_check"]));
    let proof = world.run("db verify --deep live.skyteam").exits(3);
    assert!(proof.stdout.contains("proved") && proof.stdout.contains("it lacks the rule"), "{proof}");
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let restored = World::empty(engine);
        let file = world.work().join("live.skyteam");
        restored.run(["db", "restore", file.to_str().unwrap()]).ok();
        let rows = r#"SELECT "displayName" IS NULL, (SELECT "priceMiles" FROM "milesProducts") FROM "users""#;
        assert!(["t|-3", "1|-3"].contains(&restored.query(rows).as_str()));
        let again = restored.run("db backup -f again.skyteam").ok();
        assert!(again.stderr.contains("users.displayName"), "{again}");
    }
}

#[both(ready)]
fn a_table_with_types_that_archives_keep_as_text_is_refilled_in_place(world: &mut World) {
    world.run("db seed --users 3 --flights 2").ok();
    match world.engine() {
        Engine::Postgres => {
            world.query(
                r#"CREATE TYPE "Mood" AS ENUM ('good', 'so so');
                   ALTER TABLE users ALTER "displayName" TYPE char(40),
                     ALTER "avatarUrl" TYPE "Mood" USING 'so so'::"Mood";
                   ALTER TABLE "milesProducts" ALTER description TYPE json USING '{"a":  1}'"#,
            );
        }
        Engine::Sqlite => redefine(world, "users", r#""displayName" TEXT NOT NULL"#, r#""displayName" TEXT"#),
    }
    let before = everything(world);
    world.run("db backup -f b.skyteam").ok();
    // Made anew, a table would lose what others have granted on it and built upon it.
    if world.engine() == Engine::Postgres {
        world.query(r#"CREATE VIEW names AS SELECT "displayName", "avatarUrl" FROM users"#);
    }
    world.query(r#"UPDATE "users" SET "displayName" = 'other'"#);
    let some = format!("db restore b.skyteam --clean --table users --confirm {} -o json", world.name());
    assert_eq!(world.run(some).ok().json()["way"], "inPlace");
    assert_eq!(everything(world), before);
    let all = format!("db restore b.skyteam --clean --confirm {} -o json", world.name());
    assert_eq!(world.run(all).ok().json()["way"], "inPlace");
    assert_eq!(everything(world), before);
}

#[both(ready)]
fn a_manifest_brings_no_expression_with_it(world: &mut World) {
    world.run("db seed --users 3 --flights 2").ok();
    world.run("db backup -f sound.skyteam").ok();
    let sound = unpack(&world.work().join("sound.skyteam"));
    let planted = "(SELECT count(*) FROM pg_sleep(0)) > 0";
    let sql = serde_json::json!({"postgres": planted, "sqlite": planted});
    for changed in [
        serde_json::json!({"table": "users", "rule": {"name": "planted", "check": sql}}),
        serde_json::json!({"table": "users", "column": {"name": "username", "type": "text", "default": {"expression": sql}}}),
        serde_json::json!({"table": "users", "column": {"name": "username", "type": {"unsupported": "text; DROP TABLE x"}}}),
        serde_json::json!({"table": "users", "column": {"name": "username", "type": "text", "default": {"number": "1; DROP TABLE x"}}}),
        serde_json::json!({"table": "users", "index": {"name": "planted", "columns": ["username"], "where": sql}}),
    ] {
        let mut archive = sound.clone();
        archive.manifest["changed"] = serde_json::json!([changed]);
        archive.manifest.as_object_mut().unwrap().remove("signature");
        std::fs::write(world.work().join("planted.skyteam"), archive.pack()).unwrap();
        let restored = World::empty(world.engine());
        let file = world.work().join("planted.skyteam");
        let refused = restored.run(["db", "restore", file.to_str().unwrap(), "-o", "json"]);
        assert_ne!(refused.code, 0, "{changed}: {refused}");
        assert!(
            refused.stderr.contains("ahead of any migration") || refused.stderr.contains("manifest"),
            "{changed}: {refused}"
        );
    }
}

#[both(ready)]
fn a_table_that_nothing_names_is_said_to_be_left_out(world: &mut World) {
    world.query(r#"CREATE TABLE "notes" ("id" integer PRIMARY KEY)"#);
    let backup = world.run("db backup -f b.skyteam").ok();
    assert!(
        backup.stderr.contains("Not in the backup, since no entity has them") && backup.stderr.contains("notes"),
        "{backup}"
    );
    let manifest = unpack(&world.work().join("b.skyteam")).manifest;
    assert_eq!(manifest["leftOut"], serde_json::json!(["notes"]));
    assert_eq!(manifest["changed"], serde_json::Value::Null);
}
