//! The world that the tests run in, hermetic: nothing of the machine's environment, home folder or
//! databases is seen, and nothing stays behind when the process ends, however it ends.
//!
//! - [`both`]: one story, run as two tests, on PostgreSQL and on SQLite.
//! - [`World`]: one home folder and one database of its own; runs `skyteam` and answers an [`Output`]. In this
//!   process by default, at a pinned moment, with what a test sets: input, terminal, answers ([`World::call`]). As a
//!   process of its own where only that can show it: signals, pseudo-terminals, several at once ([`World::command`]).
//! - [`Server`]: a throw-away PostgreSQL server; all ordinary tests share one, fault tests start their own.
//!
//! ```ignore
//! #[both]
//! fn a_user_is_added(world: &mut World) {
//!     world.run("db push").ok();
//!     insta::assert_snapshot!(world.run("user add 1 pilot123"), @"…");
//!     assert_eq!(world.query(r#"SELECT username FROM users"#), "pilot123");
//! }
//! ```

pub mod archive;
mod args;
mod balancer;
mod call;
mod catalogue;
mod holder;
mod library;
pub mod migrations;
mod output;
mod pooler;
mod postgres;
mod proxy;
pub mod pypi;
pub mod s3;
mod scratch;
mod selftest;
mod sql;
mod watch;
mod world;

use std::time::{Duration, Instant};

pub use args::Args;
pub use balancer::Balancer;
pub use both::both;
pub use call::{Call, NOW};
pub use catalogue::DRIZZLE;
pub use holder::Holder;
pub use library::Library;
pub use output::Output;
pub use pooler::Pooler;
pub use postgres::{PASSWORD, Server, Stop, binary};
pub use proxy::Proxy;
pub use scratch::Scratch;
pub use sql::{Source, block_on};
pub use world::{Engine, World};

/// Sends a process a signal: `INT`, `TERM`, `STOP`, `CONT`.
#[track_caller]
pub fn signal(name: &str, process: impl std::fmt::Display) {
    let kill = std::process::Command::new("/bin/sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap();
    assert!(kill.success());
}

/// Waits for something that another process does, half a minute at most.
#[track_caller]
pub fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happens() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
