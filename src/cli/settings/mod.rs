//! Every setting, resolved once, with where it came from.
//!
//! Flags, then the environment, then the nearest `.env`, then the nearest `skyteam.toml`, then the user's own, then
//! defaults. Nothing behind this module reads the environment.

mod file;
mod flags;
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

pub use file::{FileError, ProfileKind, nearest};
pub use flags::{Color, Global};
pub use sources::{Origin, Sources};

use crate::cli::environment::World;
use crate::db::{self, DatabaseUrl};
use crate::error::{Error, Kind, Result, shell};

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Setting<T> {
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
pub struct Settings {
    /// Which database. Its URL is kept as given until it is needed, so that commands without a database never fail
    /// over it.
    pub database: Setting<DatabaseChoice>,
    /// Profile in use.
    pub profile: Option<Setting<String>>,
    /// What hangs on the database.
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
    /// Whether shell completion may ask the database.
    pub completions: Setting<bool>,
    /// The user's folder for data of ours; `None` where there is no home.
    pub data_dir: Option<PathBuf>,
    /// `PG…` variables, for what URLs leave silent.
    pub libpq: db::LibpqEnvironment,
    /// What was odd about the files, to be said once.
    pub warnings: Vec<String>,
}

/// Which database is meant.
#[derive(Clone)]
pub enum DatabaseChoice {
    /// A URL, as given; may hold a password.
    Url(db::Secret),
    /// The embedded default: an SQLite file in the user's data folder.
    Embedded(PathBuf),
    /// None can be told; the error says why.
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
    pub fn resolve(world: &World, flags: &Global) -> Result<Self> {
        Self::of(&Sources::gather(world)?, flags)
    }

    /// The settings where nobody says anything: for what needs none, so that a file that cannot be used is not in its
    /// way.
    ///
    /// # Errors
    /// None in practice.
    pub fn unset() -> Result<Self> {
        Self::of(&Sources::none(), &Global::default())
    }

    fn of(sources: &Sources, flags: &Global) -> Result<Self> {
        let profile = choose_profile(sources, flags)?;
        let (settings, profile_origin) = match &profile {
            Some(name) => {
                let (found, origin) = sources.profile(&name.value).ok_or_else(|| no_profile(sources, name))?;
                (found.clone(), origin)
            }
            None => (file::Profile::default(), Origin::Default),
        };
        let data_dir = sources.data_dir();
        let database =
            choose_database(sources, flags, profile.as_ref(), &settings, &profile_origin, data_dir.as_deref())?;
        if let Some(name) = settings.zero() {
            return Err(Error::new(Kind::Config, "bad_profile", format!("{name} is 0 in the profile"))
                .why(profile_origin.to_string())
                .fix(format!("give {name} a number from 1, or leave it out")));
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
            actor: choose_actor(sources, flags)?,
            tz: choose_zone(sources, flags)?,
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
            data_dir,
            libpq: sources.libpq(),
            warnings: sources.warnings(),
            database,
            profile,
        })
    }

    /// Reads another URL that was given by `origin`, with libpq's environment filled in.
    ///
    /// # Errors
    /// [`Kind::Config`]: malformed.
    pub fn parse_url(&self, text: &str, origin: &str) -> Result<DatabaseUrl> {
        let url = DatabaseUrl::parse(text).map_err(|error| {
            Error::new(Kind::Config, "malformed_url", format!("the database URL from {origin} cannot be read"))
                .why(error.to_string())
                .fix("postgres://role:password@host:5432/database or sqlite:/path/to/file.db")
        })?;
        match url {
            DatabaseUrl::Postgres(place) => Ok(DatabaseUrl::Postgres(self.libpq.complete(place)?)),
            DatabaseUrl::Sqlite(place) => Ok(DatabaseUrl::Sqlite(place)),
        }
    }

    /// The URL of the database that is meant, with libpq's environment filled in.
    ///
    /// # Errors
    /// [`Kind::Config`]: malformed, or none can be told.
    pub fn url(&self) -> Result<DatabaseUrl> {
        match &self.database.value {
            DatabaseChoice::Embedded(path) => Ok(DatabaseUrl::sqlite(path)),
            DatabaseChoice::Undecided(error) => Err(error()),
            DatabaseChoice::Url(text) => self.parse_url(text.expose(), &self.database.origin.to_string()),
        }
    }

    /// How a command opens its database.
    pub fn options(&self, command: &str) -> db::Options {
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
            lasting: db::Lasting::default(),
            trace: None,
        }
    }

    /// The settings as they hold for the database that is meant: parameters of its URL win over all but flags. A URL
    /// that cannot be read changes nothing.
    #[must_use]
    pub fn in_force(&self) -> Self {
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

fn no_profile(sources: &Sources, name: &Setting<String>) -> Error {
    let known = sources.profile_names();
    let error = Error::new(Kind::Config, "no_such_profile", format!("no profile {:?}", name.value));
    if known.is_empty() {
        error
            .why(format!("asked for by {}; no skyteam.toml has a [profiles.{}]", name.origin, name.value))
            .fix(format!("write it: [profiles.{}] with url = or url_env =, in skyteam.toml", name.value))
    } else {
        error.why(format!("asked for by {}; profiles are: {}", name.origin, known.join(", ")))
    }
}

fn choose_profile(sources: &Sources, flags: &Global) -> Result<Option<Setting<String>>> {
    if let Some(name) = &flags.profile {
        if flags.database_url.is_some() {
            return Err(Error::new(Kind::Usage, "usage", "--database-url and --profile name two databases")
                .fix("give one of them"));
        }
        return Ok(Some(Setting::new(name.clone(), Origin::Flag("--profile"))));
    }
    if flags.database_url.is_some() {
        return Ok(None);
    }
    for level in sources.variable_levels() {
        match (level.get("SKYTEAM_PROFILE"), level.get("DATABASE_URL")) {
            (Some((_, origin)), Some(_)) => {
                return Err(Error::new(
                    Kind::Config,
                    "two_databases",
                    format!("{origin} and DATABASE_URL beside it name two databases"),
                )
                .fix("unset one of them, or say --profile or --database-url"));
            }
            (Some((name, origin)), None) => return Ok(Some(Setting::new(name, origin))),
            (None, Some(_)) => return Ok(None),
            (None, None) => {}
        }
    }
    Ok(sources.file_value(|file| file.profile.clone()))
}

fn choose_database(
    sources: &Sources,
    flags: &Global,
    profile: Option<&Setting<String>>,
    settings: &file::Profile,
    profile_origin: &Origin,
    data_dir: Option<&Path>,
) -> Result<Setting<DatabaseChoice>> {
    let url = |text: String, origin: Origin| Setting::new(DatabaseChoice::Url(db::Secret::new(text)), origin);
    if let Some(text) = &flags.database_url {
        return Ok(url(text.clone(), Origin::Flag("--database-url")));
    }
    let Some(profile) = profile else {
        return Ok(match sources.variable("DATABASE_URL") {
            Some(found) => url(found.value, found.origin),
            None => Setting::new(
                data_dir.map_or_else(homeless, |dir| DatabaseChoice::Embedded(dir.join("skyteam.db"))),
                Origin::Default,
            ),
        });
    };
    match (&settings.url, &settings.url_env) {
        (Some(text), None) => Ok(url(text.clone(), profile_origin.clone())),
        (None, Some(variable)) => Ok(match sources.variable(variable) {
            Some(found) => url(found.value, found.origin),
            None => {
                let (name, variable) = (profile.value.clone(), variable.clone());
                let undecided = move || {
                    Error::new(Kind::Config, "no_database", format!("profile {name:?} has no URL"))
                        .why(format!("the environment variable {variable}, which its url_env names, is not set"))
                        .fix(format!("export {}=postgres://…", shell::word(&variable)))
                };
                Setting::new(DatabaseChoice::Undecided(Arc::new(undecided)), profile_origin.clone())
            }
        }),
        (Some(_), Some(_)) => {
            Err(Error::new(Kind::Config, "bad_profile", format!("profile {:?} has url and url_env", profile.value))
                .why(profile_origin.to_string())
                .fix("keep one of them"))
        }
        (None, None) => Err(Error::new(
            Kind::Config,
            "bad_profile",
            format!("profile {:?} has neither url nor url_env", profile.value),
        )
        .why(profile_origin.to_string())),
    }
}

/// Neither a URL nor a home folder for the embedded default: as in a cron job that lost its environment.
fn homeless() -> DatabaseChoice {
    DatabaseChoice::Undecided(Arc::new(|| {
        Error::new(
            Kind::Config,
            "no_database",
            "no database is named, and there is no home folder for the embedded one",
        )
        .why("neither DATABASE_URL nor a profile is given, and neither XDG_DATA_HOME nor HOME is set")
        .fix("export DATABASE_URL=postgres://…  or --profile NAME, names one")
    }))
}

fn choose_actor(sources: &Sources, flags: &Global) -> Result<Setting<String>> {
    let found = match &flags.actor {
        Some(actor) => Some(Setting::new(actor.clone(), Origin::Flag("--actor"))),
        None => sources.variable("SKYTEAM_ACTOR").or_else(|| sources.file_value(|file| file.actor.clone())),
    };
    let Some(found) = found else {
        return Ok(Setting::new(whoami::username().unwrap_or_else(|_| "unknown".into()), Origin::System));
    };
    // The ledger keeps it for ever: it must say who it was, and say it the same on every terminal.
    if found.value.trim().is_empty() || found.value.chars().any(char::is_control) {
        let kind = if matches!(found.origin, Origin::Flag(_)) { Kind::Usage } else { Kind::Config };
        let what = format!(
            "actor {:?} is not accepted: a name with a visible character and no control character",
            found.value
        );
        return Err(Error::new(kind, "invalid_actor", what).why(format!("from {}", found.origin)));
    }
    Ok(found)
}

fn choose_zone(sources: &Sources, flags: &Global) -> Result<Setting<Tz>> {
    let found = match &flags.tz {
        Some(name) => Some(Setting::new(name.clone(), Origin::Flag("--tz"))),
        None => sources.variable("SKYTEAM_TZ").or_else(|| sources.file_value(|file| file.tz.clone())),
    };
    let Some(found) = found else { return Ok(Setting::new(Tz::UTC, Origin::Default)) };
    match found.value.parse() {
        Ok(zone) => Ok(Setting::new(zone, found.origin)),
        Err(_) => {
            let kind = if matches!(found.origin, Origin::Flag(_)) { Kind::Usage } else { Kind::Config };
            Err(Error::new(kind, "unknown_zone", format!("no time zone {:?}", found.value)).why(format!(
                "from {}; a zone is a name of the IANA database, such as Europe/Amsterdam or UTC",
                found.origin
            )))
        }
    }
}
