//! What must change for one schema to become another: a pure function of the two.
//!
//! Things are matched by what they are, not by what they are called: a key or index that already stands under another
//! name is no difference. Columns are matched by name, through the renames that were declared; none is ever guessed,
//! what looks like one is a [`Suspect`]. The order of the changes is one in which PostgreSQL can run them.

mod enums;

use std::fmt;

use super::change::Change;
use super::live::Rename;
use super::matching::{Matching, Same};
use super::model::{Column, Constraint, Index, Rule, Schema, Table, Trigger, TriggerBody, Value};
use crate::db::Engine;

/// Where the first of two schemas comes from, which decides over what only it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A live database: further tables, constraints, indexes and triggers are somebody else's, and kept.
    Live,
    /// A snapshot: everything in it is ours, and goes when it is no longer wanted.
    Snapshot,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What must change, in order.
    pub changes: Vec<Change>,
    /// What is there beyond the second schema and stays.
    pub kept: Vec<Kept>,
    /// Pairs of a dropped and an added column that may be one column renamed.
    pub suspects: Vec<Suspect>,
}

/// A thing of somebody else's in one of our tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A constraint of this table.
    Constraint(String, Constraint),
    /// An index of this table.
    Index(String, Index),
    /// A trigger of this table.
    Trigger(String, Trigger),
    /// A function in the schema `skyteam`.
    Function(String),
}

impl Kept {
    /// Its table, where it has one.
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Constraint(table, _) | Self::Index(table, _) | Self::Trigger(table, _) => Some(table),
            Self::Function(_) => None,
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint(table, constraint) if constraint.name.is_empty() => {
                write!(out, "unnamed constraint on {table}")
            }
            Self::Constraint(table, constraint) => write!(out, "constraint {} on {table}", constraint.name),
            Self::Index(table, index) => write!(out, "index {} on {table}", index.name),
            Self::Trigger(table, trigger) => write!(out, "trigger {} on {table}", trigger.name),
            Self::Function(name) => write!(out, "function skyteam.{name}"),
        }
    }
}

/// A column that goes while one of the same type comes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Suspect {
    /// The table.
    pub table: String,
    /// The column that goes.
    pub from: String,
    /// The column that comes.
    pub to: String,
}

/// Compares two schemas as they stand on `engine`.
pub fn diff(from: &Schema, to: &Schema, engine: Engine, origin: Origin, renames: &[Rename]) -> Diff {
    diff_filling(from, to, engine, origin, renames, &[])
}

/// The same, where the plan puts values into the columns `filled`, as `(table, column)`.
pub(super) fn diff_filling(
    from: &Schema,
    to: &Schema,
    engine: Engine,
    origin: Origin,
    renames: &[Rename],
    filled: &[(&str, &str)],
) -> Diff {
    let mut phases = Phases::default();
    let remade = match engine {
        Engine::Postgres => enums::changes(from, to, origin, filled, &mut phases),
        Engine::Sqlite => Vec::new(),
    };
    let same = Same { engine, origin, renames, remade: &remade };
    let pairs: Vec<Pair<'_>> = to
        .tables
        .iter()
        .filter_map(|wanted| from.table(&wanted.name).map(|had| Pair::new(had, wanted, &same)))
        .collect();
    for pair in &pairs {
        pair.columns(&mut phases);
        pair.constraints(&pairs, &mut phases);
        pair.indexes(&mut phases);
        pair.triggers(&mut phases);
        if engine == Engine::Postgres {
            pair.comments(&mut phases);
        }
    }
    created(from, to, engine, &mut phases);
    if origin == Origin::Snapshot {
        dropped(from, to, engine, &mut phases);
    }
    if engine == Engine::Postgres {
        functions(from, to, origin, &mut phases);
    }
    phases.finish()
}

/// The changes in the order in which they can run.
#[derive(Default)]
struct Phases {
    drop_triggers: Vec<Change>,
    drop_foreign_keys: Vec<Change>,
    drop_tables: Vec<Change>,
    drop_indexes: Vec<Change>,
    drop_constraints: Vec<Change>,
    drop_columns: Vec<Change>,
    renames: Vec<Change>,
    create_tables: Vec<Change>,
    add_columns: Vec<Change>,
    alterations: Vec<Change>,
    add_constraints: Vec<Change>,
    create_indexes: Vec<Change>,
    add_foreign_keys: Vec<Change>,
    create_functions: Vec<Change>,
    create_triggers: Vec<Change>,
    drop_functions: Vec<Change>,
    create_enums: Vec<Change>,
    drop_former_enums: Vec<Change>,
    drop_enums: Vec<Change>,
    comments: Vec<Change>,
    kept: Vec<Kept>,
    suspects: Vec<Suspect>,
}

impl Phases {
    fn finish(self) -> Diff {
        let changes = [
            self.drop_triggers,
            self.drop_foreign_keys,
            self.drop_tables,
            self.drop_indexes,
            self.drop_constraints,
            self.drop_columns,
            self.renames,
            self.create_enums,
            self.create_tables,
            self.add_columns,
            self.alterations,
            self.drop_former_enums,
            self.add_constraints,
            self.create_indexes,
            self.add_foreign_keys,
            self.create_functions,
            self.create_triggers,
            self.drop_functions,
            self.drop_enums,
            self.comments,
        ];
        Diff { changes: changes.into_iter().flatten().collect(), kept: self.kept, suspects: self.suspects }
    }

    fn add(&mut self, table: &str, constraint: &Constraint) {
        let list = match constraint.rule {
            Rule::ForeignKey(_) => &mut self.add_foreign_keys,
            _ => &mut self.add_constraints,
        };
        list.push(Change::AddConstraint { table: table.to_owned(), constraint: constraint.clone() });
    }

    fn drop(&mut self, table: &str, constraint: &Constraint) {
        let list = match constraint.rule {
            Rule::ForeignKey(_) => &mut self.drop_foreign_keys,
            _ => &mut self.drop_constraints,
        };
        list.push(Change::DropConstraint { table: table.to_owned(), constraint: constraint.clone() });
    }
}

/// A table before and after.
struct Pair<'a> {
    from: &'a Table,
    to: &'a Table,
    same: &'a Same<'a>,
    constraints: Matching<'a, Constraint>,
    indexes: Matching<'a, Index>,
    triggers: Matching<'a, Trigger>,
    /// Columns, by their new name, whose type changes.
    retyped: Vec<&'a str>,
    dropped: Vec<&'a Column>,
}

impl<'a> Pair<'a> {
    fn new(from: &'a Table, to: &'a Table, same: &'a Same<'a>) -> Self {
        let name = to.name.as_str();
        let constraints = Matching::new(&from.constraints, &to.constraints, |had, wanted| same.rule(name, had, wanted));
        let indexes = Matching::new(&from.indexes, &to.indexes, |had, wanted| same.shape(name, had, wanted));
        let ours = |trigger: &&Trigger| match trigger.body {
            TriggerBody::Postgres { .. } => same.engine == Engine::Postgres,
            TriggerBody::Sqlite(_) => same.engine == Engine::Sqlite,
            TriggerBody::Unsupported(_) => true,
        };
        let triggers = Matching::of(
            from.triggers.iter().filter(ours).collect(),
            to.triggers.iter().filter(ours).collect(),
            |had: &Trigger, wanted: &Trigger| had == wanted,
        );
        let new_name = |column: &'a Column| same.column(name, &column.name);
        let retyped = to
            .columns
            .iter()
            .filter(|wanted| {
                from.columns.iter().any(|had| new_name(had) == wanted.name && !same.kind(&had.kind, &wanted.kind))
            })
            .map(|wanted| wanted.name.as_str())
            .collect();
        let dropped = from.columns.iter().filter(|had| to.column(new_name(had)).is_none()).collect();
        Self { from, to, same, constraints, indexes, triggers, retyped, dropped }
    }

    fn columns(&self, phases: &mut Phases) {
        let table = || self.to.name.clone();
        if let Some(oddity) = &self.from.oddity {
            phases.alterations.push(Change::Normalise { table: table(), oddity: oddity.clone() });
        }
        for column in &self.dropped {
            phases.drop_columns.push(Change::DropColumn { table: table(), column: (*column).clone() });
        }
        for wanted in &self.to.columns {
            let had = self.from.columns.iter().find(|had| self.same.column(&self.to.name, &had.name) == wanted.name);
            let Some(had) = had else {
                phases.add_columns.push(Change::AddColumn { table: table(), column: wanted.clone() });
                let like = |gone: &&&Column| self.same.kind(&gone.kind, &wanted.kind);
                phases.suspects.extend(self.dropped.iter().filter(like).map(|gone| Suspect {
                    table: table(),
                    from: gone.name.clone(),
                    to: wanted.name.clone(),
                }));
                continue;
            };
            if had.name != wanted.name {
                phases.renames.push(Change::RenameColumn {
                    table: table(),
                    from: had.name.clone(),
                    to: wanted.name.clone(),
                });
            }
            self.column(had, wanted, phases);
        }
    }

    /// What becomes of a column that stays. A default stands in the way of another type, so it goes and comes again.
    fn column(&self, had: &Column, wanted: &Column, phases: &mut Phases) {
        let (table, column) = (self.to.name.clone(), wanted.name.clone());
        let mut default = had.default.clone();
        if self.retyped.contains(&wanted.name.as_str()) {
            if default.is_some() {
                let from = default.take();
                phases.alterations.push(Change::SetDefault {
                    table: table.clone(),
                    column: column.clone(),
                    from,
                    to: None,
                });
            }
            phases.alterations.push(Change::AlterType {
                table: table.clone(),
                column: column.clone(),
                from: had.kind.clone(),
                to: wanted.kind.clone(),
            });
        }
        let mut last = None;
        if !self.same.default(default.as_ref(), wanted.default.as_ref()) {
            let (table, column) = (table.clone(), column.clone());
            let change = Change::SetDefault { table, column, from: default, to: wanted.default.clone() };
            // What numbers its rows must take no NULL already.
            if wanted.default == Some(Value::AutoIncrement) {
                last = Some(change);
            } else {
                phases.alterations.push(change);
            }
        }
        if had.nullable != wanted.nullable {
            phases.alterations.push(Change::SetNullable { table, column, to: wanted.nullable });
        }
        phases.alterations.extend(last);
    }

    /// Comments that are wanted and not there. One that nobody asks for is somebody else's on a live database.
    fn comments(&self, phases: &mut Phases) {
        let table = self.to.name.as_str();
        let differs = |had: Option<&String>, wanted: Option<&String>| {
            had != wanted && (wanted.is_some() || self.same.origin == Origin::Snapshot)
        };
        let mut set = |column: Option<&str>, from: Option<&String>, to: Option<&String>| {
            if differs(from, to) {
                let (table, column) = (table.to_owned(), column.map(str::to_owned));
                phases.comments.push(Change::SetComment { table, column, from: from.cloned(), to: to.cloned() });
            }
        };
        set(None, self.from.comment.as_ref(), self.to.comment.as_ref());
        for wanted in &self.to.columns {
            let had = self.from.columns.iter().find(|had| self.same.column(table, &had.name) == wanted.name);
            set(Some(&wanted.name), had.and_then(|had| had.comment.as_ref()), wanted.comment.as_ref());
        }
    }

    fn constraints(&self, pairs: &[Pair<'_>], phases: &mut Phases) {
        let table = self.to.name.as_str();
        for (had, wanted) in &self.constraints.both {
            if self.must_be_remade(&had.rule, pairs) {
                phases.drop(table, had);
                phases.add(table, wanted);
            } else if self.same.follows(table, &had.name, &wanted.name, &wanted.rule) {
                phases.renames.push(Change::RenameConstraint {
                    table: table.to_owned(),
                    from: had.name.clone(),
                    to: (*wanted).clone(),
                });
            }
        }
        for wanted in &self.constraints.added {
            phases.add(table, wanted);
        }
        for had in &self.constraints.left {
            if self.goes(had) {
                phases.drop(table, had);
            } else {
                phases.kept.push(Kept::Constraint(table.to_owned(), (*had).clone()));
            }
        }
    }

    /// Whether a constraint that nobody wants any more, or never did, goes.
    fn goes(&self, had: &Constraint) -> bool {
        let is_key =
            |constraint: &Constraint| matches!(constraint.rule, Rule::PrimaryKey(_) | Rule::UnsupportedPrimaryKey(_));
        self.same.origin == Origin::Snapshot
            || self.name_is_wanted(&had.name)
            || (is_key(had) && self.constraints.added.iter().any(|wanted| is_key(wanted)))
    }

    fn name_is_wanted(&self, name: &str) -> bool {
        self.constraints.added.iter().any(|wanted| wanted.name == name)
            || self.indexes.added.iter().any(|wanted| wanted.name == name)
    }

    /// Whether PostgreSQL needs a constraint out of the way of another change: a foreign key while a type on either
    /// side changes or the key it leans on is replaced, a check while the type of a column in it changes.
    fn must_be_remade(&self, rule: &Rule, pairs: &[Pair<'_>]) -> bool {
        if self.same.engine == Engine::Sqlite {
            return false;
        }
        match rule {
            Rule::Check(sql) => self.retyped.iter().any(|column| self.same.mentions(&sql.postgres, column)),
            Rule::ForeignKey(key) => {
                let own = key.columns.iter().any(|column| self.is_retyped(column));
                let target = pairs.iter().find(|pair| pair.from.name == key.table);
                own || target.is_some_and(|target| {
                    let leans_on = |constraint: &Constraint| match &constraint.rule {
                        Rule::PrimaryKey(columns) | Rule::Unique(columns) => {
                            columns.len() == key.references.len()
                                && columns.iter().all(|column| key.references.contains(column))
                        }
                        _ => false,
                    };
                    key.references.iter().any(|column| target.is_retyped(column))
                        || target.constraints.left.iter().any(|left| leans_on(left) && target.goes(left))
                })
            }
            _ => false,
        }
    }

    fn is_retyped(&self, old_name: &str) -> bool {
        self.retyped.contains(&self.same.column(&self.to.name, old_name))
    }

    fn indexes(&self, phases: &mut Phases) {
        let table = self.to.name.clone();
        for (had, wanted) in &self.indexes.both {
            if self.same.index_follows(&table, &had.name, &wanted.name) {
                phases.renames.push(Change::RenameIndex {
                    table: table.clone(),
                    from: had.name.clone(),
                    to: (*wanted).clone(),
                });
            }
        }
        for wanted in &self.indexes.added {
            phases.create_indexes.push(Change::CreateIndex { table: table.clone(), index: (*wanted).clone() });
        }
        for had in &self.indexes.left {
            if self.same.origin == Origin::Snapshot || self.name_is_wanted(&had.name) {
                phases.drop_indexes.push(Change::DropIndex { table: table.clone(), index: (*had).clone() });
            } else {
                phases.kept.push(Kept::Index(table.clone(), (*had).clone()));
            }
        }
    }

    fn triggers(&self, phases: &mut Phases) {
        let table = self.to.name.clone();
        let drop = |trigger: &Trigger| Change::DropTrigger { table: table.clone(), trigger: trigger.clone() };
        let create = |trigger: &Trigger| Change::CreateTrigger { table: table.clone(), trigger: trigger.clone() };
        // PostgreSQL lets no column go or change its type while a trigger names it.
        let in_the_way = self.same.engine == Engine::Postgres && !(self.dropped.is_empty() && self.retyped.is_empty());
        if in_the_way {
            for (had, wanted) in &self.triggers.both {
                phases.drop_triggers.push(drop(had));
                phases.create_triggers.push(create(wanted));
            }
        }
        phases.create_triggers.extend(self.triggers.added.iter().map(|wanted| create(wanted)));
        for had in &self.triggers.left {
            let wanted = self.triggers.added.iter().any(|wanted| wanted.name == had.name);
            if self.same.origin == Origin::Snapshot || wanted {
                phases.drop_triggers.push(drop(had));
            } else {
                phases.kept.push(Kept::Trigger(table.clone(), (*had).clone()));
            }
        }
    }
}

fn created(from: &Schema, to: &Schema, engine: Engine, phases: &mut Phases) {
    for table in to.tables.iter().filter(|table| from.table(&table.name).is_none()) {
        let name = || table.name.clone();
        let mut made = Table { indexes: Vec::new(), triggers: Vec::new(), ..table.clone() };
        if engine == Engine::Postgres {
            // The target may be made after it.
            made.constraints.retain(|constraint| !matches!(constraint.rule, Rule::ForeignKey(_)));
            let keys = table.constraints.iter().filter(|constraint| matches!(constraint.rule, Rule::ForeignKey(_)));
            phases
                .add_foreign_keys
                .extend(keys.map(|key| Change::AddConstraint { table: name(), constraint: key.clone() }));
        }
        if engine == Engine::Postgres {
            let own = table.comment.as_ref().map(|text| (None, text));
            let columns = table.columns.iter();
            let columns = columns.filter_map(|column| column.comment.as_ref().map(|text| (Some(&column.name), text)));
            phases.comments.extend(own.into_iter().chain(columns).map(|(column, text)| Change::SetComment {
                table: name(),
                column: column.cloned(),
                from: None,
                to: Some(text.clone()),
            }));
        }
        phases.create_tables.push(Change::CreateTable(made));
        let indexes = table.indexes.iter().map(|index| Change::CreateIndex { table: name(), index: index.clone() });
        phases.create_indexes.extend(indexes);
        let triggers = table.triggers.iter().filter(|trigger| match trigger.body {
            TriggerBody::Postgres { .. } => engine == Engine::Postgres,
            TriggerBody::Sqlite(_) => engine == Engine::Sqlite,
            TriggerBody::Unsupported(_) => true,
        });
        phases
            .create_triggers
            .extend(triggers.map(|trigger| Change::CreateTrigger { table: name(), trigger: trigger.clone() }));
    }
}

/// Tables that go, the last made first, so that most foreign keys go with their table; the others go before.
fn dropped(from: &Schema, to: &Schema, engine: Engine, phases: &mut Phases) {
    let gone: Vec<&Table> = from.tables.iter().rev().filter(|table| to.table(&table.name).is_none()).collect();
    for (at, table) in gone.iter().enumerate() {
        if engine == Engine::Postgres {
            let earlier = &gone[..at];
            for constraint in &table.constraints {
                if let Rule::ForeignKey(key) = &constraint.rule
                    && earlier.iter().any(|before| before.name == key.table)
                {
                    phases.drop(&table.name, constraint);
                }
            }
        }
        phases.drop_tables.push(Change::DropTable((*table).clone()));
    }
}

fn functions(from: &Schema, to: &Schema, origin: Origin, phases: &mut Phases) {
    for wanted in &to.functions {
        match from.functions.iter().find(|had| had.name == wanted.name) {
            None => phases.create_functions.push(Change::CreateFunction(wanted.clone())),
            Some(had) if had != wanted => {
                phases.create_functions.push(Change::ReplaceFunction { from: had.clone(), to: wanted.clone() })
            }
            Some(_) => {}
        }
    }
    for had in from.functions.iter().filter(|had| !to.functions.iter().any(|wanted| wanted.name == had.name)) {
        match origin {
            Origin::Snapshot => phases.drop_functions.push(Change::DropFunction(had.clone())),
            Origin::Live => phases.kept.push(Kept::Function(had.name.clone())),
        }
    }
}
