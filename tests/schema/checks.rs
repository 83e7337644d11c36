//! Data that breaks a rule to come: found before anything runs, all at once, with what mends it.

use serde_json::json;

use super::{drizzle, steps};
use crate::support::{Engine, World, both};

const BAD: &str = r#"
    UPDATE "milesProducts" SET "priceMiles" = 0 WHERE "productId" = (SELECT min("productId") FROM "milesProducts");
    UPDATE "milesTransactions" SET amount = -amount WHERE id = (SELECT min(id::text)::uuid FROM "milesTransactions" WHERE amount > 0);
    UPDATE "flightPassengers" SET miles = -1 WHERE "userId" = '107919';
    UPDATE brands SET "isPrimary" = true WHERE "airlineId" = 'delta';
    INSERT INTO "flightPassengers" SELECT * FROM "flightPassengers" WHERE "userId" = '115838';
"#;

#[test]
fn every_rule_of_version_two_is_asked_and_all_answers_come_at_once() {
    let world = drizzle();
    world.query(BAD);
    let before = world.catalogue();
    let refused = world.run("db push").exits(5);
    assert_eq!(world.catalogue(), before);
    for finding in [
        "add constraint flightPassengers_flightId_userId_pk: 6 rows of flightPassengers stand beside another with the same flightId and userId",
        "add constraint flightPassengers_miles_check: 6 rows of flightPassengers break the rule",
        "add constraint milesTransactions_amount_check: 1 row of milesTransactions break",
        "add constraint milesProducts_priceMiles_check: 1 row of milesProducts break",
        "create index brands_airlineId_primary_unique: 1 row of brands stand",
        "airlineId delta, times 2",
    ] {
        assert!(refused.stderr.contains(finding), "{finding}\nnot in:\n{}", refused.stderr);
    }
    // Nothing tells passengers apart yet: the key that is to come does.
    assert!(refused.stderr.contains("userId 107919, miles -1"), "{refused}");
    // At most five examples of each.
    let examples = refused.stderr.lines().filter(|line| line.contains("userId 115838")).count();
    assert_eq!(examples, 5, "{}", refused.stderr);

    let plan = world.run("db diff -o json").ok().json();
    let findings = plan["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 5);
    for finding in findings {
        // The query shows all of them.
        let shown = world.rows(finding["query"].as_str().unwrap()).len();
        assert!(shown > 0, "{finding}");
    }
}

/// What is printed as the way to mend it does mend it.
#[test]
fn the_statements_that_are_printed_mend_it() {
    let world = drizzle();
    world.query(BAD);
    let plan = world.run("db diff -o json").ok().json();
    for finding in plan["findings"].as_array().unwrap() {
        for mend in finding["mend"].as_array().unwrap() {
            world.query(mend.as_str().unwrap());
        }
    }
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn of_two_primary_brands_the_command_leaves_one() {
    let world = drizzle();
    world.query(r#"UPDATE brands SET "isPrimary" = true WHERE "airlineId" = 'delta'"#);
    world.run("brand primary delta-connection --yes").ok();
    assert_eq!(
        world.query(r#"SELECT "brandId" FROM brands WHERE "isPrimary" AND "airlineId" = 'delta'"#),
        "delta-connection"
    );
    world.run("db push").ok();
}

#[both]
fn a_rule_that_came_loose_is_asked_again_when_it_comes_back(world: &mut World) {
    world.run("db push").ok();
    world.query(match world.engine() {
            Engine::Postgres => r#"
                ALTER TABLE brands DROP CONSTRAINT "brands_airlineId_airlines_airlineId_fk", DROP CONSTRAINT brands_iata_unique;
                ALTER TABLE users ALTER COLUMN username DROP NOT NULL"#,
            Engine::Sqlite => r#"
                PRAGMA foreign_keys = OFF;
                DROP TABLE brands; DROP TABLE users;
                CREATE TABLE brands ("brandId" TEXT PRIMARY KEY NOT NULL, "airlineId" TEXT NOT NULL, name TEXT NOT NULL,
                  iata TEXT NOT NULL, icao TEXT NOT NULL UNIQUE, callsign TEXT NOT NULL UNIQUE, "isPrimary" INTEGER NOT NULL DEFAULT 0,
                  "logoUrl" TEXT, "accentColor" TEXT NOT NULL DEFAULT '', "secondaryColor" TEXT NOT NULL DEFAULT '',
                  "elementColor" TEXT NOT NULL DEFAULT '');
                CREATE TABLE users ("userId" TEXT PRIMARY KEY NOT NULL, username TEXT UNIQUE, "displayName" TEXT NOT NULL,
                  miles INTEGER NOT NULL DEFAULT 0, "avatarUrl" TEXT, "createdAt" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
                  "updatedAt" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT"#,
        });
    world.query(
        r#"INSERT INTO users ("userId", username, "displayName") VALUES ('1', NULL, 'One');
            INSERT INTO airlines ("airlineId", name, token) VALUES ('somebody', 'S', 't')"#,
    );
    world.query(&format!(
        "{} INSERT INTO brands (\"brandId\", \"airlineId\", name, iata, icao, callsign)
            VALUES ('a', 'nobody', 'A', 'AA', 'AAA', 'A'), ('b', 'nobody', 'B', 'AA', 'BBB', 'B')",
        if world.engine() == Engine::Sqlite { "PRAGMA foreign_keys = OFF;" } else { "" }
    ));
    let refused = world.run("db push").exits(5);
    for finding in [
        "refuse NULL in users.username: 1 row of users have no value",
        "add constraint brands_iata_unique: 1 row of brands stand beside another with the same iata",
        "add constraint brands_airlineId_airlines_airlineId_fk: 2 rows of brands name a row of airlines that is not there",
        "--backfill users.username=VALUE",
    ] {
        assert!(refused.stderr.contains(finding), "{finding}\nnot in:\n{}", refused.stderr);
    }
    world.query("DELETE FROM brands");
    world.run("db push --backfill users.username=nobody").ok();
    assert_eq!(world.query("SELECT username FROM users"), "nobody");
    assert_eq!(steps(world), [""; 0]);
}

#[both]
fn values_that_cannot_become_another_type_are_found_and_those_that_change_need_consent(world: &mut World) {
    world.run("db push").ok();
    world.query(match world.engine() {
            Engine::Postgres => r#"ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check", ALTER COLUMN "priceMiles" TYPE text"#,
            Engine::Sqlite => r#"DROP TABLE "milesProducts"; CREATE TABLE "milesProducts" ("productId" TEXT PRIMARY KEY NOT NULL,
                "airlineId" TEXT NOT NULL REFERENCES airlines ("airlineId"), name TEXT NOT NULL, description TEXT, "priceMiles" TEXT NOT NULL,
                active INTEGER NOT NULL DEFAULT 1, "createdAt" TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT"#,
        });
    world.query(r#"INSERT INTO airlines ("airlineId", name, token) VALUES ('a', 'A', 't');
            INSERT INTO "milesProducts" ("productId", "airlineId", name, "priceMiles") VALUES ('p', 'a', 'P', '007'), ('q', 'a', 'Q', 'free'), ('r', 'a', 'R', '5'), ('s', 'a', 'S', '-3')"#);
    let refused = world.run("db push").exits(5);
    let word = if world.engine() == Engine::Postgres { "integer" } else { "INTEGER" };
    let finding =
        format!("change the type of milesProducts.priceMiles: 1 row of milesProducts have a value that is no {word}");
    assert!(refused.stderr.contains(&finding), "{}", refused.stderr);
    assert!(refused.stderr.contains("productId q, priceMiles free"), "{}", refused.stderr);
    // In the same round: what the rule will say to those that can be turned.
    for words in [
        "add constraint milesProducts_priceMiles_check: 1 row of milesProducts break the rule",
        "productId s, priceMiles -3",
    ] {
        assert!(refused.stderr.contains(words), "{words}\nnot in:\n{}", refused.stderr);
    }
    let plan = world.run("db diff -o json").ok().json();
    for finding in plan["findings"].as_array().unwrap() {
        let shown = world.rows(finding["query"].as_str().unwrap());
        assert_eq!(shown.len(), 1, "{finding}");
    }
    world.query(r#"DELETE FROM "milesProducts" WHERE "productId" IN ('q', 's')"#);
    let refused = world.run("db push").exits(9);
    assert!(refused.stderr.contains("milesProducts.priceMiles (1 value)"), "{}", refused.stderr);
    world.query(r#"UPDATE "milesProducts" SET "priceMiles" = '7' WHERE "productId" = 'p'"#);
    world.run("db push").ok();
    assert_eq!(world.query(r#"SELECT "priceMiles" + 1 FROM "milesProducts" ORDER BY 1"#), "6\n8");
}

#[test]
fn of_two_users_with_one_name_none_is_deleted() {
    let world = drizzle();
    world.query(
        r#"ALTER TABLE users DROP CONSTRAINT users_username_unique;
           INSERT INTO users ("userId", username, "displayName") SELECT '99' || n, 'twin', 'Twin' FROM generate_series(1, 2) n"#,
    );
    let plan = world.run("db diff -o json").ok().json();
    let findings = plan["findings"].as_array().unwrap();
    let twins = findings.iter().find(|each| each["change"] == "add constraint users_username_unique").unwrap();
    assert_eq!(twins["mend"], json!(["skyteam user edit USERID --username NAME    for all but one of each"]));
    assert_eq!(world.rows(twins["query"].as_str().unwrap()).len(), 2, "both of them, with their ids");
    world.run("user edit 992 --username other_twin --yes").ok();
    world.run("db push").ok();
}

#[test]
fn a_conversion_that_keeps_every_value_loses_nothing() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot").ok();
    world.query("ALTER TABLE users ALTER COLUMN username TYPE varchar(30)");
    let plan = world.run("db diff").ok();
    assert!(plan.stdout.contains("change the type of users.username") && !plan.stdout.contains("lost"), "{plan}");
    let pushed = world.run("db push -v").ok();
    assert!(!pushed.stderr.contains("lost"), "{pushed}");
    // Zeros behind the point are no value of their own.
    world.query(
        r#"INSERT INTO airlines ("airlineId", name, token) VALUES ('a', 'A', 't');
           INSERT INTO "milesProducts" ("productId", "airlineId", name, "priceMiles") VALUES ('p', 'a', 'P', 7);
           ALTER TABLE "milesProducts" ALTER COLUMN "priceMiles" TYPE numeric(12, 2)"#,
    );
    world.run("db push").ok();
    world.query(r#"ALTER TABLE "milesProducts" ALTER COLUMN "priceMiles" TYPE numeric(12, 2); UPDATE "milesProducts" SET "priceMiles" = 7.5"#);
    assert!(world.run("db push").exits(9).stderr.contains("milesProducts.priceMiles (1 value)"));
}

#[both(ready)]
fn a_name_that_something_else_has_is_told(world: &mut World) {
    world.query("DROP INDEX \"flights_brandId_idx\"");
    world.query("CREATE TABLE others (a INTEGER)");
    world.query("CREATE INDEX \"flights_brandId_idx\" ON others (a)");
    let error = world.run("db push -o json").exits(5).error();
    assert!(error["why"].as_str().unwrap().contains("something else has that name already"), "{error}");
    assert!(error["fix"].as_str().unwrap().contains("rename or drop it"), "{error}");
}
