//! `flight board`: passenger, balance and entry together, once.

use std::process::Child;

use super::{CANCELLED, ENDED, LIVE, books, books_are_right, fleet};
use crate::support::{World, both};

#[both(ready)]
fn boarding_pays_once(world: &mut World) {
    fleet(world);
    let boarded = world.run("flight board DL300 @pilot123 --miles 500 --note 'First class' --actor bot -o json").json();
    assert_eq!((&boarded["userId"], &boarded["username"]), (&"1".into(), &"pilot123".into()));
    assert_eq!(
        (&boarded["miles"], &boarded["balance"], &boarded["already"]),
        (&500.into(), &500.into(), &false.into())
    );
    let entry = world.query(
        r#"SELECT "id", "userId", "amount", "type", "source", "flightId", "note", "actor", "batchId"
        FROM "milesTransactions""#,
    );
    let id = boarded["entryId"].as_str().unwrap();
    assert_eq!(entry, format!("{id}|1|500|earn|flight|{LIVE}|First class|bot|"));
    let before = books(world);

    let again = world.run("flight board DL300 1 --miles 900 -o json").json();
    assert_eq!((&again["already"], &again["miles"], &again["balance"]), (&true.into(), &500.into(), &500.into()));
    assert_eq!(again["entryId"], serde_json::Value::Null);
    let again = world.run("flight board DL300 PILOT123 --miles 500").ok();
    assert!(again.stdout.contains("pilot123 (1) is already on board DL300, paid"), "{again}");
    assert_eq!(books(world), before);
    books_are_right(world);
}

#[both(ready)]
fn a_dry_run_boards_nobody(world: &mut World) {
    fleet(world);
    let output = world.run("flight board DL300 1 --miles 500 -n").ok();
    assert!(output.stdout.contains("would board DL300: +500 miles, balance 500"), "{output}");
    assert_eq!(books(world), "");
}

#[both(ready)]
fn nobody_boards_what_is_over(world: &mut World) {
    fleet(world);
    for over in [ENDED, CANCELLED] {
        let output = world.run(format!("flight board {over} 1 --miles 5 -o json")).exits(5);
        assert_eq!(output.error()["code"], "illegal_transition", "{output}");
    }
    world.run("flight board DL300 nobody --miles 5").exits(4);
    world.run("flight board DL999 1 --miles 5").exits(4);
    for wrong in ["0", "-5", "2147483648", "1.5", "x", ""] {
        world.run(["flight", "board", "DL300", "1", "--miles", wrong]).exits(2);
    }
    world.run("flight board DL300 1").exits(2);
    assert_eq!(books(world), "");
}

#[both(ready)]
fn a_balance_that_would_pass_its_limit_is_refused_whole(world: &mut World) {
    fleet(world);
    world.run("flight board DL300 1 --miles 2147483647").ok();
    let before = books(world);
    world.run("flight board DL100 1 --miles 1").exits(5);
    assert_eq!(books(world), before);
}

#[both(ready)]
fn one_who_was_paid_before_gets_a_seat_and_no_more(world: &mut World) {
    fleet(world);
    world.query(&format!(
        r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "flightId")
            VALUES ('1', 700, 'earn', 'flight', '{LIVE}');
        UPDATE "users" SET "miles" = 700 WHERE "userId" = '1'"#
    ));
    let boarded = world.run("flight board DL300 1 --miles 500 -o json").json();
    assert_eq!(
        (&boarded["already"], &boarded["miles"], &boarded["balance"]),
        (&false.into(), &700.into(), &700.into())
    );
    books_are_right(world);
}

#[both(ready)]
fn of_many_boardings_at_once_one_pays(world: &mut World) {
    fleet(world);
    let command = "flight board DL300 1 --miles 500 -o json";
    let children: Vec<Child> = (0..8).map(|_| world.spawn(command)).collect();
    let answers = children.into_iter().map(|child| world.finish(command.to_owned(), child, b"").json());
    let paid = answers.filter(|answer| answer["already"] == false).count();
    assert_eq!(paid, 1);
    assert_eq!(books(world), format!("balance|1|500|\nentry|1|500|{LIVE}\nseat|1|500|{LIVE}"));
}

#[both(ready)]
fn boarding_and_ending_at_once_leave_the_books_right(world: &mut World) {
    fleet(world);
    let board = |user: u32| world.spawn(format!("flight board {LIVE} {user} --miles 5"));
    let mut children: Vec<(String, Child)> = (1..=3).map(|user| ("board".to_owned(), board(user))).collect();
    children.insert(1, ("end".to_owned(), world.spawn(format!("flight end {LIVE}"))));
    for (name, child) in children {
        let output = world.finish(name.clone(), child, b"");
        let fair = if name == "end" { output.code == 0 } else { matches!(output.code, 0 | 5) };
        assert!(fair, "{output}");
    }
    books_are_right(world);
}
