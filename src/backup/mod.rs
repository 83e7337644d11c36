//! Backups: skyteam's own archive, made and restored without any PostgreSQL program, on both engines.
//!
//! # The archive, format version 1
//!
//! A tar (POSIX ustar, mode 0600, owner 0, no times but the backup's own) of, in this order:
//!
//! | member | content |
//! |---|---|
//! | `manifest.json` | [`format::manifest::Manifest`]: format, program, database, schema version, applied migrations; per table the columns, the number of rows, and size and SHA-256 of its member |
//! | `<table>.parquet` | one Apache Parquet file a table: one row group a block of rows ([`format::batch::BLOCK_BYTES`]), zstd pages |
//! | `SHA256SUMS` | the SHA-256 of every member before it, as `sha256sum` prints it |
//!
//! The manifest comes first, so that a reader knows every size before it meets it; the members' checksums are known
//! by then because each was spooled to a nameless temporary file first ([`spool`]). So an archive can be written to a
//! pipe with no more memory than to a file.
//!
//! Cells are engine-neutral ([`format::table_schema::Kind`]): text as UTF-8, UUIDs as 16 bytes, timestamps as microseconds since
//! 1970 with the two ends of the range for the infinities, truth values as BOOLEAN. Every byte of an archive is
//! checked on reading ([`format::container`]); nothing in it is used as a path, a size or SQL before it was ([`format::limits`],
//! [`format::table_reader`]).
//!
//! With `--encrypt-to` the tar is the payload of an age file ([`format::crypt`]).

pub(crate) mod against;
mod ahead;
pub(crate) mod anonymize;
pub(crate) mod backend;
pub mod changed;
pub(crate) mod column_mapping;
pub mod create;
pub(crate) mod detect;
pub mod error;
pub(crate) mod expression;
pub mod format;
mod holders;
pub(crate) mod identity;
pub(crate) mod maker;
pub(crate) mod pg_dump;
pub(crate) mod pg_restore;
pub mod plan;
mod position;
pub(crate) mod prune;
pub(crate) mod record;
pub(crate) mod refused;
pub mod restore;
pub(crate) mod retention;
pub(crate) mod script;
pub(crate) mod signature;
pub(crate) mod source;
pub mod spool;
pub(crate) mod store;
mod text_form;
pub(crate) mod unarchivable;
pub mod verify;
pub(crate) mod version;
mod worker_pool;

pub use error::{BackupError, Result};
