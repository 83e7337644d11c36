//! Which objects of two schemas are the same: by their definition, not by their name.

use super::dialect;
use super::diff::Origin;
use super::live::Rename;
use super::model::{Constraint, ForeignKey, Index, Kind, PerEngine, Rule, Shape, Value};
use super::sql_tokens::{Token, rename_column, tokens};
use crate::db::Engine;

/// Objects of one kind in a table before and after, paired.
pub(super) struct Matching<'a, T> {
    /// Those in both.
    pub both: Vec<(&'a T, &'a T)>,
    /// Those only after.
    pub added: Vec<&'a T>,
    /// Those only before.
    pub left: Vec<&'a T>,
}

/// What has a name of its own.
pub(super) trait Named {
    /// The name.
    fn name(&self) -> &str;
}

impl Named for Constraint {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Index {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for super::model::Trigger {
    fn name(&self) -> &str {
        &self.name
    }
}

impl<'a, T: Named> Matching<'a, T> {
    pub(super) fn new(from: &'a [T], to: &'a [T], same: impl Fn(&T, &T) -> bool) -> Self {
        Self::of(from.iter().collect(), to.iter().collect(), same)
    }

    /// Pairs each wanted object with one that is the same, of its own name where there are several.
    pub(super) fn of(mut left: Vec<&'a T>, to: Vec<&'a T>, same: impl Fn(&T, &T) -> bool) -> Self {
        let mut matching = Self { both: Vec::new(), added: Vec::new(), left: Vec::new() };
        let mut unnamed = Vec::new();
        for wanted in to {
            match left.iter().position(|had| had.name() == wanted.name() && same(had, wanted)) {
                Some(at) => matching.both.push((left.remove(at), wanted)),
                None => unnamed.push(wanted),
            }
        }
        for wanted in unnamed {
            match left.iter().position(|had| same(had, wanted)) {
                Some(at) => matching.both.push((left.remove(at), wanted)),
                None => matching.added.push(wanted),
            }
        }
        matching.left = left;
        matching
    }
}

/// The rules by which things are the same.
pub(super) struct Same<'a> {
    pub engine: Engine,
    pub origin: Origin,
    pub renames: &'a [Rename],
    /// Enum types that are made anew.
    pub remade: &'a [String],
}

impl Same<'_> {
    /// Whether a column of one type can stay as it is where the other is wanted.
    pub(super) fn kind(&self, had: &Kind, wanted: &Kind) -> bool {
        let is_remade = wanted.enum_type().is_some_and(|of| self.remade.contains(&of.name));
        !is_remade && dialect::same_kind(self.engine, had, wanted)
    }

    /// The new name of a column.
    pub(super) fn column<'a>(&'a self, table: &str, old_name: &'a str) -> &'a str {
        Rename::apply(self.renames, table, old_name)
    }

    fn columns(&self, table: &str, had: &[String], wanted: &[String]) -> bool {
        had.len() == wanted.len() && had.iter().zip(wanted).all(|(had, wanted)| self.column(table, had) == wanted)
    }

    pub(super) fn rule(&self, table: &str, had: &Constraint, wanted: &Constraint) -> bool {
        match (&had.rule, &wanted.rule) {
            (Rule::PrimaryKey(had), Rule::PrimaryKey(wanted)) | (Rule::Unique(had), Rule::Unique(wanted)) => {
                self.columns(table, had, wanted)
            }
            (Rule::ForeignKey(had), Rule::ForeignKey(wanted)) => self.foreign_key(table, had, wanted),
            (Rule::Check(had), Rule::Check(wanted)) => self.expression(table, had, wanted),
            (Rule::NotValid(rule) | Rule::Disabled(rule), _) => {
                self.rule(table, &Constraint { name: had.name.clone(), rule: (**rule).clone() }, wanted)
            }
            _ => false,
        }
    }

    fn foreign_key(&self, table: &str, had: &ForeignKey, wanted: &ForeignKey) -> bool {
        had.table == wanted.table
            && self.columns(table, &had.columns, &wanted.columns)
            && self.columns(&had.table, &had.references, &wanted.references)
            && had.on_update == wanted.on_update
            && had.on_delete == wanted.on_delete
    }

    pub(super) fn shape(&self, table: &str, had: &Index, wanted: &Index) -> bool {
        match (&had.shape, &wanted.shape) {
            (
                Shape::Columns { columns: had_columns, unique: had_unique, filter: had_filter },
                Shape::Columns { columns, unique, filter },
            ) => {
                let filters = match (had_filter, filter) {
                    (None, None) => true,
                    (Some(had), Some(wanted)) => self.expression(table, had, wanted),
                    _ => false,
                };
                filters && had_unique == unique && self.columns(table, had_columns, columns)
            }
            _ => false,
        }
    }

    fn expression(&self, table: &str, had: &PerEngine, wanted: &PerEngine) -> bool {
        let (had, wanted) = match self.engine {
            Engine::Postgres => (&had.postgres, &wanted.postgres),
            Engine::Sqlite => (&had.sqlite, &wanted.sqlite),
        };
        let mine = self.renames.iter().filter(|rename| rename.table == table);
        had == wanted || mine.fold(had.clone(), |sql, rename| rename_column(&sql, &rename.from, &rename.to)) == *wanted
    }

    pub(super) fn default(&self, had: Option<&Value>, wanted: Option<&Value>) -> bool {
        // Every row of SQLite has a number of its own: a key that is one does not differ from any other.
        let numbered = |value: Option<&Value>| matches!(value, None | Some(Value::AutoIncrement));
        had == wanted || self.engine == Engine::Sqlite && numbered(had) && numbered(wanted)
    }

    /// Whether an expression names a column.
    pub(super) fn mentions(&self, sql: &str, column: &str) -> bool {
        tokens(sql).iter().any(|placed| matches!(&placed.token, Token::Word(name, _) if name == column))
    }

    /// Whether a constraint takes its new name. A live one keeps what it is called, unless that name was ours and
    /// spoke of a column that is renamed now: its next migration will look for the new one.
    pub(super) fn follows(&self, table: &str, had: &str, wanted: &str, rule: &Rule) -> bool {
        let target = match rule {
            Rule::ForeignKey(key) => key.table.as_str(),
            _ => table,
        };
        self.name_follows(&[table, target], had, wanted)
    }

    /// The same for an index.
    pub(super) fn index_follows(&self, table: &str, had: &str, wanted: &str) -> bool {
        self.name_follows(&[table], had, wanted)
    }

    fn name_follows(&self, tables: &[&str], had: &str, wanted: &str) -> bool {
        if had == wanted {
            return false;
        }
        let spoke_of = |rename: &&Rename| tables.contains(&rename.table.as_str());
        self.origin == Origin::Snapshot
            || self
                .renames
                .iter()
                .filter(spoke_of)
                .fold(wanted.to_owned(), |name, rename| name.replace(&rename.to, &rename.from))
                == had
    }
}
