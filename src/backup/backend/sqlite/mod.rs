//! SQLite's side.

mod attachments;
mod backend;
mod catalog;
mod definitions;
mod read;
mod restore;
mod rows;
mod table_digest;
mod unarchivable;
mod write;

pub(crate) use backend::Sqlite;
pub(crate) use definitions::refused;
pub(crate) use restore::build;
