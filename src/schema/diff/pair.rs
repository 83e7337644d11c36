//! What must change within one table.

use super::phases::Phases;
use super::{Kept, Origin, Suspect};
use crate::db::Engine;
use crate::schema::change::Change;
use crate::schema::dialect;
use crate::schema::matching::{Matching, Same};
use crate::schema::model::{Column, Constraint, Index, Rule, Shape, Table, Trigger, TriggerBody, Value};

/// A table before and after.
pub(super) struct Pair<'a> {
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
    pub(super) fn new(from: &'a Table, to: &'a Table, same: &'a Same<'a>) -> Self {
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
        let mut dropped: Vec<&Column> = from.columns.iter().filter(|had| to.column(new_name(had)).is_none()).collect();
        // What is computed from another column goes before it.
        dropped.sort_by_key(|column| !column.is_generated());
        Self { from, to, same, constraints, indexes, triggers, retyped, dropped }
    }

    pub(super) fn columns(&self, phases: &mut Phases) {
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
            if let Some(collation) = had.collation.clone().filter(|_| self.same.origin == Origin::Live) {
                let kind = dialect::postgres::kind(&wanted.kind);
                phases.kept.push(Kept::Collation { table: table(), column: wanted.name.clone(), collation, kind });
            }
        }
    }

    /// The changes of a column that stays. A default prevents another type, so it is dropped and set again.
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

    /// Comments that are wanted and not there. On a live database one that no entity asks for is kept.
    pub(super) fn comments(&self, phases: &mut Phases) {
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

    pub(super) fn constraints(&self, pairs: &[Pair<'_>], phases: &mut Phases) {
        let table = self.to.name.as_str();
        for (had, wanted) in &self.constraints.both {
            let (rule, valid) = match &had.rule {
                Rule::NotValid(rule) => (rule.as_ref(), false),
                rule => (rule, true),
            };
            // Only a superuser may switch on the triggers behind a foreign key, and that would look at no row.
            if matches!(rule, Rule::Disabled(_)) || self.must_be_remade(rule, pairs) {
                phases.drop(table, had);
                phases.add(table, wanted);
                continue;
            }
            let mut name = &had.name;
            if self.same.follows(table, name, &wanted.name, &wanted.rule) {
                phases.renames.push(Change::RenameConstraint {
                    table: table.to_owned(),
                    from: name.clone(),
                    to: (*wanted).clone(),
                });
                name = &wanted.name;
            }
            if !valid {
                let constraint = Constraint { name: name.clone(), rule: wanted.rule.clone() };
                phases.validate_constraints.push(Change::ValidateConstraint { table: table.to_owned(), constraint });
            }
        }
        for wanted in &self.constraints.added {
            match self.index_of(wanted) {
                Some(index) => phases.add_constraints.push(Change::PromoteIndex {
                    table: table.to_owned(),
                    index: index.clone(),
                    constraint: (*wanted).clone(),
                }),
                None => phases.add(table, wanted),
            }
        }
        for had in &self.constraints.left {
            if self.goes(had) {
                phases.drop(table, had);
            } else {
                phases.kept.push(Kept::Constraint(table.to_owned(), (*had).clone()));
            }
        }
    }

    /// The live unique index that a wanted primary key would build once more. What depends on it, such as a replica
    /// identity, stays.
    fn index_of(&self, wanted: &Constraint) -> Option<&'a Index> {
        let Rule::PrimaryKey(columns) = &wanted.rule else { return None };
        if self.same.engine == Engine::Sqlite || self.same.origin == Origin::Snapshot {
            return None;
        }
        let shape = Shape::Columns { columns: columns.clone(), unique: true, filter: None };
        let key = Index { name: wanted.name.clone(), shape };
        self.indexes.left.iter().copied().find(|had| self.same.shape(&self.to.name, had, &key))
    }

    fn is_promoted(&self, index: &Index) -> bool {
        self.constraints.added.iter().any(|wanted| self.index_of(wanted).is_some_and(|found| found.name == index.name))
    }

    /// Whether a constraint that no entity asks for is dropped.
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

    pub(super) fn indexes(&self, phases: &mut Phases) {
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
        for had in self.indexes.left.iter().filter(|had| !self.is_promoted(had)) {
            if self.same.origin == Origin::Snapshot || self.name_is_wanted(&had.name) {
                phases.drop_indexes.push(Change::DropIndex { table: table.clone(), index: (*had).clone() });
            } else {
                phases.kept.push(Kept::Index(table.clone(), (*had).clone()));
            }
        }
    }

    pub(super) fn triggers(&self, phases: &mut Phases) {
        let table = self.to.name.clone();
        let drop = |trigger: &Trigger| Change::DropTrigger { table: table.clone(), trigger: trigger.clone() };
        let create = |trigger: &Trigger| Change::CreateTrigger { table: table.clone(), trigger: trigger.clone() };
        for (had, wanted) in self.triggers.both.iter().filter(|(had, _)| self.is_in_the_way(had)) {
            phases.drop_triggers.push(drop(had));
            phases.create_triggers.push(create(wanted));
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

    /// PostgreSQL lets no column go or change its type while a trigger names it.
    fn is_in_the_way(&self, trigger: &Trigger) -> bool {
        if self.same.engine == Engine::Sqlite {
            return false;
        }
        let text = match &trigger.body {
            TriggerBody::Postgres { fires, each, .. } => format!("{fires} {each}"),
            TriggerBody::Unsupported(text) | TriggerBody::Sqlite(text) => text.clone(),
        };
        let dropped = self.dropped.iter().map(|column| column.name.as_str());
        dropped.chain(self.retyped.iter().copied()).any(|column| self.same.mentions(&text, column))
    }
}
