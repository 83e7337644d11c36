//! The miles ledger: its commands on both engines, its properties, and what it does under load and when things break.

mod against;
mod audit;
mod bulk;
mod concurrency;
mod faults;
mod flights;
mod guard;
mod history;
mod properties;
mod purchases;
mod standby;
mod typescript;
mod unknown;
mod writes;

use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use skyteam::db::{self, Database, DatabaseUrl};

use crate::support::{Engine, Output, World};

/// The schema, three users (1 Ann, 2 Bob, 3 Cleo), an airline with a product and two flights. Nobody has miles.
fn furnish(world: &World) {
    world.run("db migrate").ok();
    world.query(
        r#"
        INSERT INTO "users" ("userId", "username", "displayName") VALUES ('1', 'Ann', 'Ann A.'), ('2', 'Bob', 'Bob'), ('3', 'Cleo', 'Cleo');
        INSERT INTO "airlines" ("airlineId", "name", "token") VALUES ('delta', 'Delta Air Lines', 'tokentokentokentokentoke'),
            ('klm', 'KLM', 'otherotherotherotherothe');
        INSERT INTO "brands" ("brandId", "airlineId", "name", "iata", "icao", "callsign", "isPrimary")
            VALUES ('delta', 'delta', 'Delta', 'DL', 'DAL', 'DELTA', true);
        INSERT INTO "milesProducts" ("productId", "airlineId", "name", "priceMiles")
            VALUES ('pass01', 'delta', 'Sky Club', 300);
        INSERT INTO "flights" ("id", "code", "gameId", "aircraft", "airlineId", "brandId", "departure", "arrival") VALUES
            ('f1000000-0000-4000-8000-000000000001', 'DL1', '1', 'A320', 'delta', 'delta', 'ATL', 'AMS'),
            ('f2000000-0000-4000-8000-000000000002', 'DL2', '1', 'A320', 'delta', 'delta', 'AMS', 'ATL');
        "#,
    );
}

/// The flight DL1 of [`furnish`].
const DL1: &str = "f1000000-0000-4000-8000-000000000001";

/// Gives miles and answers the entry.
#[track_caller]
fn award(world: &World, user: &str, miles: i64) -> Value {
    world.run(["miles", "award", user, &miles.to_string(), "--note", "test", "--yes", "-o", "json"]).json()
}

/// `userId=balance` of everybody, and the number of entries: what a refusal must leave as it was.
fn state(world: &World) -> String {
    let balances = world.query(r#"SELECT "userId" || '=' || "miles" FROM "users" ORDER BY "userId""#);
    let entries = world.query(r#"SELECT count(*) FROM "milesTransactions""#);
    let seats = world.query(r#"SELECT count(*) FROM "flightPassengers""#);
    format!("{} entries={entries} seats={seats}", balances.replace('\n', " "))
}

/// Runs SQL that the guard of balances and the checks of entries would refuse, as data from before they stood there.
fn unguarded(world: &World, sql: &str) {
    match world.engine() {
        Engine::Postgres => world.query(&format!(
            r#"ALTER TABLE "users" DISABLE TRIGGER "users_miles_guard";
            ALTER TABLE "milesTransactions" DROP CONSTRAINT IF EXISTS "milesTransactions_amount_check";
            {sql};
            ALTER TABLE "users" ENABLE TRIGGER "users_miles_guard""#
        )),
        Engine::Sqlite => world.query(&format!(
            r#"DROP TRIGGER IF EXISTS "users_miles_guard"; PRAGMA ignore_check_constraints = 1; {sql}"#
        )),
    };
}

/// Runs a command exactly as it was printed, in a shell; whatever it asks is answered yes.
#[track_caller]
fn paste(world: &World, line: &str) -> Output {
    let program = world.program("");
    let mut shell = Command::new("bash");
    let environment = program.get_envs().filter_map(|(name, value)| Some((name, value?)));
    shell.env_clear().envs(environment).current_dir(world.work());
    let script = format!("skyteam() {{ '{}' --yes \"$@\"; }}\n{line}", program.get_program().display());
    shell.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    world.finish(line.to_owned(), shell.spawn().unwrap(), b"")
}

/// That the audit finds nothing.
#[track_caller]
fn sound(world: &World) {
    assert_eq!(world.run("miles audit -o json").json(), Value::Array(Vec::new()));
}

/// The library on the world's database, with so many connections.
async fn library(world: &World, connections: u32) -> Arc<Database> {
    open(&world.url(), connections).await
}

/// The library on the database at `url`.
async fn open(url: &str, connections: u32) -> Arc<Database> {
    let url = DatabaseUrl::parse(url).unwrap();
    let options = db::Options {
        max_connections: connections,
        connect_timeout: std::time::Duration::from_secs(30),
        ..db::Options::default()
    };
    Arc::new(db::connect(&url, options).await.unwrap())
}
