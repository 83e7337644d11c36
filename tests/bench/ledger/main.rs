//! How fast the ledger is, each figure paired with the raw one in the same run, since machines are noisy.
//!
//! `tests/bench/ledger/run` starts a durable PostgreSQL and runs this against it; it prints a table in Markdown.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and stops where it cannot go on")]

mod bulk;
mod load;
mod reads;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use skyteam::db::{self, Absent, Database, DatabaseUrl, Engine};

/// How often each pair is measured; the median counts.
const ROUNDS: usize = 3;

/// How long one rate is measured.
const SPELL: Duration = Duration::from_secs(4);

/// A figure beside its raw counterpart.
struct Pair {
    what: String,
    ours: f64,
    raw: f64,
    unit: &'static str,
    /// What `ours / raw` must be: at least, or with a minus at most.
    goal: f64,
}

impl Pair {
    fn print(&self) {
        let ratio = self.ours / self.raw;
        let (kept, goal) = if self.goal > 0.0 {
            (ratio >= self.goal, format!("≥ {}", self.goal))
        } else {
            (ratio <= -self.goal, format!("≤ {}", -self.goal))
        };
        let mark = if kept { "yes" } else { "no" };
        println!(
            "| {} | {:.1} {} | {:.1} {} | {ratio:.3} | {goal} | {mark} |",
            self.what, self.ours, self.unit, self.raw, self.unit
        );
    }
}

/// Measures two things in turn and answers the median of each.
fn in_turn(mut ours: impl FnMut() -> f64, mut raw: impl FnMut() -> f64) -> (f64, f64) {
    let mut all = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        all.0.push(ours());
        all.1.push(raw());
    }
    (median(all.0), median(all.1))
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

fn open(runtime: &tokio::runtime::Runtime, url: &str, connections: u32) -> Arc<Database> {
    let options = db::Options {
        max_connections: connections,
        connect_timeout: Duration::from_secs(30),
        absent: Absent::Create,
        ..db::Options::default()
    };
    Arc::new(runtime.block_on(db::connect(&DatabaseUrl::parse(url).unwrap(), options)).unwrap())
}

/// The schema and `users` accounts, `1` to the number of them, with a million miles each and the entries for it.
fn furnish(runtime: &tokio::runtime::Runtime, database: &Database, users: u32) {
    let dialect = match database.engine() {
        Engine::Postgres => migration::Engine::Postgres,
        Engine::Sqlite => migration::Engine::Sqlite,
    };
    let numbers = format!("WITH RECURSIVE n(u) AS (SELECT 1 UNION ALL SELECT u + 1 FROM n WHERE u < {users})");
    runtime.block_on(async {
        let tx = database.begin().await.unwrap();
        if database.engine() == Engine::Postgres {
            // A session looks in pg_catalog alone.
            tx.execute_unprepared("SET LOCAL search_path = public, pg_temp").await.unwrap();
        }
        for migration in migration::all() {
            tx.execute_unprepared(migration.up(dialect)).await.unwrap();
        }
        for insert in [
            format!(r#"{numbers} INSERT INTO "users" ("userId", "username", "displayName", "miles") SELECT CAST(u AS text), 'user' || u, 'x', 1000000 FROM n"#),
            format!(r#"{numbers} INSERT INTO "milesTransactions" ("userId", "amount", "type", "source") SELECT CAST(u AS text), 1000000, 'earn', 'manual' FROM n"#),
        ] {
            // The keyword stands before the INSERT on both engines only in this form.
            let (with, insert) = insert.split_at(insert.find("INSERT").unwrap());
            let (into, select) = insert.split_at(insert.find("SELECT").unwrap());
            tx.execute_unprepared(&format!("{into} {with} {select}")).await.unwrap();
        }
        tx.commit().await.unwrap();
    });
}

fn main() {
    let url = std::env::args().skip(1).find(|arg| arg.starts_with("postgres")).expect("the URL of an empty database");
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| ["load", "bulk", "reads"].contains(&arg.as_str())).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|one| one == part);
    println!("| what | ours | raw | ratio | goal | kept |\n|---|---:|---:|---:|---:|---|");
    // One thread, as the program has: what it takes less of the machine is left to the server beside it.
    let runtime = match std::env::var("BENCH_THREADS") {
        Ok(threads) => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads.parse().unwrap()).enable_all().build()
        }
        Err(_) => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    };
    let runtime = runtime.unwrap();
    let database = open(&runtime, &url, 34);
    furnish(&runtime, &database, 10_000);
    if wants("load") {
        load::run(&runtime, &database, &url);
    }
    if wants("bulk") {
        bulk::run(&runtime, &database, &url);
    }
    if wants("reads") {
        reads::run(&runtime, &database);
    }
}
