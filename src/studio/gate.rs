//! Whether the page may write: never under `--read-only`; in production only for a while after the database's name was
//! typed. Every route that writes asks here, whatever the page shows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;

use super::reply::Failure;
use crate::error::{Error, Kind};
use crate::message::message;

/// How long production stays unlocked.
const UNLOCKED: Duration = Duration::from_secs(15 * 60);

/// Whether the page may write.
#[derive(Debug)]
pub(super) struct Gate {
    read_only: bool,
    locks: bool,
    until: Mutex<Option<Instant>>,
}

impl Gate {
    /// A gate that is shut for good under `read_only`, and at first where it `locks`.
    pub(super) fn new(read_only: bool, locks: bool) -> Self {
        Self { read_only, locks, until: Mutex::new(None) }
    }

    fn until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing is written for good.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Whether the database's name must be typed first.
    pub(super) fn is_locked(&self) -> bool {
        self.locks && self.left(Instant::now()).is_none()
    }

    /// How long it stays unlocked, where it was locked.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        (*self.until())?.checked_duration_since(now).filter(|left| self.locks && !left.is_zero())
    }

    /// Opens it for a quarter of an hour.
    pub(super) fn unlock(&self) {
        *self.until() = Instant::now().checked_add(UNLOCKED);
    }

    /// Shuts it again.
    pub(super) fn lock(&self) {
        *self.until() = None;
    }

    /// Refuses a write; a `preview`, which is rolled back, only under `--read-only`.
    ///
    /// # Errors
    /// 403 `read_only`, 423 `production_locked`.
    pub(super) fn pass(&self, preview: bool) -> Result<(), Failure> {
        if self.read_only {
            let error =
                Error::new(Kind::Denied, "read_only", "this studio only reads: it was started with --read-only");
            return Err(error.fix("start it again without --read-only").into());
        }
        if !preview && self.is_locked() {
            let error = Error::new(Kind::Unconfirmed, "production_locked", "production is locked: nothing was changed")
                .why(message!("it is unlocked for 15 minutes by typing the name of the database"));
            return Err(Failure::from(error).answered(StatusCode::LOCKED));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_is_unlocked_for_a_quarter_of_an_hour() {
        let gate = Gate::new(false, true);
        assert!(gate.is_locked() && gate.pass(false).is_err() && gate.pass(true).is_ok());
        gate.unlock();
        assert!(!gate.is_locked() && gate.pass(false).is_ok());
        assert!(gate.left(Instant::now() + UNLOCKED + Duration::from_secs(1)).is_none());
        gate.lock();
        assert!(gate.is_locked());
    }

    #[test]
    fn read_only_is_never_unlocked() {
        let gate = Gate::new(true, true);
        gate.unlock();
        assert!(gate.pass(false).is_err() && gate.pass(true).is_err());
        let local = Gate::new(false, false);
        local.unlock();
        assert!(local.pass(false).is_ok() && local.left(Instant::now()).is_none());
    }
}
