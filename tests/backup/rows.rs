//! Row for row, byte for byte, on both engines and across.

use super::{everything, hard_rows, worlds};
use crate::support::{Engine, World, both};

#[both(ready)]
fn hard_rows_come_back_on_either_engine(world: &mut World) {
    hard_rows(world);
    let before = everything(world);
    world.run("db backup -f hard.skyteam").ok();
    let file = world.work().join("hard.skyteam");
    for target in worlds() {
        target.run(["db", "restore", file.to_str().unwrap()]).ok();
        pretty_assertions(&everything(&target), &before);
    }
    // And over what is there.
    world.query(r#"UPDATE "users" SET "displayName" = 'changed'"#);
    world.run(format!("db restore hard.skyteam --clean --confirm {}", world.name())).ok();
    pretty_assertions(&everything(world), &before);
}

#[both]
fn seeded_rows_come_back_from_a_transfer_there_and_back(world: &mut World) {
    world.run("db seed --users 300 --flights 200").ok();
    let before = everything(world);
    for middle in worlds() {
        world.run(["db", "transfer", "--to", &middle.url()]).ok();
        pretty_assertions(&everything(&middle), &before);
        let back = World::empty(world.engine());
        middle.run(["db", "transfer", "--to", &back.url()]).ok();
        pretty_assertions(&everything(&back), &before);
        back.run("db status --exit-code").ok();
        back.run("miles audit").ok();
    }
}

#[both(ready)]
fn the_archive_of_a_copy_holds_the_same_bytes(world: &mut World) {
    world.run("user add 1 pilot1").ok();
    world.run("db backup -f one.skyteam").ok();
    let copy = World::empty(world.engine());
    copy.run(["db", "restore", world.work().join("one.skyteam").to_str().unwrap()]).ok();
    copy.run("db backup -f two.skyteam").ok();
    let members = |world: &World, file: &str| {
        let mut tar = std::process::Command::new("tar");
        tar.args(["-xOf", file, "users.parquet"]).current_dir(world.work()).output().unwrap().stdout
    };
    assert_eq!(members(world, "one.skyteam"), members(&copy, "two.skyteam"));
}

#[test]
fn cells_that_a_file_should_not_hold_come_back_as_they_are() {
    let world = World::ready(Engine::Sqlite);
    for trigger in world.query("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'users'").lines() {
        world.query(&format!(r#"DROP TRIGGER "{trigger}""#));
    }
    world.query(
        r#"INSERT INTO "users" ("userId", username, "displayName", miles, "createdAt")
           VALUES ('1', 'a', 'b', 5000000000, '2025-01-05T10:30:00Z'), ('2', 'c', CAST(x'ff00fe' AS TEXT), 1, 'yesterday')"#,
    );
    let before = world.query(r#"SELECT "userId", hex("displayName"), miles, "createdAt" FROM "users" ORDER BY 1"#);
    world.run("db backup -f odd.skyteam").ok();
    let twin = World::sqlite();
    let file = world.work().join("odd.skyteam");
    twin.run(["db", "restore", file.to_str().unwrap()]).ok();
    let after = twin.query(r#"SELECT "userId", hex("displayName"), miles, "createdAt" FROM "users" ORDER BY 1"#);
    assert_eq!(after, before);
    // PostgreSQL cannot hold them, and says which.
    let refused = World::postgres();
    let output = refused.run(["-o", "json", "db", "restore", file.to_str().unwrap()]).exits(5);
    assert!(output.error()["why"].as_str().unwrap().contains("of users, column"), "{output}");
    assert_eq!(refused.query("SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'skyteam_restore')"), "0");
}

#[test]
fn columns_that_are_not_ours_are_carried_along() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot1").ok();
    world.query(r#"ALTER TABLE "users" ADD COLUMN "extra" jsonb DEFAULT '{"a": [1, 2]}', ADD COLUMN "score" numeric(10,2) DEFAULT 1.50"#);
    let before = world.query(r#"SELECT "userId", extra, score FROM "users""#);
    world.run("db backup -f extra.skyteam").ok();
    let twin = World::postgres();
    twin.run(["db", "restore", world.work().join("extra.skyteam").to_str().unwrap()]).ok();
    assert_eq!(twin.query(r#"SELECT "userId", extra, score FROM "users""#), before);
    let types = r#"SELECT string_agg(data_type, ',' ORDER BY column_name) FROM information_schema.columns
                   WHERE table_name = 'users' AND column_name IN ('extra', 'score')"#;
    assert_eq!(twin.query(types), "jsonb,numeric");
}

#[track_caller]
fn pretty_assertions(found: &str, wanted: &str) {
    if found != wanted {
        let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
        panic!("{} lines for {}; first difference: {differs:?}", found.lines().count(), wanted.lines().count());
    }
}

#[test]
fn the_row_with_the_smallest_number_is_read_too() {
    let world = World::ready(Engine::Sqlite);
    world.query(
        r#"INSERT INTO "users" (rowid, "userId", username, "displayName")
           VALUES (-9223372036854775808, '1', 'first', 'First'), (0, '2', 'middle', 'Middle'),
                  (9223372036854775807, '3', 'last', 'Last')"#,
    );
    world.run("db backup -f ends.skyteam").ok();
    let twin = World::sqlite();
    twin.run(["db", "restore", world.work().join("ends.skyteam").to_str().unwrap()]).ok();
    assert_eq!(everything(&twin), everything(&world));
}

/// SQLite's rows are read with a mark between the cells, and in another way where a cell has that mark in it.
#[test]
fn cells_that_look_like_what_stands_between_cells_come_back() {
    let world = World::ready(Engine::Sqlite);
    let add = |id: u32, name: &str, avatar: &str| {
        world.query(&format!(
            r#"INSERT INTO "users" ("userId", username, "displayName", "avatarUrl")
               VALUES ('{id}', 'user{id}', {name}, {avatar})"#
        ))
    };
    let comes_back = |file: &str| {
        world.run(["db", "backup", "-f", file]).ok();
        let twin = World::sqlite();
        twin.run(["db", "restore", world.work().join(file).to_str().unwrap()]).ok();
        assert_eq!(everything(&twin), everything(&world), "{file}");
    };
    for (id, avatar) in (1..).zip(["NULL", "''", "'-'", "'+'", "'+-'", "'-+;5:'"]) {
        add(id, "';'", avatar);
    }
    comes_back("plain.skyteam");
    for (id, avatar) in (11..).zip(["char(31)", "'-' || char(31)", "char(31) || '+'", "NULL"]) {
        add(id, "char(31, 31)", avatar);
    }
    comes_back("marked.skyteam");
}
