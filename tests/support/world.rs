//! One test's world: a home folder, a working folder, a database, an environment that names nothing else.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::Args;
use super::call::Call;
use super::output::{Output, Redactions};
use super::postgres::{PgDatabase, Server, binary};
use super::sql::{Source, TextRow};
use super::watch::Watch;

/// How long a command may take before the test calls it hung.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Which database a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A database on a throw-away server.
    Postgres,
    /// A file in the world's own folder, not made yet.
    Sqlite,
}

#[derive(Debug)]
enum Database {
    None,
    Postgres(PgDatabase),
    Sqlite(PathBuf),
}

/// The key that signs the backups of this run of the tests: its file, and its public half.
fn signing_key() -> &'static (String, String) {
    static KEY: OnceLock<(String, String)> = OnceLock::new();
    KEY.get_or_init(|| {
        use base64::Engine as _;
        use ring::signature::{Ed25519KeyPair, KeyPair as _};
        let text = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
        let key = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
        let public = Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap();
        let private = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", text(key.as_ref()));
        (private, format!("ed25519:{}", text(public.public_key().as_ref())))
    })
}

/// One test's world. Everything in it is gone when it is dropped.
#[derive(Debug)]
pub struct World {
    folder: tempfile::TempDir,
    database: Database,
    env: BTreeMap<String, String>,
    redactions: Arc<Redactions>,
    watch: Watch,
}

impl World {
    /// With an empty database on the shared PostgreSQL server.
    pub fn postgres() -> Self {
        Self::on(Server::shared())
    }

    /// With an empty database of this engine.
    pub fn empty(engine: Engine) -> Self {
        match engine {
            Engine::Postgres => Self::postgres(),
            Engine::Sqlite => Self::sqlite(),
        }
    }

    /// With an empty database on the given server.
    pub fn on(server: &Arc<Server>) -> Self {
        Self::new(Database::Postgres(server.database()))
    }

    /// With the URL of an SQLite file that is not there yet.
    pub fn sqlite() -> Self {
        Self::new(Database::Sqlite(PathBuf::new()))
    }

    /// With a database that has all tables, in the newest version, and no rows.
    pub fn ready(engine: Engine) -> Self {
        // Values that need no drop to leave nothing behind: a static is never dropped.
        static POSTGRES: OnceLock<PgDatabase> = OnceLock::new();
        static SQLITE: OnceLock<Vec<u8>> = OnceLock::new();
        let lay = |world: Self| {
            world.run("db migrate").ok();
            world
        };
        match engine {
            Engine::Postgres => {
                let model = POSTGRES.get_or_init(|| match lay(Self::postgres()).database {
                    Database::Postgres(database) => database,
                    _ => unreachable!("a world on PostgreSQL has a database there"),
                });
                Self::new(Database::Postgres(model.server().copy(model)))
            }
            Engine::Sqlite => {
                let file = SQLITE.get_or_init(|| {
                    let model = lay(Self::sqlite());
                    // A connection that is still being closed keeps what it wrote beside the file.
                    model.query("PRAGMA wal_checkpoint(TRUNCATE)");
                    std::fs::read(model.work().join("skyteam.db")).unwrap()
                });
                let world = Self::sqlite();
                std::fs::write(world.work().join("skyteam.db"), file).unwrap();
                world
            }
        }
    }

    /// Without any database: no URL is set, so `skyteam` falls back on its embedded default.
    pub fn bare() -> Self {
        Self::new(Database::None)
    }

    fn new(mut database: Database) -> Self {
        let folder = tempfile::Builder::new().prefix("skyteam-world-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["home", "work"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut env = BTreeMap::from(
            [
                ("HOME", path("home")),
                ("XDG_CONFIG_HOME", path("home/.config")),
                ("XDG_DATA_HOME", path("home/.local/share")),
                ("XDG_STATE_HOME", path("home/.local/state")),
                ("XDG_CACHE_HOME", path("home/.cache")),
                ("PATH", format!("{}:/usr/bin:/bin", binary("").display())),
                ("LANG", "C.UTF-8".to_owned()),
                ("USER", "tester".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let mut words = vec![(path(""), "~/")];
        if let Database::Sqlite(file) = &mut database {
            *file = folder.path().join("work/skyteam.db");
        }
        match &database {
            Database::None => {}
            Database::Sqlite(file) => {
                env.insert("DATABASE_URL".to_owned(), format!("sqlite:{}", file.display()));
            }
            Database::Postgres(database) => {
                env.insert("DATABASE_URL".to_owned(), database.url());
                words.push((database.names().database.clone(), "skyteam"));
                words.push((database.names().role.clone(), "ops"));
                words.push((database.server().port().to_string(), "5432"));
            }
        }
        // Backups of tests are made by somebody known; those of strangers are a matter of `backup::makers`.
        let (private, public) = signing_key();
        let key = folder.path().join("backup-key.pem");
        std::fs::write(&key, private).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        env.insert("SKYTEAM_SIGN_KEY".to_owned(), key.to_str().unwrap().to_owned());
        env.insert("SKYTEAM_SIGNERS".to_owned(), format!("tests={public}"));
        Self { folder, database, env, redactions: Arc::new(Redactions::new(words)), watch: Watch::new() }
    }

    /// Which engine its database is of; a bare world's is the embedded default.
    pub fn engine(&self) -> Engine {
        match self.database {
            Database::Postgres(_) => Engine::Postgres,
            Database::Sqlite(_) | Database::None => Engine::Sqlite,
        }
    }

    /// What `--confirm` must say: the database's name, for a file its stem.
    pub fn name(&self) -> String {
        match &self.database {
            Database::Postgres(database) => database.names().database.clone(),
            Database::Sqlite(_) | Database::None => "skyteam".to_owned(),
        }
    }

    /// The role that owns the database, on PostgreSQL.
    pub fn role(&self) -> &str {
        &self.pg().names().role
    }

    /// The URL of its database, with the password in it.
    pub fn url(&self) -> String {
        match &self.database {
            Database::Postgres(database) => database.url(),
            Database::Sqlite(file) => format!("sqlite:{}", file.display()),
            Database::None => panic!("a bare world has no database"),
        }
    }

    /// The server of its database.
    pub fn server(&self) -> &Arc<Server> {
        self.pg().server()
    }

    fn pg(&self) -> &PgDatabase {
        match &self.database {
            Database::Postgres(database) => database,
            Database::Sqlite(_) | Database::None => panic!("this world is not on PostgreSQL"),
        }
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that commands run in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Sets a variable of the environment for the commands that follow.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.insert(name.to_owned(), value.into());
    }

    /// Takes a variable away.
    pub fn unset(&mut self, name: &str) {
        self.env.remove(name);
    }

    /// The database as its owner sees it, beside `skyteam`.
    pub fn source(&self) -> Source {
        self.watch.beat();
        match &self.database {
            Database::Postgres(database) => database.source(),
            Database::Sqlite(file) => Source::Sqlite(sqlite(file)),
            Database::None => Source::Sqlite(sqlite(&self.home().join(".local/share/skyteam/skyteam.db"))),
        }
    }

    /// Runs SQL on the database, beside `skyteam`, and answers its rows as lines of `|`-parted values.
    #[track_caller]
    pub fn query(&self, sql: &str) -> String {
        self.source().lines(sql)
    }

    /// As [`Self::query`], as values.
    #[track_caller]
    pub fn rows(&self, sql: &str) -> Vec<TextRow> {
        self.source().rows(sql)
    }

    /// Runs `skyteam` in this process, without a terminal and with nothing on its standard input.
    #[track_caller]
    pub fn run(&self, args: impl Args) -> Output {
        self.call(args).run()
    }

    /// Runs `skyteam` in this process, without a terminal, reading the given standard input.
    #[track_caller]
    pub fn run_with_input(&self, args: impl Args, input: impl AsRef<[u8]>) -> Output {
        self.call(args).input(input).run()
    }

    /// Prepares a run of `skyteam` in this process: input, terminal, answers, another moment.
    pub fn call(&self, args: impl Args) -> Call {
        self.watch.beat();
        Call::new(args.words(), self.env.clone(), self.work(), Arc::clone(&self.redactions))
    }

    /// Runs the real program, reading the given standard input.
    #[track_caller]
    pub fn run_program(&self, args: impl Args, input: impl AsRef<[u8]>) -> Output {
        let words = args.words();
        let child = self.command(words.clone()).stdin(Stdio::piped()).spawn().unwrap();
        self.finish(words.join(" "), child, input.as_ref())
    }

    /// The real program with this world's environment and nothing of ours but the standard streams.
    pub fn program(&self, args: impl Args) -> Command {
        self.watch.beat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_skyteam"));
        command.args(args.words()).env_clear().envs(&self.env).current_dir(self.work());
        command
    }

    /// As [`Self::program`], its output captured for [`Self::finish`]. For tests of processes: signals, several at
    /// once.
    pub fn command(&self, args: impl Args) -> Command {
        let mut command = self.program(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the real program and leaves it running.
    pub fn spawn(&self, args: impl Args) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Feeds a child, waits for it, and answers what it said. Neither secrets in the output nor a hang pass.
    #[track_caller]
    pub fn finish(&self, args: String, mut child: Child, input: &[u8]) -> Output {
        self.watch.beat();
        let stdin = child.stdin.take();
        let input = input.to_owned();
        let feeder = std::thread::spawn(move || {
            // A child that does not want its input closes the pipe: its right.
            let _ = stdin.map(|mut stdin| stdin.write_all(&input));
        });
        let stdout = reader(child.stdout.take());
        let stderr = reader(child.stderr.take());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                panic!("hung: skyteam {args}\n{}\n{}", stdout.join().unwrap(), stderr.join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        feeder.join().unwrap();
        let output = Output {
            args,
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
            redactions: Arc::clone(&self.redactions),
        };
        output.holds_no_secret();
        output
    }
}

fn sqlite(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30))
        .disable_statement_logging()
}

fn reader(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut text).unwrap();
        }
        String::from_utf8(text).unwrap_or_else(|error| panic!("output is no UTF-8: {error}"))
    })
}
