//! `sea-orm-migration`'s face on these migrations, for programs that use this crate as a library.
//!
//! The library's own runner has no lock, no checksum and no line of failure, keeps its record in `public`, and its
//! `fresh` drops other people's tables. So its trait is kept, with its methods bound to [`history`] and [`runner`]:
//! `Migrator::up(&connection, None)` and `skyteam db migrate` read and write the same record under the same lock.

use async_trait::async_trait;
use sea_orm_migration::{
    IntoSchemaManagerConnection, Migration as Listed, MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
    SchemaManagerConnection,
    sea_orm::{
        ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, SqlxSqliteConnector,
        TransactionOptions, TransactionTrait, sqlx,
    },
    seaql_migrations,
};

use crate::{
    Direction, Engine, Migration, all, history,
    runner::{self, RunError},
};

/// The migrations of this build as `sea-orm-migration` runs them.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

/// A migration by reference, since the library wants to own its list.
struct Embedded(&'static Migration, String);

impl MigrationName for Embedded {
    fn name(&self) -> &str {
        &self.1
    }
}

#[async_trait]
#[expect(elided_lifetimes_in_paths, reason = "the trait leaves the lifetime out, and so binds it otherwise")]
impl MigrationTrait for Embedded {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        runner::run(manager.get_connection(), self.0, Direction::Up).await.map_err(failure)?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        runner::run(manager.get_connection(), self.0, Direction::Down).await.map_err(failure)?;
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        all().iter().map(|migration| Box::new(Embedded(migration, migration.folder())) as Box<_>).collect()
    }

    async fn install<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
        history::install(db).await
    }

    async fn get_migration_models<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        let applied = history::read(db).await?;
        Ok(applied
            .into_iter()
            .map(|line| seaql_migrations::Model {
                version: format!("{}_{}", line.version, line.name),
                applied_at: line.applied_at,
            })
            .collect())
    }

    /// Makes no record where there is none, so that a role that may only read can ask.
    async fn get_migration_with_status_read_only<C: ConnectionTrait>(db: &C) -> Result<Vec<Listed>, DbErr> {
        if history::is_installed(db).await? {
            Self::get_migration_with_status(db).await
        } else {
            Ok(Self::get_migration_files())
        }
    }

    async fn up<'c, C: IntoSchemaManagerConnection<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        up(&db.into_database_executor(), steps).await
    }

    async fn down<'c, C: IntoSchemaManagerConnection<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        down(&db.into_database_executor(), steps).await
    }

    /// All down, then all up. Tables that are not of these migrations stay.
    async fn refresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        let db = db.into_database_executor();
        down(&db, None).await?;
        up(&db, None).await
    }

    /// All down. The record itself stays, empty.
    async fn reset<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        down(&db.into_database_executor(), None).await
    }

    /// Refused: the library would drop every table of the database, other programs' too.
    async fn fresh<'c, C: IntoSchemaManagerConnection<'c>>(_: C) -> Result<(), DbErr> {
        Err(DbErr::Migration("fresh would drop tables that are not SkyTeam's: use refresh".to_owned()))
    }

    /// Refused: a database whose record is gone cannot be distinguished from one that was never migrated.
    async fn uninstall<'c, C: IntoSchemaManagerConnection<'c>>(_: C) -> Result<(), DbErr> {
        Err(DbErr::Migration("the record of the migrations is not dropped: use down".to_owned()))
    }
}

async fn up(db: &SchemaManagerConnection<'_>, steps: Option<u32>) -> Result<(), DbErr> {
    let engine = Engine::of(db)?;
    for _ in 0..steps.unwrap_or(u32::MAX) {
        let txn = begin(db).await?;
        let standing = history::standing(all(), &history::read(&txn).await?, engine);
        if let Some((edited, _)) = standing.edited.first() {
            return Err(DbErr::Migration(format!(
                "{} was edited after it had been applied",
                edited.file(engine, Direction::Up)
            )));
        }
        let Some(next) = standing.pending.first() else { break };
        history::install(&txn).await?;
        runner::apply(&txn, next).await.map_err(failure)?;
        txn.commit().await?;
    }
    Ok(())
}

async fn down(db: &SchemaManagerConnection<'_>, steps: Option<u32>) -> Result<(), DbErr> {
    for _ in 0..steps.unwrap_or(u32::MAX) {
        let txn = begin(db).await?;
        let Some(last) = history::read(&txn).await?.pop() else { break };
        let migration = all().iter().find(|migration| migration.version() == last.version).ok_or_else(|| {
            DbErr::Migration(format!("{}_{} is applied, but this build does not have it", last.version, last.name))
        })?;
        runner::revert(&txn, migration).await.map_err(failure)?;
        txn.commit().await?;
    }
    Ok(())
}

/// A transaction that holds the lock of all changes of the schema.
async fn begin(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    let options = |mode| TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
    let txn = match (Engine::of(db)?, db) {
        (Engine::Sqlite, SchemaManagerConnection::Connection(connection)) => {
            without_foreign_keys(connection).begin_with_options(options(Some(SqliteTransactionMode::Immediate))).await?
        }
        // A savepoint of the caller's own transaction.
        _ => db.begin_with_options(options(None)).await?,
    };
    runner::lock(&txn).await?;
    Ok(txn)
}

/// A connection of its own whose foreign keys are off: the only way in which SQLite lets a table that others refer to
/// be made anew, and nothing that a transaction could still do (<https://sqlite.org/lang_altertable.html#otheralter>).
/// The runner looks for broken references itself.
fn without_foreign_keys(connection: &DatabaseConnection) -> DatabaseConnection {
    let options = (*connection.get_sqlite_connection_pool().connect_options()).clone().foreign_keys(false);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
    SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
}

fn failure(error: RunError) -> DbErr {
    match error {
        RunError::Record(source) => source,
        other => DbErr::Migration(other.to_string()),
    }
}
