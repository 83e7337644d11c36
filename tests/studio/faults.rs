//! Bad days: a server that goes away, a lock, a role with few rights, a database that says what it should not.

use serde_json::Value;

use super::Studio;
use crate::support::{Engine, Holder, PASSWORD, Server, Stop, World, both, eventually};

#[test]
fn a_server_that_went_away_is_named_and_used_again() {
    let server = Server::start(&[]);
    let world = World::on(&server);
    world.run("db push --yes").ok();
    let studio = Studio::start(&world);
    // Several connections lie in the pool.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| studio.get("/api/tables").ok());
        }
    });
    server.stop(Stop::Fast);
    server.restart();
    studio.get("/api/tables/users/rows").ok();
    studio.get("/api/find?q=ann").ok();
    server.stop(Stop::Immediate);
    for path in ["/api/tables", "/api/tables/users/rows", "/api/tables/users/count", "/api/find?q=ann"] {
        let away = studio.get(path);
        assert_eq!(away.fails(503), "unreachable", "{path}");
        let error = &away.json()["error"];
        assert_eq!(error["retryable"], true);
        assert!(error["why"].as_str().unwrap().contains("nothing listens"), "{away:?}");
    }
    // What needs no database works meanwhile.
    studio.get("/api/session").ok();
    server.restart();
    studio.get("/api/tables/users/rows").ok();
}

#[test]
fn a_login_that_was_taken_away_meanwhile_is_said() {
    let server = Server::start(&[]);
    let world = World::on(&server);
    world.run("db push --yes").ok();
    let studio = Studio::start(&world);
    studio.get("/api/tables").ok();
    server.admin(&format!("ALTER ROLE {} NOLOGIN", world.role()));
    server.stop(Stop::Fast);
    server.restart();
    let refused = studio.get("/api/tables");
    assert_eq!(refused.fails(403), "login_refused");
    assert!(!refused.body.contains(PASSWORD), "{refused:?}");
    server.admin(&format!("ALTER ROLE {} LOGIN", world.role()));
    studio.get("/api/tables").ok();
}

#[test]
fn a_locked_table_is_waited_for_a_moment() {
    let world = World::ready(Engine::Postgres);
    let studio = Studio::start(&world);
    let holder = Holder::takes(&world, "LOCK TABLE public.users");
    let locked = studio.get("/api/tables/users/rows");
    assert_eq!(locked.fails(423), "lock_timeout");
    assert_eq!(locked.json()["error"]["retryable"], true);
    studio.get("/api/tables/airlines/rows").ok();
    drop(holder);
    studio.get("/api/tables/users/rows").ok();
}

#[test]
fn a_role_that_only_reads_is_enough_and_one_that_may_not_is_told() {
    let world = World::ready(Engine::Postgres);
    let role = format!("{}_reader", world.role());
    world.server().admin(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
    world.query(&format!(
        r#"GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON "users", "flights", "milesTransactions", "flightPassengers" TO {role};
        GRANT SELECT ("airlineId", "name") ON "airlines" TO {role}"#
    ));
    let mut reader = World::bare();
    reader.set("DATABASE_URL", world.url().replacen(world.role(), &role, 1));
    let studio = Studio::start(&reader);
    studio.get("/api/tables").ok();
    studio.get("/api/tables/users/rows").ok();
    studio.get("/api/tables/users/count").ok();
    // All columns that are asked for may be read, and the token never is.
    studio.get("/api/tables/airlines/rows?columns=name").ok();
    let refused = studio.get("/api/tables/brands/rows");
    assert_eq!(refused.fails(403), "permission_denied");
    let error = &refused.json()["error"];
    assert!(error["fix"].as_str().unwrap().contains("GRANT"), "{refused:?}");
    assert_eq!(error["why"], Value::Null);
}

#[both(ready)]
fn nothing_can_be_written_whatever_a_table_does(world: &mut World) {
    // On SQLite no function of a database can write; what is tried there is whether a reader's connection could.
    if world.engine() == Engine::Postgres {
        world.query(
            r#"CREATE FUNCTION public.writes() RETURNS text LANGUAGE plpgsql AS $$
                BEGIN INSERT INTO public."users" ("userId", "username", "displayName") VALUES ('66', 'evil', 'x'); RETURN 'x'; END $$;
            ALTER TABLE "airlines" RENAME TO "kept";
            CREATE VIEW "airlines" AS SELECT "airlineId", public.writes() AS "name", "token", "inviteLink", "serverId",
                "createdAt", "updatedAt" FROM (VALUES ('x', 'x', 'x', 'x', now()::timestamp, now()::timestamp))
                made ("airlineId", "token", "inviteLink", "serverId", "createdAt", "updatedAt")"#,
        );
        let studio = Studio::start(world);
        for path in
            ["/api/tables/airlines/rows", "/api/tables/airlines/rows/x", "/api/tables/airlines/values?column=name"]
        {
            assert_eq!(studio.get(path).fails(403), "read_only", "{path}");
        }
        studio.get("/api/find?q=x").ok();
    } else {
        let studio = Studio::start(world);
        studio.get("/api/tables/users/rows").ok();
        let before = std::fs::read(world.work().join("skyteam.db")).unwrap();
        studio.get("/api/find?q=x").ok();
        assert_eq!(before, std::fs::read(world.work().join("skyteam.db")).unwrap());
        drop(studio);
    }
    assert_eq!(world.query(r#"SELECT count(*) FROM "users""#), "0");
}

#[test]
fn a_servers_own_words_stay_in_the_terminal() {
    let world = World::ready(Engine::Postgres);
    world.query(
        r#"CREATE FUNCTION public.complains() RETURNS text LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'tz4a98xxat96iws9zmbrgj3a /var/lib/postgresql' USING DETAIL = 'a detail', HINT = 'a hint'; END $$;
        ALTER TABLE "airlines" RENAME TO "kept";
        CREATE VIEW "airlines" AS SELECT 'x' AS "airlineId", public.complains() AS "name", 'x' AS "token", 'x' AS "inviteLink",
            'x' AS "serverId", now()::timestamp AS "createdAt", now()::timestamp AS "updatedAt""#,
    );
    let studio = Studio::with(&world, "-v");
    for answer in [
        studio.get("/api/tables/airlines/rows"),
        studio.post("/api/export", &serde_json::json!({"table": "airlines", "format": "csv"})),
    ] {
        answer.fails(500);
        for word in ["tz4a98", "/var/lib", "a detail", "a hint", "plpgsql", "complains"] {
            assert!(!answer.body.contains(word), "{answer:?}");
        }
        let error = &answer.json()["error"];
        assert_eq!((&error["why"], &error["sqlstate"]), (&Value::Null, &Value::from("P0001")));
    }
    eventually("the terminal shows them", || studio.said().contains("/var/lib/postgresql"));
}

#[test]
fn a_statement_that_takes_too_long_is_cut_off() {
    let world = World::ready(Engine::Sqlite);
    world.query(
        r#"DROP TABLE "milesProducts";
        CREATE VIEW "milesProducts" AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s)
            SELECT CAST(n AS text) AS "productId", 'x' AS "airlineId", 'x' AS "name", 'x' AS "description", 1 AS "priceMiles",
            1 AS "isActive", 'x' AS "createdAt" FROM s WHERE n < 0"#,
    );
    let studio = Studio::start(&world);
    let late = studio.get("/api/tables/milesProducts/rows?columns=productId&sort=productId");
    assert_eq!(late.fails(423), "timed_out");
    studio.get("/api/tables/users/rows").ok();
    let count = studio.get("/api/tables/milesProducts/count").ok();
    assert_eq!(count, serde_json::json!({"n": 0, "atLeast": true}));
}
