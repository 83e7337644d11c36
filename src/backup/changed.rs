//! What of a version's tables a `db push` has changed ahead of any migration: types, NOT NULL, defaults, rules, indexes.
//!
//! An archive says it with the definitions themselves, so that a restore makes what was there: rows that only the changed
//! rule lets in come back, and none is lost to a rule that was lifted. A manifest is a file from anywhere, so no expression
//! of it is run: one is made only where this build's entities or versions have the very same.

use serde::{Deserialize, Serialize};

use crate::db::Engine;
use crate::schema::dialect::same_kind;
use crate::schema::model::{Column, Constraint, EnumType, Index, Kind, Rule, Schema, Shape, Table, Value};

/// One thing that is not as its version has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Its table.
    pub table: String,
    /// What it is now.
    #[serde(flatten)]
    pub now: Definition,
}

/// See [`Changed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Definition {
    /// A column.
    Column(Column),
    /// A key or check, new or in place of the one of its name.
    Rule(Constraint),
    /// An index, in the same way.
    Index(Index),
}

/// A database's tables beside a version's and the entities'.
pub(crate) struct Comparison<'a> {
    /// Its engine.
    pub engine: Engine,
    /// The version, with what is pending.
    pub version: &'a Schema,
    /// What the entities ask for.
    pub wanted: &'a Schema,
    /// What there is, in the version's terms.
    pub as_version: &'a Schema,
    /// What there is, in the entities' terms.
    pub as_wanted: &'a Schema,
}

/// What is not as the version has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// What a restore can make as it is.
    pub changed: Vec<Changed>,
    /// Names of the version's checks and unique indexes in whose place others are, which neither it nor the entities have.
    pub replaced: Vec<String>,
}

impl Comparison<'_> {
    /// Finds the differences.
    pub(crate) fn differences(&self) -> Differences {
        let mut found = Differences::default();
        for table in &self.version.tables {
            let (Some(live), name) = (self.as_version.table(&table.name), &table.name) else { continue };
            let (new, live_as_new) = (self.wanted.table(name), self.as_wanted.table(name));
            let tables = Tables { engine: self.engine, table, live, new, live_as_new };
            tables.columns(&mut found);
            tables.rules(&mut found);
            tables.indexes(&mut found);
        }
        found
    }
}

struct Tables<'a> {
    engine: Engine,
    table: &'a Table,
    live: &'a Table,
    new: Option<&'a Table>,
    live_as_new: Option<&'a Table>,
}

impl Tables<'_> {
    fn note(&self, found: &mut Differences, now: Definition) {
        found.changed.push(Changed { table: self.table.name.clone(), now });
    }

    fn columns(&self, found: &mut Differences) {
        for had in &self.table.columns {
            let Some(live) = self.live.column(&had.name) else { continue };
            if self.is_same_column(live, had) {
                continue;
            }
            let new = self.new.and_then(|table| table.column(&had.name));
            let live_as_new = self.live_as_new.and_then(|table| table.column(&had.name));
            match (new, live_as_new) {
                (Some(new), Some(live)) if self.is_same_column(live, new) => {
                    self.note(found, Definition::Column(new.clone()));
                }
                // Of neither: as it is, where that is a type of the model. A default alone is made as the version has it.
                _ if !self.is_same_kind(&live.kind, &had.kind) || live.nullable != had.nullable => {
                    let default = had.default.clone().filter(|_| self.is_same_kind(&live.kind, &had.kind));
                    let comment = had.comment.clone();
                    let made = Column {
                        nullable: live.nullable,
                        default,
                        comment,
                        ..Column::new(&had.name, live.kind.clone())
                    };
                    if is_plain(&made.kind) && !live.is_generated() {
                        self.note(found, Definition::Column(made));
                    }
                }
                _ => {}
            }
        }
    }

    fn is_same_kind(&self, one: &Kind, other: &Kind) -> bool {
        let values = |kind: &Kind| kind.enum_type().map(|of| of.values.clone());
        same_kind(self.engine, one, other) && values(one) == values(other)
    }

    fn is_same_column(&self, one: &Column, other: &Column) -> bool {
        // Every row of SQLite has a number of its own.
        let numbered = |value: &Option<Value>| matches!(value, None | Some(Value::AutoIncrement));
        let sqlite = self.engine == Engine::Sqlite;
        self.is_same_kind(&one.kind, &other.kind)
            && one.nullable == other.nullable
            && (one.default == other.default || sqlite && numbered(&one.default) && numbered(&other.default))
    }

    fn rules(&self, found: &mut Differences) {
        let live_as_new = self.live_as_new.map(|table| table.constraints.as_slice()).unwrap_or_default();
        for had in &self.table.constraints {
            let Some(live) = self.live.constraints.iter().find(|live| live.name == had.name) else { continue };
            if *inner(&live.rule) == had.rule {
                continue;
            }
            match self.new_rule(&had.name).filter(|new| stands(live_as_new, new)) {
                Some(new) => self.note(found, Definition::Rule(new.clone())),
                None if matches!(had.rule, Rule::Check(_)) => found.replaced.push(had.name.clone()),
                None => {}
            }
        }
        let new = self.new.map(|table| table.constraints.as_slice()).unwrap_or_default();
        let has = |name: &str| self.table.constraints.iter().any(|had| had.name == name);
        for added in new.iter().filter(|new| !has(&new.name) && stands(live_as_new, new)) {
            if self.has_all(inner(&added.rule).columns()) {
                self.note(found, Definition::Rule(added.clone()));
            }
        }
    }

    fn new_rule(&self, name: &str) -> Option<&Constraint> {
        self.new?.constraints.iter().find(|new| new.name == name)
    }

    fn has_all(&self, columns: &[String]) -> bool {
        columns.iter().all(|column| self.table.column(column).is_some())
    }

    fn indexes(&self, found: &mut Differences) {
        let live_as_new = self.live_as_new.map(|table| table.indexes.as_slice()).unwrap_or_default();
        let new = self.new.map(|table| table.indexes.as_slice()).unwrap_or_default();
        for had in &self.table.indexes {
            let Some(live) = self.live.indexes.iter().find(|live| live.name == had.name) else { continue };
            if live.shape == had.shape {
                continue;
            }
            match new.iter().find(|new| new.name == had.name && live_as_new.contains(new)) {
                Some(new) => self.note(found, Definition::Index(new.clone())),
                None if matches!(had.shape, Shape::Columns { unique: true, .. }) => {
                    found.replaced.push(had.name.clone());
                }
                None => {}
            }
        }
        let has = |name: &str| self.table.indexes.iter().any(|had| had.name == name);
        for added in new.iter().filter(|new| !has(&new.name) && live_as_new.contains(new)) {
            if matches!(&added.shape, Shape::Columns { columns, .. } if self.has_all(columns)) {
                self.note(found, Definition::Index(added.clone()));
            }
        }
    }
}

fn stands(live: &[Constraint], wanted: &Constraint) -> bool {
    live.iter().any(|live| live.name == wanted.name && *inner(&live.rule) == wanted.rule)
}

/// A rule, whether or not it holds for the rows that were there before it.
fn inner(rule: &Rule) -> &Rule {
    match rule {
        Rule::NotValid(rule) | Rule::Disabled(rule) => inner(rule),
        rule => rule,
    }
}

/// Whether a type is written with numbers and quoted texts only.
fn is_plain(kind: &Kind) -> bool {
    match kind {
        Kind::Unsupported(_) => false,
        Kind::Array(of) => is_plain(of),
        Kind::Enum(EnumType { name, values }) => !name.is_empty() && !values.is_empty(),
        _ => true,
    }
}

/// Whether a default is written in words of ours, or quoted.
fn is_literal(default: &Value) -> bool {
    match default {
        Value::Text(_) | Value::Integer(_) | Value::Boolean(_) => true,
        Value::Now | Value::CurrentDate | Value::CurrentTime | Value::RandomUuid | Value::AutoIncrement => true,
        // Digits of a file are text.
        Value::Number(_) | Value::Bytes(_) | Value::List(_) | Value::Expression(_) | Value::Unsupported(_) => false,
    }
}

impl Changed {
    /// What it is called: `users.tier`, `users_tier_check`.
    pub fn name(&self) -> String {
        match &self.now {
            Definition::Column(column) => format!("{}.{}", self.table, column.name),
            Definition::Rule(rule) => rule.name.clone(),
            Definition::Index(index) => index.name.clone(),
        }
    }

    /// Whether it may be made: one of `known` has it so, or nothing of it is an expression.
    pub(crate) fn is_known<'a>(&self, mut known: impl Iterator<Item = &'a Schema>) -> bool {
        let plain = match &self.now {
            Definition::Column(column) => {
                column.default.as_ref().is_none_or(is_literal) && column.comment.is_none() && is_plain(&column.kind)
            }
            Definition::Rule(_) | Definition::Index(_) => false,
        };
        plain
            || known.any(|schema| {
                schema.table(&self.table).is_some_and(|table| match &self.now {
                    Definition::Column(column) => table.columns.contains(column),
                    Definition::Rule(rule) => table.constraints.contains(rule),
                    Definition::Index(index) => table.indexes.contains(index),
                })
            })
    }

    /// Puts it into a schema, in place of what has its name.
    pub(crate) fn put_into(&self, schema: &mut Schema) {
        let Some(table) = schema.table_mut(&self.table) else { return };
        match &self.now {
            Definition::Column(now) => {
                if let Some(column) = table.columns.iter_mut().find(|column| column.name == now.name) {
                    column.clone_from(now);
                }
            }
            Definition::Rule(now) => match table.constraints.iter_mut().find(|rule| rule.name == now.name) {
                Some(rule) => rule.clone_from(now),
                None => table.constraints.push(now.clone()),
            },
            Definition::Index(now) => match table.indexes.iter_mut().find(|index| index.name == now.name) {
                Some(index) => index.clone_from(now),
                None => table.indexes.push(now.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::model::PerEngine;

    fn table(column: Column, rules: Vec<Constraint>) -> Schema {
        let table = Table { name: "users".into(), columns: vec![column], constraints: rules, ..Table::default() };
        Schema { tables: vec![table], ..Schema::default() }
    }

    fn check(values: &str) -> Constraint {
        let sql = format!("tier IN ({values})");
        let rule = Rule::Check(PerEngine { postgres: sql.clone(), sqlite: sql });
        Constraint { name: "users_tier_check".into(), rule }
    }

    fn differences(version: &Schema, wanted: &Schema, as_version: &Schema, as_wanted: &Schema) -> Differences {
        Comparison { engine: Engine::Postgres, version, wanted, as_version, as_wanted }.differences()
    }

    #[test]
    fn what_was_pushed_is_kept_as_it_is() {
        let text = Column::new("tier", Kind::Text);
        let short = Column { nullable: true, ..Column::new("tier", Kind::VarChar(Some(9))) };
        let (old, new) = (table(text.clone(), vec![check("1")]), table(short.clone(), vec![check("2")]));
        assert_eq!(differences(&old, &new, &old, &new), Differences::default(), "nothing was pushed");
        let foreign = Rule::Unsupported("CHECK (tier IN (2))".into());
        let foreign = Constraint { rule: foreign, ..check("2") };
        let found = differences(&old, &new, &table(short.clone(), vec![foreign.clone()]), &new);
        let names: Vec<String> = found.changed.iter().map(Changed::name).collect();
        assert_eq!((names, found.replaced.len()), (vec!["users.tier".to_owned(), "users_tier_check".to_owned()], 0));
        let mut made = old.clone();
        found.changed.iter().for_each(|changed| changed.put_into(&mut made));
        assert_eq!(made, new);
        for changed in &found.changed {
            let text = serde_json::to_string(changed).unwrap();
            assert_eq!(serde_json::from_str::<Changed>(&text).unwrap(), *changed, "{text}");
        }

        // A check that neither has is not made, a type is.
        let third = Column { nullable: true, ..Column::new("tier", Kind::VarChar(Some(5))) };
        let live = table(third.clone(), vec![foreign]);
        let found = differences(&old, &new, &live, &live);
        assert_eq!(found.replaced, ["users_tier_check"]);
        assert_eq!(found.changed, [Changed { table: "users".into(), now: Definition::Column(third) }]);
    }

    #[test]
    fn no_expression_of_a_file_is_run() {
        let (old, new) =
            (table(Column::new("tier", Kind::Text), vec![check("1")]), table(Column::new("tier", Kind::Text), vec![]));
        let of = |now| Changed { table: "users".into(), now };
        let known = || [&old, &new].into_iter();
        assert!(of(Definition::Rule(check("1"))).is_known(known()));
        assert!(!of(Definition::Rule(check("evil()"))).is_known(known()));
        let column = |kind, default| Definition::Column(Column { default, ..Column::new("tier", kind) });
        assert!(of(column(Kind::VarChar(Some(3)), Some(Value::Text("a".into())))).is_known(known()));
        let evil = Value::Expression(PerEngine { postgres: "evil()".into(), sqlite: "evil()".into() });
        assert!(!of(column(Kind::Text, Some(evil))).is_known(known()));
        assert!(!of(column(Kind::Text, Some(Value::Unsupported("evil()".into())))).is_known(known()));
        assert!(!of(column(Kind::Integer, Some(Value::Number("evil()".into())))).is_known(known()));
        assert!(!of(column(Kind::Unsupported("evil".into()), None)).is_known(known()));
        assert!(!of(column(Kind::Array(Box::new(Kind::Unsupported("evil".into()))), None)).is_known(known()));
    }
}
