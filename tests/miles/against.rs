//! `miles audit --against`: whoever rewrote history past its guard is found out by an older backup.

use crate::support::{Engine, World, both};

const IDS: [&str; 3] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
];

fn entries(world: &World) {
    world.run("user add 1 pilot1").ok();
    for (id, amount) in IDS.into_iter().zip([500, 250, 100]) {
        world.query(&format!(
            r#"INSERT INTO "milesTransactions" (id, "userId", amount, type, source, "createdAt")
            VALUES ('{id}', '1', {amount}, 'earn', 'event', '2025-07-01 10:00:00')"#
        ));
    }
    world.query(r#"UPDATE "users" SET "miles" = 850"#);
}

/// Rewrites history as only the owner of the file or the tables can, and as if nobody should notice.
fn past_the_guard(world: &World, sql: &str) {
    world.query(&match world.engine() {
        Engine::Postgres => format!(
            r#"ALTER TABLE "milesTransactions" DISABLE TRIGGER USER; {sql}; ALTER TABLE "milesTransactions" ENABLE TRIGGER USER"#
        ),
        Engine::Sqlite => format!(
            r#"INSERT INTO "_skyteam_maintenance" VALUES ('x'); {sql}; DELETE FROM "_skyteam_maintenance""#
        ),
    });
}

#[both(ready)]
fn what_was_written_since_is_no_finding(world: &mut World) {
    entries(world);
    world.run("db backup -f b.skyteam").ok();
    world.run("miles award pilot1 7 --note later").ok();
    insta::assert_snapshot!(world.run("miles audit --against b.skyteam"), @r"
    exit: 0
    --- stderr
    The backup is signed by tests.
    Nothing found: 3 entries of the backup of 2025-07-04 12:00:00 compared, all unchanged.
    ");
}

#[both(ready)]
fn what_is_gone_or_another_is_named(world: &mut World) {
    entries(world);
    world.run("db backup -f b.skyteam").ok();
    // The sums still agree: the audit without a backup finds nothing.
    past_the_guard(
        world,
        &format!(
            r#"UPDATE "milesTransactions" SET amount = 600 WHERE id = '{}'; DELETE FROM "milesTransactions" WHERE id = '{}';
        UPDATE "users" SET miles = 850"#,
            IDS[0], IDS[2]
        ),
    );
    world.run("miles audit").ok();
    let found = world.run("-o json miles audit --against b.skyteam").exits(3);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(
        found,
        serde_json::json!([
            {"finding": "changed", "entryId": IDS[0], "userId": "1", "amount": 500, "createdAt": "2025-07-01 10:00:00",
                "changes": [{"column": "amount", "before": "500", "after": "600"}]},
            {"finding": "missing", "entryId": IDS[2], "userId": "1", "amount": 100, "createdAt": "2025-07-01 10:00:00",
                "changes": []},
        ])
    );
    let told = world.run("miles audit --against b.skyteam").exits(3).stderr;
    assert!(told.contains("2 entries of 3 in the backup of"), "{told}");
    assert!(told.contains("No opening of the ledger is on record"), "{told}");
}

#[both(ready)]
fn an_erasure_is_found_and_explained(world: &mut World) {
    entries(world);
    world.run("db backup -f b.skyteam").ok();
    world.run("user erase pilot1 --confirm pilot1").ok();
    let told = world.run("miles audit --against b.skyteam").exits(3);
    assert!(told.stderr.contains("for user erase"), "{told}");
    assert_eq!(told.stdout.matches("changed").count(), 3, "{told}");
}

#[both(ready)]
fn an_encrypted_backup_needs_its_key(world: &mut World) {
    let ours = age::x25519::Identity::generate();
    let secret = age::secrecy::ExposeSecret::expose_secret(&ours.to_string()).to_owned();
    std::fs::write(world.work().join("key.txt"), secret).unwrap();
    entries(world);
    world.run(["db", "backup", "-f", "b.skyteam", "--encrypt-to", &ours.to_public().to_string()]).ok();
    assert_eq!(world.run("--json miles audit --against b.skyteam").error()["code"], "encrypted");
    world.run("miles audit --against b.skyteam --identity key.txt").ok();
}

#[both(ready)]
fn a_damaged_backup_proves_nothing(world: &mut World) {
    entries(world);
    world.run("db backup -f b.skyteam").ok();
    let path = world.work().join("b.skyteam");
    let bytes = std::fs::read(&path).unwrap();
    // In the ledger and in every other table: a backup that is damaged anywhere is no evidence.
    for part in 1..16 {
        let mut damaged = bytes.clone();
        damaged[bytes.len() * part / 16] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        let failed = world.run("--json miles audit --against b.skyteam");
        assert!(failed.code != 0 && failed.code != 3, "{part}: {failed}");
    }
    world.run("miles audit --against b.skyteam --user 1").exits(2);
}

#[test]
fn a_ledger_that_went_from_one_engine_to_the_other_stands_too() {
    let (from, to) = (World::ready(Engine::Sqlite), World::ready(Engine::Postgres));
    entries(&from);
    from.run("db backup -f b.skyteam").ok();
    let file = from.work().join("b.skyteam");
    to.run(["db", "restore", file.to_str().unwrap(), "--clean", "--confirm", &to.name()]).ok();
    to.run(["miles", "audit", "--against", file.to_str().unwrap()]).ok();
    past_the_guard(&to, r#"UPDATE "milesTransactions" SET note = 'x' WHERE amount = 250"#);
    let found = to.run(["-o", "json", "miles", "audit", "--against", file.to_str().unwrap()]).exits(3);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found[0]["changes"][0]["column"], "note");
}

/// More than are looked up together.
#[test]
fn a_ledger_that_was_changed_altogether_is_listed_altogether() {
    const ENTRIES: usize = 140_000;
    let world = World::ready(Engine::Sqlite);
    world.run("user add 1 pilot1").ok();
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" (id, "userId", amount, type, source, "createdAt")
        WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {ENTRIES})
        SELECT printf('00000000-0000-4000-8000-%012x', n), '1', 5, 'earn', 'event', '2025-07-01 10:00:00' FROM c;
        UPDATE "users" SET "miles" = {}"#,
        5 * ENTRIES
    ));
    world.run("db backup -f b.skyteam").ok();
    past_the_guard(&world, r#"UPDATE "milesTransactions" SET amount = 6"#);
    let found = world.run("miles audit --against b.skyteam -o ndjson").exits(3).stdout;
    assert_eq!(found.lines().count(), ENTRIES);
    assert_eq!(found.matches(r#""before":"5","after":"6""#).count(), ENTRIES);
    let places = found.match_indices("8000-").map(|(at, _)| &found[at + 5..at + 17]);
    assert!(places.is_sorted(), "in the order of the backup");
}
