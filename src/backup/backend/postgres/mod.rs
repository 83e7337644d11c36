//! PostgreSQL's side: rows out of and into tables by binary COPY, which needs no parsing on either end.

mod bookkeeping;
mod catalog;
mod codec;
mod ddl;
mod dependents;
mod load;
pub mod locks;
mod read;
mod restore;
mod scheduler;
mod staging;
mod text_copy;

pub use bookkeeping::drop_functions;
pub use catalog::{Found, find};
pub use read::{RECORD, Snapshot, SnapshotOptions};
pub use restore::{Job, grants, inspect, restore, version_of};
pub use staging::{STAGE, is_left_over};
