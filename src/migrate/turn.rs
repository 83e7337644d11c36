//! One turn at the schema: a transaction under the lock that all changes of it share, tried again where a table is in
//! use, and an explanation where it fails.

use migration::Migration;
use migration::runner::RunError;
use sea_orm::DbErr;

use super::{Manner, MigrateError, Step};
use crate::db::{Database, Engine, Transaction, sql_state};
use crate::schema::session::{self, Session};
use crate::schema::{Holder, Origin, Patience, Request, checks, live, plan, rights, snapshot};

/// What happens while migrations run.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another change of the schema goes on; it is waited for.
    Waiting(&'a Holder),
    /// A table is locked by others; the migration was undone and is tried again.
    Blocked {
        /// Who holds it.
        holders: &'a [Holder],
        /// Which try this was, from 1.
        attempt: u32,
        /// How many there are.
        of: u32,
    },
    /// A migration was run, recorded or undone, and that lasts.
    Done(&'a Step),
}

/// Told of everything that happens.
pub type Tell<'a> = &'a mut dyn FnMut(Event<'_>);

/// A transaction to look around in, to be rolled back.
pub(super) async fn look(database: &Database, patience: &Patience) -> Result<Session, MigrateError> {
    Ok(Session::look(database, patience, &mut |_| {}).await?)
}

/// Does `work` in a transaction that may change the schema, and makes it last unless this is a dry run.
pub(super) async fn take<T>(
    database: &Database,
    manner: Manner,
    tell: Tell<'_>,
    work: impl AsyncFn(&Transaction) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let tries = manner.patience.tries.max(1);
    let mut attempt = 1;
    loop {
        let session = Session::change(database, &manner.patience, &mut |holder| tell(Event::Waiting(holder))).await?;
        let error = match work(session.txn()).await {
            Ok(value) if manner.dry_run => {
                session.rollback().await?;
                return Ok(value);
            }
            Ok(value) => {
                session.commit().await?;
                return Ok(value);
            }
            Err(error) => error,
        };
        // The failure is what matters; a connection that is lost has rolled back by itself.
        let _ = session.rollback().await;
        if !is_locked(&error) {
            return Err(error);
        }
        let holders = in_the_way(database).await?;
        if attempt == tries {
            return Err(MigrateError::Locked { holders, waited: manner.patience.lock_timeout, tries });
        }
        tell(Event::Blocked { holders: &holders, attempt, of: tries });
        attempt += 1;
    }
}

/// Who has a lock on any table of ours.
async fn in_the_way(database: &Database) -> Result<Vec<Holder>, MigrateError> {
    if database.engine() == Engine::Sqlite {
        return Ok(Vec::new());
    }
    let tables: Vec<String> = crate::schema::desired().tables.into_iter().map(|table| table.name).collect();
    Ok(session::in_the_way(database.conn(), &tables, "ACCESS EXCLUSIVE").await?)
}

/// lock_not_available and deadlock_detected: who came first goes on, and the next try may find the way free.
fn is_locked(error: &MigrateError) -> bool {
    code(error).is_some_and(|code| matches!(code.as_str(), "55P03" | "40P01"))
}

fn code(error: &MigrateError) -> Option<String> {
    let source: &DbErr = match error {
        MigrateError::Run { source, .. } => match source.as_ref() {
            RunError::Statement { source, .. } | RunError::Record(source) => source,
            RunError::Script { .. } | RunError::ForeignKeys { .. } => return None,
        },
        MigrateError::Driver(source) => source,
        _ => return None,
    };
    sql_state(source).map(|state| state.code)
}

/// What is behind the failure of a migration: rows that break the rules it brings, all of them at once, or rights that
/// the role lacks. Any other failure stays what it is.
pub(super) async fn explain(
    database: &Database,
    migrations: &[Migration],
    patience: &Patience,
    error: MigrateError,
) -> Result<MigrateError, MigrateError> {
    let MigrateError::Run { version, source } = &error else { return Ok(error) };
    let Some(migration) = migrations.iter().find(|migration| migration.version() == version) else { return Ok(error) };
    let engine = database.engine();
    let denied = code(&error).as_deref() == Some("42501");
    let broken = match source.as_ref() {
        RunError::ForeignKeys { .. } => true,
        // Class 23 on PostgreSQL; on SQLite the primary code 19.
        _ => code(&error).is_some_and(|code| match engine {
            Engine::Postgres => code.starts_with("23"),
            Engine::Sqlite => code.parse::<u32>().is_ok_and(|code| code & 0xff == 19),
        }),
    };
    if !denied && !broken {
        return Ok(error);
    }
    let wanted = snapshot::of(migration)?;
    let session = look(database, patience).await?;
    let live = live::read(session.txn(), &wanted, &[]).await?;
    let home = live.rights.home;
    let Ok(mut plan) = plan(&live.schema, &wanted, engine, Origin::Live, &Request::default(), home) else {
        return Ok(error);
    };
    let findings = checks::run(session.txn(), &live, &wanted, &mut plan).await?;
    session.rollback().await?;
    let missing = rights::missing(&plan, &live.rights, true);
    if denied && !missing.is_empty() {
        let database = database.name().to_owned();
        return Ok(MigrateError::Rights { role: live.rights.role, database, missing });
    }
    if broken && !findings.is_empty() {
        return Ok(MigrateError::Data { version: migration.folder(), findings });
    }
    Ok(error)
}
