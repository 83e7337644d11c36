//! Columns whose collation is none of ours.

use crate::schema::steps;
use crate::support::{Engine, World};

#[test]
fn a_collation_is_shown_and_kept() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot").ok();
    world.query(r#"ALTER TABLE users ALTER username TYPE text COLLATE "C""#);
    let shown = world.run("db diff --exit-code").ok();
    assert!(shown.stderr.contains(r#"users.username has the collation "C", which is kept"#), "{shown}");
    assert!(world.run("db push").ok().stdout.starts_with("Nothing to do"));
    assert!(world.run("db diff -o json").ok().stdout.contains(r#"collation \"C\" of users.username"#));
    world.run("db status --exit-code").ok();
    // What is printed to end it does.
    let statement = shown.stderr.lines().find(|line| line.contains("ALTER TABLE")).unwrap().trim().to_owned();
    world.query(&statement);
    assert!(!world.run("db diff").ok().stderr.contains("collation"));
    assert_eq!(steps(&world), [""; 0]);
}

/// PostgreSQL gives a column the collation of its new type, unless it is named.
#[test]
fn another_type_keeps_the_collation() {
    let world = World::ready(Engine::Postgres);
    let superuser = world.server().as_superuser(&world.name());
    // Not every build of PostgreSQL has ICU.
    let folded = "CREATE COLLATION public.folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";
    if superuser.try_rows(folded).is_err() {
        superuser.rows(r#"CREATE COLLATION public.folded FROM "POSIX""#);
    }
    world.query(
        r#"ALTER TABLE users ALTER username TYPE varchar(30) COLLATE "C";
           ALTER TABLE airlines ALTER name TYPE varchar(30) COLLATE public.folded"#,
    );
    assert_eq!(steps(&world), ["change the type of users.username", "change the type of airlines.name"]);
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
    assert_eq!(
        world.query(
            "SELECT attname, attcollation::regcollation, format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attname IN ('username', 'name') AND attrelid IN ('public.users'::regclass, 'public.airlines'::regclass) ORDER BY 1"
        ),
        "name|folded|text\nusername|\"C\"|text"
    );
}
