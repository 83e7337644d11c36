//! The plan: every step from one schema to another as SQL of an engine, with its cost and how it is undone.
//!
//! The same plan is printed by `db diff`, run by `db push`, rehearsed by `--dry-run` and written down by
//! `db generate`. It is a pure function of two schemas and what was asked for; the same input gives the same bytes.

pub(super) mod attachments;
mod cost;
mod online;
mod order;
mod postgres;
mod reasons;
mod rebuild;
mod sqlite;
mod sqlite_cast;

use std::fmt;

pub use cost::Cost;
pub use online::{Online, Part};
pub(super) use postgres::{cast as cast_postgres, output};
use serde::Serialize;
pub(super) use sqlite_cast::cast as cast_sqlite;

use super::change::Change;
use super::diff::{Diff, Kept, Origin, Suspect, diff_filling};
use super::live::Rename;
use super::model::{Column, Kind, Schema, Value};
use super::{desired, literal};
use crate::db::Engine;

/// What was asked for beyond the entities.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Columns that are renamed, besides those that entities declare (`renamed_from`).
    pub renames: Vec<Rename>,
    /// Values for rows that have none in a column that must have one.
    pub backfills: Vec<Backfill>,
    /// Give rows the type's empty value in a new NOT NULL column: for a script down, which adds the
    /// column again but cannot restore its values.
    pub fill_blank: bool,
}

/// A value for the rows that have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backfill {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The value, as written by a person; [`plan`] reads it as the column's type.
    pub value: String,
}

/// All steps from one schema to another.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The engine that the steps are for.
    pub engine: Engine,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Pairs of columns that may be one column renamed, without a declaration or a flag that says so.
    pub suspects: Vec<Suspect>,
    /// Constraints, indexes and triggers that others have added to our tables; they are kept.
    #[serde(serialize_with = "as_text")]
    pub kept: Vec<Kept>,
    /// The changes behind the steps.
    #[serde(skip)]
    pub changes: Vec<Change>,
    /// The renames that apply to this database.
    #[serde(skip)]
    pub renames: Vec<Rename>,
    /// The values for rows without one, under table and column.
    #[serde(skip)]
    pub backfills: Vec<(String, String, Value)>,
}

/// One step: what runs, why, and at what cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it does, in a few words: `add column milesTransactions.actor`.
    pub what: String,
    /// Why it is there.
    pub why: String,
    /// The statements, without closing semicolons.
    pub sql: Vec<String>,
    /// The strongest lock it takes, until the transaction ends.
    pub lock: Option<Lock>,
    /// What it does to the rows of the table.
    pub cost: Cost,
    /// What becomes of the values of a column that gets another type; none where no column does.
    pub conversion: Option<Conversion>,
    /// What is lost by it.
    pub loses: Vec<Loss>,
    /// The statements that take it back; values that were lost stay lost.
    pub undo: Vec<String>,
    /// How long it may take, in milliseconds, once [`super::estimate`] has asked for the size of the table.
    #[serde(rename = "estimatedMs")]
    pub estimated_ms: Option<u64>,
    /// How it is done beside live traffic; none on SQLite.
    pub online: Option<Online>,
}

/// A lock on tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Its name: `ACCESS EXCLUSIVE`; on SQLite always `EXCLUSIVE`, on the whole file.
    pub mode: &'static str,
    /// The tables.
    pub tables: Vec<String>,
}

/// What becomes of the values of a column that gets another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Conversion {
    /// Each is one of the new type.
    Faithful,
    /// Those that are not are looked for before anything is changed.
    Counted,
}

impl fmt::Display for Conversion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Faithful => "loses nothing: every value is one of the new type",
            Self::Counted => "values that do not fit the new type are named first, and never altered without consent",
        })
    }
}

impl Lock {
    /// The lock of a write on SQLite, which locks no tables but the file.
    fn whole_file(table: &str) -> Self {
        Self { mode: "EXCLUSIVE", tables: vec![table.to_owned()] }
    }
}

/// Data that a step loses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The table.
    pub table: String,
    /// The column; none when the whole table goes.
    pub column: Option<String>,
    /// A rule that the column loses, in SQL's words, while its values stay: `CITEXT`, `GENERATED ALWAYS AS …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rows whose value is lost or altered, once [`super::checks`] has counted them.
    pub rows: Option<u64>,
}

impl Loss {
    /// What goes: `table`, or `table.column`.
    pub(crate) fn what(&self) -> String {
        match &self.column {
            Some(column) => format!("{}.{column}", self.table),
            None => self.table.clone(),
        }
    }
}

/// Why there is no plan: what was asked for does not fit the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A rename to a column that no entity has.
    #[error("no entity has a column {table}.{to}")]
    RenameToNothing {
        /// The table.
        table: String,
        /// The column.
        to: String,
    },
    /// A rename of a column that the database has not, to one that it has not either.
    #[error("the database has no column {table}.{from}")]
    RenameOfNothing {
        /// The table.
        table: String,
        /// The column.
        from: String,
    },
    /// A rename of a column that an entity names.
    #[error("the column {table}.{from} is still wanted")]
    RenameOfWanted {
        /// The table.
        table: String,
        /// The column.
        from: String,
    },
    /// A value for a column that no entity has.
    #[error("no entity has a column {table}.{column}")]
    BackfillOfNothing {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A value that is not of the column's type.
    #[error("{value:?} is not a value for {table}.{column}")]
    BackfillValue {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// What the column takes.
        accepted: String,
    },
}

impl Request {
    /// All renames: the entities' own and those asked for.
    pub(crate) fn all_renames(&self) -> Vec<Rename> {
        let mut all = desired::renames();
        all.extend(self.renames.iter().cloned());
        all
    }
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What would be lost.
    pub fn losses(&self) -> impl Iterator<Item = &Loss> {
        self.steps.iter().flat_map(|step| &step.loses)
    }

    /// Whether the database's name must be confirmed: a table or column goes, or values come out altered.
    pub(crate) fn loses_data(&self) -> bool {
        self.losses().next().is_some()
    }

    /// Forgets the conversions that alter no value, once they are counted.
    pub(super) fn forget_faithful(&mut self) {
        let harmless = |loss: &&Loss| loss.rows == Some(0) && loss.rule.is_none() && self.is_conversion(loss);
        let faithful: Vec<Loss> = self.losses().filter(harmless).cloned().collect();
        for step in &mut self.steps {
            step.loses.retain(|loss| !faithful.contains(loss));
        }
    }

    fn is_conversion(&self, loss: &Loss) -> bool {
        self.changes.iter().any(|change| {
            matches!(change, Change::AlterType { table, column, .. }
                if *table == loss.table && Some(column) == loss.column.as_ref())
        })
    }

    /// The value for rows of a column that have none.
    pub(crate) fn backfill(&self, table: &str, column: &str) -> Option<&Value> {
        find(&self.backfills, table, column)
    }

    /// The plan as a script that a person may run with `psql` or `sqlite3`: the same transaction that a push runs,
    /// without its lock, checks and bookkeeping.
    pub fn script(&self) -> String {
        match self.engine {
            Engine::Postgres => postgres::script(&self.steps),
            Engine::Sqlite => sqlite::script(&self.steps),
        }
    }
}

/// Plans the way from one schema to another.
///
/// `home` says whether PostgreSQL's schema `skyteam` is there already.
///
/// # Errors
///
/// [`PlanError`], when the request does not fit the two schemas.
pub fn plan(
    from: &Schema,
    to: &Schema,
    engine: Engine,
    origin: Origin,
    request: &Request,
    home: bool,
) -> Result<Plan, PlanError> {
    let renames = renames(from, to, request)?;
    let backfills = backfills(to, request)?;
    let filled: Vec<(&str, &str)> =
        backfills.iter().map(|(table, column, _)| (table.as_str(), column.as_str())).collect();
    let Diff { changes, kept, suspects } = diff_filling(from, to, engine, origin, &renames, &filled);
    let job = Job { from, to, renames: &renames, backfills: &backfills, kept: &kept, home, blank: request.fill_blank };
    let steps = match engine {
        Engine::Postgres => postgres::steps(&job, &changes),
        Engine::Sqlite => sqlite::steps(&job, &changes),
    };
    Ok(Plan { engine, steps, suspects, kept, changes, renames, backfills })
}

/// What the engines' planners work from.
#[derive(Clone, Copy)]
struct Job<'a> {
    from: &'a Schema,
    to: &'a Schema,
    renames: &'a [Rename],
    backfills: &'a [(String, String, Value)],
    kept: &'a [Kept],
    home: bool,
    blank: bool,
}

impl Job<'_> {
    /// The value for rows that have none, of a column as it is to be.
    fn backfill(&self, table: &str, column: &Column) -> Option<Value> {
        find(self.backfills, table, &column.name).cloned().or_else(|| {
            let needed = self.blank && !column.nullable && column.default.is_none();
            needed.then(|| literal::blank(&column.kind))
        })
    }

    /// The rule that the type of a live column has and no type of ours: the CHECK of a domain, or that case is ignored.
    fn rule(&self, table: &str, column: &str) -> Option<String> {
        let had = self.from.table(table)?;
        let is_it = |had: &&Column| Rename::apply(self.renames, table, &had.name) == column;
        let had = had.columns.iter().find(is_it)?;
        match &had.kind {
            Kind::Unsupported(text) => had.rule.clone().or_else(|| sqlite_rule(text)),
            _ => had.rule.clone(),
        }
    }

    /// The same job for the way back.
    fn back(self) -> Self {
        Self { blank: true, ..self }
    }
}

fn find<'a>(backfills: &'a [(String, String, Value)], table: &str, column: &str) -> Option<&'a Value> {
    backfills.iter().find(|(t, c, _)| t == table && c == column).map(|(.., value)| value)
}

/// The renames that apply.
fn renames(from: &Schema, to: &Schema, request: &Request) -> Result<Vec<Rename>, PlanError> {
    for Rename { table, from: old, to: new } in &request.renames {
        let wanted = to.table(table);
        if wanted.and_then(|wanted| wanted.column(new)).is_none() {
            return Err(PlanError::RenameToNothing { table: table.clone(), to: new.clone() });
        }
        if wanted.and_then(|wanted| wanted.column(old)).is_some() {
            return Err(PlanError::RenameOfWanted { table: table.clone(), from: old.clone() });
        }
        if let Some(had) = from.table(table)
            && had.column(old).is_none()
            && had.column(new).is_none()
        {
            return Err(PlanError::RenameOfNothing { table: table.clone(), from: old.clone() });
        }
    }
    Ok(request.all_renames().into_iter().filter(|rename| rename.leads(from, to)).collect())
}

fn backfills(to: &Schema, request: &Request) -> Result<Vec<(String, String, Value)>, PlanError> {
    let read = |given: &Backfill| {
        let column = to
            .table(&given.table)
            .and_then(|table| table.column(&given.column))
            .ok_or_else(|| PlanError::BackfillOfNothing { table: given.table.clone(), column: given.column.clone() })?;
        let value = literal::parse(&column.kind, &given.value).map_err(|accepted| PlanError::BackfillValue {
            table: given.table.clone(),
            column: given.column.clone(),
            value: given.value.clone(),
            accepted,
        })?;
        Ok((given.table.clone(), given.column.clone(), value))
    };
    request.backfills.iter().map(read).collect()
}

/// What these changes of one step do to the values of columns that get another type.
fn conversion<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Option<Conversion> {
    let fits = changes.into_iter().filter_map(|change| match change {
        Change::AlterType { from, to, .. } => Some(from.widens_to(to)),
        _ => None,
    });
    fits.reduce(|one, other| one && other).map(|kept| if kept { Conversion::Faithful } else { Conversion::Counted })
}

/// The collation or condition behind a type of SQLite.
fn sqlite_rule(kind: &str) -> Option<String> {
    let stored = super::dialect::sqlite::stored(kind);
    let rest = kind[stored.len()..].trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// What a change loses.
fn loss(job: &Job<'_>, change: &Change) -> Option<Loss> {
    let of = |table: &str, column: Option<&str>| {
        Some(Loss { table: table.to_owned(), column: column.map(str::to_owned), rule: None, rows: None })
    };
    let rule =
        |table: &str, column: &str, rule: &str| Some(Loss { rule: Some(rule.to_owned()), ..of(table, Some(column))? });
    match change {
        Change::DropTable(table) => of(&table.name, None),
        Change::DropColumn { table, column } => of(table, Some(&column.name)),
        Change::AlterType { table, column, .. } if job.rule(table, column).is_some() => {
            rule(table, column, &job.rule(table, column)?)
        }
        Change::AlterType { table, column, from, to } if !from.widens_to(to) => of(table, Some(column)),
        Change::SetDefault { table, column, from: Some(Value::Unsupported(text)), .. }
            if text.starts_with("GENERATED ALWAYS AS (") =>
        {
            rule(table, column, text)
        }
        _ => None,
    }
}

fn as_text<S: serde::Serializer>(kept: &[Kept], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(kept.iter().map(ToString::to_string))
}
