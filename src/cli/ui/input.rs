//! Reading standard input.

use std::io::{self, Read as _};
use std::sync::Arc;

use super::{Ui, lock};
use crate::error::{Error, Kind, Result};
use crate::message::message;

impl Ui {
    /// Copies all of standard input into a file, for data that memory need not hold.
    ///
    /// # Errors
    /// A thread that broke down; within, the stream's and the file's.
    pub(crate) async fn copy_input(&self, mut file: std::fs::File) -> Result<io::Result<std::fs::File>> {
        let input = Arc::clone(&self.input);
        // On a thread of its own, so that a signal is seen while nothing comes.
        let copied = tokio::task::spawn_blocking(move || io::copy(&mut *lock(&input), &mut file).map(|_| file));
        copied
            .await
            .map_err(|panic| Error::new(Kind::Failure, "input", "standard input could not be read").source(panic))
    }

    /// Waits for Enter; `false` at the end of input.
    ///
    /// # Errors
    /// The stream's.
    pub(crate) async fn enter(&self) -> Result<bool> {
        let input = Arc::clone(&self.input);
        // On a thread of its own, which is left behind where nothing comes.
        let pressed = tokio::task::spawn_blocking(move || {
            let mut byte = [0];
            loop {
                match lock(&input).read(&mut byte)? {
                    0 => return Ok(false),
                    _ if byte == [b'\n'] => return Ok(true),
                    _ => {}
                }
            }
        });
        pressed.await.unwrap_or_else(|panic| Err(io::Error::other(panic))).map_err(Error::from)
    }

    /// All of standard input, for commands that read data from `-`; at most `most` bytes.
    ///
    /// # Errors
    /// The stream's; more than `most` bytes.
    pub(crate) async fn read_input(&self, most: u64) -> Result<Vec<u8>> {
        let input = Arc::clone(&self.input);
        // On a thread of its own, so that a signal is seen while nothing comes.
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            lock(&input).by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes).map(|_| bytes)
        });
        let bytes = read
            .await
            .map_err(|panic| Error::new(Kind::Failure, "input", "standard input could not be read").source(panic))??;
        if bytes.len() as u64 > most {
            return Err(Error::new(Kind::Usage, "too_long", message!("standard input is longer than {} bytes", &most)));
        }
        Ok(bytes)
    }
}
