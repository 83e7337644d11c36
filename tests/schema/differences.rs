//! What is a difference and what is not.

use super::steps;
use crate::support::{Engine, World, both};

fn pushed(world: &World) {
    world.run("db push").ok();
    assert_eq!(steps(world), [""; 0]);
}

#[both]
fn a_push_into_nothing_leaves_no_difference(world: &mut World) {
    pushed(world);
    world.run("db push").ok();
    world.run("db diff --exit-code").ok();
}

#[both]
fn twenty_runs_print_the_same_bytes(world: &mut World) {
    let first = world
        .run(match world.engine() {
            Engine::Postgres => "db diff",
            // Looking makes no file.
            Engine::Sqlite => {
                world.run("db push").ok();
                world.query("DROP TABLE \"milesProducts\"");
                "db diff"
            }
        })
        .ok()
        .stdout;
    for _ in 1..20 {
        assert_eq!(world.run("db diff").ok().stdout, first);
    }
}

#[test]
fn the_printed_sql_does_what_a_push_does() {
    let world = super::drizzle();
    let script = world.run("db diff -o sql").ok().stdout;
    world.query(&script);
    assert_eq!(steps(&world), [""; 0]);
    assert_eq!(world.run("db diff -o sql").ok().stdout, "");

    let world = World::sqlite();
    world.run("db push").ok();
    world.query(r#"DROP TABLE "milesProducts"; ALTER TABLE "users" ADD COLUMN "extra" TEXT"#);
    let script = world.run("db diff -o sql").ok().stdout;
    world.query(&script);
    assert_eq!(steps(&world), [""; 0]);
}

/// Things that others make, or name otherwise, and that are no difference. Each on a pushed database.
#[test]
fn what_means_the_same_is_no_difference_on_postgres() {
    let world = World::postgres();
    pushed(&world);
    for change in [
        r#"ALTER TABLE users ALTER COLUMN "createdAt" SET DEFAULT CURRENT_TIMESTAMP"#,
        r#"ALTER TABLE users ALTER COLUMN "updatedAt" SET DEFAULT LOCALTIMESTAMP"#,
        r#"ALTER TABLE users ALTER COLUMN "updatedAt" SET DEFAULT now()::timestamp"#,
        r#"ALTER TABLE users ALTER COLUMN "createdAt" TYPE timestamp(6)"#,
        r#"ALTER TABLE users ALTER COLUMN miles SET DEFAULT 0"#,
        r#"ALTER TABLE users RENAME CONSTRAINT users_username_unique TO by_hand"#,
        r#"ALTER TABLE users DROP CONSTRAINT by_hand; CREATE UNIQUE INDEX by_hand ON users (username)"#,
        r#"ALTER TABLE "flightPassengers" RENAME CONSTRAINT "flightPassengers_flightId_userId_pk" TO key"#,
        r#"ALTER TABLE brands RENAME CONSTRAINT "brands_airlineId_airlines_airlineId_fk" TO whose"#,
        r#"ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check", ADD CONSTRAINT positive CHECK (((("priceMiles")) > (0)))"#,
        r#"ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_amount_check", ADD CHECK ((type = 'earn' AND amount >= 0) OR (type = 'spend' AND amount <= 0))"#,
        r#"ALTER INDEX "brands_airlineId_primary_unique" RENAME TO main_brand"#,
        r#"DROP INDEX main_brand; CREATE UNIQUE INDEX main_brand ON brands ("airlineId") WHERE ("isPrimary" = true)"#,
        r#"DROP INDEX main_brand; CREATE UNIQUE INDEX main_brand ON brands ("airlineId") WHERE ("isPrimary")"#,
        r#"ALTER INDEX "flights_brandId_idx" RENAME TO "a name of more than sixty-three bytes, which PostgreSQL cuts without a word""#,
        r#"ALTER TABLE users ADD CONSTRAINT polite CHECK ("displayName" <> 'rude')"#,
        r#"CREATE INDEX users_by_display ON users (lower("displayName"))"#,
        r#"CREATE INDEX another ON users ("displayName" DESC)"#,
        r#"ALTER TABLE flights ADD CONSTRAINT one_code UNIQUE (code, "startTime")"#,
        r#"CREATE VIEW rich AS SELECT * FROM users WHERE miles > 1000"#,
        r#"CREATE TABLE other (id serial PRIMARY KEY, "userId" text REFERENCES users)"#,
        r#"CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN code AS text; CREATE SEQUENCE counter"#,
        r#"CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()"#,
        r#"ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY everybody ON users USING (true)"#,
        r#"COMMENT ON TABLE users IS 'people'; ALTER TABLE users SET (fillfactor = 90); ALTER TABLE users ALTER COLUMN miles SET STATISTICS 500"#,
        r#"CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.users (x int)"#,
        r#"GRANT SELECT ON users TO PUBLIC"#,
    ] {
        world.query(change);
        // What stands in its place is accepted too where it means something else: `isPrimary = true` is put in words
        // that PostgreSQL keeps apart.
        if change.contains("= true") {
            continue;
        }
        assert_eq!(steps(&world), [""; 0], "{change}");
    }
    let listed = world.run("db push -v").ok();
    for other in [
        "view rich",
        "table other",
        "type mood",
        "sequence counter",
        "index users_by_display on users",
        "policy everybody on users",
        "constraint polite on users",
        "trigger touch on users",
        "schema elsewhere",
    ] {
        assert!(listed.stderr.contains(&format!("not ours, left alone: {other}")), "{other}: {}", listed.stderr);
    }
}

#[test]
fn column_order_is_no_difference() {
    let world = World::postgres();
    world.query(
        r#"CREATE TABLE "milesProducts" (active boolean DEFAULT true NOT NULL, "createdAt" timestamp DEFAULT now() NOT NULL,
           "priceMiles" integer NOT NULL, description text, name text NOT NULL, "airlineId" text NOT NULL, "productId" text PRIMARY KEY)"#,
    );
    assert!(!steps(&world).iter().any(|step| step.contains("column milesProducts")), "{:?}", steps(&world));
    pushed(&world);
}

/// Each change is found, nothing else is, and a push mends it. On a pushed database with rows.
#[test]
fn every_planted_change_is_found_and_mended_on_postgres() {
    let world = super::drizzle();
    pushed(&world);
    for (change, found) in [
        (r#"ALTER TABLE users ALTER COLUMN miles DROP NOT NULL"#, &["refuse NULL in users.miles"][..]),
        (r#"ALTER TABLE users ALTER COLUMN miles DROP DEFAULT"#, &["set the default of users.miles"]),
        (r#"ALTER TABLE users ALTER COLUMN miles SET DEFAULT 5"#, &["set the default of users.miles"]),
        (
            r#"UPDATE users SET "avatarUrl" = '' WHERE "avatarUrl" IS NULL; ALTER TABLE users ALTER COLUMN "avatarUrl" SET NOT NULL"#,
            &["allow NULL in users.avatarUrl"],
        ),
        (r#"ALTER TABLE users ALTER COLUMN "avatarUrl" SET DEFAULT 'x'"#, &["drop the default of users.avatarUrl"]),
        (
            r#"ALTER TABLE users ALTER COLUMN "displayName" TYPE varchar(200)"#,
            &["change the type of users.displayName"],
        ),
        (
            r#"ALTER TABLE flights ALTER COLUMN "startTime" TYPE timestamptz"#,
            &[
                "drop the default of flights.startTime",
                "change the type of flights.startTime",
                "set the default of flights.startTime",
            ],
        ),
        (
            r#"ALTER TABLE users DROP CONSTRAINT users_username_unique"#,
            &["create index users_username_unique", "add constraint users_username_unique"],
        ),
        (
            r#"ALTER TABLE "flightPassengers" DROP CONSTRAINT "flightPassengers_flightId_userId_pk""#,
            &["create index flightPassengers_flightId_userId_pk", "add constraint flightPassengers_flightId_userId_pk"],
        ),
        (
            r#"ALTER TABLE brands DROP CONSTRAINT "brands_airlineId_airlines_airlineId_fk""#,
            &["add constraint brands_airlineId_airlines_airlineId_fk"],
        ),
        (
            r#"ALTER TABLE brands DROP CONSTRAINT "brands_airlineId_airlines_airlineId_fk", ADD CONSTRAINT "brands_airlineId_airlines_airlineId_fk" FOREIGN KEY ("airlineId") REFERENCES airlines ON DELETE CASCADE"#,
            &[
                "drop constraint brands_airlineId_airlines_airlineId_fk",
                "add constraint brands_airlineId_airlines_airlineId_fk",
            ],
        ),
        (
            r#"ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check", ADD CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" >= 0)"#,
            &["drop constraint milesProducts_priceMiles_check", "add constraint milesProducts_priceMiles_check"],
        ),
        (
            r#"ALTER TABLE "milesProducts" DROP CONSTRAINT "milesProducts_priceMiles_check", ADD CONSTRAINT "milesProducts_priceMiles_check" CHECK ("priceMiles" > 0) NOT VALID"#,
            &["validate constraint milesProducts_priceMiles_check"],
        ),
        (r#"DROP INDEX "flights_airlineId_startTime_idx""#, &["create index flights_airlineId_startTime_idx"]),
        (
            r#"DROP INDEX "brands_airlineId_primary_unique"; CREATE INDEX "brands_airlineId_primary_unique" ON brands ("airlineId") WHERE NOT "isPrimary""#,
            &["drop index brands_airlineId_primary_unique", "create index brands_airlineId_primary_unique"],
        ),
        (r#"DROP TRIGGER users_miles_guard ON users"#, &["create trigger users_miles_guard"]),
        (
            r#"ALTER TABLE users DISABLE TRIGGER users_miles_guard"#,
            &["drop trigger users_miles_guard", "create trigger users_miles_guard"],
        ),
        (
            r#"CREATE OR REPLACE FUNCTION skyteam.users_miles_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"#,
            &["replace function skyteam.users_miles_guard"],
        ),
        (r#"ALTER TABLE "milesTransactions" DROP COLUMN actor"#, &["add column milesTransactions.actor"]),
        (
            r#"DROP TABLE "milesProducts""#,
            &[
                "create table milesProducts",
                "create index milesProducts_airlineId_idx",
                "add constraint milesProducts_airlineId_airlines_airlineId_fk",
            ],
        ),
        (
            r#"ALTER TABLE "flightPassengers" SET UNLOGGED"#,
            &["make table flightPassengers an ordinary one (it is UNLOGGED)"],
        ),
    ] {
        world.query(change);
        assert_eq!(steps(&world), found, "{change}");
        world.run(format!("db push --confirm {}", world.name())).ok();
        assert_eq!(steps(&world), [""; 0], "{change}");
    }
}

#[test]
fn every_planted_change_is_found_and_mended_on_sqlite() {
    let world = World::sqlite();
    pushed(&world);
    world.query(
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'one', 'One'), ('2', 'two', 'Two')",
    );
    world.query("INSERT INTO \"milesTransactions\" (\"userId\", amount, type, source) VALUES ('1', 5, 'earn', 'x')");
    let rows = || world.query("SELECT * FROM users") + &world.query("SELECT * FROM \"milesTransactions\"");
    let before = rows();
    for (change, found) in [
        (r#"DROP INDEX "flights_brandId_idx""#, &["create index flights_brandId_idx"][..]),
        (r#"DROP TRIGGER users_miles_guard"#, &["create trigger users_miles_guard"]),
        (r#"ALTER TABLE users ADD COLUMN extra TEXT"#, &["make table users anew: drop column users.extra"]),
        (r#"DROP TABLE "milesProducts""#, &["create table milesProducts", "create index milesProducts_airlineId_idx"]),
        (
            r#"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CHECK ("miles" >= 0)', 'CHECK ("miles" >= 1)') WHERE name = 'flightPassengers'"#,
            &[
                "make table flightPassengers anew: drop constraint flightPassengers_miles_check, add constraint flightPassengers_miles_check",
            ],
        ),
        (
            r#"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '"displayName" TEXT NOT NULL', '"displayName" TEXT DEFAULT ''x''') WHERE name = 'users'"#,
            &["make table users anew: set the default of users.displayName, refuse NULL in users.displayName"],
        ),
    ] {
        world.query(change);
        let found: Vec<String> = found
            .iter()
            .map(|step| step.replace("set the default of users.displayName", "drop the default of users.displayName"))
            .collect();
        assert_eq!(steps(&world), found, "{change}");
        world.run(format!("db push --confirm {}", world.name())).ok();
        assert_eq!(steps(&world), [""; 0], "{change}");
        assert_eq!(rows(), before, "{change}");
    }
}

/// In plain words: what another type does to the values, besides what it does to the rows.
#[test]
fn another_type_says_what_becomes_of_the_values() {
    let world = World::postgres();
    pushed(&world);
    world.query(
        r#"INSERT INTO users ("userId", username, "displayName") VALUES ('1', 'one', 'One');
           DROP TRIGGER users_miles_guard ON users;
           ALTER TABLE users ALTER miles TYPE bigint, ALTER "avatarUrl" TYPE varchar(200)"#,
    );
    let data = |world: &World, column: &str| {
        let diff = world.run("db diff").ok().stdout;
        let step =
            diff.split("\n\n").find(|step| step.contains(&format!("change the type of users.{column}"))).unwrap();
        let line = step.lines().find(|line| line.starts_with("   data  ")).unwrap_or_else(|| panic!("{step}"));
        line.trim_start_matches("   data  ").to_owned()
    };
    assert_eq!(data(&world, "avatarUrl"), "loses nothing: every value is one of the new type");
    assert!(data(&world, "miles").starts_with("values that do not fit the new type are named first"));
    world.query("UPDATE users SET miles = 5000000000");
    let refused = world.run("db push").exits(5);
    assert!(refused.stderr.contains("5000000000"), "{refused}");
}

#[test]
fn what_others_put_into_our_tables_stays_when_sqlite_makes_one_anew() {
    let world = World::sqlite();
    pushed(&world);
    world.query(
        r#"CREATE INDEX users_by_name ON users ("displayName" DESC);
           CREATE TABLE log (what TEXT);
           CREATE TRIGGER logged AFTER UPDATE ON users BEGIN INSERT INTO log VALUES (NEW."userId"); END;
           CREATE VIEW rich AS SELECT * FROM users WHERE miles > 1000;
           INSERT INTO users ("userId", username, "displayName") VALUES ('1', 'one', 'One');
           ALTER TABLE users ADD COLUMN extra TEXT"#,
    );
    world.run(format!("db push --confirm {}", world.name())).ok();
    assert_eq!(steps(&world), [""; 0]);
    world.query("UPDATE users SET miles = 2000");
    assert_eq!(world.query("SELECT what FROM log"), "1");
    assert_eq!(world.query("SELECT username FROM rich"), "one");
    assert_eq!(world.query("SELECT count(*) FROM sqlite_schema WHERE name = 'users_by_name'"), "1");
    assert_eq!(world.query("PRAGMA foreign_key_check"), "");
}

#[both]
fn an_extra_column_is_a_loss_and_needs_consent_by_name(world: &mut World) {
    pushed(world);
    world.query(r#"ALTER TABLE users ADD COLUMN extra TEXT"#);
    world.query(r#"INSERT INTO users ("userId", username, "displayName", extra) VALUES ('1', 'one', 'One', 'x'), ('2', 'two', 'Two', NULL)"#);
    let refused = world.run("db push --yes").exits(9);
    assert!(refused.stderr.contains("users.extra (1 value)"), "{}", refused.stderr);
    assert!(refused.stderr.contains(&format!("--confirm {}", world.name())), "{}", refused.stderr);
    world.run("db push --confirm another").exits(9);
    world.run(format!("db push --confirm {}", world.name())).ok();
    assert_eq!(steps(world), [""; 0]);
}

#[both]
fn a_rename_is_never_guessed(world: &mut World) {
    pushed(world);
    world.query(r#"INSERT INTO users ("userId", username, "displayName") VALUES ('1', 'one', 'One')"#);
    world.query(r#"ALTER TABLE users RENAME COLUMN "displayName" TO nick"#);
    let refused = world.run("db push").exits(9);
    assert!(refused.stderr.contains("--rename users.nick=displayName"), "{}", refused.stderr);
    // On a terminal the default answer is to stop.
    world.call("db push").answers([""]).run().exits(9);
    world.run("db push --rename users.nick=displayName").ok();
    assert_eq!(world.query(r#"SELECT "displayName" FROM users"#), "One");
    assert_eq!(steps(world), [""; 0]);
    world.run("db push --rename users.nick=displayName").ok();
    world.run("db push --rename users.nick=nothing").exits(2);
}

#[both]
fn a_backfill_gives_rows_a_value_as_data_and_not_as_sql(world: &mut World) {
    pushed(world);
    world.query(r#"INSERT INTO airlines ("airlineId", name, token) VALUES ('a', 'A', 't')"#);
    world.query(
        r#"INSERT INTO "milesProducts" ("productId", "airlineId", name, "priceMiles") VALUES ('p', 'a', 'P', 5)"#,
    );
    match world.engine() {
        Engine::Postgres => world.query(r#"ALTER TABLE "milesProducts" DROP COLUMN name"#),
        Engine::Sqlite => world.query(r#"ALTER TABLE "milesProducts" DROP COLUMN name"#),
    };
    let refused = world.run("db push").exits(5);
    assert!(refused.stderr.contains("--backfill milesProducts.name=VALUE"), "{}", refused.stderr);
    world.run(["db", "push", "--backfill", "milesProducts.name=it's'; DROP TABLE users; --"]).ok();
    assert_eq!(world.query(r#"SELECT name FROM "milesProducts""#), "it's'; DROP TABLE users; --");
    assert_eq!(steps(world), [""; 0]);
    world.run("db push --backfill milesProducts.priceMiles=much").exits(2);
}

#[both]
fn reset_drops_what_is_ours_and_nothing_else(world: &mut World) {
    pushed(world);
    world.query(r#"INSERT INTO users ("userId", username, "displayName") VALUES ('1', 'one', 'One'); CREATE TABLE theirs (x INTEGER); INSERT INTO theirs VALUES (1)"#);
    world.run("db reset").exits(9);
    world.run("db reset --dry-run").ok();
    assert_eq!(world.query("SELECT count(*) FROM users"), "1");
    world.run(format!("db reset --confirm {}", world.name())).ok();
    assert_eq!(world.query("SELECT count(*) FROM users"), "0");
    assert_eq!(world.query("SELECT x FROM theirs"), "1");
    assert_eq!(steps(world), [""; 0]);
}

/// The catalogue is as it was, to the byte, after a push that fails at its very end.
#[test]
fn a_push_that_fails_leaves_the_catalogue_as_it_was() {
    let world = super::drizzle();
    // The last step cannot be made, for a reason that no plan can see.
    world.query("CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF tg_tag = 'CREATE TRIGGER' THEN RAISE 'not here'; END IF; END $$");
    world.server().as_superuser(&world.name()).rows("CREATE EVENT TRIGGER no ON ddl_command_end EXECUTE FUNCTION no()");
    let before = world.catalogue();
    let failed = world.run("db push").exits(1);
    assert!(failed.stderr.contains("all was rolled back"), "{}", failed.stderr);
    assert_eq!(world.catalogue(), before);
}
