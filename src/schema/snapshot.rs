//! The snapshots that the migrations keep: `schema.json` in every folder, embedded in this build or read from the
//! source tree.
//!
//! The running program trusts what is embedded. Only the developer's `db generate` looks at the source tree, since a
//! folder that was written a minute ago is not in the build that wrote it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use migration::Migration;

use super::Schema;

/// Why a snapshot could not be read, or a folder not written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// No folder `migration` here or above.
    #[error("no migration folder in {0} or above")]
    NoFolder(PathBuf),
    /// A `schema.json` that is none.
    #[error("{file} is no snapshot of a schema")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// The schema that an embedded migration leaves.
///
/// # Errors
/// [`SnapshotError::Unreadable`]; a test keeps all embedded ones readable.
pub fn of(migration: &Migration) -> Result<Schema, SnapshotError> {
    Schema::from_json(migration.schema_json()).map_err(|source| SnapshotError::Unreadable {
        file: format!("migration/{}/schema.json", migration.folder()).into(),
        source,
    })
}

/// The newest snapshot of the source tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// Its migration's version; empty where there is no migration yet.
    pub version: String,
    /// The schema; empty likewise.
    pub schema: Schema,
}

/// The `migration` folder of the source tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceTree {
    folder: PathBuf,
}

impl SourceTree {
    /// Looks for it in `from` and above: a folder `migration` with a crate and migrations in it.
    ///
    /// # Errors
    /// [`SnapshotError::NoFolder`].
    pub(crate) fn find(from: &Path) -> Result<Self, SnapshotError> {
        from.ancestors()
            .map(|ancestor| ancestor.join("migration"))
            .find(|folder| folder.join("Cargo.toml").is_file() && folder.join("build.rs").is_file())
            .map(|folder| Self { folder })
            .ok_or_else(|| SnapshotError::NoFolder(from.to_owned()))
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest snapshot in it.
    ///
    /// # Errors
    /// [`SnapshotError::Io`] and [`SnapshotError::Unreadable`].
    pub(crate) fn last(&self) -> Result<Last, SnapshotError> {
        let entries = fs::read_dir(&self.folder).map_err(|source| io_error(&self.folder, source))?;
        let mut newest: Option<String> = None;
        for entry in entries {
            let entry = entry.map_err(|source| io_error(&self.folder, source))?;
            if let Some(name) = entry.file_name().to_str()
                && version_of(name).is_some()
                && newest.as_deref().is_none_or(|newest| newest < name)
            {
                newest = Some(name.to_owned());
            }
        }
        let Some(name) = newest else { return Ok(Last::default()) };
        let file = self.folder.join(&name).join("schema.json");
        let text = fs::read_to_string(&file).map_err(|source| io_error(&file, source))?;
        let schema = Schema::from_json(&text).map_err(|source| SnapshotError::Unreadable { file, source })?;
        Ok(Last { version: version_of(&name).unwrap_or_default().to_owned(), schema })
    }

    /// Writes a new migration: all its files, or, where one cannot be written, none.
    ///
    /// # Errors
    /// [`SnapshotError::Io`], also when the folder is there already.
    pub(crate) fn write(&self, name: &str, files: &[(&str, String)]) -> Result<PathBuf, SnapshotError> {
        let folder = self.folder.join(name);
        fs::create_dir(&folder).map_err(|source| io_error(&folder, source))?;
        for (file, text) in files {
            let path = folder.join(file);
            if let Err(source) = fs::write(&path, text) {
                // Half a migration would break the next build; what is left of it is of no use to anybody.
                let _ = fs::remove_dir_all(&folder);
                return Err(io_error(&path, source));
            }
        }
        Ok(folder)
    }
}

/// The version that a migration's folder name begins with.
fn version_of(folder: &str) -> Option<&str> {
    let (version, name) = folder.split_once('_')?;
    (version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()).then_some(version)
}

fn io_error(path: &Path, source: io::Error) -> SnapshotError {
    SnapshotError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_snapshot_reads_back_as_it_was_written() {
        for migration in migration::all() {
            assert_eq!(of(migration).unwrap().to_json().unwrap(), migration.schema_json(), "{}", migration.folder());
        }
    }

    #[test]
    fn the_source_tree_is_found_from_below_and_its_newest_snapshot_read() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("src/schema");
        fs::create_dir_all(&deep).unwrap();
        assert!(matches!(SourceTree::find(&deep), Err(SnapshotError::NoFolder(_))));

        let folder = root.path().join("migration");
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("Cargo.toml"), "").unwrap();
        fs::write(folder.join("build.rs"), "").unwrap();
        let tree = SourceTree::find(&deep).unwrap();
        assert_eq!(tree.last().unwrap(), Last::default());

        let schema = migration::all().iter().map(|migration| of(migration).unwrap()).next().unwrap();
        tree.write("20240101000000_first", &[("schema.json", schema.to_json().unwrap())]).unwrap();
        fs::create_dir(folder.join("29990101000000")).unwrap();
        let last = tree.last().unwrap();
        assert_eq!((last.version.as_str(), last.schema), ("20240101000000", schema));
        assert!(tree.write("20240101000000_first", &[]).is_err(), "an existing folder is never written into");
    }
}
