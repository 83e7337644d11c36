//! The archive format: a tar of `manifest.json` and one Parquet file a table, written and read without a database.

pub mod archive;
#[cfg(test)]
pub(crate) mod archive_tests;
pub mod batch;
pub(crate) mod column_chunk;
pub mod container;
pub mod crypt;
pub mod digest;
pub(crate) mod limits;
pub mod manifest;
pub mod table_reader;
pub mod table_schema;
pub mod table_writer;
pub mod timestamp;
