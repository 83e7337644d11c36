//! The transactions that migrations are looked at and run in.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr};
use sqlx::sqlite::SqlitePoolOptions;

use crate::db::{Connection, Database, Engine, Transaction};

/// The engine in the words of the `migration` crate.
pub(super) fn dialect(engine: Engine) -> migration::Engine {
    match engine {
        Engine::Postgres => migration::Engine::Postgres,
        Engine::Sqlite => migration::Engine::Sqlite,
    }
}

/// A transaction to look around in, to be rolled back. On PostgreSQL it is no read-only one, since reading the live
/// schema may need scratch tables.
pub(super) async fn to_look(database: &Database) -> Result<Transaction, DbErr> {
    match database.engine() {
        Engine::Postgres => database.begin().await,
        Engine::Sqlite => database.begin_read().await,
    }
}

/// A transaction that changes the schema: it holds the lock that all changes of the schema share, and on SQLite lets a
/// table be made anew while others refer to it.
pub(super) async fn to_change(database: &Database, lock_timeout: Duration) -> Result<Transaction, DbErr> {
    match database.engine() {
        Engine::Postgres => {
            let txn = database.begin().await?;
            migration::runner::lock(&txn).await?;
            let limit = format!("SET LOCAL lock_timeout = {}", lock_timeout.as_millis());
            txn.execute_unprepared(&limit).await?;
            Ok(txn)
        }
        Engine::Sqlite => without_foreign_keys(database).await?.begin().await,
    }
}

/// A connection of its own whose foreign keys are off: the only way in which SQLite lets a table that others refer to
/// be replaced (<https://sqlite.org/lang_altertable.html#otheralter>). The runner looks for broken references itself.
async fn without_foreign_keys(database: &Database) -> Result<Connection, DbErr> {
    let Some(pool) = database.sqlite() else { return Ok(database.conn().clone()) };
    let options = (*pool.connect_options()).clone().foreign_keys(false);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
    Ok(Connection::new(sea_orm::SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)))
}
