//! `user erase`: nothing of a person is left, and every sum is as it was.

use crate::support::{Engine, World, both};

const BODY: &str = r#"{"NotificationId":"e9d5","EventType":"RightToErasureRequest","EventTime":"2026-11-23T12:00:00Z","EventPayload":{"UserId":107919,"GameIds":[1234]}}"#;

fn person(world: &World) {
    let flight = super::flight(world);
    world
        .run([
            "user",
            "add",
            "107919",
            "pilot123",
            "--display-name",
            "Captain Pilot",
            "--avatar-url",
            "https://x.org/p",
        ])
        .ok();
    world.run("user add 2 bob").ok();
    world.query(&format!(r#"INSERT INTO "flightPassengers" ("flightId", "userId", miles) VALUES ('{flight}', '107919', 250), ('{flight}', '2', 250)"#));
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", amount, type, source, "flightId", note, actor) VALUES
        ('107919', 250, 'earn', 'flight', '{flight}', 'for pilot123', 'ops'),
        ('107919', -100, 'spend', 'purchase', NULL, 'secret note', 'pilot123'),
        ('107919', 5, 'earn', 'event', NULL, NULL, NULL),
        ('2', 10, 'earn', 'event', NULL, 'thanks to @Pilot123 (107919), Captain Pilot!', 'ops'),
        ('2', 10, 'earn', 'event', NULL, 'pilot1234 is another', 'PILOT123'),
        ('2', 10, 'earn', 'event', NULL, NULL, 'ops')"#
    ));
    world.query(r#"UPDATE users SET miles = 155 WHERE "userId" = '107919'"#);
    world.query(r#"UPDATE users SET miles = 30 WHERE "userId" = '2'"#);
}

/// Every row of every table, as text.
fn all(world: &World) -> String {
    ["users", "\"flightPassengers\"", "\"milesTransactions\"", "flights", "airlines"]
        .map(|table| world.query(&format!("SELECT * FROM {table}")))
        .join("\n")
}

fn sums(world: &World) -> String {
    world.query(
        r#"SELECT u.miles, (SELECT coalesce(sum(amount), 0) FROM "milesTransactions" m WHERE m."userId" = u."userId"),
        (SELECT count(*) FROM "milesTransactions" m WHERE m."userId" = u."userId"),
        (SELECT count(*) FROM "flightPassengers" p WHERE p."userId" = u."userId")
        FROM users u ORDER BY u.miles"#,
    )
}

/// The person is nowhere; the word that only looks like theirs is.
fn is_gone(world: &World) {
    let text = all(world).replace("pilot1234", "").to_lowercase();
    for word in ["107919", "pilot123", "captain pilot", "x.org/p", "secret note"] {
        assert!(!text.contains(word), "{word} is still there:\n{text}");
    }
}

#[both(ready)]
fn a_person_leaves_every_table_and_the_sums_stay(world: &mut World) {
    person(world);
    let before = sums(world);
    let erased = world.run("user erase pilot123 --confirm pilot123 --json").json();
    assert_eq!(sums(world), before);
    is_gone(world);
    assert_eq!((&erased["miles"], &erased["entries"], &erased["flights"]), (&155.into(), &3.into(), &1.into()));
    assert_eq!((&erased["notes"], &erased["mentions"]), (&2.into(), &2.into()));
    let id = erased["replacementId"].as_str().unwrap();
    assert_eq!(id.len(), 20);
    assert!(
        world
            .query("SELECT note FROM \"milesTransactions\" WHERE \"userId\" = '2'")
            .contains("thanks to @[erased] ([erased]), [erased]!")
    );
    world.run(["user", "show", id]).ok();
    world.run("user show pilot123").exits(4);
    // The ledger is closed again.
    let refused = world.source().try_rows("UPDATE \"milesTransactions\" SET note = 'x'");
    assert!(refused.unwrap_err().to_string().contains("append-only"));
    if world.engine() == Engine::Sqlite {
        assert_eq!(world.query("PRAGMA foreign_key_check"), "");
        world.query("PRAGMA wal_checkpoint(TRUNCATE)");
        let file = std::fs::read(world.work().join("skyteam.db")).unwrap();
        assert!(!file.windows(11).any(|bytes| bytes == b"secret note"), "the file still holds the note");
    }
}

#[both(ready)]
fn it_wants_the_username_typed(world: &mut World) {
    person(world);
    let before = all(world);
    let refused = world.run("user erase 107919 --yes").exits(9);
    assert!(refused.stderr.contains("--confirm pilot123"), "{refused}");
    world.run("user erase 107919 --confirm 107919").exits(9);
    world.call("user erase pilot123").answers(["pilot12"]).run().exits(9);
    world.run("user erase nobody --confirm nobody").exits(4);
    world.run("user erase").exits(2);
    world.run("user erase pilot123 -n").ok();
    assert_eq!(all(world), before);
    world.call("user erase pilot123").answers(["pilot123"]).run().ok();
    is_gone(world);
}

#[both(ready)]
fn the_webhook_of_roblox_is_read_from_stdin(world: &mut World) {
    person(world);
    world.run_with_input("user erase --webhook -", BODY).exits(9);
    world.run_with_input("user erase --webhook - --confirm 2", BODY).exits(9);
    world.run_with_input("user erase --webhook - --confirm 107919", BODY).ok();
    is_gone(world);
    let again = world.run_with_input("user erase --webhook - --confirm 107919", BODY).ok();
    assert!(again.stderr.contains("Nothing is stored"), "{again}");
    world.run_with_input("user erase --webhook -", r#"{"EventType":"SampleNotification"}"#).ok();
    world.run_with_input("user erase --webhook -", "{}").exits(2);
    world.run_with_input("user erase --webhook -", b"\xff").exits(2);
    assert_eq!(world.run("user erase --webhook nofile -o json").exits(4).error()["code"], "no_such_file");
    world.run_with_input("user erase 2 --webhook -", BODY).exits(2);
}

#[both(ready)]
fn a_user_id_in_a_webhook_is_never_taken_for_a_name(world: &mut World) {
    world.run("user add 5 107919").ok();
    world.run_with_input("user erase --webhook - --confirm 107919", BODY).ok();
    assert_eq!(world.query("SELECT \"userId\" FROM users"), "5");
}

#[both(ready)]
fn an_account_in_debt_can_be_erased_too(world: &mut World) {
    world.run("user add 1 ann").ok();
    if world.engine() == Engine::Postgres {
        world.query("ALTER TABLE users DISABLE TRIGGER users_miles_guard; UPDATE users SET miles = -5; ALTER TABLE users ENABLE TRIGGER users_miles_guard");
    } else {
        world.query("CREATE TABLE t AS SELECT sql FROM sqlite_schema WHERE name = 'users_miles_guard'; DROP TRIGGER users_miles_guard; UPDATE users SET miles = -5");
    }
    world.run("user erase ann --confirm ann").ok();
    assert_eq!(world.query("SELECT miles FROM users WHERE username <> 'ann'"), "-5");
}

#[both(ready)]
fn a_short_number_in_a_note_is_no_person_unless_named_so(world: &mut World) {
    world.run("user add 100 early_bird").ok();
    world.run("user add 2 bob").ok();
    world.query(
        r#"INSERT INTO "milesTransactions" ("userId", amount, type, source, note) VALUES
        ('2', 100, 'earn', 'event', 'gift of 100'), ('2', 1, 'earn', 'event', 'from user 100, Early_Bird'),
        ('2', 1, 'earn', 'event', 'as @100 said: 100'); UPDATE users SET miles = 102 WHERE "userId" = '2'"#,
    );
    let erased = world.run("user erase @early_bird --confirm early_bird --json").json();
    assert_eq!(erased["mentions"], 2);
    assert_eq!(
        world.query(r#"SELECT note FROM "milesTransactions" ORDER BY amount DESC, note"#),
        "gift of 100\nas @[erased] said: 100\nfrom user [erased], [erased]"
    );
}

#[both(ready)]
fn a_name_of_any_length_is_erased(world: &mut World) {
    world.run("user add 1 ann").ok();
    world.query(&format!(r#"UPDATE users SET "displayName" = '{}'"#, "x_%".repeat(100_000)));
    world.run("user erase ann --confirm ann").ok();
}

#[both(ready)]
fn notes_of_others_can_be_kept(world: &mut World) {
    person(world);
    world.run("user erase pilot123 --confirm pilot123 --keep-mentions").ok();
    let others = world.query("SELECT note, actor FROM \"milesTransactions\" WHERE \"userId\" = '2'");
    assert!(others.contains("thanks to @Pilot123"), "{others}");
    assert!(!others.contains("PILOT123"), "who made an entry is no note: {others}");
}
