//! psql and pg_dump as children: they connect where skyteam does, whatever the environment says, and prove it.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Engine, World, binary};

/// A world with one user, another database of the same role, and an environment that names that one in every way.
fn attacked() -> (World, String) {
    let mut world = World::ready(Engine::Postgres);
    world.run("user add 1 ours").ok();
    let other = format!("{}_other", world.name());
    world.server().admin(&format!("CREATE DATABASE {other} TEMPLATE {} OWNER {}", world.name(), world.role()));
    rows_of(&world, &other, "UPDATE users SET username = 'theirs'");
    let service =
        format!("[other]\nhost=127.0.0.1\nport={}\ndbname={other}\nuser={}\n", world.server().port(), world.role());
    for name in [".pg_service.conf", "pg_service.conf"] {
        std::fs::write(world.home().join(name), &service).unwrap();
    }
    std::fs::write(world.home().join("psqlrc"), format!("\\connect {other}\n")).unwrap();
    let home = world.home().display().to_string();
    for (name, value) in [
        ("PGSERVICE", "other".to_owned()),
        ("PGSERVICEFILE", format!("{home}/.pg_service.conf")),
        ("PGSYSCONFDIR", home),
        ("PGDATABASE", other.clone()),
        ("PGHOSTADDR", "127.0.0.1".to_owned()),
        ("PGOPTIONS", "-c search_path=elsewhere".to_owned()),
    ] {
        world.set(name, value);
    }
    (world, other)
}

fn rows_of(world: &World, database: &str, sql: &str) -> String {
    world.server().as_superuser(database).lines(sql)
}

fn line(command: &[&str], args: &[&str]) -> Vec<String> {
    command.iter().chain(args).map(|word| (*word).to_owned()).collect()
}

/// Puts programs first on the path that run PostgreSQL's own ones in the other database.
fn misled(world: &mut World, other: &str) {
    wrapped(world, &format!("PGDATABASE={other}"));
}

/// Puts programs first on the path that run PostgreSQL's own ones with these words before them.
fn wrapped(world: &mut World, words: &str) {
    let folder = world.work().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    for program in ["psql", "pg_dump"] {
        let path = folder.join(program);
        let script = format!("#!/bin/sh\n{words} exec {} \"$@\"\n", binary(program).display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    world.set("PATH", format!("{}:{}:/usr/bin:/bin", folder.display(), binary("").display()));
}

#[test]
fn the_environment_leads_no_child_elsewhere() {
    let (world, other) = attacked();
    let shown = world.run_program(["-q", "db", "shell", "--", "-Atc", "SELECT username FROM public.users"], "").ok();
    assert_eq!(shown.stdout.trim(), "ours");
    world.run("db backup --format plain --file ours.sql").ok();
    let dump = std::fs::read_to_string(world.work().join("ours.sql")).unwrap();
    assert!(dump.contains("\tours\t") && !dump.contains("theirs"));
    world.run("user add 2 later").ok();
    world.run(format!("db restore ours.sql --clean --confirm {}", world.name())).ok();
    assert_eq!(world.query("SELECT username FROM users"), "ours");
    assert_eq!(rows_of(&world, &other, "SELECT username FROM users"), "theirs");
}

#[test]
fn a_child_that_gets_elsewhere_does_nothing_there() {
    let (mut world, other) = attacked();
    world.run("db backup --format plain --file ours.sql").ok();
    misled(&mut world, &other);
    let refused = world.run("db backup --format plain --file again.sql").exits(5);
    assert!(refused.stderr.contains("snapshot"), "{refused}");
    let refused = world.run(format!("db restore ours.sql --clean --confirm {}", world.name())).exits(5);
    assert!(refused.stderr.contains("another server, database or role"), "{refused}");
    for args in [["-Atc", "DELETE FROM public.users"].as_slice(), &["-X", "-Atc", "DELETE FROM public.users"], &[]] {
        let line = line(&["-q", "db", "shell", "--"], args);
        let refused = world.run_program(line, "DELETE FROM public.users;\n");
        assert_eq!(refused.code, 128 + 15, "{refused}");
        assert!(refused.stderr.contains("another server, database or role"), "{refused}");
    }
    assert_eq!(rows_of(&world, &other, "SELECT username FROM users"), "theirs");
    assert_eq!(world.query("SELECT username FROM users"), "ours");
}

#[test]
fn a_child_that_comes_as_another_role_does_nothing() {
    let mut world = World::ready(Engine::Postgres);
    world.run("user add 1 ours").ok();
    world.run("db backup --format plain --file ours.sql").ok();
    wrapped(&mut world, "PGUSER=postgres");
    let refused = world.run(format!("db restore ours.sql --clean --confirm {}", world.name())).exits(5);
    assert!(refused.stderr.contains("another server, database or role"), "{refused}");
    let refused = world.run_program(["-q", "db", "shell", "--", "-Atc", "DELETE FROM public.users"], "");
    assert_eq!(refused.code, 128 + 15, "{refused}");
    assert!(refused.stderr.contains("another server, database or role"), "{refused}");
    assert_eq!(world.query("SELECT username FROM users"), "ours");
}

#[test]
fn a_file_of_psqls_leads_nowhere_else() {
    let (mut world, other) = attacked();
    std::fs::rename(world.home().join("psqlrc"), world.home().join(".psqlrc")).unwrap();
    let refused = world.run_program(["-q", "db", "shell", "--", "-c", "DELETE FROM public.users"], "");
    assert_eq!(refused.code, 128 + 15, "{refused}");
    let shown =
        world.run_program(["-q", "db", "shell", "--", "-X", "-Atc", "SELECT username FROM public.users"], "").ok();
    assert_eq!(shown.stdout.trim(), "ours");
    std::fs::rename(world.home().join(".psqlrc"), world.home().join("rc")).unwrap();
    world.set("PSQLRC", world.home().join("rc").display().to_string());
    assert_eq!(world.run_program(["-q", "db", "shell", "--", "-c", "DELETE FROM public.users"], "").code, 128 + 15);
    std::fs::write(world.home().join("rc"), "\\set greeting hello\n").unwrap();
    let shown = world.run_program(["-q", "db", "shell", "--", "-At"], "\\echo :greeting\n").ok();
    assert_eq!(shown.stdout.trim(), "hello");
    assert_eq!(rows_of(&world, &other, "SELECT username FROM users"), "theirs");
}

#[test]
fn a_shell_takes_no_other_database() {
    let world = World::ready(Engine::Postgres);
    for args in
        [&["-d", "x"][..], &["-dx"], &["x"], &["--dbname=x"], &["-Ath", "x"], &["-U", "x"], &["-p5"], &["--host", "x"]]
    {
        let refused = world.run(line(&["db", "shell", "--"], args)).exits(2);
        assert!(refused.stderr.contains("names a database for psql"), "{refused}");
    }
}
