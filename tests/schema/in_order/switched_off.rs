//! Foreign keys, triggers and constraints that are there and switched off.

use serde_json::Value;

use super::major;
use crate::schema::steps;
use crate::support::{Engine, World, both};

const NOBODY: &str =
    r#"INSERT INTO "milesTransactions" ("userId", amount, type, source) VALUES ('nobody', 5, 'earn', 'x')"#;

/// As a superuser, who alone may switch off the triggers behind foreign keys.
#[track_caller]
fn as_superuser(world: &World, sql: &str) {
    world.server().as_superuser(&world.name()).rows(sql);
}

#[test]
fn foreign_keys_that_are_off_are_a_difference_and_come_back_once_the_rows_obey() {
    let world = World::ready(Engine::Postgres);
    as_superuser(&world, r#"ALTER TABLE "milesTransactions" DISABLE TRIGGER ALL"#);
    world.query(NOBODY);
    let found = steps(&world);
    for step in [
        "drop constraint milesTransactions_userId_users_userId_fk",
        "add constraint milesTransactions_userId_users_userId_fk",
        "create trigger milesTransactions_append_only",
    ] {
        assert!(found.iter().any(|each| each == step), "{step}: {found:?}");
    }
    assert!(!found.iter().any(|step| step.contains("flightPassengers_userId")), "{found:?}");
    let refused = world.run("db push").exits(5);
    assert!(refused.stderr.contains("1 row of milesTransactions name a row of users that is not there"), "{refused}");
    world.run("db status --exit-code").exits(3);
    // What is printed brings the user back, with the balance that the ledger says.
    let plan = world.run("db diff -o json").ok().json();
    for mend in plan["findings"].as_array().unwrap().iter().flat_map(|each| each["mend"].as_array().unwrap()) {
        world.query(mend.as_str().unwrap());
    }
    assert_eq!(world.query("SELECT miles FROM users WHERE \"userId\" = 'nobody'"), "5");
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    world.run("miles audit").ok();
    assert!(world.source().try_rows(&NOBODY.replace("nobody", "another")).is_err(), "it holds again");
}

/// The triggers on the side of the target keep a user from being deleted.
#[test]
fn keys_that_are_off_on_the_side_of_their_target_are_a_difference_too() {
    let world = World::ready(Engine::Postgres);
    as_superuser(&world, "ALTER TABLE users DISABLE TRIGGER ALL");
    let found = steps(&world);
    for step in [
        "add constraint milesTransactions_userId_users_userId_fk",
        "add constraint flightPassengers_userId_users_userId_fk",
    ] {
        assert!(found.iter().any(|each| each == step), "{step}: {found:?}");
    }
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    // Always is on, and no difference.
    as_superuser(&world, r#"ALTER TABLE users ENABLE TRIGGER ALL"#);
    assert_eq!(steps(&world), [""; 0]);
}

#[both(ready)]
fn doctor_and_audit_see_rows_that_name_nothing(world: &mut World) {
    match world.engine() {
        Engine::Postgres => {
            as_superuser(world, r#"ALTER TABLE "milesTransactions" DISABLE TRIGGER ALL"#);
            world.query(NOBODY);
            // Switched on again, no catalogue shows that the row is there.
            as_superuser(world, r#"ALTER TABLE "milesTransactions" ENABLE TRIGGER ALL"#);
            assert_eq!(steps(world), [""; 0]);
        }
        Engine::Sqlite => drop(world.query(&format!("PRAGMA foreign_keys = OFF; {NOBODY}"))),
    }
    let found = crate::schema::in_order::answer(&world.run("miles audit -o json").exits(3));
    let found: Vec<&Value> = found.as_array().unwrap().iter().collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0]["invariant"].as_str(), found[0]["userId"].as_str()), (Some("user_exists"), Some("nobody")));
    let doctor = crate::schema::in_order::answer(&world.run("db doctor -o json").exits(3));
    let check = doctor.as_array().unwrap().iter().find(|check| check["name"] == "rows that name nothing").unwrap();
    assert_eq!(check["level"], "error", "{check}");
    assert!(check["found"].as_str().unwrap().contains("milesTransactions.userId nobody"), "{check}");
}

#[test]
fn what_holds_for_new_rows_only_or_is_not_enforced_is_a_difference() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"ALTER TABLE brands DROP CONSTRAINT "brands_airlineId_airlines_airlineId_fk",
             ADD CONSTRAINT "brands_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES airlines NOT VALID"#,
    );
    assert_eq!(steps(&world), ["validate constraint brands_airlineId_airlines_airlineId_fk"]);
    world.run("db push").ok();
    if major(&world) >= 18 {
        world.query(
            r#"ALTER TABLE flights ALTER CONSTRAINT "flights_brandId_brands_brandId_fk" NOT ENFORCED;
               ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check",
                 ADD CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" > 0) NOT ENFORCED"#,
        );
        let found = steps(&world);
        for step in
            ["add constraint milesProducts_priceMiles_check", "add constraint flights_brandId_brands_brandId_fk"]
        {
            assert!(found.iter().any(|each| each == step), "{step}: {found:?}");
        }
        world.run("db push").ok();
    }
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn an_index_that_is_not_valid_is_none() {
    let world = World::ready(Engine::Postgres);
    as_superuser(
        &world,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.\"flights_brandId_idx\"'::regclass",
    );
    let found = steps(&world);
    assert!(found.iter().any(|step| step == "create index flights_brandId_idx"), "{found:?}");
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn not_null_for_new_rows_only_is_validated_once_the_rows_obey() {
    let world = World::ready(Engine::Postgres);
    if major(&world) < 18 {
        return;
    }
    world.run("user add 1 pilot").ok();
    world.query(
        r#"ALTER TABLE users ALTER "displayName" DROP NOT NULL; UPDATE users SET "displayName" = NULL;
           ALTER TABLE users ADD CONSTRAINT named NOT NULL "displayName" NOT VALID"#,
    );
    assert_eq!(steps(&world), ["refuse NULL in users.displayName"]);
    world.run("db push").exits(5);
    world.query(r#"UPDATE users SET "displayName" = 'Pilot'"#);
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    assert_eq!(world.query("SELECT convalidated FROM pg_constraint WHERE conname = 'named'"), "t");
}
