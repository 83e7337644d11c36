//! Definitions of other tools that no restore would make, because they are not known to be harmless or need what a backup
//! does not hold ([`super::format::definitions`]). A backup and `db doctor` name them while there is time: on the day of a
//! restore they must be made by hand first.

use super::backend::{self, postgres, sqlite};
use super::error::Result;
use super::format::definitions::{Definitions, Name};
use super::format::manifest::Manifest;
use super::version;
use crate::db::{Database, Engine};

/// A definition that a restore into an empty database refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its table.
    pub table: String,
    /// The column, constraint, index or type.
    pub name: String,
    /// One clause.
    pub why: String,
}

/// Those of an archive.
pub(crate) fn in_archive(manifest: &Manifest) -> Vec<Refused> {
    let has = |name: &Name| name.schema == "public" && manifest.table(&name.name).is_some();
    let tables = manifest.tables.iter().map(|entry| (entry.name.as_str(), &entry.others));
    judge(manifest.engine, tables, has)
}

/// Those of a database.
///
/// # Errors
/// The driver's.
pub(crate) async fn in_database(database: &Database) -> Result<Vec<Refused>> {
    let known = version::known()?;
    let names: Vec<&str> = known.tables.iter().map(|table| table.name.as_str()).collect();
    let found = backend::of(database).definitions(&names).await?;
    let has = |name: &Name| name.schema == "public" && known.table(&name.name).is_some();
    Ok(judge(database.engine(), found.iter().map(|(table, others)| (table.as_str(), others)), has))
}

fn judge<'a>(
    engine: Engine,
    tables: impl Iterator<Item = (&'a str, &'a Definitions)>,
    in_backup: impl Fn(&Name) -> bool,
) -> Vec<Refused> {
    let mut all = Vec::new();
    for (table, others) in tables {
        let found = match engine {
            Engine::Postgres => postgres::refused(table, others, &in_backup),
            Engine::Sqlite => sqlite::refused(others),
        };
        all.extend(found.into_iter().map(|(name, why)| Refused { table: table.to_owned(), name, why }));
    }
    all
}
