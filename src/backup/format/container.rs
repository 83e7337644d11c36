//! The frame of an archive: a tar (ustar) of `manifest.json`, one Parquet file a table, and `SHA256SUMS`.
//!
//! The writer has no freedom: every header follows from a name, a size and the manifest's time. So the reader makes
//! the header that must be there and compares; a flipped bit anywhere, a name with a path in it, a link or a
//! device is simply not that header. No member's name is ever used as a path.
//!
//! `SHA256SUMS` is what `sha256sum` prints, so `tar -xf FILE && sha256sum -c SHA256SUMS` checks an archive by hand.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};
use tar::Header;

use super::hex::hex;
use super::manifest::{MANIFEST_LIMIT, Manifest};
use crate::backup::error::{BackupError, Result};
use crate::backup::source::Source;

/// The first member.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The last member.
pub(crate) const SUMS: &str = "SHA256SUMS";
const RECORD: u64 = 512;
/// Two empty records end a tar.
const END: u64 = 2 * RECORD;
const COPY_BUFFER: usize = 256 << 10;

/// The header of a member.
///
/// # Errors
/// When the name is longer than tar takes (100 bytes).
fn header(name: &str, size: u64, time: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}

fn padding(size: u64) -> u64 {
    size.next_multiple_of(RECORD) - size
}

/// The bytes that a member takes with its header and padding.
fn framed(size: u64) -> u64 {
    RECORD + size + padding(size)
}

fn time_of(manifest: &Manifest) -> u64 {
    u64::try_from(manifest.created_at.timestamp()).unwrap_or(0)
}

fn sums(manifest_bytes: &[u8], manifest: &Manifest) -> Vec<u8> {
    let mut lines = format!("{}  {MANIFEST}\n", hex(&Sha256::digest(manifest_bytes)));
    for member in manifest.tables.iter().filter_map(|table| table.member.as_ref()) {
        lines.push_str(&format!("{}  {}\n", member.sha256, member.file));
    }
    lines.into_bytes()
}

/// How many bytes something has, and their SHA-256.
///
/// # Errors
/// The I/O error of reading.
pub(crate) fn sha256(mut from: impl Read) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; COPY_BUFFER];
    let mut size = 0;
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok((size, hex(&hash.finalize()))),
            count => {
                hash.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

/// Writes an archive: the manifest, then each member's bytes from `members`, in the manifest's order.
///
/// # Errors
/// What `out` or a member's reader answers; `InvalidData` when a member is not as long as the manifest says.
pub(crate) fn write<R: Read>(
    out: &mut impl Write,
    manifest: &Manifest,
    members: impl Iterator<Item = io::Result<R>>,
) -> io::Result<()> {
    let time = time_of(manifest);
    let bytes = manifest.to_bytes();
    write_member(out, MANIFEST, time, bytes.len() as u64, &mut bytes.as_slice())?;
    let entries = manifest.tables.iter().filter_map(|table| table.member.as_ref());
    for (entry, member) in entries.zip(members) {
        write_member(out, &entry.file, time, entry.size, &mut member?)?;
    }
    let sums = sums(&bytes, manifest);
    write_member(out, SUMS, time, sums.len() as u64, &mut sums.as_slice())?;
    out.write_all(&[0; END as usize])
}

fn write_member(out: &mut impl Write, name: &str, time: u64, size: u64, from: &mut impl Read) -> io::Result<()> {
    out.write_all(header(name, size, time)?.as_bytes())?;
    let mut buffer = vec![0; COPY_BUFFER.min(usize::try_from(size).unwrap_or(COPY_BUFFER)).max(1)];
    let mut copied = 0;
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            count => {
                out.write_all(&buffer[..count])?;
                copied += count as u64;
            }
        }
    }
    if copied != size {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{name} has {copied} bytes instead of {size}")));
    }
    out.write_all(&vec![0; padding(size) as usize])
}

/// How many bytes an archive with this manifest has.
pub(crate) fn size(manifest: &Manifest) -> u64 {
    let bytes = manifest.to_bytes();
    let members = manifest.tables.iter().filter_map(|table| table.member.as_ref());
    let all = members.map(|member| member.size).chain([bytes.len() as u64, sums(&bytes, manifest).len() as u64]);
    all.map(framed).sum::<u64>() + END
}

/// The manifest alone, of an archive that may be damaged behind it.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_head(source: &Source) -> Result<Manifest> {
    let (bytes, _) = read_manifest(source)?;
    Manifest::from_bytes(&bytes)
}

/// The manifest's bytes as they are.
///
/// # Errors
/// As [`read`].
pub(crate) fn manifest_bytes(source: &Source) -> Result<Vec<u8>> {
    Ok(read_manifest(source)?.0)
}

/// Where a member's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From the start of the archive.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Reads the frame of an archive: the manifest and, in its order, where each member is. All bytes outside of the
/// members' own are checked; theirs are left to [`check_member`].
///
/// # Errors
/// [`BackupError::NotABackup`] for anything that does not start like an archive, [`BackupError::Damaged`] for an
/// archive that is not whole, and the manifest's own.
pub(crate) fn read(source: &Source) -> Result<(Manifest, Vec<Option<Place>>)> {
    let (bytes, time) = read_manifest(source)?;
    let manifest = Manifest::from_bytes(&bytes)?;
    if time_of(&manifest) != time {
        return Err(BackupError::archive("its time is not the manifest's"));
    }
    let mut offset = framed(bytes.len() as u64);
    let mut places = Vec::new();
    for table in &manifest.tables {
        let Some(member) = &table.member else {
            places.push(None);
            continue;
        };
        let place = check_frame(source, offset, &member.file, member.size, time)?;
        offset = place.offset + member.size + padding(member.size);
        places.push(Some(place));
    }
    let sums = sums(&bytes, &manifest);
    let place = check_frame(source, offset, SUMS, sums.len() as u64, time)?;
    if source.bytes_at(place.offset, sums.len()).map_err(reading)? != sums {
        return Err(BackupError::Damaged { part: SUMS.into(), found: "it does not match the manifest".into() });
    }
    offset += framed(sums.len() as u64);
    if source.len() != offset + END {
        return Err(BackupError::archive(if source.len() < offset + END {
            "it ends too early"
        } else {
            "something follows its end"
        }));
    }
    if source.bytes_at(offset, END as usize).map_err(reading)? != [0; END as usize] {
        return Err(BackupError::archive("its end is not empty"));
    }
    Ok((manifest, places))
}

fn read_manifest(source: &Source) -> Result<(Vec<u8>, u64)> {
    let mut first = [0; RECORD as usize];
    let foreign = |found: &str| BackupError::NotABackup { found: found.into() };
    if source.len() < RECORD {
        return Err(foreign(if source.is_empty() { "the file is empty" } else { "the file is too short" }));
    }
    source.read_at(0, &mut first).map_err(reading)?;
    let start = Header::from_byte_slice(&first);
    if &start.as_old().name[..MANIFEST.len()] != MANIFEST.as_bytes() {
        return Err(foreign("it does not begin like a skyteam archive"));
    }
    let (Ok(size), Ok(time)) = (start.entry_size(), start.mtime()) else {
        return Err(BackupError::archive("its first header cannot be read"));
    };
    if size > MANIFEST_LIMIT {
        return Err(BackupError::Damaged { part: MANIFEST.into(), found: format!("it claims to have {size} bytes") });
    }
    let place = check_frame(source, 0, MANIFEST, size, time)?;
    let bytes = source.bytes_at(place.offset, size as usize).map_err(reading)?;
    Ok((bytes, time))
}

fn check_frame(source: &Source, offset: u64, name: &str, size: u64, time: u64) -> Result<Place> {
    let damaged = |found: &str| BackupError::Damaged { part: name.into(), found: found.into() };
    let end =
        offset.checked_add(RECORD).and_then(|start| start.checked_add(size)).and_then(|end| end.checked_add(RECORD));
    if end.is_none_or(|_| source.len() < offset + framed(size)) {
        return Err(damaged("the archive ends within it"));
    }
    let wanted = header(name, size, time).map_err(|_| damaged("its name is impossible"))?;
    let mut found = [0; RECORD as usize];
    source.read_at(offset, &mut found).map_err(reading)?;
    if &found != wanted.as_bytes() {
        return Err(damaged("its header is not the one that belongs there"));
    }
    let place = Place { offset: offset + RECORD, len: size };
    let padding = source.bytes_at(place.offset + size, padding(size) as usize).map_err(reading)?;
    if padding.iter().any(|&byte| byte != 0) {
        return Err(damaged("its padding is not empty"));
    }
    Ok(place)
}

/// Reads a member's bytes and compares their SHA-256 with `wanted`; calls `progress` with the bytes read each time.
///
/// # Errors
/// [`BackupError::Damaged`] when it is another.
pub(crate) fn check_member(
    source: &Source,
    name: &str,
    place: Place,
    wanted: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<()> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; COPY_BUFFER];
    let mut done = 0;
    while done < place.len {
        let count = usize::try_from(place.len - done).unwrap_or(COPY_BUFFER).min(COPY_BUFFER);
        source.read_at(place.offset + done, &mut buffer[..count]).map_err(reading)?;
        hash.update(&buffer[..count]);
        done += count as u64;
        progress(count as u64);
    }
    if !hex(&hash.finalize()).eq_ignore_ascii_case(wanted) {
        return Err(BackupError::Damaged { part: name.into(), found: "its checksum is wrong".into() });
    }
    Ok(())
}

/// A read that fails is damage where the bytes are not there or do not decrypt, and the file system's fault elsewhere.
fn reading(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::archive("it ends too early"),
        io::ErrorKind::InvalidData => BackupError::archive(format!("it cannot be decrypted ({error})")),
        _ => BackupError::Io { doing: "reading the archive".into(), source: error },
    }
}
