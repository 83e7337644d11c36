//! An object store as a [`Store`].

mod connect;
mod failure;
mod profile;
mod remote;
mod runtime;
mod unfinished;
mod upload;
pub(crate) mod url;
pub(crate) mod variables;

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _};

use self::remote::Remote;
use self::runtime::Runtime;
use self::upload::Upload;
use self::url::ObjectUrl;
use super::file::{self, FolderLock};
use super::folder::{self, Entry, Listing, Note};
use super::{Pending, Store, Unfinished};
use crate::backup::error::{BackupError, Result, StoreFault};
use crate::backup::source::ReadSeek;

/// Bytes that a request asks for where single headers are read, and where all of an object is.
const HEAD_BLOCK: u64 = 64 << 10;
const BODY_BLOCK: u64 = 8 << 20;
/// Objects that are looked into at the same time.
const LOOKING: usize = 8;

/// Requests to one bucket.
struct Requests {
    runtime: Runtime,
    store: Arc<dyn ObjectStore>,
    s3: Option<Arc<AmazonS3>>,
    http: reqwest::Client,
}

impl Requests {
    /// What is known of an object; `None` where there is none.
    fn head(&self, key: &Key, url: &str) -> Result<Option<ObjectMeta>> {
        let (store, key, url) = (Arc::clone(&self.store), key.clone(), url.to_owned());
        self.runtime.wait(async move {
            match store.head(&key).await {
                Ok(meta) => Ok(Some(meta)),
                Err(error) => match failure::of(&url, "looking at", &error) {
                    BackupError::Store { fault: StoreFault::NoObject, .. } => Ok(None),
                    error => Err(error),
                },
            }
        })
    }

    /// Bytes of an object, as long as it is the one with this tag.
    fn range(&self, key: &Key, range: Range<u64>, tag: Option<String>) -> Result<Bytes> {
        let (store, key, url) = (Arc::clone(&self.store), key.clone(), key.to_string());
        let wanted = range.end - range.start;
        let options = GetOptions { range: Some(range.into()), if_match: tag, ..GetOptions::default() };
        self.runtime.wait(async move {
            let failed = |error| failure::of(&url, "reading", &error);
            let bytes = store.get_opts(&key, options).await.map_err(failed)?.bytes().await.map_err(failed)?;
            if bytes.len() as u64 == wanted {
                return Ok(bytes);
            }
            let why = format!("it sent {} bytes instead of {wanted}", bytes.len());
            Err(BackupError::Store { place: url.clone(), doing: "reading", fault: StoreFault::Refused, why })
        })
    }
}

/// A bucket, or a part of one.
pub(super) struct ObjectPlace {
    url: ObjectUrl,
    requests: Arc<Requests>,
    unencrypted: Option<String>,
}

impl ObjectPlace {
    /// Opens the place of a URL. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BackupError::Store`] for credentials that cannot be used; [`BackupError::Io`].
    pub(super) fn open(url: &ObjectUrl, environment: &BTreeMap<String, String>) -> Result<Self> {
        let connect::Connected { store, s3, http, unencrypted } = connect::connect(url, environment)?;
        let runtime = Runtime::start().map_err(BackupError::io("starting a thread"))?;
        Ok(Self { url: url.clone(), requests: Arc::new(Requests { runtime, store, s3, http }), unencrypted })
    }

    fn key_of(&self, backup: &Path) -> Key {
        Key::from(self.url.key(&backup.file_name().unwrap_or_default().to_string_lossy()))
    }

    fn place_of(&self, key: &Key) -> PathBuf {
        self.url.join(key.filename().unwrap_or_default())
    }

    fn head(&self, backup: &Path) -> Result<Option<ObjectMeta>> {
        self.requests.head(&self.key_of(backup), &backup.display().to_string())
    }

    /// What is there, or an error that says that nothing is.
    fn meta(&self, backup: &Path) -> Result<ObjectMeta> {
        self.head(backup)?.ok_or_else(|| BackupError::Store {
            place: backup.display().to_string(),
            doing: "reading",
            fault: StoreFault::NoObject,
            why: "there is no such object".into(),
        })
    }

    fn remote(&self, meta: &ObjectMeta, block: u64) -> Arc<Remote> {
        Remote::new(Arc::clone(&self.requests), meta.location.clone(), meta.size, meta.e_tag.clone(), block)
    }

    /// Everything directly below the prefix.
    fn objects(&self) -> Result<Vec<ObjectMeta>> {
        let (store, url) = (Arc::clone(&self.requests.store), self.url.to_string());
        let prefix = (!self.url.prefix.is_empty()).then(|| Key::from(self.url.prefix.as_str()));
        self.requests.runtime.wait(async move {
            let listed = store.list_with_delimiter(prefix.as_ref()).await;
            listed.map(|listed| listed.objects).map_err(|error| failure::of(&url, "listing", &error))
        })
    }

    fn note_of(&self, meta: &ObjectMeta) -> Result<Option<Note>> {
        if meta.size == 0 || meta.size > folder::NOTE_LIMIT {
            return Ok(None);
        }
        let text = self.requests.range(&meta.location, 0..meta.size, meta.e_tag.clone())?;
        Ok(Note::parse(&text))
    }

    fn look(&self, meta: &ObjectMeta, note: Option<&ObjectMeta>) -> Result<Option<Entry>> {
        let note = note.map(|meta| self.note_of(meta)).transpose()?.flatten();
        let remote = self.remote(meta, HEAD_BLOCK);
        let open = || Ok(Box::new(remote.reader()) as Box<dyn ReadSeek>);
        let looked = folder::look_into(&self.place_of(&meta.location), meta.last_modified, note, &open);
        match remote.failure() {
            Some(error) => Err(error),
            None => looked,
        }
    }

    fn remove_object(&self, key: Key, place: String) -> Result<()> {
        let store = Arc::clone(&self.requests.store);
        self.requests.runtime.wait(async move {
            match store.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failure::of(&place, "removing", &error)),
            }
        })
    }

    fn note_key(&self, backup: &Path) -> Key {
        let name = backup.file_name().unwrap_or_default().to_string_lossy();
        Key::from(self.url.key(&format!("{name}{}", folder::NOTE)))
    }
}

impl Store for ObjectPlace {
    fn unencrypted(&self) -> Option<&str> {
        self.unencrypted.as_deref()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.url.join(name)
    }

    fn scratch(&self) -> Option<&Path> {
        None
    }

    fn check(&self) -> Result<()> {
        match self.objects() {
            // Writing needs no right to list.
            Err(error) if error.is_denied() && !failure::is_about_credentials(&error) => Ok(()),
            listed => listed.map(drop),
        }
    }

    fn lock(&self) -> Result<Option<FolderLock>> {
        // Names are unique, and nothing here removes what another run has begun.
        Ok(None)
    }

    fn list(&self) -> Result<Listing> {
        let objects = self.objects()?;
        let by_name: BTreeMap<&str, &ObjectMeta> =
            objects.iter().filter_map(|meta| Some((meta.location.filename()?, meta))).collect();
        let notes: HashSet<&str> = by_name.keys().filter_map(|name| name.strip_suffix(folder::NOTE)).collect();
        // Unlike a folder's files, others are not looked into: each look is paid for.
        let is_one = |name: &str| {
            !name.ends_with(folder::NOTE)
                && (file::time_in_name(name).is_some() || folder::has_our_name(Path::new(name)) || notes.contains(name))
        };
        let waiting: Vec<(&str, &ObjectMeta)> =
            by_name.iter().filter(|(name, _)| is_one(name)).map(|(name, meta)| (*name, *meta)).collect();
        let waiting = Mutex::new(waiting.into_iter());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
        let look = || -> Result<Listing> {
            let mut found = Listing::default();
            while let Some((name, meta)) = next() {
                let note = by_name.get(format!("{name}{}", folder::NOTE).as_str()).copied();
                match self.look(meta, note) {
                    Ok(entry) => found.entries.extend(entry),
                    Err(error) if error.is_denied() => found.unreadable.push(self.place_of(&meta.location)),
                    // It went meanwhile.
                    Err(BackupError::Store { fault: StoreFault::NoObject, .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        };
        let found = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..LOOKING).map(|_| scope.spawn(look)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(Err(BackupError::Worker))).collect::<Vec<_>>()
        });
        let mut listing = Listing::default();
        for part in found {
            let part = part?;
            listing.entries.extend(part.entries);
            listing.unreadable.extend(part.unreadable);
        }
        listing.sort();
        Ok(listing)
    }

    fn size(&self, backup: &Path) -> Result<Option<u64>> {
        Ok(self.head(backup)?.map(|meta| meta.size))
    }

    fn open(&self, backup: &Path) -> Result<Box<dyn ReadSeek>> {
        Ok(Box::new(self.remote(&self.meta(backup)?, HEAD_BLOCK).reader()))
    }

    fn fetch(&self, backup: &Path, out: &mut dyn Write) -> Result<()> {
        let meta = self.meta(backup)?;
        let mut from = 0;
        while from < meta.size {
            let end = (from + BODY_BLOCK).min(meta.size);
            let bytes = self.requests.range(&meta.location, from..end, meta.e_tag.clone())?;
            out.write_all(&bytes).map_err(BackupError::io(format!("copying {}", backup.display())))?;
            from = end;
        }
        Ok(())
    }

    fn check_bytes(&self, entry: &Entry) -> Result<()> {
        let remote = self.remote(&self.meta(&entry.path)?, BODY_BLOCK);
        let checked = entry.check_bytes(Box::new(remote.reader()));
        match remote.failure() {
            Some(error) => Err(error),
            None => checked,
        }
    }

    fn begin(&self, backup: &Path, replaces: bool, size: u64) -> Result<Box<dyn Pending>> {
        let place = if replaces {
            backup.to_owned()
        } else {
            self.url.join(&file::unique(&backup.file_name().unwrap_or_default().to_string_lossy()))
        };
        if replaces && self.note(backup)?.is_some() {
            // First: a note must never vouch for a backup that it is not about.
            self.remove_object(self.note_key(backup), backup.display().to_string())?;
        }
        Ok(Box::new(Upload::new(Arc::clone(&self.requests), self.key_of(&place), place, replaces, size)))
    }

    fn note(&self, backup: &Path) -> Result<Option<Note>> {
        let meta = self.requests.head(&self.note_key(backup), &backup.display().to_string())?;
        meta.map(|meta| self.note_of(&meta)).transpose().map(Option::flatten)
    }

    fn write_note(&self, backup: &Path, note: &Note) -> Result<()> {
        let place = backup.display().to_string();
        let key = self.note_key(backup);
        if self.requests.head(&key, &place)?.is_some() && self.note(backup)?.is_none() {
            return Err(BackupError::Foreign { path: PathBuf::from(format!("{place}{}", folder::NOTE)) });
        }
        let (beside, size) = (PathBuf::from(format!("{place}{}", folder::NOTE)), note.to_text().len() as u64);
        let mut writing = Upload::new(Arc::clone(&self.requests), key, beside, true, size);
        let doing = || BackupError::io(format!("writing the note of {place}"));
        writing.write_all(note.to_text().as_bytes()).map_err(doing())?;
        Box::new(writing).commit().map(drop)
    }

    fn remove(&self, backup: &Path) -> Result<()> {
        let place = backup.display().to_string();
        // The backup first: where it may not be removed its note stays with it.
        self.remove_object(self.key_of(backup), place.clone())?;
        if self.requests.head(&self.note_key(backup), &place)?.is_some() {
            self.remove_object(self.note_key(backup), place)?;
        }
        Ok(())
    }

    fn unfinished(&self, until: DateTime<Utc>) -> Result<Vec<Unfinished>> {
        self.unfinished_uploads(until)
    }

    fn give_up(&self, upload: &Unfinished) -> Result<()> {
        self.abort_upload(upload)
    }

    fn interrupt(&self) {
        self.requests.runtime.interrupt();
    }
}
