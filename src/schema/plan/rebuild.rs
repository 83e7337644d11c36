//! Rebuilding a table on SQLite, by the twelve steps that its documentation gives (lang_altertable.html, section 7):
//! for what `ALTER TABLE` cannot do. All that becomes different in one table is one step.
//!
//! Constraints, indexes and triggers that others have added to the table are created again with it.

use super::cost::Cost;
use super::sqlite_cast::cast;
use super::{Job, Lock, Step, reasons};
use crate::db::{Engine, quote};
use crate::schema::change::Change;
use crate::schema::dialect::{quote_all, sqlite};
use crate::schema::diff::Kept;
use crate::schema::live::{Rename, WITHOUT_ROWID};
use crate::schema::model::{Column, Constraint, Index, PerEngine, Rule, Shape, Table, TriggerBody};
use crate::schema::sql_tokens::{Token, rename_column, tokens};

/// What a table is called while it is made.
const NEW: &str = "_skyteam_new_";

/// The step that makes `table` anew for all of `changes`; column renames have had theirs before.
pub(super) fn step(job: &Job<'_>, table: &str, changes: &[&Change]) -> Option<Step> {
    let (from, to) = (renamed(job, job.from.table(table)?), job.to.table(table)?);
    let changes: Vec<&&Change> =
        changes.iter().filter(|change| !matches!(change, Change::RenameColumn { .. })).collect();
    let mut why: Vec<String> = Vec::new();
    for change in &changes {
        let reason = reasons::why(change, Engine::Sqlite);
        if !why.contains(&reason) {
            why.push(reason);
        }
    }
    let what: Vec<String> = changes.iter().map(|change| change.what()).collect();
    Some(Step {
        what: format!("make table {table} anew: {}", what.join(", ")),
        why: why.join("; "),
        sql: remake(&from, to, &fills(job, &from, to), &Carried::new(job, &from, to)),
        lock: Some(Lock::whole_file(table)),
        cost: Cost::Rewrite,
        conversion: super::conversion(changes.iter().map(|change| **change)),
        loses: changes.iter().filter_map(|change| super::loss(job, change)).collect(),
        undo: remake(to, &from, &fills(&job.back(), to, &from), &Carried::default()),
        estimated_ms: None,
        online: None,
    })
}

/// Make, fill, drop, rename, and make what went with the old table.
fn remake(before: &Table, table: &Table, fills: &[(String, String)], carried: &Carried) -> Vec<String> {
    let new = format!("{NEW}{}", table.name);
    let (columns, sources): (Vec<String>, Vec<String>) = fills.iter().cloned().unzip();
    let mut all = vec![sqlite::table(table, &new, &carried.clauses).sql];
    if !columns.is_empty() {
        let numbered = !before.oddity.as_ref().is_some_and(|oddity| oddity.ends_with(WITHOUT_ROWID));
        all.push(format!(
            "INSERT INTO {} ({})\n  SELECT {} FROM {}{}",
            quote(&new),
            quote_all(&columns),
            sources.join(", "),
            quote(&table.name),
            if numbered { " ORDER BY rowid" } else { "" }
        ));
    }
    all.extend([
        format!("DROP TABLE {}", quote(&table.name)),
        // Otherwise the rename looks through views and triggers, which name a table that is not there just now.
        "PRAGMA legacy_alter_table = ON".to_owned(),
        format!("ALTER TABLE {} RENAME TO {}", quote(&new), quote(&table.name)),
        "PRAGMA legacy_alter_table = OFF".to_owned(),
    ]);
    all.extend(table.indexes.iter().chain(&carried.indexes).map(|index| sqlite::create_index(&table.name, index).sql));
    if sqlite::needs_maintenance(table) {
        all.push(sqlite::maintenance().sql);
    }
    let triggers = table.triggers.iter().filter_map(|trigger| sqlite::create_trigger(&table.name, trigger));
    all.extend(triggers.map(|made| made.sql));
    all.extend(carried.triggers.iter().cloned());
    all
}

/// Each column of the new table that gets a value from the old one, and the expression that gives it.
fn fills(job: &Job<'_>, from: &Table, to: &Table) -> Vec<(String, String)> {
    to.columns
        .iter()
        .filter_map(|wanted| {
            let filler = job.backfill(&to.name, wanted).map(|value| sqlite::default(&value, &wanted.kind));
            let source = match (from.column(&wanted.name), filler) {
                (None, filler) => filler?,
                (Some(had), filler) => {
                    let value = cast(&quote(&wanted.name), &had.kind, &wanted.kind);
                    match filler {
                        Some(filler) if had.nullable && !wanted.nullable => format!("coalesce({value}, {filler})"),
                        _ => value,
                    }
                }
            };
            Some((wanted.name.clone(), source))
        })
        .collect()
}

/// The table as it is once its columns have their new names.
fn renamed(job: &Job<'_>, table: &Table) -> Table {
    let new_name = |of: &str, column: &String| Rename::apply(job.renames, of, column).to_owned();
    let all = |of: &str, columns: &[String]| columns.iter().map(|column| new_name(of, column)).collect::<Vec<_>>();
    let in_sql = |sql: &str| {
        let mine = job.renames.iter().filter(|rename| rename.table == table.name);
        mine.fold(sql.to_owned(), |sql, rename| rename_column(&sql, &rename.from, &rename.to))
    };
    let both = |sql: &PerEngine| PerEngine { postgres: in_sql(&sql.postgres), sqlite: in_sql(&sql.sqlite) };
    let mut table = table.clone();
    let name = table.name.clone();
    for column in &mut table.columns {
        column.name = new_name(&name, &column.name);
    }
    for constraint in &mut table.constraints {
        match &mut constraint.rule {
            Rule::PrimaryKey(columns) | Rule::Unique(columns) => *columns = all(&name, columns),
            Rule::ForeignKey(key) => {
                key.columns = all(&name, &key.columns);
                key.references = all(&key.table, &key.references);
            }
            Rule::Check(sql) => *sql = both(sql),
            // PostgreSQL alone has rules that hold for new rows only.
            Rule::NotValid(_) | Rule::Disabled(_) => {}
            Rule::UnsupportedPrimaryKey(text) | Rule::Unsupported(text) => *text = in_sql(text),
        }
    }
    for index in &mut table.indexes {
        match &mut index.shape {
            Shape::Columns { columns, filter, .. } => {
                *columns = all(&name, columns);
                *filter = filter.as_ref().map(both);
            }
            Shape::Unsupported { definition } => *definition = in_sql(definition),
        }
    }
    for trigger in &mut table.triggers {
        if let TriggerBody::Unsupported(text) | TriggerBody::Sqlite(text) = &mut trigger.body {
            *text = in_sql(text);
        }
    }
    table
}

/// What others have added to the table and is kept.
#[derive(Default)]
struct Carried {
    clauses: Vec<String>,
    indexes: Vec<Index>,
    triggers: Vec<String>,
}

impl Carried {
    /// Everything kept in the table, found again under its name in `from`, but what leans on a column that goes.
    fn new(job: &Job<'_>, from: &Table, to: &Table) -> Self {
        let gone: Vec<&Column> = from.columns.iter().filter(|column| to.column(&column.name).is_none()).collect();
        let names_gone = |columns: &[String]| columns.iter().any(|name| gone.iter().any(|column| column.name == *name));
        let mentions_gone = |sql: &str| {
            tokens(sql).iter().any(|placed| {
                matches!(&placed.token, Token::Word(word, _) if gone.iter().any(|column| column.name.eq_ignore_ascii_case(word)))
            })
        };
        let mut carried = Self::default();
        for kept in job.kept.iter().filter(|kept| kept.table() == Some(to.name.as_str())) {
            match kept {
                Kept::Constraint(_, was) => {
                    let Some(constraint) = same_place(&job.from.table(&to.name), from, was) else { continue };
                    let clause = sqlite::constraint_clause(constraint);
                    if !names_gone(constraint.rule.columns()) && !mentions_gone(&clause) {
                        carried.clauses.push(clause);
                    }
                }
                Kept::Index(_, was) => {
                    let Some(index) = from.indexes.iter().find(|index| index.name == was.name) else { continue };
                    let leans = match &index.shape {
                        Shape::Columns { columns, .. } => names_gone(columns),
                        Shape::Unsupported { definition } => mentions_gone(definition),
                    };
                    if !leans {
                        carried.indexes.push(index.clone());
                    }
                }
                Kept::Trigger(_, was) => {
                    let found = from.triggers.iter().find(|trigger| trigger.name == was.name);
                    carried.triggers.extend(
                        found.and_then(|trigger| sqlite::create_trigger(&to.name, trigger)).map(|made| made.sql),
                    );
                }
                Kept::Function(_) | Kept::Collation { .. } => {}
            }
        }
        carried
    }
}

/// The constraint of `after` at the position that `was` has in `before`: names may be missing.
fn same_place<'a>(before: &Option<&Table>, after: &'a Table, was: &Constraint) -> Option<&'a Constraint> {
    let at = before.as_ref()?.constraints.iter().position(|constraint| constraint == was)?;
    after.constraints.get(at)
}
