//! SQLite's side.

mod catalog;
mod read;
mod restore;
mod rows;
mod write;

pub use read::Snapshot;
pub use restore::{Job, build, inspect, restore};
