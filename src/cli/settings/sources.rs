//! Where settings come from: the environment, the nearest `.env`, the configuration files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Setting;
use super::file::{self, File, NAME, Profile};
use crate::cli::environment::World;
use crate::db::LibpqEnvironment;
use crate::error::{Error, Kind, Result};

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
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
    /// Nobody said anything.
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
pub struct Variables {
    values: BTreeMap<String, String>,
    dotenv: Option<PathBuf>,
}

impl Variables {
    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<(String, Origin)> {
        let value = self.values.get(name).filter(|value| !value.is_empty())?;
        let origin = match &self.dotenv {
            Some(path) => Origin::DotEnv(name.to_owned(), path.clone()),
            None => Origin::Environment(name.to_owned()),
        };
        Some((value.clone(), origin))
    }
}

/// Everything that was found.
#[derive(Debug)]
pub struct Sources {
    levels: Vec<Variables>,
    files: Vec<(PathBuf, File)>,
    warnings: Vec<String>,
}

impl Sources {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Kind::Config`]: a `skyteam.toml` that cannot be used.
    pub fn gather(world: &World) -> Result<Self> {
        let mut warnings = Vec::new();
        let mut levels = vec![Variables { values: world.env.clone(), dotenv: None }];
        if let Some(path) = file::nearest(&world.cwd, ".env") {
            let values = read_dotenv(&path, &mut warnings);
            levels.push(Variables { values, dotenv: Some(path) });
        }
        let user = config_dir(&world.env).map(|folder| folder.join(NAME)).filter(|path| path.is_file());
        let mut files = Vec::new();
        for path in file::nearest(&world.cwd, NAME).into_iter().chain(user) {
            if files.iter().any(|(known, _)| *known == path) {
                continue;
            }
            let read = file::read(&path).map_err(|error| {
                Error::new(
                    Kind::Config,
                    "bad_configuration",
                    format!("the configuration file {} cannot be used", error.path),
                )
                .why(error.reason)
            })?;
            files.push((path, read));
        }
        Ok(Self { levels, files, warnings })
    }

    /// Nothing at all: for what needs no settings where those there are cannot be used.
    pub fn none() -> Self {
        let nothing = Variables { values: BTreeMap::new(), dotenv: None };
        Self { levels: vec![nothing], files: Vec::new(), warnings: Vec::new() }
    }

    /// The levels of variables, strongest first.
    pub fn variable_levels(&self) -> &[Variables] {
        &self.levels
    }

    /// A variable from the strongest level that sets it.
    pub fn variable(&self, name: &str) -> Option<Setting<String>> {
        self.levels.iter().find_map(|level| level.get(name)).map(|(value, origin)| Setting::new(value, origin))
    }

    /// A value from the nearest configuration file that has it.
    pub fn file_value<T>(&self, value: impl Fn(&File) -> Option<T>) -> Option<Setting<T>> {
        self.files.iter().find_map(|(path, file)| Some(Setting::new(value(file)?, Origin::File(path.clone()))))
    }

    /// A profile by name.
    pub fn profile(&self, name: &str) -> Option<(&Profile, Origin)> {
        self.files.iter().find_map(|(path, file)| Some((file.profiles.get(name)?, Origin::File(path.clone()))))
    }

    /// Names of all profiles.
    pub fn profile_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.files.iter().flat_map(|(_, file)| file.profiles.keys().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The user's folder for data of ours, by the XDG base directory specification.
    /// `None` where there is no home.
    pub fn data_dir(&self) -> Option<PathBuf> {
        xdg(&self.levels[0].values, "XDG_DATA_HOME", ".local/share").map(|folder| folder.join("skyteam"))
    }

    /// What was odd.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    /// libpq's variables of the process's environment.
    pub fn libpq(&self) -> LibpqEnvironment {
        LibpqEnvironment::new(&self.levels[0].values)
    }
}

fn read_dotenv(path: &Path, warnings: &mut Vec<String>) -> BTreeMap<String, String> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) => {
            warnings.push(format!("{} is left out: {error}", path.display()));
            return BTreeMap::new();
        }
    };
    let mut values = BTreeMap::new();
    for line in lines {
        match line {
            Ok((name, value)) => {
                values.insert(name, value);
            }
            // Its words would quote the line, which may hold a password.
            Err(_) => warnings.push(format!("{} has a line that is not NAME=value; it is left out", path.display())),
        }
    }
    values
}

fn config_dir(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    xdg(env, "XDG_CONFIG_HOME", ".config").map(|folder| folder.join("skyteam"))
}

fn xdg(env: &BTreeMap<String, String>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The specification: a relative path is to be ignored.
    set(variable).filter(|path| path.is_absolute()).or_else(|| set("HOME").map(|home| home.join(below_home)))
}
