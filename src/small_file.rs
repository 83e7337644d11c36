//! Reading small files whose path another user may have chosen: settings, passwords, keys, certificates.
//!
//! What is opened is looked at through the open descriptor, so it cannot be exchanged in between; a pipe or device at
//! the path neither blocks nor feeds us without end.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::system;

/// Longest file of one secret or key.
pub(crate) const SECRET: u64 = 64 << 10;
/// Longest file of settings, passwords of many servers, services.
pub(crate) const SETTINGS: u64 = 1 << 20;
/// Longest bundle of certificates; a system's is about 250 kB.
pub(crate) const CERTIFICATES: u64 = 8 << 20;

/// Opens a regular file for reading, without waiting for anything.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidInput`] for a folder, pipe, socket or device.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe would wait for a writer.
    let file = system::without_waiting(&mut options).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok((file, metadata));
    }
    let what = if metadata.is_dir() { "it is a folder" } else { "it is no regular file but a pipe, socket or device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Opens a regular file of one's own to take a lock on, and makes it where there is none: only its owner may open it, so
/// no other user can keep the lock, and no link is followed to a file elsewhere.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidInput`] for a link, folder, pipe, socket or device.
pub(crate) fn open_lock(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    let opened = system::without_links(system::private_file(&mut options)).open(path);
    let file = opened.map_err(|error| match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => io::Error::new(io::ErrorKind::InvalidInput, "it is a link"),
        // A pipe without a reader cannot be opened at all.
        Ok(metadata) if !metadata.is_file() => io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"),
        _ => error,
    })?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok((file, metadata))
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// As for [`open`]; [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, _) = open(path)?;
    read_open(file, most)
}

/// Reads what [`open`] has opened.
///
/// # Errors
/// The system's; [`io::ErrorKind::FileTooLarge`].
pub(crate) fn read_open(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The length that the system names may change, so what is read is counted.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("it is longer than {} KiB, which is more than such a file holds", most >> 10);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// The text of a file, without its byte order mark.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] with the line that is not UTF-8.
pub(crate) fn text(bytes: Vec<u8>) -> io::Result<String> {
    let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(wrong("line 1: it is UTF-16, as PowerShell and Notepad may write it; save it as UTF-8".into()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(wrong(format!("line {line}: it is not UTF-8")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_bounded_length_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        for path in [&pipe, folder.path(), Path::new("/dev/zero")] {
            let error = read(path, 10).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
        let long = folder.path().join("long");
        std::fs::write(&long, "12345678901").unwrap();
        assert_eq!(read(&long, 11).unwrap(), b"12345678901");
        assert_eq!(read(&long, 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        // Its length is said to be 0.
        assert_eq!(read(Path::new("/proc/kallsyms"), 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_lock_is_a_regular_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        std::fs::write(path("file"), "kept").unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        std::os::unix::fs::symlink(path("nothing"), path("dangling")).unwrap();
        for name in ["pipe", "folder", "link", "dangling"] {
            assert_eq!(open_lock(&path(name)).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        let (_, metadata) = open_lock(&path("lock")).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
        assert!(!path("nothing").exists());
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused_by_line() {
        assert_eq!(text(b"\xef\xbb\xbfa=1".to_vec()).unwrap(), "a=1");
        for (bytes, line) in [(b"a\nb\n\xe9".as_slice(), "line 3"), (b"\xff\xfea\0", "line 1")] {
            assert!(text(bytes.to_vec()).unwrap_err().to_string().contains(line));
        }
    }
}
