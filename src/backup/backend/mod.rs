//! What each engine does of a backup and of a restore.

pub mod postgres;
pub mod sqlite;
