//! Twenty rounds of what happens beside backups into a folder and into an object store: others change the tables, kill the
//! program, end its sessions, cut its connections to either server. Each round ends with a whole proved backup or a clear
//! error, no reader waits for long, and the last good backup is never gone.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::s3::{S3, use_port};
use crate::support::{Engine, Output, Server, World, both};

/// As long as a reader may take on a machine that is busy with other tests: alone it is below a second, and without a backup
/// that gives way minutes.
const READER: Duration = Duration::from_secs(5);

/// What happens beside one backup.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Statement(&'static str),
    KilledClient,
    EndedSessions,
    CutConnections,
    /// Those to the object store.
    CutStore,
}

const ON_POSTGRES: &[Disturbance] = &[
    Disturbance::Statement(r#"ALTER TABLE "users" ADD COLUMN IF NOT EXISTS extra text DEFAULT 'x'"#),
    Disturbance::Statement(r#"ALTER TABLE "users" DROP COLUMN IF EXISTS extra"#),
    Disturbance::Statement(r#"VACUUM FULL "milesTransactions""#),
    Disturbance::Statement(r#"TRUNCATE "flightPassengers""#),
    Disturbance::Statement(r#"BEGIN; LOCK TABLE "users"; SELECT pg_sleep(0.2); COMMIT"#),
    Disturbance::Statement(r#"DROP INDEX IF EXISTS theirs; CREATE INDEX theirs ON "milesTransactions" (note)"#),
    Disturbance::KilledClient,
    Disturbance::EndedSessions,
    Disturbance::CutConnections,
    Disturbance::CutStore,
];

const ON_SQLITE: &[Disturbance] = &[
    Disturbance::Statement(r#"ALTER TABLE "users" ADD COLUMN extra text DEFAULT 'x'"#),
    Disturbance::Statement(r#"ALTER TABLE "users" DROP COLUMN extra"#),
    Disturbance::Statement("VACUUM"),
    Disturbance::Statement(r#"DELETE FROM "flightPassengers""#),
    Disturbance::Statement("BEGIN EXCLUSIVE; SELECT 1; COMMIT"),
    Disturbance::Statement(r#"DROP INDEX IF EXISTS theirs; CREATE INDEX theirs ON "milesTransactions" (note)"#),
    Disturbance::KilledClient,
    Disturbance::CutStore,
];

/// The same numbers every time: a round that fails can be run again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Lets connections through until it cuts all of them.
struct Cutter {
    port: u16,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cutter {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&streams);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", server)).unwrap());
                kept.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                    thread::spawn(move || pump(from, to));
                }
            }
        });
        Self { port, streams }
    }

    fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// What a backup goes through, and where to.
struct Ways {
    place: &'static str,
    /// To the database, where that is on a server.
    database: Option<Cutter>,
    /// To the object store, where the place is one.
    store: Option<(S3, Cutter)>,
}

impl Ways {
    fn new(world: &mut World, place: &'static str) -> Self {
        let database = (world.engine() == Engine::Postgres).then(|| Cutter::before(world.server().port()));
        let store = place.contains("://").then(|| {
            let s3 = S3::start();
            let cutter = Cutter::before(s3.port);
            use_port(world, s3.port);
            (s3, cutter)
        });
        Self { place, database, store }
    }

    /// The backups that there are, by the store's own list, whatever they are.
    fn names(&self, world: &World) -> Vec<String> {
        let mut names = match &self.store {
            Some((s3, _)) => s3.keys(),
            None => std::fs::read_dir(world.work().join(self.place))
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect(),
        };
        names.retain(|name| name.ends_with(".skyteam"));
        names
    }
}

/// Runs one backup beside a disturbance; answers what came of it, where it was not killed, and the slowest reader.
fn round(world: &World, ways: &Ways, disturbance: Disturbance, delay: Duration) -> (Option<Output>, Duration) {
    let mut command =
        world.program(format!("-o json db backup {} -q --keep-last 2 --lock-timeout 500", ways.place).as_str());
    if let Some(cutter) = &ways.database {
        let url = world.url().replace(&format!(":{}/", world.server().port()), &format!(":{}/", cutter.port));
        command.env("DATABASE_URL", url);
    }
    if let Some((_, cutter)) = &ways.store {
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", cutter.port));
    }
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                // What others do to a file beside ours may refuse a reader of it at once; a wait is what is looked for.
                let read = r#"SELECT count(*) FROM "users", (SELECT 1 FROM "milesTransactions" LIMIT 1) AS one"#;
                let answer = world.source().try_rows(read);
                assert!(world.engine() == Engine::Sqlite || answer.is_ok(), "{answer:?}");
                slowest = slowest.max(begun.elapsed());
                // Often enough to see a wait, and not so often that the reader itself is what is waited for.
                thread::sleep(Duration::from_millis(10));
            }
            slowest
        });
        thread::sleep(delay);
        match disturbance {
            Disturbance::Statement(sql) => {
                // A program whose statement is ended beside ours says so itself.
                let _ = world.source().try_rows(sql);
            }
            Disturbance::KilledClient => child.kill().unwrap(),
            Disturbance::EndedSessions => {
                let name = world.name();
                world.server().admin(&format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = '{name}' AND application_name LIKE 'skyteam%'"
                ));
            }
            Disturbance::CutConnections => ways.database.iter().for_each(Cutter::cut),
            Disturbance::CutStore => ways.store.iter().for_each(|(_, cutter)| cutter.cut()),
        }
        let killed = matches!(disturbance, Disturbance::KilledClient);
        let output = if killed {
            child.wait().unwrap();
            None
        } else {
            Some(world.finish("db backup".into(), child, b""))
        };
        done.store(true, Ordering::Relaxed);
        (output, reading.join().unwrap())
    })
}

/// The file or URL of each backup.
fn listed(world: &World, place: &str) -> Vec<String> {
    let listed = world.run(["-o", "json", "db", "backups", place]).ok().json();
    let lines = listed.as_array().unwrap();
    assert!(lines.iter().all(|line| line["verified"] != "damaged"), "{listed}");
    lines.iter().map(|line| line["file"].as_str().unwrap().to_owned()).collect()
}

fn twenty_rounds(world: &mut World, place: &'static str) {
    world.run("db seed --users 3000 --flights 800").ok();
    std::fs::create_dir(world.work().join("b")).unwrap();
    let ways = Ways::new(world, place);
    let first = world.run(["-o", "json", "db", "backup", place, "-q"]).ok().json();
    let mut good = first["file"].as_str().unwrap().to_owned();
    let disturbances = if world.engine() == Engine::Postgres { ON_POSTGRES } else { ON_SQLITE };
    let mut dice = Dice(14);
    let mut proved = HashSet::new();
    let mut made = 0;
    for number in 0..20 {
        // Each in turn, so that all of them come, and then by chance.
        let index = if number < disturbances.len() { number } else { dice.below(disturbances.len() as u64) as usize };
        let disturbance = disturbances[index];
        let delay = Duration::from_millis(dice.below(250));
        let name = format!("round {number}: {disturbance:?} after {delay:?}");
        let (output, slowest) = round(world, &ways, disturbance, delay);
        assert!(slowest < READER, "{name}: a reader waited {slowest:?}");
        match output {
            Some(output) if output.code == 0 => {
                good = output.json()["file"].as_str().unwrap().to_owned();
                made += 1;
            }
            Some(output) => {
                // Unreachable, locked, or ended by somebody: with a name for it, and a why or a fix.
                assert!([1, 7, 11].contains(&output.code), "{name}: {output}");
                let error = output.error();
                assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{name}: {output}");
                assert!(error["why"].is_string() || error["fix"].is_string(), "{name}: {output}");
            }
            None => {}
        }
        let files = listed(world, place);
        // A killed run may have finished before.
        assert!(files.contains(&good) || files.len() >= 2, "{name}: {good:?} is gone: {files:?}");
        assert_eq!(files.len(), ways.names(world).len(), "{name}: half a backup");
        // A file that was proved in an earlier round is read again at the end.
        for file in &files {
            if proved.insert(file.clone()) {
                world.run(["db", "verify", file]).ok();
            }
        }
    }
    assert!(made >= 5, "only {made} backups came through");
    for file in listed(world, place) {
        world.run(["db", "verify", &file]).ok();
    }
    let mut twin = if world.engine() == Engine::Postgres { World::on(world.server()) } else { World::sqlite() };
    if let Some((s3, _)) = &ways.store {
        s3.give_to(&mut twin);
    }
    let file = if ways.store.is_some() { good } else { world.work().join(good).to_str().unwrap().to_owned() };
    twin.run(["db", "restore", &file]).ok();
    // What killed and cut runs left is gone with the next one.
    world.run_program(["db", "backup", place, "-q", "--keep-last", "2"], b"").ok();
    assert_eq!(ways.names(world).len(), 2);
    if let Some((s3, _)) = &ways.store {
        world.run(["db", "prune", place, "--keep-last", "2"]).ok();
        assert_eq!((ways.names(world).len(), s3.uploads()), (2, 0));
    }
}

/// On a server of its own: it is disturbed as a whole.
fn own(engine: Engine) -> World {
    match engine {
        Engine::Postgres => World::on(&Server::durable(&[])),
        Engine::Sqlite => World::sqlite(),
    }
}

#[both]
fn every_round_into_a_folder_ends_with_a_proved_backup_or_a_clear_error(world: &mut World) {
    twenty_rounds(&mut own(world.engine()), "b");
}

#[both]
fn every_round_into_a_bucket_ends_with_a_proved_backup_or_a_clear_error(world: &mut World) {
    twenty_rounds(&mut own(world.engine()), "s3://shop/nightly");
}
