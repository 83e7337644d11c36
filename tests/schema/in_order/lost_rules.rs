//! Rules that a column loses with its type or its expression: a loss, although every value stays.

use crate::schema::steps;
use crate::support::{Engine, World};

#[track_caller]
fn asks_by_name(world: &World, rule: &str) {
    let refused = world.run("db push --yes").exits(9);
    assert!(refused.stderr.contains(rule), "{rule}: {refused}");
    world.run(format!("db push --confirm {}", world.name())).ok();
    assert_eq!(steps(world), [""; 0]);
}

#[test]
fn a_domain_with_a_check_citext_and_an_expression_are_lost_by_name_only() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot").ok();
    world.query(
        "CREATE DOMAIN polite AS text CHECK (VALUE <> 'rude'); ALTER TABLE users ALTER \"displayName\" TYPE polite",
    );
    asks_by_name(&world, "the rule of users.displayName (polite CHECK (VALUE <> 'rude'::text)), not its values");
    world.query(
        r#"ALTER TABLE users DROP "avatarUrl"; ALTER TABLE users ADD "avatarUrl" text GENERATED ALWAYS AS (username || '.png') STORED"#,
    );
    asks_by_name(&world, "the rule of users.avatarUrl (GENERATED ALWAYS AS (username || '.png'::text) STORED)");
    assert_eq!(world.query(r#"SELECT "avatarUrl" FROM users"#), "pilot.png", "the values stay");
    // A domain without a rule, and a length, lose nothing.
    world.query("CREATE DOMAIN words AS text; ALTER TABLE users ALTER \"displayName\" TYPE words");
    world.run("db push").ok();
    let extensions = world.server().as_superuser(&world.name());
    if extensions.try_rows("CREATE EXTENSION citext SCHEMA public").is_ok() {
        world.query("ALTER TABLE users ALTER username TYPE citext");
        asks_by_name(&world, "citext, which ignores case");
    }
}

#[test]
fn a_column_that_is_computed_when_read_cannot_become_an_ordinary_one() {
    let world = World::ready(Engine::Postgres);
    if super::major(&world) < 18 {
        return;
    }
    world.query(
        r#"ALTER TABLE users DROP "avatarUrl"; ALTER TABLE users ADD "avatarUrl" text GENERATED ALWAYS AS (username || '.png') VIRTUAL"#,
    );
    let push = format!("db push --confirm {}", world.name());
    let refused = world.run(&*push).exits(5);
    assert!(refused.stderr.contains(r#"ALTER TABLE "users" DROP COLUMN "avatarUrl""#), "{refused}");
    world.query(r#"ALTER TABLE users DROP COLUMN "avatarUrl""#);
    world.run("db push").ok();
}

#[test]
fn sqlites_nocase_and_checks_are_lost_by_name_only() {
    let world = World::ready(Engine::Sqlite);
    world.run("user add 1 pilot").ok();
    for (word, rule) in [
        ("COLLATE NOCASE", r#"COLLATE "NOCASE""#),
        (r#"CHECK ("displayName" <> 'rude')"#, r#"CHECK ("displayName" <> 'rude')"#),
    ] {
        world.query(&format!(
            r#"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '"displayName" TEXT NOT NULL', '"displayName" TEXT NOT NULL {}') WHERE name = 'users'"#,
            word.replace('\'', "''")
        ));
        if steps(&world).is_empty() {
            // A check of others is kept with the table.
            assert!(word.starts_with("CHECK"), "{word}");
            continue;
        }
        asks_by_name(&world, &format!("the rule of users.displayName ({rule})"));
    }
}
