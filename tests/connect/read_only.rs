//! Servers that only read: whether it is worth another try depends on why.

use crate::support::{Engine, Server, World, eventually};

#[test]
fn a_standby_may_be_promoted_any_moment() {
    let primary = Server::start(&[]);
    let mut world = World::on(&primary);
    world.run("db migrate").ok();
    world.run("user add 1 ann").ok();
    let standby = primary.standby();
    let url = world.url().replace(&format!(":{}/", primary.port()), &format!(":{}/", standby.port()));
    world.set("DATABASE_URL", url);
    world.run("user list").ok();
    world.run("miles audit").ok();
    for command in ["user add 2 bob", "miles award ann 5 --note x --yes", "user edit ann --display-name A --yes"] {
        let error = world.run(format!("-o json {command}")).exits(7).error();
        assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("standby"), Some(true)), "{command}");
        assert_eq!(error["sqlstate"], "25006");
    }
    standby.admin("SELECT pg_promote()");
    eventually("it is promoted", || standby.admin("SELECT pg_is_in_recovery()") == "f");
    world.run("user add 2 bob").ok();
}

#[test]
fn a_setting_is_named_with_the_statement_that_ends_it() {
    let world = World::ready(Engine::Postgres);
    let (name, role) = (world.name(), world.role().to_owned());
    let admin = world.server().as_superuser(&name);
    for (scope, level) in [
        (format!("DATABASE \"{name}\""), "error"),
        (format!("ROLE \"{role}\""), "warning"),
        (format!("ROLE \"{role}\" IN DATABASE \"{name}\""), "warning"),
    ] {
        admin.rows(&format!("ALTER {scope} SET default_transaction_read_only = on"));
        let end = format!("BEGIN READ WRITE; ALTER {scope} RESET default_transaction_read_only; COMMIT");
        let error = world.run("-o json user add 1 ann").exits(8).error();
        assert_eq!((error["code"].as_str(), error["fix"].as_str()), (Some("read_only"), Some(end.as_str())));
        world.run("user list").ok();
        let doctor = world.run("db doctor -o json");
        let checks: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
        let check = checks.as_array().unwrap().iter().find(|check| check["name"] == "read only").unwrap();
        assert_eq!((check["level"].as_str(), check["fix"].as_str()), (Some(level), Some(end.as_str())), "{doctor}");
        admin.rows(&end);
    }
    world.run("user add 1 ann").ok();
}
