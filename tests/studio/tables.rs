//! Tables, filters, counts, distinct values: what is stored, exactly.

use serde_json::{Value, json};

use super::{Studio, encoded, planted};
use crate::support::{Engine, World, both};

#[both(ready)]
fn all_tables_are_there_with_their_columns(world: &mut World) {
    let studio = Studio::start(world);
    let tables = studio.get("/api/tables").ok();
    let tables = tables["tables"].as_array().unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table["table"].as_str().unwrap()).collect();
    let all = ["users", "airlines", "brands", "flights", "flightPassengers", "milesTransactions", "milesProducts"];
    assert_eq!(names, all);
    let table = |name: &str| tables.iter().find(|table| table["table"] == name).unwrap();
    let column = |name: &str, column: &str| {
        let columns = table(name)["columns"].as_array().unwrap();
        columns.iter().find(|one| one["name"] == column).unwrap_or_else(|| panic!("{column}")).clone()
    };
    let token = column("airlines", "token");
    assert_eq!((&token["secret"], &token["operators"]), (&json!(true), &json!([])));
    assert_eq!(column("users", "miles")["kind"], "integer");
    assert_eq!(column("users", "createdAt")["kind"], "timestamp");
    assert_eq!(column("milesTransactions", "flightId")["references"], json!({"table": "flights", "column": "id"}));
    assert_eq!(column("milesTransactions", "flightId")["nullable"], true);
    assert_eq!(table("flightPassengers")["key"], json!(["flightId", "userId"]));
    assert_eq!(table("users")["noun"], "user");
    let relations = table("airlines")["relations"].as_array().unwrap();
    assert!(relations.iter().any(|one| one["table"] == "flights" && one["column"] == "codeshareAirlineId"));
    assert!(tables.iter().all(|table| table["missing"] == Value::Null));
    // A database of another version says what it lacks, and shows the rest.
    match world.engine() {
        Engine::Postgres => world
            .query(r#"ALTER TABLE "milesProducts" DROP COLUMN "description"; DROP TABLE "flightPassengers" CASCADE"#),
        Engine::Sqlite => {
            world.query(r#"ALTER TABLE "milesProducts" DROP COLUMN "description"; DROP TABLE "flightPassengers""#)
        }
    };
    let tables = studio.get("/api/tables").ok();
    let missing = |at: usize| tables["tables"][at]["missing"].clone();
    assert_eq!((missing(4), missing(6)), (json!({"table": true}), json!({"columns": ["description"]})));
    let refused = studio.get("/api/tables/milesProducts/rows");
    assert_eq!(refused.fails(409), "schema_behind");
    assert!(refused.json()["error"]["fix"].as_str().unwrap().contains("skyteam db push"), "{refused:?}");
    studio.get("/api/tables/milesProducts/rows?columns=name").ok();
}

#[both(ready)]
fn null_and_empty_times_and_numbers_are_exact(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let page = studio.get("/api/tables/users/rows?sort=userId&columns=userId,avatarUrl,createdAt,miles").ok();
    assert_eq!(
        page["rows"],
        json!([
            ["1", null, "2025-01-01T10:00:00.123456Z", 0],
            ["2", "", "2025-01-02T00:00:00Z", 0],
            ["3", "javascript:alert(1)", "2025-01-03T00:00:00Z", 0],
        ])
    );
    assert_eq!(page["keys"], json!(["1", "2", "3"]));
    assert_eq!(page["sort"], json!(["userId"]));
    let passengers = studio.get("/api/tables/flightPassengers/rows").ok();
    let key = passengers["keys"][0].as_str().unwrap();
    assert_eq!(key, "00000000-0000-4000-8000-00000000000f,1");
    let row = studio.get(&format!("/api/tables/flightPassengers/rows/{}", encoded(key))).ok();
    assert_eq!(row["row"][2], 250);
    // What no entity knows is shown as it is.
    match world.engine() {
        Engine::Postgres => world.query(r#"UPDATE "users" SET "createdAt" = 'infinity' WHERE "userId" = '1'"#),
        Engine::Sqlite => world.query(
            r#"DROP TRIGGER "users_miles_bound"; UPDATE "users" SET "createdAt" = 'infinity', "miles" = 12345678901234 WHERE "userId" = '1'"#,
        ),
    };
    let seen = studio.get("/api/tables/users/rows/1").ok();
    let at = |name: &str| {
        let columns = seen["columns"].as_array().unwrap();
        seen["row"][columns.iter().position(|column| column == name).unwrap()].clone()
    };
    assert_eq!(at("createdAt"), "infinity");
    assert_eq!(studio.column("users", "createdAt", "sort=createdAt&filter=userId:is:1"), ["infinity"]);
    if world.engine() == Engine::Sqlite {
        assert_eq!(at("miles"), "12345678901234");
    }
}

#[both(ready)]
fn filters_find_what_they_say(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let ids = |table: &str, column: &str, filters: &[&str]| {
        let filters: Vec<String> = filters.iter().map(|filter| format!("filter={}", encoded(filter))).collect();
        let values = studio.column(table, column, &format!("sort={column}&{}", filters.join("&")));
        let tail = |id: &Value| id.as_str().unwrap().chars().last().unwrap();
        values.iter().map(tail).collect::<String>()
    };
    for (filters, found) in [
        (&["username:is:ann"][..], "1"),
        (&["username:not:ann"], "23"),
        (&["username:contains:NN"], "1"),
        (&["username:starts:B"], "2"),
        (&["username:contains:%"], ""),
        (&["username:in:[\"ann\",\"bob\",\"x\"]"], "12"),
        (&["username:notin:[\"ann\"]"], "23"),
        (&["avatarUrl:null"], "1"),
        (&["avatarUrl:notnull"], "23"),
        (&["avatarUrl:empty"], "2"),
        (&["avatarUrl:notempty"], "3"),
        (&["avatarUrl:not:x"], "123"),
        (&["avatarUrl:notin:[\"\"]"], "13"),
        (&["avatarUrl:is:"], "2"),
        (&["displayName:contains:http://x"], "2"),
        (&["displayName:is:<img src=x onerror=alert(1)>"], "3"),
        (&["username:is:' OR 1=1 --"], ""),
        (&["miles:ge:0", "username:lt:b"], "1"),
        (&["miles:gt:9223372036854775807"], ""),
        (&["createdAt:is:2025-01-01T10:00:00.123456Z"], "1"),
        (&["createdAt:is:2025-01-01T10:00:00.123457Z"], ""),
        (&["createdAt:gt:2025-01-01T10:00:00.123455Z", "createdAt:le:2025-01-02"], "12"),
        (&["createdAt:between:[\"2025-01-02\",\"2025-01-03\"]"], "23"),
        (&["createdAt:ge:-1d"], ""),
    ] {
        assert_eq!(ids("users", "userId", filters), found, "{filters:?}");
    }
    for (filters, found) in [
        (&["userId:ref:@ann"][..], "12"),
        (&["userId:ref:2"], "3"),
        (&["amount:between:[\"-20\",\"7\"]"], "23"),
        (&["amount:lt:0"], "2"),
        (&["id:starts:00000000-0000-4000-8000-000000000003"], "3"),
        (&["id:is:00000000-0000-4000-8000-000000000002"], "2"),
        (&["note:null"], "1"),
        (&["note:empty"], "2"),
    ] {
        assert_eq!(ids("milesTransactions", "id", filters), found, "{filters:?}");
    }
    let refused = |path: &str| studio.get(path);
    for (filter, code) in [
        ("nothing:is:1", "unknown_column"),
        ("username", "unknown_operator"),
        ("username:like:x", "unknown_operator"),
        ("miles:contains:1", "unknown_operator"),
        ("miles:is:many", "invalid_value"),
        ("miles:is:9223372036854775808", "invalid_value"),
        ("createdAt:is:soon", "invalid_value"),
        ("username:in:ann", "invalid_value"),
        ("username:in:[]", "invalid_value"),
        ("createdAt:between:[\"2025-01-01\"]", "invalid_value"),
        ("username:is:\0", "invalid_value"),
        ("username:ref:ann", "unknown_operator"),
    ] {
        assert_eq!(refused(&format!("/api/tables/users/rows?filter={}", encoded(filter))).fails(400), code, "{filter}");
    }
    let lost = refused("/api/tables/milesTransactions/rows?filter=userId:ref:nobody1");
    assert_eq!(lost.fails(404), "not_found");
    for (path, status, code) in [
        ("/api/tables/nothing/rows", 404, "not_found"),
        ("/api/tables/users/rows?sort=nothing", 400, "unknown_column"),
        ("/api/tables/users/rows?columns=nothing", 400, "unknown_column"),
        ("/api/tables/users/rows?limit=0", 400, "invalid_value"),
        ("/api/tables/users/rows?limit=501", 400, "invalid_value"),
        ("/api/tables/users/rows?offset=5", 400, "usage"),
        ("/api/tables/users/rows?after=x", 400, "invalid_cursor"),
        ("/api/tables/users/rows?sort=userId,username,miles,avatarUrl,createdAt", 400, "usage"),
        ("/api/tables/users/rows/9", 404, "not_found"),
        ("/api/tables/users/rows/1,2", 404, "not_found"),
        ("/api/tables/milesTransactions/rows/x", 404, "not_found"),
        ("/api/tables/users/values?column=nothing", 400, "unknown_column"),
    ] {
        assert_eq!(studio.get(path).fails(status), code, "{path}");
    }
}

#[both(ready)]
fn counts_are_exact_where_they_are_quick_and_never_more_than_is_known(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let count = |query: &str| studio.get(&format!("/api/tables/users/count?{query}")).ok();
    assert_eq!(count(""), json!({"n": 3, "exact": true}));
    assert_eq!(count("filter=username:starts:a"), json!({"n": 1, "exact": true}));
    assert_eq!(count("filter=avatarUrl:is:nothing"), json!({"n": 0, "exact": true}));
    let values = studio.get("/api/tables/milesTransactions/values?column=source").ok();
    let expected = json!({"values": [{"value": "manual", "count": 2}, {"value": "gift of a day", "count": 1}],
        "more": false, "sampled": false});
    assert_eq!(values, expected);
    let values = studio.get("/api/tables/users/values?column=avatarUrl").ok();
    assert_eq!(values["values"].as_array().unwrap().len(), 3);
    let values = studio.get("/api/tables/milesTransactions/values?column=source&prefix=G&filter=userId:is:2").ok();
    assert_eq!(values["values"], json!([{"value": "gift of a day", "count": 1}]));
}

#[test]
fn a_count_that_takes_too_long_says_how_much_it_knows() {
    let world = World::ready(Engine::Postgres);
    let studio = Studio::start(&world);
    // Each row takes a while: so many that all of them would take minutes.
    world.query(
        r#"ALTER TABLE "users" RENAME TO "people";
        CREATE VIEW "users" AS SELECT n::text AS "userId", n::text || left(pg_sleep(0.002)::text, 0) AS "username",
            'x' AS "displayName", 0 AS "miles", NULL::text AS "avatarUrl", now()::timestamp AS "createdAt",
            now()::timestamp AS "updatedAt" FROM generate_series(1, 100000) n"#,
    );
    let count = studio.get("/api/tables/users/count?filter=username:notempty").ok();
    assert!(count["exact"].is_null(), "{count}");
    assert!(count["atLeast"] == true && count["n"].as_u64().unwrap() < 1_000 || count["about"] == true, "{count}");
}
