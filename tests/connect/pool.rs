//! What a session tells the server, and the pool's settings in the URL, the profile and flags.

use sea_orm::ConnectionTrait as _;
use skyteam::db;

use crate::support::{Engine, Holder, Server, World, eventually};

#[test]
fn settings_reach_the_server_and_a_flag_goes_before_the_url() {
    let mut world = World::postgres();
    super::reaches(&world);
    let url = format!("{}?statement_timeout=50", world.url());
    world.set("DATABASE_URL", url);
    world.query("CREATE FUNCTION slow() RETURNS text LANGUAGE sql AS 'SELECT pg_sleep(0.3)::text'");
    world.query("ALTER TABLE users RENAME TO people");
    world.query(
        "CREATE VIEW users AS SELECT slow() AS \"userId\", username, \"displayName\", miles, \"avatarUrl\", \
         \"createdAt\", \"updatedAt\" FROM people",
    );
    world.query("INSERT INTO people VALUES ('1', 'a', 'a', 0, NULL, now(), now())");
    insta::assert_snapshot!(world.run("user list").exits(11), @r"
    exit: 11
    --- stderr
    error: a statement took longer than the statement_timeout that is set for it
      why  canceling statement due to statement timeout
           it is set by the URL, --statement-timeout, the role, the database or the server
      fix  add statement_timeout=0 to the URL's parameters, which no role's or database's setting overrules
    ");
    world.run("user list --statement-timeout 60000").ok();
}

#[test]
fn a_profile_has_settings_of_its_own() {
    let mut world = World::ready(Engine::Postgres);
    let file = format!("[profiles.slow]\nurl = \"{}\"\nstatement_timeout = 1000\n", world.url());
    std::fs::write(world.work().join("skyteam.toml"), file).unwrap();
    world.unset("DATABASE_URL");
    world.run("user list -p slow").ok();
    let holder = Holder::takes(&world, "LOCK TABLE users");
    world.run("user list -p slow").exits(11);
    drop(holder);
}

#[test]
fn the_server_sees_who_we_are_in_universal_time() {
    let world = World::postgres();
    super::reaches(&world);
    world.query("ALTER TABLE users RENAME TO people");
    // What the session itself says, read through the table it lists.
    world.query(
        "CREATE VIEW users AS SELECT '1'::text AS \"userId\", current_setting('application_name') AS username, \
         current_setting('TimeZone') AS \"displayName\", 0 AS miles, current_setting('client_connection_check_interval') \
         AS \"avatarUrl\", now()::timestamp AS \"createdAt\", now()::timestamp AS \"updatedAt\"",
    );
    let rows = world.run("user list -o ndjson").ndjson();
    assert_eq!(rows[0]["username"], "skyteam user list");
    assert_eq!(rows[0]["displayName"], "UTC");
    assert_eq!(rows[0]["avatarUrl"], "1s");
}

#[test]
fn one_command_takes_one_connection() {
    let server = Server::start(&["log_connections=on", "fsync=off"]);
    let world = World::on(&server);
    let connections = || server.log().matches("connection authorized").count();
    for args in [
        "db push",
        "db push",
        "db diff",
        "db status",
        "user add 1 pilot",
        "user list",
        "user show pilot",
        "airline add sky Sky",
        "miles award pilot 5 --note test",
        "miles spend pilot 2 --note test",
        "miles history pilot",
        "miles audit",
    ] {
        let before = connections();
        world.run(args).ok();
        eventually("the server has logged it", || connections() > before);
        assert_eq!(connections() - before, 1, "{args}");
    }
}

#[test]
fn an_unused_connection_is_closed() {
    let world = World::postgres();
    let url = format!("{}?idle_timeout=1&application_name=idle", world.url());
    let open = || {
        world.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idle'",
        )
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = db::DatabaseUrl::parse(&url).unwrap();
    let database = runtime.block_on(db::connect(&url, db::Options::default())).unwrap();
    runtime.block_on(database.conn().execute_unprepared("SELECT 1")).unwrap();
    assert_eq!(open(), "1");
    eventually("it is closed", || open() == "0");
    // The next statement has one again, which ends with the database.
    runtime.block_on(database.conn().execute_unprepared("SELECT 1")).unwrap();
    assert_eq!(open(), "1");
    runtime.block_on(database.close());
    eventually("all are closed", || open() == "0");
}

#[test]
fn a_kept_connection_is_left_to_those_who_take_theirs_from_the_pool() {
    let world = World::postgres();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for most in [1, 2] {
        let url = db::DatabaseUrl::parse(&format!("{}?max_connections={most}", world.url())).unwrap();
        runtime.block_on(async {
            let database = db::connect(&url, db::Options::default()).await.unwrap();
            let pool = database.postgres().unwrap().clone();
            database.conn().execute_unprepared("SELECT 1").await.unwrap();
            let mut taken = Vec::new();
            for _ in 0..most {
                taken.push(database.postgres().unwrap().acquire().await.unwrap());
            }
            drop(taken);
            database.conn().execute_unprepared("SELECT 1").await.unwrap();
            drop(pool.acquire().await.unwrap());
            database.close().await;
        });
    }
    // A database that outlives its runtime does not need one to end.
    let url = db::DatabaseUrl::parse(&world.url()).unwrap();
    let database = runtime.block_on(async {
        let database = db::connect(&url, db::Options::default()).await.unwrap();
        database.conn().execute_unprepared("SELECT 1").await.unwrap();
        database
    });
    drop(runtime);
    drop(database);
}

/// As a program has it that waits for requests.
#[test]
fn a_server_that_was_restarted_meanwhile_is_not_noticed_by_the_next_statement() {
    let world = World::postgres();
    let url = db::DatabaseUrl::parse(&world.url()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(async {
        let database = db::connect(&url, db::Options::default()).await.unwrap();
        database.conn().execute_unprepared("SELECT 1").await.unwrap();
        // Longer than a connection rests unasked.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        database
    });
    world.query(
        "SELECT pg_catalog.pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    runtime.block_on(async {
        database.conn().execute_unprepared("SELECT 1").await.unwrap();
        database.close().await;
    });
}
