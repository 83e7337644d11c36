//! The way up: pending migrations, each in a transaction of its own, each held against its snapshot before it lasts.

use migration::history::{self, Via};
use migration::{Direction, Migration, runner};

use super::data_loss::Loss;
use super::state::{Origin, Outlook};
use super::with_schema_lock::{Event, Tell};
use super::{MigrateError, MigrateOptions, Step, data_loss, state, with_schema_lock};
use crate::consent::Approval;
use crate::db::{Database, Transaction};
use crate::schema::{self, Request, Wait, live, plan, session, snapshot};

/// What `migrate` would do: the outlook, and what the pending scripts lose. Changes nothing.
///
/// # Errors
/// [`MigrateError`]: all for which [`up`] would refuse to begin.
pub async fn plan_up<'a>(
    database: &Database,
    migrations: &'a [Migration],
    to: Option<&Migration>,
    manner: MigrateOptions,
    tell: Tell<'_>,
) -> Result<(Outlook<'a>, Vec<Loss>), MigrateError> {
    let wait = &mut |wait: Wait<'_>| tell(Event::Waiting(wait));
    let looked = session::look(database, &manner.patience, wait, async |txn| {
        let outlook = state::inside(txn, migrations).await?;
        outlook.refuse_unsound()?;
        if let (Some(to), Some(at)) = (to, outlook.version())
            && at.version() > to.version()
        {
            return Err(MigrateError::Behind { asked: to.folder(), at: at.folder() });
        }
        let pending = outlook.pending(to);
        if let Some(last) = pending.last() {
            refuse_without_rights(database, txn, last).await?;
        }
        let losses = data_loss::count(txn, &pending, Direction::Up).await?;
        Ok((outlook, losses))
    });
    match looked.await {
        Ok(looked) => Ok(looked),
        Err(error) => Err(with_schema_lock::explain(database, migrations, &manner, error, tell).await?),
    }
}

/// Refuses to begin what the role may not do, as far as the way to the migration's snapshot tells.
async fn refuse_without_rights(database: &Database, txn: &Transaction, last: &Migration) -> Result<(), MigrateError> {
    let wanted = snapshot::of(last)?;
    let found = live::read(txn, &wanted, &[]).await?;
    let engine = database.engine();
    let home = found.rights.home;
    match plan(&found.schema, &wanted, engine, schema::Origin::Live, &Request::default(), home) {
        Ok(plan) => with_schema_lock::refusal(&plan, found.rights, database.name()).map_or(Ok(()), Err),
        // What cannot be planned without being told more may still be what the script does.
        Err(_) => Ok(()),
    }
}

/// Puts all migrations up to `to` on the record without running them. Without `to` the database must equal a version,
/// and is taken for that one.
///
/// # Errors
/// [`MigrateError`].
pub async fn baseline(
    database: &Database,
    migrations: &[Migration],
    to: Option<&Migration>,
    manner: MigrateOptions,
    _approval: Approval,
    tell: Tell<'_>,
) -> Result<Vec<Step>, MigrateError> {
    let steps = with_schema_lock::take(database, manner, tell, async |txn| {
        let outlook = state::inside(txn, migrations).await?;
        if to.is_none() {
            outlook.refuse_unsound()?;
        }
        let mut steps = Vec::new();
        if let Some(last) = to.or(outlook.version()) {
            history::install(txn).await?;
            for migration in outlook.standing.pending.iter().filter(|each| each.version() <= last.version()) {
                history::record(txn, migration, 0, Via::Baseline).await?;
                steps.push(Step::new(migration, Via::Baseline, 0));
            }
        }
        Ok(steps)
    })
    .await?;
    steps.iter().for_each(|step| tell(Event::Done(step)));
    Ok(steps)
}

/// Runs what is pending up to `to`, or all of it, and tells of each migration as soon as it lasts.
///
/// A database without a record that equals a version is first put on the record up to there, in the same transaction
/// as the first migration that runs.
///
/// # Errors
/// [`MigrateError`]. What was told of stays.
pub async fn up(
    database: &Database,
    migrations: &[Migration],
    to: Option<&Migration>,
    manner: MigrateOptions,
    _approval: Approval,
    tell: Tell<'_>,
) -> Result<Vec<Step>, MigrateError> {
    let mut done = Vec::new();
    loop {
        // The lock is taken anew each time: another run may have been here in between, and then there is less to do.
        let taken = with_schema_lock::take(database, manner, tell, async |txn| {
            let mut steps = step(txn, migrations, to).await?;
            let mut more = manner.dry_run && !steps.is_empty();
            while more {
                let next = step(txn, migrations, to).await?;
                more = !next.is_empty();
                steps.extend(next);
            }
            Ok(steps)
        });
        let steps = match taken.await {
            Ok(steps) => steps,
            Err(error) => return Err(with_schema_lock::explain(database, migrations, &manner, error, tell).await?),
        };
        steps.iter().for_each(|step| tell(Event::Done(step)));
        let finished = manner.dry_run || steps.is_empty();
        done.extend(steps);
        if finished {
            return Ok(done);
        }
    }
}

/// Puts a recognised database on the record and runs the next pending migration; answers nothing when there is nothing
/// to do.
async fn step(txn: &Transaction, migrations: &[Migration], to: Option<&Migration>) -> Result<Vec<Step>, MigrateError> {
    let outlook = state::inside(txn, migrations).await?;
    outlook.refuse_unsound()?;
    let mut steps = Vec::new();
    let next = outlook.pending(to).first().copied();
    let there = match outlook.origin {
        Origin::Recognised(at) => Some((at, Via::Baseline)),
        Origin::Pushed(at) => Some((at, Via::Push)),
        Origin::Record | Origin::Empty | Origin::Unknown { .. } => None,
    };
    if let Some((at, via)) = there {
        history::install(txn).await?;
        for migration in outlook.standing.pending.iter().filter(|migration| migration.version() <= at.version()) {
            history::record(txn, migration, 0, via).await?;
            steps.push(Step::new(migration, via, 0));
        }
    }
    let Some(next) = next else { return Ok(steps) };
    history::install(txn).await?;
    let ran = runner::apply(txn, next).await;
    let took_ms = ran.map_err(|source| MigrateError::run(next, source))?;
    steps.push(Step::new(next, Via::Migrate, took_ms));
    state::hold_to_snapshot(txn, migrations).await?;
    Ok(steps)
}
