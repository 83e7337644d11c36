//! PostgreSQL's side: rows out of and into tables by binary COPY, which needs no parsing on either end.

mod attachments;
mod backend;
pub(crate) mod bookkeeping;
mod catalog;
pub(crate) mod codec;
mod ddl;
mod definition_sql;
mod definitions;
mod dependents;
mod job;
mod load;
pub(crate) mod locks;
mod read;
mod restore;
mod scheduler;
mod staging;
mod state;
mod table_digest;
mod text_copy;
mod unarchivable;

pub(crate) use backend::Postgres;
pub(crate) use bookkeeping::drop_functions;
pub(crate) use definition_sql::refused;
pub(crate) use read::RECORD;
pub(crate) use restore::access;
pub(crate) use staging::{STAGE, is_left_over};
