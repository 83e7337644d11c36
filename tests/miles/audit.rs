//! `miles audit`: each invariant is found broken under its name, with what mends it, and nothing else is.

use serde_json::{Value, json};

use super::{DL1, award, furnish, paste, sound, state, unguarded};
use crate::support::{Engine, World, both};

/// What the audit finds: `invariant userId expected found`.
fn found(world: &World) -> Vec<String> {
    let run = world.run("miles audit -o json").exits(3);
    let findings: Value = serde_json::from_str(&run.stdout).unwrap();
    let line = |one: &Value| {
        format!(
            "{} {} {} {}",
            one["invariant"].as_str().unwrap(),
            one["userId"].as_str().unwrap(),
            one["expected"],
            one["found"]
        )
    };
    findings.as_array().unwrap().iter().map(line).collect()
}

/// Runs the command that the audit prints for its first finding, exactly as it is printed.
#[track_caller]
fn mend(world: &World) {
    let run = world.run("miles audit -o json").exits(3);
    let findings: Value = serde_json::from_str(&run.stdout).unwrap();
    paste(world, findings[0]["fix"].as_str().unwrap()).ok();
}

#[both]
fn drift_is_found_and_mended_either_way(world: &mut World) {
    furnish(world);
    award(world, "1", 500);
    award(world, "2", 100);
    sound(world);
    world.query(r#"UPDATE "users" SET "miles" = "miles" + 7 WHERE "userId" <> '3'"#);
    assert_eq!(found(world), ["balance_is_sum 1 500 507", "balance_is_sum 2 100 107"]);
    assert_eq!(world.run("miles audit --user 3 -o json").json(), json!([]));
    world.run("miles audit --user Ann").exits(3);

    // Level 3: yes is not enough, nor another name.
    for wrong in ["", "--yes", "--confirm nothing"] {
        world.run(format!("miles audit --repair --trust balance {wrong}")).exits(9);
    }
    world.run("miles audit --repair").exits(2);
    world.run("miles audit --trust ledger").exits(2);
    let dry = world.run("miles audit --repair --trust balance -n -o json").json();
    assert_eq!(dry.as_array().unwrap().len(), 2);
    assert_eq!(state(world), "1=507 2=107 3=0 entries=2 seats=0");

    let name = world.name();
    let written = world
        .run(format!("miles audit --user 1 --repair --trust balance --confirm {name} -o json --actor judge"))
        .json();
    assert_eq!(written.as_array().unwrap().len(), 1);
    assert_eq!(
        (&written[0]["amount"], &written[0]["source"], &written[0]["actor"]),
        (&json!(7), &json!("adjustment"), &json!("judge"))
    );
    assert_eq!(
        (&written[0]["balance"], &written[0]["note"]),
        (&json!(507), &json!("ledger had 500, balance 507 was trusted"))
    );
    assert_eq!(found(world), ["balance_is_sum 2 100 107"]);

    let written = world.run(format!("miles audit --repair --trust ledger --confirm {name} -o json")).json();
    assert_eq!((&written[0]["amount"], &written[0]["balance"]), (&json!(0), &json!(100)));
    assert_eq!(written[0]["note"], "balance was 107, ledger 100 was trusted");
    assert_eq!(state(world), "1=507 2=100 3=0 entries=4 seats=0");
    sound(world);
    assert_eq!(world.run(format!("miles audit --repair --trust ledger --confirm {name} -o json")).json(), json!([]));
}

#[both]
fn the_command_beside_a_finding_mends_it(world: &mut World) {
    furnish(world);
    world.query(r#"UPDATE "users" SET "miles" = 9 WHERE "userId" = '1'"#);
    mend(world);
    sound(world);
    // A passenger whom nobody paid, and one who was paid something else.
    world.query(&format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{DL1}', '1', 300)"#
    ));
    assert_eq!(found(world), ["passenger_miles 1 300 null"]);
    mend(world);
    sound(world);
    world.query(r#"UPDATE "flightPassengers" SET "miles" = 250"#);
    assert_eq!(found(world), ["passenger_miles 1 250 300"]);
    mend(world);
    sound(world);
    assert_eq!(state(world), "1=250 2=0 3=0 entries=4 seats=1");
    // Paid without being a passenger.
    world.query(r#"DELETE FROM "flightPassengers""#);
    assert_eq!(found(world), ["passenger_miles 1 null 250"]);
    mend(world);
    sound(world);
}

#[both]
fn each_command_is_printed_so_that_it_works(world: &mut World) {
    furnish(world);
    let fixes = |world: &World| {
        let findings: Value = serde_json::from_str(&world.run("miles audit -o json").exits(3).stdout).unwrap();
        (findings[0]["fix"].as_str().unwrap().to_owned(), findings[0]["alternative"].as_str().map(str::to_owned))
    };
    // Either way of mending drift is a command of its own.
    for trusted in ["ledger", "balance"] {
        world.query(r#"UPDATE "users" SET "miles" = "miles" + 9 WHERE "userId" = '1'"#);
        let (first, second) = fixes(world);
        let second = second.unwrap();
        assert!(first.contains("--trust ledger") && second.contains("--trust balance"), "{first} / {second}");
        paste(world, if trusted == "ledger" { &first } else { &second }).ok();
        sound(world);
    }
    // A sum below zero can be no balance: only the way that works is named.
    unguarded(
        world,
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', -50, 'spend', 'purchase')"#,
    );
    world.query(r#"UPDATE "users" SET "miles" = 0 WHERE "userId" = '1'"#);
    let (first, second) = fixes(world);
    assert!(first.contains("--trust balance") && second.is_none(), "{first}");
    mend(world);
    sound(world);

    // A passenger for nothing who was paid: there is no award of 0 to make instead.
    world.run("flight board DL1 1 --miles 50").ok();
    world.query(r#"UPDATE "flightPassengers" SET "miles" = 0"#);
    mend(world);
    sound(world);
    assert_eq!(state(world), "1=0 2=0 3=0 entries=6 seats=1");

    // Paid, and not a passenger of a flight that is over, and of one that never was.
    for (flight, ended, seats) in [
        ("DL1", r#""startedAt" = "startTime", "endTime" = "startTime""#, "seats=2"),
        ("DL2", r#""endTime" = "startTime""#, "seats=2"),
    ] {
        world.run(format!("miles award 2 70 --flight {flight} --note x")).ok();
        world.query(&format!(
            r#"DELETE FROM "flightPassengers" WHERE "userId" = '2'
                AND "flightId" = (SELECT "id" FROM "flights" WHERE "code" = '{flight}');
            UPDATE "flights" SET {ended} WHERE "code" = '{flight}'"#
        ));
        mend(world);
        sound(world);
        assert!(state(world).ends_with(seats), "{flight}: {}", state(world));
    }

    // Names run nothing, and mean the account that was found also where another has it for its number.
    let stolen = world.work().join("stolen");
    world.query(&format!(
        r#"INSERT INTO "users" ("userId", "username", "displayName", "miles") VALUES
        ('5000000', '1', 'x', 5), ('not digits', 'a; touch {}; ''#', 'x', 6)"#,
        stolen.display()
    ));
    mend(world);
    mend(world);
    assert!(!stolen.exists());
    sound(world);
    assert_eq!(world.query(r#"SELECT sum("miles") FROM "users" WHERE "userId" IN ('5000000', 'not digits')"#), "0");
}

#[test]
fn a_balance_past_the_column_is_mended() {
    // SQLite keeps what another program wrote before the triggers stood there.
    let world = World::sqlite();
    furnish(&world);
    unguarded(
        &world,
        r#"DROP TRIGGER "users_miles_bound";
        INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', 1500000000, 'earn', 'x'), ('1', 1500000000, 'earn', 'x');
        UPDATE "users" SET "miles" = 3000000000 WHERE "userId" = '1'"#,
    );
    assert_eq!(found(&world), ["balance_in_range 1 2147483647 3000000000"]);
    mend(&world);
    sound(&world);
    assert_eq!(state(&world), "1=2147483647 2=0 3=0 entries=3 seats=0");
    world.query(r#"UPDATE "users" SET "miles" = 3000000000 WHERE "userId" = '1'"#);
    let run = world.run("miles audit -o json").exits(3);
    let findings: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(findings.as_array().unwrap().len(), 2);
    // It repairs, and tells of the other finding that it began with.
    paste(&world, findings[0]["fix"].as_str().unwrap()).exits(3);
    sound(&world);
}

#[both]
fn what_only_the_administrator_can_mend_is_printed_too(world: &mut World) {
    furnish(world);
    let id = award(world, "1", 500)["id"].as_str().unwrap().to_owned();
    unguarded(
        world,
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', -100, 'earn', 'api');
        UPDATE "users" SET "miles" = "miles" - 100 WHERE "userId" = '1'"#,
    );
    assert_eq!(found(world), ["sign_fits_type 1 null -100"]);
    mend(world);
    sound(world);
    let reversal = |miles: i64| {
        world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "reversesId") VALUES ('1', {miles}, 'spend', 'reversal', '{id}');
        UPDATE "users" SET "miles" = "miles" + {miles} WHERE "userId" = '1'"#
    ))
    };
    reversal(-100);
    assert_eq!(found(world), ["reversal_is_opposite 1 -500 -100"]);
    mend(world);
    sound(world);
    // Two reversals stand only where the constraint does not: as after a dump was brought in without it.
    without_unique_reversals(world);
    award(world, "1", 700);
    reversal(-500);
    reversal(-500);
    assert_eq!(found(world), ["reversed_once 1 1 2"]);
    mend(world);
    sound(world);

    world.run("miles award 2 400 --note x").ok();
    world.run("miles redeem 2 pass01").ok();
    world.query(r#"DELETE FROM "milesProducts""#);
    assert_eq!(found(world), ["product_exists 2 null -300"]);
    mend(world);
    sound(world);
}

/// Takes the constraint away that an entry is reversed once.
fn without_unique_reversals(world: &World) {
    match world.engine() {
        Engine::Postgres => {
            world.query(r#"ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_reversesId_unique""#);
        }
        Engine::Sqlite => {
            let table = world.query(r#"SELECT "sql" FROM "sqlite_schema" WHERE "name" = 'milesTransactions'"#);
            let columns = r#""id", "userId", "amount", "type", "source", "flightId", "productId", "note", "createdAt", "reversesId", "batchId", "actor""#;
            let without = table
                .replace(r#"CONSTRAINT "milesTransactions_reversesId_unique" UNIQUE ("reversesId"),"#, "")
                .replacen("milesTransactions", "copy", 1);
            assert!(!without.contains("UNIQUE"), "{without}");
            world.query(&format!(
                r#"PRAGMA foreign_keys = 0; {without}; INSERT INTO "copy" SELECT {columns} FROM "milesTransactions";
                DROP TABLE "milesTransactions"; ALTER TABLE "copy" RENAME TO "milesTransactions""#
            ));
        }
    }
}

#[both]
fn an_award_of_another_source_is_no_passengers_award(world: &mut World) {
    furnish(world);
    world.query(&format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{DL1}', '1', 75);
        INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "flightId") VALUES ('1', 75, 'earn', 'bonus', '{DL1}');
        UPDATE "users" SET "miles" = 75 WHERE "userId" = '1'"#
    ));
    assert_eq!(found(world), ["passenger_miles 1 75 null"]);
    mend(world);
    sound(world);
}

#[both]
fn what_cannot_be_repaired_holds_up_nobody(world: &mut World) {
    furnish(world);
    award(world, "1", 100);
    award(world, "3", 100);
    unguarded(
        world,
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('2', -50, 'spend', 'purchase')"#,
    );
    world.query(r#"UPDATE "users" SET "miles" = "miles" + 7 WHERE "userId" <> '2'"#);
    let name = world.name();
    let run = world.run(format!("miles audit --repair --trust ledger --confirm {name} -o json")).exits(3);
    let repaired: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(repaired.as_array().unwrap().len(), 2, "{run}");
    assert!(run.stderr.contains("user 2 has 0, the entries add up to -50"), "{run}");
    assert_eq!(state(world), "1=100 2=0 3=100 entries=5 seats=0");
    assert_eq!(found(world), ["balance_is_sum 2 -50 0"]);
    world.run(format!("miles audit --repair --trust ledger --confirm {name}")).exits(5);
}

#[both]
fn overspending_has_no_drift_and_is_found_all_the_same(world: &mut World) {
    furnish(world);
    unguarded(
        world,
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', -1000, 'spend', 'purchase');
        UPDATE "users" SET "miles" = -1000 WHERE "userId" = '1'"#,
    );
    assert_eq!(found(world), ["balance_in_range 1 0 -1000"]);
    mend(world);
    sound(world);
    assert_eq!(state(world), "1=0 2=0 3=0 entries=2 seats=0");
}

#[both]
fn a_flight_paid_twice_is_found(world: &mut World) {
    furnish(world);
    world.run("flight board DL1 1 --miles 250").ok();
    for _ in 0..2 {
        world.query(&format!(
            r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "flightId") VALUES ('1', 250, 'earn', 'flight', '{DL1}');
            UPDATE "users" SET "miles" = "miles" + 250 WHERE "userId" = '1'"#
        ));
    }
    assert_eq!(found(world), ["one_award_a_flight 1 1 3"]);
    mend(world);
    mend(world);
    sound(world);
    assert_eq!(state(world), "1=250 2=0 3=0 entries=5 seats=1");
    // Two flights mixed up between two users keep every number and every sum.
    world.run("flight board DL1 2 --miles 100").ok();
    world.run("flight board DL2 3 --miles 100").ok();
    world.query(r#"UPDATE "flightPassengers" SET "userId" = CASE "userId" WHEN '2' THEN '3' ELSE '2' END WHERE "userId" IN ('2', '3')"#);
    let wrong = found(world);
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    assert!(wrong.iter().all(|one| one.starts_with("passenger_miles")), "{wrong:?}");
}

#[both]
fn signs_reversals_and_products_are_looked_at(world: &mut World) {
    furnish(world);
    let entry = award(world, "1", 500);
    let id = entry["id"].as_str().unwrap();
    unguarded(
        world,
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', -100, 'earn', 'api');
        UPDATE "users" SET "miles" = "miles" - 100 WHERE "userId" = '1'"#,
    );
    assert_eq!(found(world), ["sign_fits_type 1 null -100"]);
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "reversesId") VALUES ('1', -400, 'spend', 'reversal', '{id}');
        UPDATE "users" SET "miles" = "miles" - 400 WHERE "userId" = '1'"#
    ));
    assert_eq!(found(world), ["sign_fits_type 1 null -100", "reversal_is_opposite 1 -500 -400"]);
    award(world, "2", 400);
    world.run("miles redeem 2 pass01").ok();
    world.query(r#"DELETE FROM "milesProducts""#);
    assert_eq!(found(world).last().unwrap(), "product_exists 2 null -300");
}

#[both]
fn a_quiet_ledger_says_so(world: &mut World) {
    furnish(world);
    insta::assert_snapshot!(world.run("miles audit"), @r"
    exit: 0
    --- stderr
    Nothing found: every balance is the sum of its entries, and all else holds.
    ");
}
