//! Temporary files without a name: each table's Parquet file until its size and checksum are known and it can take
//! its place in the tar. They vanish with the process, however it ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use age::stream::StreamWriter;
use sha2::{Digest, Sha256};

use super::format::crypt::Ephemeral;
use super::format::hex::hex;
use super::format::manifest::Member;

/// Where spools are made, and whether they are sealed.
#[derive(Clone)]
pub struct Spools {
    folder: Arc<Path>,
    key: Option<Arc<Ephemeral>>,
}

impl Spools {
    /// Spools in `folder`, which should be that of the finished file: it has the room, or nothing has. `sealed` when
    /// the finished file will be encrypted.
    pub fn new(folder: &Path, sealed: bool) -> Self {
        Self { folder: folder.into(), key: sealed.then(|| Arc::new(Ephemeral::new())) }
    }

    /// A new, empty spool.
    ///
    /// # Errors
    /// The I/O error of the file system.
    pub(crate) fn create(&self) -> io::Result<SpoolWriter> {
        let file = tempfile::tempfile_in(&self.folder)?;
        let sink = match &self.key {
            None => Sink::Plain(file),
            Some(key) => Sink::Sealed(Box::new(key.seal(file)?), Arc::clone(key)),
        };
        Ok(SpoolWriter { sink, hash: Sha256::new(), size: 0 })
    }
}

/// A spool that is being filled.
pub(crate) struct SpoolWriter {
    sink: Sink,
    hash: Sha256,
    size: u64,
}

enum Sink {
    Plain(File),
    Sealed(Box<StreamWriter<BufWriter<File>>>, Arc<Ephemeral>),
}

impl Write for SpoolWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match &mut self.sink {
            Sink::Plain(file) => file.write(bytes)?,
            Sink::Sealed(file, _) => file.write(bytes)?,
        };
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(file) => file.flush(),
            Sink::Sealed(file, _) => file.flush(),
        }
    }
}

impl SpoolWriter {
    /// Ends the filling.
    ///
    /// # Errors
    /// The I/O error of the file system.
    pub(crate) fn finish(self) -> io::Result<Spool> {
        let (mut file, key) = match self.sink {
            Sink::Plain(file) => (file, None),
            Sink::Sealed(writer, key) => {
                let file = writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
                (file, Some(key))
            }
        };
        file.seek(SeekFrom::Start(0))?;
        Ok(Spool { file, key, size: self.size, sha256: hex(&self.hash.finalize()) })
    }
}

/// A full spool.
pub(crate) struct Spool {
    file: File,
    key: Option<Arc<Ephemeral>>,
    size: u64,
    sha256: String,
}

impl Spool {
    /// What the manifest says of it.
    pub(crate) fn member(&self, file: String) -> Member {
        Member { file, size: self.size, sha256: self.sha256.clone() }
    }

    /// Its bytes from the start; the file is gone when the reader is dropped.
    ///
    /// # Errors
    /// The I/O error of the file system.
    pub(crate) fn into_reader(self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self.key {
            None => Box::new(self.file),
            Some(key) => Box::new(key.open(BufReader::new(self.file))?),
        })
    }
}
