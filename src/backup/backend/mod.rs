//! What each engine does of a backup and of a restore.

mod borrowed;
pub(crate) mod engine;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use engine::Backend;

use crate::db::{Database, Pool};

/// The backend of a database.
pub(crate) fn of(database: &Database) -> Box<dyn Backend + '_> {
    match database.pool() {
        Pool::Postgres(pool) => Box::new(postgres::Postgres::new(database, pool)),
        Pool::Sqlite(pool) => Box::new(sqlite::Sqlite::new(pool)),
    }
}
