//! Row level security that hides rows from the role of a command.

use crate::support::{Engine, PASSWORD, World};

/// A world whose commands run as a role that a policy hides all users from but one.
fn hidden() -> World {
    let mut world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot").ok();
    world.run("user add 2 copilot").ok();
    let stranger = World::postgres();
    let role = stranger.role().to_owned();
    world.query(&format!(
        r#"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; GRANT USAGE ON SCHEMA skyteam TO {role};
           ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON users USING ("userId" = '1')"#
    ));
    let url = format!("postgres://{role}:{PASSWORD}@127.0.0.1:{}/{}", world.server().port(), world.name());
    world.set("DATABASE_URL", url);
    world
}

#[test]
fn reading_commands_refuse_a_shorter_answer() {
    let world = hidden();
    for command in ["user list", "user list -o csv", "user show 1", "miles audit", "miles leaderboard", "user show 2"] {
        let refused = world.run(command).exits(8);
        assert!(refused.stderr.contains("row level security hides rows from this role"), "{refused}");
        assert!(refused.stderr.contains("skyteam db doctor"), "{refused}");
        assert!(!refused.stdout.contains("pilot"), "{refused}");
    }
    std::fs::create_dir(world.work().join("backups")).unwrap();
    world.run("db backup backups").exits(8);
    // What no policy is about is read as ever.
    world.run("airline list").ok();
}

#[test]
fn behind_a_pooler_the_same_holds() {
    let mut world = hidden();
    let role = world.query("SELECT grantee FROM information_schema.role_table_grants WHERE grantee <> current_user AND table_name = 'users' LIMIT 1");
    let (port, name) = (world.server().port(), world.name());
    world.set(
        "DATABASE_URL",
        format!("postgres://{role}:{PASSWORD}@127.0.0.1:{port}/{name}?statement-cache-capacity=0"),
    );
    for command in ["user list", "user show 1", "miles audit"] {
        let refused = world.run(command).exits(8);
        assert!(refused.stderr.contains("row level security hides"), "{refused}");
    }
}

#[test]
fn the_doctor_names_tables_and_policies() {
    let world = hidden();
    let found = crate::schema::in_order::answer(&world.run("db doctor -o json").exits(3));
    let check = found.as_array().unwrap().iter().find(|check| check["name"] == "row level security").unwrap().clone();
    assert_eq!(check["level"], "error", "{check}");
    let text = check["found"].as_str().unwrap();
    assert!(text.contains("users has row level security (policies mine)"), "{check}");
}

#[test]
fn the_owner_of_the_table_sees_all_of_it() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot").ok();
    world.query("ALTER TABLE users ENABLE ROW LEVEL SECURITY");
    assert!(world.run("user list").ok().stdout.contains("pilot"));
    world.run("miles audit").ok();
    let found = crate::schema::in_order::answer(&world.run("db doctor -o json"));
    let check = found.as_array().unwrap().iter().find(|check| check["name"] == "row level security").unwrap().clone();
    assert_eq!(check["level"], "warning", "{check}");
    world.query("ALTER TABLE users FORCE ROW LEVEL SECURITY");
    world.run("user list").exits(8);
    // A repair that does not see all entries would make money of it.
    world.run(format!("miles audit --repair --trust ledger --confirm {}", world.name())).exits(8);
}
