//! Award and spend: the library against `pgbench` with the same statement prepared, and against Drizzle with postgres.js.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::future::join_all;
use rand::RngExt as _;
use skyteam::db::Database;
use skyteam::directory::input::Amount;
use skyteam::ledger::{Posting, key, posting};
use tokio::runtime::Runtime;

use super::{Pair, SPELL, in_turn};

/// Entries a second.
fn library(runtime: &Runtime, database: &Arc<Database>, clients: u32, accounts: u32, amount: i32) -> f64 {
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let all = (0..clients).map(|_| {
        let (database, done) = (Arc::clone(database), Arc::clone(&done));
        runtime.spawn(async move {
            // One connection a client, as pgbench's have.
            let till = posting::Poster::of(&database);
            let miles = Amount::new(amount.abs().into()).unwrap();
            while began.elapsed() < SPELL {
                let user = rand::rng().random_range(1..=accounts).to_string();
                let mut movement = match amount {
                    0.. => Posting::award(key::fresh_id(), user, miles),
                    _ => Posting::spend(key::fresh_id(), user, miles),
                };
                movement.note = Some("note".to_owned());
                movement.actor = Some("bench".to_owned());
                till.post(&movement).await.unwrap();
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let all: Vec<_> = all.collect();
    runtime.block_on(join_all(all)).into_iter().for_each(Result::unwrap);
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}

/// Transactions a second that `pgbench` counts.
fn pgbench(url: &str, clients: u32, accounts: u32, amount: i32) -> f64 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/ledger/post.sql");
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-c", &clients.to_string(), "-T", &SPELL.as_secs().to_string()])
        .args(["-D", &format!("accounts={accounts}"), "-D", &format!("amount={amount}")])
        .arg("-f")
        .arg(script)
        .arg(url)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Transactions a second of the apps' own flow; `NODE_CLIENT` is the folder that holds their packages.
pub(super) fn drizzle(folder: &str, url: &str, clients: u32, accounts: u32) -> f64 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/ledger/drizzle.js");
    std::fs::copy(script, Path::new(folder).join("drizzle.js")).unwrap();
    let output = Command::new("node")
        .args(["drizzle.js", url, &clients.to_string(), &accounts.to_string(), &SPELL.as_secs().to_string()])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

pub(super) fn run(runtime: &Runtime, database: &Arc<Database>, url: &str) {
    for (what, amount) in [("award", 10), ("spend", -1)] {
        for accounts in [10_000, 1] {
            for clients in [8, 32] {
                let (ours, raw) = in_turn(
                    || library(runtime, database, clients, accounts, amount),
                    || pgbench(url, clients, accounts, amount),
                );
                let what = format!("{what}, {clients} clients on {accounts} accounts, against pgbench");
                Pair { what, ours, raw, unit: "/s", goal: 0.9 }.print();
            }
        }
    }
    let Ok(folder) = std::env::var("NODE_CLIENT") else { return };
    for accounts in [10_000, 1] {
        let (ours, raw) =
            in_turn(|| library(runtime, database, 32, accounts, 10), || drizzle(&folder, url, 32, accounts));
        let what = format!("award, 32 clients on {accounts} accounts, against Drizzle with postgres.js");
        Pair { what, ours, raw, unit: "/s", goal: 4.0 }.print();
    }
}
