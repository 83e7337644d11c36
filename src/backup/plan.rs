//! How an archive comes into a database, decided before anything is touched.

use migration::Migration;

use super::column_mapping::{Filling, Target};
use super::error::{BackupError, Result};
use super::format::archive::Archive;
use super::format::manifest::Contents;
use super::format::table_schema::Kind;
use super::version::{self, At, Version};
use crate::db::Engine;
use crate::schema::model::Rule;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Whether rows of the target may be replaced; what was asked before is the caller's matter.
    pub clean: bool,
    /// Only these tables; all when empty.
    pub tables: Vec<String>,
    /// Whether the target is an empty one to try in: it takes rows without the tables that they were to go into, and
    /// tables without those that they refer to.
    pub scratch: bool,
}

/// One of skyteam's tables in the target.
#[derive(Clone, Debug)]
pub(crate) struct Existing {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<ExistingColumn>,
}

/// A column of a table in the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExistingColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the database says it.
    pub declared: String,
    /// Whether an archive's cells can be written to it without turning them into text.
    pub direct: bool,
    /// Whether cells of text can be written to it as they are, of a type that archives do not
    /// know: an enum, `char(n)`, `json`.
    pub takes_text: bool,
}

/// What the target has.
#[derive(Clone, Debug)]
pub struct State {
    /// The target's engine.
    pub engine: Engine,
    /// Those of skyteam's tables that there are.
    pub(crate) existing: Vec<Existing>,
    /// The version they are at, if any.
    pub(crate) version: Option<At>,
}

/// Which way is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The tables are made and filled beside the database's own and then given their names in one transaction.
    Fresh,
    /// The tables stay, with all that others have granted on them and built upon them; their rows are replaced, in one
    /// transaction.
    InPlace,
    /// The tables are dropped and made at the archive's version, in one transaction.
    Replace,
}

/// What a restore will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which way.
    pub(crate) way: Way,
    /// The version that the tables are made at, or are at.
    pub(crate) version: Version,
    /// What is filled; the other tables of the version stay (in place) or are made empty.
    pub(crate) fillings: Vec<Filling>,
    /// Tables whose rows are lost, and how many.
    pub replaced: Vec<(String, u64)>,
    /// Tables that are dropped.
    pub dropped: Vec<String>,
    /// Whether the target is an empty one to try in.
    pub scratch: bool,
    /// What others have defined that the target's engine cannot hold.
    pub left_behind: Vec<String>,
    /// What was there when this was decided, and asked for.
    seen: State,
}

impl Plan {
    /// Decides.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] when rows are in the way, [`BackupError::NoTable`] for a table that the archive lacks,
    /// [`BackupError::Misfit`] when archive and target do not go together, [`BackupError::TooNew`].
    pub fn new(archive: &Archive, state: &State, wanted: &Wanted) -> Result<Self> {
        let manifest = archive.manifest();
        let mut version = version::of_archive(manifest)?;
        for name in &wanted.tables {
            if manifest.table(name).is_none() {
                let known = manifest.tables.iter().map(|entry| entry.name.clone()).collect();
                return Err(BackupError::NoTable { name: name.clone(), known });
            }
        }
        let selected = |name: &str| wanted.tables.is_empty() || wanted.tables.iter().any(|wanted| wanted == name);
        let mut fillings = Vec::new();
        for entry in manifest.tables.iter().filter(|entry| selected(&entry.name)) {
            let table = version.schema.table(&entry.name).ok_or_else(|| BackupError::Misfit {
                table: entry.name.clone(),
                why: "it is none of skyteam's tables".into(),
            })?;
            fillings.push(Filling::new(entry, table, manifest.engine)?);
        }
        let whole = manifest.complete && wanted.tables.is_empty() && manifest.contents != Contents::Data;
        let filled = |name: &str| whole || fillings.iter().any(|filling| filling.table == name);
        let mut replaced: Vec<(String, u64)> = state
            .existing
            .iter()
            .filter(|existing| existing.rows > 0 && filled(&existing.table))
            .map(|existing| (existing.table.clone(), existing.rows))
            .collect();
        if !replaced.is_empty() && !wanted.clean {
            return Err(BackupError::NotEmpty { tables: replaced });
        }
        if wanted.scratch {
            for table in version.schema.tables.iter_mut().filter(|table| filled(&table.name)) {
                table.constraints.retain(|constraint| match &constraint.rule {
                    Rule::ForeignKey(key) => filled(&key.table),
                    _ => true,
                });
            }
        }
        let contents = if wanted.scratch { Contents::All } else { manifest.contents };
        let way = way(contents, state, (&version, &manifest.missing), &fillings, whole)?;
        if way == Way::Replace && manifest.engine == state.engine {
            refuse_other_types(state, &fillings)?;
        }
        if way == Way::InPlace {
            // A table that the archive does not have stays as it is.
            replaced.retain(|(table, _)| fillings.iter().any(|filling| filling.table == *table));
        }
        let dropped = match way {
            Way::Replace => state.existing.iter().map(|existing| existing.table.clone()).collect(),
            Way::Fresh | Way::InPlace => Vec::new(),
        };
        let left_behind = if manifest.engine == state.engine { Vec::new() } else { left_behind(archive, &fillings) };
        let (scratch, seen) = (wanted.scratch, state.clone());
        Ok(Self { way, version, fillings, replaced, dropped, scratch, left_behind, seen })
    }

    /// Looks, under the locks of the restore, whether what is there is still what was decided on. Rows that came in
    /// meanwhile were in no question.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] for rows where there were none to replace, [`BackupError::Changed`] else.
    pub(crate) fn check_unchanged(&self, now: &State) -> Result<()> {
        let before = |table: &str| self.seen.existing.iter().find(|existing| existing.table == table);
        let is_lost =
            |table: &str| self.way != Way::InPlace || self.fillings.iter().any(|filling| filling.table == table);
        let more: Vec<&Existing> = now
            .existing
            .iter()
            .filter(|now| is_lost(&now.table) && now.rows > before(&now.table).map_or(0, |before| before.rows))
            .collect();
        if self.replaced.is_empty() && !more.is_empty() {
            return Err(BackupError::NotEmpty {
                tables: more.into_iter().map(|now| (now.table.clone(), now.rows)).collect(),
            });
        }
        let rows = |now: &Existing| {
            let before = before(&now.table).map_or(0, |before| before.rows);
            format!("{} has {} rows; it had {before}", now.table, now.rows)
        };
        let mut changes: Vec<String> = more.into_iter().map(rows).collect();
        let shape = |state: &State| -> Vec<(String, Vec<ExistingColumn>)> {
            state.existing.iter().map(|table| (table.table.clone(), table.columns.clone())).collect()
        };
        if shape(now) != shape(&self.seen) || now.version != self.seen.version {
            changes.push("its tables are others than they were".into());
        }
        if changes.is_empty() { Ok(()) } else { Err(BackupError::Changed { changes }) }
    }

    /// The migrations that lead from the version restored to the newest.
    pub(crate) fn onward(&self) -> impl Iterator<Item = &'static Migration> {
        let from = self.version.migration.version();
        migration::all().iter().filter(move |migration| migration.version() > from)
    }

    /// Rows that will be loaded.
    pub fn rows(&self, archive: &Archive) -> u64 {
        let manifest = archive.manifest();
        self.fillings.iter().filter_map(|filling| manifest.table(&filling.table)).map(|entry| entry.rows).sum()
    }
}

fn way(
    contents: Contents,
    state: &State,
    (version, missing): (&Version, &[String]),
    fillings: &[Filling],
    whole: bool,
) -> Result<Way> {
    let there = state.version.as_ref();
    if state.existing.is_empty() {
        return match contents {
            Contents::Data => Err(BackupError::Misfit {
                table: "the archive".into(),
                why: "it holds rows only, and the database has no tables to take them".into(),
            }),
            Contents::All | Contents::Schema => Ok(Way::Fresh),
        };
    }
    let same = there.is_some_and(|at| {
        at.missing == missing
            && at.version == version.migration.version()
            && version.pending.iter().all(|pending| at.pending.contains(pending))
            && at.changed == version.changed
    });
    let misfit = same.then(|| in_the_way(state, fillings)).flatten();
    match (same, misfit, whole) {
        (true, None, _) => Ok(Way::InPlace),
        (_, _, true) => Ok(Way::Replace),
        (true, Some(misfit), false) => Err(misfit),
        (false, ..) => Err(BackupError::Misfit {
            table: "the archive".into(),
            why: format!(
                "it is of version {}, the database is {}; single tables go only into the same version",
                version.migration.version(),
                there.map_or_else(
                    || "at none that skyteam knows".to_owned(),
                    |at| format!(
                        "at version {}{}",
                        at.version,
                        if at.missing.is_empty() { "" } else { " with parts missing" }
                    )
                )
            ),
        }),
    }
}

/// A column of the archive that the existing table cannot take.
fn in_the_way(state: &State, fillings: &[Filling]) -> Option<BackupError> {
    fillings.iter().find_map(|filling| {
        let existing = state.existing.iter().find(|existing| existing.table == filling.table)?;
        let takes = |column: &Target| {
            let there = existing.columns.iter().find(|there| there.name == column.name);
            there.is_some_and(|there| match &column.foreign {
                Some(declared) if column.verbatim => there.declared == *declared,
                // Of ours, the type is the version's.
                None if column.textual.is_some() => true,
                None if column.kind == Kind::Text => there.direct || there.takes_text,
                _ => there.direct,
            })
        };
        let missing = filling.columns.iter().find(|column| !takes(column))?;
        Some(BackupError::Misfit {
            table: filling.table.clone(),
            why: format!("the database's table cannot take the archive's column {:?}", missing.name),
        })
    })
}

/// What others have defined in the other engine's words, by name.
fn left_behind(archive: &Archive, fillings: &[Filling]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in archive.manifest().tables.iter().filter(|entry| fillings.iter().any(|each| each.table == entry.name)) {
        for column in &entry.others.columns {
            let place = format!("{}.{}", entry.name, column.name);
            if entry.columns.iter().all(|stored| stored.name != column.name) {
                found.push(format!("the generated column {place}"));
            } else {
                found.push(format!("the definition of {place}, {}", column.declared));
            }
        }
        found.extend(
            entry.others.constraints.iter().map(|rule| format!("the constraint {} of {}", rule.name, entry.name)),
        );
        found.extend(entry.others.indexes.iter().map(|index| format!("the index {} of {}", index.name, entry.name)));
    }
    found
}

/// Refuses where a column that is not skyteam's is of another type in the target: its definition there is others', and the
/// backup's values may not fit it.
fn refuse_other_types(state: &State, fillings: &[Filling]) -> Result<()> {
    for filling in fillings {
        let Some(existing) = state.existing.iter().find(|existing| existing.table == filling.table) else { continue };
        for column in &filling.columns {
            let there = existing.columns.iter().find(|there| there.name == column.name);
            if let (Some(declared), Some(there)) = (&column.foreign, there)
                && !there.declared.eq_ignore_ascii_case(declared)
            {
                return Err(BackupError::Misfit {
                    table: filling.table.clone(),
                    why: format!(
                        "its column {:?} is {} in the backup and {} here; it is not skyteam's: change it or drop it first",
                        column.name, declared, there.declared
                    ),
                });
            }
        }
    }
    Ok(())
}
