//! The page in a browser: every flow of `tests/studio/web` in Debian's Chromium, on both engines.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::{Engine, World, both};

/// A token that no byte of the page may hold.
const TOKEN: &str = "tz4a98xxat96iws9zmbrgj3a";

/// The folder with the flows and their packages, installed once for a build folder.
fn flows() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("studio-flows");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/studio/web"), &folder);
        let installed = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"])
            .current_dir(&folder)
            .output()
            .unwrap_or_else(|error| panic!("npm is needed for this test: {error}"));
        assert!(installed.status.success(), "npm ci: {}", String::from_utf8_lossy(&installed.stderr));
        folder
    })
}

/// Copies a folder's sources, without the packages of a person who works on them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_name() == "node_modules" {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A studio that runs until the value is dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(world: &World) -> Self {
        let mut child =
            world.program("db studio --port 0 -o json --tz Asia/Seoul").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = serde_json::from_str::<Value>(&line).unwrap()["url"].as_str().unwrap().to_owned();
        Self { child, url }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Rows whose texts want to be script, a formula or another name than they are.
fn plant(world: &World) {
    world.query(&format!(
        r#"INSERT INTO "users" ("userId", "username", "displayName", "miles", "avatarUrl") VALUES
            ('666', '<img src=x onerror=window.__xss=1>', '{turned}evil', 7, ''),
            ('667', 'plainnull', '=HYPERLINK("http://evil","x")', 0, NULL);
        INSERT INTO "airlines" ("airlineId", "name", "token", "inviteLink") VALUES
            ('hostile', '"><svg onload=window.__xss=1>', '{TOKEN}', 'javascript:window.__xss=1');
        INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "note", "createdAt") VALUES
            ('666', 7, 'earn', 'manual', '"><svg onload=window.__xss=1>', '2026-01-02 23:04:05.123456')"#,
        turned = '\u{202e}',
    ));
}

fn number(world: &World, sql: &str) -> usize {
    world.query(sql).parse().unwrap()
}

/// What the flows expect to see, asked of the database beside the studio.
fn facts(world: &World, url: &str, out: &Path) -> Value {
    let richest = world.query(r#"SELECT "userId" FROM "users" ORDER BY "miles" DESC LIMIT 1"#);
    json!({
        "url": url,
        "out": out,
        "flows": "look",
        "engine": if world.engine() == Engine::Postgres { "postgres" } else { "sqlite" },
        "users": number(world, r#"SELECT count(*) FROM "users""#),
        "entries": number(world, r#"SELECT count(*) FROM "milesTransactions""#),
        "spends": number(world, r#"SELECT count(*) FROM "milesTransactions" WHERE "type" = 'spend'"#),
        "richest": {
            "userId": richest,
            "username": world.query(&format!(r#"SELECT "username" FROM "users" WHERE "userId" = '{richest}'"#)),
            "entries": number(world, &format!(r#"SELECT count(*) FROM "milesTransactions" WHERE "userId" = '{richest}'"#)),
        },
        "hostile": { "userId": "666", "nullId": "667", "airlineId": "hostile", "token": TOKEN },
    })
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Runs a suite of flows on what `facts` say of a studio.
#[track_caller]
fn drive(facts: &Value, out: &Path) {
    let file = out.join("facts.json");
    fs::write(&file, facts.to_string()).unwrap();
    let ran = Command::new("node").arg("flows.js").arg(&file).current_dir(flows()).output().unwrap();
    assert!(
        ran.status.success(),
        "{}\n{}\nscreenshots: {}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
        out.display()
    );
}

/// Where screenshots stay for a person to look at.
fn screens(world: &World, suite: &str) -> PathBuf {
    let engine = match world.engine() {
        Engine::Postgres => "postgres",
        Engine::Sqlite => "sqlite",
    };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(suite).join(engine);
    fs::create_dir_all(&out).unwrap();
    out
}

#[both(ready)]
fn every_action_of_the_page(world: &mut World) {
    world.run("db seed --seed 7 --users 60 --flights 40").ok();
    plant(world);
    let out = screens(world, "studio-actions");
    let studio = Running::start(world);
    let mut facts = facts(world, &studio.url, &out);
    let overdraw = format!("miles spend {} 2000000000 --note x -o json", facts["richest"]["userId"].as_str().unwrap());
    let one = |sql: &str| world.query(sql);
    let product = one(r#"SELECT "productId" FROM "milesProducts" WHERE "active" ORDER BY "priceMiles", 1 LIMIT 1"#);
    let brand = one(r#"SELECT "brandId" FROM "brands" WHERE "isPrimary" ORDER BY 1 LIMIT 1"#);
    let of_brand = |column: &str| one(&format!(r#"SELECT "{column}" FROM "brands" WHERE "brandId" = '{brand}'"#));
    let more = json!({
        "flows": "act",
        "database": world.name(),
        "overdraw": world.run(overdraw).error()["message"],
        "product": {
            "productId": product,
            "price": number(world, &format!(r#"SELECT "priceMiles" FROM "milesProducts" WHERE "productId" = '{product}'"#)),
        },
        "airline": { "airlineId": of_brand("airlineId"), "brandId": brand, "iata": of_brand("iata") },
        "flight": one(r#"SELECT "flightId" FROM "flightPassengers" GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"#),
        "unboarded": one(
            r#"SELECT "id" FROM "flights" f WHERE "startedAt" IS NULL AND "endTime" IS NULL
                AND NOT EXISTS (SELECT 1 FROM "flightPassengers" p WHERE p."flightId" = f."id") ORDER BY 1 LIMIT 1"#
        ),
        "some": one(r#"SELECT "username" FROM "users" WHERE "userId" NOT IN ('666', '667') ORDER BY 1 LIMIT 3"#).lines().collect::<Vec<_>>(),
    });
    facts.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    drive(&facts, &out);
    // Whatever was pressed: balances and ledger agree.
    world.run("miles audit").ok();
}

#[both(ready)]
fn every_question_of_the_page(world: &mut World) {
    world.run("db seed --seed 7 --users 60 --flights 40").ok();
    plant(world);
    let queries = world.work().join("queries");
    fs::create_dir(&queries).unwrap();
    let richest = r#"SELECT "username", "miles" FROM "users" ORDER BY "miles" DESC LIMIT 5"#;
    fs::write(queries.join("richest.sql"), format!("-- The five richest\n{richest};\n")).unwrap();
    let out = screens(world, "studio-questions");
    let studio = Running::start(world);
    let mut facts = facts(world, &studio.url, &out);
    facts["flows"] = "ask".into();
    drive(&facts, &out);
}

#[both(ready)]
fn every_flow_of_the_page(world: &mut World) {
    world.run("db seed --seed 7 --users 300 --flights 120").ok();
    plant(world);
    let out = screens(world, "studio-screens");
    let studio = Running::start(world);
    drive(&facts(world, &studio.url, &out), &out);

    // What the page saved is what the command line writes, row for row.
    let saved = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let listed = world.run("user list -o csv --csv-safe=always --all").ok().stdout;
    assert_eq!(sorted(&saved("users.csv")), sorted(&listed));
    assert!(listed.contains("'=HYPERLINK"), "{listed}");
    let rows: Vec<Value> = serde_json::from_str(&saved("users.json")).unwrap();
    let listed = world.run("user list -o json --all").ok().json();
    assert_eq!(rows.len(), listed.as_array().unwrap().len());
    let markdown = saved("users.md");
    assert_eq!(markdown.lines().count(), rows.len() + 2);
    assert_eq!(saved("spends.csv").lines().next(), Some("amount,id"));
    assert_eq!(
        saved("spends.csv").lines().count(),
        1 + number(world, r#"SELECT count(*) FROM "milesTransactions" WHERE "type" = 'spend'"#)
    );
    for name in ["users.csv", "users.json", "users.md", "spends.csv"] {
        assert!(!saved(name).contains(TOKEN), "{name}");
    }
}

/// The commands that the page shows to copy are read from its sources.
#[test]
fn the_commands_that_the_page_names_exist() {
    fn named(folder: &Path, found: &mut BTreeSet<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                named(&path, found);
                continue;
            }
            for line in fs::read_to_string(&path).unwrap().split("skyteam ").skip(1) {
                let words: Vec<_> = line.split(|c: char| !c.is_ascii_lowercase()).take(2).collect();
                // A sentence about the program is no command of it.
                if ["db", "user", "airline", "brand", "flight", "product", "miles"].contains(&words[0]) {
                    found.insert(words.join(" "));
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/studio/web/src"), &mut found);
    assert!(found.contains("db studio") && found.len() > 5, "{found:?}");
    let world = World::bare();
    for command in found {
        world.run(format!("{command} --help")).ok();
    }
}
