//! `db seed`: demonstration data.

use crate::support::{World, both};

#[both]
fn a_new_database_is_made_and_filled_and_a_filled_one_refused(world: &mut World) {
    let seeded = world.run("db seed --users 40 --flights 30 -o json").ok().json();
    assert_eq!((seeded["users"].as_i64(), seeded["flights"].as_i64()), (Some(40), Some(30)));
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "40");
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions""#), seeded["milesTransactions"].to_string());
    let before = world.query(r#"SELECT sum("miles") FROM "users""#);
    let refused = world.run("db seed -o json").exits(5);
    assert_eq!(refused.error()["code"], "not_empty");
    assert_eq!(world.query(r#"SELECT sum("miles") FROM "users""#), before);
}

#[both]
fn the_ledger_of_the_seed_is_right(world: &mut World) {
    world.run("db seed --users 60 --flights 80").ok();
    world.run("db doctor").ok();
}

#[both]
fn the_same_seed_gives_the_same_rows(world: &mut World) {
    world.run("db seed --seed 5 --users 20 --flights 10").ok();
    let other = World::sqlite();
    other.run("db seed --seed 5 --users 20 --flights 10").ok();
    assert_eq!(world.run("user list -o json").ok().stdout, other.run("user list -o json").ok().stdout);
    let third = World::sqlite();
    third.run("db seed --seed 6 --users 20 --flights 10").ok();
    assert_ne!(world.run("user list -o json").ok().stdout, third.run("user list -o json").ok().stdout);
}

#[test]
fn a_dry_run_makes_no_file() {
    let world = World::sqlite();
    for command in ["db seed -n --users 5 --flights 5", "db push -n", "db migrate -n", "db create -n"] {
        let told = world.run(command).ok();
        assert!(!told.stdout.contains(":memory:"), "{told}");
        let place = format!("→ local  {}", world.work().join("skyteam.db").display());
        assert!(told.stderr.contains(&place), "{told}");
        assert!(!world.work().join("skyteam.db").exists(), "{command}");
    }
    assert!(world.run("db push -n").ok().stdout.ends_with("skyteam is what the entities ask for.\n"));
}

#[both]
fn a_dry_run_leaves_nothing(world: &mut World) {
    world.run("db migrate").ok();
    world.run("db seed -n --users 5 --flights 5").ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "0");
}
