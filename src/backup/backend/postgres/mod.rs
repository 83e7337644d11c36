//! PostgreSQL's side: rows out of and into tables by binary COPY, which needs no parsing on either end.

mod attachments;
mod bookkeeping;
mod catalog;
mod codec;
mod ddl;
mod definitions;
mod dependents;
mod load;
pub(crate) mod locks;
mod read;
mod restore;
mod scheduler;
mod staging;
mod table_digest;
mod text_copy;

pub(crate) use bookkeeping::drop_functions;
pub(crate) use catalog::{Found, find};
pub(crate) use read::{RECORD, Snapshot, SnapshotOptions};
pub(crate) use restore::{Job, access, inspect, restore, version_of};
pub(crate) use staging::{STAGE, is_left_over};
