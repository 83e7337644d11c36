//! Restores that are not alone: what comes in between the question and the lock is not replaced, and an archive whose
//! rows break the newest schema leaves what was there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use skyteam::backup::format::archive::Archive;
use skyteam::backup::format::crypt::Identities;
use skyteam::backup::plan::{Plan, Wanted};
use skyteam::backup::restore;
use skyteam::backup::restore::RestoreOptions;
use skyteam::error::{Error, Result};

use super::everything;
use crate::support::{DRIZZLE, Engine, Library, World, both};

fn seeded_backup() -> (World, Arc<Archive>) {
    let source = World::sqlite();
    source.run("db seed --users 5 --flights 3").ok();
    source.run("db backup -f b.skyteam").ok();
    let file = std::fs::File::open(source.work().join("b.skyteam")).unwrap();
    (source, Arc::new(Archive::open(file, &Identities::default()).unwrap()))
}

/// Plans a restore, lets something happen, and carries it out.
fn restore_around(world: &World, archive: &Arc<Archive>, clean: bool, meanwhile: impl FnOnce() + Send) -> Result<()> {
    Library(world).with(async |database, approval| {
        let state = restore::inspect(database).await?;
        let plan = Plan::new(archive, &state, &Wanted { clean, ..Wanted::default() })?;
        // Elsewhere: a runtime drives this thread.
        std::thread::scope(|scope| scope.spawn(meanwhile).join()).unwrap();
        restore::bring(database, Arc::clone(archive), plan, RestoreOptions::default(), Arc::new(|_| {}), approval)
            .await?;
        Ok(())
    })
}

fn refusal(result: Result<()>) -> (&'static str, u8) {
    let error: Error = result.unwrap_err();
    (error.code(), error.kind().exit_code())
}

#[both(ready)]
fn rows_that_come_meanwhile_are_not_replaced_unasked(world: &mut World) {
    let (_source, archive) = seeded_backup();
    let refused = restore_around(world, &archive, false, || drop(world.run("user add 1 pilot1").ok()));
    assert_eq!(refusal(refused), ("target_not_empty", 5));
    assert_eq!(world.query(r#"SELECT username FROM "users""#), "pilot1");
    let refused = restore_around(world, &archive, true, || drop(world.run("user add 2 pilot2").ok()));
    assert_eq!(refusal(refused), ("target_changed", 5));
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "2");
    restore_around(world, &archive, true, || {}).unwrap();
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "5");
}

#[both]
fn rows_that_come_meanwhile_into_an_older_version_are_not_replaced_unasked(world: &mut World) {
    let (_source, archive) = seeded_backup();
    world.run("db migrate --to 20240101000000").ok();
    let insert = r#"INSERT INTO "users" ("userId", username, "displayName") VALUES ('1', 'pilot1', 'Pilot')"#;
    let refused = restore_around(world, &archive, false, || drop(world.query(insert)));
    assert_eq!(refusal(refused), ("target_not_empty", 5));
    assert_eq!(world.query(r#"SELECT username FROM "users""#), "pilot1");
}

#[both]
fn tables_that_come_meanwhile_are_not_replaced(world: &mut World) {
    let (source, archive) = seeded_backup();
    if world.engine() == Engine::Sqlite {
        world.run("db create").ok();
    }
    // The second of two restores into nothing.
    let file = source.work().join("b.skyteam");
    let refused =
        restore_around(world, &archive, false, || drop(world.run(["db", "restore", file.to_str().unwrap()]).ok()));
    assert_eq!(refusal(refused), ("target_not_empty", 5));
    assert_eq!(everything(world), everything(&source));
}

#[both]
fn rows_that_break_the_newest_schema_leave_what_was_there(world: &mut World) {
    // As Drizzle left it, with somebody who boarded twice.
    let old = World::empty(world.engine());
    old.run("db migrate --to 20240101000000").ok();
    old.query(
        r#"INSERT INTO "users" ("userId", username, "displayName") VALUES ('1', 'pilot1', 'Pilot');
           INSERT INTO "airlines" ("airlineId", name, token) VALUES ('sas', 'SAS', 'token');
           INSERT INTO "brands" ("brandId", "airlineId", name, iata, icao, callsign) VALUES ('sas', 'sas', 'SAS', 'SK', 'SAS', 'SCANDINAVIAN');
           INSERT INTO "flights" (id, code, "gameId", aircraft, "airlineId", "brandId", departure, arrival)
           VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', 'SK1', '1', 'A320', 'sas', 'sas', 'ARN', 'CPH');
           INSERT INTO "flightPassengers" ("flightId", "userId", miles) VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '1', 250);
           INSERT INTO "flightPassengers" ("flightId", "userId", miles) VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '1', 250);"#,
    );
    old.run("db backup -f old.skyteam").ok();
    let file = old.work().join("old.skyteam");
    world.run("db seed --users 5 --flights 3").ok();
    let before = everything(world);
    let name = world.name();
    let clean =
        ["-o", "json", "db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &name].map(str::to_owned);
    for flag in [None, Some("--dry-run".to_owned())] {
        let output = world.run(clean.clone().into_iter().chain(flag).collect::<Vec<_>>());
        let error = output.exits(5).error();
        assert!(error["message"].as_str().unwrap().contains("nothing was changed"), "{error}");
        assert_eq!(everything(world), before);
        world.run("db status --exit-code").ok();
    }
    // Into nothing it comes, and stays at its version for its rows to be mended.
    let empty = World::empty(world.engine());
    empty.run(["db", "restore", file.to_str().unwrap(), "--dry-run"]).exits(5);
    empty.run(["db", "restore", file.to_str().unwrap()]).exits(5);
    assert_eq!(empty.query(r#"SELECT count(*) FROM "flightPassengers""#), "2");
}

#[both]
fn a_clean_restore_of_an_older_archive_is_migrated_with_it(world: &mut World) {
    let old = World::empty(world.engine());
    old.run("db migrate --to 20240101000000").ok();
    old.query(r#"INSERT INTO "users" ("userId", username, "displayName") VALUES ('1', 'pilot1', 'Pilot')"#);
    old.run("db backup -f old.skyteam").ok();
    world.run("db seed --users 5 --flights 3").ok();
    let file = old.work().join("old.skyteam");
    let done =
        world.run(["-o", "json", "db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &world.name()]);
    assert_eq!(done.ok().json()["migrated"].as_array().unwrap().len(), migration::all().len() - 1);
    world.run("db status --exit-code").ok();
    assert_eq!(world.query(r#"SELECT username FROM "users""#), "pilot1");
}

#[test]
fn comments_survive_a_restore_of_another_version() {
    let old = World::postgres();
    old.psql(std::path::Path::new(DRIZZLE));
    old.run("db backup -f old.skyteam").ok();
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"COMMENT ON TABLE "users" IS 'it''s theirs'; COMMENT ON COLUMN "users".miles IS 'a $do$ balance';
           COMMENT ON COLUMN "milesTransactions".actor IS 'gone with the version'"#,
    );
    world.run(["db", "restore", old.work().join("old.skyteam").to_str().unwrap()]).ok();
    let comment = r#"SELECT obj_description('users'::regclass), col_description('users'::regclass, 4)"#;
    assert_eq!(world.query(comment), "it's theirs|a $do$ balance");
}

#[test]
fn triggers_are_as_they_were_and_references_of_others_are_told() {
    let (source, _) = seeded_backup();
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
           CREATE TRIGGER a_always BEFORE INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION theirs();
           CREATE TRIGGER b_off BEFORE INSERT ON "users" FOR EACH ROW EXECUTE FUNCTION theirs();
           ALTER TABLE "users" ENABLE ALWAYS TRIGGER a_always; ALTER TABLE "users" DISABLE TRIGGER b_off"#,
    );
    let states = r#"SELECT string_agg(tgname || tgenabled::text, ',' ORDER BY tgname) FROM pg_trigger
                    WHERE tgrelid = 'users'::regclass AND NOT tgisinternal"#;
    let before = world.query(states);
    let restore = ["-o", "json", "db", "restore", source.work().join("b.skyteam").to_str().unwrap()].map(str::to_owned);
    world.run(restore.to_vec()).ok();
    assert_eq!(world.query(states), before);
    world.query(r#"CREATE TABLE theirs ("userId" text REFERENCES "users")"#);
    let clean = restore.into_iter().chain(["--clean".into(), "--confirm".into(), world.name()]);
    let output = world.run(clean.collect::<Vec<_>>()).exits(5);
    assert_eq!(output.error()["code"], "dependents");
    assert!(output.error()["why"].as_str().unwrap().contains("on table public.theirs"), "{output}");
}

#[test]
fn the_tables_of_a_file_are_read_in_one_state_whoever_commits_in_between() {
    const PAID: &str = r#"BEGIN IMMEDIATE;
        INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', 1, 'earn', 'manual');
        UPDATE "users" SET "miles" = "miles" + 1; COMMIT"#;
    let world = World::ready(Engine::Sqlite);
    world.run("user add 1 pilot1").ok();
    let stop = AtomicBool::new(false);
    let backups = std::thread::scope(|scope| {
        scope.spawn(|| {
            let writer = rusqlite::Connection::open(world.url().trim_start_matches("sqlite:")).unwrap();
            writer.execute_batch("PRAGMA synchronous = OFF").unwrap();
            while !stop.load(Ordering::Relaxed) {
                writer.execute_batch(PAID).unwrap();
            }
        });
        let backups: Vec<_> = (0..5).map(|n| world.run(format!("db backup -f {n}.skyteam"))).collect();
        stop.store(true, Ordering::Relaxed);
        backups
    });
    for (n, backup) in backups.into_iter().enumerate() {
        backup.ok();
        let twin = World::empty(Engine::Sqlite);
        twin.run(["db", "restore", world.work().join(format!("{n}.skyteam")).to_str().unwrap()]).ok();
        let sums = r#"SELECT "miles", (SELECT count(*) FROM "milesTransactions") FROM "users""#;
        let sums = twin.query(sums);
        let (balance, entries) = sums.split_once('|').unwrap();
        assert_eq!(balance, entries, "backup {n}");
    }
}
