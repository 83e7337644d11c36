//! `db migrate`: from any known place up, one transaction a migration, and nothing done where the ground is unsure.

use migration::{Engine as Dialect, Migration, Scripts, all};
use serde_json::json;

use crate::support::{DRIZZLE, Engine, Library, World, both, eventually, migrations};

fn up_by_hand(world: &World, migration: &Migration) {
    world.touch();
    let script = match world.engine() {
        Engine::Postgres => migration.up(Dialect::Postgres),
        Engine::Sqlite => migration.up(Dialect::Sqlite),
    };
    world.query(&format!("BEGIN;\n{script}\nCOMMIT"));
}

fn record(world: &World) -> String {
    let table = match world.engine() {
        Engine::Postgres => "skyteam.migrations",
        Engine::Sqlite => "_skyteam_migrations",
    };
    world.query(&format!("SELECT name, via FROM {table} ORDER BY version"))
}

fn forge(world: &World, sql: &str) {
    let table = match world.engine() {
        Engine::Postgres => "skyteam.migrations",
        Engine::Sqlite => "\"_skyteam_migrations\"",
    };
    world.query(&sql.replace("{record}", table));
}

#[both]
fn an_empty_database_goes_all_the_way_up(world: &mut World) {
    let newest = migrations::newest();
    let answer = format!("Migrations applied: {}; the database is at {newest}.", all().len());
    let expected = format!("exit: 0\n--- stdout\n{answer}\n--- stderr\n→ [database]{}", migrations::applied(0));
    assert_eq!(world.run("db migrate").to_string(), expected);
    let answer = format!("Nothing to do: the database is at {newest}.");
    assert_eq!(world.run("db migrate").to_string(), format!("exit: 0\n--- stdout\n{answer}\n--- stderr\n→ [database]"));
    assert_eq!(record(world), migrations::record("migrate", "migrate"));
}

#[both]
fn a_dry_run_runs_everything_and_leaves_nothing(world: &mut World) {
    if world.engine() == Engine::Sqlite {
        let before = std::fs::read_dir(world.work()).unwrap().count();
        world.run("db migrate --dry-run").ok();
        assert_eq!(std::fs::read_dir(world.work()).unwrap().count(), before, "looking makes no file");
        world.touch();
    }
    let before = world.catalogue();
    let answer = format!(
        "Migrations applied: {}; the database would be at {}, had this been no dry run.",
        all().len(),
        migrations::newest()
    );
    let dry = "→ [database]\nDry run: nothing was changed.";
    assert_eq!(
        world.run("db migrate --dry-run").to_string(),
        format!("exit: 0\n--- stdout\n{answer}\n--- stderr\n{dry}")
    );
    assert_eq!(world.catalogue(), before);
}

#[both]
fn it_stops_where_it_is_told_and_goes_on_later(world: &mut World) {
    let first = world.run("db migrate --to baseline -o json").json();
    assert_eq!(first["version"], "20240101000000_baseline");
    let second = world.run("db migrate --to 20261123000000 -o json").json();
    assert_eq!(second["applied"][0]["name"], "safety");
    assert_eq!(second["applied"].as_array().unwrap().len(), 1);
    insta::assert_snapshot!(world.run("db migrate --to baseline").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: the database is past 20240101000000_baseline
      why  it is at 20261123000000_safety, and migrate only goes up
      fix  skyteam db rollback --to 20240101000000_baseline
    ");
    let refused = "exit: 4\n--- stderr\nerror: no migration \"tomorrow\"";
    assert_eq!(
        world.run("db migrate --to tomorrow").to_string(),
        format!("{refused}\n  why  there are {}", migrations::listed())
    );
}

#[test]
fn a_database_of_drizzle_kit_is_version_one_and_keeps_its_rows() {
    let world = World::postgres();
    world.psql(DRIZZLE.as_ref());
    let rows = |world: &World| {
        ["airlines", "brands", "flights", "users", "flightPassengers", "milesProducts"]
            .map(|table| world.query(&format!("SELECT * FROM \"{table}\" ORDER BY 1, 2")))
    };
    let (before, balance) = (rows(&world), world.query("SELECT sum(amount) FROM \"milesTransactions\""));
    let later = all().len() - 1;
    let answer = format!("Migrations recorded: 1, applied: {later}; the database is at {}.", migrations::newest());
    let recorded = "→ [database]\nRecorded 20240101000000_baseline without running it.";
    assert_eq!(
        world.run("db migrate").to_string(),
        format!("exit: 0\n--- stdout\n{answer}\n--- stderr\n{recorded}{}", migrations::applied(1))
    );
    assert_eq!(rows(&world), before);
    assert_eq!(world.query("SELECT sum(amount) FROM \"milesTransactions\""), balance);
    assert_eq!(record(&world), migrations::record("baseline", "migrate"));
}

#[both]
fn a_database_that_lost_its_record_is_recognised(world: &mut World) {
    for migration in all() {
        up_by_hand(world, migration);
    }
    let catalogue = world.catalogue();
    let answer = world.run("db migrate -o json").json();
    assert_eq!(answer["version"], migrations::newest());
    assert_eq!(record(world), migrations::record("baseline", "baseline"));
    forge(world, "DROP TABLE {record}");
    assert_eq!(world.catalogue(), catalogue);
}

#[both]
fn a_database_that_is_no_version_is_refused_with_the_difference(world: &mut World) {
    up_by_hand(world, &all()[0]);
    world.query("ALTER TABLE \"users\" DROP COLUMN \"avatarUrl\"; ALTER TABLE \"users\" ADD COLUMN \"extra\" text");
    let before = world.catalogue();
    insta::assert_snapshot!(world.run("db migrate").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: the database has tables of ours, but equals no version of the schema
      why  to be 20240101000000_baseline, which it comes nearest to, it would need:
           - drop column users.extra
           - add column users.avatarUrl
      fix  skyteam db push                  makes it what the entities ask for
           skyteam db migrate --baseline --to VERSION    takes it for that version as it is
    ");
    assert_eq!(world.catalogue(), before);
}

#[both]
fn a_baseline_is_taken_on_trust(world: &mut World) {
    up_by_hand(world, &all()[0]);
    world.query("ALTER TABLE \"users\" DROP COLUMN \"avatarUrl\"");
    insta::assert_snapshot!(world.run("db migrate --baseline --to safety"), @r"
    exit: 0
    --- stdout
    Migrations recorded: 2; the database is at 20261123000000_safety.
    --- stderr
    → [database]
    Recorded 20240101000000_baseline without running it.
    Recorded 20261123000000_safety without running it.
    ");
    assert_eq!(record(world), "baseline|baseline\nsafety|baseline");
}

#[both]
fn a_baseline_without_a_version_must_be_recognised(world: &mut World) {
    up_by_hand(world, &all()[0]);
    let answer = world.run("db migrate --baseline -o json").json();
    assert_eq!(
        answer["applied"],
        json!([{"version": "20240101000000", "name": "baseline", "via": "baseline", "tookMs": 0}])
    );
}

#[both]
fn an_edited_migration_is_refused(world: &mut World) {
    world.run("db migrate --to safety").ok();
    forge(world, "UPDATE {record} SET checksum = 'other' WHERE name = 'baseline'");
    insta::assert_snapshot!(world.run("db migrate").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: an applied migration was edited
      why  another script ran here under the name of 20240101000000_baseline
      fix  bring the applied script back, and write the change as a migration of its own:
           skyteam db generate
    ");
    assert_eq!(record(world), "baseline|migrate\nsafety|migrate");
}

#[both]
fn a_database_ahead_of_this_build_is_refused(world: &mut World) {
    world.run("db migrate").ok();
    forge(
        world,
        "INSERT INTO {record} (version, name, checksum, \"tookMs\", via) VALUES ('20990101000000', 'future', '', 1, 'migrate')",
    );
    insta::assert_snapshot!(world.run("db migrate").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: the database is ahead of this skyteam
      why  it has 20990101000000_future, which this build does not know
      fix  use the skyteam that applied it, or a newer one
    ");
}

#[both]
fn what_drifted_is_refused_and_left_alone(world: &mut World) {
    world.run("db migrate --to safety").ok();
    world.query("DROP INDEX \"flights_brandId_idx\"");
    let before = world.catalogue();
    insta::assert_snapshot!(world.run("db migrate").exits(5), @r"
    exit: 5
    --- stderr
    → [database]
    error: the database would not be what 20261123000001_ledger says; that step was rolled back
      why  to be so, it would still need:
           - create index flights_brandId_idx
      fix  skyteam db diff
           skyteam db push
    ");
    assert_eq!(world.catalogue(), before);
}

#[both]
fn production_is_asked_first(world: &mut World) {
    std::fs::write(
        world.work().join("skyteam.toml"),
        "[profiles.prod]\nurl_env = \"PROD_URL\"\nkind = \"production\"\n",
    )
    .unwrap();
    let url = world.url();
    world.unset("DATABASE_URL");
    world.set("PROD_URL", url);
    world.touch();
    let refused = "exit: 9\n--- stderr\n→ [database]\nerror: a confirmation is needed";
    let why = format!("  why  no question can be asked here: Run {} on skyteam?", migrations::listed());
    assert_eq!(world.run("db migrate -p prod").to_string(), format!("{refused}\n{why}\n  fix  add --yes"));
    world.call("db migrate -p prod").answers(["n"]).run().exits(9);
    assert!(!world.catalogue().contains("airlines"));
    world.call("db migrate -p prod").answers(["y"]).run().ok();
    world.run("db migrate -p prod").ok();
}

#[both]
fn two_at_once_share_the_work(world: &mut World) {
    world.touch();
    let runs = [(); 3].map(|()| world.spawn("db migrate -o json"));
    let mut applied = 0;
    for child in runs {
        let output = world.finish("db migrate".to_owned(), child, b"");
        applied += output.json()["applied"].as_array().unwrap().len();
    }
    assert_eq!(applied, all().len());
    assert_eq!(record(world), migrations::record("migrate", "migrate"));
}

#[both]
fn with_nothing_to_do_drift_is_still_said(world: &mut World) {
    world.run("db migrate").ok();
    world.query("DROP INDEX \"flights_brandId_idx\"");
    let answer = format!("Nothing to do: the database is at {}.", migrations::newest());
    let drift = "→ [database]\nwarning: the database is not what its migrations made: see skyteam db diff";
    assert_eq!(world.run("db migrate").to_string(), format!("exit: 0\n--- stdout\n{answer}\n--- stderr\n{drift}"));
}

#[both]
fn rows_that_break_a_rule_are_shown_all_at_once_and_nothing_is_changed(world: &mut World) {
    up_by_hand(world, &all()[0]);
    world.query(
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('1', 'pilot123', 'Pilot');
         INSERT INTO airlines (\"airlineId\", name, token) VALUES ('klm', 'KLM', 't');
         INSERT INTO brands (\"brandId\", \"airlineId\", name, iata, icao, callsign, \"isPrimary\") VALUES
           ('klm', 'klm', 'KLM', 'KL', 'KLM', 'KLM', true), ('wa', 'klm', 'Cityhopper', 'WA', 'KLC', 'CITY', true);
         INSERT INTO \"milesTransactions\" (\"userId\", amount, type, source) VALUES ('1', -250, 'earn', 'event')",
    );
    let before = world.catalogue();
    let refused = world.run("db migrate -o json").exits(5).error();
    assert_eq!(refused["code"], "data_breaks_rules");
    let why = refused["why"].as_str().unwrap();
    assert!(why.contains("add constraint milesTransactions_amount_check: 1 row of milesTransactions"), "{why}");
    assert!(why.contains("amount -250, type earn"), "{why}");
    assert!(why.contains("create index brands_airlineId_primary_unique: 1 row of brands"), "{why}");
    assert!(why.contains("20261123000000_safety was rolled back"), "{why}");
    assert_eq!(world.catalogue(), before);
}

#[test]
fn a_table_in_use_is_waited_for_then_named() {
    let world = World::postgres();
    world.run("db migrate --to safety").ok();
    let busy = world.source();
    let holder = std::thread::spawn(move || {
        // Until it is ended.
        busy.try_rows("BEGIN; LOCK TABLE \"milesTransactions\" IN SHARE MODE; SELECT pg_sleep(600); COMMIT")
            .unwrap_err();
    });
    eventually("the table is locked", || {
        world.query(
            "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND granted AND locktype = 'relation' \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ) != "0"
    });
    let output = world.run("db migrate --lock-timeout 50").exits(11);
    assert!(output.stderr.contains("Try 2 of 3"), "{output}");
    assert!(output.stderr.contains("error: could not lock the tables: a table is in use"), "{output}");
    assert!(output.stderr.contains("LOCK TABLE \"milesTransactions\" IN SHARE MODE"), "{output}");
    assert_eq!(record(&world), "baseline|migrate\nsafety|migrate");
    world.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
         AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()",
    );
    holder.join().unwrap();
    // Patience is rewarded.
    world.run("db migrate").ok();
}

#[test]
fn a_role_without_rights_is_told_what_to_grant() {
    let world = World::postgres();
    up_by_hand(&world, &all()[0]);
    let (name, role) = (world.name(), world.role().to_owned());
    world.server().admin(&format!("ALTER DATABASE {name} OWNER TO postgres"));
    world.server().as_superuser(&name).rows(&format!("REVOKE CREATE ON DATABASE {name} FROM {role}"));
    insta::assert_snapshot!(world.run("db migrate").exits(8), @r#"
    exit: 8
    --- stderr
    → [database]
    error: the role ops may not change this schema
      why  it may not make tables in the schema public
           it may not make the schema skyteam
      fix  GRANT USAGE, CREATE ON SCHEMA public TO "ops"
           GRANT CREATE ON DATABASE "skyteam" TO "ops"
    "#);
    let admin = world.server().as_superuser(&name);
    admin.rows(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}; GRANT CREATE ON DATABASE {name} TO {role}"));
    world.run("db migrate").ok();
    admin.rows("ALTER SCHEMA skyteam OWNER TO postgres; ALTER TABLE skyteam.migrations OWNER TO postgres");
    for command in ["db migrate", "db push"] {
        let refused = world.run(command).exits(8);
        assert!(refused.stderr.contains(&format!("GRANT USAGE ON SCHEMA skyteam TO \"{role}\"")), "{refused}");
    }
}

/// A migration of the same script on both engines, which leaves the schema of the last one built in.
fn extra(version: &str, name: &str, up: &str) -> Migration {
    let scripts = Scripts {
        postgres_up: up.to_owned().into(),
        postgres_down: "".into(),
        sqlite_up: up.to_owned().into(),
        sqlite_down: "".into(),
    };
    Migration::new(version, name, scripts, all().last().unwrap().schema_json())
}

fn with(extras: &[Migration]) -> Vec<Migration> {
    let mut set = [all(), extras].concat();
    set.sort_by(|one, other| one.version().cmp(other.version()));
    set
}

#[both]
fn a_failure_names_file_statement_and_line_and_earlier_ones_stay(world: &mut World) {
    let good = extra("29990101000000", "good", "CREATE TABLE notes (n integer);");
    let bad = extra(
        "29990102000000",
        "bad",
        "INSERT INTO notes VALUES (1);\n\n-- wrong\nINSERT INTO notes\n  SELECT oops;\n",
    );
    let never = extra("29990103000000", "never", "DROP TABLE notes;");
    let error = skyteam::error::Error::from(Library(world).up(&with(&[good, bad, never])).unwrap_err());
    // Only PostgreSQL says where in the statement.
    let (file, line) = match world.engine() {
        Engine::Postgres => ("postgres", 5),
        Engine::Sqlite => ("sqlite", 4),
    };
    let what = format!("migration/29990102000000_bad/{file}.up.sql, line {line}: statement 2 failed");
    assert!(error.to_string().starts_with(&what), "{error}");
    assert_eq!(error.exit_code(), 5);
    assert_eq!(world.query("SELECT count(*) FROM notes"), "0");
    assert_eq!(record(world), migrations::record("migrate", "migrate") + "\ngood|migrate");
}

#[both]
fn an_older_one_that_arrived_late_is_applied(world: &mut World) {
    world.run("db migrate").ok();
    let late = extra("20261122000000", "late", "CREATE TABLE notes (n integer);");
    let steps = Library(world).up(&with(std::slice::from_ref(&late))).unwrap();
    assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["late"]);
    assert!(record(world).starts_with("baseline|migrate\nlate|migrate"));
    assert!(Library(world).up(&with(&[late])).unwrap().is_empty());
}

#[both]
fn a_script_that_never_ends_is_refused_before_it_begins(world: &mut World) {
    let open = extra("29990101000000", "open", "CREATE TABLE notes (n integer);\nSELECT 'oops;\n");
    let error = skyteam::error::Error::from(Library(world).up(&with(&[open])).unwrap_err());
    assert!(error.to_json().contains(r#""why":"a text that begins on line 2 never ends""#), "{}", error.to_json());
    assert!(!world.catalogue().contains("notes"));
}

#[both]
fn an_outcome_that_is_not_its_snapshot_is_undone(world: &mut World) {
    let bad = extra("29990101000000", "drifts", "DROP INDEX \"flights_brandId_idx\";");
    let error = skyteam::error::Error::from(Library(world).up(&with(&[bad])).unwrap_err());
    assert_eq!(error.code(), "drifted");
    assert!(world.catalogue().contains("flights_brandId_idx"));
    assert_eq!(record(world), migrations::record("migrate", "migrate"));
}
