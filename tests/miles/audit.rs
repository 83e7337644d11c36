//! `miles audit`: each invariant is found broken under its name, with what mends it, and nothing else is.

use serde_json::{Value, json};

use super::{DL1, award, furnish, sound, state, unguarded};
use crate::support::{Engine, World, both};

/// What the audit finds: `invariant userId expected found`.
fn found(world: &World) -> Vec<String> {
    let run = world.run("miles audit -o json").exits(3);
    let findings: Value = serde_json::from_str(&run.stdout).unwrap();
    let line = |one: &Value| {
        assert!(one["fix"].as_str().unwrap().starts_with("skyteam "), "{one}");
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

/// Runs the commands that the audit names for its first finding.
fn mend(world: &World) {
    let run = world.run("miles audit -o json").exits(3);
    let findings: Value = serde_json::from_str(&run.stdout).unwrap();
    let fix = findings[0]["fix"].as_str().unwrap().to_owned();
    let fix = fix.split_once("   (").map_or(fix.as_str(), |(fix, _)| fix);
    for line in fix.split(" && ") {
        let line = line.strip_prefix("skyteam ").unwrap();
        world.run(format!("{line} --yes")).ok();
    }
}

both!(fn drift_is_found_and_mended_either_way(world) {
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
    let written = world.run(format!("miles audit --user 1 --repair --trust balance --confirm {name} -o json --actor judge")).json();
    assert_eq!(written.as_array().unwrap().len(), 1);
    assert_eq!((&written[0]["amount"], &written[0]["source"], &written[0]["actor"]), (&json!(7), &json!("adjustment"), &json!("judge")));
    assert_eq!((&written[0]["balance"], &written[0]["note"]), (&json!(507), &json!("ledger had 500, balance 507 was trusted")));
    assert_eq!(found(world), ["balance_is_sum 2 100 107"]);

    let written = world.run(format!("miles audit --repair --trust ledger --confirm {name} -o json")).json();
    assert_eq!((&written[0]["amount"], &written[0]["balance"]), (&json!(0), &json!(100)));
    assert_eq!(written[0]["note"], "balance was 107, ledger 100 was trusted");
    assert_eq!(state(world), "1=507 2=100 3=0 entries=4 seats=0");
    sound(world);
    assert_eq!(world.run(format!("miles audit --repair --trust ledger --confirm {name} -o json")).json(), json!([]));
});

both!(fn the_command_beside_a_finding_mends_it(world) {
    furnish(world);
    world.query(r#"UPDATE "users" SET "miles" = 9 WHERE "userId" = '1'"#);
    mend(world);
    sound(world);
    // A passenger whom nobody paid, and one who was paid something else.
    world.query(&format!(r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{DL1}', '1', 300)"#));
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
});

both!(fn overspending_has_no_drift_and_is_found_all_the_same(world) {
    furnish(world);
    unguarded(world, r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', -1000, 'spend', 'purchase');
        UPDATE "users" SET "miles" = -1000 WHERE "userId" = '1'"#);
    assert_eq!(found(world), ["balance_in_range 1 0 -1000"]);
    mend(world);
    sound(world);
    assert_eq!(state(world), "1=0 2=0 3=0 entries=2 seats=0");
});

both!(fn a_flight_paid_twice_is_found(world) {
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
});

both!(fn signs_reversals_and_products_are_looked_at(world) {
    furnish(world);
    let entry = award(world, "1", 500);
    let id = entry["id"].as_str().unwrap();
    unguarded(world, r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('1', -100, 'earn', 'api');
        UPDATE "users" SET "miles" = "miles" - 100 WHERE "userId" = '1'"#);
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
    if world.engine() == Engine::Postgres {
        world.query(&format!(
            r#"ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_reversesId_unique";
            INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "reversesId") VALUES ('1', -500, 'spend', 'reversal', '{id}')"#
        ));
        let wrong = found(world);
        assert!(wrong.contains(&"reversed_once 1 1 2".to_owned()), "{wrong:?}");
        assert!(wrong.contains(&"balance_is_sum 1 -500 0".to_owned()), "{wrong:?}");
        // A ledger below zero can be no balance.
        let name = world.name();
        world.run(format!("miles audit --repair --trust ledger --confirm {name}")).exits(5);
    }
});

both!(fn a_quiet_ledger_says_so(world) {
    furnish(world);
    insta::assert_snapshot!(world.run("miles audit"), @r"
    exit: 0
    --- stderr
    Nothing found: every balance is the sum of its entries, and all else holds.
    ");
});
