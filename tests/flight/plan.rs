//! `flight add`, `show`, `edit`, `delete`.

use serde_json::json;

use super::{CANCELLED, ENDED, LIVE, SCHEDULED, STALE, fleet, times};
use crate::support::{World, both};

const ADD: &str = "flight add DL9 --airline delta --brand DL --from JFK --to CDG --aircraft A350 --game-id 77";

#[both(ready)]
fn a_flight_is_planned_with_everything_given(world: &mut World) {
    fleet(world);
    let added = world.run(
        "flight add dl12z --airline Delta --brand delta --from jfk --to lfpg --aircraft 'A350-900' --game-id 77 \
              --at '2025-07-05 20:00' --tz America/New_York --codeshare AF --event-link https://discord.gg/x -o json",
    );
    assert!(added.stderr.contains("--at 2025-07-05 20:00 (America/New_York) is 2025-07-06T00:00:00Z"), "{added}");
    let mut added = added.json();
    let id = added["id"].take();
    assert_eq!(
        added,
        json!({
            "id": null, "code": "DL12Z", "gameId": "77", "aircraft": "A350-900", "airlineId": "delta", "brandId": "dl",
            "startTime": "2025-07-06T00:00:00Z", "endTime": null, "codeshareAirlineId": "af", "departure": "JFK",
            "arrival": "LFPG", "startedAt": null, "discordEventLink": "https://discord.gg/x", "status": "scheduled",
            "codeshare": true,
        })
    );
    let stored = world.query(r#"SELECT "id", "code", "startTime" FROM "flights" WHERE "code" = 'DL12Z'"#);
    assert_eq!(stored, format!("{}|DL12Z|2025-07-06 00:00:00", id.as_str().unwrap()));
}

#[both(ready)]
fn what_is_not_given_has_its_default(world: &mut World) {
    fleet(world);
    let added = world.run(format!("{ADD} -o json")).json();
    assert_eq!(added["startTime"], "2025-07-04T12:00:00Z");
    assert_eq!(added["discordEventLink"], "https://discord.gg/skyteam");
    assert_eq!(added["codeshareAirlineId"], serde_json::Value::Null);
}

#[both(ready)]
fn a_dry_run_plans_nothing(world: &mut World) {
    fleet(world);
    let before = world.query(r#"SELECT count(*) FROM "flights""#);
    let output = world.run(format!("{ADD} --dry-run")).ok();
    assert!(output.stdout.starts_with("Would schedule DL9 JFK–CDG"), "{output}");
    assert_eq!(world.query(r#"SELECT count(*) FROM "flights""#), before);
}

#[both(ready)]
fn the_rules_of_the_plan_are_kept(world: &mut World) {
    fleet(world);
    for (change, code, exit) in [
        ("--brand AF", "brand_of_another", 5),
        ("--to JFK", "same_airport", 5),
        ("--to jfk", "same_airport", 5),
        ("--codeshare delta", "codeshare_with_itself", 5),
        ("--airline nobody", "not_found", 4),
        ("--brand XX", "not_found", 4),
        ("--codeshare nobody", "not_found", 4),
        ("--from JFKKK", "invalid_value", 2),
        ("--event-link ftp://x", "invalid_value", 2),
        ("--at yesterday", "invalid_value", 2),
        ("--at '2025-03-30 02:30' --tz Europe/Paris", "invalid_value", 2),
        ("--aircraft ''", "invalid_value", 2),
    ] {
        // A flag given last replaces the one before.
        let mut words: Vec<&str> = ADD.split(' ').collect();
        let (flag, rest) = change.split_once(' ').unwrap();
        if let Some(at) = words.iter().position(|word| *word == flag) {
            words.drain(at..=at + 1);
        }
        let output = world.run(format!("{} {flag} {rest} -o json", words.join(" "))).exits(exit);
        assert_eq!(output.error()["code"], code, "{change}: {output}");
    }
    for (given, exit) in [("AF9", 5), ("DL", 2), ("DL12345", 2), ("KLM12345", 2)] {
        world.run(ADD.replace("DL9", given)).exits(exit);
    }
    world.run("flight add DL9").exits(2);
    assert_eq!(world.query(r#"SELECT count(*) FROM "flights" WHERE "gameId" = '77'"#), "0");
}

#[both(ready)]
fn a_flight_is_shown_with_what_it_refers_to(world: &mut World) {
    fleet(world);
    let shown = world.run(format!("flight show {SCHEDULED} -o json")).json();
    assert_eq!(shown["status"], "scheduled");
    assert_eq!(shown["airline"], json!({"airlineId": "delta", "name": "Delta"}));
    assert_eq!(
        shown["brand"],
        json!({
            "brandId": "dl", "name": "Delta", "iata": "DL", "icao": "DAL", "callsign": "DELTA",
        })
    );
    assert_eq!(shown["codeshareAirline"], json!({"airlineId": "af", "name": "Air France"}));
    assert_eq!(shown["manifest"], json!({"passengers": 0, "miles": 0, "unpaid": 0}));
    insta::assert_snapshot!(world.run("flight show DL300 --tz Europe/Paris"), @r#"
    exit: 0
    --- stdout
    DL300  JFK – CDG
    status      live
    airline     Delta (delta)
    brand       Delta (DL/DAL, DELTA)
    codeshare   —
    aircraft    A350
    game        9
    scheduled   2025-07-04 07:00:00
    started     2025-07-04 08:00:00
    ended       —
    event       https://discord.gg/skyteam
    passengers  0
    miles       0
    id          [uuid]
    "#);
    world.run("flight show 1a00").ok();
    world.run("flight show dl100").ok();
    world.run("flight show 1a").exits(4);
    world.run("flight show DL999").exits(4);
    world.run("flight show").exits(2);
}

#[both(ready)]
fn passengers_without_an_entry_are_told(world: &mut World) {
    fleet(world);
    world.query(&format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{LIVE}', '1', 5), ('{LIVE}', '2', 0)"#
    ));
    let shown = world.run("flight show DL300 -o json").json();
    assert_eq!(shown["manifest"], json!({"passengers": 2, "miles": 5, "unpaid": 1}));
}

#[both(ready)]
fn a_code_that_means_two_flights_is_ambiguous(world: &mut World) {
    fleet(world);
    world.query(&format!(r#"UPDATE "flights" SET "code" = 'DL100' WHERE "id" = '{LIVE}'"#));
    let output = world.run("flight start DL100").exits(4);
    assert!(output.stderr.contains(SCHEDULED) && output.stderr.contains(LIVE), "{output}");
}

#[both(ready)]
fn the_beginning_of_an_id_goes_before_a_code_and_both_are_told(world: &mut World) {
    fleet(world);
    world.query(&format!(
        r#"UPDATE "flights" SET "code" = 'AF12' WHERE "id" = '{STALE}';
        INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "departure", "arrival")
        VALUES ('af120000-0000-4000-8000-000000000000', 'DL7', '9', 'A350', 'delta', 'dl', 'JFK', 'CDG')"#
    ));
    for command in ["flight show AF12 -o json", "flight manifest show af12 -o json", "flight start AF12 -o json"] {
        let output = world.run(command).ok();
        let told = output.stderr;
        assert!(told.contains("af120000-0000-4000-8000-000000000000 DL7") && told.contains(STALE), "{command}: {told}");
    }
    assert_eq!(world.run("flight show AF12 -o json").json()["code"], "DL7");
    let plain = world.run(["flight", "show", STALE, "-o", "json"]);
    assert_eq!(plain.stderr, "");
    assert_eq!(plain.json()["code"], "AF12");
    // Of two ids that begin so, neither is chosen, and the code is no way out.
    world.query(
        r#"INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "departure", "arrival")
        VALUES ('af121111-0000-4000-8000-000000000000', 'DL8', '9', 'A350', 'delta', 'dl', 'JFK', 'CDG')"#,
    );
    let ambiguous = world.run("flight show AF12").exits(4).stderr;
    assert!(["af120000", "af121111", STALE].iter().all(|id| ambiguous.contains(id)), "{ambiguous}");
}

#[both(ready)]
fn an_edit_shows_its_effects_and_asks(world: &mut World) {
    fleet(world);
    let edit = "flight edit DL100 --at +1d --arrival-airport x";
    world.run(edit).exits(2);
    let edit = "flight edit DL100 --at +1d --to AMS --no-codeshare --aircraft B747";
    insta::assert_snapshot!(world.run(edit), @r#"
    exit: 9
    --- stderr
    --at +1d (UTC) is 2025-07-05T12:00:00Z
    → [database]
    arrival: CDG → AMS
    startTime: 2025-07-04 18:00:00 → 2025-07-05 12:00:00
    codeshareAirlineId: af → —
    aircraft: A350 → B747
    error: a confirmation is needed
      why  no question can be asked here: Change DL100 [uuid]?
      fix  add --yes
    "#);
    assert_eq!(times(world, SCHEDULED), "2025-07-04 18:00:00||");
    world.call(edit).answers(["n"]).run().exits(9);
    assert_eq!(times(world, SCHEDULED), "2025-07-04 18:00:00||");
    world.run(format!("{edit} --dry-run")).ok();
    assert_eq!(times(world, SCHEDULED), "2025-07-04 18:00:00||");
    world.call(edit).answers(["y"]).run().ok();
    assert_eq!(times(world, SCHEDULED), "2025-07-05 12:00:00||");
    let edited = world.run(format!("{edit} --yes -o json"));
    assert!(edited.stderr.contains("Nothing to change"), "{edited}");
    let edited = edited.json();
    assert_eq!((&edited["arrival"], &edited["codeshare"]), (&json!("AMS"), &json!(false)));
}

#[both(ready)]
fn an_edit_keeps_the_rules_of_the_plan(world: &mut World) {
    fleet(world);
    for (change, code, exit) in [
        ("--brand AF", "brand_of_another", 5),
        ("--code AF1", "code_of_another", 5),
        ("--code D", "invalid_value", 2),
        ("--to JFK", "same_airport", 5),
        ("--codeshare delta", "codeshare_with_itself", 5),
        ("--brand nobody", "not_found", 4),
    ] {
        let output = world.run(format!("flight edit DL100 {change} --yes -o json")).exits(exit);
        assert_eq!(output.error()["code"], code, "{output}");
    }
    world.run("flight edit DL100").exits(2);
    world.run("flight edit DL100 --codeshare af --no-codeshare").exits(2);
    for over in [ENDED, CANCELLED] {
        let output = world.run(format!("flight edit {over} --aircraft B747 --yes -o json")).exits(5);
        assert_eq!(output.error()["code"], "illegal_transition");
    }
    // What another program stored against the rules can be edited where that is not touched.
    world.query(&format!(r#"UPDATE "flights" SET "arrival" = "departure" WHERE "id" = '{LIVE}'"#));
    world.run("flight edit DL300 --aircraft B747 --yes").ok();
}

#[both(ready)]
fn an_edit_of_what_was_changed_meanwhile_is_refused(world: &mut World) {
    fleet(world);
    let database = world.url();
    let before = world.run(format!("flight show {SCHEDULED} -o json")).json();
    assert_eq!(before["aircraft"], "A350");
    crate::support::block_on(async {
        use skyteam::db;
        use skyteam::directory::flight;
        use skyteam::directory::flight::FlightError;
        use skyteam::directory::flight::edit::Changes;
        use skyteam::directory::input::Name;
        use skyteam::directory::reference;
        use skyteam::entity::Timestamp;
        let database = db::connect(&db::DatabaseUrl::parse(&database).unwrap(), db::Options::default()).await.unwrap();
        let seen = reference::flight(database.conn(), "DL100").await.unwrap();
        let changes = |aircraft| Changes { aircraft: Some(Name::parse(aircraft).unwrap()), ..Changes::default() };
        let now: Timestamp = "2025-07-04T12:00:00Z".parse().unwrap();
        let tx = database.begin().await.unwrap();
        flight::edit::edit(&tx, &seen, &changes("B747"), now).await.unwrap();
        tx.commit().await.unwrap();
        let tx = database.begin().await.unwrap();
        let second = flight::edit::edit(&tx, &seen, &changes("A380"), now).await;
        assert!(matches!(second, Err(FlightError::Changed { .. })), "{second:?}");
        tx.rollback().await.unwrap();
        database.close().await;
    });
    assert_eq!(world.query(&format!(r#"SELECT "aircraft" FROM "flights" WHERE "id" = '{SCHEDULED}'"#)), "B747");
}

#[both(ready)]
fn a_flight_is_deleted_only_by_name_and_only_unused(world: &mut World) {
    fleet(world);
    let count = |world: &World| world.query(r#"SELECT count(*) FROM "flights""#);
    world.run("flight delete DL100").exits(9);
    world.run("flight delete DL100 --yes").exits(9);
    world.run("flight delete DL100 --confirm other").exits(9);
    world.run("flight rm DL100 --dry-run").ok();
    assert_eq!(count(world), "6");
    world.run(format!("flight delete DL100 --confirm {}", world.name())).ok();
    world.run("flight delete DL100").exits(4);
    assert_eq!(count(world), "5");

    world
        .query(&format!(r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('{LIVE}', '1', 5)"#));
    let output = world.run(format!("flight delete DL300 --confirm {} -o json", world.name())).exits(5);
    assert_eq!(output.error()["code"], "in_use");
    assert!(output.error()["why"].as_str().unwrap().contains("1 passenger on board, 0 ledger entries"), "{output}");
    for over in [ENDED, CANCELLED] {
        let output = world.run(format!("flight delete {over} --confirm {} -o json", world.name())).exits(5);
        assert_eq!(output.error()["code"], "illegal_transition");
    }
    assert_eq!(count(world), "5");
}
