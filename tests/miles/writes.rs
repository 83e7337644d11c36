//! `miles award`, `spend`, `redeem` and `reverse`.

use serde_json::json;

use super::{DL1, award, furnish, sound, state, unguarded};
use crate::support::{Engine, World, both};

#[both]
fn an_award_is_an_entry_and_its_balance(world: &mut World) {
    furnish(world);
    let entry =
        world.run(["miles", "award", "@ann", "500", "--note", "a 'b' \"c\"\n✈", "-o", "json", "--actor", "ops"]).json();
    let keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "id",
            "userId",
            "amount",
            "type",
            "source",
            "flightId",
            "productId",
            "note",
            "createdAt",
            "reversesId",
            "batchId",
            "actor",
            "balance"
        ]
    );
    assert_eq!(entry["userId"], "1");
    assert_eq!((&entry["amount"], &entry["type"], &entry["source"]), (&json!(500), &json!("earn"), &json!("manual")));
    assert_eq!(
        (&entry["note"], &entry["actor"], &entry["balance"]),
        (&json!("a 'b' \"c\"\n✈"), &json!("ops"), &json!(500))
    );
    assert_eq!(
        (&entry["flightId"], &entry["batchId"], &entry["reversesId"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert!(entry["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(state(world), "1=500 2=0 3=0 entries=1 seats=0");
    let stored = world.query(r#"SELECT "id", "type", "source", "actor" FROM "milesTransactions""#);
    assert_eq!(stored, format!("{}|earn|manual|ops", entry["id"].as_str().unwrap()));
    sound(world);
}

#[both]
fn spending_stops_at_zero(world: &mut World) {
    furnish(world);
    award(world, "1", 640);
    let spent = world.run("miles spend ann 600 --note x --source shop -o json").json();
    assert_eq!(
        (&spent["amount"], &spent["type"], &spent["source"], &spent["balance"]),
        (&json!(-600), &json!("spend"), &json!("shop"), &json!(40))
    );
    insta::assert_snapshot!(world.run("miles spend Ann 1000 --note x").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: not enough miles
      why  Ann has 40, this spends 1,000: 960 short
      fix  skyteam miles history Ann
    ");
    let error = world.run("miles spend Ann 1000 --note x -o json").exits(5).error();
    assert_eq!((&error["code"], &error["retryable"]), (&json!("not_enough_miles"), &json!(false)));
    assert_eq!(state(world), "1=40 2=0 3=0 entries=2 seats=0");
    world.run("miles spend Ann 40 --note all").ok();
    assert_eq!(state(world), "1=0 2=0 3=0 entries=3 seats=0");
    sound(world);
}

#[both]
fn amounts_users_notes_and_sources_are_checked_before_anything(world: &mut World) {
    furnish(world);
    for amount in ["0", "-5", "+5", "1.5", "2147483648", "x", ""] {
        world.run(["miles", "award", "1", amount, "--note", "x"]).exits(2);
        world.run(["miles", "spend", "1", amount, "--note", "x"]).exits(2);
    }
    world.run("miles award 1 5").exits(2);
    world.run(["miles", "award", "1", "5", "--note", "a\0b"]).exits(2);
    for source in ["reversal", "adjustment", "", "two words", "flight"] {
        world.run(["miles", "award", "1", "5", "--note", "x", "--source", source]).exits(2);
    }
    world.run(["miles", "award", "1", "5", "--note", "x", "--key", " "]).exits(2);
    world.run("miles award 1 @ann 5 --note x").exits(2);
    let error = world.run("miles award Clio 5 --note x -o json").exits(4).error();
    assert!(error["why"].as_str().unwrap().contains("Cleo"), "{error}");
    world.run("miles spend nobody 5 --note x").exits(4);
    world.run("miles award 1 nobody 5 --note x").exits(4);
    assert_eq!(state(world), "1=0 2=0 3=0 entries=0 seats=0");
}

#[both]
fn what_says_nothing_is_refused(world: &mut World) {
    furnish(world);
    let error = world.run("miles award ann -5 --note x -o json").exits(2).error();
    assert_eq!(error["message"], "amount \"-5\" is not accepted");
    assert!(error["why"].as_str().unwrap().contains("1 to 2147483647"), "{error}");
    for note in ["", " ", "\n"] {
        world.run(["miles", "award", "1", "5", "--note", note]).exits(2);
        world.run(["miles", "redeem", "1", "pass01", "--note", note]).exits(2);
        world.run(["miles", "reverse", "last", "--note", note]).exits(2);
    }
    for actor in ["", " ", "a\u{1b}[2J", "a\nb"] {
        world.run(["miles", "award", "1", "5", "--note", "x", "--actor", actor]).exits(2);
    }
    // What is for a flight names it; only an award can.
    std::fs::write(world.work().join("rows.csv"), "user,amount\n1,5\n").unwrap();
    for line in ["award 1 5 --note x", "spend 1 5 --note x", "import rows.csv"] {
        let error = world.run(format!("miles {line} --source flight -o json")).exits(2).error();
        assert!(error.to_string().contains("--flight"), "{error}");
    }
    assert_eq!(state(world), "1=0 2=0 3=0 entries=0 seats=0");
}

#[both]
fn an_entry_of_nothing_is_not_reversed_unless_it_is_an_award(world: &mut World) {
    furnish(world);
    award(world, "1", 10);
    world.query(r#"UPDATE "users" SET "miles" = 17 WHERE "userId" = '1'"#);
    let name = world.name();
    let repaired = world.run(format!("miles audit --repair --trust ledger --confirm {name} -o json")).json();
    for id in ["id", "batchId"] {
        let line = format!("miles reverse {} --note x --yes -o json", repaired[0][id].as_str().unwrap());
        assert_eq!(world.run(line).exits(5).error()["code"], "moves_nothing");
    }
    // An award of 0 stands in the way of another one, until it is reversed.
    std::fs::write(world.work().join("passengers.csv"), "userId\n2\n").unwrap();
    world.run("flight manifest import DL1 passengers.csv --miles 0").ok();
    assert_eq!(world.run("miles award 2 5 --note x --flight DL1 -o json").exits(5).error()["code"], "already_awarded");
    let free = world.query(r#"SELECT "id" FROM "milesTransactions" WHERE "userId" = '2'"#);
    world.run(format!("miles reverse {free} --note x --yes")).ok();
    world.run("miles award 2 5 --note x --flight DL1").ok();
    assert_eq!(state(world), "1=10 2=5 3=0 entries=5 seats=1");
    sound(world);
}

#[both]
fn an_id_of_both_an_entry_and_a_batch_can_be_told_apart(world: &mut World) {
    furnish(world);
    let entries = world.run("miles award 1 2 5 --note x -o json").json();
    let batch = entries[0]["batchId"].as_str().unwrap();
    world.run(format!("miles award 3 7 --note x --key id:{batch}")).ok();
    let error = world.run(format!("miles reverse {batch} --note x -n -o json")).exits(4).error();
    for reference in [format!("entry:{batch}"), format!("batch:{batch}")] {
        assert!(error.to_string().contains(&reference), "{error}");
    }
    assert_eq!(
        world.run(format!("miles reverse batch:{batch} --note x -n -o json")).json().as_array().unwrap().len(),
        2
    );
    assert_eq!(world.run(format!("miles reverse entry:{batch} --note x -n -o json")).json()["userId"], "3");
}

#[both]
fn a_balance_never_passes_the_column(world: &mut World) {
    furnish(world);
    award(world, "1", 2_147_483_647);
    let error = world.run("miles award 1 1 --note x -o json").exits(5).error();
    assert_eq!(error["code"], "too_many_miles");
    let error = world.run("miles award 2 1 1 --note x -o json").exits(5).error();
    assert_eq!(error["code"], "too_many_miles");
    assert_eq!(state(world), "1=2147483647 2=0 3=0 entries=1 seats=0");
    sound(world);
}

#[both]
fn a_negative_account_can_be_paid_and_not_drained(world: &mut World) {
    furnish(world);
    overdraw(world, "1", -500);
    world.run("miles spend 1 1 --note x").exits(5);
    assert_eq!(award(world, "1", 200)["balance"], -300);
    assert_eq!(award(world, "1", 400)["balance"], 100);
    world.run("miles spend 1 100 --note x").ok();
    sound(world);
}

/// An account as the apps' read-then-write spend leaves it: overdrawn, without drift.
fn overdraw(world: &World, user: &str, miles: i64) {
    unguarded(
        world,
        &format!(
            r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") VALUES ('{user}', {miles}, 'spend', 'purchase');
            UPDATE "users" SET "miles" = {miles} WHERE "userId" = '{user}'"#
        ),
    );
}

#[both]
fn a_key_applies_a_request_once(world: &mut World) {
    furnish(world);
    let first = world.run("miles award 1 500 --note pay --key week-47 -o json").json();
    let again = world.run("miles award Ann 500 --note pay --key week-47 -o json --actor another");
    assert!(again.stderr.contains("Already applied"), "{again}");
    assert_eq!(again.json(), first);
    let other = world.run("miles award 2 400 --note gift --key week-47 -o json").exits(5).error();
    assert_eq!(other["code"], "key_taken");
    let why = other["why"].as_str().unwrap();
    for difference in [
        "userId: the entry has \"1\", this asks for \"2\"",
        "amount: the entry has \"500\", this asks for \"400\"",
        "note:",
    ] {
        assert!(why.contains(difference), "{why}");
    }
    assert_eq!(state(world), "1=500 2=0 3=0 entries=1 seats=0");

    // All is spent by the first; the second must not be told that there is too little.
    let spend = "miles spend 1 500 --note x --key s -o json";
    let spent = world.run(spend).json();
    assert_eq!(world.run(spend).json(), spent);
    world.run("miles spend 1 499 --note x --key s").exits(5);
    world.run("miles spend nobody 500 --note x --key s").exits(4);

    // An entry is also named by its id, as an outcome that stayed unknown is asked for.
    let id = spent["id"].as_str().unwrap();
    assert_eq!(world.run(format!("miles spend 1 500 --note x --key id:{id} -o json")).json(), spent);
    assert_eq!(world.query(&format!(r#"SELECT count(*) FROM "milesTransactions" WHERE "id" = '{id}'"#)), "1");
    sound(world);
}

#[both]
fn the_id_of_a_key_is_the_same_everywhere(world: &mut World) {
    furnish(world);
    // uuid5(uuid5(NAMESPACE_URL, "https://skyteam.dev/miles/key"), "payout-2026-11"), by Python's uuid.
    let entry = world.run("miles award 1 5 --note x --key payout-2026-11 -o json").json();
    assert_eq!(entry["id"], "029e7895-3e95-5684-8815-534be15f200c");
}

#[both]
fn several_users_are_one_batch(world: &mut World) {
    furnish(world);
    let run = world.run("miles award ann BOB @Cleo 50 --note crew --key crew -o json");
    assert!(run.stderr.contains("Undo: skyteam miles reverse "), "{run}");
    let entries = run.json();
    let batch = entries[0]["batchId"].as_str().unwrap().to_owned();
    assert!(entries.as_array().unwrap().iter().all(|entry| entry["batchId"] == batch.as_str()));
    let who: Vec<&str> = entries.as_array().unwrap().iter().map(|entry| entry["userId"].as_str().unwrap()).collect();
    assert_eq!(who, ["1", "2", "3"]);
    let again = world.run("miles award 1 2 3 50 --note crew --key crew -o json");
    assert!(again.stderr.contains("3 of 3 were already applied"), "{again}");
    assert_eq!(again.json(), entries);
    assert_eq!(state(world), "1=50 2=50 3=50 entries=3 seats=0");

    // One who has spent it holds up all.
    world.run("miles spend 2 1 --note x").ok();
    let refused = world.run(format!("miles reverse {batch} --note oops --yes -o json")).exits(5).error();
    assert_eq!(refused["code"], "not_enough_miles");
    assert_eq!(refused["why"], "Bob has 49, the reversal takes back 50: 1 short");
    assert_eq!(state(world), "1=50 2=49 3=50 entries=4 seats=0");

    award(world, "2", 1);
    let reversed = world.run(format!("miles reverse {batch} --note oops --yes -o json")).json();
    assert_eq!(reversed.as_array().unwrap().len(), 3);
    assert!(reversed.as_array().unwrap().iter().all(|entry| entry["source"] == "reversal" && entry["amount"] == -50));
    assert_eq!(state(world), "1=0 2=0 3=0 entries=8 seats=0");
    let twice = world.run(format!("miles reverse {batch} --note oops --yes -o json")).exits(5).error();
    assert_eq!(twice["code"], "already_reversed");
    sound(world);
}

#[both]
fn one_key_is_one_request_whoever_it_pays(world: &mut World) {
    furnish(world);
    let taken = |line: &str| {
        let before = state(world);
        let error = world.run(format!("{line} -o json")).exits(5).error();
        assert_eq!(error["code"], "key_taken", "{line}: {error}");
        assert_eq!(state(world), before, "{line}");
        error["why"].as_str().unwrap().to_owned()
    };
    world.run("miles award 1 2 30 --note x --key K").ok();
    let why = taken("miles award 1 3 30 --note x --key K");
    assert!(why.starts_with("users: the entry has \"1, 2\", this asks for \"1, 3\""), "{why}");
    assert!(
        taken("miles award 1 30 --note x --key K").contains("users: the entry has \"several\", this asks for \"one\"")
    );
    for other in [
        "miles award 2 30 --note x --key K",
        "miles award 2 3 30 --note x --key K",
        "miles spend 1 30 --note x --key K",
    ] {
        taken(other);
    }
    taken("miles award 1 2 3 30 --note x --key K");
    assert!(taken("miles award 2 1 31 --note x --key K").contains("amount: the entry has \"30\""));
    std::fs::write(world.work().join("rows.csv"), "user,amount,note,key\n1,30,x,K\n").unwrap();
    assert!(world.run("miles import rows.csv").exits(5).stderr.contains("users: the entry has"));
    assert!(world.run("miles award 2 1 30 --note x --key K").ok().stderr.contains("2 of 2 were already applied"));

    // And the other way about: a key that one user has pays no several.
    world.run("miles award 2 30 --note x --key L").ok();
    assert!(taken("miles award 2 3 30 --note x --key L").contains("this asks for \"several\""));
    taken("miles award 1 3 30 --note x --key L");

    // Keys that look like what is made of another key are keys of their own.
    assert_eq!(state(world), "1=30 2=60 3=0 entries=3 seats=0");
    for key in ["K:", "K:1", "K:2"] {
        world.run(["miles", "award", "1", "1", "--note", "x", "--key", key]).ok();
    }
    assert_eq!(state(world), "1=33 2=60 3=0 entries=6 seats=0");
    sound(world);
}

#[both]
fn an_applied_key_stays_applied_whatever_came_after(world: &mut World) {
    furnish(world);
    let award =
        |key: &str, miles: u32| world.run(format!("miles award 2 {miles} --note x --flight DL1 --key {key} -o json"));
    let first = award("fk1", 250).json();
    world.run(format!("miles reverse {} --note x --yes", first["id"].as_str().unwrap())).ok();
    award("fk2", 200).ok();
    let again = award("fk1", 250);
    assert!(again.stderr.contains("Already applied"), "{again}");
    assert_eq!(again.json()["id"], first["id"]);
    assert_eq!(award("fk1", 251).exits(5).error()["code"], "key_taken");
    assert_eq!(award("fk3", 250).exits(5).error()["code"], "already_awarded");
    assert_eq!(state(world), "1=0 2=200 3=0 entries=3 seats=1");
    sound(world);

    super::award(world, "1", 900);
    let bought = world.run("miles redeem 1 pass01 --key ord9 -o json").json();
    world.query(r#"UPDATE "milesProducts" SET "name" = 'Lounge'"#);
    assert_eq!(world.run("miles redeem 1 pass01 --key ord9 -o json").json(), bought);
    assert!(world.run("miles redeem 1 pass01 --key ord9 --note other").exits(5).stderr.contains("note: the entry has"));
    assert_eq!(world.run("miles redeem 1 pass01 -o json").json()["note"], "Purchase: Lounge");
}

#[both]
fn an_entry_is_reversed_once_and_a_reversal_never(world: &mut World) {
    furnish(world);
    let entry = award(world, "1", 500);
    let id = entry["id"].as_str().unwrap();
    world.run(format!("miles reverse {id} --note oops")).exits(9);
    let reversal = world.run(format!("miles reverse {} --note oops --yes -o json", &id[..13])).json();
    assert_eq!(
        (&reversal["reversesId"], &reversal["amount"], &reversal["type"]),
        (&json!(id), &json!(-500), &json!("spend"))
    );
    assert_eq!(
        (&reversal["source"], &reversal["balance"], &reversal["batchId"]),
        (&json!("reversal"), &json!(0), &json!(null))
    );
    assert_eq!(
        world.run(format!("miles reverse {id} --note oops --yes -o json")).exits(5).error()["code"],
        "already_reversed"
    );
    let back = reversal["id"].as_str().unwrap();
    assert_eq!(
        world.run(format!("miles reverse {back} --note oops --yes -o json")).exits(5).error()["code"],
        "is_reversal"
    );
    assert_eq!(world.run("miles reverse last --note oops --yes -o json").exits(5).error()["code"], "is_reversal");
    for unknown in ["00000000", "123", "nonsense", ""] {
        world.run(["miles", "reverse", unknown, "--note", "x", "--yes"]).exits(4);
    }
    // A spending is given back.
    award(world, "1", 100);
    let spent = world.run("miles spend 1 100 --note x -o json").json();
    let given = world.run(format!("miles reverse {} --note oops --yes -o json", spent["id"].as_str().unwrap())).json();
    assert_eq!((&given["amount"], &given["type"], &given["balance"]), (&json!(100), &json!("earn"), &json!(100)));
    sound(world);
}

#[both]
fn last_is_what_the_actor_did_last_and_is_shown_before_it_asks(world: &mut World) {
    furnish(world);
    world.run("miles award 1 5 --note mine --actor me").ok();
    world.run("miles award 2 7 --note theirs --actor you").ok();
    world.run("miles reverse last --note x --yes --actor stranger").exits(4);
    let declined = world.call("miles reverse last --note x --actor me").answers(["n"]).run().exits(9);
    assert!(declined.stderr.contains("+5 for user 1 (manual, \"mine\"), by me"), "{declined}");
    assert_eq!(state(world), "1=5 2=7 3=0 entries=2 seats=0");
    world.call("miles reverse last --note x --actor me").answers(["y"]).run().ok();
    assert_eq!(state(world), "1=0 2=7 3=0 entries=3 seats=0");
}

#[both]
fn a_product_is_bought_at_its_price_of_now(world: &mut World) {
    furnish(world);
    award(world, "1", 1000);
    let bought = world.run("miles redeem 1 pass01 --key order-1 -o json").json();
    assert_eq!(
        (&bought["amount"], &bought["productId"], &bought["source"]),
        (&json!(-300), &json!("pass01"), &json!("purchase"))
    );
    assert_eq!((&bought["balance"], &bought["note"]), (&json!(700), &json!("Purchase: Sky Club")));
    world.query(r#"UPDATE "milesProducts" SET "priceMiles" = 400"#);
    // The order stands at the price it was made at.
    assert_eq!(world.run("miles redeem Ann pass01 --key order-1 -o json").json(), bought);
    world.run("miles redeem 2 pass01 --key order-1").exits(5);
    assert_eq!(world.run("miles redeem 1 'delta/sky club' -o json").json()["balance"], 300);
    let error = world.run("miles redeem 1 pass01 -o json").exits(5).error();
    assert!(error["why"].as_str().unwrap().contains("Ann has 300, this spends 400: 100 short"), "{error}");
    world.query(r#"UPDATE "milesProducts" SET "active" = false"#);
    assert_eq!(world.run("miles redeem 1 pass01 -o json").exits(5).error()["code"], "product_inactive");
    assert_eq!(world.run("miles redeem 1 pass01 --key order-1 -o json").ok().code, 0);
    world.run("miles redeem 1 nosuch").exits(4);
    world.run("miles redeem nobody pass01").exits(4);
    assert_eq!(state(world), "1=300 2=0 3=0 entries=3 seats=0");
    sound(world);
}

#[both]
fn a_dry_run_says_what_would_be_and_changes_nothing(world: &mut World) {
    furnish(world);
    let entry = award(world, "1", 500);
    let before = state(world);
    std::fs::write(world.work().join("rows.csv"), "user,amount\n1,5\n2,6\n").unwrap();
    let id = entry["id"].as_str().unwrap();
    for (line, balance) in [
        ("miles award 1 5 --note x", 505),
        ("miles spend 1 5 --note x", 495),
        ("miles redeem 1 pass01", 200),
        (&format!("miles award 1 5 --note x --flight {}", DL1), 505),
        (&format!("miles reverse {id} --note x"), 0),
    ] {
        let run = world.run(format!("{line} --dry-run -o json"));
        assert!(run.stderr.contains("rolled back"), "{run}");
        assert_eq!(run.json()["balance"], balance, "{line}");
    }
    assert_eq!(world.run("miles award 1 2 5 --note x -n -o json").json()[1]["balance"], 5);
    assert_eq!(world.run("miles import rows.csv -n -o json").json()["applied"], 2);
    world.run("miles spend 1 501 --note x -n").exits(5);
    assert_eq!(state(world), before);
}

#[both]
fn what_an_airline_usually_pays_is_found_however_long_ago(world: &mut World) {
    furnish(world);
    // Nobody paid yet: nothing is usual.
    world.run("miles award 1 1000 --note x --flight DL1").ok();
    let entry = world.run("miles award 2 1001 --note x --flight DL1 -o json").json();
    // An airline without awards is held to what the alliance pays.
    world.query(r#"INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign") VALUES ('klm', 'klm', 'KLM', 'KL', 'KLM', 'KLM');
        UPDATE "flights" SET "airlineId" = 'klm', "brandId" = 'klm' WHERE "code" = 'DL2'"#);
    let asked = world.run("miles award 3 20001 --note x --flight DL2").exits(9);
    assert!(asked.stderr.contains("over 20 times the usual award of 1,000"), "{asked}");
    world.run("miles award 3 20000 --note x --flight DL2 -n").ok();
    let asked = world.run("miles award 3 20001 --note x --flight DL1").exits(9);
    assert!(asked.stderr.contains("over 20 times the usual award of 1,000"), "{asked}");

    // Later come more entries that are no awards than any one look would take in: spendings, and a batch taken back.
    world.run(format!("miles reverse {} --note x --yes", entry["id"].as_str().unwrap())).ok();
    let (many, id) = match world.engine() {
        Engine::Postgres => ("generate_series(1, 20000) AS n(value)", "gen_random_uuid()"),
        Engine::Sqlite => (
            "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20000) SELECT value FROM n)",
            "printf('%08x-0000-4000-8000-000000000000', value)",
        ),
    };
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source")
        SELECT {id}, '1', 0, 'spend', 'shop' FROM {many}"#
    ));
    let asked = world.run("miles award 1 20001 --note x").exits(9);
    assert!(asked.stderr.contains("over 20 times the usual award of 1,000"), "{asked}");
}

#[both]
fn a_large_award_asks_first(world: &mut World) {
    furnish(world);
    for user in ["1", "2", "3"] {
        world.run(["miles", "award", user, "100", "--note", "x"]).ok();
    }
    world.run("miles award 1 2000 --note x").ok();
    let asked = world.run("miles award 1 2001 --note x").exits(9);
    assert!(asked.stderr.contains("over 20 times the usual award of 100"), "{asked}");
    world.call("miles award 1 2001 --note x").answers(["n"]).run().exits(9);
    world.call("miles award 1 2001 --note x").answers(["y"]).run().ok();
    world.run("miles award 1 2 9999 --note x --yes").ok();

    let url = world.url();
    world.unset("DATABASE_URL");
    let profile = format!("[profiles.p]\nurl = \"{url}\"\nkind = \"local\"\naward_limit = 150\n");
    std::fs::write(world.work().join("skyteam.toml"), profile).unwrap();
    world.run("-p p miles award 1 150 --note x").ok();
    let asked = world.run("-p p miles award 1 151 --note x").exits(9);
    assert!(asked.stderr.contains("over the limit of 150"), "{asked}");
    world.run("-p p miles award 1 151 --note x --yes").ok();
    // Spending takes no more than is there, and is not asked about.
    world.run("-p p miles spend 1 5000 --note x").ok();
}
