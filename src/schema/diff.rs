//! What must change for one schema to become another: a pure function of the two.
//!
//! Things are matched by what they are, not by what they are called: a key or index that already exists under another
//! name is no difference. Columns are matched by name, through the renames that were declared; none is ever guessed,
//! what looks like one is a [`Suspect`]. The order of the changes is one in which PostgreSQL can run them.

mod enums;
mod outcome;
mod pair;
mod phases;

use self::pair::Pair;
use self::phases::Phases;
use super::change::Change;
use super::live::Rename;
use super::matching::Same;
use super::model::{Rule, Schema, Table, TriggerBody};
use crate::db::Engine;

pub use self::outcome::{Diff, Kept, Origin, Suspect};

/// Compares two schemas as `engine` stores them.
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
