//! Signatures: who made a backup, by an Ed25519 key that its folder does not hold.
//!
//! What is signed is the manifest, with the SHA-256 of every member, so the whole archive. The signature is in the manifest
//! itself, where the signer had 128 zeros for it; so it is inside what is encrypted: a public key of age is known to many,
//! and all of them can encrypt. Of a dump by `pg_dump`, which has no place for one, its SHA-256 is signed, in the note
//! beside it; so is that of an encrypted archive that its database could not remember, so that lists and retention, which
//! have no key to decrypt it, know whose it is.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::error::{BackupError, Result};
use super::format::hex::hex;
use super::format::manifest::{Manifest, Signature};
use crate::{small_file, system};

/// How a public key begins.
const PREFIX: &str = "ed25519:";
/// Bytes of a public key.
const KEY_BYTES: usize = 32;
/// Hexadecimal digits of a signature.
const DIGITS: usize = 128;
/// What is signed says what it is: a signature of one thing is none of another.
const MANIFEST: &[u8] = b"skyteam manifest 1\n";
const DUMP: &[u8] = b"skyteam dump 1\n";
const ENCRYPTED: &[u8] = b"skyteam encrypted 1\n";
const HEAD: &str = "-----BEGIN PRIVATE KEY-----";
const FOOT: &str = "-----END PRIVATE KEY-----";

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; KEY_BYTES]);

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PREFIX}{}", BASE64_STANDARD.encode(self.0))
    }
}

impl PublicKey {
    /// Reads `ed25519:…`.
    ///
    /// # Errors
    /// [`BackupError::Key`].
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bytes = text.trim().strip_prefix(PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
        let key = bytes.and_then(|bytes| bytes.try_into().ok());
        key.map(Self).ok_or_else(|| BackupError::Key(format!("{text:?} is no public key to check signatures with")))
    }

    fn is_of(&self, signature: &Signature, message: &[u8]) -> bool {
        let bytes = (0..signature.value.len()).step_by(2).map(|at| signature.value.get(at..at + 2));
        let bytes: Option<Vec<u8>> = bytes.map(|digits| u8::from_str_radix(digits?, 16).ok()).collect();
        bytes.is_some_and(|bytes| UnparsedPublicKey::new(&ED25519, self.0).verify(message, &bytes).is_ok())
    }
}

/// A private key. Its bytes are never shown.
pub(crate) struct SigningKey(Ed25519KeyPair);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

impl SigningKey {
    /// Makes a key and writes it into a new file that only its owner may read: PKCS#8 in PEM, as `openssl genpkey
    /// -algorithm ed25519` writes it too.
    ///
    /// # Errors
    /// [`BackupError::Io`], also where the file is there already; [`BackupError::Key`] where the system has no randomness.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let made = made.map_err(|_| BackupError::Key("the system has no random numbers".into()))?;
        let lines = BASE64_STANDARD.encode(made.as_ref());
        let lines: Vec<&str> =
            (0..lines.len()).step_by(64).filter_map(|at| lines.get(at..lines.len().min(at + 64))).collect();
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        let doing = || BackupError::io(format!("making {}", path.display()));
        let mut file = system::private_file(&mut options).open(path).map_err(doing())?;
        write!(file, "{HEAD}\n{}\n{FOOT}\n", lines.join("\n")).and_then(|()| file.sync_all()).map_err(doing())?;
        Self::of(made.as_ref()).ok_or_else(|| BackupError::Key("the key that was made cannot be used".into()))
    }

    /// Reads a key file, which only its owner may read.
    ///
    /// # Errors
    /// [`BackupError::Io`]; [`BackupError::Key`], which never quotes the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let doing = || BackupError::io(format!("reading the signing key {}", path.display()));
        let (file, metadata) = small_file::open(path).map_err(doing())?;
        if system::is_open_to_others(&metadata) {
            return Err(BackupError::Key(format!("{} can be read by others: chmod 600 it", path.display())));
        }
        let text = small_file::read_open(file, small_file::SECRET).map_err(doing())?;
        let unusable = || BackupError::Key(format!("{} holds no Ed25519 private key in PEM", path.display()));
        let text = String::from_utf8(text).map_err(|_| unusable())?;
        let (_, rest) = text.split_once(HEAD).ok_or_else(unusable)?;
        let (body, _) = rest.split_once(FOOT).ok_or_else(unusable)?;
        let body: String = body.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(body).map_err(|_| unusable())?;
        Self::of(&der).ok_or_else(unusable)
    }

    fn of(der: &[u8]) -> Option<Self> {
        // OpenSSL's has no public half in it, which is then computed.
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self)
    }

    /// Its public half.
    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().unwrap_or_default())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature { key: self.public().to_string(), value: hex(self.0.sign(message).as_ref()) }
    }

    /// Signs a manifest, which must not be changed any more.
    pub(crate) fn sign_manifest(&self, manifest: &mut Manifest) {
        manifest.signature = Some(Signature { key: self.public().to_string(), value: "0".repeat(DIGITS) });
        let message = [MANIFEST, &manifest.to_bytes()].concat();
        manifest.signature = Some(self.sign(&message));
    }

    /// Signs a dump by its SHA-256, in hexadecimal.
    pub(crate) fn sign_dump(&self, sha256: &str) -> Signature {
        self.sign(&[DUMP, sha256.as_bytes()].concat())
    }

    /// Signs an encrypted archive by its SHA-256, in hexadecimal.
    pub(crate) fn sign_encrypted(&self, sha256: &str) -> Signature {
        self.sign(&[ENCRYPTED, sha256.as_bytes()].concat())
    }
}

/// The keys that are trusted, each with the name that it is shown by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signers(Vec<(String, PublicKey)>);

/// The verdict on a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// It is by the trusted key of this name.
    By(String),
    /// It is by a key that is not among the trusted ones, or there is none.
    Unknown,
    /// It claims to be by the trusted key of this name, and is not of this backup.
    Forged(String),
}

impl Signers {
    /// Reads `NAME=ed25519:…` and `ed25519:…`; a key without a name is shown by its beginning.
    ///
    /// # Errors
    /// [`BackupError::Key`].
    pub(crate) fn parse<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let parse = |text: &str| {
            let (name, key) = match text.split_once(PREFIX) {
                Some((name, _)) if name.trim().ends_with('=') => {
                    (name.trim().trim_end_matches('=').trim(), &text[name.len()..])
                }
                _ => ("", text),
            };
            let key = PublicKey::parse(key)?;
            let name = if name.is_empty() { key.to_string().chars().take(16).collect() } else { name.to_owned() };
            Ok((name, key))
        };
        Ok(Self(keys.into_iter().map(parse).collect::<Result<_>>()?))
    }

    /// Whether none is trusted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn check(&self, signature: &Signature, message: Option<&[u8]>) -> Signed {
        match self.0.iter().find(|(_, key)| key.to_string() == signature.key) {
            None => Signed::Unknown,
            Some((name, key)) if message.is_some_and(|message| key.is_of(signature, message)) => {
                Signed::By(name.clone())
            }
            Some((name, _)) => Signed::Forged(name.clone()),
        }
    }

    /// Who signed an archive; `bytes` are those of its manifest as they are.
    pub(crate) fn of_manifest(&self, manifest: &Manifest, bytes: &[u8]) -> Signed {
        let Some(signature) = &manifest.signature else { return Signed::Unknown };
        self.check(signature, unsigned(bytes, &signature.value).as_deref())
    }

    /// Who signed a dump of this SHA-256.
    pub(crate) fn of_dump(&self, signature: Option<&Signature>, sha256: &str) -> Signed {
        self.of_file(DUMP, signature, sha256)
    }

    /// Who signed an encrypted archive of this SHA-256.
    pub(crate) fn of_encrypted(&self, signature: Option<&Signature>, sha256: &str) -> Signed {
        self.of_file(ENCRYPTED, signature, sha256)
    }

    fn of_file(&self, what: &[u8], signature: Option<&Signature>, sha256: &str) -> Signed {
        match signature {
            Some(signature) => self.check(signature, Some(&[what, sha256.as_bytes()].concat())),
            None => Signed::Unknown,
        }
    }
}

/// What was signed of a manifest: with zeros where the signature is, which is there once.
fn unsigned(bytes: &[u8], value: &str) -> Option<Vec<u8>> {
    if value.len() != DIGITS || !value.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut places = bytes.windows(DIGITS).enumerate().filter(|(_, window)| *window == value.as_bytes());
    let (at, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let mut message = [MANIFEST, bytes].concat();
    message[MANIFEST.len() + at..][..DIGITS].fill(b'0');
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_signed_as_itself_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let key = SigningKey::create(&path).unwrap();
        assert!(SigningKey::create(&path).is_err(), "a key is never overwritten");
        assert_eq!(SigningKey::read(&path).unwrap().public(), key.public());
        let public = key.public().to_string();
        let named = Signers::parse([format!("ops = {public}").as_str()]).unwrap();
        let bare = Signers::parse([public.as_str()]).unwrap();
        let signature = key.sign_dump("aa");
        assert_eq!(named.of_dump(Some(&signature), "aa"), Signed::By("ops".into()));
        assert_eq!(bare.of_dump(Some(&signature), "aa"), Signed::By(public.chars().take(16).collect()));
        assert_eq!(named.of_dump(Some(&signature), "ab"), Signed::Forged("ops".into()));
        assert_eq!(named.of_encrypted(Some(&signature), "aa"), Signed::Forged("ops".into()));
        assert_eq!(named.of_encrypted(Some(&key.sign_encrypted("aa")), "aa"), Signed::By("ops".into()));
        assert_eq!(named.of_dump(None, "aa"), Signed::Unknown);
        assert_eq!(Signers::default().of_dump(Some(&signature), "aa"), Signed::Unknown);
        assert!(Signers::parse(["ops=ed25519:AAAA"]).is_err() && Signers::parse(["age1xyz"]).is_err());
    }
}
