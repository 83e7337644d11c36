//! Every remedy that is printed is run: the findings are gone, nothing else changed, and the audit finds nothing new.

use crate::schema::{drizzle, steps};
use crate::support::{Engine, World, both};

/// Runs every statement that a plan prints as a remedy, in its order.
#[track_caller]
fn run_all(world: &World) -> usize {
    let plan = world.run("db diff -o json").ok().json();
    let mut run = 0;
    for finding in plan["findings"].as_array().unwrap() {
        let mends = finding["mend"].as_array().unwrap();
        assert!(!mends.is_empty(), "{finding}");
        for mend in mends {
            let sql = mend.as_str().unwrap();
            assert!(!sql.contains("skyteam ") && !sql.contains('…'), "no statement: {sql}");
            world.query(sql);
            run += 1;
        }
    }
    run
}

/// The balances, and the entries without what may be mended of them.
fn money(world: &World) -> String {
    world.query(r#"SELECT "userId", miles FROM users ORDER BY 1"#)
        + &world.query(r#"SELECT id, "userId", amount FROM "milesTransactions" ORDER BY 1"#)
}

#[both]
fn an_award_below_zero_changes_its_type_and_no_amount(world: &mut World) {
    world.run("db push").ok();
    world.run("user add 1 pilot").ok();
    world.run("miles award @pilot 100 --note n").ok();
    let loosened = match world.engine() {
        Engine::Postgres => r#"ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_amount_check""#,
        Engine::Sqlite => {
            r#"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CHECK ("type" = ''earn'' AND "amount" >= 0 OR', 'CHECK (1 OR "type" = ''earn'' AND "amount" >= 0 OR') WHERE name = 'milesTransactions'"#
        }
    };
    world.query(loosened);
    world.query(r#"INSERT INTO "milesTransactions" ("userId", amount, type, source) VALUES ('1', -50, 'earn', 'flight'), ('1', 5, 'spend', 'x'), ('1', 0, 'gift', 'x')"#);
    world.query(r#"UPDATE users SET miles = miles - 45"#);
    let before = money(world);
    assert_eq!(run_all(world), 1);
    assert_eq!(money(world), before, "neither an amount nor a balance");
    world.run("db push").ok();
    assert_eq!(steps(world), [""; 0]);
    world.run("miles audit").ok();
    assert_eq!(world.query(r#"SELECT count(*) FROM "milesTransactions" WHERE type = 'spend' AND amount = -50"#), "1");
}

#[test]
fn of_doubled_passengers_each_keeps_the_row_that_was_paid() {
    let world = drizzle();
    let count = || world.query(r#"SELECT count(*) FROM "flightPassengers""#);
    let rows = count();
    // The later row is the one whose miles are in the ledger.
    world.query(
        r#"CREATE TABLE paid AS SELECT * FROM "flightPassengers" WHERE "userId" = '115838';
           UPDATE "flightPassengers" SET miles = miles + 7 WHERE "userId" = '115838';
           INSERT INTO "flightPassengers" ("flightId", "userId", miles, "joinedAt") SELECT "flightId", "userId", miles, "joinedAt" + interval '1 hour' FROM paid"#,
    );
    assert_eq!(run_all(&world), 1);
    assert_eq!(count(), rows);
    assert_eq!(
        world.query(r#"SELECT count(*) FROM paid p JOIN "flightPassengers" f USING ("flightId", "userId") WHERE f.miles = p.miles"#),
        world.query("SELECT count(*) FROM paid")
    );
    world.run("db push").ok();
    world.run("miles audit").ok();
}

/// A row's ctid is its own within one physical table only.
#[test]
fn doubled_passengers_of_a_partitioned_table_are_told_apart() {
    let world = drizzle();
    world.query(
        r#"ALTER TABLE "flightPassengers" RENAME TO old;
           CREATE TABLE "flightPassengers" ("flightId" uuid NOT NULL, "userId" text NOT NULL, miles integer NOT NULL, "joinedAt" timestamp DEFAULT now() NOT NULL) PARTITION BY HASH ("userId");
           CREATE TABLE p0 PARTITION OF "flightPassengers" FOR VALUES WITH (modulus 3, remainder 0);
           CREATE TABLE p1 PARTITION OF "flightPassengers" FOR VALUES WITH (modulus 3, remainder 1);
           CREATE TABLE p2 PARTITION OF "flightPassengers" FOR VALUES WITH (modulus 3, remainder 2);
           INSERT INTO "flightPassengers" SELECT * FROM old;
           INSERT INTO "flightPassengers" SELECT * FROM old ORDER BY "joinedAt" LIMIT 20"#,
    );
    let kept = r#"SELECT * FROM "flightPassengers" EXCEPT ALL SELECT * FROM old"#;
    assert_eq!(world.query(kept).lines().count(), 20);
    assert_eq!(run_all(&world), 1);
    assert_eq!(world.query(kept), "");
    assert_eq!(world.query(r#"SELECT * FROM old EXCEPT ALL SELECT * FROM "flightPassengers""#), "");
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn the_rows_of_an_archive_that_inherits_are_nobodys_findings() {
    let world = drizzle();
    world.query(
        r#"CREATE TABLE archive () INHERITS ("flightPassengers");
           INSERT INTO archive SELECT * FROM ONLY "flightPassengers";
           INSERT INTO "flightPassengers" SELECT * FROM ONLY "flightPassengers" LIMIT 3"#,
    );
    let before = world.query("SELECT * FROM archive");
    let plan = world.run("db diff -o json").ok().json();
    assert_eq!(plan["findings"][0]["rows"], 3, "{plan}");
    assert_eq!(run_all(&world), 1);
    assert_eq!(world.query("SELECT * FROM archive"), before);
    world.run("db push").ok();
}

#[test]
fn two_primary_brands_and_prices_of_nothing_are_mended_and_nothing_else() {
    let world = drizzle();
    world.query(
        r#"UPDATE brands SET "isPrimary" = true WHERE "airlineId" = 'delta';
           UPDATE "milesProducts" SET "priceMiles" = 0 WHERE "productId" = (SELECT min("productId") FROM "milesProducts")"#,
    );
    let others = || {
        world.query(r#"SELECT * FROM brands WHERE "airlineId" <> 'delta' ORDER BY 1"#)
            + &world.query(r#"SELECT * FROM "milesProducts" WHERE "priceMiles" > 1 ORDER BY 1"#)
    };
    let before = others();
    assert_eq!(run_all(&world), 2);
    assert_eq!(others(), before);
    world.run("db push").ok();
}
