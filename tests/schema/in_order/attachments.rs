//! What depends on an index or a key that is replaced.

use super::super::drizzle;
use crate::schema::steps;
use crate::support::{Engine, World};

const OF_INDEXES: &str = r#"SELECT x.relname, i.indisreplident, i.indisclustered, x.reloptions::text, obj_description(x.oid)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = 'public."flightPassengers"'::regclass AND i.indisunique"#;

const KEPT: &str = "flightPassengers_flightId_userId_pk|t|t|{fillfactor=70}|who boards";

#[test]
fn an_index_that_becomes_the_key_keeps_what_hangs_on_it() {
    let world = drizzle();
    world.query(
        r#"CREATE UNIQUE INDEX mine ON "flightPassengers" ("flightId", "userId") WITH (fillfactor = 70);
           ALTER TABLE "flightPassengers" REPLICA IDENTITY USING INDEX mine; ALTER TABLE "flightPassengers" CLUSTER ON mine;
           COMMENT ON INDEX mine IS 'who boards'"#,
    );
    world.run("db push").ok();
    assert_eq!(world.query(OF_INDEXES), KEPT);
}

#[test]
fn a_key_that_is_replaced_hands_them_on() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"ALTER TABLE "flightPassengers" DROP CONSTRAINT "flightPassengers_flightId_userId_pk";
           ALTER TABLE "flightPassengers" ADD CONSTRAINT by_hand PRIMARY KEY ("flightId", "userId") INCLUDE (miles) WITH (fillfactor = 70);
           ALTER TABLE "flightPassengers" REPLICA IDENTITY USING INDEX by_hand; ALTER TABLE "flightPassengers" CLUSTER ON by_hand;
           COMMENT ON INDEX by_hand IS 'who boards'; COMMENT ON CONSTRAINT by_hand ON "flightPassengers" IS 'once';
           INSERT INTO users ("userId", username, "displayName") VALUES ('1', 'one', 'One')"#,
    );
    // What subscribers follow: without an identity every UPDATE of an app fails.
    world.server().as_superuser(&world.name()).rows(r#"CREATE PUBLICATION followed FOR TABLE "flightPassengers""#);
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    assert_eq!(world.query(OF_INDEXES), KEPT);
    assert_eq!(
        world.query("SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'flightPassengers_flightId_userId_pk'"),
        "once"
    );
    world.query(r#"UPDATE "flightPassengers" SET miles = miles"#);
}

#[test]
fn how_a_column_is_stored_outlives_its_type() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"ALTER TABLE "milesProducts" ALTER description TYPE varchar(900), ALTER description SET STORAGE EXTERNAL;
           COMMENT ON COLUMN "milesProducts".description IS 'words'"#,
    );
    world.run("db push").ok();
    assert_eq!(
        world.query(
            r#"SELECT attstorage, col_description(attrelid, attnum) FROM pg_attribute
               WHERE attrelid = 'public."milesProducts"'::regclass AND attname = 'description'"#
        ),
        "e|words"
    );
}

/// An identity that nothing can take over is not lost without a word.
#[test]
fn what_cannot_be_kept_ends_the_push() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"DROP INDEX "flights_brandId_idx"; CREATE UNIQUE INDEX "flights_brandId_idx" ON flights (id) INCLUDE (code);
           ALTER TABLE flights REPLICA IDENTITY USING INDEX "flights_brandId_idx""#,
    );
    let before = world.catalogue();
    let refused = world.run("db push").exits(5);
    assert!(refused.stderr.contains("the replica identity by index of flights_brandId_idx on flights"), "{refused}");
    assert_eq!(world.catalogue(), before);
}
