//! `db create`: the database, its role, its rights.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Server, World};

/// A world without a database, on the shared server, whose URL names `database` as `role`.
fn on_the_server(role: &str, database: &str) -> World {
    let server = Server::shared();
    let mut world = World::bare();
    world.set("DATABASE_URL", format!("postgres://{role}:N3w-passw0rd@127.0.0.1:{}/{database}", server.port()));
    let file = world.work().join("password");
    std::fs::write(&file, "N3w-passw0rd\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    world
}

fn admin_url() -> String {
    let server = Server::shared();
    let options = server.connection("postgres", "postgres");
    format!("postgres://postgres:{}@{}:{}", crate::support::PASSWORD, options.get_host(), options.get_port())
}

#[test]
fn a_new_role_and_database_can_be_used_at_once() {
    let world = on_the_server("created_role", "created_db");
    let create = format!("db create --owner created_role --password-file password --admin-url {}", admin_url());
    let made = world.run(format!("{create} -o json")).ok();
    assert_eq!(
        made.json(),
        serde_json::json!([
            {"object": "role", "name": "created_role", "state": "created"},
            {"object": "database", "name": "created_db", "state": "created"},
        ])
    );
    // Logging in with the password proves the verifier; making a table proves the rights.
    world.run("db migrate").ok();
    let again = world.run(format!("{create} -o json")).ok().json();
    assert_eq!(again[0]["state"], "exists");
    assert_eq!(again[1]["state"], "exists");
    assert!(!Server::shared().log().contains("N3w-passw0rd"));
}

#[test]
fn an_existing_database_of_another_owner_is_made_usable() {
    let server = Server::shared();
    server.admin("CREATE DATABASE created_foreign");
    let world = on_the_server("created_guest", "created_foreign");
    let create = format!("db create --owner created_guest --password-file password --admin-url {}", admin_url());
    let steps = world.run(format!("{create} -o json")).ok().json();
    let granted: Vec<&str> = steps
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["state"] == "granted")
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(granted, ["CREATE on the database", "USAGE and CREATE on schema public"]);
    world.run("db migrate").ok();
}

#[test]
fn a_dry_run_makes_nothing() {
    let world = on_the_server("created_never", "created_never");
    let create = format!("db create -n --owner created_never --admin-url {}", admin_url());
    let told = world.run(&create).ok();
    assert_eq!(told.stdout, "role created_never would be created\ndatabase created_never would be created\n");
    assert_eq!(world.run(format!("{create} --json")).json()[0]["state"], "wouldBeCreated");
    assert_eq!(Server::shared().admin("SELECT count(*) FROM pg_roles WHERE rolname = 'created_never'"), "0");
    assert_eq!(Server::shared().admin("SELECT count(*) FROM pg_database WHERE datname = 'created_never'"), "0");
}

#[test]
fn a_list_of_steps_is_a_list_in_every_format() {
    let world = World::bare();
    let file = world.home().join(".local/share/skyteam/skyteam.db").display().to_string();
    let create = |flags: &str| world.run(format!("db create -n {flags}"));
    assert_eq!(create("-o csv").ok().stdout, format!("object,name,state\nfile,{file},wouldBeCreated\n"));
    assert_eq!(
        create("-o ndjson --columns state,object").ndjson()[0],
        serde_json::json!({"state": "wouldBeCreated", "object": "file"})
    );
    create("--columns nope").exits(2);
    assert!(!world.home().join(".local/share").exists());
}

#[test]
fn a_password_file_that_others_can_read_is_refused() {
    let world = on_the_server("created_open", "created_open");
    let file = world.work().join("password");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let create = format!("db create --owner created_open --password-file password --admin-url {} -o json", admin_url());
    let error = world.run(create).exits(2).error();
    assert!(error["why"].as_str().unwrap().contains("mode 644"), "{error}");
    assert_eq!(error["fix"], format!("chmod 600 {}", file.display()));
    assert_eq!(Server::shared().admin("SELECT count(*) FROM pg_roles WHERE rolname = 'created_open'"), "0");
}

#[test]
fn a_password_is_never_asked_for_without_a_terminal() {
    let world = on_the_server("created_asking", "created_asking");
    let refused = world.run(format!("db create --owner created_asking --admin-url {} -o json", admin_url())).exits(9);
    assert_eq!(refused.error()["fix"], "add --password-file FILE");
    assert_eq!(Server::shared().admin("SELECT count(*) FROM pg_roles WHERE rolname = 'created_asking'"), "0");
}

#[test]
fn a_role_without_the_right_is_told_what_it_needs() {
    let mut world = World::postgres();
    world.set("DATABASE_URL", world.url().replace(&world.name(), "created_denied"));
    let refused = world.run("db create -o json").exits(8);
    assert!(refused.error()["why"].as_str().unwrap().contains("CREATEDB"), "{refused}");
}

#[test]
fn an_sqlite_file_is_made_for_its_owner_alone() {
    let world = World::bare();
    assert_eq!(world.run("db create -o json").ok().json()[0]["state"], "created");
    let file = world.home().join(".local/share/skyteam/skyteam.db");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.run("db create -o json").ok().json()[0]["state"], "exists");
}
