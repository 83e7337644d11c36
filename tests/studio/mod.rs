//! `db studio`: the real program, asked by raw bytes on a socket.

mod actions;
mod agreement;
mod browser;
mod export;
mod faults;
mod guard;
mod pages;
mod relations;
mod session;
mod sql;
mod tables;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::{World, signal};

/// A token that no answer may have in it.
const TOKEN: &str = "tz4a98xxat96iws9zmbrgj3a";

/// A running studio with one session. It is killed with the value.
pub struct Studio {
    child: Child,
    port: u16,
    code: String,
    token: String,
    stderr: Arc<Mutex<String>>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// Checks the status of an error, and answers its code.
    #[track_caller]
    fn fails(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The values of a header, which may come several times.
    fn header(&self, name: &str) -> Vec<&str> {
        let named = |line: &&str| line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        self.head.lines().filter(named).map(|line| line.split_once(':').unwrap().1.trim()).collect()
    }
}

impl Studio {
    #[track_caller]
    fn start(world: &World) -> Self {
        Self::with(world, "")
    }

    #[track_caller]
    pub fn with(world: &World, args: &str) -> Self {
        let mut studio = Self::without_session(world, args);
        studio.token = studio.open(&studio.code).ok()["token"].as_str().unwrap().to_owned();
        studio
    }

    #[track_caller]
    fn without_session(world: &World, args: &str) -> Self {
        let mut child = world.command(format!("db studio --port 0 -o json {args}").trim()).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (heard, errors) = (Arc::clone(&stderr), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines() {
                heard.lock().unwrap().push_str(&(line.unwrap() + "\n"));
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}{}", stderr.lock().unwrap()));
        let (address, code) = url["url"].as_str().unwrap().split_once("/#code=").unwrap();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port, code: code.to_owned(), token: String::new(), stderr }
    }

    /// Sends these bytes and reads all that comes until the other end is closed.
    #[track_caller]
    fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // It may be refused before all of it is taken.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        // What was answered before the connection was cut is the answer.
        let _ = stream.read_to_end(&mut bytes);
        answer(&bytes)
    }

    /// A request with these header lines and no others.
    fn request(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let mut request = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
        for header in headers {
            request.push_str(&format!("{header}\r\n"));
        }
        self.raw(format!("{request}\r\n{body}").as_bytes())
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    fn origin(&self) -> String {
        format!("Origin: http://127.0.0.1:{}", self.port)
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    fn open(&self, code: &str) -> Answer {
        let body = serde_json::json!({ "code": code }).to_string();
        let length = format!("Content-Length: {}", body.len());
        let headers = [&self.host(), &self.origin(), "Content-Type: application/json", &length];
        self.request("POST /api/session", &headers, &body)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), &[&self.host(), &self.bearer(), "Sec-Fetch-Site: same-origin"], "")
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let length = format!("Content-Length: {}", body.len());
        let json = "Content-Type: application/json";
        self.request(&format!("POST {path}"), &[&self.host(), &self.origin(), &self.bearer(), json, &length], &body)
    }

    /// The rows of a page of a table.
    #[track_caller]
    fn rows(&self, table: &str, query: &str) -> Vec<Value> {
        self.get(&format!("/api/tables/{table}/rows?{query}")).ok()["rows"].as_array().unwrap().clone()
    }

    /// The values of one column, in the order of the page.
    #[track_caller]
    fn column(&self, table: &str, column: &str, query: &str) -> Vec<Value> {
        let rows = self.rows(table, &format!("columns={column}&{query}"));
        rows.into_iter().map(|row| row[0].clone()).collect()
    }

    fn said(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits for its end; answers its exit code and what it said on stderr.
    fn ends(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        (code, self.said())
    }

    fn interrupt(self) -> (i32, String) {
        signal("INT", self.child.id());
        self.ends()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.push_str(&more[..size]);
        rest = &more[size + 2..];
    }
    panic!("the last chunk never came")
}

/// Percent-encodes a value for a query string.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// An airline with the token, a brand, two users, a flight, entries.
fn planted(world: &World) {
    world.query(&format!(
        r#"INSERT INTO "users" ("userId", "username", "displayName", "miles", "avatarUrl", "createdAt") VALUES
            ('1', 'ann', 'Ann', 0, NULL, '2025-01-01 10:00:00.123456'), ('2', 'bob', '=HYPERLINK("http://x","y")', 0, '', '2025-01-02 00:00:00'),
            ('3', 'Éva', '<img src=x onerror=alert(1)>', 0, 'javascript:alert(1)', '2025-01-03 00:00:00');
        INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('delta', 'Delta', '{TOKEN}'), ('klm', 'KLM', 'aaaaaaaaaaaaaaaaaaaaaaaa');
        INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary") VALUES
            ('dl', 'delta', 'Delta', 'DL', 'DAL', 'DELTA', true);
        INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "startTime", "departure", "arrival") VALUES
            ('00000000-0000-4000-8000-00000000000f', 'DL123', '1', 'A320', 'delta', 'dl', '2025-02-01 18:00:00', 'AMS', 'JFK');
        INSERT INTO "flightPassengers" ("flightId", "userId", "miles") VALUES ('00000000-0000-4000-8000-00000000000f', '1', 250);
        INSERT INTO "milesTransactions" ("id", "userId", "amount", "type", "source", "note", "createdAt") VALUES
            ('00000000-0000-4000-8000-000000000001', '1', 500, 'earn', 'manual', NULL, '2025-03-01 00:00:00'),
            ('00000000-0000-4000-8000-000000000002', '1', -20, 'spend', 'manual', '', '2025-03-02 00:00:00.5'),
            ('00000000-0000-4000-8000-000000000003', '2', 7, 'earn', 'gift of a day', 'a b', '2025-03-02 00:00:00')"#
    ));
}
