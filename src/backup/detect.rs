//! What a file is, by its content and never by its name.

use std::io::{Read, SeekFrom};

use super::error::{BackupError, Result};
use super::format::{container, crypt};
use super::source::ReadSeek;

/// The kinds of backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Content {
    /// Skyteam's archive.
    Archive,
    /// Skyteam's archive, encrypted (or any other file of the age format: only its key can tell).
    Encrypted,
    /// `pg_dump --format=custom`, or `--format=tar`.
    Custom,
    /// `pg_dump --format=plain`.
    Plain,
}

/// Whether it is what `pg_dump --format=tar` writes, which `pg_restore` reads like its custom format.
fn is_tar_of_pg_dump(head: &[u8]) -> bool {
    head.starts_with(b"toc.dat\0") && head.get(257..262) == Some(b"ustar")
}

/// How much is looked at.
const HEAD: u64 = 4096;

/// Looks at the beginning of a file.
///
/// # Errors
/// [`BackupError::NotABackup`], with what it looks like.
pub(crate) fn of(file: &mut impl ReadSeek) -> Result<Content> {
    let reading = || BackupError::io("reading the backup");
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(reading())?;
    Read::by_ref(file).take(HEAD).read_to_end(&mut head).map_err(reading())?;
    file.seek(SeekFrom::Start(0)).map_err(reading())?;
    let text = String::from_utf8_lossy(&head);
    let looks_like = |found: &str| Err(BackupError::NotABackup { found: found.to_owned() });
    if head.starts_with(container::MANIFEST.as_bytes()) {
        Ok(Content::Archive)
    } else if head.starts_with(crypt::MAGIC) {
        Ok(Content::Encrypted)
    } else if head.starts_with(b"PGDMP") || is_tar_of_pg_dump(&head) {
        Ok(Content::Custom)
    } else if text.contains("-- PostgreSQL database cluster dump") {
        looks_like(
            "it is a dump of a whole server by pg_dumpall, with its roles and every database: restore it with psql on a \
             server of its own, and take the database from there by a transfer; or dump the database \
             alone with pg_dump",
        )
    } else if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        looks_like(
            "it is in UTF-16, as PowerShell writes: iconv -f UTF-16 -t UTF-8 FILE turns it into what can be restored",
        )
    } else if text.contains("-- PostgreSQL database dump") {
        Ok(Content::Plain)
    } else if head.is_empty() {
        looks_like("the file is empty")
    } else if head.starts_with(b"SQLite format 3\0") {
        looks_like("it is an SQLite database itself: name it with --database-url sqlite:FILE, or copy it")
    } else if head.starts_with(b"\x1f\x8b") || head.starts_with(b"\x28\xb5\x2f\xfd") {
        looks_like("it is compressed: unpack it first and give it on standard input")
    } else if head.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") {
        looks_like("it is an age file in text form: turn it back with age -d, or with age's armor tools")
    } else {
        looks_like("it begins like nothing that skyteam or pg_dump writes")
    }
}
