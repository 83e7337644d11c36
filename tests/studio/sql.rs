//! Statements that the page runs: that none writes, whatever the role; that none shows a token; its limits, and its end.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{Answer, Studio, TOKEN, planted};
use crate::support::{Engine, Server, World, both, eventually};

impl Studio {
    #[track_caller]
    fn sql(&self, text: &str) -> Answer {
        self.post("/api/sql", &json!({"id": "one", "text": text}))
    }

    #[track_caller]
    fn cells(&self, text: &str) -> Value {
        self.sql(text).ok()["rows"].clone()
    }
}

/// What a role of any rights is refused on PostgreSQL, with the code of the refusal.
const WRITES: [(&str, &str); 53] = [
    // What answers no rows is not even begun.
    ("COPY (SELECT 1) TO PROGRAM 'touch {file}'", "sql_no_rows"),
    ("COPY (SELECT 1) TO '{file}'", "sql_no_rows"),
    ("COPY users FROM '/etc/passwd'", "sql_no_rows"),
    ("COPY users TO STDOUT", "sql_no_rows"),
    ("DO $$ BEGIN DELETE FROM users; END $$", "sql_no_rows"),
    ("NOTIFY spy, 'x'", "sql_no_rows"),
    ("LISTEN spy", "sql_no_rows"),
    ("LOCK TABLE users", "sql_no_rows"),
    ("CHECKPOINT", "sql_no_rows"),
    ("PREPARE spy AS SELECT 1", "sql_no_rows"),
    ("BEGIN", "sql_no_rows"),
    ("COMMIT", "sql_no_rows"),
    ("ROLLBACK", "sql_no_rows"),
    ("RESET ROLE", "sql_no_rows"),
    ("SET ROLE NONE", "sql_no_rows"),
    ("SET SESSION AUTHORIZATION DEFAULT", "sql_no_rows"),
    ("SET TRANSACTION READ WRITE", "sql_no_rows"),
    ("CREATE TABLE spy (a int)", "sql_no_rows"),
    ("CREATE TEMP TABLE spy AS SELECT 1", "sql_no_rows"),
    ("SELECT 1 AS a INTO TEMP spy", "sql_no_rows"),
    ("DROP TABLE users", "sql_no_rows"),
    ("TRUNCATE users", "sql_no_rows"),
    ("VACUUM", "sql_no_rows"),
    ("ALTER SYSTEM SET work_mem = '1MB'", "sql_no_rows"),
    ("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('9', 'spy', 'spy')", "sql_no_rows"),
    ("UPDATE users SET miles = 1", "sql_no_rows"),
    ("DELETE FROM users", "sql_no_rows"),
    // What answers rows and writes is refused by the transaction.
    ("INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('9', 'spy', 'spy') RETURNING 1", "sql_denied"),
    ("UPDATE users SET miles = 1 RETURNING 1", "sql_denied"),
    ("WITH gone AS (DELETE FROM users RETURNING 1) SELECT * FROM gone", "sql_denied"),
    ("SELECT * FROM users FOR UPDATE", "sql_denied"),
    ("SELECT nextval('spy_sequence')", "sql_denied"),
    ("SELECT setval('spy_sequence', 7)", "sql_denied"),
    // What EXPLAIN runs, however it is written. A read-only transaction would run a CREATE TABLE AS.
    ("EXPLAIN ANALYZE UPDATE users SET miles = 1", "sql_denied"),
    ("EXPLAIN ANALYZE UPDATE users SET miles = 1 RETURNING 1", "sql_denied"),
    ("EXPLAIN ANALYZE WITH gone AS (DELETE FROM users RETURNING 1) SELECT * FROM gone", "sql_denied"),
    ("EXPLAIN ANALYZE SELECT * FROM users FOR UPDATE", "sql_denied"),
    ("EXPLAIN ANALYZE SELECT 1 AS a INTO spy", "sql_denied"),
    ("EXPLAIN ANALYZE DECLARE spy CURSOR WITH HOLD FOR SELECT 1", "sql_denied"),
    ("EXPLAIN ANALYZE CREATE TABLE spy AS SELECT 1", "sql_denied"),
    ("EXPLAIN ANALYZE CREATE TEMP TABLE spy AS SELECT 1", "sql_denied"),
    ("EXPLAIN ANALYSE VERBOSE CREATE TABLE spy AS SELECT 1", "sql_denied"),
    ("EXPLAIN (FORMAT JSON, analyze) CREATE MATERIALIZED VIEW spy AS SELECT 1", "sql_denied"),
    ("; /* /* */ */ explain /**/ (ANALYZE 1) CREATE TABLE spy AS SELECT 1", "sql_denied"),
    (r#"EXPLAIN ("analyze") CREATE TABLE spy AS SELECT 1"#, "sql_denied"),
    (r#"EXPLAIN (U&"\0061nalyze") CREATE TABLE spy AS SELECT 1"#, "sql_denied"),
    ("EXPLAIN ANALYZE SELECT nextval('spy_sequence')", "sql_denied"),
    ("EXPLAIN ANALYZE SELECT spy_writes()", "sql_denied"),
    ("SELECT query_to_xml('EXPLAIN ANALYZE CREATE TABLE spy AS SELECT 1', true, false, '')", "sql"),
    ("SELECT spy_writes()", "sql_denied"),
    // The first snapshot has been taken, so it is too late for that.
    ("SELECT set_config('transaction_read_only', 'off', true)", "sql"),
    ("SELECT 1; DELETE FROM users", "sql_several"),
    ("SELECT 1; COMMIT; DELETE FROM users", "sql_several"),
];

/// What a superuser is refused because the statement runs as a role that only reads, and any other in any case.
const SUPERUSERS: [&str; 9] = [
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT lo_export(1, '{file}')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_promote()",
];

/// All that could have been changed.
fn state(world: &World) -> String {
    let sequence = match world.engine() {
        Engine::Postgres => {
            r#"SELECT last_value, is_called FROM spy_sequence; SELECT count(*) FROM pg_largeobject_metadata;
            SELECT count(*) FROM pg_class; SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"#
        }
        Engine::Sqlite => r#"SELECT group_concat("sql") FROM sqlite_master"#,
    };
    let tables = ["users", "airlines", "flights", "milesTransactions"];
    let rows = tables.map(|table| world.query(&format!(r#"SELECT * FROM "{table}" ORDER BY 1"#)));
    format!("{rows:?}{}", world.query(sequence))
}

fn prepared(world: &World) {
    planted(world);
    world.query(
        r#"CREATE SEQUENCE public.spy_sequence;
        CREATE FUNCTION public.spy_writes() RETURNS text LANGUAGE plpgsql AS $$
            BEGIN DELETE FROM public."users"; RETURN 'x'; END $$"#,
    );
}

/// Tries all that writes, and looks whether anything has changed.
fn nothing_writes(world: &World, studio: &Studio, is_reader: bool) {
    let file = world.work().join("spied");
    let before = state(world);
    let filled = |text: &str| text.replace("{file}", &file.display().to_string());
    for (text, code) in WRITES {
        let answer = studio.sql(&filled(text));
        let found = answer.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("{text}: {answer:?}")).to_owned();
        // A role without the rights on what is named may learn of these first.
        assert!(found == code || is_reader && found == "sql_denied", "{text}: {answer:?}");
        // Nor is it run to be explained. A plan alone runs nothing.
        let explained =
            |explain: &str| studio.post("/api/sql", &json!({"id": "one", "text": filled(text), "explain": explain}));
        let answer = explained("analyze");
        assert!((400..500).contains(&answer.status), "{text}: {answer:?}");
        explained("plan");
    }
    for text in SUPERUSERS {
        let answer = studio.sql(&filled(text));
        assert!(answer.status >= 400, "{text}: {answer:?}");
        assert_eq!(answer.json()["error"]["code"], "sql_denied", "{text}: {answer:?}");
    }
    // Allowed, and gone with the session, or never sent.
    studio.sql("SELECT pg_advisory_lock(4711)").ok();
    studio.sql("SELECT pg_notify('spy', 'x')").ok();
    studio.sql("SELECT lo_create(4711)");
    studio.sql("SELECT set_config('search_path', 'spy', false)").ok();
    eventually("no session is left", || {
        world.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'skyteam studio sql'") == "0"
    });
    assert_eq!(state(world), before);
    assert!(!file.exists());
    // The session of another is not ended.
    let other = world.query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'");
    let all =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usesysid = 10 AND pid <> pg_backend_pid()";
    studio.sql(all);
    assert!(other.parse::<u32>().unwrap() > 0);
}

#[test]
fn a_superuser_writes_nothing() {
    let server = Server::start(&[]);
    let world = World::on(&server);
    world.run("db push --yes").ok();
    prepared(&world);
    server.admin(&format!("ALTER ROLE {} SUPERUSER", world.role()));
    let studio = Studio::start(&world);
    assert_eq!(studio.cells("SELECT current_user::text"), json!([["pg_read_all_data"]]));
    nothing_writes(&world, &studio, true);
    let ended = studio.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usesysid IS NOT NULL",
    );
    assert_eq!(ended.fails(403), "sql_denied", "{ended:?}");
}

#[test]
fn a_plain_role_writes_nothing() {
    let world = World::ready(Engine::Postgres);
    prepared(&world);
    let studio = Studio::start(&world);
    nothing_writes(&world, &studio, false);
}

#[test]
fn sqlite_writes_nothing() {
    let world = World::ready(Engine::Sqlite);
    planted(&world);
    let folder = world.work().to_owned();
    let names =
        || -> BTreeSet<_> { std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
    let studio = Studio::start(&world);
    studio.sql("SELECT 1").ok();
    let (before, files) = (state(&world), names());
    let file = folder.join("spied");
    for text in [
        "PRAGMA query_only = 0",
        "PRAGMA writable_schema = 1",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint",
        "PRAGMA user_version = 7",
        "PRAGMA database_list",
        "SELECT * FROM pragma_database_list",
        "ATTACH '{file}' AS spy",
        "DETACH main",
        "VACUUM INTO '{file}'",
        "VACUUM",
        "CREATE TABLE spy (a int)",
        "CREATE TEMP TABLE spy AS SELECT 1",
        "CREATE VIEW spy AS SELECT 1",
        "CREATE VIRTUAL TABLE spy USING fts5 (a)",
        "CREATE INDEX spy ON users (miles)",
        "DROP TABLE users",
        "ALTER TABLE users ADD COLUMN spy",
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('9', 'spy', 'spy')",
        "INSERT INTO users (\"userId\", username, \"displayName\") VALUES ('9', 'spy', 'spy') RETURNING 1",
        "UPDATE users SET miles = 1",
        "UPDATE users SET miles = 1 RETURNING 1",
        "DELETE FROM users",
        "WITH a AS (SELECT 1) DELETE FROM users RETURNING 1",
        "REPLACE INTO users (\"userId\", username, \"displayName\") VALUES ('9', 'spy', 'spy')",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "SAVEPOINT spy",
        "ANALYZE",
        "REINDEX",
        "SELECT load_extension('{file}')",
        "SELECT writefile('{file}', 'x')",
        "SELECT readfile('/etc/passwd')",
        "SELECT edit('x')",
        "SELECT fts3_tokenizer('simple')",
        "SELECT 1; DELETE FROM users",
        "SELECT ?1",
        "",
        "-- nothing",
    ] {
        let answer = studio.sql(&text.replace("{file}", &file.display().to_string()));
        assert!((400..500).contains(&answer.status), "{text}: {answer:?}");
        let text = text.replace("{file}", &file.display().to_string());
        for text in [text.clone(), format!("EXPLAIN {text}"), format!("EXPLAIN QUERY PLAN {text}")] {
            let answer = studio.post("/api/sql", &json!({"id": "one", "text": text, "explain": "plan"}));
            // A query that is only explained is not run, and may have a plan.
            assert!((400..500).contains(&answer.status) || text.starts_with("SELECT"), "{text}: {answer:?}");
        }
    }
    assert_eq!((state(&world), names()), (before, files));
    // What only reads is answered.
    assert_eq!(studio.cells("PRAGMA table_info(users)")[0][1], "userId");
    assert_eq!(
        studio
            .cells("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT sum(i) FROM n"),
        json!([[6]])
    );
    assert_eq!(studio.cells("EXPLAIN QUERY PLAN SELECT * FROM users")[0][3], "SCAN users");
}

#[both(ready)]
fn no_answer_has_a_token_in_it(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let both = [
        r#"SELECT * FROM "airlines""#,
        r#"SELECT "token" FROM "airlines""#,
        r#"SELECT a."token" || '' FROM "airlines" a"#,
        r#"SELECT upper("token") FROM "airlines""#,
        r#"SELECT (SELECT max("token") FROM "airlines")"#,
        r#"SELECT x."t" FROM (SELECT "token" AS "t" FROM "airlines") x"#,
        r#"SELECT CAST("token" AS integer) FROM "airlines""#,
        r#"SELECT "name" FROM "airlines" WHERE "token" = 'tz4a98xxat96iws9zmbrgj3a'"#,
        r#"SELECT 'tz4a98xxat96iws9zmbrgj3a'"#,
        r#"SELECT 1 AS "tz4a98xxat96iws9zmbrgj3a""#,
        r#"SELECT "tz4a98xxat96iws9zmbrgj3a" FROM "airlines""#,
    ];
    let own: &[&str] = match world.engine() {
        Engine::Postgres => &[
            "SELECT a FROM airlines a",
            "SELECT row_to_json(a) FROM airlines a",
            "SELECT array_agg(token) FROM airlines",
            "SELECT query_to_xml('SELECT token FROM airlines', true, false, '')",
            "SELECT convert_to(token, 'UTF8') FROM airlines",
            "SELECT encode(token::bytea, 'hex') FROM airlines",
            "SELECT token::int FROM airlines",
            "SELECT token::date FROM airlines",
            "SELECT (token::json) FROM airlines",
            "SELECT most_common_vals FROM pg_stats WHERE tablename = 'airlines'",
            "EXPLAIN SELECT * FROM airlines WHERE token = 'tz4a98xxat96iws9zmbrgj3a'",
        ],
        Engine::Sqlite => &[
            "SELECT json_group_array(token) FROM airlines",
            "SELECT hex(token) FROM airlines",
            "SELECT substr(token, 2), reverse FROM (SELECT token, length(token) AS reverse FROM airlines)",
            "SELECT substr(token, 2) FROM airlines",
            "SELECT * FROM spy_view",
            "SELECT sample FROM sqlite_stat4",
            "SELECT * FROM sqlite_dbpage",
        ],
    };
    if world.engine() == Engine::Sqlite {
        world.query("CREATE VIEW spy_view AS SELECT token AS t, substr(token, 3) AS u FROM airlines; ANALYZE");
    }
    for text in both.iter().chain(own) {
        for explain in [Value::Null, "plan".into(), "analyze".into()] {
            let answer = studio.post("/api/sql", &json!({"id": "one", "text": text, "explain": explain}));
            let lower = answer.body.to_lowercase();
            assert!(!lower.contains(&TOKEN[1..]) && !lower.contains("747a34613938"), "{text}: {answer:?}");
        }
    }
    assert!(!studio.get("/api/sql").body.contains(TOKEN));
    // And what is not secret is there.
    let masked = studio.sql(r#"SELECT "name", "token" FROM "airlines" ORDER BY 1"#).ok();
    let hidden = if world.engine() == Engine::Postgres { json!("••••") } else { Value::Null };
    assert_eq!(masked["rows"], json!([["Delta", hidden], ["KLM", hidden]]));
}

#[both(ready)]
fn values_are_exact_and_limits_are_said(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    assert_eq!(
        studio.cells("SELECT 1 AS a, NULL AS b, '' AS c, 9007199254740993 AS d;"),
        json!([[1, null, "", "9007199254740993"]])
    );
    let same = studio.sql("SELECT 1 AS a, 2 AS a").ok();
    assert_eq!((&same["columns"][1]["name"], &same["rows"]), (&json!("a"), &json!([[1, 2]])));
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) SELECT i FROM n";
    let cut = studio.sql(numbers).ok();
    assert_eq!((cut["rows"].as_array().unwrap().len(), &cut["truncated"]), (1000, &json!("rows")));
    let whole = studio.sql(&numbers.replace("1001", "1000")).ok();
    assert_eq!((whole["rows"].as_array().unwrap().len(), &whole["truncated"]), (1000, &Value::Null));
    let (long, wide) = match world.engine() {
        Engine::Postgres => ("repeat('x', 70000)", "repeat('x', 60000)"),
        Engine::Sqlite => ("hex(zeroblob(35000))", "hex(zeroblob(30000))"),
    };
    let cell = studio.cells(&format!("SELECT {long}"));
    assert_eq!(cell[0][0]["cut"].as_str().unwrap().len(), 64 << 10);
    let bytes = studio.sql(&numbers.replace("SELECT i FROM n", &format!("SELECT {wide} FROM n"))).ok();
    assert_eq!(bytes["truncated"], "bytes");
    let wrong = studio.sql("SELECT é, missing FROM users");
    assert_eq!(wrong.fails(400), "sql");
    assert_eq!(wrong.json()["position"], 8, "{wrong:?}");
    assert_eq!(studio.sql("").fails(403), "sql_no_rows");
    assert_eq!(studio.sql("SELECT 'a\0b'").fails(400), "sql");
}

#[both(ready)]
fn a_statement_is_cancelled(world: &mut World) {
    let studio = Studio::start(world);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    std::thread::scope(|threads| {
        let run = threads.spawn(|| studio.sql(endless));
        eventually("it runs", || studio.post("/api/sql/one/cancel", &json!({})).status == 204);
        assert_eq!(run.join().unwrap().fails(409), "sql_cancelled");
    });
    assert_eq!(studio.post("/api/sql/one/cancel", &json!({})).fails(404), "not_found");
    if world.engine() == Engine::Postgres {
        eventually("the server has ended it", || {
            world.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'skyteam studio sql'") == "0"
        });
    }
    // A page that went away leaves nothing either, and no more than four run at once.
    let long = |id: usize| json!({"id": id.to_string(), "text": endless}).to_string();
    let mut open = Vec::new();
    for id in 0..4 {
        let body = long(id);
        let request = format!(
            "POST /api/sql HTTP/1.1\r\n{}\r\n{}\r\n{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            studio.host(),
            studio.origin(),
            studio.bearer(),
            body.len()
        );
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", studio.port)).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        open.push(stream);
    }
    eventually("four run", || studio.sql("SELECT 1").status == 423);
    drop(open);
    eventually("none does", || studio.sql("SELECT 1").status == 200);
}

#[both(ready)]
fn what_was_run_is_remembered_for_its_owner(world: &mut World) {
    planted(world);
    let folder = world.work().join("queries");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("rich.sql"), "SELECT 1 -- rich").unwrap();
    let studio = Studio::start(world);
    studio.sql("SELECT 1").ok();
    studio.sql("SELEC 2").fails(400);
    studio.sql(&format!("SELECT '{TOKEN}'")).ok();
    let remembered = studio.get("/api/sql").ok();
    let texts: Vec<_> = remembered["history"].as_array().unwrap().iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, ["SELECT '••••'", "SELEC 2", "SELECT 1"]);
    assert_eq!((&remembered["history"][1]["rows"], &remembered["history"][2]["rows"]), (&Value::Null, &json!(1)));
    assert_eq!(remembered["saved"], json!([{"name": "rich", "text": "SELECT 1 -- rich"}]));
    let file = world.home().join(".local/share/skyteam/studio-history.jsonl");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&file).unwrap().contains(TOKEN));
    drop(studio);
    let again = Studio::start(world);
    assert_eq!(again.get("/api/sql").ok()["history"], remembered["history"]);
    assert_eq!(again.post("/api/sql/forget", &json!({})).status, 204);
    assert_eq!(again.get("/api/sql").ok()["history"], json!([]));
}

#[both(ready)]
fn a_plan_is_explained(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let plan = studio.post(
        "/api/sql",
        &json!({"id": "one", "text": r#"SELECT * FROM "users" WHERE "miles" > 1"#, "explain": "plan"}),
    );
    let rows = plan.ok()["rows"].clone();
    match world.engine() {
        Engine::Postgres => {
            let tree: Value = serde_json::from_str(rows[0][0].as_str().unwrap()).unwrap();
            assert_eq!(tree[0]["Plan"]["Relation Name"], "users", "{tree}");
        }
        Engine::Sqlite => assert_eq!(rows[0][3], "SCAN users"),
    }
    let wrong = studio.post("/api/sql", &json!({"id": "one", "text": "SELECT nothing", "explain": "plan"}));
    if world.engine() == Engine::Postgres {
        assert_eq!(wrong.json()["position"], 8, "{wrong:?}");
    }
}

#[both(ready)]
fn the_diagram_is_of_the_live_database(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let keys = match world.engine() {
        Engine::Postgres => {
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
        }
        Engine::Sqlite => {
            "SELECT count(*) FROM sqlite_master m, pragma_foreign_key_list(m.name) WHERE m.type = 'table' AND seq = 0"
        }
    };
    let shown = studio.get("/api/diagram").ok();
    let tables = shown["tables"].as_array().unwrap();
    assert_eq!(tables.len(), studio.get("/api/tables").ok()["tables"].as_array().unwrap().len(), "{shown}");
    assert_eq!(shown["edges"].as_array().unwrap().len().to_string(), world.query(keys), "{shown}");
    assert!(tables.iter().all(|table| table["drift"] == json!([]) && table["missing"] == false), "{shown}");
    assert!(shown["mermaid"].as_str().unwrap().starts_with("erDiagram\n    users {"), "{shown}");
    world.query(r#"ALTER TABLE "users" ADD COLUMN "extra" text; DROP TABLE "flightPassengers""#);
    let shown = studio.get("/api/diagram").ok();
    let table = |name: &str| shown["tables"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap();
    assert!(table("users")["drift"][0].as_str().unwrap().contains("extra"), "{shown}");
    assert!(table("users")["columns"].to_string().contains("extra"));
    assert_eq!(table("flightPassengers")["missing"], true);
    assert!(!shown["mermaid"].as_str().unwrap().contains("flightPassengers"));
}
