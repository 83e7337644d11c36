//! What a request must be before anything is answered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Studio, TOKEN, encoded, planted};
use crate::support::{Engine, World, both};

/// Every route: method and path.
const ROUTES: [(&str, &str); 28] = [
    ("GET", "/api/session"),
    ("POST", "/api/session/stop"),
    ("POST", "/api/session/unlock"),
    ("POST", "/api/session/lock"),
    ("POST", "/api/actions"),
    ("GET", "/api/players/1"),
    ("GET", "/api/flights/DL123"),
    ("GET", "/api/airlines/delta"),
    ("GET", "/api/products/a1b2c3"),
    ("GET", "/api/overview/flights"),
    ("GET", "/api/overview/findings"),
    ("GET", "/api/overview/movements"),
    ("GET", "/api/tables"),
    ("GET", "/api/tables/users/rows"),
    ("GET", "/api/tables/users/rows/1"),
    ("GET", "/api/tables/users/count"),
    ("GET", "/api/tables/users/values?column=username"),
    ("POST", "/api/relations"),
    ("POST", "/api/labels"),
    ("GET", "/api/find?q=ann"),
    ("POST", "/api/export"),
    ("GET", "/api/sql"),
    ("POST", "/api/sql"),
    ("POST", "/api/sql/forget"),
    ("POST", "/api/sql/one/cancel"),
    ("GET", "/api/diagram"),
    ("GET", "/api"),
    ("GET", "/api/nothing"),
];

const JSON: &str = "Content-Type: application/json";

#[both(ready)]
fn a_host_that_is_not_ours_is_refused(world: &mut World) {
    let studio = Studio::start(world);
    let port = studio.port;
    let bearer = studio.bearer();
    let refused = |line: &str, headers: &[&str]| {
        let answer = studio.request(line, headers, "");
        assert_eq!((answer.status, answer.body.as_str()), (421, ""), "{line} {headers:?}: {answer:?}");
        assert_eq!(answer.header("content-security-policy").len(), 1, "{answer:?}");
    };
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "localhost".to_owned(),
        format!("localhost.:{port}"),
        format!("127.0.0.1:{port}.evil.example"),
        format!("127.0.0.1.evil.example:{port}"),
        "127.0.0.1:1".to_owned(),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("0.0.0.0:{port}"),
        format!("user@127.0.0.1:{port}"),
        String::new(),
    ] {
        let host = format!("Host: {host}");
        // Under a name that was pointed here the browser takes it for the page's own origin.
        refused("GET /api/tables", &[&host, &bearer, "Sec-Fetch-Site: same-origin"]);
        refused("GET /", &[&host]);
    }
    let own = studio.host();
    refused("GET /api/tables", &[&own, "Host: evil.example", &bearer]);
    refused("GET /api/tables", &["Host: evil.example", &own, &bearer]);
    refused("GET /api/tables", &[&own, &own, &bearer]);
    refused("GET /api/tables", &[&bearer]);
    refused("GET http://evil.example/api/tables", &[&own, &bearer]);
    refused(&format!("GET http://127.0.0.1:{port}/api/tables"), &[&own, &bearer]);
    refused("OPTIONS /api/tables", &["Host: evil.example"]);
    let old = studio.raw(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!((old.status, old.body.as_str()), (421, ""), "{old:?}");
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        let host = format!("Host: {host}:{port}");
        studio.request("GET /api/tables", &[&host, &bearer], "").ok();
    }
}

#[test]
fn a_host_can_be_allowed() {
    let studio = Studio::with(&World::ready(Engine::Sqlite), "--allow-host studio.example");
    let bearer = studio.bearer();
    studio.request("GET /api/session", &["Host: studio.example", &bearer], "").ok();
    for (origin, status) in [("https://studio.example", 200), ("https://other.example", 403), ("null", 403)] {
        let headers = ["Host: studio.example", &bearer, &format!("Origin: {origin}")];
        assert_eq!(studio.request("GET /api/session", &headers, "").status, status, "{origin}");
    }
    assert_eq!(studio.request("GET /", &["Host: other.example"], "").status, 421);
    World::bare().run("db studio --allow-host http://x/").exits(2);
}

#[both(ready)]
fn what_another_page_sends_is_refused(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let (host, bearer, origin) = (studio.host(), studio.bearer(), studio.origin());
    let status = |line: &str, headers: &[&str]| {
        let mut all = vec![host.as_str(), bearer.as_str()];
        all.extend(headers);
        let answer = studio.request(line, &all, "");
        assert!(answer.status < 400 || answer.body.is_empty() || answer.status == 400, "{answer:?}");
        answer.status
    };
    for site in ["cross-site", "same-site", "unknown", ""] {
        let site = format!("Sec-Fetch-Site: {site}");
        for line in ["GET /", "GET /api/tables", "GET /nothing"] {
            assert_eq!(status(line, &[&site]), 403, "{line} {site}");
        }
        assert_eq!(status("POST /api/labels", &[&site, &origin, JSON, "Content-Length: 0"]), 403, "{site}");
    }
    // Typed into the address bar: the page, and none of its data.
    assert_eq!(status("GET /", &["Sec-Fetch-Site: none"]), 200);
    assert_eq!(status("GET /tables/users", &["Sec-Fetch-Site: none"]), 200);
    assert_eq!(status("GET /api/tables", &["Sec-Fetch-Site: none"]), 403);
    let port = studio.port;
    for foreign in [
        "http://evil.example".to_owned(),
        format!("http://evil.example:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        "http://127.0.0.1:1".to_owned(),
        format!("http://127.0.0.1:{port}.evil.example"),
        "null".to_owned(),
        String::new(),
    ] {
        let foreign = format!("Origin: {foreign}");
        assert_eq!(status("GET /api/tables", &[&foreign]), 403, "{foreign}");
        assert_eq!(status("POST /api/labels", &[&foreign, JSON, "Content-Length: 0"]), 403, "{foreign}");
    }
    assert_eq!(status("POST /api/labels", &[JSON, "Content-Length: 0"]), 403, "without Origin");
    assert_eq!(status("POST /api/labels", &[&origin, &origin, JSON, "Content-Length: 0"]), 403, "two of them");
    assert_eq!(status("POST /api/labels", &[&origin, JSON, "Content-Length: 0"]), 400);
}

#[both(ready)]
fn a_body_of_another_type_or_size_is_refused(world: &mut World) {
    let studio = Studio::start(world);
    let (host, bearer, origin) = (studio.host(), studio.bearer(), studio.origin());
    let post = |more: &[&str], body: &str| {
        let length = format!("Content-Length: {}", body.len());
        let mut headers = vec![host.as_str(), bearer.as_str(), origin.as_str(), length.as_str()];
        headers.extend(more);
        studio.request("POST /api/labels", &headers, body).status
    };
    let body = r#"{"table":"users","keys":[]}"#;
    assert_eq!(post(&[JSON], body), 200);
    assert_eq!(post(&["Content-Type: application/json; charset=utf-8"], body), 200);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json2", ""] {
        assert_eq!(post(&[&format!("Content-Type: {kind}")], body), 415, "{kind}");
    }
    assert_eq!(post(&[], body), 415);
    assert_eq!(post(&[JSON, JSON], body), 415);
    // Said to be longer than a body may be, it is not waited for.
    let mut headers = vec![host.as_str(), bearer.as_str(), origin.as_str(), JSON, "Content-Length: 1048577"];
    assert_eq!(studio.request("POST /api/labels", &headers, "").status, 413);
    headers[4] = "Transfer-Encoding: chunked";
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
    assert_eq!(studio.request("POST /api/labels", &headers, &(chunk.repeat(16) + "1\r\n ")).status, 413);
    headers.truncate(2);
    headers.push("Content-Length: 2");
    assert_eq!(studio.request("GET /api/tables", &headers, "{}").status, 413);
    let long = format!("X-Long: {}", "x".repeat(200 << 10));
    // Where the connection is cut before all was sent, the system may keep the answer back.
    assert!([431, 0].contains(&studio.request("GET /", &[&host, &long], "").status));
}

#[both(ready)]
fn without_a_token_nothing_is_said_and_no_answer_lets_others_read(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let (host, origin) = (studio.host(), studio.origin());
    for (method, path) in ROUTES {
        let line = format!("{method} {path}");
        for bearer in [
            "X: y".to_owned(),
            "Authorization: Bearer".to_owned(),
            "Authorization: Bearer ".to_owned(),
            format!("Authorization: Basic {}", studio.token),
            format!("Authorization: Bearer {}x", studio.token),
            format!("Authorization: Bearer {}", studio.code),
            format!("Cookie: token={}", studio.token),
            format!("{}\r\n{}", studio.bearer(), studio.bearer()),
        ] {
            let answer = studio.request(&line, &[&host, &origin, &bearer, JSON, "Content-Length: 0"], "");
            assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{line} {bearer}");
        }
        let origin = if method == "POST" { origin.as_str() } else { "X: y" };
        let length = if method == "POST" { "Content-Length: 0" } else { "X: z" };
        let asked = studio.request(&line, &[&host, origin, JSON, length], "");
        assert_eq!(asked.status, 401);
        for method in ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"] {
            let preflight = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"];
            let headers = [&host, &studio.bearer(), preflight[0], preflight[1], &studio.origin()];
            let answer = studio.request(&format!("{method} {path}"), &headers, "");
            assert_eq!((answer.status, answer.body.as_str()), (405, ""), "{method} {path}");
            never_shared(&answer);
        }
        never_shared(&asked);
        if path != "/api/session/stop" {
            let answer = if method == "GET" { studio.get(path) } else { studio.post(path, &serde_json::json!({})) };
            never_shared(&answer);
            assert_eq!(answer.header("cache-control"), ["no-store"], "{answer:?}");
            assert!((200..300).contains(&answer.status) || [400, 404].contains(&answer.status), "{answer:?}");
        }
    }
}

fn never_shared(answer: &super::Answer) {
    let head = answer.head.to_ascii_lowercase();
    for never in ["access-control-", "set-cookie", "location:", "server:"] {
        assert!(!head.contains(never), "{answer:?}");
    }
}

#[both(ready)]
fn every_answer_forbids_what_the_page_does_not_need(world: &mut World) {
    let studio = Studio::start(world);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                  font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                  require-trusted-types-for 'script'; trusted-types 'none'";
    let host = studio.host();
    let answers = [
        (200, studio.request("GET /", &[&host], "")),
        (200, studio.request("GET /tables/users?sort=miles", &[&host], "")),
        (404, studio.request("GET /assets/nothing.js", &[&host], "")),
        (404, studio.request("GET /../Cargo.toml", &[&host], "")),
        (404, studio.request("GET /%2e%2e/%2e%2e/etc/passwd.txt", &[&host], "")),
        (200, studio.get("/api/tables")),
        (404, studio.get("/api/nothing")),
        (421, studio.request("GET /", &["Host: x"], "")),
        (401, studio.request("GET /api/tables", &[&host], "")),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{answer:?}");
        for (name, value) in [
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), [value], "{name} in {answer:?}");
        }
        assert_eq!(answer.header("permissions-policy").len(), 1);
        never_shared(&answer);
    }
    let page = studio.request("GET /", &[&host], "");
    let etag = page.header("etag")[0].to_owned();
    let again = studio.request("GET /", &[&host, &format!("If-None-Match: {etag}")], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}

#[test]
fn it_listens_on_the_loopback_alone() {
    let studio = Studio::start(&World::ready(Engine::Sqlite));
    let port = format!(":{:04X}", studio.port);
    let listening = |file: &str| -> Vec<String> {
        let sockets = std::fs::read_to_string(file).unwrap_or_default();
        let local = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
        let state = |line: &&str| line.split_whitespace().nth(3) == Some("0A");
        sockets.lines().filter(state).filter_map(local).filter(|address| address.ends_with(&port)).collect()
    };
    assert_eq!(listening("/proc/net/tcp"), [format!("0100007F{port}")]);
    assert_eq!(listening("/proc/net/tcp6"), Vec::<String>::new());
}

#[test]
fn slow_clients_keep_nobody_from_the_page_and_are_cut_off() {
    let world = World::ready(Engine::Sqlite);
    let studio = Studio::start(&world);
    let host = studio.host();
    let connect = |text: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", studio.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let slow: Vec<TcpStream> = (0..20).map(|_| connect("GET / HTTP/1.1\r\nHost: x")).collect();
    let (origin, bearer) = (studio.origin(), studio.bearer());
    let head = |path: &str| {
        format!("POST {path} HTTP/1.1\r\n{host}\r\n{origin}\r\n{bearer}\r\n{JSON}\r\nContent-Length: 9\r\n\r\n")
    };
    let bodies: Vec<TcpStream> = (0..40).map(|_| connect(&head("/api/session"))).collect();
    let mut endless = connect(&head("/api/labels"));
    for _ in 0..5 {
        studio.get("/api/tables").ok();
    }
    let cut = |mut stream: TcpStream| {
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            Ok(_) => bytes.is_empty() || bytes.starts_with(b"HTTP/1.1 408"),
            // Cut off before anything of it was read.
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    assert!(slow.into_iter().last().is_some_and(cut));
    drop(bodies);
    let mut bytes = Vec::new();
    endless.read_to_end(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&bytes));
}

#[both(ready)]
fn a_token_of_an_airline_is_in_no_answer(world: &mut World) {
    planted(world);
    let studio = Studio::start(world);
    let filter = |operator: &str, value: &str| format!("filter=token:{operator}:{}", encoded(value));
    let mut answers = Vec::new();
    for query in [
        filter("is", TOKEN),
        filter("starts", "tz4"),
        filter("ge", "t"),
        "filter=token:notnull".to_owned(),
        "sort=token".to_owned(),
        "sort=-token".to_owned(),
        "columns=token".to_owned(),
        "columns=name,token".to_owned(),
    ] {
        let answer = studio.get(&format!("/api/tables/airlines/rows?{query}"));
        assert_eq!(answer.fails(400), "secret_column", "{query}");
        answers.push(answer);
    }
    assert_eq!(studio.get("/api/tables/airlines/count?filter=token:starts:tz").fails(400), "secret_column");
    assert_eq!(studio.get("/api/tables/airlines/values?column=token").fails(400), "secret_column");
    for body in [
        serde_json::json!({"table": "airlines", "format": "csv", "columns": ["token"]}),
        serde_json::json!({"table": "airlines", "format": "json", "sort": ["token"]}),
        serde_json::json!({"table": "airlines", "format": "ndjson", "filter": ["token:starts:tz"]}),
    ] {
        assert_eq!(studio.post("/api/export", &body).fails(400), "secret_column");
    }
    for path in [
        "/api/tables",
        "/api/tables/airlines/rows",
        "/api/tables/airlines/rows/delta",
        "/api/tables/airlines/count",
        "/api/tables/airlines/values?column=name",
        "/api/tables/airlines/values?column=airlineId",
        "/api/tables/brands/rows/dl",
        "/api/find?q=delta",
        &format!("/api/find?q={TOKEN}"),
        &format!("/api/tables/airlines/rows/{TOKEN}"),
        &format!("/api/tables/flights/rows?filter=airlineId:ref:{TOKEN}"),
        "/api/session",
    ] {
        answers.push(studio.get(path));
    }
    for format in ["csv", "json", "ndjson", "markdown"] {
        let answer = studio.post("/api/export", &serde_json::json!({"table": "airlines", "format": format}));
        assert!(answer.status == 200 && answer.body.contains("Delta"), "{answer:?}");
        answers.push(answer);
    }
    answers.push(studio.post("/api/labels", &serde_json::json!({"table": "airlines", "keys": ["delta"]})));
    answers.push(studio.post("/api/relations", &serde_json::json!({"table": "airlines", "keys": ["delta"]})));
    for answer in answers {
        // What the page has asked for itself may be repeated to it.
        let asked = answer.body.contains("no airline") || answer.status == 404;
        assert!(asked || !answer.body.contains(&TOKEN[..8]), "{answer:?}");
    }
    assert!(!studio.said().contains(TOKEN));
}
