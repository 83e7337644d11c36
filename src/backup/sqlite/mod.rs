//! SQLite's side. Rows leave and enter in bulk: the driver hands every single row from thread to thread, which for
//! millions of rows costs more than all the rest, so hundreds travel in one value or one statement.

mod catalog;
mod pack;
mod read;
mod restore;
mod write;

pub use read::Snapshot;
pub use restore::{Job, build, inspect, restore};
