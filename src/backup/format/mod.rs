//! The archive format: a tar of `manifest.json` and one Parquet file a table, written and read without a database.

pub mod archive;
#[cfg(test)]
pub(crate) mod archive_tests;
pub(crate) mod array;
pub(crate) mod batch;
pub(crate) mod column_chunk;
pub(crate) mod container;
pub mod crypt;
pub(crate) mod definitions;
pub(crate) mod digest;
pub(crate) mod hex;
pub(crate) mod limits;
pub(crate) mod list;
pub mod manifest;
pub(crate) mod native;
pub(crate) mod row_hash;
pub(crate) mod scalar;
pub(crate) mod server_digest;
pub(crate) mod strings;
pub(crate) mod table_reader;
pub(crate) mod table_schema;
pub(crate) mod table_writer;
pub(crate) mod timestamp;
