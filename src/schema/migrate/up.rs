//! Applying pending migrations, each in a transaction of its own, each compared with its snapshot before the commit.

use migration::history::{self, Via};
use migration::{Direction, Migration, runner};

use super::data_loss::Loss;
use super::state::{MigrationState, Origin};
use super::with_schema_lock::{Event, Tell};
use super::{MigrateError, MigrateOptions, Step, data_loss, state, with_schema_lock};
use crate::consent::Approval;
use crate::db::{Database, Engine, Transaction};
use crate::schema::claims::Claims;
use crate::schema::{
    self, Live, LockPolicy, Pause, Plan, Request, SchemaError, Wait, Waiting, checks, dependents, estimate, live, plan,
    session, snapshot,
};

/// What `migrate` would do.
#[derive(Clone, Debug)]
pub struct WayUp<'a> {
    /// The state of the database.
    pub(crate) outlook: MigrationState<'a>,
    /// Tables and columns that go.
    pub losses: Vec<Loss>,
    /// How long others are stopped.
    pub(crate) pause: Pause,
}

impl WayUp<'_> {
    /// The lines that would come on the record: of what is there already, and of what runs.
    pub fn steps(&self, to: Option<&Migration>) -> Vec<Step> {
        let there = match self.outlook.origin {
            Origin::Recognised(at) => Some((at, Via::Baseline)),
            Origin::Pushed(at) => Some((at, Via::Push)),
            Origin::Record | Origin::Empty | Origin::Unknown { .. } => None,
        };
        let recorded = there.into_iter().flat_map(|(at, via)| {
            let pending = self.outlook.standing.pending.iter();
            pending.filter(|migration| migration.version() <= at.version()).map(move |each| Step::new(each, via, 0))
        });
        recorded.chain(self.outlook.pending(to).into_iter().map(|each| Step::new(each, Via::Migrate, 0))).collect()
    }
}

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
) -> Result<WayUp<'a>, MigrateError> {
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
        let mut pause = Pause::default();
        if let Some(last) = pending.last()
            && let Some((mut plan, found)) = way(txn, last).await?
        {
            if let Some(refusal) = with_schema_lock::refusal(&plan, found.rights, database.name()) {
                return Err(refusal);
            }
            let depended = dependents::find(txn, &plan).await?;
            if !depended.is_empty() {
                return Err(SchemaError::Depended(depended).into());
            }
            pause = estimate::fill(txn, &mut plan).await?;
            // A script takes its locks in an order of its own, so all are taken at once.
            pause.readers = pause.writers;
        }
        let losses = data_loss::count(txn, &pending, Direction::Up).await?;
        Ok(WayUp { outlook, losses, pause })
    });
    match looked.await {
        Ok(looked) => Ok(looked),
        Err(error) => Err(with_schema_lock::explain(database, migrations, &manner, error, tell).await?),
    }
}

/// The plan from the live schema to the migration's snapshot; none where it needs a rename or a value that is not known,
/// which may still be what the script does.
async fn way(txn: &Transaction, last: &Migration) -> Result<Option<(Plan, Live)>, MigrateError> {
    let wanted = snapshot::of(last)?;
    let found = live::read(txn, &wanted, &[]).await?;
    let (origin, home) = (schema::Origin::Live, found.rights.home);
    let planned = plan(&found.schema, &wanted, Engine::of(txn), origin, &Request::default(), home);
    Ok(planned.ok().map(|plan| (plan, found)))
}

/// Looks whether the data obeys what the pending migrations up to `to` bring, and changes nothing.
///
/// # Errors
/// [`MigrateError::Data`], and those of reading.
pub(crate) async fn check(
    database: &Database,
    migrations: &[Migration],
    to: Option<&Migration>,
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<(), MigrateError> {
    session::look(database, patience, wait, async |txn| {
        let outlook = state::inside(txn, migrations).await?;
        let Some(last) = outlook.pending(to).last().copied() else { return Ok(()) };
        let Some((mut plan, found)) = way(txn, last).await? else { return Ok(()) };
        let findings = checks::run(txn, &found, &snapshot::of(last)?, &mut plan).await?;
        if findings.is_empty() {
            return Ok(());
        }
        Err(MigrateError::Data { version: last.folder(), findings, ran: false })
    })
    .await
}

/// Puts all migrations up to `to` on the record without running them. Without `to` the database must equal a version,
/// and is taken for that one.
///
/// # Errors
/// [`MigrateError`].
pub(crate) async fn baseline(
    database: &Database,
    migrations: &[Migration],
    to: Option<&Migration>,
    manner: MigrateOptions,
    _approval: Approval,
    tell: Tell<'_>,
) -> Result<Vec<Step>, MigrateError> {
    let steps = with_schema_lock::take(database, manner, &Claims::default(), tell, async |txn| {
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

/// Runs what is pending up to `to`, or all of it, and reports each migration as soon as it is committed.
///
/// A database without a record that equals a version is first put on the record up to there, in the same transaction
/// as the first migration that runs.
///
/// # Errors
/// [`MigrateError`]. The migrations that were reported stay applied.
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
        let outlook =
            state::look(database, migrations, &manner.patience, &mut |wait| tell(Event::Waiting(wait))).await?;
        let pending = outlook.pending(to);
        let run = if manner.dry_run { pending.as_slice() } else { &pending[..pending.len().min(1)] };
        let claims = with_schema_lock::claims(database.engine(), migrations, run, Direction::Up)?;
        let taken = with_schema_lock::take(database, manner, &claims, tell, async |txn| {
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

/// Puts a recognised database on the record and runs the next pending migration; returns nothing when there is nothing
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
