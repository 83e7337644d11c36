//! Every setting, resolved once, with its origin.
//!
//! Flags, then the environment, then the nearest `.env`, then the nearest `skyteam.toml`, then the user's own, then
//! defaults. Nothing behind this module reads the environment.

mod choice;
pub(crate) mod dotenv;
mod file;
mod flags;
mod sources;
mod trust;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

pub(crate) use file::{NAME, ProfileKind, SettingsFile, looked_for};
pub(crate) use flags::{Color, CsvSafe, Global};
pub(crate) use sources::{Origin, Sources, config_dir};
pub(crate) use trust::Trust;

use crate::cli::environment::World;
use crate::db::{self, DatabaseUrl, UrlError};
use crate::error::{Error, Kind, Result};
use crate::message::message;

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// All settings of a run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Which database. Its URL is kept as given until it is needed, so that commands without a database never fail
    /// over it.
    pub database: Setting<DatabaseChoice>,
    /// Profile in use.
    pub profile: Option<Setting<String>>,
    /// The kind of the database.
    pub kind: Setting<ProfileKind>,
    /// Who does it, for the ledger.
    pub actor: Setting<String>,
    /// Zone of naive and shown times.
    pub tz: Setting<Tz>,
    /// Most connections at once.
    pub max_connections: Setting<u32>,
    /// Until an unused connection is closed.
    pub idle_timeout: Setting<Duration>,
    /// Longest wait for a connection.
    pub connect_timeout: Setting<Duration>,
    /// Longest run of one statement; zero: the server's own limit.
    pub statement_timeout: Setting<Duration>,
    /// Longest wait of a schema change for a lock.
    pub lock_timeout: Setting<Duration>,
    /// Miles; an award over it asks first. `None`: no fixed limit.
    pub award_limit: Option<Setting<u32>>,
    /// Public keys that vouch for backups, as `NAME=ed25519:…`; empty where none is configured.
    pub signers: Setting<Vec<String>>,
    /// The file with the private key that backups are signed with.
    pub sign_key: Option<Setting<PathBuf>>,
    /// Whether shell completion may ask the database.
    pub completions: Setting<bool>,
    /// The user's folder for data of ours; `None` where there is no home.
    pub data_dir: Option<PathBuf>,
    /// `PG…` variables, for what URLs leave silent.
    pub libpq: db::LibpqEnvironment,
    /// What was odd about the files, to be said once.
    pub warnings: Vec<String>,
    /// The file of the current folder, or of one above, that decides which database is used.
    pub chosen_by: Option<PathBuf>,
}

/// Which database is meant.
#[derive(Clone)]
pub(crate) enum DatabaseChoice {
    /// A URL, as given; may hold a password.
    Url(db::Secret),
    /// The embedded default: an SQLite file in the user's data folder.
    Embedded(PathBuf),
    /// It is unknown; the error says why.
    Undecided(Arc<dyn Fn() -> Error + Send + Sync>),
}

impl std::fmt::Debug for DatabaseChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(text) => match DatabaseUrl::parse(text.expose()) {
                Ok(url) => write!(f, "{url}"),
                Err(_) => f.write_str("(malformed)"),
            },
            Self::Embedded(path) => write!(f, "sqlite:{}", path.display()),
            Self::Undecided(_) => f.write_str("(undecided)"),
        }
    }
}

impl Settings {
    /// Resolves everything.
    ///
    /// # Errors
    /// [`Kind::Config`] for a file or a variable that cannot be used, [`Kind::Usage`] for a flag.
    pub(crate) fn resolve(world: &World, flags: &Global) -> Result<Self> {
        Self::of(&Sources::gather(world)?, flags)
    }

    /// The default settings: for what needs none, so that a file that cannot be used is not in its
    /// way.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) fn unset() -> Result<Self> {
        Self::of(&Sources::none(), &Global::default())
    }

    fn of(sources: &Sources, flags: &Global) -> Result<Self> {
        let profile = choice::profile(sources, flags)?;
        let (settings, profile_origin) = match &profile {
            Some(name) => {
                let (found, origin) = sources.profile(&name.value).ok_or_else(|| choice::no_profile(sources, name))?;
                (found.clone(), origin)
            }
            None => (file::Profile::default(), Origin::Default),
        };
        let data_dir = sources.data_dir();
        let database =
            choice::database(sources, flags, profile.as_ref(), &settings, &profile_origin, data_dir.as_deref())?;
        let chosen_by = choice::project_file(
            sources,
            &[Some(&database.origin), profile.as_ref().map(|p| &p.origin), Some(&profile_origin)],
        );
        if let Some(name) = settings.zero() {
            return Err(Error::new(Kind::Config, "bad_profile", message!("{} is 0 in the profile", &name))
                .why(profile_origin.to_string())
                .fix(message!("give {} a number from 1, or leave it out", &name)));
        }
        let from_profile = || profile_origin.clone();
        let seconds = |flag: Option<u64>, name: &'static str, value: Option<u64>, default: Duration| match (flag, value)
        {
            (Some(value), _) => Setting::new(Duration::from_secs(value), Origin::Flag(name)),
            (None, Some(value)) => Setting::new(Duration::from_secs(value), from_profile()),
            (None, None) => Setting::new(default, Origin::Default),
        };
        let milliseconds = |flag: Option<u64>, name: &'static str, value: Option<u64>, default: u64| {
            if let Some(value) = flag {
                return Setting::new(Duration::from_millis(value), Origin::Flag(name));
            }
            match value {
                Some(value) => Setting::new(Duration::from_millis(value), from_profile()),
                None => Setting::new(Duration::from_millis(default), Origin::Default),
            }
        };
        let defaults = db::Options::default();
        Ok(Self {
            kind: match &profile {
                Some(_) => Setting::new(settings.kind, from_profile()),
                None => Setting::new(ProfileKind::Local, Origin::Default),
            },
            actor: choice::actor(sources, flags)?,
            tz: choice::zone(sources, flags)?,
            max_connections: match (flags.max_connections, settings.max_connections) {
                (Some(most), _) => Setting::new(most, Origin::Flag("--max-connections")),
                (None, Some(most)) => Setting::new(most, from_profile()),
                (None, None) => Setting::new(defaults.max_connections, Origin::Default),
            },
            idle_timeout: seconds(flags.idle_timeout, "--idle-timeout", settings.idle_timeout, defaults.idle_timeout),
            connect_timeout: seconds(
                flags.connect_timeout,
                "--connect-timeout",
                settings.connect_timeout,
                defaults.connect_timeout,
            ),
            statement_timeout: milliseconds(
                flags.statement_timeout,
                "--statement-timeout",
                settings.statement_timeout,
                0,
            ),
            lock_timeout: milliseconds(flags.lock_timeout, "--lock-timeout", settings.lock_timeout, 3000),
            award_limit: settings.award_limit.map(|limit| Setting::new(limit, from_profile())),
            completions: match settings.completions {
                Some(value) => Setting::new(value, from_profile()),
                None => Setting::new(settings.kind != ProfileKind::Production, Origin::Default),
            },
            signers: choice::signers(sources),
            sign_key: choice::sign_key(sources),
            data_dir,
            libpq: sources.libpq(),
            warnings: sources.warnings(),
            chosen_by,
            database,
            profile,
        })
    }

    /// Reads another URL that was given by `origin`, with libpq's environment filled in.
    ///
    /// # Errors
    /// [`Kind::Config`]: malformed.
    pub(crate) fn parse_url(&self, text: &str, origin: &str) -> Result<DatabaseUrl> {
        let url = DatabaseUrl::parse(text).map_err(|error| {
            let refused =
                Error::new(Kind::Config, "malformed_url", message!("the database URL from {} cannot be read", origin))
                    .why(error.to_string());
            match error {
                UrlError::Port => refused
                    .fix("in the password write %2F for /, %3F for ?, %23 for #, %40 for @, %25 for %")
                    .fix("or leave it out of the URL: PGPASSWORD or ~/.pgpass"),
                _ => refused.fix("postgres://role:password@host:5432/database or sqlite:/path/to/file.db"),
            }
        })?;
        match url {
            DatabaseUrl::Postgres(place) => Ok(DatabaseUrl::Postgres(self.libpq.complete(place)?)),
            DatabaseUrl::Sqlite(place) => Ok(DatabaseUrl::Sqlite(place)),
        }
    }

    /// The URL of the database that is meant, with libpq's environment filled in.
    ///
    /// # Errors
    /// [`Kind::Config`]: malformed, or unknown.
    pub(crate) fn url(&self) -> Result<DatabaseUrl> {
        match &self.database.value {
            DatabaseChoice::Embedded(path) => Ok(DatabaseUrl::sqlite(path)),
            DatabaseChoice::Undecided(error) => Err(error()),
            DatabaseChoice::Url(text) => self.parse_url(text.expose(), &self.database.origin.to_string()),
        }
    }

    /// How a command opens its database.
    pub(crate) fn options(&self, command: &str) -> db::Options {
        db::Options {
            application_name: if command.is_empty() { "skyteam".into() } else { format!("skyteam {command}") },
            connect_timeout: self.connect_timeout.value,
            max_connections: self.max_connections.value,
            idle_timeout: self.idle_timeout.value,
            statement_timeout: Some(self.statement_timeout.value).filter(|limit| !limit.is_zero()),
            // On SQLite every write locks the whole file, a change of the schema too.
            busy_timeout: match self.lock_timeout.origin {
                Origin::Default => db::Options::default().busy_timeout,
                _ => self.lock_timeout.value,
            },
            fixed: [
                ("max_connections", &self.max_connections.origin),
                ("idle_timeout", &self.idle_timeout.origin),
                ("busy_timeout", &self.lock_timeout.origin),
                ("connect_timeout", &self.connect_timeout.origin),
                ("statement_timeout", &self.statement_timeout.origin),
            ]
            .into_iter()
            .filter_map(|(name, origin)| matches!(origin, Origin::Flag(_)).then_some(name))
            .collect(),
            absent: db::Absent::Refuse,
            access: db::Access::Write,
            shutdown: db::Shutdown::default(),
            trace: None,
        }
    }

    /// The settings as they hold for the database that is meant: parameters of its URL win over all but flags. A URL
    /// that cannot be read changes nothing.
    #[must_use]
    pub(crate) fn in_force(&self) -> Self {
        let mut settings = self.clone();
        let Ok(url) = self.url() else { return settings };
        let mut options = self.options("");
        let parameters = match &url {
            DatabaseUrl::Postgres(place) => &place.parameters,
            DatabaseUrl::Sqlite(place) => &place.parameters,
        };
        let written = match &self.database.value {
            DatabaseChoice::Url(text) => DatabaseUrl::parse(text.expose()).ok(),
            _ => None,
        };
        let is_written = |name: &str| match &written {
            Some(DatabaseUrl::Postgres(place)) => place.parameter(name).is_some(),
            _ => true,
        };
        for (name, value) in parameters {
            if options.fixed.contains(&name.as_str()) || !matches!(options.take(name, value), Ok(true)) {
                continue;
            }
            let origin = if is_written(name) {
                Origin::Url(Box::new(self.database.origin.clone()))
            } else {
                Origin::Environment(format!("PG{}", name.to_uppercase()))
            };
            match name.as_str() {
                "max_connections" => settings.max_connections = Setting::new(options.max_connections, origin),
                "idle_timeout" => settings.idle_timeout = Setting::new(options.idle_timeout, origin),
                "connect_timeout" => settings.connect_timeout = Setting::new(options.connect_timeout, origin),
                "statement_timeout" => {
                    let limit = options.statement_timeout.unwrap_or_default();
                    settings.statement_timeout = Setting::new(limit, origin);
                }
                _ => {}
            }
        }
        settings
    }
}
