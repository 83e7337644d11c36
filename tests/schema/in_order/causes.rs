//! The last row: each of these is answered with its true cause, and a fix that works and does not lead back to itself.

use super::super::drizzle;
use crate::schema::steps;
use crate::support::{Engine, Holder, Server, World, both};

/// The statement that an error prints as its first fix.
#[track_caller]
fn fix(error: &serde_json::Value) -> String {
    let fix = &error["fix"];
    let first = fix.as_str().map(str::to_owned).or_else(|| fix[0].as_str().map(str::to_owned));
    first.unwrap_or_else(|| panic!("{error}")).lines().next().unwrap().to_owned()
}

#[test]
fn without_the_schema_public() {
    let world = World::postgres();
    world.query("DROP SCHEMA public");
    for command in ["db push -o json", "db migrate -o json"] {
        let error = world.run(command).exits(8).error();
        assert!(error["why"].as_str().unwrap().contains("there is no schema public"), "{error}");
        assert_eq!(fix(&error), "CREATE SCHEMA public");
    }
    let doctor = crate::schema::in_order::answer(&world.run("db doctor -o json").exits(3));
    assert!(!doctor.to_string().contains("does not exist"), "{doctor}");
    world.query("CREATE SCHEMA public");
    world.run("db push").ok();
}

#[both]
fn another_programs_record_of_migrations(world: &mut World) {
    world.touch();
    world.query(match world.engine() {
        Engine::Postgres => "CREATE SCHEMA skyteam; CREATE TABLE skyteam.migrations (a int)",
        Engine::Sqlite => "CREATE TABLE \"_skyteam_migrations\" (a INTEGER)",
    });
    for command in ["db push -o json", "db migrate -o json", "db status -o json", "db diff -o json"] {
        let error = world.run(command).exits(5).error();
        assert!(error["message"].as_str().unwrap().contains("is a table of another program"), "{error}");
    }
    let error = world.run("db push -o json").exits(5).error();
    world.query(&fix(&error));
    world.run("db push").ok();
    world.run("db status --exit-code").ok();
}

#[test]
fn a_function_of_another_role() {
    let world = World::ready(Engine::Postgres);
    let stranger = World::postgres();
    let (role, name) = (stranger.role().to_owned(), world.name());
    let superuser = world.server().as_superuser(&name);
    superuser.rows(
        "CREATE OR REPLACE FUNCTION skyteam.users_miles_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    );
    superuser.rows(&format!("ALTER FUNCTION skyteam.users_miles_guard() OWNER TO {role}"));
    let error = world.run("db push -o json").exits(8).error();
    assert!(
        error["why"].as_str().unwrap().contains(&format!("the function skyteam.users_miles_guard belongs to {role}")),
        "{error}"
    );
    superuser.rows(&fix(&error));
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
}

/// A limit that is meant for apps, and shorter than a lock is waited for.
#[test]
fn a_time_limit_of_the_database_ends_no_look_at_the_schema() {
    let world = World::ready(Engine::Postgres);
    let name = world.name();
    world.server().admin(&format!("ALTER DATABASE {name} SET statement_timeout = '400ms'"));
    let holder = Holder::takes(&world, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    let error = world.run("db push --lock-timeout 900 -o json").exits(11).error();
    assert_eq!(error["code"], "lock_timeout", "{error}");
    drop(holder);
    world.run("db push").ok();
}

#[test]
fn identifiers_that_are_quoted_everywhere_are_no_difference() {
    let world = drizzle();
    let name = world.name();
    world.server().admin(&format!("ALTER DATABASE {name} SET quote_all_identifiers = on"));
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    world.run("db status --exit-code").ok();
    world.run("db migrate").ok();
}

#[test]
fn an_index_made_by_hand_beside_migrate() {
    let world = drizzle();
    world.query(r#"CREATE INDEX "flights_brandId_idx" ON flights ("brandId")"#);
    let error = world.run("db migrate -o json").exits(5).error();
    let fixes = error["fix"].to_string();
    assert!(fixes.contains("skyteam db push    takes it"), "{error}");
    world.run("db push").ok();
    assert!(world.run("db migrate").ok().stdout.starts_with("Nothing to do"));
}

#[test]
fn a_table_without_rowid() {
    let world = World::sqlite();
    world.touch();
    world.query(
        r#"CREATE TABLE users ("userId" TEXT PRIMARY KEY NOT NULL, username TEXT NOT NULL UNIQUE, "displayName" TEXT NOT NULL,
             miles INTEGER NOT NULL DEFAULT 0, "avatarUrl" TEXT, "createdAt" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
             "updatedAt" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) WITHOUT ROWID;
           INSERT INTO users ("userId", username, "displayName") VALUES ('1', 'one', 'One')"#,
    );
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    assert_eq!(world.query("SELECT username FROM users"), "one");
}

/// A database without an encoding of its own: a text that is no UTF-8 is named, and the schema is looked at and changed.
#[test]
fn a_byte_that_is_no_text_in_sql_ascii() {
    let server = Server::start(&["fsync=off"]);
    let mut world = World::on(&server);
    server.admin(&format!(
        "CREATE DATABASE bytes OWNER {} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
        world.role()
    ));
    world.set("DATABASE_URL", world.url().replace(&format!("/{}", world.name()), "/bytes"));
    world.run("db migrate --to baseline").ok();
    let database = server.as_superuser("bytes");
    database.rows(
        r#"INSERT INTO "users" ("userId", username, "displayName")
           VALUES ('42', 'old', convert_from('\x4ae4676572'::bytea, 'SQL_ASCII'))"#,
    );
    world.run("db push").ok();
    world.run("db status --exit-code").ok();
    world.run("db diff --exit-code").ok();
    let error = world.run("user list -o json").exits(1).error();
    assert_eq!(error["code"], "unreadable_value", "{error}");
    assert!(fix(&error).starts_with("skyteam db doctor"), "{error}");
    let doctor = world.run("db doctor").exits(3);
    assert!(doctor.stdout.contains("users.displayName of userId 42"), "{doctor}");
}
