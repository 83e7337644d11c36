//! Cells that an archive cannot hold: found by the doctor before the night, and named by the backup that meets one.

use crate::support::{Engine, Server, World, both};

/// One that is a little too large, of the user 42.
fn large(world: &World) {
    let text = match world.engine() {
        Engine::Postgres => "repeat('x', 67108865)",
        Engine::Sqlite => "replace(hex(zeroblob(33554433)), '0', 'x')",
    };
    world.query(&format!(
        r#"INSERT INTO "users" ("userId", username, "displayName") VALUES ('41', 'sound', 'Sound'), ('42', 'large', {text})"#
    ));
}

#[both(ready)]
fn a_cell_that_is_too_large_is_named_with_its_key(world: &mut World) {
    assert!(world.run("db doctor").stdout.contains("every cell fits into a backup"));
    large(world);
    let error = world.run("-o json db backup -f b").exits(5).error();
    assert_eq!(error["code"], "unarchivable");
    let why = error["why"].as_str().unwrap();
    assert!(why.starts_with("users.displayName of userId 42: it has 67,108,8") && !why.contains("41"), "{why}");
    assert!(!world.work().join("b").exists());
    let found = world.run("db doctor").exits(3).stdout;
    assert!(found.contains("users.displayName of userId 42"), "{found}");
    if world.engine() == Engine::Postgres {
        // The way out that is named.
        world.run("db backup -f b --format custom").ok();
    }
}

#[test]
fn a_byte_that_is_no_text_is_named_with_its_key() {
    let server = Server::start(&["fsync=off"]);
    for (encoding, sound) in [("SQL_ASCII", false), ("LATIN1", true)] {
        let mut world = World::on(&server);
        let name = format!("old_{}", encoding.to_lowercase());
        server.admin(&format!(
            "CREATE DATABASE {name} OWNER {} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'",
            world.role()
        ));
        world.set("DATABASE_URL", world.url().replace(&format!("/{}", world.name()), &format!("/{name}")));
        world.run("db migrate").ok();
        world.run("user add 41 sound").ok();
        let database = server.as_superuser(&name);
        database.rows(
            r#"INSERT INTO "users" ("userId", username, "displayName")
               VALUES ('42', 'old', convert_from('\x4ae4676572'::bytea, getdatabaseencoding()))"#,
        );
        if sound {
            world.run("db backup -f b").ok();
            world.run("db verify b --deep").ok();
            continue;
        }
        let error = world.run("-o json db backup -f b").exits(5).error();
        assert_eq!(error["code"], "unarchivable");
        assert!(error["why"].as_str().unwrap().starts_with("users.displayName of userId 42: "), "{error}");
        let found = world.run("db doctor").exits(3).stdout;
        assert!(found.contains("users.displayName of userId 42"), "{found}");
        // Both ways out, as they are named.
        world.run("db backup -f c --format custom").ok();
        let fix = error["fix"].as_str().unwrap();
        let (update, _) = fix.split_once(" for that row").unwrap();
        database.rows(&format!(r#"{update} WHERE "userId" = '42'"#));
        world.run("db backup -f b").ok();
        world.run("db verify b --deep").ok();
    }
}

#[test]
fn a_cell_of_another_type_than_its_columns_is_named_with_its_key() {
    let world = World::ready(Engine::Sqlite);
    world.run("user add 42 pilot42").ok();
    // As another program might have made the table: without STRICT.
    world.query(
        r#"PRAGMA writable_schema = ON;
           UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'users';
           PRAGMA writable_schema = RESET"#,
    );
    world.query(r#"UPDATE "users" SET miles = 1.5"#);
    let error = world.run("-o json db backup -f b").exits(5).error();
    assert!(error["why"].as_str().unwrap().starts_with("users.miles of userId 42: "), "{error}");
    assert!(world.run("db doctor").exits(3).stdout.contains("users.miles of userId 42"));
}
