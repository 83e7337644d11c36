//! What each engine does of a backup and of a restore.

pub(crate) mod postgres;
pub(crate) mod sqlite;
