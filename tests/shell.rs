//! `db shell`: psql or sqlite3 in this process's place.

use std::os::unix::fs::PermissionsExt;

use crate::support::{PASSWORD, World, both};

/// Puts a program of this name first on the path, which prints its arguments and libpq's variables.
fn stand_in(world: &mut World, program: &str) {
    let folder = world.work().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(program);
    std::fs::write(&path, "#!/bin/sh\nfor arg; do echo \"arg $arg\"; done\nenv | grep ^PG | sort\nexit 7\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.set("PATH", format!("{}:/usr/bin:/bin", folder.display()));
}

#[test]
fn psql_gets_the_password_by_environment_and_never_by_argument() {
    let mut world = World::postgres();
    stand_in(&mut world, "psql");
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_skyteam"))
        .args(["db", "shell", "--", "-c", "select 1"])
        .env_clear()
        .envs([
            ("DATABASE_URL", world.url()),
            ("PATH", format!("{}:/usr/bin:/bin", world.work().join("bin").display())),
        ])
        .output()
        .unwrap();
    let shown = String::from_utf8(child.stdout).unwrap();
    assert_eq!(child.status.code(), Some(7), "{shown}");
    let (args, variables): (Vec<&str>, Vec<&str>) = shown.lines().partition(|line| line.starts_with("arg "));
    assert_eq!(args, ["arg -c", "arg select 1"]);
    assert!(variables.contains(&format!("PGPASSWORD={PASSWORD}").as_str()), "{shown}");
    assert!(variables.contains(&format!("PGDATABASE={}", world.name()).as_str()), "{shown}");
}

#[test]
fn psql_speaks_utc_and_keeps_the_limit_of_a_statement() {
    let mut world = World::postgres();
    world.query(&format!("ALTER DATABASE {} SET timezone = 'Asia/Tokyo'", world.name()));
    world.set("DATABASE_URL", format!("{}?statement_timeout=1234", world.url()));
    world.set("PGOPTIONS", "-c work_mem=5MB");
    for (setting, value) in [("timezone", "UTC"), ("statement_timeout", "1234ms"), ("work_mem", "5MB")] {
        let shown = world.run_program(["-q", "db", "shell", "--", "-Atc", &format!("SHOW {setting}")], "").ok();
        assert_eq!(shown.stdout.trim(), value, "{setting}");
    }
}

#[test]
fn psql_answers() {
    let world = World::postgres();
    let shown = world.run_program(["-q", "db", "shell", "--", "-Atc", "select current_user"], "").ok();
    assert_eq!(shown.stdout.trim(), world.role());
}

#[test]
fn sqlite3_is_told_to_enforce_foreign_keys() {
    let mut world = World::sqlite();
    world.run("db create").ok();
    stand_in(&mut world, "sqlite3");
    let shown = world.run_program("db shell", "").exits(7);
    assert!(shown.stdout.starts_with("arg -cmd\narg PRAGMA foreign_keys = ON\narg "), "{shown}");
}

#[both]
fn a_missing_program_is_named_with_its_package(world: &mut World) {
    world.run("db migrate").ok();
    world.set("PATH", "/nonexistent");
    let refused = world.run_program("db shell", "").exits(1);
    assert!(refused.stderr.contains("fix  apt-get install "), "{refused}");
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_looking() {
    let world = World::sqlite();
    world.run_program("db shell", "").exits(6);
}
