//! Flights named by code and day, ended ones too.

use super::{ENDED, fleet};
use crate::support::{World, both};

#[both(ready)]
fn the_morning_after_a_flight_is_named_by_its_code_and_day(world: &mut World) {
    fleet(world);
    let told = world.run("flight manifest show DL500").exits(4);
    assert!(told.stderr.contains("error: no flight \"DL500\" is scheduled or live"), "{told}");
    assert!(told.stderr.contains("DL500 JFK–CDG, ended, 2025-07-04 08:00:00"), "{told}");
    assert!(told.stderr.contains("fix  skyteam flight manifest show DL500@2025-07-04"), "{told}");
    for (command, again) in [
        ("flight board DL500 1 --miles 5", "flight board DL500@2025-07-04 1 --miles 5"),
        ("miles award 1 5 --note x --flight DL500", "miles award 1 5 --note x --flight DL500@2025-07-04"),
        ("miles award 1 5 --note x --flight=DL500", "miles award 1 5 --note x --flight=DL500@2025-07-04"),
        ("flight manifest import DL500 -", "flight manifest import DL500@2025-07-04 -"),
        ("flight edit DL500 --aircraft A320", "flight edit DL500@2025-07-04 --aircraft A320"),
        ("flight end DL500", "flight end DL500@2025-07-04"),
        ("miles history 1 --flight DL500", "miles history 1 --flight DL500@2025-07-04"),
    ] {
        let told = world.call(command).input("user,miles\n1,5\n").run().exits(4);
        assert!(told.stderr.contains(&format!("fix  skyteam {again}\n")), "{command}: {told}");
    }
    for command in ["flight show", "flight manifest show", "flight manifest export"] {
        world.run(format!("{command} DL500@2025-07-04")).ok();
    }
    assert_eq!(world.run("flight show dl500@2025-07-04 -o json").ok().json()["id"], ENDED);
    world.run("flight show DL500@2025-07-05").exits(4);
    for day in ["2025-13-05", "2025-02-29"] {
        let refused = world.run(format!("flight show DL500@{day}")).exits(2);
        assert!(refused.stderr.contains("a day that does not exist"), "{refused}");
    }
    world.run("flight show DL500@yesterday").exits(4);
    world.run("flight show DL500@").exits(4);
    // Those that are open are named by their day as well.
    world.run("flight show DL100@2025-07-04").ok();
    world.run("miles award 1 5 --note x --flight DL500@2025-07-04 --source flight").ok();
    world.run("miles history 1 --flight DL500@2025-07-04").ok();
}

#[both(ready)]
fn the_day_is_that_of_the_zone(world: &mut World) {
    fleet(world);
    world.query(&format!(r#"UPDATE "flights" SET "startTime" = '2025-07-03 23:30:00' WHERE "id" = '{ENDED}'"#));
    world.run("flight show DL500@2025-07-03").ok();
    world.run("flight show DL500@2025-07-04").exits(4);
    world.run("--tz Asia/Tokyo flight show DL500@2025-07-04").ok();
    let told = world.run("--tz Asia/Tokyo flight show DL500").exits(4);
    assert!(told.stderr.contains("fix  skyteam --tz Asia/Tokyo flight show DL500@2025-07-04"), "{told}");
}

#[both(ready)]
fn two_of_one_day_are_listed_and_the_newest_has_its_id(world: &mut World) {
    fleet(world);
    let other = "5b000000-0000-4000-8000-000000000000";
    world.query(&format!(
        r#"INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "startTime", "startedAt",
            "endTime", "departure", "arrival")
        SELECT '{other}', "code", "gameId", "aircraft", "airlineId", "brandId", '2025-07-04 09:00:00', "startedAt",
            "endTime", "departure", "arrival" FROM "flights" WHERE "id" = '{ENDED}'"#
    ));
    let told = world.run("flight show DL500@2025-07-04 -o json").exits(4).error();
    assert_eq!(told["code"], "ambiguous");
    assert!(told["why"].as_str().unwrap().contains(other) && told["why"].as_str().unwrap().contains(ENDED), "{told}");
    let told = world.run("flight show DL500").exits(4);
    assert!(told.stderr.contains(&format!("fix  skyteam flight show {other}")), "{told}");
}
