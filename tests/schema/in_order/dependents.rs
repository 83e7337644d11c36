//! What others have made of a column that goes or gets another type: refused before anything runs, by name, with the way out.

use crate::schema::steps;
use crate::support::{Engine, World};

/// Refuses a push that names `object`, changes nothing, and works once what is printed was run.
#[track_caller]
fn refused(world: &World, object: &str) {
    let before = world.catalogue();
    let push = format!("db push --confirm {}", world.name());
    let refused = world.run(&*push).exits(5);
    assert!(refused.stderr.contains("nothing was run") && refused.stderr.contains(object), "{object}: {refused}");
    assert_eq!(world.catalogue(), before, "{object}");
    assert!(world.run("db diff").ok().stderr.contains(object), "{object}");
    let fixes: Vec<String> = refused
        .stderr
        .lines()
        .filter_map(|line| line.split_once("    and make it again afterwards"))
        .map(|(way, _)| way.trim_start().trim_start_matches("fix").trim().to_owned())
        .collect();
    assert!(!fixes.is_empty(), "{refused}");
    for fix in fixes {
        world.query(&fix);
    }
    world.run(push).ok();
    assert_eq!(steps(world), [""; 0], "{object}");
}

#[test]
fn a_column_that_goes_is_kept_for_who_uses_it() {
    let world = World::ready(Engine::Postgres);
    for (makes, object) in [
        ("CREATE VIEW rich AS SELECT username, extra FROM users", "view public.rich"),
        ("CREATE MATERIALIZED VIEW sums AS SELECT count(extra) FROM users", "materialized view public.sums"),
        ("CREATE POLICY mine ON users USING (extra = '1')", "policy mine on table public.users"),
        (
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER touched BEFORE UPDATE OF extra ON users FOR EACH ROW EXECUTE FUNCTION touch()",
            "trigger touched on table public.users",
        ),
        (r#"CREATE PUBLICATION part FOR TABLE users ("userId", extra)"#, "publication part"),
        (
            "CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(extra) FROM users; END",
            "function public.counted()",
        ),
        (
            "CREATE TABLE log (what text); CREATE RULE kept AS ON UPDATE TO users WHERE NEW.extra = 'q' DO ALSO INSERT INTO log VALUES ('q')",
            "rule kept on table public.users",
        ),
        (
            "ALTER TABLE users ADD UNIQUE (extra); CREATE TABLE theirs (e text REFERENCES users (extra))",
            "constraint theirs_e_fkey on table public.theirs",
        ),
    ] {
        world.server().as_superuser(&world.name()).rows(&format!(
            "GRANT CREATE ON DATABASE {} TO {}",
            world.name(),
            world.role()
        ));
        world.query(&format!("ALTER TABLE users ADD COLUMN extra text; {makes}"));
        refused(&world, object);
        world.query("DROP TABLE IF EXISTS log, theirs; DROP FUNCTION IF EXISTS touch()");
    }
}

#[test]
fn a_column_that_gets_another_type_is_kept_for_who_uses_it() {
    let world = World::ready(Engine::Postgres);
    for (makes, object) in [
        ("CREATE VIEW rich AS SELECT miles FROM users", "view public.rich"),
        ("CREATE POLICY mine ON users USING (miles > 1)", "policy mine on table public.users"),
        (
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER touched BEFORE UPDATE OF miles ON users FOR EACH ROW EXECUTE FUNCTION touch()",
            "trigger touched on table public.users",
        ),
        ("CREATE PUBLICATION part FOR TABLE users WHERE (miles > 1)", "publication part"),
    ] {
        world.query("DROP TRIGGER users_miles_guard ON users; ALTER TABLE users ALTER miles TYPE bigint");
        world.query(makes);
        refused(&world, object);
        world.query("DROP FUNCTION IF EXISTS touch()");
    }
}

/// What PostgreSQL carries along by itself, and what goes with the plan, is in nobody's way.
#[test]
fn what_follows_by_itself_is_in_no_way() {
    let world = World::ready(Engine::Postgres);
    world.query(
        "ALTER TABLE users ADD COLUMN extra text, ADD COLUMN computed text GENERATED ALWAYS AS (extra || 'x') STORED; \
         CREATE INDEX theirs ON users (lower(extra)); CREATE STATISTICS both_of ON extra, username FROM users",
    );
    let found = steps(&world);
    assert_eq!(
        found,
        ["drop column users.computed", "drop column users.extra"],
        "no trigger of ours is touched for it"
    );
    world.run(format!("db push --confirm {}", world.name())).ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn the_key_of_partitions_stays() {
    let world = World::postgres();
    world.run("db push").ok();
    world.query(
        r#"DROP TABLE "flightPassengers";
           CREATE TABLE "flightPassengers" ("flightId" uuid NOT NULL, "userId" text NOT NULL, miles integer NOT NULL,
             "joinedAt" timestamp DEFAULT now() NOT NULL, extra text) PARTITION BY LIST (extra);
           CREATE TABLE all_of_them PARTITION OF "flightPassengers" DEFAULT"#,
    );
    let refused = world.run(format!("db push --confirm {}", world.name())).exits(5);
    assert!(
        refused.stderr.contains("the partition key of table flightPassengers depends on flightPassengers.extra"),
        "{refused}"
    );
}

#[test]
fn sqlite_refuses_as_its_own_drop_column_does() {
    let world = World::ready(Engine::Sqlite);
    world.query(
        r#"ALTER TABLE users ADD COLUMN extra TEXT; CREATE TABLE log (what TEXT);
           CREATE VIEW rich AS SELECT username, "extra" FROM users;
           CREATE VIEW richer AS SELECT * FROM rich;
           CREATE VIEW others AS SELECT username FROM users;
           CREATE VIEW broken AS SELECT missing FROM users;
           CREATE TRIGGER logged AFTER INSERT ON users BEGIN INSERT INTO log VALUES (NEW.extra); END"#,
    );
    let before = world.catalogue();
    let push = format!("db push --confirm {}", world.name());
    let refused = world.run(&*push).exits(5);
    for object in ["view rich depends on users.extra", "trigger logged depends on users.extra"] {
        assert!(refused.stderr.contains(object), "{object}: {refused}");
    }
    assert!(!refused.stderr.contains("others") && !refused.stderr.contains("broken"), "{refused}");
    assert_eq!(world.catalogue(), before);
    world.query("DROP VIEW richer; DROP VIEW rich; DROP TRIGGER logged");
    world.run(push).ok();
    world.run("user add 1 pilot").ok();
    assert_eq!(steps(&world), [""; 0]);
}
