//! What a restore refuses, asks, replaces and leaves alone.

use super::everything;
use crate::support::{DRIZZLE, Engine, Holder, World, both};

#[both]
fn a_database_that_holds_rows_is_refused_and_left_alone(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f b.skyteam").ok();
    world.query(r#"UPDATE "users" SET "displayName" = 'mine'"#);
    let before = everything(world);
    let output = world.run("-o json db restore b.skyteam").exits(5);
    assert_eq!(output.error()["code"], "target_not_empty");
    let output = world.run("-o json db restore b.skyteam --clean").exits(9);
    assert!(output.error()["fix"].as_str().unwrap().contains("--confirm"), "{output}");
    world.run("db restore b.skyteam --clean --yes").exits(9);
    world.run("db restore b.skyteam --clean --dry-run").ok();
    assert_eq!(everything(world), before);
    world.run(format!("db restore b.skyteam --clean --confirm {}", world.name())).ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "users" WHERE "displayName" = 'mine'"#), "0");
    world.run("db status --exit-code").ok();
}

#[both]
fn a_dry_run_into_nothing_leaves_nothing(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 10").ok();
    source.run("db backup -f b.skyteam").ok();
    let file = source.work().join("b.skyteam");
    let output = world.run(["db", "restore", file.to_str().unwrap(), "-n", "-o", "json"]).ok();
    assert_eq!(output.json()["dryRun"], true);
    match world.engine() {
        Engine::Sqlite => assert!(!world.work().join("skyteam.db").exists()),
        Engine::Postgres => {
            let left = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'skyteam', 'skyteam_restore')";
            assert_eq!(world.query(left), "0");
        }
    }
}

#[both(ready)]
fn tables_made_by_push_and_empty_are_filled(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 10").ok();
    source.run("db backup -f b.skyteam").ok();
    let output = world.run(["db", "restore", source.work().join("b.skyteam").to_str().unwrap(), "-o", "json"]).ok();
    assert_eq!(output.json()["way"], "inPlace");
    assert_eq!(everything(world), everything(&source));
    world.run("db diff --exit-code").ok();
    world.run("miles audit").ok();
    // The ledger is append-only again.
    assert!(world.source().try_rows(r#"DELETE FROM "milesTransactions""#).is_err());
}

#[both]
fn rows_that_refer_to_nothing_are_refused_and_leave_nothing(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 10").ok();
    let file = rusqlite::Connection::open(source.work().join("skyteam.db")).unwrap();
    let lose =
        r#"PRAGMA foreign_keys = OFF; DELETE FROM "users" WHERE "userId" = (SELECT "userId" FROM "milesTransactions")"#;
    file.execute_batch(lose).unwrap();
    let lost: i64 = file.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert!(lost > 1);
    source.run("db backup -f b.skyteam").ok();
    let archive = source.work().join("b.skyteam");
    let restore = ["db", "restore", archive.to_str().unwrap(), "-o", "json"];
    let said = |refused: serde_json::Value| {
        let why = refused["why"].as_str().unwrap().to_owned();
        match world.engine() {
            Engine::Sqlite => assert!(why.contains(&format!("{lost} of its rows refer to rows of \"users\"")), "{why}"),
            Engine::Postgres => assert!(why.contains("violates foreign key constraint"), "{why}"),
        }
    };
    said(world.run(restore).exits(5).error());
    match world.engine() {
        Engine::Sqlite => assert!(!world.work().join("skyteam.db").exists()),
        Engine::Postgres => assert_eq!(world.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0"),
    }
    // The same where the tables stand already.
    world.run("db push").ok();
    said(world.run(restore).exits(5).error());
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), "0");
}

#[both]
fn one_table_is_replaced_and_what_refers_to_it_still_checked(world: &mut World) {
    world.run("db seed --users 20 --flights 10").ok();
    world.run("db backup -f b.skyteam").ok();
    let before = everything(world);
    world.query(r#"UPDATE "users" SET "displayName" = 'mine'"#);
    let confirm = format!("--confirm {}", world.name());
    world.run(format!("db restore b.skyteam --table users --clean {confirm}")).ok();
    assert_eq!(everything(world), before);
    world.run(format!("db restore b.skyteam --table nothing --clean {confirm}")).exits(4);
    // A backup without those whom the ledger refers to does not fit.
    let other = World::empty(world.engine());
    other.run("db seed --users 5 --flights 3 --seed 9").ok();
    other.run("db backup -f other.skyteam --table users").ok();
    let file = other.work().join("other.skyteam");
    let refused = ["db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &world.name()];
    world.run(refused).exits(5);
    assert_eq!(everything(world), before);
}

#[both]
fn schema_only_and_data_only_make_a_whole(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 10").ok();
    source.run("db backup -f schema.skyteam --schema-only").ok();
    source.run("db backup -f data.skyteam --data-only").ok();
    let path = |name: &str| source.work().join(name).to_str().unwrap().to_owned();
    if world.engine() == Engine::Postgres {
        world.run(["db", "restore", &path("data.skyteam")]).exits(5);
    }
    world.run(["db", "restore", &path("schema.skyteam")]).ok();
    world.run("db status --exit-code").ok();
    world.run(["db", "restore", &path("data.skyteam")]).ok();
    assert_eq!(everything(world), everything(&source));
}

#[test]
fn what_drizzle_made_is_restored_as_it_was_and_migrated() {
    let world = World::postgres();
    world.psql(std::path::Path::new(DRIZZLE));
    let rows = |world: &World| world.query(r#"SELECT md5(string_agg(u::text, ',' ORDER BY u."userId")) FROM users u"#);
    let before = rows(&world);
    let made = world.run("db backup -f old.skyteam -o json").ok().json();
    assert_eq!(made["schemaVersion"], "20240101000000");
    let twin = World::postgres();
    let file = world.work().join("old.skyteam");
    let done = twin.run(["db", "restore", file.to_str().unwrap(), "-o", "json"]).ok().json();
    assert_eq!(done["migrated"].as_array().unwrap().len(), migration::all().len() - 1);
    twin.run("db status --exit-code").ok();
    assert_eq!(rows(&twin), before);
}

#[test]
fn grants_survive_a_restore_of_another_version() {
    let world = World::ready(Engine::Postgres);
    let old = World::postgres();
    old.psql(std::path::Path::new(DRIZZLE));
    old.run("db backup -f old.skyteam").ok();
    world.query(r#"GRANT SELECT, UPDATE (miles) ON "users" TO PUBLIC"#);
    let acl = "SELECT relacl::text FROM pg_class WHERE oid = 'users'::regclass";
    let before = world.query(acl);
    let done = world.run(["db", "restore", old.work().join("old.skyteam").to_str().unwrap(), "-o", "json"]).ok().json();
    assert_eq!(done["way"], "replace");
    assert_eq!(world.query(acl), before);
    assert_eq!(
        world.query(
            "SELECT attacl IS NOT NULL FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'miles'"
        ),
        "t"
    );
}

#[test]
fn views_of_others_stop_what_would_take_their_tables() {
    let world = World::ready(Engine::Postgres);
    let old = World::postgres();
    old.psql(std::path::Path::new(DRIZZLE));
    old.run("db backup -f old.skyteam").ok();
    world.query(r#"CREATE VIEW rich AS SELECT * FROM "users" WHERE miles > 1000"#);
    let before = world.catalogue();
    let output = world.run(["-o", "json", "db", "restore", old.work().join("old.skyteam").to_str().unwrap()]).exits(5);
    assert_eq!(output.error()["code"], "dependents");
    assert!(output.error()["why"].as_str().unwrap().contains("view public.rich"), "{output}");
    assert_eq!(world.catalogue(), before);
}

#[both]
fn a_pipe_is_read_as_it_comes(world: &mut World) {
    let source = World::sqlite();
    source.run("db seed --users 20 --flights 10").ok();
    source.run("db backup -f b.skyteam").ok();
    let bytes = std::fs::read(source.work().join("b.skyteam")).unwrap();
    let pipe = world.work().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for verb in ["verify", "restore"] {
        std::thread::scope(|scope| {
            scope.spawn(|| std::fs::write(&pipe, &bytes).unwrap());
            world.run(["db", verb, "pipe"]).ok();
        });
    }
    assert_eq!(everything(world), everything(&source));
    std::fs::create_dir(world.work().join("folder")).unwrap();
    world.run("db restore folder").exits(2);
}

#[test]
fn who_is_in_the_way_of_a_restore_is_named() {
    let source = World::sqlite();
    source.run("db seed --users 5 --flights 3").ok();
    source.run("db backup -f b.skyteam").ok();
    let world = World::ready(Engine::Postgres);
    let holder = Holder::takes(&world, "LOCK TABLE users IN ACCESS SHARE MODE");
    let file = source.work().join("b.skyteam");
    let output = world.run(["-o", "json", "--lock-timeout", "200", "db", "restore", file.to_str().unwrap()]).exits(11);
    assert!(output.error()["why"].as_str().unwrap().contains("a patient reader"), "{output}");
    drop(holder);
    world.run(["db", "restore", file.to_str().unwrap()]).ok();
}

#[test]
fn what_a_killed_restore_left_is_found_by_the_doctor() {
    let world = World::ready(Engine::Postgres);
    world.query("CREATE SCHEMA skyteam_restore; CREATE TABLE skyteam_restore.users (a int)");
    let output = world.run("db doctor -o json");
    assert!(output.stdout.contains("left its schema skyteam_restore"), "{output}");
}

#[test]
fn from_standard_input_and_to_standard_output() {
    let world = World::sqlite();
    world.run("db seed --users 20 --flights 10").ok();
    let mut backup = world.program("db backup -f -").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let twin = World::sqlite();
    let piped = twin.program("db restore -").stdin(backup.stdout.take().unwrap()).output().unwrap();
    assert!(backup.wait().unwrap().success() && piped.status.success(), "{piped:?}");
    assert_eq!(everything(&twin), everything(&world));
}

#[test]
fn anonymous_copies_are_the_same_every_time_and_name_nobody() {
    let world = World::sqlite();
    world.run("db seed --users 30 --flights 20").ok();
    world.query(r#"ALTER TABLE "users" ADD COLUMN email TEXT DEFAULT 'mail@home.example'"#);
    world.query(r#"UPDATE "flights" SET "discordEventLink" = 'https://discord.gg/secret', "gameId" = '424242424242'"#);
    world.query(r#"UPDATE "airlines" SET "serverId" = '777777777777'"#);
    let pilot = world.query(r#"SELECT min("userId") FROM "users""#);
    world.run(["miles", "award", &pilot, "5", "--source", "for-karl", "--note", "Karl 🎂 (7!)", "--key", "x"]).ok();
    let copies = [World::sqlite(), World::postgres()];
    for copy in &copies {
        world.run(["db", "transfer", "--to", &copy.url(), "--anonymize"]).ok();
        copy.run("miles audit").ok();
    }
    assert_eq!(everything(&copies[0]), everything(&copies[1]));
    // No text of the original that somebody could recognise is in the copy, whatever column it stood in.
    let (original, copy) = (everything(&world), everything(&copies[0]));
    let own = ["earn", "spend", "flight", "purchase", "manual", "reversal", "adjustment", "<null>"];
    let tells =
        |text: &&str| text.len() > 3 && !own.contains(text) && !text.starts_with('#') && !text.starts_with("--");
    // Amounts and prices stay: a number of few digits tells nothing.
    let is_amount = |text: &str| text.len() < 8 && text.parse::<i64>().is_ok();
    let texts = |all: &str| -> std::collections::HashSet<String> {
        all.split(['|', '\n']).filter(tells).filter(|text| !is_amount(text)).map(str::to_owned).collect()
    };
    let (original, copied) = (texts(&original), texts(&copy));
    let common: Vec<&String> = original.intersection(&copied).collect();
    assert!(common.is_empty(), "in the copy too: {common:?}");
    for secret in ["home.example", "discord.gg/secret", "424242424242", "777777777777", "for-karl", "🎂", "(7!)"] {
        assert!(!copy.contains(secret), "{secret} is in the copy");
    }
    // Nothing joins by a fraction of an hour, and what refers to something still does.
    assert_eq!(
        copies[1]
            .query(r#"SELECT count(*) FROM "milesTransactions" WHERE date_trunc('hour', "createdAt") <> "createdAt""#),
        "0"
    );
    let codes = r#"SELECT count(*) FROM "flights" f JOIN "brands" b ON b."brandId" = f."brandId" AND f.code LIKE b.iata || '%'"#;
    assert_eq!(copies[0].query(codes), world.query(codes));
    // What stays is a choice, and is listed.
    let chosen = World::sqlite();
    let listed = world
        .run(["db", "transfer", "--to", &chosen.url(), "--anonymize", "--keep", "flights.aircraft", "--dry-run"])
        .ok();
    for line in
        ["flights.aircraft: stays", "flights.departure: another value of its form", "users.username: a pseudonym"]
    {
        assert!(listed.stderr.contains(line), "{listed}");
    }
    world.run(["db", "transfer", "--to", &chosen.url(), "--anonymize", "--keep", "flights.aircraft"]).ok();
    let aircraft = r#"SELECT count(*), min(aircraft), max(aircraft) FROM "flights""#;
    assert_eq!(chosen.query(aircraft), world.query(aircraft));
    world.run(["db", "transfer", "--to", &chosen.url(), "--anonymize", "--keep", "flights.nothing"]).exits(2);
    assert!(
        copies[0].query("SELECT * FROM pragma_table_xinfo('users')").lines().all(|column| !column.contains("email"))
    );
    // Words of the program's own stay, and names are as long as names may be.
    assert_ne!(copies[0].query(r#"SELECT count(*) FROM "milesTransactions" WHERE source = 'flight'"#), "0");
    assert_eq!(copies[0].query(r#"SELECT DISTINCT length(username) FROM "users""#), "20");
    // Whoever has the copy cannot recompute it: without the airlines' keys it is another.
    let other = World::sqlite();
    world.query(r#"UPDATE "airlines" SET token = token || 'x'"#);
    world.run(["db", "transfer", "--to", &other.url(), "--anonymize"]).ok();
    assert_ne!(
        other.query(r#"SELECT min("userId") FROM "users""#),
        copies[0].query(r#"SELECT min("userId") FROM "users""#)
    );
    let sum = r#"SELECT sum(miles), count(*) FROM "users""#;
    assert_eq!(copies[0].query(sum), world.query(sum));
}

#[test]
fn a_transfer_fills_a_database_and_no_bucket() {
    let world = World::ready(Engine::Sqlite);
    for place in ["s3://shop/nightly", "gs://shop/nightly", "az://shop/nightly"] {
        let refused = world.run(["db", "transfer", "--to", place, "--yes"]).exits(2);
        assert!(refused.stderr.contains(&format!("skyteam db backup {place}")), "{refused}");
    }
}
