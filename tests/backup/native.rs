//! Dumps by pg_dump, and what of them is restored.

use std::fs;

use super::{everything, scratch_databases};
use crate::support::{DRIZZLE, Engine, World};

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

/// A dump of the world with this put in before its first table.
fn doctored(world: &World, sql: &str) -> String {
    world.run("db backup -f dump.sql --format plain").ok();
    let file = world.work().join("dump.sql");
    let text = fs::read_to_string(&file).unwrap();
    let at = text.find("CREATE TABLE public.").unwrap();
    let after = text[at..].find(";\n").unwrap() + at + 2;
    fs::write(&file, format!("{}{sql}\n{}", &text[..after], &text[after..])).unwrap();
    // Its signature is of what it was.
    fs::remove_file(world.work().join("dump.sql.json")).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_dump_does_not_end_the_transaction_before_its_end() {
    let world = seeded();
    for sql in ["COMMIT;", "ROLLBACK;", "COMMIT; BEGIN;", "END; BEGIN READ ONLY;", "ROLLBACK; BEGIN;"] {
        let file = doctored(&world, sql);
        let twin = World::postgres();
        for flags in [&["--dry-run"][..], &[]] {
            let mut words = ["db", "restore", &file, "--confirm", &twin.name()].map(str::to_owned).to_vec();
            words.extend(flags.iter().map(|&flag| flag.to_owned()));
            let output = twin.run(words);
            assert_ne!(output.code, 0, "{sql}: {output}");
            let left = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'skyteam')";
            assert_eq!(twin.query(left), "0", "{sql}: {output}");
        }
    }
}

#[test]
fn large_objects_come_within_the_transaction() {
    let world = seeded();
    world.query("SELECT lo_from_bytea(0, 'large')");
    for format in ["plain", "custom"] {
        world.run(format!("db backup -f dump --format {format}")).ok();
        let file = world.work().join("dump");
        let twin = World::postgres();
        twin.run(["db", "restore", file.to_str().unwrap(), "--dry-run"]).ok();
        assert_eq!(twin.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
        twin.run(["db", "restore", file.to_str().unwrap()]).ok();
        assert_eq!(twin.query("SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata"), "large");
    }
}

#[test]
fn an_older_dump_is_migrated_with_the_rows_it_replaces_or_not_at_all() {
    let old = World::postgres();
    old.psql(std::path::Path::new(DRIZZLE));
    let world = seeded();
    let name = world.name();
    old.run("db backup -f good.sql --format plain").ok();
    old.query(r#"INSERT INTO "flightPassengers" SELECT * FROM "flightPassengers" LIMIT 1"#);
    old.run("db backup -f bad.sql --format plain").ok();
    let restore = |file: &str, flag: &str| {
        let file = old.work().join(file).to_str().unwrap().to_owned();
        let words = ["db", "restore", &file, "--clean", "--confirm", &name, flag].map(str::to_owned);
        world.run(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>())
    };
    let before = everything(&world);
    restore("bad.sql", "--dry-run").exits(5);
    restore("bad.sql", "").exits(5);
    assert_eq!(everything(&world), before);
    world.run("db status --exit-code").ok();
    restore("good.sql", "").ok();
    world.run("db status --exit-code").ok();
    assert_ne!(everything(&world), before);
}

#[test]
fn parts_of_dumps_go_where_they_fit_and_nothing_else_goes() {
    let world = seeded();
    let before = everything(&world);
    world.run("db backup -f none --format plain --table nosuch").exits(4);
    world.run("db backup -f whole --format custom").ok();
    world.run("db backup -f users --format custom --table users").ok();
    let path = |name: &str| world.work().join(name).to_str().unwrap().to_owned();
    world.run(["db", "restore", &path("whole"), "--table", "nosuch"]).exits(4);
    world.run(["db", "restore", &path("whole"), "--table", "users", "--clean", "--confirm", &world.name()]).exits(2);
    // A dump of one table does not take the others away.
    let refused = world.run(["db", "restore", &path("users"), "--clean", "--confirm", &world.name()]).exits(5).stderr;
    assert!(refused.contains("the dump holds only users") && refused.contains("db backup --table users"), "{refused}");
    assert_eq!(everything(&world), before);
    // Which is no damage, and is not said to be one.
    world.server().admin(&format!(r#"ALTER ROLE "{}" CREATEDB CREATEROLE"#, world.role()));
    let unproved = world.run(["db", "verify", &path("users"), "--deep"]).exits(2).stderr;
    assert!(unproved.contains("the dump holds only users"), "{unproved}");
    world.run(["db", "verify", &path("users")]).ok();
    world.run("db backup -f airlines --format plain --table airlines").ok();
    world.run(["db", "verify", &path("airlines"), "--deep"]).ok();
    let twin = World::postgres();
    twin.run(["db", "restore", &path("whole"), "--table", "users"]).ok();
    assert_eq!(twin.query(r#"SELECT count(*) FROM "users""#), "20");
    // Rows go into tables that stand and are empty.
    for format in ["plain", "custom"] {
        world.run(format!("db backup -f rows --format {format} --data-only")).ok();
        let twin = World::ready(Engine::Postgres);
        twin.run(["db", "restore", &path("rows")]).ok();
        assert_eq!(everything(&twin), before);
        twin.run("db status --exit-code").ok();
        twin.run(["db", "restore", &path("rows")]).exits(5);
        World::postgres().run(["db", "restore", &path("rows")]).exits(5);
        world.run(["db", "verify", &path("rows"), "--deep"]).exits(2);
    }
}

#[test]
fn a_dump_is_proved_by_restoring_it() {
    let world = seeded();
    world.run("db backup -f dump --format plain").ok();
    // Without the right to make a database it does not go half the way in silence.
    world.run("db verify dump --deep").exits(2);
    world.server().admin(&format!(r#"ALTER ROLE "{}" CREATEDB CREATEROLE"#, world.role()));
    world.run("db backup -f b.skyteam").ok();
    assert_eq!(world.run("db verify b.skyteam --deep -o json").ok().json()["scratch"], "PostgreSQL");
    for format in ["plain", "custom"] {
        world.run(format!("db backup -f dump --format {format}")).ok();
        let proof = world.run("db verify dump --deep -o json").ok().json();
        assert_eq!((proof["deep"].as_bool(), proof["auditFindings"].as_u64()), (Some(true), Some(0)), "{proof}");
        assert_eq!(scratch_databases(&world), Vec::<String>::new());
    }
    let file = doctored(&world, "SELECT 1 / 0;");
    world.run(["db", "verify", &file]).exits(3);
    let copy = world.work().join("copy.sql");
    fs::copy(&file, &copy).unwrap();
    let output = world.run(["db", "verify", copy.to_str().unwrap(), "--deep"]).exits(3);
    assert!(output.stdout.contains("division by zero"), "{output}");
    World::ready(Engine::Sqlite).run(["db", "verify", copy.to_str().unwrap(), "--deep"]).exits(2);
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
    fs::remove_file(world.work().join("dump.sql.json")).unwrap();
    let twin = World::postgres();
    let output = twin.run(["db", "restore", file.to_str().unwrap(), "--confirm", &twin.name()]);
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

#[test]
fn a_table_that_may_not_be_read_is_not_called_locked() {
    let world = seeded();
    let name = world.name();
    let admin = world.server().as_superuser(&name);
    for (make, table) in [
        ("CREATE TABLE theirs (id int)", "public.theirs"),
        ("DROP TABLE theirs; CREATE SCHEMA hidden; CREATE TABLE hidden.secret (id int)", "hidden.secret"),
    ] {
        admin.rows(make);
        for format in ["plain", "custom"] {
            let error = world.run(format!("-o json db backup -f dump --format {format}")).exits(8).error();
            assert_eq!(error["code"], "permission_denied", "{error}");
            assert!(error["why"].as_str().unwrap().contains(table), "{error}");
            assert!(!world.work().join("dump").exists());
        }
    }
    // What is asked for can be read.
    world.run("db backup -f dump --format custom --table users").ok();
}
