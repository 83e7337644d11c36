//! `db doctor`: every check finds what it is for, and names what mends it.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Engine, Holder, Output, Server, World, both};

/// What a run of the doctor found, whatever its exit code.
fn read(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap()
}

/// The findings at a level, as `area: name`.
fn at(findings: &Value, level: &str) -> Vec<String> {
    let of_level = findings.as_array().unwrap().iter().filter(|check| check["level"] == level);
    of_level.map(|check| format!("{}: {}", check["area"].as_str().unwrap(), check["name"].as_str().unwrap())).collect()
}

fn fix_of(findings: &Value, name: &str) -> String {
    let check =
        findings.as_array().unwrap().iter().find(|check| check["name"] == name && check["level"] != "ok").unwrap();
    check["fix"].as_str().unwrap().to_owned()
}

#[both]
fn a_sound_database_is_fine(world: &mut World) {
    world.run("db migrate").ok();
    let findings = read(&world.call("db doctor -o json").now().run().ok());
    assert_eq!(at(&findings, "error"), Vec::<String>::new());
    assert_eq!(at(&findings, "warning"), ["backups: proved"], "none was made yet");
    let shown = world.run("db doctor").ok();
    assert!(shown.stdout.contains("0 failed, 1 to look at"), "{shown}");
}

#[both]
fn quiet_checks_say_what_is_wrong_and_nothing_else(world: &mut World) {
    world.run("db migrate").ok();
    let shown = world.run("-q db doctor").ok();
    assert!(shown.stdout.starts_with("! backups: proved") && shown.stdout.lines().count() == 2, "{shown}");
    let findings = read(&world.run("-q db doctor -o json").ok());
    assert_eq!((at(&findings, "ok").len(), at(&findings, "warning").len()), (0, 1));
    world.run("db backup -f whole.skyteam").ok();
    assert_eq!(world.run("-q db verify whole.skyteam --deep").ok().stdout, "");
    for fine in ["-q db doctor", "-q db status", "-q db diff", "-q miles audit", "-q db generate --check"] {
        let told = world.run(fine).ok();
        assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""), "{fine}");
    }
    assert_eq!(read(&world.run("-q db doctor -o json").ok()), serde_json::json!([]));
    // What is wrong is said as ever.
    world.query(
        r#"ALTER TABLE "users" ADD COLUMN "nickname" text; ALTER TABLE "users" RENAME COLUMN "avatarUrl" TO "x""#,
    );
    assert!(world.run("-q db diff").ok().stdout.contains("avatarUrl"));
    assert!(!world.run("-q db status").ok().stdout.is_empty());
    assert!(!world.run("-q db doctor").stdout.is_empty());
    std::fs::write(world.work().join("whole.skyteam"), "x").unwrap();
    assert!(!world.run("-q db verify whole.skyteam").exits(3).stdout.is_empty());
}

#[both]
fn its_findings_are_a_list_in_every_format(world: &mut World) {
    world.run("db migrate").ok();
    let csv = world.run("db doctor -o csv").ok();
    assert!(csv.stdout.starts_with("level,area,name,found,fix\nwarning,backups,proved,"), "{csv}");
    let lines = world.run("db doctor -o ndjson --columns name,level").ndjson();
    assert!(lines.len() > 5);
    assert_eq!(lines[0], serde_json::json!({"name": "proved", "level": "warning"}));
    assert!(world.run("db doctor --columns name,level").ok().stdout.starts_with("name"));
    world.run("db doctor --columns nope").exits(2);
}

#[both]
fn the_last_proved_backup_has_an_age(world: &mut World) {
    world.run("db migrate").ok();
    world.run("db backup -f whole.skyteam").ok();
    world.run("db verify whole.skyteam").ok();
    assert_eq!(at(&read(&world.run("db doctor -o json").ok()), "warning"), ["backups: proved"], "it was not restored");
    world.run("db verify whole.skyteam --deep").ok();
    assert_eq!(at(&read(&world.run("db doctor -o json").ok()), "warning"), Vec::<String>::new());
    let later = world.call("db doctor -o json").at("2025-07-20T12:00:00Z").run().ok();
    assert_eq!(at(&read(&later), "warning"), ["backups: proved"]);
}

#[both]
fn pending_migrations_and_drift_are_told_apart(world: &mut World) {
    world.run("db migrate --to baseline").ok();
    let findings = read(&world.run("db doctor -o json").ok());
    assert_eq!(at(&findings, "warning"), ["schema: versions", "backups: proved"]);
    assert_eq!(fix_of(&findings, "versions"), "skyteam db migrate");
    world.run("db migrate").ok();
    world.query(r#"DROP INDEX "flights_brandId_idx""#);
    let findings = read(&world.run("db doctor -o json").exits(3));
    assert_eq!(at(&findings, "error"), ["schema: drift"]);
    assert_eq!(findings[0]["area"], "schema", "the worst stands first");
    assert!(fix_of(&findings, "drift").contains("skyteam db push"));
}

#[both]
fn an_empty_database_is_an_error(world: &mut World) {
    world.run("db create --database-url sqlite:empty.db").ok();
    let url = if world.engine() == Engine::Sqlite { " --database-url sqlite:empty.db" } else { "" };
    let findings = read(&world.run(format!("db doctor -o json{url}")).exits(3));
    assert_eq!(at(&findings, "error"), ["schema: versions"], "and nothing is said of tables that are not there");
    assert!(!at(&findings, "ok").contains(&"schema: drift".to_owned()));
}

#[both]
fn what_the_rows_say_is_found(world: &mut World) {
    // Version 1 has no guard against any of this.
    world.run("db migrate --to baseline").ok();
    for sql in [
        r#"INSERT INTO "users" ("userId", "username", "displayName", "miles") VALUES ('1', 'debtor', 'D', -5)"#,
        r#"INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('a', 'A', 't1'), ('b', 'B', 't2')"#,
        r#"INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary")
           VALUES ('x', 'a', 'X', 'XX', 'XXX', 'X', '1'), ('y', 'a', 'Y', 'YY', 'YYY', 'Y', '1')"#,
        r#"INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "departure", "arrival", "startedAt", "endTime")
           VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', 'XX1', '1', 'A320', 'b', 'x', 'AAA', 'BBB', '2025-01-02 00:00:00', '2025-01-01 00:00:00')"#,
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles")
           VALUES ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '1', 1), ('6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '1', 1)"#,
    ] {
        let sql = if world.engine() == Engine::Sqlite { sql.replace("'1')", "1)") } else { sql.to_owned() };
        world.query(&sql);
    }
    let findings = read(&world.run("db doctor -o json").exits(3));
    assert_eq!(
        at(&findings, "error"),
        [
            "data: negative balances",
            "data: balance against ledger",
            "data: passengers",
            "data: primary brands",
            "data: brands of flights",
            "data: times of flights",
        ]
    );
    let found = findings[0]["found"].as_str().unwrap();
    assert!(found.contains("debtor (-5)"), "{found}");
}

#[test]
fn missing_rights_come_with_the_grant_that_mends_them() {
    let world = World::postgres();
    world.run("db migrate").ok();
    let (name, role) = (world.name(), world.role().to_owned());
    let admin = world.server().as_superuser(&name);
    admin.rows(r#"ALTER TABLE "users" OWNER TO postgres"#);
    admin.rows("ALTER SCHEMA public OWNER TO postgres");
    let findings = read(&world.run("db doctor -o json").exits(3));
    // The push that it is spared today has no use for it.
    assert!(at(&findings, "warning").contains(&"rights: CREATE on schema public".to_owned()));
    assert_eq!(
        fix_of(&findings, "CREATE on schema public"),
        format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{role}\"")
    );
    assert_eq!(fix_of(&findings, "table"), format!("GRANT SELECT, INSERT, UPDATE, DELETE ON \"users\" TO \"{role}\""));
    admin.rows(&format!("GRANT USAGE, CREATE ON SCHEMA public TO \"{role}\""));
    admin.rows(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON \"users\" TO \"{role}\""));
    let findings = read(&world.run("db doctor -o json").ok());
    assert_eq!(fix_of(&findings, "table"), format!("ALTER TABLE \"users\" OWNER TO \"{role}\""));
}

#[test]
fn what_a_push_lacks_is_an_error_and_what_it_does_not_need_is_none() {
    let world = World::postgres();
    let (name, role) = (world.name(), world.role().to_owned());
    let admin = world.server().as_superuser(&name);
    admin.rows(&format!("ALTER DATABASE {name} OWNER TO postgres; REVOKE CREATE ON DATABASE {name} FROM {role}"));
    admin.rows(&format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}"));
    let findings = read(&world.run("db doctor -o json").exits(3));
    assert_eq!(at(&findings, "error"), ["rights: schema changes", "schema: versions"]);
    assert_eq!(fix_of(&findings, "schema changes"), format!("GRANT CREATE ON DATABASE \"{name}\" TO \"{role}\""));
    // The schema that it was for is there: nobody needs to make another one.
    admin.rows(&format!("CREATE SCHEMA skyteam AUTHORIZATION {role}"));
    world.run("db push").ok();
    let findings = read(&world.run("db doctor -o json").ok());
    assert_eq!(at(&findings, "error"), Vec::<String>::new());
}

#[both(ready)]
fn a_missing_table_ends_only_the_questions_about_it(world: &mut World) {
    world.run("user add 1 debtor").ok();
    world.query(r#"DROP TABLE "flightPassengers""#);
    let findings = read(&world.run("db doctor -o json").exits(3));
    let data: Vec<_> = at(&findings, "error").into_iter().filter(|each| each.starts_with("data:")).collect();
    assert_eq!(data, ["data: passengers"]);
    let fine = at(&findings, "ok");
    assert!(fine.contains(&"data: times of flights".to_owned()), "asked after the one that failed: {fine:?}");
}

#[both]
fn an_edited_migration_is_told_with_what_mends_it(world: &mut World) {
    world.run("db migrate").ok();
    let record = match world.engine() {
        Engine::Postgres => "skyteam.migrations",
        Engine::Sqlite => "\"_skyteam_migrations\"",
    };
    world.query(&format!("UPDATE {record} SET checksum = '' WHERE name = 'safety'"));
    let findings = read(&world.run("db doctor -o json").exits(3));
    assert!(fix_of(&findings, "versions").contains("bring their scripts back"), "{findings}");
}

#[test]
fn a_url_that_others_can_read_is_an_error() {
    let mut world = World::postgres();
    world.run("db migrate").ok();
    let file = world.work().join(".env");
    std::fs::write(&file, format!("DATABASE_URL={}\n", world.url())).unwrap();
    world.unset("DATABASE_URL");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let findings = read(&world.run("db doctor -o json").exits(3));
    assert_eq!(fix_of(&findings, "secrecy"), format!("chmod 600 {}", file.display()));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    world.run("db doctor").ok();
}

#[test]
fn a_server_that_is_down_is_a_finding_and_not_a_crash() {
    let mut world = World::bare();
    world.set("DATABASE_URL", "postgres://ops@127.0.0.1:1/skyteam");
    let findings = read(&world.run("db doctor -o json").exits(3));
    assert_eq!(at(&findings, "error"), ["server: connection"]);
}

#[test]
fn few_free_connections_are_worth_a_look() {
    let server = Server::start(&["max_connections=8", "superuser_reserved_connections=0", "fsync=off"]);
    let world = World::on(&server);
    world.run("db migrate").ok();
    let busy: Vec<Holder> = (0..6).map(|_| Holder::takes(&world, "SELECT 1 WHERE false")).collect();
    let findings = read(&world.run("db doctor -o json").ok());
    assert_eq!(at(&findings, "warning"), ["server: connections", "backups: proved"]);
    drop(busy);
}

/// Rights and objects of others that could be turned against the ledger or the administrator.
#[test]
fn strangers_are_named() {
    let world = World::ready(Engine::Postgres);
    assert!(world.run("db doctor").stdout.contains("no other role can rewrite the ledger"));
    let app = format!("{}_app", world.role());
    world.server().admin(&format!("CREATE ROLE {app}"));
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(&format!(
        r#"GRANT USAGE, CREATE ON SCHEMA public TO {app}; GRANT SELECT, INSERT, UPDATE, DELETE ON "milesTransactions" TO {app};
        GRANT TRIGGER ON users TO {app}; SET ROLE {app};
        CREATE FUNCTION public.lower(uuid) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
        CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER spy BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION public.spy()"#
    ));
    let url = world.server().superuser_url(&world.name());
    let found = world.run(["--database-url", &url, "db", "doctor", "-o", "csv"]).stdout;
    for part in [
        format!("{app} has DELETE, UPDATE on milesTransactions"),
        format!("REVOKE CREATE ON SCHEMA public FROM {app}"),
        "DROP FUNCTION public.lower(uuid)".to_owned(),
        format!("trigger spy on users runs public.spy(), which is {app}'s"),
    ] {
        assert!(found.contains(&part), "{part} is not in\n{found}");
    }
}
