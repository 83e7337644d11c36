//! Which version of the schema a database is at, by its definitions too, and what of them is otherwise than there.

use std::collections::HashSet;

use sea_orm::ConnectionTrait;

use super::ahead::{extended, without};
use super::changed::{Comparison, Differences};
use super::error::{BackupError, Result};
use super::format::manifest::AppliedMigration;
use super::format::table_schema::TableShape;
use super::version::{self, At, Standing, Version, all, of, wanted};
use crate::db::Engine;
use crate::schema::LiveError;
use crate::schema::live::Catalogue;

/// The version of tables with these shapes and objects: by names as [`of`] finds it, and of versions that have the same names
/// the newest whose definitions are there; with what is changed. `connection` is in a transaction, in which the catalogue is
/// read and nothing changed.
///
/// # Errors
/// Those of [`of`]; the driver's.
pub(crate) async fn version_of<'a>(
    connection: &impl ConnectionTrait,
    tables: impl IntoIterator<Item = (&'a TableShape, &'a HashSet<String>)>,
    record: &[AppliedMigration],
) -> Result<Option<At>> {
    let standing = &version::standing(tables)[..];
    let recorded = record.last().map(|line| line.version.as_str());
    let Some(mut at) = of(standing, recorded)? else { return Ok(None) };
    let names: Vec<&str> = standing.iter().map(|found| found.table).collect();
    match compare(connection, &names, standing, recorded, &mut at).await {
        Ok(()) => Ok(Some(at)),
        Err(Uncomparable::Backup(error)) => Err(error),
        Err(Uncomparable::Live(LiveError::Driver(error))) => Err(error.into()),
        // A table that cannot be described has rows all the same: they are worth a backup.
        Err(Uncomparable::Live(_)) => of(standing, recorded),
    }
}

enum Uncomparable {
    Backup(BackupError),
    Live(LiveError),
}

impl From<BackupError> for Uncomparable {
    fn from(error: BackupError) -> Self {
        Self::Backup(error)
    }
}

impl From<LiveError> for Uncomparable {
    fn from(error: LiveError) -> Self {
        Self::Live(error)
    }
}

async fn compare(
    connection: &impl ConnectionTrait,
    names: &[&str],
    standing: &[Standing<'_>],
    recorded: Option<&str>,
    at: &mut At,
) -> Result<(), Uncomparable> {
    let engine = Engine::of(connection);
    let catalogue = Catalogue::read(connection, names).await?;
    let (versions, wanted) = (all()?, wanted()?);
    let is_possible = |version: &&Version| {
        let own = version.migration.version();
        own <= at.version.as_str()
            && recorded.is_none_or(|recorded| own >= recorded)
            && version.missing(standing).is_some_and(|missing| missing.is_empty())
    };
    let mut possible: Vec<&Version> = versions.iter().filter(is_possible).rev().collect();
    // Where no version's definitions are there, the record says which it was before the push.
    let mut chosen = possible.iter().copied().find(|version| recorded == Some(version.migration.version()));
    if possible.len() == 1 {
        possible.clear();
    }
    for version in possible {
        let live = catalogue.compare(connection, &version.schema).await?;
        let schema = &version.schema;
        let itself = Comparison { engine, version: schema, wanted: schema, as_version: &live, as_wanted: &live };
        if itself.differences() == Differences::default() {
            chosen = Some(version);
            break;
        }
    }
    if let Some(chosen) = chosen.filter(|chosen| chosen.migration.version() != at.version) {
        *at = At::of_version(chosen, &wanted, standing);
    }
    let Some(version) = versions.into_iter().find(|version| version.migration.version() == at.version) else {
        return Ok(());
    };
    let ahead = extended(without(version.schema, &at.missing), &wanted, &at.pending);
    let as_version = catalogue.compare(connection, &ahead).await?;
    let as_wanted = catalogue.compare(connection, &wanted).await?;
    let of = Comparison { engine, version: &ahead, wanted: &wanted, as_version: &as_version, as_wanted: &as_wanted };
    let Differences { changed, replaced } = of.differences();
    at.changed = changed;
    at.missing.extend(replaced);
    at.missing.sort();
    at.missing.dedup();
    Ok(())
}
