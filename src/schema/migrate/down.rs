//! Undoing the newest applied migrations, with the losses counted before the question.

use migration::history::Via;
use migration::{Direction, Migration, runner};

use super::data_loss::Loss;
use super::state::MigrationState;
use super::with_schema_lock::{Event, Tell};
use super::{MigrateError, MigrateOptions, Step, data_loss, state, with_schema_lock};
use crate::consent::Approval;
use crate::db::{Database, Transaction};
use crate::schema::{LockPolicy, Pause, Waiting, estimate, session};

/// How far down.
#[derive(Clone, Copy, Debug)]
pub enum Descent<'a> {
    /// So many migrations, or all where there are fewer.
    Steps(usize),
    /// Until this one is the newest.
    To(&'a Migration),
}

/// What would be undone, newest first, and what that loses.
#[derive(Clone, Debug)]
pub struct WayDown<'a> {
    /// The migrations.
    pub migrations: Vec<&'a Migration>,
    /// Tables and columns that go.
    pub losses: Vec<Loss>,
    /// The migration that is the newest afterwards.
    pub stays: Option<&'a Migration>,
    /// How long others are stopped.
    pub(crate) pause: Pause,
}

impl WayDown<'_> {
    /// The lines that would go from the record.
    pub fn steps(&self) -> Vec<Step> {
        self.migrations.iter().map(|migration| Step::new(migration, Via::Migrate, 0)).collect()
    }
}

/// Plans the way down and counts what it loses. Changes nothing.
///
/// # Errors
/// [`MigrateError`]; [`MigrateError::NotApplied`] when the version to stop at is not applied.
pub async fn plan_down<'a>(
    database: &Database,
    migrations: &'a [Migration],
    descent: Descent<'_>,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<WayDown<'a>, MigrateError> {
    let looked = session::look(database, patience, wait, async |txn| {
        let outlook = state::inside(txn, migrations).await?;
        let undone = undone(&outlook, descent)?;
        let losses = data_loss::count(txn, &undone, Direction::Down).await?;
        let mut way = with_schema_lock::way(database.engine(), migrations, &undone, Direction::Down)?;
        let mut pause = Pause::default();
        for plan in &mut way {
            pause.writers += estimate::fill(txn, plan).await?.writers;
        }
        pause.readers = pause.writers;
        Ok::<_, MigrateError>((outlook, undone, losses, pause))
    });
    let (outlook, migrations, losses, pause) = looked.await?;
    let gone = |applied: &Migration| migrations.iter().any(|migration| migration.version() == applied.version());
    let stays = applied(&outlook).into_iter().find(|migration| !gone(migration));
    Ok(WayDown { migrations, losses, stays, pause })
}

/// Undoes the newest migrations, each in a transaction of its own, and reports each as soon as that is committed.
///
/// # Errors
/// [`MigrateError`]. The migrations that were reported stay undone.
pub async fn down(
    database: &Database,
    migrations: &[Migration],
    way: &WayDown<'_>,
    manner: MigrateOptions,
    _approval: Approval,
    tell: Tell<'_>,
) -> Result<Vec<Step>, MigrateError> {
    let mut done = Vec::new();
    // A dry run undoes all in one transaction, else each has its own.
    let at_once = if manner.dry_run { way.migrations.len() } else { 1 };
    for part in way.migrations.chunks(at_once.max(1)) {
        let claims = with_schema_lock::claims(database.engine(), migrations, part, Direction::Down)?;
        let steps = with_schema_lock::take(database, manner, &claims, tell, async |txn| {
            let mut steps = Vec::new();
            for migration in part {
                steps.push(undo(txn, migrations, migration).await?);
            }
            Ok(steps)
        })
        .await?;
        steps.iter().for_each(|step| tell(Event::Done(step)));
        done.extend(steps);
    }
    Ok(done)
}

async fn undo(txn: &Transaction, migrations: &[Migration], migration: &Migration) -> Result<Step, MigrateError> {
    let outlook = state::inside(txn, migrations).await?;
    // Consent was given for this one; another run may have been here since.
    if undone(&outlook, Descent::Steps(1))?.first().map(|newest| newest.version()) != Some(migration.version()) {
        return Err(MigrateError::NotApplied(migration.folder()));
    }
    let ran = runner::revert(txn, migration).await;
    let took_ms = ran.map_err(|source| MigrateError::run(migration, source))?;
    state::hold_to_snapshot(txn, migrations).await?;
    Ok(Step::new(migration, Via::Migrate, took_ms))
}

/// The applied migrations that `descent` undoes, newest first.
fn undone<'a>(outlook: &MigrationState<'a>, descent: Descent<'_>) -> Result<Vec<&'a Migration>, MigrateError> {
    outlook.refuse_unknown()?;
    let applied = applied(outlook).into_iter();
    match descent {
        Descent::Steps(steps) => Ok(applied.take(steps).collect()),
        Descent::To(last) => {
            if !applied.clone().any(|migration| migration.version() == last.version()) {
                return Err(MigrateError::NotApplied(last.folder()));
            }
            Ok(applied.take_while(|migration| migration.version() > last.version()).collect())
        }
    }
}

/// What is applied, newest first. One that was edited since can go too: that is how a developer comes to run it anew.
fn applied<'a>(outlook: &MigrationState<'a>) -> Vec<&'a Migration> {
    let standing = &outlook.standing;
    let both = standing.applied.iter().chain(&standing.edited);
    let mut applied: Vec<&Migration> = both.map(|(migration, _)| *migration).collect();
    applied.sort_by_key(|migration| std::cmp::Reverse(migration.version()));
    applied
}
