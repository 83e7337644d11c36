//! What breaks in the middle: clients killed, the server crashed. What was acknowledged is there, once; nothing is there
//! by half.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use rand::RngExt as _;
use skyteam::db::{self, DatabaseUrl};
use skyteam::directory::input::Amount;
use skyteam::ledger::{MilesError, Posting, key, posting};

use super::{award, furnish, paste, sound};
use crate::support::{Server, Stop, World};

/// How often the server crashes.
const ROUNDS: usize = 20;

/// How many write at once.
const CLIENTS: usize = 16;

/// What clients heard of their requests.
#[derive(Debug, Default)]
struct Heard {
    /// Acknowledged.
    done: Vec<Posting>,
    /// Reported as unknown.
    unknown: Vec<Posting>,
}

/// Lets clients award and spend on few accounts while the server crashes again and again.
fn storm(world: &World) -> Heard {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let heard = Arc::new(Mutex::new(Heard::default()));
    for round in 0..ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        // What the program opens with, but for the number of connections; a new one, as each run of it is.
        let url = DatabaseUrl::parse(&world.url()).unwrap();
        let options =
            db::Options { max_connections: 16, connect_timeout: Duration::from_secs(2), ..db::Options::default() };
        let database = Arc::new(runtime.block_on(db::connect(&url, options)).unwrap());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (database, stop, heard) = (Arc::clone(&database), Arc::clone(&stop), Arc::clone(&heard));
                runtime.spawn(async move {
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let id = key::entry_id(&format!("{round}/{client}/{number}"));
                        let user = (1 + client % 3).to_string();
                        let movement = if number % 3 == 2 {
                            Posting::spend(id, user, Amount::new(3).unwrap())
                        } else {
                            Posting::award(id, user, Amount::new(5).unwrap())
                        };
                        match posting::post(&database, &movement).await {
                            Ok(_) => heard.lock().unwrap().done.push(movement),
                            Err(MilesError::Unknown { .. }) => heard.lock().unwrap().unknown.push(movement),
                            Err(MilesError::NotEnough { .. }) => {}
                            // Certainly not applied; the server is gone.
                            Err(MilesError::Db(_)) => break,
                            Err(other) => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(60..200)));
        world.server().stop(Stop::Immediate);
        stop.store(true, Ordering::Relaxed);
        world.server().restart();
        runtime.block_on(join_all(clients)).into_iter().for_each(Result::unwrap);
        runtime.block_on(database.close());
    }
    Arc::try_unwrap(heard).unwrap().into_inner().unwrap()
}

/// The ids in the ledger.
fn ids(world: &World) -> BTreeSet<String> {
    world.query(r#"SELECT "id" FROM "milesTransactions""#).lines().map(str::to_owned).collect()
}

#[test]
fn a_crashing_server_loses_nothing_that_it_acknowledged() {
    let server = Server::durable(&[]);
    let world = World::on(&server);
    furnish(&world);
    let heard = storm(&world);
    assert!(heard.done.len() > ROUNDS * 20, "only {} were done: the storm proves little", heard.done.len());
    let there = ids(&world);
    let lost: Vec<_> = heard.done.iter().filter(|movement| !there.contains(&movement.id.to_string())).collect();
    assert!(lost.is_empty(), "{} of {} were lost", lost.len(), heard.done.len());
    sound(&world);

    // What is unknown is asked for again by its key, and is then there once.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = super::library(&world, 4).await;
        for movement in &heard.unknown {
            match posting::post(&database, movement).await {
                Ok(_) | Err(MilesError::NotEnough { .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    });
    sound(&world);
}

/// The proof that the test above can fail.
#[test]
fn a_server_that_forgets_is_found_out() {
    let server = Server::durable(&["synchronous_commit=off", "wal_writer_delay=10s"]);
    let world = World::on(&server);
    furnish(&world);
    // The tables themselves are not to be forgotten with the entries.
    server.admin("CHECKPOINT");
    let heard = storm(&world);
    let there = ids(&world);
    let lost = heard.done.iter().filter(|movement| !there.contains(&movement.id.to_string())).count();
    assert!(lost > 0, "nothing of {} was lost", heard.done.len());
    // By half is nothing even then.
    sound(&world);
}

/// Kills programs at random points of their run; what they acknowledged before is there, once, under its key.
fn kill_clients(world: &World) {
    furnish(world);
    award(world, "1", 100_000);
    let mut acknowledged = 0;
    for round in 0..12 {
        let children: Vec<_> = (0..4)
            .map(|client| {
                let key = format!("{round}/{client}");
                let child = world.spawn(format!("miles spend 1 1 --note x --key {key} -o json"));
                (key, child)
            })
            .collect();
        for (key, mut child) in children {
            std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..60)));
            child.kill().unwrap();
            let said = child.wait_with_output().unwrap();
            if String::from_utf8_lossy(&said.stdout).contains("\"balance\"") {
                acknowledged += 1;
                let id = key::entry_id(&key);
                let there = world.query(&format!(r#"SELECT count(*) FROM "milesTransactions" WHERE "id" = '{id}'"#));
                assert_eq!(there, "1", "{key}");
            }
        }
    }
    sound(world);
    // The same requests again are applied where they were not, and only there.
    for round in 0..12 {
        for client in 0..4 {
            world.run(format!("miles spend 1 1 --note x --key {round}/{client}")).ok();
        }
    }
    assert_eq!(
        world.query(r#"SELECT "miles" FROM "users" WHERE "userId" = '1'"#),
        "99952",
        "{acknowledged} acknowledged"
    );
    sound(world);
}

#[test]
fn killed_clients_leave_nothing_by_half_on_postgres() {
    kill_clients(&World::on(&Server::durable(&[])));
}

#[test]
fn killed_clients_leave_nothing_by_half_on_sqlite() {
    kill_clients(&World::sqlite());
}

#[test]
fn an_outcome_that_stays_unknown_is_told_with_the_key_to_ask_by() {
    let server = Server::durable(&[]);
    let world = World::on(&server);
    furnish(&world);
    // The server dies while the transaction commits: a trigger holds it there.
    world.query(
        r#"CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NEW; END';
        CREATE CONSTRAINT TRIGGER "zz_slow" AFTER INSERT ON "milesTransactions" DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION public.slow()"#,
    );
    let run = |args: &str| {
        let child = world.spawn(args);
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let running = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        while server.as_superuser("postgres").lines(running) == "0" {
            assert!(std::time::Instant::now() < deadline, "the statement never ran");
            std::thread::sleep(Duration::from_millis(20));
        }
        server.stop(Stop::Immediate);
        let output = world.finish(args.to_owned(), child, b"");
        server.restart();
        output
    };
    let told = run("miles award 1 5 --note x -o json").exits(1).error();
    assert_eq!((told["code"].as_str(), told["retryable"].as_bool()), (Some("outcome_unknown"), Some(false)));
    let fix = told["fix"].as_str().unwrap();
    assert!(fix.starts_with("skyteam miles award 1 5 --note x --key id:"), "{fix}");
    let told = run("miles award 1 5 --note x --key mine -o json").exits(7).error();
    assert_eq!((told["code"].as_str(), told["retryable"].as_bool()), (Some("outcome_unknown"), Some(true)));
    world.query(r#"DROP TRIGGER "zz_slow" ON "milesTransactions""#);
    paste(&world, fix).ok();
    assert!(paste(&world, fix).ok().stderr.contains("Already applied"));
    world.run("miles award 1 5 --note x --key mine").ok();
    sound(&world);
}
