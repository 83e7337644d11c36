//! Behind a pooler sessions of the server are shared: what another client has left in the temporary schema of the one that
//! serves us takes no part in what our statements mean.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::support::{Engine, Pooler, World};

/// Tables, views, types and functions by the names that our statements use, and a trigger that tells.
const LEFT_BEHIND: &str = r#"
CREATE TEMP TABLE "users" ("userId" text, "username" text, "displayName" text, "miles" int, "avatarUrl" text,
  "createdAt" timestamp, "updatedAt" timestamp);
INSERT INTO pg_temp."users" VALUES ('666', 'planted', 'planted', 666, NULL, now(), now());
CREATE FUNCTION pg_temp.trap() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE LOG 'left behind: trigger'; RETURN NEW; END $$;
CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON pg_temp."users" FOR EACH ROW EXECUTE FUNCTION pg_temp.trap();
CREATE TEMP TABLE "airlines" (planted int);
CREATE TEMP TABLE "brands" (planted int);
CREATE TEMP TABLE "flights" (planted int);
CREATE TEMP TABLE "flightPassengers" (planted int);
CREATE TEMP TABLE "milesTransactions" (planted int);
CREATE TEMP TABLE "milesProducts" (planted int);
CREATE TEMP TABLE migrations (version text);
CREATE TEMP TABLE openings (planted int);
CREATE TEMP TABLE pg_class (planted int);
CREATE TEMP TABLE pg_attribute (planted int);
CREATE TEMP VIEW pg_namespace AS SELECT 1 AS planted;
CREATE TYPE pg_temp.text AS (planted int);
CREATE TYPE pg_temp.uuid AS (planted int);
CREATE TYPE pg_temp.skyteam_value AS (planted int);
CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE plpgsql AS
  $$ BEGIN RAISE LOG 'left behind: now'; RETURN NULL; END $$;
CREATE FUNCTION pg_temp.count(text) RETURNS bigint LANGUAGE plpgsql AS
  $$ BEGIN RAISE LOG 'left behind: count'; RETURN 6660666066606660666; END $$;
"#;

#[test]
fn what_others_left_in_a_shared_session_is_not_found() {
    let mut world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot1").ok();
    // One session of the server for everybody.
    let pooler = Pooler::before(&world, 1);
    let url = format!("{}?statement-cache-capacity=0", pooler.url(&world));
    let other = crate::support::Source::Postgres(PgConnectOptions::from_str(&url).unwrap().extra_float_digits(None));
    let planted = || {
        other.rows("DISCARD TEMP");
        other.rows(LEFT_BEHIND);
        let found = other.lines("SELECT count(*) FROM pg_temp.\"users\"");
        assert_eq!(found, "1", "the session is not the one that was planted in");
    };
    world.set("DATABASE_URL", &url);
    let name = world.name();
    for line in [
        "user list --json",
        "user add 2 pilot2",
        "user edit pilot2 --display-name Captain --yes",
        "miles award pilot1 500 --note first",
        "miles history pilot1",
        "miles audit",
        "airline add sky Sky",
        "db status --exit-code",
        "db diff --exit-code",
        "db push",
        "db rollback --confirm NAME",
        "db migrate --yes",
        "user erase pilot2 --confirm pilot2",
        "db reset --confirm NAME",
        "db seed --users 5 --flights 2",
    ] {
        planted();
        let output = world.run(line.replace("NAME", &name)).ok();
        assert!(!output.stdout.contains("planted") && !output.stdout.contains("6660666066606660666"), "{output}");
    }
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "5");
    let log = world.server().log();
    let caught: Vec<&str> = log.lines().filter(|line| line.contains("LOG:  left behind")).collect();
    assert!(caught.is_empty(), "{caught:#?}");
}
