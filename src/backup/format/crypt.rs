//! Encryption to public keys in the age format (age-encryption.org/v1): `age -d -i KEY FILE` opens such a backup too.
//!
//! The host that makes backups holds public keys only and cannot read them. So that it can still list and prune them,
//! the header carries, besides the stanzas of the recipients, one of our own with a [`Summary`] in clear: no more than
//! the file's name and size reveal anyway. Other programs skip stanzas that they do not know, as the format asks.

use std::collections::HashSet;
use std::io::{BufReader, BufWriter, Read, SeekFrom, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Mutex;

use age::stream::{StreamReader, StreamWriter};
use age::{Decryptor, EncryptError, Encryptor, Identity, Recipient, x25519};
use age_core::format::{FileKey, Stanza};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::container;
use super::manifest::{Manifest, Subject};
use crate::backup::error::{BackupError, Result};
use crate::backup::source::ReadSeek;
use crate::small_file;

/// How every age file begins.
pub(crate) const MAGIC: &[u8] = b"age-encryption.org/v1\n";
/// The tag of our stanza.
const TAG: &str = "skyteam-summary";
/// An age header is shorter than this, or the file is hostile.
const HEADER_LIMIT: usize = 64 << 10;
/// The payload: a nonce, and pieces of 64 KiB with a tag each.
const NONCE: u64 = 16;
const PIECE: u64 = 64 << 10;
const TAG_BYTES: u64 = 16;
/// Identity files are a few lines.
const IDENTITY_LIMIT: u64 = 1 << 20;

/// What an encrypted archive says of itself in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// When the snapshot was taken.
    pub created_at: DateTime<Utc>,
    /// What of which database.
    #[serde(flatten)]
    pub subject: Subject,
    /// Version of its schema.
    pub schema_version: Option<String>,
    /// All rows.
    pub rows: u64,
    /// Bytes of the archive before it was encrypted, which say how long the file must be.
    pub size: u64,
}

impl Summary {
    /// Whether a file is as long as it must be: what is missing at its end shows without a key.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when it is not; [`BackupError::Io`].
    pub(crate) fn check_length(&self, file: &mut impl ReadSeek) -> Result<()> {
        let reading = || BackupError::io("reading the backup");
        let start = start(file)?;
        let found = file.seek(SeekFrom::End(0)).map_err(reading())?;
        // The header ends with a line of its own, `--- ` and 43 characters; then a nonce, then pieces with a tag each.
        let head = header_end(&start)
            .and_then(|line| start[line..].iter().position(|&byte| byte == b'\n').map(|end| line + end + 1));
        let wanted = head.map(|head| {
            let pieces = self.size.div_ceil(PIECE).max(1);
            (head as u64)
                .saturating_add(NONCE)
                .saturating_add(self.size)
                .saturating_add(pieces.saturating_mul(TAG_BYTES))
        });
        match wanted {
            Some(wanted) if wanted == found => Ok(()),
            Some(wanted) => Err(BackupError::archive(format!("it has {found} bytes instead of {wanted}"))),
            None => Err(BackupError::archive("its encryption header does not end")),
        }
    }
}

impl From<&Manifest> for Summary {
    fn from(manifest: &Manifest) -> Self {
        Self {
            created_at: manifest.created_at,
            subject: manifest.subject(),
            schema_version: manifest.schema_version.clone(),
            rows: manifest.rows(),
            size: container::size(manifest),
        }
    }
}

/// The public keys that a backup is encrypted to.
#[derive(Clone, Default)]
pub struct Recipients(Vec<x25519::Recipient>);

impl Recipients {
    /// Reads `age1…` keys.
    ///
    /// # Errors
    /// [`BackupError::Key`] naming the first that is none.
    pub fn parse<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let parse = |key: &str| {
            let recipient = x25519::Recipient::from_str(key.trim());
            recipient.map_err(|why| BackupError::Key(format!("{key:?} is no age public key: {why}")))
        };
        Ok(Self(keys.into_iter().map(parse).collect::<Result<_>>()?))
    }

    /// Whether there is none, and the backup is not encrypted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Begins an encrypted file in `out`. The writer must be finished.
    ///
    /// # Errors
    /// The I/O error of `out`.
    pub(crate) fn encrypt<W: Write>(&self, out: W, summary: &Summary) -> Result<StreamWriter<BufWriter<W>>> {
        let summary = SummaryStanza(serde_json::to_vec(summary).unwrap_or_default());
        let recipients = self.0.iter().map(|recipient| recipient as &dyn Recipient).chain([&summary as &dyn Recipient]);
        let encryptor = Encryptor::with_recipients(recipients)
            .map_err(|error| BackupError::Key(format!("cannot encrypt: {error}")))?;
        encryptor.wrap_output(buffered(out)).map_err(BackupError::io("writing the backup"))
    }
}

/// The age crate turns a refusal while it writes its header into text, so that a full disk would not be seen; a
/// buffer that takes the whole header lets the refusal come with what follows.
fn buffered<W: Write>(out: W) -> BufWriter<W> {
    BufWriter::with_capacity(HEADER_LIMIT, out)
}

/// Puts the summary among the recipients' stanzas; it wraps no key.
struct SummaryStanza(Vec<u8>);

impl Recipient for SummaryStanza {
    fn wrap_file_key(&self, _: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let stanza = Stanza { tag: TAG.into(), args: vec!["v1".into()], body: self.0.clone() };
        Ok((vec![stanza], HashSet::new()))
    }
}

/// The private keys that open a backup.
#[derive(Default)]
pub struct Identities(Vec<Box<dyn Identity + Send + Sync>>);

impl Identities {
    /// Reads the keys of an identity file as `age-keygen` writes it.
    ///
    /// # Errors
    /// [`BackupError::Io`] or [`BackupError::Key`], which never quotes the file.
    pub fn read(path: &Path) -> Result<Self> {
        let doing = || format!("reading the identity file {}", path.display());
        let keys = small_file::read(path, IDENTITY_LIMIT).map_err(BackupError::io(doing()))?;
        let parsed = age::IdentityFile::from_buffer(keys.as_slice());
        let unusable = || BackupError::Key(format!("{} is no age identity file", path.display()));
        let identities = parsed.map_err(|_| unusable())?.into_identities().map_err(|_| unusable())?;
        if identities.is_empty() {
            return Err(BackupError::Key(format!("{} holds no identity", path.display())));
        }
        Ok(Self(identities))
    }

    /// A fresh key and its public half, which no one else ever sees.
    ///
    /// # Errors
    /// None in practice.
    pub(crate) fn ephemeral() -> Result<(Recipients, Self)> {
        let key = x25519::Identity::generate();
        Ok((Recipients(vec![key.to_public()]), Self(vec![Box::new(key)])))
    }

    /// Adds those of another file.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Opens an encrypted file for reading at any position.
    ///
    /// # Errors
    /// [`BackupError::Encrypted`] when there is no identity to try, [`BackupError::WrongIdentity`] when none fits,
    /// [`BackupError::Damaged`] when the header is not whole.
    pub(crate) fn decrypt<R: ReadSeek>(&self, file: R) -> Result<StreamReader<BufReader<R>>> {
        let decryptor = header(file)?;
        if self.is_empty() {
            return Err(BackupError::Encrypted);
        }
        let identities = self.0.iter().map(|identity| identity.as_ref() as &dyn Identity);
        decryptor.decrypt(identities).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => BackupError::WrongIdentity,
            other => BackupError::archive(format!("its encryption header is damaged ({other})")),
        })
    }
}

/// Reads the summary of an encrypted archive without its key; `None` when skyteam did not write it.
///
/// It is not authenticated: only the holder of the key can check whether the header is genuine.
///
/// # Errors
/// [`BackupError::Damaged`] when the header is not whole.
pub(crate) fn summary(file: impl ReadSeek) -> Result<Option<Summary>> {
    let peek = Peek(Mutex::new(None));
    // No identity fits, by design: what counts is the stanza seen on the way.
    let opened = header(file)?.decrypt(std::iter::once(&peek as &dyn Identity));
    drop(opened);
    let body = peek.0.into_inner().unwrap_or_default();
    Ok(body.and_then(|body| serde_json::from_slice(&body).ok()))
}

/// An identity that opens nothing and remembers our stanza.
struct Peek(Mutex<Option<Vec<u8>>>);

impl Identity for Peek {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        if stanza.tag == TAG
            && let Ok(mut body) = self.0.lock()
        {
            *body = Some(stanza.body.clone());
        }
        None
    }
}

/// As much of a file as a header may take. Leaves it at its beginning.
fn start(file: &mut impl ReadSeek) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    let reading = || BackupError::io("reading the backup");
    file.seek(SeekFrom::Start(0)).map_err(reading())?;
    Read::by_ref(file).take(HEADER_LIMIT as u64).read_to_end(&mut start).map_err(reading())?;
    file.seek(SeekFrom::Start(0)).map_err(reading())?;
    Ok(start)
}

/// Where the header's last line begins.
fn header_end(start: &[u8]) -> Option<usize> {
    start.windows(5).position(|window| window == b"\n--- ").map(|at| at + 1)
}

fn header<R: ReadSeek>(mut file: R) -> Result<Decryptor<BufReader<R>>> {
    if header_end(&start(&mut file)?).is_none() {
        return Err(BackupError::archive("its encryption header does not end"));
    }
    Decryptor::new_buffered(BufReader::new(file))
        .map_err(|error| BackupError::archive(format!("its encryption header is damaged ({error})")))
}

/// A key that lives as long as this process: what spools are sealed with while an encrypted backup is made, so that
/// no clear byte of it ever lies on the disk.
pub(crate) struct Ephemeral(x25519::Identity);

impl Ephemeral {
    /// A new key.
    pub(crate) fn new() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Begins a sealed file. The writer must be finished, and then the buffer flushed: it takes the whole header, whose
    /// writer in the age crate would turn a full disk into text.
    ///
    /// # Errors
    /// The I/O error of `out`.
    pub(crate) fn seal<W: Write>(&self, out: W) -> std::io::Result<StreamWriter<BufWriter<W>>> {
        let recipient = self.0.to_public();
        let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient));
        encryptor.map_err(std::io::Error::other)?.wrap_output(buffered(out))
    }

    /// Opens what [`Ephemeral::seal`] made.
    ///
    /// # Errors
    /// The I/O error of `from`.
    pub(crate) fn open<R: Read>(&self, from: R) -> std::io::Result<StreamReader<R>> {
        let decryptor = Decryptor::new(from).map_err(std::io::Error::other)?;
        decryptor.decrypt(std::iter::once(&self.0 as &dyn Identity)).map_err(std::io::Error::other)
    }
}

impl Default for Ephemeral {
    fn default() -> Self {
        Self::new()
    }
}
