//! A hostile server, or someone on the way to the real one: what it says before the login takes no memory and no time, and
//! it gets no password that it could read.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio_rustls::rustls;

use crate::support::{Engine, Output, PASSWORD, Scratch, World, eventually, signal};

/// More than a run takes that only fails, in KiB of address space; less than the message of 1.2 GB.
const MEMORY: u32 = 900_000;
/// Longer than the time-out of a connection, shorter than anybody waits.
const LIMIT: Duration = Duration::from_secs(20);

/// A message of the protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], u32::try_from(body.len() + 4).unwrap().to_be_bytes().as_slice(), body].concat()
}

fn authentication(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[code.to_be_bytes().as_slice(), rest].concat())
}

/// What a hostile server says after the startup message; `false` once nobody listens.
type Says = fn(&mut dyn Write) -> bool;

/// A message of 1.2 GB, and all of it.
fn long(to: &mut dyn Write) -> bool {
    let part = vec![0; 1 << 20];
    to.write_all(b"S\x47\x86\x8c\x00").is_ok() && (0..1200).all(|_| to.write_all(&part).is_ok())
}

/// Notices without end.
fn notices(to: &mut dyn Write) -> bool {
    let notice = message(b'N', &[b"SNOTICE\0C00000\0M".as_slice(), &[b'x'; 30_000], b"\0\0"].concat());
    while to.write_all(&notice).is_ok() {}
    false
}

/// One byte at a time, for as long as somebody listens.
fn drip(to: &mut dyn Write) -> bool {
    let mut bytes = message(b'S', &[b'x'; 30_000]).into_iter();
    bytes.all(|byte| {
        thread::sleep(Duration::from_millis(50));
        to.write_all(&[byte]).and_then(|()| to.flush()).is_ok()
    })
}

/// A server that says this to everybody. It ends with the process.
struct Hostile {
    port: u16,
    /// What it was sent after the startup message, by all.
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Hostile {
    fn start(says: Says, tls: Option<rustls::ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (shared, tls) = (Arc::clone(&heard), tls.map(Arc::new));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (heard, tls) = (Arc::clone(&shared), tls.clone());
                // A client that leaves is what is wanted.
                thread::spawn(move || serve(client.unwrap(), says, tls, &heard));
            }
        });
        Self { port, heard }
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        format!("postgres://ops:{PASSWORD}@{host}:{}/sky?{parameters}", self.port)
    }

    /// Whether any client has sent a message with a password in it.
    fn has_a_password(&self) -> bool {
        self.heard.lock().unwrap().contains(&b'p')
    }
}

fn serve(
    mut client: TcpStream,
    says: Says,
    tls: Option<Arc<rustls::ServerConfig>>,
    heard: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let mut request = [0; 8];
    client.peek(&mut request)?;
    let wants_tls = request == [0, 0, 0, 8, 4, 210, 22, 47];
    if wants_tls {
        client.read_exact(&mut request)?;
        client.write_all(if tls.is_some() { b"S" } else { b"N" })?;
    }
    match tls.filter(|_| wants_tls) {
        Some(config) => {
            let session = rustls::ServerConnection::new(config).unwrap();
            talk(&mut rustls::StreamOwned::new(session, client), says, heard)
        }
        None => talk(&mut client, says, heard),
    }
}

/// Reads the startup message, says what it has to say, and keeps what the client answers.
fn talk<S: Read + Write>(stream: &mut S, says: Says, heard: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut startup = [0; 4096];
    let _ = stream.read(&mut startup)?;
    if says(stream) {
        stream.flush()?;
        let mut answer = [0; 4096];
        let count = stream.read(&mut answer)?;
        heard.lock().unwrap().extend_from_slice(&answer[..count]);
    }
    Ok(())
}

/// TLS for a server that nobody knows.
fn tls() -> rustls::ServerConfig {
    use rustls::pki_types::pem::PemObject;
    let scratch = Scratch::new("ca");
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout key -out crt -subj /CN=x"
                .split(' '),
        )
        .current_dir(scratch.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let certificate = rustls::pki_types::CertificateDer::from_pem_file(scratch.path().join("crt")).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(scratch.path().join("key")).unwrap();
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Runs the program with little memory, so that one that keeps what it is sent ends by a signal.
fn run(url: &str) -> Output {
    let mut world = World::bare();
    world.set("DATABASE_URL", url);
    let program = world.program("user list");
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(program.get_program());
    limited.args(program.get_args()).env_clear().current_dir(world.work());
    limited.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let began = Instant::now();
    let output = world.finish("user list".into(), limited.spawn().unwrap(), b"");
    assert!(began.elapsed() < LIMIT, "{output}");
    output
}

#[test]
fn what_is_said_before_the_login_is_bounded() {
    for (says, why) in [
        (long as Says, "a message of 1200000000 bytes"),
        (notices as Says, "before any login it sent"),
        (drip as Says, "no answer within"),
    ] {
        for (tls, parameters) in [(None, "sslmode=prefer"), (Some(tls()), "sslmode=require")] {
            let server = Hostile::start(says, tls);
            let output = run(&server.url("127.0.0.1", parameters)).exits(7);
            assert!(output.stderr.contains(why), "{parameters}: {output}");
        }
    }
}

#[test]
fn a_hostile_socket_is_bounded_too() {
    let folder = Scratch::new("socket");
    let listener = std::os::unix::net::UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            thread::spawn(move || talk(&mut client.unwrap(), long, &Mutex::default()));
        }
    });
    let output = run(&format!("postgres:///sky?host={}&user=ops", folder.path().display())).exits(7);
    assert!(output.stderr.contains("a message of 1200000000 bytes"), "{output}");
}

fn in_clear(to: &mut dyn Write) -> bool {
    to.write_all(&authentication(3, b"")).is_ok()
}

fn as_md5(to: &mut dyn Write) -> bool {
    to.write_all(&authentication(5, b"salt")).is_ok()
}

fn nothing(to: &mut dyn Write) -> bool {
    to.write_all(&authentication(0, b"")).is_ok()
}

/// A name of this machine that is none of the loopback's own: as far as a user can see, a server elsewhere.
const REMOTE: &str = "127.1";

#[test]
fn no_readable_password_leaves_the_machine_unencrypted() {
    for (says, method) in [(in_clear as Says, "password"), (as_md5 as Says, "md5")] {
        let server = Hostile::start(says, None);
        for parameters in ["", "sslmode=disable", "sslmode=allow", "sslmode=prefer"] {
            let output = run(&server.url(REMOTE, parameters)).exits(6);
            assert!(output.stderr.contains("the password was not sent"), "{parameters}: {output}");
            assert!(output.stderr.contains(&format!("require_auth={method} in the URL sends it")), "{output}");
        }
        // On this machine nobody listens on the way.
        run(&server.url("localhost", "hostaddr=127.0.0.1")).exits(7);
        assert!(server.has_a_password());
        server.heard.lock().unwrap().clear();
        // Asked for, it is sent.
        run(&server.url(REMOTE, &format!("require_auth={method}"))).exits(7);
        assert!(server.has_a_password());
        let encrypted = Hostile::start(says, Some(tls()));
        run(&encrypted.url(REMOTE, "sslmode=require")).exits(7);
        assert!(encrypted.has_a_password());
    }
}

#[test]
fn require_auth_is_obeyed_wherever_it_is_set() {
    for (says, asked) in [(in_clear as Says, "asks for password"), (nothing as Says, "without asking who we are")] {
        let server = Hostile::start(says, None);
        let mut world = World::bare();
        world.set("DATABASE_URL", server.url("127.0.0.1", ""));
        world.set("PGREQUIREAUTH", "scram-sha-256");
        let output = world.run("user list").exits(6);
        assert!(output.stderr.contains(asked) && output.stderr.contains("require_auth=scram-sha-256"), "{output}");
        assert!(!server.has_a_password());
        world.unset("PGREQUIREAUTH");
        world.set("DATABASE_URL", server.url("127.0.0.1", "require_auth=!none,!password"));
        world.run("user list").exits(6);
        assert!(!server.has_a_password());
    }
    let mut world = World::ready(Engine::Postgres);
    world.server().admin(&format!("GRANT by_password TO {}", world.role()));
    world.set("PGREQUIREAUTH", "scram-sha-256");
    world.run("user list").ok();
    world.set("PGREQUIREAUTH", "!scram-sha-256");
    let output = world.run("user list").exits(6);
    assert!(output.stderr.contains("asks for scram-sha-256"), "{output}");
}

#[test]
fn a_request_to_end_ends_whatever_waits() {
    let mut world = World::ready(Engine::Postgres);
    // A server that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let line = format!("--database-url postgres://ops@{address}/sky --connect-timeout 100 user list");
    let child = world.spawn(line.as_str());
    let (client, _) = silent.accept().unwrap();
    let began = Instant::now();
    signal("TERM", child.id());
    world.finish(line, child, b"").exits(130);
    assert!(began.elapsed() < LIMIT);
    drop(client);
    // One that has asked for the login, and then says nothing.
    let hostile = Hostile::start(drip, None);
    let line = format!("--connect-timeout 100 --database-url {} user list", hostile.url("127.0.0.1", ""));
    let child = world.spawn(line.as_str());
    thread::sleep(Duration::from_millis(500));
    signal("TERM", child.id());
    world.finish("user list".into(), child, b"").exits(130);
    // Neither a password file nor a key that is a pipe is waited for at all.
    let pipe = world.work().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    world.set("PGPASSFILE", pipe.to_str().unwrap());
    world.set("DATABASE_URL", world.url().replace(&format!(":{PASSWORD}"), ""));
    let output = world.run_program("user list", "").exits(6);
    assert!(output.stderr.contains("pipe"), "{output}");
    world.unset("PGPASSFILE");
    let url = world.url();
    for parameter in ["sslrootcert", "sslcrl"] {
        let pipe = pipe.display();
        let url = format!("{url}?sslmode=verify-full&sslrootcert=/etc/hostname&{parameter}={pipe}");
        let url = if parameter == "sslrootcert" { url.replace("&sslrootcert=/etc/hostname", "") } else { url };
        world.run_program(["--database-url", &url, "user", "list"], "").exits(6);
    }
    let hung = world.run_program(["db", "backup", "--sign-key", "pipe", "-f", "b.skyteam"], "");
    assert_ne!(hung.code, 0, "{hung}");
}

#[test]
fn a_request_to_end_ends_a_question() {
    let world = World::ready(Engine::Sqlite);
    world.run("user add 1 pilot1").ok();
    let mut command = world.program("user erase pilot1");
    command.env("TERM", "xterm-256color");
    let mut seat = rexpect::session::spawn_command(command, Some(30_000)).unwrap();
    seat.exp_string("Type pilot1").unwrap();
    seat.process_mut().signal(rexpect::process::Signal::SIGTERM).unwrap();
    seat.exp_eof().unwrap();
    assert!(matches!(seat.process().wait(), Ok(rexpect::process::WaitStatus::Exited(_, 130))));
    assert_eq!(world.query("SELECT username FROM users"), "pilot1");
}

#[test]
fn a_request_to_end_ends_the_wait_for_a_pipe() {
    let world = World::ready(Engine::Sqlite);
    assert!(Command::new("mkfifo").arg(world.work().join("pipe")).status().unwrap().success());
    for line in [
        "user import pipe --yes",
        "miles import pipe --yes",
        "db restore pipe --yes",
        "db verify pipe",
        "miles audit --against pipe",
    ] {
        let child = world.spawn(line);
        let status = format!("/proc/{}/status", child.id());
        eventually("a handler of SIGTERM", || {
            let status = std::fs::read_to_string(&status).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << (15 - 1) != 0
        });
        // Until it has opened the pipe it is ended in any case.
        thread::sleep(Duration::from_millis(200));
        signal("TERM", child.id());
        world.finish(line.to_owned(), child, b"").exits(130);
    }
}

/// Someone on the way to a server, who lets our own sessions through and asks programs that we start for the password with
/// this message. Answers the port, and what those programs sent.
fn between(world: &World, asks: Says) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, server) = (listener.local_addr().unwrap().port(), world.server().port());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming() {
            let heard = Arc::clone(&shared);
            // Either side may leave first.
            thread::spawn(move || stand_between(client.unwrap(), server, asks, &heard));
        }
    });
    (port, heard)
}

fn stand_between(mut client: TcpStream, server: u16, asks: Says, heard: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut startup = vec![0; 4096];
    let mut count = client.read(&mut startup)?;
    // Neither TLS nor Kerberos.
    while count == 8 {
        client.write_all(b"N")?;
        count = client.read(&mut startup)?;
    }
    let startup = &startup[..count];
    // sqlx says it, libpq does not.
    if !startup.windows(9).any(|word| word == b"DateStyle") {
        asks(&mut client);
        let mut answer = [0; 4096];
        let count = client.read(&mut answer)?;
        heard.lock().unwrap().extend_from_slice(&answer[..count]);
        return Ok(());
    }
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    server.write_all(startup)?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(std::net::Shutdown::Both)
    });
    std::io::copy(&mut client, &mut server)?;
    server.shutdown(std::net::Shutdown::Both)
}

/// libpq before PostgreSQL 16 gives the password to whoever asks, so it asks here.
#[test]
fn no_program_that_is_started_sends_a_readable_password() {
    let mut world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot1").ok();
    world.run("db backup --format plain -f before.sql").ok();
    let direct = world.url().replace(&format!("127.0.0.1:{}", world.server().port()), REMOTE);
    for (asks, method) in [(in_clear as Says, "password"), (as_md5 as Says, "md5")] {
        let (port, heard) = between(&world, asks);
        world.set("DATABASE_URL", direct.replace(REMOTE, &format!("{REMOTE}:{port}")));
        world.run("user list").ok();
        let clean = format!("db restore before.sql --clean --confirm {}", world.name());
        let refused = format!("asked for the password as {method}");
        for line in ["db backup --format plain -f one.sql", "db backup --format custom -f one.dump", &clean] {
            let output = world.run(line);
            assert_ne!(output.code, 0, "{line}: {output}");
            assert!(output.stderr.contains(&refused), "{line}: {output}");
        }
        let shell = world.run_program(["db", "shell", "--", "-c", "SELECT 1"], "");
        assert_eq!(shell.code, 2, "{shell}");
        assert!(shell.stderr.contains(&refused), "{shell}");
        assert!(!heard.lock().unwrap().contains(&b'p'));
    }
}

/// From PostgreSQL 16 on libpq keeps the rule by itself, for a program that leaves the relay's way too.
#[test]
fn libpq_is_given_the_rule_as_well() {
    let mut world = World::ready(Engine::Postgres);
    let folder = world.work().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let psql = folder.join("psql");
    std::fs::write(&psql, "#!/bin/sh\necho \"rule: $PGREQUIREAUTH\"\n").unwrap();
    std::fs::set_permissions(&psql, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.set("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    let local = world.url();
    let remote = local.replace("127.0.0.1", REMOTE);
    for (url, rule) in [
        (local, ""),
        (remote.clone(), "!password,!md5"),
        (format!("{remote}?require_auth=scram-sha-256,none"), "scram-sha-256,none"),
    ] {
        world.set("DATABASE_URL", url);
        let shown = world.run_program(["-q", "db", "shell"], "").ok();
        assert_eq!(shown.stdout.trim(), format!("rule: {rule}").trim(), "{shown}");
    }
}

/// The relay's socket has no folder that would keep others out: any user of the machine may try it.
#[cfg(target_os = "linux")]
#[test]
fn another_process_gets_nowhere_through_the_relay() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixStream};
    let world = World::ready(Engine::Postgres);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let line =
        format!("--database-url postgres://ops@{}/sky --connect-timeout 100 user list", server.local_addr().unwrap());
    let child = world.spawn(line.as_str());
    let (own, _) = server.accept().unwrap();
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", child.id()))
        .unwrap()
        .filter_map(|file| Some(std::fs::read_link(file.ok()?.path()).ok()?.to_str()?.to_owned()))
        .collect();
    let list = std::fs::read_to_string("/proc/net/unix").unwrap();
    let is_of_child = |inode: &str| sockets.contains(&format!("socket:[{inode}]"));
    let name = list.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.get(7)?.strip_prefix('@')?;
        (words[3] == "00010000" && is_of_child(words[6])).then_some(name)
    });
    let address = SocketAddr::from_abstract_name(name.expect("the socket that listens")).unwrap();
    let mut stranger = UnixStream::connect_addr(&address).unwrap();
    stranger.set_read_timeout(Some(LIMIT)).unwrap();
    let mut answer = Vec::new();
    // Cut off at once, and never led to the server.
    let _ = stranger.write_all(b"\0\0\0\x08\x04\xd2\x16\x2f");
    assert_ne!(stranger.read_to_end(&mut answer).map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    assert_eq!(answer, b"");
    server.set_nonblocking(true).unwrap();
    assert!(server.accept().is_err());
    signal("TERM", child.id());
    world.finish(line, child, b"").exits(130);
    drop(own);
}

/// What is not on the way to a password works as ever.
#[test]
fn a_program_that_is_started_logs_in_by_the_rules_of_its_session() {
    let mut world = World::ready(Engine::Postgres);
    world.server().admin(&format!("GRANT by_password TO {}", world.role()));
    world.run("user add 1 pilot1").ok();
    world.set("DATABASE_URL", world.url().replace("127.0.0.1", REMOTE));
    world.run("db backup --format plain -f one.sql").ok();
    world.run(format!("db restore one.sql --clean --confirm {}", world.name())).ok();
    let shell = world.run_program(["-q", "db", "shell", "--", "-Atc", "SELECT username FROM public.users"], "").ok();
    assert_eq!(shell.stdout.trim(), "pilot1");
    assert_eq!(world.run_program(["-q", "db", "shell", "--", "-c", "\\! exit 0", "-c", "nonsense"], "").code, 1);
    // A request to end reaches it.
    let mut program = world.program(["-q", "db", "shell", "--", "-Atc", "SELECT 'here'; SELECT pg_sleep(100)"]);
    let child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100)%' AND pid <> pg_backend_pid()";
    eventually("psql sleeps", || world.query(asleep) == "1");
    signal("TERM", child.id());
    world.finish("db shell".into(), child, b"").exits(128 + 15);
}
