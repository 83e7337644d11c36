//! `skyteam.toml`: the project's, found in the current folder or above, and the user's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Kind, Result};
use crate::message::message;
use crate::system;

/// Name of both files.
pub(crate) const NAME: &str = "skyteam.toml";

/// One configuration file. Keys that are not known are refused, so that a typo is seen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Profile to use when none is asked for.
    pub profile: Option<String>,
    /// Who does it, for the ledger.
    pub actor: Option<String>,
    /// Zone of naive and shown times.
    pub tz: Option<String>,
    /// Public keys that backups are signed with, by the name that each is shown by.
    #[serde(default)]
    pub signers: BTreeMap<String, String>,
    /// The file with the private key that backups are signed with.
    pub sign_key: Option<PathBuf>,
    /// Named databases.
    #[serde(default)]
    pub profiles: BTreeMap<String, Profile>,
}

/// A named database.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// Its URL.
    pub url: Option<String>,
    /// The environment variable that holds its URL.
    pub url_env: Option<String>,
    /// Its kind.
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
    pub(crate) fn zero(&self) -> Option<&'static str> {
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

/// The kind of a database: how much is asked before it is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProfileKind {
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
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// A path at which a file of settings was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingsFile {
    /// The path.
    pub path: PathBuf,
    /// Whether it exists. What is no file counts as one, so that a pipe or a dead link is not passed over.
    pub found: bool,
}

/// Where a file called `name` is looked for, from `folder` upwards: as far as the first one found, the home folder or the
/// file system goes, and no further than may be looked at.
pub(crate) fn looked_for(folder: &Path, home: Option<&Path>, name: &str) -> Vec<SettingsFile> {
    search(folder, home, name, &|path| {
        let found = std::fs::metadata(path).ok()?;
        Some((system::file_system(&found), system::inode(&found)))
    })
}

/// The nearest file called `name`: the one found by [`looked_for`].
pub(super) fn nearest(folder: &Path, home: Option<&Path>, name: &str) -> Option<PathBuf> {
    looked_for(folder, home, name).pop().filter(|file| file.found).map(|file| file.path)
}

/// As [`looked_for`], with device and inode of a folder by `place`.
fn search(
    folder: &Path,
    home: Option<&Path>,
    name: &str,
    place: &dyn Fn(&Path) -> Option<(u64, u64)>,
) -> Vec<SettingsFile> {
    let home = home.and_then(place);
    let mut files = Vec::new();
    let Some((device, _)) = place(folder) else { return files };
    for folder in folder.ancestors() {
        let Some(here) = place(folder).filter(|here| here.0 == device) else { return files };
        let path = folder.join(name);
        let found = match std::fs::symlink_metadata(&path) {
            Ok(_) => !path.is_dir(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(_) => return files,
        };
        files.push(SettingsFile { path, found });
        if found || home == Some(here) {
            return files;
        }
    }
    files
}

/// Reads the text of the file at `path`.
///
/// # Errors
/// [`Kind::Config`]: it is no TOML, or holds an unknown key. Never quotes a value, which may be a URL with a password.
pub(super) fn parse(path: &Path, text: &str) -> Result<File> {
    toml::from_str(text).map_err(|error| {
        // The error's Display quotes the line, which may hold a password.
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        let what = message!("the configuration file {} cannot be used", path.display());
        let why = match misnamed(text) {
            Some((line, name)) => {
                message!("line {}: no table [profile.{}]; did you mean [profiles.{}]?", line.to_string(), &name, &name)
            }
            None => message!("line {}: {}", line.to_string(), error.message()),
        };
        Error::new(Kind::Config, "bad_configuration", what).why(why)
    })
}

/// The first table `[profile.NAME]`, which is to be `[profiles.NAME]`: its line and name.
fn misnamed(text: &str) -> Option<(usize, String)> {
    let of = |line: &str| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?.trim().strip_prefix("profile")?.trim_start();
        Some(name.strip_prefix('.')?.trim().trim_matches(['"', '\'']).to_owned()).filter(|name| !name.is_empty())
    };
    text.lines().enumerate().find_map(|(index, line)| Some((index + 1, of(line)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_in_the_singular_is_told_from_the_key_profile() {
        assert_eq!(misnamed("tz = 'UTC'\n[profile.prod]\nurl = 'x'\n"), Some((2, "prod".into())));
        assert_eq!(misnamed("[ profile . \"my prod\" ]"), Some((1, "my prod".into())));
        assert_eq!(misnamed("profile = 'prod'\n[profiles.prod]\n"), None);
    }

    #[test]
    fn the_search_ends_at_a_mount_point() {
        let above = tempfile::tempdir().unwrap();
        let mounted = above.path().join("mounted");
        let inside = mounted.join("project");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(above.path().join(".env"), "").unwrap();
        assert_eq!(nearest(&inside, None, ".env"), Some(above.path().join(".env")));
        let device = |path: &Path| Some((u64::from(path.starts_with(&mounted)), 0));
        assert!(search(&inside, None, ".env", &device).iter().all(|file| !file.found));
        std::fs::write(mounted.join(".env"), "").unwrap();
        assert_eq!(
            search(&inside, None, ".env", &device).pop(),
            Some(SettingsFile { path: mounted.join(".env"), found: true })
        );
    }
}
