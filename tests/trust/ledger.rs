//! History is evidence: who may open the ledger, and what an opening leaves behind.

use super::role;
use crate::support::{Engine, World, both};

const SETTING: &str = "SET LOCAL skyteam.maintenance = 'on'; SET LOCAL skyteam.operation = 'user erase'";

fn entry(world: &World) {
    world.run("user add 1 pilot1").ok();
    world.run("miles award pilot1 500 --note first").ok();
}

/// What is on the record of openings, oldest first.
fn openings(world: &World) -> String {
    world.query(match world.engine() {
        Engine::Postgres => r#"SELECT operation FROM skyteam.openings ORDER BY "openedAt""#,
        Engine::Sqlite => r#"SELECT operation FROM "_skyteam_openings" ORDER BY rowid"#,
    })
}

#[test]
fn the_setting_alone_opens_nothing() {
    let world = World::ready(Engine::Postgres);
    entry(&world);
    let app = role(&world, "app");
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(&format!(
        "GRANT USAGE ON SCHEMA public, skyteam TO {app};
         GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {app}"
    ));
    for attack in [
        r#"UPDATE public."milesTransactions" SET amount = 1000000"#,
        r#"DELETE FROM public."milesTransactions""#,
        r#"TRUNCATE public."milesTransactions""#,
        r#"INSERT INTO public."milesTransactions" (id, "userId", amount, type, source)
           SELECT id, "userId", amount, type, source FROM public."milesTransactions"
           ON CONFLICT (id) DO UPDATE SET amount = 1000000"#,
    ] {
        let error = superuser.try_rows(&format!("BEGIN; SET LOCAL ROLE {app}; {SETTING}; {attack}; COMMIT"));
        let error = error.expect_err(attack).to_string();
        assert!(error.contains("milesTransactions is append-only"), "{attack}: {error}");
    }
    // What it may do, it still may.
    superuser.rows(&format!(
        r#"BEGIN; SET LOCAL ROLE {app};
        INSERT INTO public."milesTransactions" ("userId", amount, type, source) VALUES ('1', 5, 'earn', 'event'); COMMIT"#
    ));
    assert_eq!(world.query(r#"SELECT sum(amount), count(*) FROM "milesTransactions""#), "505|2");
    assert_eq!(openings(&world), "");
}

#[test]
fn a_member_of_the_owner_opens_it_and_that_is_recorded_once_a_transaction() {
    let world = World::ready(Engine::Postgres);
    entry(&world);
    let member = role(&world, "member");
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(&format!("GRANT {} TO {member}", world.role()));
    let change = r#"UPDATE public."milesTransactions" SET note = 'mended'"#;
    superuser.rows(&format!(
        "BEGIN; SET LOCAL ROLE {member}; SET LOCAL skyteam.maintenance = 'on'; {change}; {change}; COMMIT"
    ));
    assert_eq!(openings(&world), "by hand");
    // One that is undone has changed nothing, and leaves nothing.
    superuser.rows(&format!("BEGIN; SET LOCAL skyteam.maintenance = 'on'; {change}; ROLLBACK"));
    assert_eq!(openings(&world), "by hand");
}

#[test]
fn tables_of_another_role_than_the_one_that_pushed_can_still_be_opened_by_it() {
    let world = World::empty(Engine::Postgres);
    world.run("db migrate --to 20261123000001").ok();
    entry(&world);
    // The administrator who pushes the guard is not the owner of the tables.
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows("ALTER SCHEMA skyteam OWNER TO CURRENT_USER; ALTER TABLE skyteam.migrations OWNER TO CURRENT_USER");
    superuser.rows(
        r#"DO $$ DECLARE f text; BEGIN
        FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'skyteam'::regnamespace LOOP
          EXECUTE format('ALTER FUNCTION %s OWNER TO CURRENT_USER', f); END LOOP; END $$"#,
    );
    let url = world.server().superuser_url(&world.name());
    world.run(["--database-url", &url, "db", "push", "--yes"]).ok();
    world.run("user erase pilot1 --confirm pilot1").ok();
    assert_eq!(openings(&world), "user erase");
}

#[test]
fn an_outsider_is_told_whose_the_entries_are() {
    let world = World::ready(Engine::Postgres);
    entry(&world);
    let app = role(&world, "app");
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(&format!(
        "ALTER ROLE {app} LOGIN PASSWORD '{}'; GRANT USAGE ON SCHEMA public, skyteam TO {app};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app};
         GRANT SELECT ON ALL TABLES IN SCHEMA skyteam TO {app}",
        crate::support::PASSWORD
    ));
    let url = world.url().replacen(world.role(), &app, 1);
    let error = world.run(["--json", "--database-url", &url, "user", "erase", "pilot1", "--confirm", "pilot1"]);
    let error = error.exits(8).error();
    assert!(error["why"].to_string().contains(world.role()), "{error}");
    assert_eq!(world.query("SELECT username FROM users"), "pilot1");
}

both!(ready fn erase_restore_and_reset_leave_a_record(world) {
    entry(world);
    world.run("db backup -f b.skyteam").ok();
    world.run("user erase pilot1 --confirm pilot1").ok();
    assert_eq!(openings(world), "user erase");
    let name = world.name();
    world.run(["db", "restore", "b.skyteam", "--clean", "--confirm", &name]).ok();
    assert_eq!(openings(world), "user erase\ndb restore");
    world.run(["db", "reset", "--confirm", &name]).ok();
    assert_eq!(openings(world), "user erase\ndb restore\ndb reset");
    // A dry run opens nothing.
    world.run(["db", "reset", "--confirm", &name, "--dry-run"]).ok();
    world.run(["db", "restore", "b.skyteam", "--confirm", &name]).ok();
    world.run("user erase pilot1 --confirm pilot1 --dry-run").ok();
    assert_eq!(openings(world), "user erase\ndb restore\ndb reset\ndb restore");
});

#[test]
fn a_dump_that_replaces_the_record_of_openings_loses_none() {
    let world = World::ready(Engine::Postgres);
    entry(&world);
    world.run("db backup --format plain -f b.sql").ok();
    world.run("user erase pilot1 --confirm pilot1").ok();
    world.run(["db", "restore", "b.sql", "--clean", "--confirm", &world.name()]).ok();
    assert_eq!(openings(&world), "user erase\ndb restore");
}
