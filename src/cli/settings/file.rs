//! `skyteam.toml`: the project's, found in the current folder or above, and the user's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Name of both files.
pub const NAME: &str = "skyteam.toml";

/// One configuration file. Keys that are not known are refused, so that a typo is seen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Profile to use when none is asked for.
    pub profile: Option<String>,
    /// Who does it, for the ledger.
    pub actor: Option<String>,
    /// Zone of naive and shown times.
    pub tz: Option<String>,
    /// Named databases.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
}

/// A named database.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its URL.
    pub url: Option<String>,
    /// The environment variable that holds its URL.
    pub url_env: Option<String>,
    /// What hangs on it.
    #[serde(default)]
    pub kind: ProfileKind,
    /// Most connections at once.
    pub max_connections: Option<u32>,
    /// Seconds until an unused connection is closed.
    pub idle_timeout: Option<u64>,
    /// Seconds to wait for a connection.
    pub connect_timeout: Option<u64>,
    /// Milliseconds that one statement may run.
    pub statement_timeout: Option<u64>,
    /// Milliseconds that a schema change waits for a lock.
    pub lock_timeout: Option<u64>,
    /// Miles; an award over it asks first.
    pub award_limit: Option<u32>,
    /// Whether shell completion may ask this database for values. Default: yes, but for production.
    pub completions: Option<bool>,
}

impl Profile {
    /// The name of a number that may not be 0, and is.
    pub fn zero(&self) -> Option<&'static str> {
        [
            ("max_connections", self.max_connections.map(u64::from)),
            ("idle_timeout", self.idle_timeout),
            ("connect_timeout", self.connect_timeout),
            ("lock_timeout", self.lock_timeout),
        ]
        .into_iter()
        .find_map(|(name, value)| (value == Some(0)).then_some(name))
    }
}

/// What hangs on a database: how much is asked before it is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileKind {
    /// A machine's own.
    #[default]
    Local,
    /// For trying out.
    Staging,
    /// Players depend on it.
    Production,
}

impl ProfileKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct FileError {
    /// The file.
    pub path: String,
    /// Line and reason. Never a value, which may be a URL with a password.
    pub reason: String,
}

/// The nearest file called `name` in `folder` or above.
pub fn nearest(folder: &Path, name: &str) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Reads one file.
///
/// # Errors
/// [`FileError`]: it cannot be read, is no TOML, or holds an unknown key.
pub fn read(path: &Path) -> Result<File, FileError> {
    let failed = |reason: String| FileError { path: path.display().to_string(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| {
        // The error's Display quotes the line, which may hold a password.
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        failed(format!("line {line}: {}", error.message()))
    })
}
