//! Where settings come from: the environment, the nearest `.env`, the configuration files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dotenv::Malformed;
use super::file::{self, File, NAME, Profile};
use super::{Setting, Trust, dotenv};
use crate::cli::environment::World;
use crate::db::LibpqEnvironment;
use crate::error::{Error, Kind, Result};
use crate::message::message;

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(String),
    /// A variable of a `.env` file.
    DotEnv(String, PathBuf),
    /// A key of a configuration file.
    File(PathBuf),
    /// A parameter of the database URL, which came from there.
    Url(Box<Origin>),
    /// The operating system.
    System,
    /// It is set nowhere.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::DotEnv(name, path) => write!(f, "{name} in {}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(origin) => write!(f, "the URL ({origin})"),
            Self::System => f.write_str("operating system"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Variables of one level: the process's environment, or a `.env` file.
#[derive(Debug)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
    dotenv: Option<PathBuf>,
}

impl Variables {
    /// A variable that is set, be it empty.
    pub(crate) fn get(&self, name: &str) -> Option<(String, Origin)> {
        let value = self.values.get(name)?;
        let origin = match &self.dotenv {
            Some(path) => Origin::DotEnv(name.to_owned(), path.clone()),
            None => Origin::Environment(name.to_owned()),
        };
        Some((value.clone(), origin))
    }
}

/// Everything that was found.
#[derive(Debug)]
pub(crate) struct Sources {
    levels: Vec<Variables>,
    files: Vec<(PathBuf, File)>,
    /// The one of the files that is the user's own.
    users: Option<PathBuf>,
    warnings: Vec<String>,
    /// Whose files are read; nothing where none are.
    trust: Option<Arc<Trust>>,
}

impl Sources {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Kind::Config`]: a `skyteam.toml` that cannot be used; a line of `.env`, or a variable, that names a setting of
    /// ours and cannot be read, or misspells one; a file that others than the user could have written.
    pub(crate) fn gather(world: &World) -> Result<Self> {
        let home = world.env.get("HOME").filter(|home| !home.is_empty()).map(Path::new);
        let folder = config_dir(&world.env);
        let trust = Trust::new(&world.env, folder.as_deref())?;
        let users = folder.map(|folder| folder.join(NAME)).filter(|path| std::fs::symlink_metadata(path).is_ok());
        let mut files = Vec::new();
        for path in file::nearest(&world.cwd, home, NAME).into_iter().chain(users.clone()) {
            if !files.iter().any(|(known, _)| *known == path) {
                let read = file::parse(&path, &trust.read(&path)?)?;
                files.push((path, read));
            }
        }
        let is_ours = |name: &str| {
            name == "DATABASE_URL"
                || name.starts_with("SKYTEAM_")
                || files.iter().flat_map(|(_, file)| file.profiles.values()).any(|p| p.url_env.as_deref() == Some(name))
        };
        if let Some(name) = world.unreadable.iter().find(|name| is_ours(name) || name.starts_with("PG")) {
            return Err(Error::new(
                Kind::Config,
                "bad_variable",
                message!("environment variable {} is not UTF-8", name),
            )
            .why("it is not passed over, because another database than the one meant would be used")
            .fix("percent-encode such characters of a URL, or unset the variable"));
        }
        let mut levels = vec![Variables { values: world.env.clone(), dotenv: None }];
        if let Some(path) = file::nearest(&world.cwd, home, ".env") {
            let values =
                dotenv::parse(&trust.read(&path)?, &world.env, &is_ours).map_err(|wrong| malformed(&path, wrong))?;
            levels.push(Variables { values, dotenv: Some(path) });
        }
        if let Some(error) = levels.iter().find_map(misspelt) {
            return Err(error);
        }
        let mut sources = Self { levels, files, users, warnings: Vec::new(), trust: Some(Arc::new(trust)) };
        sources.warnings = sources.redefined().collect();
        Ok(sources)
    }

    /// What to say of profiles that a project defines although the user has them.
    fn redefined(&self) -> impl Iterator<Item = String> {
        let user = self.files.iter().find(|(path, _)| self.is_users(path));
        let projects = self.files.iter().filter(|(path, _)| !self.is_users(path));
        projects.flat_map(move |(path, file)| {
            let again = file
                .profiles
                .keys()
                .filter(move |name| user.is_some_and(|(_, file)| file.profiles.contains_key(*name)));
            again.map(move |name| {
                let user = self.users.as_deref().unwrap_or(Path::new(NAME)).display();
                format!("{} defines profile {name} too; that of {user} is used", path.display())
            })
        })
    }

    /// Nothing at all: for what needs no settings where those there are cannot be used.
    pub(crate) fn none() -> Self {
        let nothing = Variables { values: BTreeMap::new(), dotenv: None };
        Self { levels: vec![nothing], files: Vec::new(), users: None, warnings: Vec::new(), trust: None }
    }

    /// The levels of variables, strongest first.
    pub(crate) fn variable_levels(&self) -> &[Variables] {
        &self.levels
    }

    /// A variable from the strongest level that sets it to more than nothing.
    pub(crate) fn variable(&self, name: &str) -> Option<Setting<String>> {
        let found = self.levels.iter().find_map(|level| level.get(name).filter(|(value, _)| !value.is_empty()));
        found.map(|(value, origin)| Setting::new(value, origin))
    }

    /// A variable from the strongest level that sets it, be it to nothing.
    pub(crate) fn variable_or_empty(&self, name: &str) -> Option<Setting<String>> {
        self.levels.iter().find_map(|level| level.get(name)).map(|(value, origin)| Setting::new(value, origin))
    }

    /// A value from the nearest configuration file that has it.
    pub(crate) fn file_value<T>(&self, value: impl Fn(&File) -> Option<T>) -> Option<Setting<T>> {
        self.files.iter().find_map(|(path, file)| Some(Setting::new(value(file)?, Origin::File(path.clone()))))
    }

    /// A value from the user's own file.
    pub(crate) fn users_value<T>(&self, value: impl Fn(&File) -> Option<T>) -> Option<Setting<T>> {
        let users = self.files.iter().find(|(path, _)| self.is_users(path));
        users.and_then(|(path, file)| Some(Setting::new(value(file)?, Origin::File(path.clone()))))
    }

    /// A profile by name: the user's own before one of a project, which could otherwise take the name of a database
    /// that the user knows.
    pub(crate) fn profile(&self, name: &str) -> Option<(&Profile, Origin)> {
        let (users, projects): (Vec<_>, Vec<_>) = self.files.iter().partition(|(path, _)| self.is_users(path));
        let mut all = users.into_iter().chain(projects);
        all.find_map(|(path, file)| Some((file.profiles.get(name)?, Origin::File(path.clone()))))
    }

    /// Whether this is the file in the user's own folder of configuration.
    pub(crate) fn is_users(&self, path: &Path) -> bool {
        self.users.as_deref() == Some(path)
    }

    /// Names of all profiles.
    pub(crate) fn profile_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.files.iter().flat_map(|(_, file)| file.profiles.keys().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The user's folder for data of ours, by the XDG base directory specification.
    /// `None` where there is no home.
    pub(crate) fn data_dir(&self) -> Option<PathBuf> {
        xdg(&self.levels[0].values, "XDG_DATA_HOME", ".local/share").map(|folder| folder.join("skyteam"))
    }

    /// What was odd.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// libpq's variables of the process's environment, whose files are judged as our own settings are.
    pub(crate) fn libpq(&self) -> LibpqEnvironment {
        let environment = LibpqEnvironment::new(&self.levels[0].values);
        match self.trust.clone() {
            Some(trust) => environment.judged_by(move |path, metadata| trust.objection(path, metadata)),
            None => environment,
        }
    }
}

/// A variable whose name is one letter away from that of a setting. Other names that begin with `SKYTEAM_` belong to the
/// alliance's other programs.
fn misspelt(level: &Variables) -> Option<Error> {
    const NAMES: [&str; 4] = ["SKYTEAM_PROFILE", "SKYTEAM_ACTOR", "SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"];
    let names = level.values.keys().filter(|name| name.starts_with("SKYTEAM_") && !NAMES.contains(&name.as_str()));
    let near = |name: &str| NAMES.into_iter().find(|known| strsim::osa_distance(name, known) == 1);
    let (name, meant) = names.filter(|name| name.len() < 32).find_map(|name| Some((name, near(name)?)))?;
    let (_, origin) = level.get(name)?;
    let what = message!("{} is no setting of skyteam; did you mean {}?", origin.to_string(), meant);
    let why = "it is not passed over, because something else than what was meant would be used";
    Some(Error::new(Kind::Config, "unknown_setting", what).why(why).fix(message!("rename it to {}", meant)))
}

/// Lines of a `.env` that name a setting of ours and cannot be used.
fn malformed(path: &Path, wrong: Malformed) -> Error {
    match wrong {
        Malformed::Unreadable { line, reason } => {
            let what = message!("{}, line {}, cannot be read", path.display(), line.to_string());
            Error::new(Kind::Config, "bad_dotenv", what)
                .why(message!("it names a setting of skyteam, and {}", reason))
                .fix("write it as NAME='value'")
        }
        Malformed::Contradiction { name, lines: (first, second) } => {
            let (first, second) = (first.to_string(), second.to_string());
            let what = message!("{}, lines {} and {}, give {} two values", path.display(), &first, &second, name);
            Error::new(Kind::Config, "two_values", what)
                .why("some programs would use the first and others the last, so skyteam uses neither")
                .fix(message!("delete line {} or line {}, or put a # before it", first, second))
        }
    }
}

/// The user's folder for configuration of ours; `None` where there is no home.
pub(crate) fn config_dir(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    xdg(env, "XDG_CONFIG_HOME", ".config").map(|folder| folder.join("skyteam"))
}

fn xdg(env: &BTreeMap<String, String>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The specification: a relative path is to be ignored.
    set(variable).filter(|path| path.is_absolute()).or_else(|| set("HOME").map(|home| home.join(below_home)))
}
