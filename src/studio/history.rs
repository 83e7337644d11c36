//! The statements that were run here, kept for this user alone, and the files of statements in the folder `queries`.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::small_file;

/// How many statements are kept.
const KEPT: usize = 300;

/// The most bytes of a statement that is kept.
const LONGEST: usize = 64 << 10;

/// The most bytes of the file.
const FILE: u64 = 32 << 20;

/// The most files of the folder that are listed.
const FILES: usize = 200;

/// A statement that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// When, in RFC 3339.
    pub at: String,
    /// The database.
    pub database: String,
    /// Its text.
    pub text: String,
    /// How long it took.
    pub ms: u64,
    /// How many rows were answered; none where it failed.
    pub rows: Option<usize>,
}

/// What was run.
#[derive(Debug)]
pub(super) struct History {
    file: Option<PathBuf>,
    /// Writes one after the other.
    turn: Mutex<()>,
}

impl History {
    /// In this file; nowhere without one.
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self { file, turn: Mutex::default() }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was run in this database, the newest first.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn of(&self, database: &str) -> io::Result<Vec<Entry>> {
        let _turn = self.turn();
        Ok(self.all()?.into_iter().filter(|entry| entry.database == database).rev().collect())
    }

    fn all(&self) -> io::Result<VecDeque<Entry>> {
        let Some(file) = &self.file else { return Ok(VecDeque::new()) };
        let bytes = match small_file::read(file, FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        // A line of a later version, or one that a crash has cut off, is no reason to lose the others.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Adds one. The file is readable by its owner only.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn add(&self, entry: Entry) -> io::Result<()> {
        if self.file.is_none() || entry.text.len() > LONGEST {
            return Ok(());
        }
        let _turn = self.turn();
        let mut all = self.all()?;
        // Run again and again, it is listed once.
        all.retain(|known| known.text != entry.text || known.database != entry.database);
        all.push_back(entry);
        while all.len() > KEPT {
            all.pop_front();
        }
        self.write(&all)
    }

    /// Forgets what was run in this database.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn clear(&self, database: &str) -> io::Result<()> {
        let _turn = self.turn();
        let mut all = self.all()?;
        all.retain(|entry| entry.database != database);
        self.write(&all)
    }

    fn write(&self, all: &VecDeque<Entry>) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Made for its owner alone, and in its place at once or not at all.
        let mut written = tempfile::NamedTempFile::new_in(folder)?;
        for entry in all {
            serde_json::to_writer(&mut written, entry)?;
            written.write_all(b"\n")?;
        }
        written.persist(file).map_err(|error| error.error)?;
        Ok(())
    }
}

/// A file of the folder `queries`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Saved {
    name: String,
    text: String,
}

/// The files `*.sql` of a folder, by name. What cannot be read as text is left out.
///
/// # Errors
/// The system's; a folder that is not there has none.
pub(super) fn saved(folder: &Path) -> io::Result<Vec<Saved>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "sql") {
            continue;
        }
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let Ok(text) = small_file::read(&path, LONGEST as u64).and_then(small_file::text) else { continue };
        found.push(Saved { name: name.to_owned(), text });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.truncate(FILES);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize, text: &str) -> Entry {
        Entry { at: number.to_string(), database: "a".to_owned(), text: text.to_owned(), ms: 1, rows: None }
    }

    #[test]
    fn the_newest_are_kept_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("inner/history.jsonl");
        let history = History::new(Some(file.clone()));
        assert_eq!(history.of("a").unwrap(), []);
        for number in 0..KEPT + 5 {
            history.add(entry(number, &format!("SELECT {number}"))).unwrap();
        }
        history.add(entry(9_999, "SELECT 300")).unwrap();
        let kept = history.of("a").unwrap();
        assert_eq!((kept.len(), kept[0].text.as_str(), kept[0].at.as_str()), (KEPT, "SELECT 300", "9999"));
        assert_eq!(history.of("b").unwrap(), []);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&file, "no JSON\n{\"at\":\"1\"}\n").unwrap();
        assert_eq!(history.of("a").unwrap(), []);
        history.add(entry(1, "SELECT 1")).unwrap();
        history.clear("b").unwrap();
        assert_eq!(history.of("a").unwrap().len(), 1);
        history.clear("a").unwrap();
        assert_eq!(history.of("a").unwrap(), []);
    }

    #[test]
    fn files_of_statements_are_listed_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(saved(&folder.path().join("none")).unwrap(), []);
        fs::write(folder.path().join("b.sql"), "SELECT 2").unwrap();
        fs::write(folder.path().join("a.sql"), "\u{feff}SELECT 1").unwrap();
        fs::write(folder.path().join("c.txt"), "SELECT 3").unwrap();
        fs::write(folder.path().join("d.sql"), [0xff, 0xfe, 0]).unwrap();
        fs::create_dir(folder.path().join("e.sql")).unwrap();
        let names: Vec<_> = saved(folder.path()).unwrap().into_iter().map(|file| (file.name, file.text)).collect();
        assert_eq!(names, [("a".to_owned(), "SELECT 1".to_owned()), ("b".to_owned(), "SELECT 2".to_owned())]);
    }
}
