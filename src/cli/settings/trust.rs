//! Whose settings are read: a `.env` or `skyteam.toml` decides which server gets a password and which name is in the
//! ledger, so one that another user can write is refused, as git refuses another's repository (`safe.directory`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::message::{message, program, skyteam};
use crate::{small_file, system};

/// The list of paths that `config trust` has allowed, one a line, in the user's folder of configuration.
const LIST: &str = "trusted";

/// Who runs this, and what they have allowed.
#[derive(Debug)]
pub(crate) struct Trust {
    /// The users whose files are read: the one who runs this, root, and behind sudo the one who called it.
    users: BTreeSet<u32>,
    /// Groups whose only member is one of these users.
    private_groups: BTreeSet<u32>,
    list: Option<PathBuf>,
    allowed: BTreeSet<PathBuf>,
}

impl Trust {
    /// For the user of this process. `folder` is that of their configuration.
    ///
    /// # Errors
    /// [`Kind::Config`]: the list of what is trusted belongs to another user, or cannot be read.
    pub(crate) fn new(env: &BTreeMap<String, String>, folder: Option<&Path>) -> Result<Self> {
        let me = system::user();
        let mut users = BTreeSet::from([system::ROOT, me]);
        if me == system::ROOT {
            users.extend(env.get("SUDO_UID").and_then(|id| id.parse::<u32>().ok()));
        }
        let list = folder.map(|folder| folder.join(LIST));
        let mut trust = Self { private_groups: system::private_groups(&users), users, list, allowed: BTreeSet::new() };
        if let Some(list) = trust.list.clone() {
            match small_file::open(&list) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&list, &error)),
                Ok((file, metadata)) => {
                    if let Some(reason) = trust.distrusts(&metadata) {
                        return Err(refused(&list, &format!("it {reason}"))
                            .fix(message!("{}    and trust again what is yours", program("rm").file(shown(&list)))));
                    }
                    let text = small_file::read_open(file, small_file::SETTINGS).and_then(small_file::text);
                    let text = text.map_err(|error| unreadable(&list, &error))?;
                    trust.allowed = text.lines().filter(|line| !line.is_empty()).map(PathBuf::from).collect();
                }
            }
        }
        Ok(trust)
    }

    /// Reads the file at `path`, whose folder holds it, if both are to be trusted.
    ///
    /// # Errors
    /// [`Kind::Config`]: they are not; the file cannot be read.
    pub(crate) fn read(&self, path: &Path) -> Result<String> {
        let (file, metadata) = small_file::open(path).map_err(|error| unreadable(path, &error))?;
        if !self.is_allowed(path) {
            if let Some(reason) = self.distrusts(&metadata) {
                return Err(self.how_to_allow(refused(path, &format!("it {reason}")), path, false));
            }
            let folder = folder_of(path);
            let metadata = std::fs::metadata(folder).map_err(|error| unreadable(folder, &error))?;
            if let Some(reason) = self.distrusts(&metadata) {
                return Err(self.how_to_allow(refused(path, &format!("its folder {reason}")), path, true));
            }
        }
        small_file::read_open(file, small_file::SETTINGS)
            .and_then(small_file::text)
            .map_err(|error| unreadable(path, &error))
    }

    /// Why the file at `path`, which is open and has this metadata, is not to be used; the end of a sentence about it.
    pub(crate) fn objection(&self, path: &Path, metadata: &Metadata) -> Option<String> {
        if self.is_allowed(path) {
            return None;
        }
        if let Some(reason) = self.distrusts(metadata) {
            return Some(reason);
        }
        match std::fs::metadata(folder_of(path)) {
            Ok(folder) => self.distrusts(&folder).map(|reason| format!("is in a folder that {reason}")),
            Err(error) => Some(format!("is in a folder that cannot be looked at ({error})")),
        }
    }

    fn is_allowed(&self, path: &Path) -> bool {
        // The folder's own name, so that a link to somewhere else is not what was allowed.
        let Some((folder, name)) = folder_of(path).canonicalize().ok().zip(path.file_name()) else {
            return false;
        };
        !self.allowed.is_empty() && (self.allowed.contains(&folder.join(name)) || self.allowed.contains(&folder))
    }

    /// Why others than the trusted users could have written this.
    fn distrusts(&self, metadata: &Metadata) -> Option<String> {
        let (owner, group, mode) = (system::owner(metadata), system::group(metadata), system::mode(metadata));
        if !self.users.contains(&owner) {
            return Some(format!("belongs to {}", system::user_name(owner)));
        }
        if mode & 0o002 != 0 {
            return Some("can be written by everybody".into());
        }
        let shared = mode & 0o020 != 0 && !self.private_groups.contains(&group);
        shared.then(|| format!("can be written by the group {}", system::group_name(group)))
    }

    fn how_to_allow(&self, error: Error, path: &Path, folder: bool) -> Error {
        let wrong = if folder { path.parent().unwrap_or(path) } else { path };
        let mine = std::fs::metadata(wrong).is_ok_and(|metadata| self.users.contains(&system::owner(&metadata)));
        let error = if mine { error.fix(program("chmod").words("go-w").file(shown(wrong))) } else { error };
        error.fix(message!(
            "{}    once you have read it, and trust who can write it",
            skyteam("config trust").file(shown(path))
        ))
    }

    /// Allows a file, or the `.env` and `skyteam.toml` of a folder, whatever user owns them. Returns its path in the list,
    /// and whether it is new there.
    ///
    /// # Errors
    /// [`Kind::Config`]: no home folder; [`Kind::NotFound`]; the list cannot be written.
    pub(crate) fn allow(&self, path: &Path, dry_run: bool) -> Result<(PathBuf, bool)> {
        let missing = |error: io::Error| {
            Error::new(Kind::NotFound, "no_such_file", message!("there is no {}", shown(path))).why(error.to_string())
        };
        let path = if path.is_dir() {
            path.canonicalize().map_err(missing)?
        } else {
            // As in `is_allowed`: the folder resolved, the file by its name in it.
            std::fs::metadata(path).map_err(missing)?;
            let folder = path.parent().unwrap_or(Path::new("/")).canonicalize().map_err(missing)?;
            folder.join(path.file_name().unwrap_or_default())
        };
        let Some(list) = &self.list else {
            return Err(Error::new(
                Kind::Config,
                "no_home",
                "there is no home folder to keep the list of trusted paths in",
            )
            .why("neither XDG_CONFIG_HOME nor HOME is set"));
        };
        let text = path.to_str().filter(|text| !text.contains('\n')).ok_or_else(|| {
            Error::new(Kind::Usage, "usage", message!("{} cannot be listed: its name is not one line", shown(&path)))
        })?;
        if self.allowed.contains(&path) {
            return Ok((path, false));
        }
        if !dry_run {
            let line = format!("{text}\n");
            let written = crate::db::make_folder(list.parent().unwrap_or(Path::new("/"))).and_then(|()| {
                let mut options = std::fs::OpenOptions::new();
                let mut list = system::private_file(options.create(true).append(true)).open(list)?;
                list.write_all(line.as_bytes())
            });
            written.map_err(|error| {
                Error::new(Kind::Failure, "unwritable", message!("{} cannot be written", shown(list)))
                    .why(error.to_string())
            })?;
        }
        Ok((path, true))
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Config, "bad_configuration", message!("the configuration file {} cannot be used", shown(path)))
        .why(error.to_string())
}

fn refused(path: &Path, reason: &str) -> Error {
    Error::new(Kind::Config, "untrusted_settings", message!("{} is not read", shown(path)))
        .why(message!("{}, and settings decide which server gets a password", &reason))
}
