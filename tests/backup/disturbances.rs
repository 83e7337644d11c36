//! Twenty rounds of what happens beside backups into a folder: others change the tables, kill the program, end its
//! sessions, cut its connections. Each round ends with a whole proved backup or a clear error, no reader waits for long,
//! and the last good backup is never gone.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Output, Server, World};

/// As long as a reader may take on a machine that is busy with other tests: without a backup that gives way it is minutes.
const READER: Duration = Duration::from_secs(5);

/// What happens beside one backup.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Statement(&'static str),
    KilledClient,
    EndedSessions,
    CutConnections,
}

const DISTURBANCES: &[Disturbance] = &[
    Disturbance::Statement(r#"ALTER TABLE "users" ADD COLUMN IF NOT EXISTS extra text DEFAULT 'x'"#),
    Disturbance::Statement(r#"ALTER TABLE "users" DROP COLUMN IF EXISTS extra"#),
    Disturbance::Statement(r#"VACUUM FULL "milesTransactions""#),
    Disturbance::Statement(r#"TRUNCATE "flightPassengers""#),
    Disturbance::Statement(r#"BEGIN; LOCK TABLE "users"; SELECT pg_sleep(0.2); COMMIT"#),
    Disturbance::Statement(r#"DROP INDEX IF EXISTS theirs; CREATE INDEX theirs ON "milesTransactions" (note)"#),
    Disturbance::KilledClient,
    Disturbance::EndedSessions,
    Disturbance::CutConnections,
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

/// Runs one backup beside a disturbance; answers what came of it, where it was not killed, and the slowest reader.
fn round(world: &World, cutter: &Cutter, disturbance: Disturbance, delay: Duration) -> (Option<Output>, Duration) {
    let url = world.url().replace(&format!(":{}/", world.server().port()), &format!(":{}/", cutter.port));
    let mut command = world.program("-o json db backup b --keep-last 2 --lock-timeout 500");
    command.env("DATABASE_URL", url).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while !done.load(Ordering::Relaxed) {
                let begun = Instant::now();
                world.query(r#"SELECT count(*) FROM "users", (SELECT 1 FROM "milesTransactions" LIMIT 1) AS one"#);
                slowest = slowest.max(begun.elapsed());
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
            Disturbance::CutConnections => cutter.cut(),
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

fn listed(world: &World) -> Vec<PathBuf> {
    let listed = world.run("-o json db backups b").ok().json();
    let lines = listed.as_array().unwrap();
    assert!(lines.iter().all(|line| line["verified"] != "damaged"), "{listed}");
    lines.iter().map(|line| line["file"].as_str().unwrap().into()).collect()
}

#[test]
fn every_round_ends_with_a_proved_backup_or_a_clear_error() {
    let server = Server::durable(&[]);
    let world = World::on(&server);
    world.run("db seed --users 3000 --flights 800").ok();
    std::fs::create_dir(world.work().join("b")).unwrap();
    let first = world.run("-o json db backup b").ok().json();
    let mut good: PathBuf = first["file"].as_str().unwrap().into();
    let cutter = Cutter::before(server.port());
    let mut dice = Dice(14);
    let mut made = 0;
    for number in 0..20 {
        // Each in turn, so that all of them come, and then by chance.
        let index = if number < DISTURBANCES.len() { number } else { dice.below(DISTURBANCES.len() as u64) as usize };
        let disturbance = DISTURBANCES[index];
        let delay = Duration::from_millis(dice.below(250));
        let told = format!("round {number}: {disturbance:?} after {delay:?}");
        let (output, slowest) = round(&world, &cutter, disturbance, delay);
        assert!(slowest < READER, "{told}: a reader waited {slowest:?}");
        match output {
            Some(output) if output.code == 0 => {
                good = output.json()["file"].as_str().unwrap().into();
                made += 1;
            }
            Some(output) => {
                // Unreachable, locked, or ended by somebody: with a name for it, and a why or a fix.
                assert!([1, 7, 11].contains(&output.code), "{told}: {output}");
                let error = output.error();
                assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{told}: {output}");
                assert!(error["why"].is_string() || error["fix"].is_string(), "{told}: {output}");
            }
            None => {}
        }
        let files = listed(&world);
        // A killed run may have finished before.
        assert!(files.contains(&good) || files.len() >= 2, "{told}: {good:?} is gone: {files:?}");
        for file in &files {
            world.run(["db", "verify", file.to_str().unwrap()]).ok();
        }
    }
    assert!(made >= 5, "only {made} backups came through");
    world.run(["db", "verify", good.to_str().unwrap()]).ok();
    let twin = World::on(&server);
    twin.run(["db", "restore", world.work().join(&good).to_str().unwrap()]).ok();
    // What killed and cut runs left is gone with the next one.
    world.run_program("db backup b --keep-last 2", b"").ok();
    let names: Vec<String> = std::fs::read_dir(world.work().join("b"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".skyteam"))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
