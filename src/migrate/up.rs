//! The way up: pending migrations, each in a transaction of its own, each held against its snapshot before it lasts.

use migration::history::{self, Via};
use migration::{Direction, Migration, runner};

use super::look::{self, Origin, Outlook};
use super::loss::{self, Loss};
use super::{Manner, MigrateError, Step, session};
use crate::approval::Approval;
use crate::db::{Database, Transaction};

/// What `migrate` would do: the outlook, and what the pending scripts lose. Changes nothing.
///
/// # Errors
/// [`MigrateError`]: all for which [`up`] would refuse to begin.
pub async fn plan_up<'a>(
    database: &Database,
    migrations: &'a [Migration],
    to: Option<&Migration>,
) -> Result<(Outlook<'a>, Vec<Loss>), MigrateError> {
    let txn = session::to_look(database).await?;
    let outlook = look::inside(&txn, migrations).await?;
    outlook.refuse_unsound()?;
    if let (Some(to), Some(at)) = (to, outlook.version())
        && at.version() > to.version()
    {
        return Err(MigrateError::Behind { asked: to.folder(), at: at.folder() });
    }
    let losses = loss::count(&txn, &outlook.pending(to), Direction::Up).await?;
    txn.rollback().await?;
    Ok((outlook, losses))
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
    manner: Manner,
    _approval: Approval,
) -> Result<Vec<Step>, MigrateError> {
    let txn = session::to_change(database, manner.lock_timeout).await?;
    let outlook = look::inside(&txn, migrations).await?;
    let last = match to {
        Some(to) => Some(to),
        None => {
            outlook.refuse_unsound()?;
            outlook.version()
        }
    };
    let mut steps = Vec::new();
    if let Some(last) = last {
        history::install(&txn).await?;
        for migration in outlook.standing.pending.iter().filter(|migration| migration.version() <= last.version()) {
            history::record(&txn, migration, 0, Via::Baseline).await?;
            steps.push(Step::new(migration, Via::Baseline, 0));
        }
    }
    if manner.dry_run {
        txn.rollback().await?;
    } else {
        txn.commit().await?;
    }
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
    manner: Manner,
    _approval: Approval,
    mut tell: impl FnMut(&Step),
) -> Result<Vec<Step>, MigrateError> {
    let mut done = Vec::new();
    if manner.dry_run {
        let txn = session::to_change(database, manner.lock_timeout).await?;
        while let steps = step(&txn, migrations, to).await?
            && !steps.is_empty()
        {
            steps.iter().for_each(&mut tell);
            done.extend(steps);
        }
        txn.rollback().await?;
        return Ok(done);
    }
    loop {
        // Taken anew each time: another run may have been here in between, and then there is less to do.
        let txn = session::to_change(database, manner.lock_timeout).await?;
        let steps = step(&txn, migrations, to).await?;
        if steps.is_empty() {
            txn.rollback().await?;
            return Ok(done);
        }
        txn.commit().await?;
        steps.iter().for_each(&mut tell);
        done.extend(steps);
    }
}

/// Puts a recognised database on the record and runs the next pending migration; answers nothing when there is nothing
/// to do.
async fn step(txn: &Transaction, migrations: &[Migration], to: Option<&Migration>) -> Result<Vec<Step>, MigrateError> {
    let outlook = look::inside(txn, migrations).await?;
    outlook.refuse_unsound()?;
    let mut steps = Vec::new();
    let next = outlook.pending(to).first().copied();
    if let Origin::Recognised(recognised) = outlook.origin {
        history::install(txn).await?;
        for migration in migrations.iter().filter(|migration| migration.version() <= recognised.version()) {
            history::record(txn, migration, 0, Via::Baseline).await?;
            steps.push(Step::new(migration, Via::Baseline, 0));
        }
    }
    let Some(next) = next else { return Ok(steps) };
    history::install(txn).await?;
    let took_ms = runner::apply(txn, next).await?;
    steps.push(Step::new(next, Via::Migrate, took_ms));
    look::hold_to_snapshot(txn, migrations).await?;
    Ok(steps)
}
