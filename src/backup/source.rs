//! Bytes at a position: an archive that may be a plain file, a spool or the inside of an encrypted file, read by
//! several tables at a time.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

/// What an archive can be read from.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// A readable thing with a length, shared between threads.
pub(crate) struct Source {
    inner: Mutex<Box<dyn ReadSeek>>,
    len: u64,
}

impl Source {
    /// Finds out how long it is.
    ///
    /// # Errors
    /// What seeking returns; for an encrypted file also that its end is damaged.
    pub(crate) fn new(mut inner: Box<dyn ReadSeek>) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner: Mutex::new(inner), len })
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// What reading returns; `UnexpectedEof` when the source ends before `out` is full.
    pub(crate) fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // A thread that panicked while reading left no state behind that the seek does not set again.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.seek(SeekFrom::Start(offset))?;
        inner.read_exact(out)
    }

    /// `len` bytes from `offset`. The caller has bounded `len`.
    ///
    /// # Errors
    /// As [`Source::read_at`].
    pub(crate) fn bytes_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0; len];
        self.read_at(offset, &mut out)?;
        Ok(out)
    }
}
