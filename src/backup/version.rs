//! Which version of the schema a database is at, judged by what stands there, and what each version looks like.
//!
//! The record of applied migrations is not enough: a database that Drizzle Kit made has none, and one that another
//! tool pushed to afterwards may lack constraints that its record promises, and hold rows that break them. A restore
//! makes the tables of the version that the source really had, so that its rows fit.

use std::collections::HashSet;

use migration::Migration;

use super::error::{BackupError, Result};
use super::format::manifest::Manifest;
use crate::schema::model::{Rule, Schema, Shape, Table};
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
    /// Names of its constraints and indexes, and whatever else.
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

/// Which version a database is at, and what of it is missing there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Fourteen digits.
    pub version: String,
    /// Names of its keys, checks and unique indexes that do not stand: rows may break them.
    pub missing: Vec<String>,
}

/// The newest version that stands whole; or a newer one that is on the record, when its columns are there and only
/// something that other tools took away is missing. `None` when not even the columns of any version are there.
///
/// # Errors
/// As [`all`].
pub fn of(standing: &[Standing<'_>], recorded: Option<&str>) -> Result<Option<At>> {
    let versions = all()?;
    let at = |version: &Version| {
        Some(At { version: version.migration.version().to_owned(), missing: version.missing(standing)? })
    };
    let possible: Vec<At> = versions.iter().filter_map(at).collect();
    let whole = possible.iter().rev().find(|at| at.missing.is_empty());
    let on_record = possible.iter().find(|at| recorded == Some(at.version.as_str()));
    Ok(match (whole, on_record) {
        (Some(whole), Some(on_record)) if on_record.version > whole.version => Some(on_record.clone()),
        (Some(whole), _) => Some(whole.clone()),
        (None, Some(on_record)) => Some(on_record.clone()),
        (None, None) => possible.first().cloned(),
    })
}

/// What the oldest version has, and so every one, and what does not stand: tables and columns in words.
///
/// # Errors
/// As [`all`].
pub fn lacking(standing: &[(&str, Vec<&str>)]) -> Result<Vec<String>> {
    let mut lacking = Vec::new();
    for table in all()?.into_iter().take(1).flat_map(|oldest| oldest.schema.tables) {
        match standing.iter().find(|(name, _)| *name == table.name) {
            None => lacking.push(format!("table {}", table.name)),
            Some((_, columns)) => {
                let missing = table.columns.iter().filter(|column| !columns.contains(&column.name.as_str()));
                lacking.extend(missing.map(|column| format!("column {} of {}", column.name, table.name)));
            }
        }
    }
    Ok(lacking)
}

/// The version that an archive's tables are made at, without what its source was missing.
///
/// # Errors
/// [`BackupError::TooNew`] when this build does not know the version; [`BackupError::Misfit`] when the archive names
/// none.
pub fn of_archive(manifest: &Manifest) -> Result<Version> {
    let Some(wanted) = &manifest.schema_version else {
        return Err(BackupError::Misfit {
            table: "the archive".into(),
            why: "its tables were those of no version of skyteam; its Parquet files can still be read one by one"
                .into(),
        });
    };
    let mut found = all()?.into_iter().find(|version| version.migration.version() == wanted).ok_or_else(|| {
        BackupError::TooNew { skyteam: manifest.skyteam.clone(), what: format!("version {wanted} of the schema") }
    })?;
    for table in &mut found.schema.tables {
        table.constraints.retain(|constraint| !manifest.missing.contains(&constraint.name));
        table.indexes.retain(|index| !manifest.missing.contains(&index.name));
    }
    Ok(found)
}

/// The statements of a migration's script up.
///
/// # Errors
/// [`BackupError::Misfit`] when it cannot be cut into statements, which a test excludes.
pub fn script(migration: &'static Migration, engine: migration::Engine) -> Result<Vec<&'static str>> {
    let statements = migration::script::split(migration.script(engine, migration::Direction::Up), engine);
    let broken = |error: migration::script::Unterminated| BackupError::Misfit {
        table: migration.folder(),
        why: error.to_string(),
    };
    Ok(statements.map_err(broken)?.into_iter().map(|statement| statement.sql).collect())
}

/// Names of all constraints, indexes and triggers that any version has.
///
/// # Errors
/// As [`all`].
pub fn objects() -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    for table in all()?.into_iter().flat_map(|version| version.schema.tables) {
        names.extend(table.constraints.into_iter().map(|constraint| constraint.name));
        names.extend(table.indexes.into_iter().map(|index| index.name));
        names.extend(table.triggers.into_iter().map(|trigger| trigger.name));
    }
    Ok(names)
}

/// The newest version of this build.
///
/// # Errors
/// As [`all`].
pub fn latest() -> Result<Version> {
    all()?.pop().ok_or_else(|| BackupError::Misfit { table: "this build".into(), why: "it has no migrations".into() })
}

impl Version {
    /// What of it does not stand; `None` when a table or a column does not.
    fn missing(&self, standing: &[Standing<'_>]) -> Option<Vec<String>> {
        let mut missing = Vec::new();
        for table in &self.schema.tables {
            let found = standing.iter().find(|found| found.table == table.name)?;
            if !table.columns.iter().all(|column| found.columns.contains(&column.name.as_str())) {
                return None;
            }
            missing.extend(rules(table).filter(|name| !found.objects.contains(*name)).map(str::to_owned));
        }
        Some(missing)
    }

    /// Names of its tables, in the order in which they are made.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.schema.tables.iter().map(|table| table.name.as_str())
    }
}

/// What rows of the table must obey, by name. Triggers are not among it: they look at changes, not at rows.
fn rules(table: &Table) -> impl Iterator<Item = &str> {
    let constraints = table.constraints.iter().filter(|constraint| !matches!(constraint.rule, Rule::Unsupported(_)));
    let indexes = table.indexes.iter().filter(|index| matches!(index.shape, Shape::Columns { unique: true, .. }));
    constraints.map(|constraint| constraint.name.as_str()).chain(indexes.map(|index| index.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(version: &Version) -> Vec<HashSet<String>> {
        version.schema.tables.iter().map(|table| rules(table).map(Into::into).collect()).collect()
    }

    fn standing<'a>(version: &'a Version, objects: &'a [HashSet<String>]) -> Vec<Standing<'a>> {
        let tables = version.schema.tables.iter().zip(objects);
        tables
            .map(|(table, objects)| Standing {
                table: &table.name,
                columns: table.columns.iter().map(|column| column.name.as_str()).collect(),
                objects,
            })
            .collect()
    }

    #[test]
    fn a_version_is_told_by_what_stands() {
        for version in all().unwrap() {
            let objects = objects(&version);
            let mut standing = standing(&version, &objects);
            let wanted = At { version: version.migration.version().into(), missing: Vec::new() };
            assert_eq!(of(&standing, None).unwrap(), Some(wanted));
            standing.pop();
            assert_eq!(of(&standing, None).unwrap(), None);
        }
    }

    #[test]
    fn what_another_tool_took_away_is_missing_and_no_other_version() {
        let newest = latest().unwrap();
        let mut objects = objects(&newest);
        assert!(objects.iter_mut().any(|objects| objects.remove("milesTransactions_amount_check")));
        let standing = standing(&newest, &objects);
        let on_record = of(&standing, Some(newest.migration.version())).unwrap().unwrap();
        assert_eq!(on_record.version, newest.migration.version());
        assert_eq!(on_record.missing, ["milesTransactions_amount_check"]);
        // Without a record only what stands whole counts.
        assert_eq!(of(&standing, None).unwrap().unwrap().version, all().unwrap()[0].migration.version());
    }
}
