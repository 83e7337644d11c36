//! Ends the process, with the name of the test, where a test goes on and does nothing: the commands that it runs have
//! time limits of their own, but nothing else that it may wait for has one.

use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A test that is watched for as long as the value lives.
#[derive(Debug)]
pub struct Watch(Arc<Watched>);

#[derive(Debug)]
struct Watched {
    test: String,
    limit: Duration,
    last: Mutex<Instant>,
}

impl Watch {
    /// The test of this thread, which must do something every ten minutes: a build of this crate is one thing to do.
    ///
    /// A command that hangs is ended after two minutes by the call that waits for it, which fails the test alone.
    pub fn new() -> Self {
        Self::within(Duration::from_secs(600))
    }

    /// The same, with another limit.
    pub fn within(limit: Duration) -> Self {
        static ALL: OnceLock<Mutex<Vec<Weak<Watched>>>> = OnceLock::new();
        let test = std::thread::current().name().unwrap_or("a thread of a test").to_owned();
        let watched = Arc::new(Watched { test, limit, last: Mutex::new(Instant::now()) });
        let all = ALL.get_or_init(|| {
            std::thread::spawn(|| {
                loop {
                    std::thread::sleep(Duration::from_millis(500));
                    let Some(all) = ALL.get() else { continue };
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.retain(|watched| watched.strong_count() > 0);
                    all.iter().filter_map(Weak::upgrade).for_each(|watched| watched.look());
                }
            });
            Mutex::default()
        });
        all.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&watched));
        Self(watched)
    }

    /// The test does something.
    pub fn beat(&self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Watched {
    fn look(&self) {
        let idle = self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if idle > self.limit {
            // Not by eprintln, which the test harness captures.
            let _ = writeln!(std::io::stderr(), "\nhung: {} has done nothing for {} s", self.test, idle.as_secs());
            std::process::exit(101);
        }
    }
}
