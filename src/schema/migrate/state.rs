//! Which migrations a database has: by its record, or, where it has none, by its live schema.

use migration::Migration;
use migration::history::{self, Standing};
use sea_orm::ConnectionTrait;

use super::{MigrateError, dialect};
use crate::db::{Database, Engine};
use crate::schema::diff::{self, diff};
use crate::schema::{LockPolicy, Schema, Waiting, desired, live, session, snapshot};

/// Which of the migrations of a build a database has.
#[derive(Clone, Debug)]
pub(crate) struct MigrationState<'a> {
    /// What is applied, pending, edited, missing. A recognised version and all before it count as pending until they
    /// are recorded.
    pub standing: Standing<'a>,
    /// What this is known from.
    pub origin: Origin<'a>,
    /// Whether there is a record that the role may not read: then the live schema decides, as without one.
    pub hidden: bool,
}

/// What a database's version is known from.
#[derive(Clone, Debug)]
pub(crate) enum Origin<'a> {
    /// Its record.
    Record,
    /// It has no record and none of our tables.
    Empty,
    /// It has no record, but equals this version: Drizzle Kit made it, or a record was lost.
    Recognised(&'a Migration),
    /// Its record ends before this version, whose schema it has already: it was pushed to before the migration was written.
    Pushed(&'a Migration),
    /// It has no record and equals no version.
    Unknown {
        /// The version that it comes nearest to.
        nearest: &'a Migration,
        /// What would have to change for it to be that version.
        difference: Vec<String>,
        /// Whether it is what the entities ask for: it was pushed, and the migration is still to be generated.
        pushed_ahead: bool,
    },
}

impl<'a> MigrationState<'a> {
    /// What is still to run to reach `to`, or, without it, the newest; oldest first.
    pub(crate) fn pending(&self, to: Option<&Migration>) -> Vec<&'a Migration> {
        let from = match self.origin {
            Origin::Recognised(migration) | Origin::Pushed(migration) => migration.version(),
            _ => "",
        };
        let wanted = |migration: &&Migration| {
            migration.version() > from && to.is_none_or(|to| migration.version() <= to.version())
        };
        self.standing.pending.iter().copied().filter(wanted).collect()
    }

    /// The version it is at: the newest applied or recognised one.
    pub(crate) fn version(&self) -> Option<&'a Migration> {
        match self.origin {
            Origin::Recognised(migration) | Origin::Pushed(migration) => Some(migration),
            _ => self.standing.applied.iter().map(|(migration, _)| *migration).next_back(),
        }
    }

    /// The version it is at or comes nearest to.
    pub(super) fn nearest(&self) -> Option<&'a Migration> {
        match self.origin {
            Origin::Unknown { nearest, .. } => Some(nearest),
            _ => self.version(),
        }
    }

    /// Refuses to go on where the record and this build disagree, or the database is not known.
    ///
    /// # Errors
    /// [`MigrateError::Edited`], [`MigrateError::Missing`], [`MigrateError::Hidden`], [`MigrateError::Unrecognised`].
    pub(crate) fn refuse_unsound(&self) -> Result<(), MigrateError> {
        self.refuse_unknown()?;
        if !self.standing.edited.is_empty() {
            let edited = self.standing.edited.iter().map(|(migration, _)| migration.folder()).collect();
            return Err(MigrateError::Edited(edited));
        }
        match &self.origin {
            Origin::Unknown { nearest, difference, pushed_ahead } => Err(MigrateError::Unrecognised {
                nearest: nearest.folder(),
                difference: difference.clone(),
                pushed_ahead: *pushed_ahead,
            }),
            _ => Ok(()),
        }
    }

    /// Refuses to go on where migrations are applied that this build does not have, or that cannot be known.
    ///
    /// # Errors
    /// [`MigrateError::Missing`], [`MigrateError::Hidden`].
    pub(crate) fn refuse_unknown(&self) -> Result<(), MigrateError> {
        if self.hidden {
            return Err(MigrateError::Hidden);
        }
        if self.standing.missing.is_empty() {
            return Ok(());
        }
        let missing = self.standing.missing.iter().map(|line| format!("{}_{}", line.version, line.name)).collect();
        Err(MigrateError::Missing(missing))
    }
}

/// Finds out which of `migrations`, oldest first, `database` has. Changes nothing.
///
/// # Errors
/// [`MigrateError::Live`], [`MigrateError::Snapshot`], [`MigrateError::Driver`].
pub(crate) async fn look<'a>(
    database: &Database,
    migrations: &'a [Migration],
    patience: &LockPolicy,
    wait: &mut Waiting<'_>,
) -> Result<MigrationState<'a>, MigrateError> {
    session::look(database, patience, wait, async |txn| inside(txn, migrations).await).await
}

/// The same, inside a transaction.
pub(super) async fn inside<'a>(
    txn: &impl ConnectionTrait,
    migrations: &'a [Migration],
) -> Result<MigrationState<'a>, MigrateError> {
    crate::schema::history::refuse_foreign(txn).await?;
    let hidden = !history::is_readable(txn).await?;
    let record = if hidden { Vec::new() } else { history::read(txn).await? };
    let standing = history::standing(migrations, &record, dialect(Engine::of(txn)));
    let origin = if record.is_empty() { recognise(txn, migrations).await? } else { ahead(txn, &standing).await? };
    Ok(MigrationState { standing, origin, hidden })
}

/// Whether a database has the schema of a migration that its record lacks: that of the newest pending one that changes the
/// schema on this engine. One that changes rows only is never taken for done.
async fn ahead<'a>(txn: &impl ConnectionTrait, standing: &Standing<'a>) -> Result<Origin<'a>, MigrateError> {
    let Some((newest, _)) = standing.applied.last() else { return Ok(Origin::Record) };
    let mut origin = Origin::Record;
    let mut before = snapshot::of(newest)?;
    for &migration in standing.pending.iter().filter(|migration| migration.version() > newest.version()) {
        let after = snapshot::of(migration)?;
        if !missing(txn, &before, &after).is_empty() && difference(txn, &after).await?.is_empty() {
            origin = Origin::Pushed(migration);
        }
        before = after;
    }
    Ok(origin)
}

/// Compares the database with each version, newest first, since an older one differs from it only by what a newer one
/// adds, which is no difference where it is merely further.
async fn recognise<'a>(txn: &impl ConnectionTrait, migrations: &'a [Migration]) -> Result<Origin<'a>, MigrateError> {
    let mut nearest: Option<(&Migration, Vec<String>)> = None;
    let mut empty = true;
    for migration in migrations.iter().rev() {
        let schema = snapshot::of(migration)?;
        let live = live::read(txn, &schema, &[]).await?;
        if live.schema.tables.is_empty() {
            continue;
        }
        empty = false;
        let difference = missing(txn, &live.schema, &schema);
        if difference.is_empty() {
            return Ok(Origin::Recognised(migration));
        }
        if nearest.as_ref().is_none_or(|(_, least)| difference.len() < least.len()) {
            nearest = Some((migration, difference));
        }
    }
    Ok(match nearest {
        Some((nearest, difference)) if !empty => {
            let pushed_ahead = self::difference(txn, &desired()?).await?.is_empty();
            Origin::Unknown { nearest, difference, pushed_ahead }
        }
        _ => Origin::Empty,
    })
}

/// What would have to change for the database to equal `wanted`; empty when it does.
///
/// # Errors
/// [`MigrateError::Live`].
pub(super) async fn difference(txn: &impl ConnectionTrait, wanted: &Schema) -> Result<Vec<String>, MigrateError> {
    Ok(difference_and_unknown(txn, wanted).await?.0)
}

/// The same, and what of it is not certain: see [`live::Live::unknown`].
pub(super) async fn difference_and_unknown(
    txn: &impl ConnectionTrait,
    wanted: &Schema,
) -> Result<(Vec<String>, Vec<String>), MigrateError> {
    let mut renames = desired::renames();
    renames.retain(|rename| wanted.table(&rename.table).is_some_and(|table| table.column(&rename.to).is_some()));
    let live = live::read(txn, wanted, &renames).await?;
    Ok((missing(txn, &live.schema, wanted), live.unknown))
}

fn missing(txn: &impl ConnectionTrait, live: &Schema, wanted: &Schema) -> Vec<String> {
    let renames = desired::renames_between(live, wanted);
    let found = diff(live, wanted, Engine::of(txn), diff::Origin::Live, &renames);
    found.changes.iter().map(|change| change.what()).collect()
}

/// Refuses an outcome that is not what the newest applied migration's snapshot says. Below that one nothing may be
/// pending: while an older one that arrived late is still to run, no snapshot knows what the database is like.
pub(super) async fn hold_to_snapshot(txn: &impl ConnectionTrait, migrations: &[Migration]) -> Result<(), MigrateError> {
    let outlook = inside(txn, migrations).await?;
    let newest = match outlook.origin {
        Origin::Empty => return Ok(()),
        // Nothing is on the record any more, but tables of ours are left.
        Origin::Recognised(_) | Origin::Unknown { .. } => return Err(MigrateError::Leftovers),
        Origin::Record | Origin::Pushed(_) => outlook.version(),
    };
    let Some(newest) = newest else { return Ok(()) };
    if !outlook.pending(Some(newest)).is_empty() {
        return Ok(());
    }
    let difference = difference(txn, &snapshot::of(newest)?).await?;
    if difference.is_empty() {
        return Ok(());
    }
    Err(MigrateError::Drifted { version: newest.folder(), difference })
}
