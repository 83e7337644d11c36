//! Throw-away PostgreSQL servers. The ordinary tests share one that is fast and forgets; a test that crashes,
//! restarts or reconfigures a server starts its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::scratch::Scratch;
use super::sql::{Source, block_on};

/// The password of every role that the tests make. No output may ever contain it: [`super::World`] looks.
pub const PASSWORD: &str = "S3cr3t-hunter2";

/// For ordinary tests: a crash would lose everything, and nobody minds.
const FAST: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"];

/// Who may enter: local roles freely, members of `by_password` only with theirs, so that only the tests of
/// passwords pay for the hashing.
const HBA: &str = "\
local   all all                          trust
local   replication all                  trust
hostnossl all +by_tls    127.0.0.1/32    reject
host    all +by_nothing  127.0.0.1/32    reject
host    all +by_password 127.0.0.1/32    scram-sha-256
host    all all          127.0.0.1/32    trust
";

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As an operator does: sessions are cut off, everything is written (`pg_ctl stop -m fast`).
    Fast,
    /// As a crash does: the next start recovers from the log (`pg_ctl stop -m immediate`).
    Immediate,
}

/// A PostgreSQL server in its own folder, on a free port of 127.0.0.1 and a Unix socket.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    scratch: Scratch,
    settings: Vec<String>,
    port: u16,
    process: Mutex<Option<Child>>,
}

impl Server {
    /// The one that the tests of this process share.
    pub fn shared() -> &'static Arc<Self> {
        static SHARED: OnceLock<Arc<Server>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(FAST))
    }

    /// A server of its own that keeps what it has acknowledged, with further `name=value` settings.
    pub fn durable(settings: &[&str]) -> Arc<Self> {
        Self::start(&[&["fsync=on", "synchronous_commit=on", "full_page_writes=on"], settings].concat())
    }

    /// A server of its own, with `name=value` settings that go before the usual ones.
    pub fn start(settings: &[&str]) -> Arc<Self> {
        Self::start_from(bin_folder(), settings)
    }

    /// As [`Self::start`], always of Debian's PostgreSQL: for what other builds leave out, such as TLS.
    pub fn start_debian(settings: &[&str]) -> Arc<Self> {
        Self::start_from(debian(), settings)
    }

    fn start_from(bin: &Path, settings: &[&str]) -> Arc<Self> {
        let scratch = Scratch::new("pg");
        let init = scratch
            .command(bin.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(scratch.path().join("data"))
            .output()
            .unwrap();
        assert!(init.status.success(), "initdb: {}", String::from_utf8_lossy(&init.stderr));
        scratch.write("data/pg_hba.conf", HBA).unwrap();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { bin: bin.to_owned(), scratch, settings, port: 0, process: Mutex::new(None) };
        // Between finding a free port and taking it somebody else may: ask again.
        let started = (0..5).any(|_| {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            server.up("ready").is_ok()
        });
        assert!(started, "the server does not start: {}", server.log());
        server.admin("CREATE ROLE by_password; CREATE ROLE by_tls; CREATE ROLE by_nothing");
        Arc::new(server)
    }

    /// A standby that follows it, made as an operator makes one.
    pub fn standby(&self) -> Arc<Self> {
        let scratch = Scratch::new("pg");
        let copied = scratch
            .command(self.bin.join("pg_basebackup"))
            .args(["--username=postgres", "--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--host"])
            .arg(self.scratch.path())
            .args(["--port", &self.port.to_string(), "--pgdata"])
            .arg(scratch.path().join("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        let mut standby =
            Self { bin: self.bin.clone(), scratch, settings: Vec::new(), port: 0, process: Mutex::new(None) };
        let started = (0..5).any(|_| {
            standby.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            standby.up("ready").is_ok()
        });
        assert!(started, "the standby does not start: {}", standby.log());
        Arc::new(standby)
    }

    /// Starts it again after [`Self::stop`], on the same port.
    pub fn restart(&self) {
        self.up("ready").unwrap_or_else(|()| panic!("the server does not start again: {}", self.log()));
    }

    /// As [`Self::restart`], for a server that has been set up as a standby without any log to replay: it starts, and
    /// goes on starting.
    pub fn restart_unready(&self) {
        self.up("standby").unwrap_or_else(|()| panic!("the server does not start again: {}", self.log()));
    }

    /// Starts it and waits until it says this of itself.
    fn up(&self, state: &str) -> Result<(), ()> {
        let mut process = self.process.lock().unwrap();
        assert!(process.is_none(), "the server runs already");
        let log = std::fs::File::options().create(true).append(true).open(self.scratch.path().join("log")).unwrap();
        let mut command = self.scratch.command(self.bin.join("postgres"));
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        command.arg("-k").arg(self.scratch.path());
        for setting in ["listen_addresses=127.0.0.1", "max_connections=200", "log_line_prefix=%m [%p] %a "]
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        let mut child = command.stdout(Stdio::from(log.try_clone().unwrap())).stderr(Stdio::from(log)).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if child.try_wait().unwrap().is_some() {
                return Err(());
            }
            // The last line of this file turns to "ready" when connections are taken.
            let says = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            if says.lines().nth(7).is_some_and(|line| line.trim() == state) {
                *process = Some(child);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("the server is not ready after a minute: {}", self.log());
    }

    /// Ends it and waits until it is gone. A server that is down already stays down.
    pub fn stop(&self, how: Stop) {
        let Some(mut child) = self.process.lock().unwrap().take() else {
            return;
        };
        let signal = match how {
            Stop::Fast => "-INT",
            Stop::Immediate => "-QUIT",
        };
        let kill = format!("kill {signal} {}", child.id());
        assert!(self.scratch.command("/bin/sh").args(["-c", &kill]).status().unwrap().success());
        child.wait().unwrap();
        // So that the watchdog never ends a stranger who got the same number.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// The port on 127.0.0.1, also the number in the socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// The folder it lives in, for files that it must be able to read.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// What it wrote into its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
    }

    /// A connection over TCP as the given role, which need not exist.
    pub fn connection(&self, role: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(role)
            .password(PASSWORD)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging()
    }

    /// The superuser's view of a database.
    pub fn as_superuser(&self, database: &str) -> Source {
        Source::Postgres(self.connection("postgres", database))
    }

    /// The URL of a database as the superuser, with the password in it.
    pub fn superuser_url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements as the superuser in the maintenance database, and answers their rows as lines.
    pub fn admin(&self, sql: &str) -> String {
        self.as_superuser("postgres").lines(sql)
    }

    /// A new empty database, owned by a new role without any further right.
    pub fn database(self: &Arc<Self>) -> PgDatabase {
        self.create("template0")
    }

    /// A copy of a database that nobody is connected to; all that its owner owns is the new role's.
    pub fn copy(self: &Arc<Self>, model: &PgDatabase) -> PgDatabase {
        let copy = self.create(&model.names.database);
        // It touches the row of the model's database, which two sessions may not do at once.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let reassign = format!("REASSIGN OWNED BY {} TO {}", model.names.role, copy.names.role);
        self.as_superuser(&copy.names.database).rows(&reassign);
        copy
    }

    fn create(self: &Arc<Self>, template: &str) -> PgDatabase {
        let names = Names::next();
        let Names { database, role } = &names;
        self.admin(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
        self.admin(&format!("CREATE DATABASE {database} OWNER {role} TEMPLATE {template}"));
        PgDatabase { server: Arc::clone(self), names }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Stop::Immediate);
    }
}

/// Names that no other test has, the same length every time so that tables keep their widths.
#[derive(Clone, Debug)]
pub struct Names {
    /// The database.
    pub database: String,
    /// Its owner.
    pub role: String,
}

impl Names {
    fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { database: format!("sky_{number:05}"), role: format!("ops_{number:05}") }
    }
}

/// A database of its own for one test, dropped with the value.
#[derive(Debug)]
pub struct PgDatabase {
    server: Arc<Server>,
    names: Names,
}

impl PgDatabase {
    /// Its server.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Its name and its owner's.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Its URL over TCP, with the password in it.
    pub fn url(&self) -> String {
        let Names { database, role } = &self.names;
        format!("postgres://{role}:{PASSWORD}@127.0.0.1:{}/{database}", self.server.port)
    }

    /// Its owner's view of it.
    pub fn source(&self) -> Source {
        Source::Postgres(self.server.connection(&self.names.role, &self.names.database))
    }
}

impl Drop for PgDatabase {
    fn drop(&mut self) {
        let Names { database, role } = &self.names;
        let admin = self.server.as_superuser("postgres");
        // Only disk space is at stake; the watchdog removes all of it in the end. The role may own more.
        let _ = admin.try_rows(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
        let _ = admin.try_rows(&format!("DROP ROLE IF EXISTS {role}"));
    }
}

/// A program of the PostgreSQL under test: `SKYTEAM_TEST_PG_BIN`, else the newest that Debian installed.
pub fn binary(name: &str) -> PathBuf {
    bin_folder().join(name)
}

fn bin_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os("SKYTEAM_TEST_PG_BIN").map_or_else(|| debian().to_owned(), PathBuf::from))
}

fn debian() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let version = |folder: &PathBuf| folder.components().rev().nth(1)?.as_os_str().to_str()?.parse::<u32>().ok();
        let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
        installed
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
            .max_by_key(version)
            .unwrap_or_else(|| panic!("no PostgreSQL server is installed: apt-get install postgresql"))
    })
}

/// Whether a connection can be made at all, for tests of servers that come and go.
pub fn answers(options: &PgConnectOptions) -> bool {
    block_on(options.connect()).is_ok()
}
