//! Miles for a flight: `miles award --flight` beside `flight board`.

use super::{DL1, furnish, sound, state};
use crate::support::{World, both};

fn seat(world: &World, user: &str) -> String {
    world
        .query(&format!(r#"SELECT "miles" FROM "flightPassengers" WHERE "flightId" = '{DL1}' AND "userId" = '{user}'"#))
}

#[both]
fn a_flight_is_paid_once_however_it_is_asked_for(world: &mut World) {
    furnish(world);
    let entry = world.run(format!("miles award 1 250 --flight {DL1} --note late -o json")).json();
    assert_eq!((entry["source"].as_str(), entry["flightId"].as_str()), (Some("flight"), Some(DL1)));
    assert_eq!((seat(world, "1").as_str(), state(world).as_str()), ("250", "1=250 2=0 3=0 entries=1 seats=1"));
    let twice = world.run("miles award 1 250 --flight DL1 --note late -o json").exits(5).error();
    assert_eq!(twice["code"], "already_awarded");
    world.run("miles award 2 1 250 --flight DL1 --note late").exits(5);
    world.run("flight board DL1 1 --miles 250").ok();
    assert_eq!(state(world), "1=250 2=0 3=0 entries=1 seats=1");

    world.run("flight board DL1 Bob --miles 300").ok();
    assert_eq!(
        world.run("miles award 2 300 --flight DL1 --note x -o json").exits(5).error()["code"],
        "already_awarded"
    );
    assert_eq!(state(world), "1=250 2=300 3=0 entries=2 seats=2");
    // Another source is another payment, not the award for the flight.
    world.run("miles award 2 10 --flight DL1 --source bonus --note x").ok();
    sound(world);
}

#[both]
fn a_key_answers_before_the_flight_refuses(world: &mut World) {
    furnish(world);
    let line = "miles award 1 250 --flight DL1 --note x --key k -o json";
    let first = world.run(line).json();
    let again = world.run(line);
    assert!(again.stderr.contains("Already applied"), "{again}");
    assert_eq!(again.json(), first);
    assert_eq!(state(world), "1=250 2=0 3=0 entries=1 seats=1");
}

#[both]
fn a_reversed_award_leaves_the_passenger_and_can_be_paid_anew(world: &mut World) {
    furnish(world);
    world.run("flight board DL1 1 --miles 300").ok();
    world.run("miles reverse last --note wrong --yes").ok();
    assert_eq!((seat(world, "1").as_str(), state(world).as_str()), ("300", "1=0 2=0 3=0 entries=2 seats=1"));
    sound(world);
    // An award pays anew, and the passenger's row follows it; boarding would, too.
    world.run("miles award 1 250 --flight DL1 --note right").ok();
    assert_eq!((seat(world, "1").as_str(), state(world).as_str()), ("250", "1=250 2=0 3=0 entries=3 seats=1"));
    world.run("miles award 1 250 --flight DL1 --note right").exits(5);
    sound(world);
}

#[both]
fn an_award_of_another_program_counts_as_paid(world: &mut World) {
    furnish(world);
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "flightId") VALUES ('1', 200, 'earn', 'flight', '{DL1}');
        UPDATE "users" SET "miles" = 200 WHERE "userId" = '1';"#
    ));
    world.run("flight board DL1 1 --miles 300").ok();
    assert_eq!((seat(world, "1").as_str(), state(world).as_str()), ("200", "1=200 2=0 3=0 entries=1 seats=1"));
    sound(world);
}
