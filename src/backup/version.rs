//! Which version of the schema a database is at, judged by what it has, and what each version looks like.
//!
//! The record of applied migrations is not enough: a database that Drizzle Kit made has none, and one that another
//! tool pushed to afterwards may lack constraints that its record promises, and hold rows that break them. A restore
//! makes the tables of the version that the source really had, so that its rows fit.

use std::collections::HashSet;

use migration::Migration;

use super::ahead::{extended, gone, is_part, without};
use super::changed::Changed;
use super::error::{BackupError, Result};
use super::format::manifest::Manifest;
use super::format::table_schema::TableShape;
use crate::db::Engine;
use crate::schema::model::{Rule, Schema, Shape, Table};
use crate::schema::{desired, diff, snapshot};

/// One version of the schema.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// Its migration.
    pub migration: &'static Migration,
    /// Its tables.
    pub schema: Schema,
    /// What is among them ahead of the migration, as in [`At::pending`].
    pub pending: Vec<String>,
    /// What of them is not as the migration has it, as in [`At::changed`].
    pub changed: Vec<Changed>,
}

/// What a database has under one table's name.
#[derive(Clone, Debug)]
pub(crate) struct Standing<'a> {
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
pub(crate) fn all() -> Result<Vec<Version>> {
    let read = |migration: &'static Migration| {
        let schema = snapshot::of(migration)
            .map_err(|error| BackupError::Misfit { table: migration.folder(), why: error.to_string() })?;
        Ok(Version { migration, schema, pending: Vec::new(), changed: Vec::new() })
    };
    migration::all().iter().map(read).collect()
}

/// Which version a database is at, and what of it is missing there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// Fourteen digits.
    pub version: String,
    /// Names of its keys, checks and unique indexes that do not exist: rows may violate them. Also its tables and columns
    /// (`users.points`) that a push has taken away.
    pub missing: Vec<String>,
    /// What there is ahead of it: tables and columns (`users.points`) that the entities ask for and no migration makes yet,
    /// because they were pushed.
    pub pending: Vec<String>,
    /// What is not as the version has it, because it was pushed, or changed by hand.
    pub changed: Vec<Changed>,
}

impl At {
    /// At a version, with what the entities ask for beyond it, and what neither has of it.
    pub(super) fn of_version(version: &Version, wanted: &Schema, standing: &[Standing<'_>]) -> Self {
        let pending = pending(&version.schema, wanted, standing);
        let ahead = extended(version.schema.clone(), wanted, &pending);
        let mut missing = version.missing(standing).unwrap_or_default();
        for table in &ahead.tables {
            let objects = standing.iter().find(|found| found.table == table.name).map(|found| found.objects);
            let lacks = |name: &str| objects.is_some_and(|objects| !objects.contains(name));
            missing.extend(rules(table).filter(|name| lacks(name)).map(str::to_owned));
        }
        missing.sort();
        missing.dedup();
        Self { version: version.migration.version().to_owned(), missing, pending, changed: Vec::new() }
    }
}

/// What is known of tables of these shapes and objects.
pub(crate) fn standing<'a>(
    found: impl IntoIterator<Item = (&'a TableShape, &'a HashSet<String>)>,
) -> Vec<Standing<'a>> {
    let standing = found.into_iter().map(|(shape, objects)| Standing {
        table: &shape.name,
        columns: shape.columns.iter().map(|column| column.name.as_str()).collect(),
        objects,
    });
    standing.collect()
}

/// The newest version that is there whole; or a newer one that is on the record, when its columns are there and only
/// something that other tools took away is missing. `None` when not even the columns of any version are there.
///
/// # Errors
/// As [`all`].
pub(crate) fn of(standing: &[Standing<'_>], recorded: Option<&str>) -> Result<Option<At>> {
    of_pushed(standing, recorded, &wanted()?)
}

fn columns<'a>(standing: &'a [Standing<'_>], table: &str) -> Option<&'a [&'a str]> {
    standing.iter().find(|found| found.table == table).map(|found| &*found.columns)
}

/// The same for these entities.
fn of_pushed(standing: &[Standing<'_>], recorded: Option<&str>, wanted: &Schema) -> Result<Option<At>> {
    let versions = all()?;
    let at = |version: &Version| {
        let missing = version.missing(standing)?;
        Some(At { version: version.migration.version().to_owned(), missing, pending: Vec::new(), changed: Vec::new() })
    };
    let possible: Vec<At> = versions.iter().filter_map(at).collect();
    let whole = possible.iter().rev().find(|at| at.missing.is_empty());
    // On record, and without what the entities lack: pushed on from there.
    let is_newer = |version: &&Version| whole.is_none_or(|whole| version.migration.version() > whole.version.as_str());
    let pushed_on = versions.iter().find(|version| recorded == Some(version.migration.version())).filter(is_newer);
    if let Some(version) = pushed_on
        && let Some(gone) =
            gone(&version.schema, wanted, |name| columns(standing, name)).filter(|gone| !gone.is_empty())
    {
        let rest = Version { schema: without(version.schema.clone(), &gone), ..version.clone() };
        let mut at = At::of_version(&rest, wanted, standing);
        at.missing.extend(gone);
        at.missing.sort();
        return Ok(Some(at));
    }
    let on_record = possible.iter().find(|at| recorded == Some(at.version.as_str()));
    let found = match (whole, on_record) {
        (Some(whole), Some(on_record)) if on_record.version > whole.version => Some(on_record.clone()),
        (Some(whole), _) => Some(whole.clone()),
        (None, Some(on_record)) => Some(on_record.clone()),
        (None, None) => possible.first().cloned(),
    };
    let Some(at) = found else { return Ok(None) };
    let Some(version) = versions.into_iter().find(|version| version.migration.version() == at.version) else {
        return Ok(Some(at));
    };
    Ok(Some(At::of_version(&version, wanted, standing)))
}

/// What the entities ask for.
///
/// # Errors
/// [`BackupError::Misfit`] for entities that no engine can hold, which a test excludes.
pub(crate) fn wanted() -> Result<Schema> {
    desired().map_err(|error| BackupError::Misfit { table: "this build".into(), why: error.to_string() })
}

/// What there is of the wanted schema beyond a version's.
fn pending(version: &Schema, wanted: &Schema, standing: &[Standing<'_>]) -> Vec<String> {
    let mut pending = Vec::new();
    for table in &wanted.tables {
        let Some(found) = standing.iter().find(|found| found.table == table.name) else { continue };
        match version.table(&table.name) {
            // A table is what its entity asks for once all of its columns are there.
            None if table.columns.iter().all(|column| found.columns.contains(&column.name.as_str())) => {
                pending.push(table.name.clone());
            }
            None => {}
            Some(old) => {
                let new = table.columns.iter().map(|column| column.name.as_str());
                let new = new.filter(|name| old.column(name).is_none() && found.columns.contains(name));
                pending.extend(new.map(|column| format!("{}.{column}", table.name)));
            }
        }
    }
    pending
}

/// Every table and column that the entities or any version of this build name: the newest version's tables, with what the
/// entities ask for beyond it, then those that older versions had.
///
/// # Errors
/// As [`all`].
pub(crate) fn known() -> Result<Schema> {
    let mut versions = all()?;
    let mut known = versions.pop().map(|newest| newest.schema).unwrap_or_default();
    let wanted = wanted()?;
    for table in versions.into_iter().rev().flat_map(|version| version.schema.tables).chain(wanted.tables) {
        match known.table_mut(&table.name) {
            None => known.tables.push(table),
            Some(there) => {
                let new: Vec<_> =
                    table.columns.into_iter().filter(|column| there.column(&column.name).is_none()).collect();
                there.columns.extend(new);
            }
        }
    }
    Ok(known)
}

/// What the oldest version has, and so every one, and what does not exist here: tables and columns in words.
///
/// # Errors
/// As [`all`].
pub(crate) fn lacking(standing: &[(&str, Vec<&str>)]) -> Result<Vec<String>> {
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
pub(crate) fn of_archive(manifest: &Manifest) -> Result<Version> {
    let Some(version) = &manifest.schema_version else {
        return Err(BackupError::Misfit {
            table: "the archive".into(),
            why: "its tables were those of no version of skyteam; its Parquet files can still be read one by one"
                .into(),
        });
    };
    let mut found = all()?.into_iter().find(|candidate| candidate.migration.version() == version).ok_or_else(|| {
        BackupError::TooNew { skyteam: manifest.skyteam.clone(), what: format!("version {version} of the schema") }
    })?;
    let wanted = wanted()?;
    for name in &manifest.pending {
        let (table, column) =
            name.split_once('.').map_or((name.as_str(), None), |(table, column)| (table, Some(column)));
        let asked_for = wanted.table(table).is_some_and(|table| column.is_none_or(|name| table.column(name).is_some()));
        // A column of others is made by its type; a table needs its keys.
        if !asked_for && column.is_none() && found.schema.table(table).is_none() {
            return Err(BackupError::Misfit {
                table: table.to_owned(),
                why: "it was pushed by a build whose entities have it, ahead of any migration: restore with that build"
                    .into(),
            });
        }
    }
    let is_reduced = manifest.missing.iter().any(|name| is_part(&found.schema, name));
    found.schema = extended(without(found.schema, &manifest.missing), &wanted, &manifest.pending);
    found.pending.clone_from(&manifest.pending);
    let versions = all()?;
    for changed in &manifest.changed {
        if !changed.is_known(versions.iter().map(|version| &version.schema).chain([&wanted])) {
            return Err(BackupError::Misfit {
                table: changed.table.clone(),
                why: format!(
                    "{} was pushed by a build whose entities have it so, ahead of any migration: restore with that build",
                    changed.name()
                ),
            });
        }
        changed.put_into(&mut found.schema);
    }
    found.changed.clone_from(&manifest.changed);
    if is_reduced || !found.pending.is_empty() || !found.changed.is_empty() {
        // What was pushed may have become a migration since.
        let later = versions.into_iter().rev().take_while(|later| later.migration.version() > version.as_str());
        if let Some(made) = later.into_iter().find(|later| is_same(&found.schema, &later.schema)) {
            found = made;
        }
    }
    for table in &mut found.schema.tables {
        table.constraints.retain(|constraint| !manifest.missing.contains(&constraint.name));
        table.indexes.retain(|index| !manifest.missing.contains(&index.name));
    }
    Ok(found)
}

/// Whether nothing leads from one to the other, on either engine.
fn is_same(one: &Schema, other: &Schema) -> bool {
    let engines = [Engine::Postgres, Engine::Sqlite].into_iter();
    engines
        .map(|engine| diff(one, other, engine, crate::schema::Origin::Snapshot, &[]))
        .all(|diff| diff.changes.is_empty())
}

/// What an archive of a whole database lacks of its version: tables, columns, keys, checks and unique indexes, in words. A
/// restore leaves them out.
///
/// # Errors
/// As [`all`].
pub(crate) fn lacking_in(manifest: &Manifest) -> Result<Vec<String>> {
    let version =
        all()?.into_iter().find(|version| Some(version.migration.version()) == manifest.schema_version.as_deref());
    let Some(version) = version else { return Ok(Vec::new()) };
    let mut lacking = Vec::new();
    for table in &version.schema.tables {
        let is_gone = |name: &str| manifest.missing.iter().any(|missing| missing == name);
        let Some(entry) = manifest.table(&table.name) else {
            if manifest.complete && !is_gone(&table.name) {
                lacking.push(format!("the table {}", table.name));
            }
            continue;
        };
        let has = |name: &str| entry.columns.iter().any(|column| column.name == name);
        let is_lost = |column: &str| !has(column) && !is_gone(&format!("{}.{column}", table.name));
        let columns = table.columns.iter().filter(|column| is_lost(&column.name));
        lacking.extend(columns.map(|column| format!("the column {} of {}", column.name, table.name)));
        let rules = rules(table).filter(|name| manifest.missing.iter().any(|missing| missing == name));
        lacking.extend(rules.map(|name| format!("the rule {name} of {}", table.name)));
    }
    Ok(lacking)
}

/// The statements of a migration's script up.
///
/// # Errors
/// [`BackupError::Misfit`] when it cannot be cut into statements, which a test excludes.
pub(crate) fn script(migration: &'static Migration, engine: migration::Engine) -> Result<Vec<&'static str>> {
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
pub(crate) fn objects() -> Result<HashSet<String>> {
    let mut names = HashSet::new();
    for table in all()?.into_iter().flat_map(|version| version.schema.tables).chain(wanted()?.tables) {
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
pub(crate) fn latest() -> Result<Version> {
    all()?.pop().ok_or_else(|| BackupError::Misfit { table: "this build".into(), why: "it has no migrations".into() })
}

impl Version {
    /// What of it does not exist; `None` when a table or a column does not.
    pub(super) fn missing(&self, standing: &[Standing<'_>]) -> Option<Vec<String>> {
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
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
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
    use crate::schema::model;

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
            let found = of(&standing, None).unwrap().unwrap();
            assert_eq!(found.missing, [""; 0]);
            // A version that changes nothing in the tables differs from the one before in the record alone.
            let alike = |other: &&Version| other.schema.tables == version.schema.tables;
            let newest = all().unwrap().into_iter().rev().find(|other| alike(&other)).unwrap();
            assert_eq!(found.version, newest.migration.version());
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
        // Without a record only what is there whole counts.
        assert_eq!(of(&standing, None).unwrap().unwrap().version, all().unwrap()[0].migration.version());
    }

    #[test]
    fn a_column_that_a_push_took_away_or_renamed_leaves_the_version() {
        let newest = latest().unwrap();
        let mut wanted = newest.schema.clone();
        let column = wanted.table_mut("users").unwrap().columns.iter_mut().find(|column| column.name == "avatarUrl");
        column.unwrap().name = "picture".into();
        let pushed = Version { schema: wanted.clone(), ..newest.clone() };
        let objects = objects(&pushed);
        let standing = standing(&pushed, &objects);
        let own = newest.migration.version();
        let at = of_pushed(&standing, Some(own), &wanted).unwrap().unwrap();
        assert_eq!(
            (at.version.as_str(), at.missing, at.pending),
            (own, vec!["users.avatarUrl".into()], vec!["users.picture".to_owned()])
        );
        // The entities still have it, so it is another's doing; and without a record nothing says what was there.
        assert_eq!(of_pushed(&standing, Some(own), &newest.schema).unwrap(), None);
        assert_eq!(of_pushed(&standing, None, &wanted).unwrap(), None);
    }

    #[test]
    fn what_was_pushed_ahead_of_the_migrations_is_pending() {
        let newest = latest().unwrap();
        let mut wanted = newest.schema.clone();
        let column = |name: &str| model::Column { nullable: true, ..model::Column::new(name, model::Kind::Text) };
        wanted.table_mut("users").unwrap().columns.insert(2, column("tier"));
        let unique = model::Constraint { name: "users_tier_unique".into(), rule: Rule::Unique(vec!["tier".into()]) };
        let listed = r#""tier" IN ('gold', 'silver')"#.to_owned();
        let check = Rule::Check(model::PerEngine { postgres: listed.clone(), sqlite: listed });
        let check = model::Constraint { name: "users_tier_check".into(), rule: check };
        wanted.table_mut("users").unwrap().constraints.extend([unique, check]);
        let new = Table { name: "newTable".into(), columns: vec![column("id"), column("name")], ..Table::default() };
        wanted.tables.push(new.clone());
        let objects: Vec<HashSet<String>> =
            wanted.tables.iter().map(|table| rules(table).map(Into::into).collect()).collect();
        let ahead = Version { schema: wanted.clone(), ..newest.clone() };
        let mut standing = standing(&ahead, &objects);
        let names = pending(&newest.schema, &wanted, &standing);
        assert_eq!(names, ["users.tier", "newTable"]);
        let made = extended(newest.schema.clone(), &wanted, &names);
        assert_eq!(made.table("newTable"), Some(&new));
        assert_eq!(made.table("users"), wanted.table("users"));
        // Half a table is another's.
        standing.last_mut().unwrap().columns.pop();
        assert_eq!(pending(&newest.schema, &wanted, &standing), ["users.tier"]);
        assert_eq!(extended(newest.schema.clone(), &wanted, &[]), newest.schema);
    }
}
