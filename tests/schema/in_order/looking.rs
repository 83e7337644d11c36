//! Looking never writes: on a standby, in a read-only database, for a role without TEMPORARY.

use crate::schema::steps;
use crate::support::{Engine, Server, World};

/// A check that calls a function of others, about which the server cannot be asked without running it, and a column of another type: what temporary objects were made for.
const FOREIGN: &str = r#"
    CREATE FUNCTION seven(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 <> 7';
    ALTER TABLE "milesTransactions" DROP CONSTRAINT "milesTransactions_amount_check",
      ADD CONSTRAINT theirs CHECK (seven(amount));
    ALTER TABLE users ALTER "displayName" TYPE varchar(200)"#;

#[track_caller]
fn looks(world: &World) {
    let diff = world.run("db diff").ok();
    assert!(diff.stdout.contains("add constraint milesTransactions_amount_check"), "{diff}");
    assert!(diff.stderr.contains("Unknown without writing: whether constraint theirs on milesTransactions"), "{diff}");
    assert!(world.run("db status").ok().stderr.contains("Unknown without writing"));
    world.run("db status --exit-code").exits(3);
    let doctor = crate::schema::in_order::answer(&world.run("db doctor -o json").exits(3));
    let drift = doctor.as_array().unwrap().iter().find(|check| check["name"] == "drift").unwrap();
    assert!(drift["found"].as_str().unwrap().contains("unknown without writing"), "{drift}");
}

#[test]
fn a_database_that_is_read_only_is_looked_at() {
    let world = World::ready(Engine::Postgres);
    world.query(FOREIGN);
    let name = world.name();
    world.server().admin(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    looks(&world);
}

#[test]
fn no_temporary_object_is_needed() {
    let world = World::ready(Engine::Postgres);
    world.query(FOREIGN);
    let (name, role) = (world.name(), world.role().to_owned());
    world.server().admin(&format!("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC, {role}"));
    looks(&world);
    world.server().admin(&format!("GRANT TEMPORARY ON DATABASE {name} TO {role}"));
    // Who may write knows it for certain.
    let push = world.run("db push --dry-run").ok();
    assert!(push.stdout.contains("add constraint milesTransactions_amount_check"), "{push}");
    world.run("db push").ok();
    assert_eq!(steps(&world), [""; 0]);
}

#[test]
fn a_standby_is_looked_at() {
    let primary = Server::start(&["wal_level=replica", "max_wal_senders=4"]);
    let mut world = World::on(&primary);
    world.run("db migrate").ok();
    world.query(FOREIGN);
    let standby = primary.standby();
    let port = |server: &Server| format!(":{}/", server.port());
    let url = world.url().replace(&port(&primary), &port(&standby));
    world.set("DATABASE_URL", url);
    looks(&world);
    world.run("db push").exits(7);
}
