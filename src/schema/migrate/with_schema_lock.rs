//! One turn at the schema: a transaction under the lock that all changes of it share, tried again where a table is in
//! use, and an explanation where it fails.

use migration::runner::RunError;
use migration::{Direction, Migration};
use sea_orm::DbErr;

use super::{MigrateError, MigrateOptions, Step};
use crate::db::{Database, Engine, Transaction, sql_state};
use crate::schema::claims::Claims;
use crate::schema::live::Rights;
use crate::schema::lock::{self, Obstacle, Obstructed, RetryBudget};
use crate::schema::session::{Session, look};
use crate::schema::waiting::{SessionError, is_locked};
use crate::schema::{LiveError, Origin, Plan, Request, Wait, checks, live, plan, rights, snapshot};

/// What happens while migrations run.
#[derive(Debug)]
pub enum Event<'a> {
    /// Others are waited for.
    Waiting(Wait<'a>),
    /// A migration was run, recorded or undone, and that is committed.
    Done(&'a Step),
}

/// Called with everything that happens.
pub type Tell<'a> = &'a mut (dyn FnMut(Event<'_>) + Send);

/// The locks that the scripts of these migrations take, as far as their snapshots show. Scripts take them in an order of
/// their own, so they are all taken before, the strongest at once.
pub(super) fn claims(
    engine: Engine,
    migrations: &[Migration],
    run: &[&Migration],
    direction: Direction,
) -> Result<Claims, MigrateError> {
    let way = way(engine, migrations, run, direction)?;
    Ok(Claims::of(way.iter().flat_map(|plan| &plan.steps)))
}

/// What the scripts of these migrations do, as far as their snapshots show; a plan for each, and nothing on SQLite.
pub(super) fn way(
    engine: Engine,
    migrations: &[Migration],
    run: &[&Migration],
    direction: Direction,
) -> Result<Vec<Plan>, MigrateError> {
    let mut plans = Vec::new();
    if engine == Engine::Postgres {
        for migration in run {
            let before = migrations.iter().rev().find(|before| before.version() < migration.version());
            let before = before.map(snapshot::of).transpose()?.unwrap_or_default();
            let after = snapshot::of(migration)?;
            let (from, to) = match direction {
                Direction::Up => (before, after),
                Direction::Down => (after, before),
            };
            // What cannot be planned without a further rename or value is locked when the script reaches it.
            if let Ok(way) = plan(&from, &to, engine, Origin::Snapshot, &Request::default(), true) {
                plans.push(way);
            }
        }
    }
    Ok(plans)
}

/// Does `work` in a transaction that may change the schema, and makes it last unless this is a dry run.
pub(super) async fn take<T>(
    database: &Database,
    manner: MigrateOptions,
    claims: &Claims,
    tell: Tell<'_>,
    work: impl AsyncFn(&Transaction) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let mut tries = RetryBudget::new(database, &manner.patience);
    lock::warn_of(database, claims, &manner.patience, &mut |wait| tell(Event::Waiting(wait))).await?;
    let mut claims = claims.clone();
    loop {
        match attempt(database, manner, &claims, tell, &work).await {
            Ok(value) => return Ok(value),
            Err(error) => tries.again(error, &mut |wait| tell(Event::Waiting(wait))).await?,
        }
        claims = claims.reversed();
    }
}

async fn attempt<T>(
    database: &Database,
    manner: MigrateOptions,
    claims: &Claims,
    tell: Tell<'_>,
    work: &impl AsyncFn(&Transaction) -> Result<T, MigrateError>,
) -> Result<T, MigrateError> {
    let session = Session::change(database, &manner.patience, &mut |wait| tell(Event::Waiting(wait))).await?;
    let worked = match session.claim(claims, &manner.patience).await {
        Ok(()) => work(session.txn()).await,
        Err(error) => Err(error.into()),
    };
    match worked {
        Ok(value) if manner.dry_run => {
            session.rollback().await?;
            Ok(value)
        }
        Ok(value) => {
            session.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The failure is what matters; a connection that is lost has rolled back by itself.
            let _ = session.rollback().await;
            Err(error)
        }
    }
}

impl Obstructed for MigrateError {
    fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Run { source, .. } => {
                let (RunError::Statement { source, .. } | RunError::Record(source)) = source.as_ref() else {
                    return None;
                };
                let tables = crate::schema::desired::table_names;
                let what = "run the migration".to_owned();
                let mode = "ACCESS EXCLUSIVE";
                is_locked(source).then(|| Obstacle::Locked { what, tables: tables(), mode, window: None })
            }
            Self::Live(error) => Obstacle::of_live(error),
            Self::Session(error) => Obstacle::of_session(error),
            Self::Driver(error) => Obstacle::of_reading(error),
            _ => None,
        }
    }

    fn into_cause(self) -> Option<DbErr> {
        match self {
            Self::Run { source, .. } => match *source {
                RunError::Statement { source, .. } | RunError::Record(source) => Some(source),
                RunError::Script { .. } | RunError::ForeignKeys { .. } => None,
            },
            Self::Live(LiveError::Driver(error)) | Self::Session(SessionError::Driver(error)) | Self::Driver(error) => {
                Some(error)
            }
            Self::Session(SessionError::Contended(contended)) => contended.source,
            _ => None,
        }
    }
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

/// What is behind the failure of a migration: rows that break the rules it adds, all of them at once, or rights that
/// the role lacks. Any other failure stays what it is.
pub(super) async fn explain(
    database: &Database,
    migrations: &[Migration],
    manner: &MigrateOptions,
    error: MigrateError,
    tell: Tell<'_>,
) -> Result<MigrateError, MigrateError> {
    let engine = database.engine();
    let denied = matches!(error, MigrateError::Hidden) || code(&error).as_deref() == Some("42501");
    let broken = match &error {
        MigrateError::Run { source, .. } if matches!(source.as_ref(), RunError::ForeignKeys { .. }) => true,
        // Class 23 on PostgreSQL; on SQLite the primary code 19.
        _ => code(&error).is_some_and(|code| match engine {
            Engine::Postgres => code.starts_with("23"),
            Engine::Sqlite => code.parse::<u32>().is_ok_and(|code| code & 0xff == 19),
        }),
    };
    if !denied && !broken {
        return Ok(error);
    }
    let migration = match &error {
        MigrateError::Run { version, .. } => migrations.iter().find(|migration| migration.version() == version),
        // The record itself may not be read or made.
        _ => migrations.last(),
    };
    let Some(migration) = migration else { return Ok(error) };
    let wait = &mut |wait: Wait<'_>| tell(Event::Waiting(wait));
    let (findings, refusal) = look(database, &manner.patience, wait, async |txn| {
        let wanted = snapshot::of(migration)?;
        let live = live::read(txn, &wanted, &[]).await?;
        let home = live.rights.home;
        let Ok(mut plan) = plan(&live.schema, &wanted, engine, Origin::Live, &Request::default(), home) else {
            return Ok((Vec::new(), None));
        };
        if let Some(refusal) = refusal(&plan, live.rights.clone(), database.name()) {
            return Ok((Vec::new(), Some(refusal)));
        }
        Ok::<_, MigrateError>((checks::run(txn, &live, &wanted, &mut plan).await?, None))
    })
    .await?;
    match refusal {
        Some(refusal) if denied => Ok(refusal),
        _ if broken && !findings.is_empty() => {
            Ok(MigrateError::Data { version: migration.folder(), findings, ran: true })
        }
        _ => Ok(error),
    }
}

/// The rights that the role lacks for going the way of `plan` and noting it, all of them at once.
pub(super) fn refusal(plan: &Plan, rights: Rights, database: &str) -> Option<MigrateError> {
    let missing = rights::missing(plan, &rights, true);
    let (role, database) = (rights.role, database.to_owned());
    (!missing.is_empty()).then_some(MigrateError::Rights { role, database, missing })
}
