//! What the URL leaves silent comes from libpq's environment, service file, password file; and Unix sockets.

use std::os::unix::fs::PermissionsExt;

use super::{fails, reaches};
use crate::support::{PASSWORD, World};

/// A world on PostgreSQL whose role needs its password, and whose URL says nothing at all.
fn silent() -> World {
    let mut world = World::postgres();
    world.server().admin(&format!("GRANT by_password TO {}", world.role()));
    world.set("DATABASE_URL", "postgres://");
    world
}

fn write(world: &World, name: &str, text: &str, mode: u32) {
    let path = world.home().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn set_all(world: &mut World) {
    for (name, value) in [
        ("PGHOST", "127.0.0.1".to_owned()),
        ("PGPORT", world.server().port().to_string()),
        ("PGUSER", world.role().to_owned()),
        ("PGDATABASE", world.name()),
    ] {
        world.set(name, value);
    }
}

#[test]
fn the_environment() {
    let mut world = silent();
    set_all(&mut world);
    fails(&world, 8);
    world.set("PGPASSWORD", PASSWORD);
    reaches(&world);
}

#[test]
fn the_url_goes_before_the_environment() {
    let mut world = World::postgres();
    for (name, value) in [("PGHOST", "db.invalid"), ("PGPORT", "1"), ("PGUSER", "x"), ("PGDATABASE", "x")] {
        world.set(name, value);
    }
    reaches(&world);
}

/// As libpq: the address is connected to, the host remains the server's name.
#[test]
fn an_address_in_place_of_looking_up_the_host() {
    let mut world = World::postgres();
    world.server().admin(&format!("GRANT by_password TO {}", world.role()));
    let by_name = world.url().replace("127.0.0.1", "db.invalid").replace(&format!(":{PASSWORD}"), "");
    // The password file knows the server by its name.
    write(&world, ".pgpass", &format!("db.invalid:*:*:*:{PASSWORD}\n"), 0o600);
    world.set("DATABASE_URL", &by_name);
    world.set("PGHOSTADDR", "127.0.0.1");
    reaches(&world);
    let output = world.run("user add 1 ann");
    assert!(output.stderr.contains("db.invalid") && output.stderr.contains(" at 127.0.0.1"), "{output}");
    world.unset("PGHOSTADDR");
    world.set("DATABASE_URL", format!("{by_name}?hostaddr=127.0.0.1"));
    reaches(&world);
    for wrong in ["db.invalid", "10.0.0.1,10.0.0.2"] {
        world.set("DATABASE_URL", format!("{by_name}?hostaddr={wrong}"));
        world.run("user list").exits(6);
        world.set("DATABASE_URL", &by_name);
        world.set("PGHOSTADDR", wrong);
        world.run("user list").exits(6);
        world.unset("PGHOSTADDR");
    }
}

#[test]
fn session_options_of_the_url_go_before_those_of_the_environment() {
    let mut world = World::postgres();
    world.set("PGOPTIONS", "-c nonsense_of_the_environment=1");
    assert_ne!(world.run("user list").code, 0, "the server knows no such setting");
    world.set("DATABASE_URL", format!("{}?options=-c%20work_mem%3D5MB", world.url()));
    reaches(&world);
}

#[test]
fn a_variable_that_is_no_port() {
    let mut world = silent();
    world.set("PGPORT", "many");
    insta::assert_snapshot!(fails(&world, 6), @r"
    exit: 6
    --- stderr
    error: PGPORT=many is not understood
      why  accepted: a number from 1 to 65535
    ");
}

#[test]
fn the_password_file() {
    let mut world = silent();
    set_all(&mut world);
    write(&world, ".pgpass", &format!("# ours\n*:*:*:{}:{PASSWORD}\n", world.role()), 0o600);
    reaches(&world);
    write(&world, ".pgpass", &format!("elsewhere:*:*:*:{PASSWORD}\n"), 0o600);
    fails(&world, 8);
    write(&world, "secrets", &format!("127.0.0.1:*:*:*:{PASSWORD}\n"), 0o600);
    world.set("PGPASSFILE", world.home().join("secrets").to_str().unwrap());
    reaches(&world);
}

#[test]
fn a_password_file_that_others_can_read_is_not_used() {
    let mut world = silent();
    set_all(&mut world);
    write(&world, ".pgpass", &format!("*:*:*:*:{PASSWORD}\n"), 0o644);
    insta::assert_snapshot!(fails(&world, 8), @r#"
    exit: 8
    --- stderr
    error: the server refuses this login: skyteam @ 127.0.0.1:5432 as ops
      why  password authentication failed for user "ops"
           the password file ~/home/.pgpass is ignored, because others can read it
      fix  chmod 600 ~/home/.pgpass
    "#);
}

#[test]
fn the_service_file() {
    let mut world = silent();
    let (name, role, port) = (world.name(), world.role().to_owned(), world.server().port());
    let service = format!(
        "[other]\nhost=db.invalid\n[sky]\nhost=127.0.0.1\nport={port}\ndbname={name}\nuser={role}\npassword={PASSWORD}\n"
    );
    write(&world, ".pg_service.conf", &service, 0o600);
    world.set("PGSERVICE", "sky");
    reaches(&world);
    world.unset("PGSERVICE");
    world.set("DATABASE_URL", "postgres:///?service=sky");
    reaches(&world);
    world.set("DATABASE_URL", "postgres:///?service=absent");
    insta::assert_snapshot!(fails(&world, 6), @r#"
    exit: 6
    --- stderr
    error: no connection service "absent"
      why  neither is there a [absent] in ~/home/.pg_service.conf nor in /etc/postgresql-common/pg_service.conf
      fix  write it there: [absent], then host=, port=, dbname=, user= below it
    "#);
}

#[test]
fn a_unix_socket() {
    let mut world = World::postgres();
    let (name, role, port) = (world.name(), world.role().to_owned(), world.server().port());
    let folder = world.server().socket_folder().to_str().unwrap().to_owned();
    let encoded = folder.replace('/', "%2F");
    for url in [
        format!("postgres:///{name}?host={folder}&port={port}&user={role}"),
        format!("postgres://{role}@{encoded}:{port}/{name}"),
        // Nothing leaves the machine, so encryption is not asked for, as in libpq.
        format!("postgres://{role}@{encoded}:{port}/{name}?sslmode=require"),
    ] {
        world.set("DATABASE_URL", url);
        reaches(&world);
    }
}
