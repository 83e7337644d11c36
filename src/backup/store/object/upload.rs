//! A backup on its way into an object store: in parts of one size, a few at a time, so that its memory does not depend on
//! the backup's size. Small ones go in one request, under a name that must be free. Until all parts are put together there
//! is nothing under the name; given up, the parts go.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use sha2::{Digest as _, Sha256};

use super::Requests;
use super::runtime::Awaited;
use crate::backup::error::{BackupError, Result, StoreFault};
use crate::backup::format::hex::hex;
use crate::backup::store::{Pending, Placed};

/// The smallest part. Services take none below 5 MiB.
const PART: u64 = 8 << 20;
/// The most parts of an upload that every service takes, less some for a guess that was too small.
const PARTS: u64 = 9_000;
/// Parts that are on their way at the same time, beside the one that is being filled.
const SENT: usize = 3;
/// How long giving an upload up may take.
const GIVING_UP: Duration = Duration::from_secs(10);
/// As [`crate::backup::store::folder::ends`].
const ENDS: usize = 64 << 10;

/// An upload.
pub(super) struct Upload {
    requests: Arc<Requests>,
    key: Key,
    place: PathBuf,
    replaces: bool,
    part: usize,
    buffer: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    sent: VecDeque<Awaited<()>>,
    size: u64,
    ends: Ends,
}

impl Upload {
    /// Begins an upload of about `size` bytes.
    pub(super) fn new(requests: Arc<Requests>, key: Key, place: PathBuf, replaces: bool, size: u64) -> Self {
        let part = usize::try_from((size / PARTS).max(PART).next_multiple_of(1 << 20)).unwrap_or(PART as usize);
        Self {
            requests,
            key,
            place,
            replaces,
            part,
            buffer: Vec::new(),
            upload: None,
            sent: VecDeque::new(),
            size: 0,
            ends: Ends::default(),
        }
    }

    fn url(&self) -> String {
        self.place.display().to_string()
    }

    /// Sends what is in the buffer as the next part, and waits for the oldest where too many are on their way.
    fn send(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.buffer);
        if self.upload.is_none() {
            self.upload = Some(self.requests.begin_upload(&self.key, &self.url())?);
        }
        let Some(upload) = &mut self.upload else { return Err(BackupError::Worker) };
        let part = upload.put_part(PutPayload::from(bytes));
        let url = self.place.display().to_string();
        let sending = async move { part.await.map_err(|error| super::failure::of(&url, "writing", &error)) };
        self.sent.push_back(self.requests.runtime.begin(sending));
        if self.sent.len() > SENT
            && let Some(oldest) = self.sent.pop_front()
        {
            oldest.wait()?;
        }
        Ok(())
    }

    /// Puts a small backup there in one request.
    fn put(&mut self) -> Result<()> {
        let payload = PutPayload::from(std::mem::take(&mut self.buffer));
        let mode = if self.replaces { PutMode::Overwrite } else { PutMode::Create };
        match self.requests.put(&self.key, &self.url(), payload.clone(), mode) {
            // The answer to a request that arrived may be lost, and then its repetition finds the name taken. The name is
            // this backup's alone, so that what has it is this backup: its size is compared below.
            Err(Failed::Taken) if !self.replaces => Ok(()),
            // A service without conditions.
            Err(Failed::Unknown(_)) if !self.replaces => {
                self.requests.put(&self.key, &self.url(), payload, PutMode::Overwrite).map_err(Failed::into_error)
            }
            done => done.map_err(Failed::into_error),
        }
    }

    /// Puts the parts together.
    fn complete(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.send()?;
        }
        while let Some(sent) = self.sent.pop_front() {
            sent.wait()?;
        }
        let Some(mut upload) = self.upload.take() else { return Err(BackupError::Worker) };
        let url = self.url();
        let completing = async move {
            let done = upload.complete().await;
            Ok((upload, done.map(drop).map_err(|error| super::failure::of(&url, "writing", &error))))
        };
        let (upload, done) = self.requests.runtime.wait(completing)?;
        if let Err(error) = done {
            // The answer may be lost though the object was written: its name is this backup's alone.
            if self.replaces || self.stored().ok().flatten() != Some(self.size) {
                self.upload = Some(upload);
                return Err(error);
            }
        }
        Ok(())
    }

    fn stored(&self) -> Result<Option<u64>> {
        Ok(self.requests.head(&self.key, &self.url())?.map(|meta| meta.size))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(self.part);
        }
        let count = bytes.len().min(self.part - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        self.ends.add(&bytes[..count]);
        self.size += count as u64;
        if self.buffer.len() == self.part {
            self.send().map_err(io::Error::other)?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pending for Upload {
    fn commit(mut self: Box<Self>) -> Result<Placed> {
        if self.upload.is_none() {
            self.put()?
        } else {
            self.complete()?
        }
        let stored = self.stored()?;
        if stored != Some(self.size) {
            let found = stored.map_or_else(|| "nothing".to_owned(), |size| format!("{size} bytes"));
            return Err(BackupError::Store {
                place: self.url(),
                doing: "writing",
                fault: StoreFault::Refused,
                why: format!("{} bytes were sent, and {found} arrived", self.size),
            });
        }
        let ends = std::mem::take(&mut self.ends).finish();
        Ok(Placed { path: self.place.clone(), size: self.size, ends })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        // Parts that arrive after the end would stay.
        for sent in self.sent.drain(..) {
            let _ = sent.wait();
        }
        // What cannot be given up is found by a later run.
        self.requests.runtime.finish(async move {
            let _ = tokio::time::timeout(GIVING_UP, upload.abort()).await;
        });
    }
}

/// Why a request in one piece failed.
pub(super) enum Failed {
    /// The name is taken.
    Taken,
    /// The service does not know what was asked.
    Unknown(BackupError),
    /// Anything else.
    Other(BackupError),
}

impl Failed {
    fn into_error(self) -> BackupError {
        match self {
            Self::Taken => BackupError::Worker,
            Self::Unknown(error) | Self::Other(error) => error,
        }
    }
}

/// The beginning and the end of what passes by.
#[derive(Default)]
struct Ends {
    first: Vec<u8>,
    last: VecDeque<u8>,
}

impl Ends {
    fn add(&mut self, bytes: &[u8]) {
        let missing = ENDS - self.first.len();
        self.first.extend_from_slice(&bytes[..missing.min(bytes.len())]);
        let tail = &bytes[bytes.len().saturating_sub(ENDS)..];
        let surplus = (self.last.len() + tail.len()).saturating_sub(ENDS);
        self.last.drain(..surplus);
        self.last.extend(tail);
    }

    fn finish(self) -> String {
        let (one, two) = self.last.as_slices();
        let last = Sha256::new().chain_update(one).chain_update(two).finalize();
        format!("{}{}", hex(&Sha256::digest(&self.first)), hex(&last))
    }
}

impl Requests {
    /// Puts an object there in one request.
    fn put(&self, key: &Key, url: &str, payload: PutPayload, mode: PutMode) -> Result<(), Failed> {
        let (store, key, url) = (Arc::clone(&self.store), key.clone(), url.to_owned());
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = async move {
            Ok(store.put_opts(&key, payload, options).await.map(drop).map_err(|error| match &error {
                object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => Failed::Taken,
                object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => {
                    Failed::Unknown(super::failure::of(&url, "writing", &error))
                }
                _ if error.to_string().contains("501 Not Implemented") => {
                    Failed::Unknown(super::failure::of(&url, "writing", &error))
                }
                _ => Failed::Other(super::failure::of(&url, "writing", &error)),
            }))
        };
        self.runtime.wait(put).unwrap_or_else(|error| Err(Failed::Other(error)))
    }

    fn begin_upload(&self, key: &Key, url: &str) -> Result<Box<dyn MultipartUpload>> {
        let (store, key, url) = (Arc::clone(&self.store), key.clone(), url.to_owned());
        self.runtime.wait(async move {
            store.put_multipart(&key).await.map_err(|error| super::failure::of(&url, "writing", &error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_those_of_a_file() {
        for size in [0, 1, ENDS - 1, ENDS, ENDS + 1, 3 * ENDS + 7] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut ends = Ends::default();
            for chunk in bytes.chunks(1000) {
                ends.add(chunk);
            }
            let wanted = crate::backup::store::folder::ends(&mut io::Cursor::new(&bytes)).unwrap();
            assert_eq!(ends.finish(), wanted, "{size}");
        }
    }
}
