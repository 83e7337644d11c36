//! An object, read at any position: blocks are asked for as they are needed, and a few of them are kept.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Requests;
use crate::backup::error::BackupError;

/// Blocks that are kept: the beginning and the end of an archive, and where the headers of its members are.
const KEPT: usize = 8;

/// The object. All its readers share what was read.
pub(super) struct Remote {
    requests: Arc<Requests>,
    key: object_store::path::Path,
    size: u64,
    /// So that no two states of it are mixed.
    tag: Option<String>,
    block: u64,
    kept: Mutex<VecDeque<(u64, Bytes)>>,
    failure: Mutex<Option<BackupError>>,
}

impl Remote {
    /// An object of a size that is known, to be read in blocks of so many bytes.
    pub(super) fn new(
        requests: Arc<Requests>,
        key: object_store::path::Path,
        size: u64,
        tag: Option<String>,
        block: u64,
    ) -> Arc<Self> {
        let (kept, failure) = (Mutex::default(), Mutex::default());
        Arc::new(Self { requests, key, size, tag, block, kept, failure })
    }

    /// A reader from its beginning.
    pub(super) fn reader(self: &Arc<Self>) -> Reader {
        Reader { of: Arc::clone(self), position: 0 }
    }

    /// Why reading failed, where it was not what was read: a reader above may have taken it for damage.
    pub(super) fn failure(&self) -> Option<BackupError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn block(&self, index: u64) -> io::Result<Bytes> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = lock().iter().find(|(kept, _)| *kept == index) {
            return Ok(bytes.clone());
        }
        let range = index * self.block..((index + 1) * self.block).min(self.size);
        match self.requests.range(&self.key, range, self.tag.clone()) {
            Ok(bytes) => {
                let mut kept = lock();
                if kept.len() == KEPT {
                    kept.pop_front();
                }
                kept.push_back((index, bytes.clone()));
                Ok(bytes)
            }
            Err(error) => {
                let again = error.to_string();
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(io::Error::other(again))
            }
        }
    }
}

/// Reads an object.
pub(super) struct Reader {
    of: Arc<Remote>,
    position: u64,
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.of.size || out.is_empty() {
            return Ok(0);
        }
        let block = self.of.block(self.position / self.of.block)?;
        let from = usize::try_from(self.position % self.of.block).unwrap_or(usize::MAX);
        let rest = block.get(from..).unwrap_or_default();
        let count = rest.len().min(out.len());
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.of.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
