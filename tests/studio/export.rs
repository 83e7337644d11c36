//! A view as a file.

use serde_json::{Value, json};

use super::{Studio, planted};
use crate::support::{World, both};

#[both(ready)]
fn a_view_is_a_file_of_each_format(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let export = |format: &str, more: Value| {
        let mut body = json!({"table": "users", "columns": ["userId", "displayName", "avatarUrl"], "sort": ["-userId"],
            "format": format});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = studio.post("/api/export", &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    };
    let csv = export("csv", json!({}));
    assert_eq!(csv.header("content-disposition"), ["attachment; filename=\"users.csv\""]);
    insta::assert_snapshot!(csv.body, @r#"
    userId,displayName,avatarUrl
    3,<img src=x onerror=alert(1)>,javascript:alert(1)
    2,"'=HYPERLINK(""http://x"",""y"")",
    1,Ann,
    "#);
    assert!(export("csv", json!({"safe": false})).body.contains("\"=HYPERLINK("));
    let ann = export("json", json!({"filter": ["username:is:ann"]}));
    assert_eq!(ann.json(), json!([{"userId": "1", "displayName": "Ann", "avatarUrl": null}]));
    assert_eq!(export("json", json!({"filter": ["username:is:nobody"]})).json(), json!([]));
    let lines = export("ndjson", json!({"limit": 2}));
    assert_eq!(lines.body.lines().count(), 2);
    insta::assert_snapshot!(export("markdown", json!({})).body, @r#"
    | userId | displayName | avatarUrl |
    | --- | --- | --- |
    | 3 | \<img src=x onerror=alert(1)\> | javascript:alert(1) |
    | 2 | =HYPERLINK("http://x","y") |  |
    | 1 | Ann |  |
    "#);
    for body in [
        json!({"table": "users"}),
        json!({"table": "users", "format": "xls"}),
        json!({"table": "users", "format": "csv", "path": "/etc/x"}),
    ] {
        assert_eq!(studio.post("/api/export", &body).fails(400), "usage", "{body}");
    }
    assert_eq!(studio.post("/api/export", &json!({"table": "x", "format": "csv"})).fails(404), "not_found");
    assert_eq!(
        studio.post("/api/export", &json!({"table": "users", "format": "csv", "filter": ["x:is:1"]})).fails(400),
        "unknown_column"
    );
}

#[both(ready)]
fn it_is_what_the_command_line_would_list(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let columns = ["userId", "username", "displayName", "miles", "avatarUrl", "createdAt", "updatedAt"];
    let body = json!({"table": "users", "columns": columns, "sort": ["username"], "format": "csv"});
    let listed =
        world.run(format!("user list --sort username -o csv --csv-safe=always --columns {}", columns.join(","))).ok();
    assert_eq!(studio.post("/api/export", &body).body, listed.stdout);
}

#[both(ready)]
fn many_rows_come_whole_and_a_reader_who_goes_away_is_no_harm(world: &mut World) {
    many(world);
    let studio = Studio::start(world);
    let body = json!({"table": "users", "format": "csv", "columns": ["userId"], "sort": ["userId"]});
    let all = studio.post("/api/export", &body);
    assert_eq!(all.body.lines().count(), 30_001);
    for _ in 0..6 {
        gone(&studio, &body.to_string());
    }
    // More readers went away than there are connections to the database.
    studio.get("/api/tables/users/rows").ok();
}

fn many(world: &World) {
    let series = match world.engine() {
        crate::support::Engine::Postgres => "SELECT generate_series(1, 30000) AS n",
        crate::support::Engine::Sqlite => {
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 30000) SELECT n FROM s"
        }
    };
    let text = "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'";
    world.query(&format!(
        r#"INSERT INTO "users" ("userId", "username", "displayName") SELECT CAST(n AS text), 'u' || n, {text} FROM ({series}) made"#
    ));
}

/// Asks for the file and leaves before it comes.
fn gone(studio: &Studio, body: &str) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", studio.port)).unwrap();
    let (host, origin, bearer) = (studio.host(), studio.origin(), studio.bearer());
    let head = format!(
        "POST /api/export HTTP/1.1\r\n{host}\r\n{origin}\r\n{bearer}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.read_exact(&mut [0; 100]).unwrap();
}
