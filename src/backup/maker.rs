//! Who made a backup: this database, by what it remembers; the holder of a trusted key; or someone unknown, which may be
//! anyone who can write into the folder and knows a public key.

use std::path::Path;

use super::detect::Content;
use super::error::{BackupError, Result};
use super::format::archive::Archive;
use super::record::Record;
use super::signature::{Signed, Signers};
use super::store::folder::{self, Entry, Note};
use super::store::{self, Store};

/// Who made a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// The database of the settings remembers it.
    ThisDatabase,
    /// It is signed by the trusted key of this name.
    Signed(String),
    /// Neither a trusted signature nor the database says so.
    Unknown,
}

impl Maker {
    /// In words, for people and programs.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::ThisDatabase => "made by this database".into(),
            Self::Signed(by) => format!("signed by {by}"),
            Self::Unknown => "by somebody unknown".into(),
        }
    }

    /// Whether it is [`Maker::Unknown`].
    pub(crate) fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }
}

/// What is trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trusted {
    /// Keys.
    pub(crate) signers: Signers,
    /// What the database of the settings remembers; empty where there is none.
    pub(crate) record: Record,
}

fn forged(by: &str) -> BackupError {
    BackupError::archive(format!("it claims to be signed by {by}, and the signature is not of it"))
}

impl Trusted {
    /// Who made an archive, whose file has this SHA-256.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] for a signature that claims to be by a trusted key and is not of this archive.
    pub(crate) fn of_archive(&self, archive: &Archive, sha256: &str) -> Result<Maker> {
        match self.signers.of_manifest(archive.manifest(), archive.manifest_bytes()) {
            Signed::By(name) => Ok(Maker::Signed(name)),
            Signed::Forged(name) => Err(forged(&name)),
            Signed::Unknown if self.record.has(sha256) => Ok(Maker::ThisDatabase),
            Signed::Unknown => Ok(Maker::Unknown),
        }
    }

    /// Who made a dump, whose file has this SHA-256; what signs it is in the note beside it.
    ///
    /// # Errors
    /// As [`Trusted::of_archive`].
    pub(crate) fn of_dump(&self, path: &Path, sha256: &str) -> Result<Maker> {
        self.of_note(folder::read_note(path).as_ref(), sha256)
    }

    fn of_note(&self, note: Option<&Note>, sha256: &str) -> Result<Maker> {
        match self.signers.of_dump(note.and_then(|note| note.signature.as_ref()), sha256) {
            Signed::By(name) => Ok(Maker::Signed(name)),
            Signed::Forged(name) => Err(forged(&name)),
            Signed::Unknown if self.record.has(sha256) => Ok(Maker::ThisDatabase),
            Signed::Unknown => Ok(Maker::Unknown),
        }
    }

    /// Who made a backup of a folder, as far as that is known without reading all of an archive. The signature of an
    /// encrypted one is inside; where the database could not remember it, there is another in the note beside it.
    ///
    /// # Errors
    /// As [`Trusted::of_archive`]; [`BackupError::Io`].
    pub(crate) fn of_entry(&self, entry: &Entry, store: &dyn Store) -> Result<Maker> {
        match entry.content {
            // Its beginning names the checksums of all that follows.
            Content::Archive | Content::Encrypted if self.record.has_ends(&entry.ends) => Ok(Maker::ThisDatabase),
            Content::Encrypted => self.of_encrypted(entry, store),
            Content::Archive if !self.signers.is_empty() => {
                match Archive::open(store.open(&entry.path)?, &super::format::crypt::Identities::default()) {
                    Ok(archive) => self.of_archive(&archive, ""),
                    Err(_) => Ok(Maker::Unknown),
                }
            }
            Content::Archive => Ok(Maker::Unknown),
            // Anything may be in its middle.
            Content::Plain | Content::Custom if self.signers.is_empty() && self.record.is_empty() => Ok(Maker::Unknown),
            Content::Plain | Content::Custom => {
                let sha256 = store::sha256(store, &entry.path)?;
                self.of_note(store.note(&entry.path)?.as_ref(), &sha256)
            }
        }
    }

    fn of_encrypted(&self, entry: &Entry, store: &dyn Store) -> Result<Maker> {
        if self.signers.is_empty() {
            return Ok(Maker::Unknown);
        }
        let Some(signature) = store.note(&entry.path)?.and_then(|note| note.signature) else {
            return Ok(Maker::Unknown);
        };
        let sha256 = store::sha256(store, &entry.path)?;
        match self.signers.of_encrypted(Some(&signature), &sha256) {
            Signed::By(name) => Ok(Maker::Signed(name)),
            Signed::Forged(name) => Err(forged(&name)),
            Signed::Unknown => Ok(Maker::Unknown),
        }
    }
}
