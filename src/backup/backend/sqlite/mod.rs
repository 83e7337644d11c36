//! SQLite's side.

mod attachments;
mod catalog;
mod definitions;
mod read;
mod restore;
mod rows;
mod table_digest;
mod write;

pub(crate) use read::Snapshot;
pub(crate) use restore::{Job, build, inspect, restore};
