//! Whether a table still has every row that a backup of it has, unchanged: the ledger held against what it was.
//!
//! Neither side is in any order, and neither need fit into memory. Of each row only its key and a hash are kept, spread by
//! the key over files of which one at a time is looked at; so memory does not grow with the table. Of what is found the keys
//! are kept, and the values of so many rows as fit.

use std::collections::HashMap;
use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use foldhash::quality::RandomState;
use sha2::{Digest as _, Sha256};

use super::error::{BackupError, Result};
use super::format::archive::Archive;
use super::format::digest;
use super::format::manifest::TableEntry;

/// Rows that are looked at together: with their hashes about 8 MB.
const TOGETHER: u64 = 1 << 17;
/// Altered rows whose values are looked up together.
const VALUES: usize = 1 << 15;
/// Most files for each side, below the number that a process may have open. With [`TOGETHER`] enough for 33 million rows;
/// of more, more are looked at together.
const MOST_FILES: u64 = 256;

/// The key of a row, or a hash of it where it is none of sixteen bytes.
type Key = [u8; 16];

/// What became of a row.
#[derive(Clone, Copy)]
enum Fate {
    Changed,
    Gone,
}

/// What is compared.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The table.
    pub table: String,
    /// The column that identifies its rows.
    pub key: String,
    /// The columns that must be as they were, the key among them; others are not looked at.
    pub columns: Vec<String>,
}

/// A row of the backup that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Altered {
    /// The values of [`Subject::columns`] in the backup, as text; `None` for NULL and for a column that it does not have.
    pub before: Vec<Option<String>>,
    /// The values now; `None` where the row is gone.
    pub after: Option<Vec<Option<String>>>,
}

/// How many rows were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Rows of the backup.
    pub backup: u64,
    /// Rows there are now.
    pub now: u64,
}

/// Compares `now` with `backup`; `tell` gets each row that differs, in the order of the backup. `folder` takes temporary
/// files, which hold keys and hashes and no values.
///
/// # Errors
/// [`BackupError::NoTable`] where the backup has none of the table, [`BackupError::Damaged`], [`BackupError::Io`].
pub(crate) fn compare(
    backup: &Archive,
    now: &Archive,
    subject: &Subject,
    folder: &Path,
    mut progress: impl FnMut(u64),
    tell: &mut dyn FnMut(Altered) -> bool,
) -> Result<Compared> {
    let [before, after] = [Side::of(backup, subject)?, Side::of(now, subject)?];
    // A column that one side has not is not compared: a backup of an older version has none of the newer ones.
    let shared: Vec<usize> =
        (0..subject.columns.len()).filter(|&at| before.places[at].is_some() && after.places[at].is_some()).collect();
    let compared = Compared { backup: before.entry.rows, now: after.entry.rows };
    let files = compared.backup.max(compared.now).div_ceil(TOGETHER).clamp(1, MOST_FILES);
    // Keys that an attacker chose must not all be put into one file.
    let place = RandomState::default();
    let old = before.spread(&shared, &place, files, folder, &mut progress)?;
    let new = after.spread(&shared, &place, files, folder, &mut progress)?;
    let mut altered: HashMap<Key, Fate> = HashMap::new();
    for (old, new) in old.into_iter().zip(new) {
        let (rows, pairs) = read(new)?;
        // As large as it gets, or growing would take twice the room for a moment.
        let mut there = HashMap::with_capacity(rows);
        for pair in pairs {
            let (key, hash) = pair?;
            there.insert(key, hash);
        }
        for pair in read(old)?.1 {
            let (key, hash) = pair?;
            match there.get(&key) {
                Some(now) if *now == hash => {}
                Some(_) => drop(altered.insert(key, Fate::Changed)),
                None => drop(altered.insert(key, Fate::Gone)),
            }
        }
    }
    // Some at a time, in the order of the backup: should all have changed, their values would not fit into memory.
    while !altered.is_empty() {
        let mut next: HashMap<Key, Option<Vec<Option<String>>>> = HashMap::new();
        before.walk(&mut progress, |key, _| {
            if let Some(fate) = altered.remove(&key) {
                next.insert(key, matches!(fate, Fate::Changed).then(Vec::new));
            }
            Ok(next.len() < VALUES)
        })?;
        if next.is_empty() {
            break;
        }
        if next.values().any(Option::is_some) {
            after.walk(&mut progress, |key, row| {
                if let Some(Some(values)) = next.get_mut(&key) {
                    *values = texts(row);
                }
                Ok(true)
            })?;
        }
        let mut wanted = true;
        before.walk(&mut progress, |key, row| {
            if let Some(after) = next.remove(&key) {
                wanted = tell(Altered { before: texts(row), after });
            }
            Ok(wanted && !next.is_empty())
        })?;
        if !wanted {
            break;
        }
    }
    Ok(compared)
}

/// A table of an archive.
struct Side<'a> {
    archive: &'a Archive,
    entry: &'a TableEntry,
    /// Where each column of the subject is in the table.
    places: Vec<Option<usize>>,
    key: usize,
}

impl<'a> Side<'a> {
    fn of(archive: &'a Archive, subject: &Subject) -> Result<Self> {
        let missing = || {
            let known = archive.manifest().tables.iter().map(|table| table.name.clone()).collect();
            BackupError::NoTable { name: subject.table.clone(), known }
        };
        let entry = archive.manifest().table(&subject.table).filter(|entry| entry.member.is_some());
        let entry = entry.ok_or_else(missing)?;
        let place = |name: &String| entry.columns.iter().position(|column| column.name == *name);
        let key = place(&subject.key).ok_or_else(missing)?;
        Ok(Self { archive, entry, places: subject.columns.iter().map(place).collect(), key })
    }

    /// Calls `each` with the key of every row and the values of the subject's columns, until it returns `false`.
    fn walk(
        &self,
        progress: &mut impl FnMut(u64),
        mut each: impl FnMut(Key, &[Option<&[u8]>]) -> Result<bool>,
    ) -> Result<()> {
        let Some(mut reader) = self.archive.reader(&self.entry.name)? else { return Ok(()) };
        let columns = self.entry.columns.len();
        // Each cell's text in one buffer, and where it ends.
        let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(columns));
        while let Some(block) = reader.next_block().map_err(BackupError::member(self.entry.file()))? {
            let mut cursor = block.cursor();
            while !cursor.done() {
                text.clear();
                ends.clear();
                for (at, column) in self.entry.columns.iter().enumerate() {
                    let start = text.len();
                    let is_there = digest::write(column.stored, None, cursor.cell(at), &mut text);
                    ends.push((start, text.len(), is_there));
                }
                let cell = |at: usize| {
                    let (start, end, is_there) = ends[at];
                    is_there.then(|| &text[start..end])
                };
                let values: Vec<Option<&[u8]>> = self.places.iter().map(|place| place.and_then(cell)).collect();
                if !each(key_of(cell(self.key).unwrap_or_default()), &values)? {
                    return Ok(());
                }
                cursor.advance();
            }
            progress(block.rows as u64);
        }
        Ok(())
    }

    /// Writes the key and the hash of every row into `files` files, all rows of a key into the same.
    fn spread(
        &self,
        shared: &[usize],
        place: &RandomState,
        files: u64,
        folder: &Path,
        progress: &mut impl FnMut(u64),
    ) -> Result<Vec<BufWriter<File>>> {
        let making = || BackupError::io("making room for the comparison");
        let file = |_| Ok(BufWriter::new(tempfile::tempfile_in(folder).map_err(making())?));
        let mut out = (0..files).map(file).collect::<Result<Vec<_>>>()?;
        self.walk(progress, |key, values| {
            let mut hash = Sha256::new();
            for &at in shared {
                hash.update(values[at].map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
                hash.update(values[at].unwrap_or_default());
            }
            let half: Key = hash.finalize().first_chunk().copied().unwrap_or_default();
            let file = &mut out[usize::try_from(place.hash_one(key) % files).unwrap_or_default()];
            file.write_all(&key).and_then(|()| file.write_all(&half)).map_err(making())?;
            Ok(true)
        })?;
        Ok(out)
    }
}

fn key_of(text: &[u8]) -> Key {
    let id = std::str::from_utf8(text).ok().and_then(|text| uuid::Uuid::try_parse(text).ok());
    id.map_or_else(|| Sha256::digest(text).first_chunk().copied().unwrap_or_default(), |id| *id.as_bytes())
}

fn texts(values: &[Option<&[u8]>]) -> Vec<Option<String>> {
    values.iter().map(|value| value.map(|text| String::from_utf8_lossy(text).into_owned())).collect()
}

/// What [`Side::spread`] wrote: how many pairs, and these.
fn read(file: BufWriter<File>) -> Result<(usize, impl Iterator<Item = Result<(Key, Key)>>)> {
    let failed = || BackupError::io("reading the comparison's own files");
    let mut file = file.into_inner().map_err(|error| failed()(error.into_error()))?;
    file.rewind().map_err(failed())?;
    let mut pairs = file.metadata().map_err(failed())?.len() / 32;
    let count = usize::try_from(pairs).unwrap_or_default();
    let mut file = BufReader::new(file);
    let pairs = std::iter::from_fn(move || {
        pairs = pairs.checked_sub(1)?;
        let (mut key, mut hash) = (Key::default(), Key::default());
        let read = file.read_exact(&mut key).and_then(|()| file.read_exact(&mut hash));
        Some(read.map(|()| (key, hash)).map_err(failed()))
    });
    Ok((count, pairs))
}
