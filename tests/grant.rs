//! `db grant`: what a role is given is what it needs for its purpose, and the doctor judges it by that.

use serde_json::Value;

use crate::support::{Engine, Output, World};

/// A world with tables, and a role that may log in and nothing else; the URL names the database as that role.
fn with_role() -> (World, String, String) {
    let world = World::ready(Engine::Postgres);
    let role = format!("guest_{}", world.name());
    world.server().admin(&format!("CREATE ROLE {role} LOGIN"));
    // As a careful operator does: nothing comes with PUBLIC.
    let name = world.name();
    world.server().as_superuser(&name).rows(&format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"));
    let url = format!("postgres://{role}@127.0.0.1:{}/{name}", world.server().port());
    (world, role, url)
}

fn at(output: &Output, level: &str) -> Vec<String> {
    let findings: Value = serde_json::from_str(&output.stdout).unwrap();
    let of_level = findings.as_array().unwrap().iter().filter(|check| check["level"] == level);
    of_level.map(|check| format!("{}: {}", check["area"].as_str().unwrap(), check["name"].as_str().unwrap())).collect()
}

#[test]
fn a_backup_role_backs_up_and_is_well_and_writes_nothing() {
    let (mut world, role, url) = with_role();
    world.run("user add 1 ann").ok();
    let owner = world.url();
    world.run(format!("db grant {role} --for backup")).exits(9);
    let printed = world.run(format!("db grant {role} --for backup --dry-run")).ok().stdout;
    assert!(printed.contains(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA skyteam TO \"{role}\";")), "{printed}");
    assert!(printed.contains("ALTER DEFAULT PRIVILEGES FOR ROLE"), "{printed}");
    world.set("DATABASE_URL", &url);
    world.run("user list").exits(8);

    world.set("DATABASE_URL", &owner);
    world.run(format!("db grant {role} --for backup --yes")).ok();
    assert!(world.run(format!("db grant {role} --for backup")).ok().stderr.contains("Nothing to grant"));
    // Made later by the owner: read as well.
    world.query("CREATE TABLE later (id int)");

    world.set("DATABASE_URL", &url);
    world.run("user list").ok();
    world.run("db backup -f whole.skyteam").ok();
    world.run("db backup -f whole.sql --format plain").ok();
    world.run("miles audit").ok();
    let doctor = world.run("db doctor -o json").ok();
    assert_eq!(at(&doctor, "error"), Vec::<String>::new(), "{doctor}");
    assert_eq!(at(&doctor, "warning"), ["backups: proved"], "{doctor}");
    assert!(doctor.stdout.contains("only reads: enough for backups"), "{doctor}");
    let proved = world.run("db verify whole.skyteam --deep").ok();
    assert_eq!(proved.stderr.matches("kept beside the file").count(), 1, "{proved}");
    assert_eq!(at(&world.run("db doctor -o json").ok(), "warning"), Vec::<String>::new(), "the note beside it is read");
    assert_eq!(at(&world.run("db doctor .. -o json").ok(), "warning"), ["backups: proved"]);
    world.run("user add 2 bob").exits(8);
    world.server().as_superuser(&world.name()).rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_role_with_usage_and_select_alone_is_well_too() {
    let (mut world, role, url) = with_role();
    let name = world.name();
    world.server().as_superuser(&name).rows(&format!(
        "GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {role}; GRANT USAGE ON SCHEMA public, skyteam TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA public, skyteam TO {role}"
    ));
    world.set("DATABASE_URL", &url);
    assert_eq!(at(&world.run("db doctor -o json").ok(), "error"), Vec::<String>::new());
    world.run("-q db doctor").ok();
    // Not all of it: then it is told which command gives the rest.
    world.server().as_superuser(&name).rows(&format!(r#"REVOKE SELECT ON "users" FROM {role}"#));
    let doctor = world.run("db doctor -o json").exits(3);
    assert!(doctor.stdout.contains(&format!("skyteam db grant {role} --for backup")), "{doctor}");
    world.server().as_superuser(&name).rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn staff_work_with_all_commands_and_do_not_change_the_schema() {
    let (mut world, role, url) = with_role();
    world.run(format!("db grant {role} --for staff --yes")).ok();
    world.set("DATABASE_URL", &url);
    world.run("user add 1 ann").ok();
    world.run("airline add sky Sky").ok();
    world.run("miles award ann 5 --note x --yes").ok();
    world.run("db status --exit-code").ok();
    world.run("miles reverse last --note x --yes").ok();
    // What was granted for staff is what the doctor finds right: neither too little nor too much.
    let doctor = world.run("db doctor -o json").ok();
    assert_eq!(at(&doctor, "error"), Vec::<String>::new(), "{doctor}");
    assert_eq!(at(&doctor, "warning"), ["backups: proved"], "{doctor}");
    assert!(doctor.stdout.contains("reads and writes"), "{doctor}");
    let name = world.name();
    world.run(format!("db reset --confirm {name}")).exits(8);
    // It owns nothing, so it grants nothing.
    world.run(format!("db grant {} --for backup --yes", world.role())).ok();
    world.server().admin("DO $$ BEGIN CREATE ROLE grant_stranger LOGIN; EXCEPTION WHEN duplicate_object THEN END $$");
    let refused = world.run("db grant grant_stranger --for apps --yes -o json").exits(8);
    assert_eq!(refused.error()["code"], "permission_denied", "{refused}");
    world.server().as_superuser(&name).rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn apps_write_the_tables_and_see_none_of_our_records() {
    let (mut world, role, url) = with_role();
    world.run("user add 1 ann").ok();
    let granted = world.run(format!("db grant {role} --for apps --yes -o json")).ok().json();
    assert!(granted.as_array().unwrap().iter().any(|one| one["state"] == "granted"), "{granted}");
    let again = world.run(format!("db grant {role} --for apps --yes -o json")).ok().json();
    assert!(again.as_array().unwrap().iter().all(|one| one["state"] == "held"), "{again}");
    let owner = world.url();
    world.set("DATABASE_URL", &url);
    world.run("miles award ann 5 --note x --yes").ok();
    world.set("DATABASE_URL", &owner);
    let changes = |right: &str| {
        world.query(&format!("SELECT has_table_privilege('{role}', 'public.\"milesTransactions\"', '{right}')"))
    };
    assert_eq!(["INSERT", "UPDATE", "DELETE"].map(changes), ["t", "f", "f"]);
    // What another grant gave too much is taken back.
    world.query(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"));
    world.run(format!("db grant {role} --for apps --yes")).ok();
    assert_eq!(["INSERT", "UPDATE", "DELETE", "TRUNCATE"].map(changes), ["t", "f", "f", "f"]);
    let may = |what: &str| world.query(&format!("SELECT has_table_privilege('{role}', '{what}', 'SELECT')"));
    assert_eq!(may("skyteam.migrations"), "f");
    assert_eq!(may("public.users"), "t");
    world.server().as_superuser(&world.name()).rows(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn what_cannot_be_granted_is_said() {
    let world = World::ready(Engine::Sqlite);
    let refused = world.run("db grant ops --for staff -o json").exits(2);
    assert!(refused.error()["message"].as_str().unwrap().contains("SQLite"), "{refused}");
    let world = World::ready(Engine::Postgres);
    assert_eq!(world.run("db grant nobody_here --for staff --yes -o json").exits(4).error()["code"], "no_such_role");
    world.run("db grant ops --for everything").exits(2);
    world.run("db grant ops").exits(2);
}
