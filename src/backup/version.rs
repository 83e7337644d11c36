//! Which version of the schema a database is at, judged by what stands there, and what each version looks like.
//!
//! The record of applied migrations is not enough: a database that Drizzle Kit made has none, and one that another
//! tool pushed to afterwards may lack constraints that its record promises, and hold rows that break them. A restore
//! makes the tables of the version that the source really had, so that its rows fit.

use std::collections::HashSet;

use migration::Migration;

use super::error::{BackupError, Result};
use super::manifest::Manifest;
use crate::db::Engine;
use crate::schema::model::{Rule, Schema, Shape, TriggerBody};
use crate::schema::snapshot;

/// One version of the schema.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its migration.
    pub migration: &'static Migration,
    /// Its tables.
    pub schema: Schema,
}

/// What stands in a database under one table's name.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// Its name.
    pub table: &'a str,
    /// Its columns' names.
    pub columns: Vec<&'a str>,
    /// Names of its constraints, unique indexes and triggers.
    pub objects: &'a HashSet<String>,
}

/// All versions of this build, oldest first.
///
/// # Errors
/// [`BackupError::Misfit`] when an embedded snapshot cannot be read, which a test excludes.
pub fn all() -> Result<Vec<Version>> {
    let read = |migration: &'static Migration| {
        let schema = snapshot::of(migration)
            .map_err(|error| BackupError::Misfit { table: migration.folder(), why: error.to_string() })?;
        Ok(Version { migration, schema })
    };
    migration::all().iter().map(read).collect()
}

/// The newest version whose tables, columns, keys, checks and triggers all stand there.
///
/// # Errors
/// As [`all`].
pub fn of(standing: &[Standing<'_>], engine: Engine) -> Result<Option<Version>> {
    Ok(all()?.into_iter().rev().find(|version| version.stands(standing, engine)))
}

/// The version that an archive's tables are made at: the one it names, else the oldest that has all its columns.
///
/// # Errors
/// [`BackupError::TooNew`] when this build does not know the version; [`BackupError::Misfit`] when there is none.
pub fn of_archive(manifest: &Manifest) -> Result<Version> {
    let mut versions = all()?;
    if let Some(wanted) = &manifest.schema_version {
        let found = versions.iter().position(|version| version.migration.version() == wanted);
        return found.map(|index| versions.swap_remove(index)).ok_or_else(|| BackupError::TooNew {
            skyteam: manifest.skyteam.clone(),
            what: format!("version {wanted} of the schema"),
        });
    }
    let columns = |version: &Version| {
        let known = manifest.tables.iter().filter_map(|entry| Some((entry, version.schema.table(&entry.name)?)));
        known
            .map(|(entry, table)| entry.columns.iter().filter(|c| table.column(&c.name).is_some()).count())
            .sum::<usize>()
    };
    let most = versions.iter().map(columns).max().unwrap_or(0);
    let found = versions.iter().position(|version| columns(version) == most && most > 0);
    found.map(|index| versions.swap_remove(index)).ok_or_else(|| BackupError::Misfit {
        table: "the archive".into(),
        why: "none of its tables is one of skyteam's".into(),
    })
}

/// The newest version of this build.
///
/// # Errors
/// As [`all`].
pub fn latest() -> Result<Version> {
    all()?.pop().ok_or_else(|| BackupError::Misfit { table: "this build".into(), why: "it has no migrations".into() })
}

impl Version {
    fn stands(&self, standing: &[Standing<'_>], engine: Engine) -> bool {
        self.schema.tables.iter().all(|table| {
            let Some(found) = standing.iter().find(|found| found.table == table.name) else { return false };
            let columns = table.columns.iter().all(|column| found.columns.contains(&column.name.as_str()));
            columns && self.objects(&table.name, engine).all(|name| found.objects.contains(name))
        })
    }

    /// What rows of the table must obey, by name.
    fn objects(&self, table: &str, engine: Engine) -> impl Iterator<Item = &str> {
        let table = self.schema.table(table);
        let constraints = table.into_iter().flat_map(|table| &table.constraints);
        let constraints = constraints.filter(|constraint| !matches!(constraint.rule, Rule::Raw(_)));
        let indexes = table.into_iter().flat_map(|table| &table.indexes);
        let indexes = indexes.filter(|index| matches!(index.shape, Shape::Columns { unique: true, .. }));
        let triggers = table.into_iter().flat_map(|table| &table.triggers);
        let triggers = triggers.filter(move |trigger| match trigger.body {
            TriggerBody::Postgres { .. } => engine == Engine::Postgres,
            TriggerBody::Sqlite(_) => engine == Engine::Sqlite,
            TriggerBody::Raw(_) => false,
        });
        constraints
            .map(|constraint| constraint.name.as_str())
            .chain(indexes.map(|index| index.name.as_str()))
            .chain(triggers.map(|trigger| trigger.name.as_str()))
    }

    /// Names of its tables, in the order in which they are made.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.schema.tables.iter().map(|table| table.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_by_what_stands_and_not_by_a_record() {
        let versions = all().unwrap();
        for engine in [Engine::Postgres, Engine::Sqlite] {
            for version in &versions {
                let objects: Vec<HashSet<String>> =
                    version.tables().map(|table| version.objects(table, engine).map(Into::into).collect()).collect();
                let mut standing: Vec<Standing<'_>> = version
                    .schema
                    .tables
                    .iter()
                    .zip(&objects)
                    .map(|(table, objects)| Standing {
                        table: &table.name,
                        columns: table.columns.iter().map(|column| column.name.as_str()).collect(),
                        objects,
                    })
                    .collect();
                let found = of(&standing, engine).unwrap().unwrap();
                assert_eq!(found.migration.version(), version.migration.version());
                standing.pop();
                assert!(of(&standing, engine).unwrap().is_none());
            }
        }
        // Another tool dropped one check of the newest version: its rows may break it.
        let newest = versions.last().unwrap();
        let mut objects: Vec<HashSet<String>> =
            newest.tables().map(|table| newest.objects(table, Engine::Postgres).map(Into::into).collect()).collect();
        assert!(objects.iter_mut().any(|objects| objects.remove("milesTransactions_amount_check")));
        let standing: Vec<Standing<'_>> = newest
            .schema
            .tables
            .iter()
            .zip(&objects)
            .map(|(table, objects)| Standing {
                table: &table.name,
                columns: table.columns.iter().map(|column| column.name.as_str()).collect(),
                objects,
            })
            .collect();
        let found = of(&standing, Engine::Postgres).unwrap().unwrap();
        assert_eq!(found.migration.version(), versions[0].migration.version());
    }
}
