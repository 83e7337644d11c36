//! Where backups are kept: files in a folder, their names, and the lock against overlapping runs.

pub mod file;
pub mod folder;
