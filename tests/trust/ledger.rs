//! History is evidence: who may open the ledger, and what an opening leaves behind.

use super::role;
use crate::support::{Engine, PASSWORD, Server, Source, World, both};

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

/// A role that may log in and has every right on rows, also of what the owner has made for it.
fn app_with_traps(world: &World) -> (String, Source) {
    let app = role(world, "app");
    world.rows(&format!(
        r#"CREATE VIEW public.entries AS SELECT * FROM public."milesTransactions";
        CREATE FUNCTION public.mend() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
          AS $$ UPDATE public."milesTransactions" SET amount = 1000000 $$;
        ALTER TABLE public."milesTransactions" DROP CONSTRAINT "milesTransactions_userId_users_userId_fk";
        ALTER TABLE public."milesTransactions" ADD CONSTRAINT "milesTransactions_userId_users_userId_fk"
          FOREIGN KEY ("userId") REFERENCES public."users" ("userId") ON DELETE CASCADE ON UPDATE CASCADE;
        GRANT USAGE ON SCHEMA public, skyteam TO {app};
        GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {app};
        GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA skyteam TO {app}"#
    ));
    world.server().admin(&format!("ALTER ROLE {app} LOGIN PASSWORD '{PASSWORD}'"));
    let source = Source::Postgres(world.server().connection(&app, &world.name()));
    (app, source)
}

#[test]
fn no_way_around_the_guard_is_open_to_rights_on_rows() {
    let world = World::ready(Engine::Postgres);
    entry(&world);
    let (_, app) = app_with_traps(&world);
    let owner = world.role();
    let ledger = r#"SELECT "userId", amount, type, note FROM public."milesTransactions""#;
    let before = world.query(ledger);
    for attack in [
        r#"MERGE INTO public."milesTransactions" t USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET amount = 1000000"#,
        r#"MERGE INTO public."milesTransactions" t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE"#,
        r#"WITH changed AS (UPDATE public."milesTransactions" SET amount = 1000000 RETURNING 1) SELECT * FROM changed"#,
        // Of the owner's, and on the owner's behalf.
        "UPDATE public.entries SET amount = 1000000",
        "DELETE FROM public.entries",
        "SELECT public.mend()",
        r#"DELETE FROM public."users""#,
        r#"UPDATE public."users" SET "userId" = '2'"#,
        r#"TRUNCATE public."users" CASCADE"#,
        // Past the trigger.
        r#"SET LOCAL session_replication_role = replica; UPDATE public."milesTransactions" SET amount = 1000000"#,
        r#"ALTER TABLE public."milesTransactions" DISABLE TRIGGER ALL"#,
        r#"DROP TRIGGER "milesTransactions_append_only" ON public."milesTransactions""#,
        r#"CREATE RULE past AS ON INSERT TO public."milesTransactions" DO INSTEAD NOTHING"#,
        r#"CREATE TABLE public.parent (LIKE public."milesTransactions");
           ALTER TABLE public."milesTransactions" INHERIT public.parent"#,
        r#"CREATE TEMP TABLE parts (LIKE public."milesTransactions") PARTITION BY LIST ("userId");
           ALTER TABLE parts ATTACH PARTITION public."milesTransactions" DEFAULT"#,
        r#"CREATE OR REPLACE FUNCTION skyteam."milesTransactions_append_only"() RETURNS trigger LANGUAGE plpgsql
           AS $$ BEGIN RETURN NULL; END $$"#,
        // As somebody else.
        &format!("SET LOCAL ROLE {owner}"),
        &format!("SET SESSION AUTHORIZATION {owner}"),
        // The record of what was done.
        "DELETE FROM skyteam.openings",
        "TRUNCATE skyteam.openings",
    ] {
        let error = app.try_rows(&format!("BEGIN; {SETTING}; {attack}; COMMIT"));
        let error = error.expect_err(attack).to_string();
        let refused = ["milesTransactions is append-only", "permission denied", "must be owner"];
        assert!(refused.iter().any(|words| error.contains(words)), "{attack}: {error}");
        assert_eq!(world.query(ledger), before, "{attack}");
    }
    assert_eq!(openings(&world), "");
    // The owner's own cascade is an opening like any other.
    world.rows(&format!(r#"BEGIN; {SETTING}; UPDATE public."users" SET "userId" = '2'; COMMIT"#));
    assert_eq!(openings(&world), "user erase");
}

#[test]
fn the_doctor_names_roles_that_have_a_way_around_the_guard() {
    let server = Server::start(&["fsync=off"]);
    let world = World::on(&server);
    world.run("db migrate").ok();
    let found = || {
        let checks = world.run("db doctor -o json").json();
        let texts = checks.as_array().unwrap().iter().filter(|check| check["area"] == "trust").map(|check| {
            format!("{}: {}", check["found"].as_str().unwrap_or_default(), check["fix"].as_str().unwrap_or_default())
        });
        texts.collect::<Vec<_>>()
    };
    let quiet = found();
    server.admin("CREATE ROLE replica; CREATE ROLE maker CREATEROLE; CREATE ROLE scribe; CREATE ROLE writer");
    server.admin("GRANT SET ON PARAMETER session_replication_role TO replica; GRANT pg_write_all_data TO writer");
    world.rows("GRANT DELETE ON skyteam.openings TO scribe");
    let warned = found();
    let named = |role: &str| warned.iter().filter(|text| text.starts_with(&format!("{role} "))).count();
    assert!(!quiet.iter().any(|text| text.contains("session_replication_role")), "{quiet:?}");
    // From PostgreSQL 16 on, CREATEROLE gives no role away that its holder has not made.
    let makers = usize::from(server.admin("SHOW server_version_num").parse::<u32>().unwrap() < 160_000);
    assert_eq!([named("replica"), named("maker"), named("scribe"), named("writer")], [1, makers, 1, 1], "{warned:?}");
    for fix in warned
        .iter()
        .filter_map(|text| text.split_once(": "))
        .map(|(_, fix)| fix)
        .filter(|fix| fix.starts_with("REVOKE ") || fix.starts_with("ALTER ROLE"))
    {
        server.as_superuser(&world.name()).rows(fix);
    }
    assert!(
        !found()
            .iter()
            .any(|text| ["replica ", "maker ", "scribe ", "writer "].iter().any(|role| text.starts_with(role)))
    );
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
        PASSWORD
    ));
    let url = world.url().replacen(world.role(), &app, 1);
    let error = world.run(["--json", "--database-url", &url, "user", "erase", "pilot1", "--confirm", "pilot1"]);
    let error = error.exits(8).error();
    assert!(error["why"].to_string().contains(world.role()), "{error}");
    assert_eq!(world.query("SELECT username FROM users"), "pilot1");
}

#[both(ready)]
fn erase_restore_and_reset_leave_a_record(world: &mut World) {
    entry(world);
    world.run("db backup -f b.skyteam").ok();
    world.run("user erase pilot1 --confirm pilot1").ok();
    assert_eq!(openings(world), "user erase");
    let doctor = world.run("db doctor");
    assert!(doctor.stdout.contains("the ledger was opened 1 time, at last on 20"), "{doctor}");
    assert!(doctor.stdout.contains(" for user erase"), "{doctor}");
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
}

#[test]
fn a_dump_that_replaces_the_record_of_openings_loses_none() {
    let world = World::ready(Engine::Postgres);
    entry(&world);
    world.run("db backup --format plain -f b.sql").ok();
    world.run("user erase pilot1 --confirm pilot1").ok();
    world.run(["db", "restore", "b.sql", "--clean", "--confirm", &world.name()]).ok();
    assert_eq!(openings(&world), "user erase\ndb restore");
}
