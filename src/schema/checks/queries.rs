//! The queries behind the checks: each finds the rows of today's tables that would break a rule of the plan.
//!
//! A table is seen as it will be ([`Checker::seen`]): renamed columns under their new names, new ones with the value
//! that rows will get.

use super::remediation::{Remediation, Subject, only};
use super::{casts, remediation};
use crate::db::{Engine, quote};
use crate::schema::change::Change;
use crate::schema::dialect::{postgres, quote_all, sqlite};
use crate::schema::live::Rename;
use crate::schema::model::{Column, Constraint, ForeignKey, Kind, Rule, Schema, Shape, Table, Trigger, Value};
use crate::schema::plan::{Loss, Plan, cast_postgres, cast_sqlite, output};

/// What the names of the triggers that make the ledger append-only begin with.
const APPEND_ONLY_TRIGGER: &str = "milesTransactions_append_only";

/// One question to the data.
#[derive(Debug)]
pub(super) struct Check {
    pub table: String,
    pub problem: String,
    /// Gives one number.
    pub count: String,
    /// Gives the columns as text; takes a LIMIT.
    pub examples: String,
    pub columns: Vec<String>,
    pub query: String,
    pub mend: Vec<Remediation>,
}

/// Makes the questions.
pub(super) struct Checker<'a> {
    pub from: &'a Schema,
    pub to: &'a Schema,
    pub plan: &'a Plan,
    /// Whether PostgreSQL can be asked what becomes of values of another type.
    pub casts: bool,
}

impl Checker<'_> {
    /// What the data must be asked before `change`, the plan's change number `at`.
    pub(super) fn checks(&self, at: usize, change: &Change) -> Vec<Check> {
        let Some(table) = change.table().and_then(|name| self.from.table(name).zip(self.to.table(name))) else {
            return Vec::new();
        };
        match change {
            Change::AddColumn { column, .. } => self.required(table, column).into_iter().collect(),
            Change::SetNullable { column, to: false, .. } => {
                table.1.column(column).and_then(|column| self.required(table, column)).into_iter().collect()
            }
            Change::AlterType { column, from, to, .. } if self.casts => vec![self.cast(table, at, column, from, to)],
            Change::AddConstraint { constraint, .. } | Change::ValidateConstraint { constraint, .. } => {
                self.constraint(table, constraint)
            }
            Change::CreateIndex { index, .. } => match &index.shape {
                Shape::Columns { columns, unique: true, filter } => {
                    let filter = filter.as_ref().map(|sql| match self.plan.engine {
                        Engine::Postgres => sql.postgres.as_str(),
                        Engine::Sqlite => sql.sqlite.as_str(),
                    });
                    vec![self.duplicates(table, &index.name, columns, filter)]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The query that counts what a loss loses; nothing where the table does not hold it.
    pub(super) fn loss(&self, loss: &Loss) -> Option<String> {
        let table = quote(&loss.table);
        let Some(column) = &loss.column else { return Some(format!("SELECT count(*) FROM {table}")) };
        let retyped = self.plan.changes.iter().enumerate().find_map(|(at, change)| match change {
            Change::AlterType { table, column: name, from, to } if *table == loss.table && name == column => {
                Some((at, from, to))
            }
            _ => None,
        });
        if retyped.is_some() && !self.casts {
            return None;
        }
        let old_name = self.old_name(&loss.table, column);
        Some(match retyped {
            Some((at, from, to)) => {
                let condition = casts::altered(self.plan.engine, at, &old_name, from, to);
                format!("SELECT count(*) FROM {table} WHERE {condition}")
            }
            None => format!("SELECT count({}) FROM {table}", quote(&old_name)),
        })
    }

    fn old_name(&self, table: &str, column: &str) -> String {
        let is_it = |rename: &&Rename| rename.table == table && rename.to == column;
        self.plan.renames.iter().find(is_it).map_or_else(|| column.to_owned(), |rename| rename.from.clone())
    }

    /// What a column that gets another type will be, in SQL; NULL where its value cannot become one. `shown` is for
    /// people, who have no scratch functions: where the condition is none so simple, such a value is an error.
    fn retyped(&self, had: &Table, wanted: &Column, shown: bool) -> Option<String> {
        if !self.casts {
            return None;
        }
        let (engine, old_name) = (self.plan.engine, self.old_name(&had.name, &wanted.name));
        self.plan.changes.iter().enumerate().find_map(|(at, change)| match change {
            Change::AlterType { table, column, from, to } if *table == had.name && *column == wanted.name => {
                let broken = if shown {
                    casts::shown(engine, &old_name, from, to)
                } else {
                    Some(casts::broken(engine, at, &old_name, from, to))
                };
                let name = quote(&old_name);
                let cast = match engine {
                    Engine::Postgres => cast_postgres(&name, from, &casts::stand_in(to)),
                    // A strict column turns what is put into it by itself.
                    Engine::Sqlite => format!("CAST({} AS {})", cast_sqlite(&name, from, to), sqlite::kind(to)),
                };
                Some(match broken {
                    Some(broken) => format!("CASE WHEN NOT ({broken}) THEN {cast} END"),
                    None => cast,
                })
            }
            _ => None,
        })
    }

    /// What a column of the table to come is now, in SQL.
    fn source(&self, had: &Table, wanted: &Column) -> String {
        let old_name = self.old_name(&had.name, &wanted.name);
        // A generated number is unique by itself, so any value may represent it here.
        let number = Value::Integer(0);
        let filler = match self.plan.backfill(&had.name, &wanted.name).or(wanted.default.as_ref()) {
            Some(Value::AutoIncrement) => Some(&number),
            other => other,
        };
        let is_filled = self.is_filled(&had.name, &wanted.name);
        let words = |value| match self.plan.engine {
            Engine::Postgres => format!("{}::{}", postgres::default(value), there(&wanted.kind)),
            Engine::Sqlite => sqlite::default(value, &wanted.kind),
        };
        match (had.column(&old_name), filler) {
            (Some(had), Some(filler)) if had.nullable && !wanted.nullable && is_filled => {
                format!("coalesce({}, {})", quote(&old_name), words(filler))
            }
            (Some(_), _) => quote(&old_name),
            (None, Some(filler)) => words(filler),
            (None, None) => match self.plan.engine {
                Engine::Postgres => format!("NULL::{}", there(&wanted.kind)),
                Engine::Sqlite => "NULL".to_owned(),
            },
        }
    }

    fn is_filled(&self, table: &str, column: &str) -> bool {
        self.plan.backfill(table, column).is_some()
    }

    /// The table as it will be seen by the rules to come: itself, where nothing about its columns changes.
    fn seen(&self, table: (&Table, &Table)) -> String {
        self.seen_with(table, &quote(&table.0.name), |_| None)
    }

    /// The same, where `from` is how its rows are named, and `other` knows another source of a column.
    fn seen_with(
        &self,
        (had, wanted): (&Table, &Table),
        from: &str,
        other: impl Fn(&Column) -> Option<String>,
    ) -> String {
        let source = |column: &Column| other(column).unwrap_or_else(|| self.source(had, column));
        let sources: Vec<(String, String)> =
            wanted.columns.iter().map(|column| (source(column), quote(&column.name))).collect();
        let table = quote(&wanted.name);
        if sources.iter().all(|(source, name)| source == name) {
            return from.to_owned();
        }
        let list: Vec<String> = sources
            .into_iter()
            .map(|(source, name)| if source == name { name } else { format!("{source} AS {name}") })
            .collect();
        format!("(SELECT {} FROM {from}) AS {table}", list.join(", "))
    }

    /// The same, with values of the types to come: for the program, and in words for people.
    fn seen_retyped(&self, table: (&Table, &Table), from: &str) -> (String, String) {
        let seen = |shown| self.seen_with(table, from, |column| self.retyped(table.0, column, shown));
        (seen(false), seen(true))
    }

    fn subject<'a>(&self, table: (&'a Table, &'a Table)) -> Subject<'a> {
        let guards = |trigger: &Trigger| trigger.name.starts_with(APPEND_ONLY_TRIGGER);
        let append_only = table.0.triggers.iter().any(guards);
        Subject { engine: self.plan.engine, table: table.0, wanted: table.1, append_only }
    }

    /// A check of the rows of a table that meet `condition`, and of those that inherit the rule.
    fn rows(&self, table: (&Table, &Table), problem: &str, condition: &str, columns: &[String]) -> Check {
        self.rows_of(&self.seen(table), table, problem, condition, columns)
    }

    /// A check of the table's own rows: what inherits from it obeys no key of it.
    fn own_rows(&self, table: (&Table, &Table), problem: &str, condition: &str, columns: &[String]) -> Check {
        let seen = self.seen_with(table, &only(self.plan.engine, table.0), |_| None);
        self.rows_of(&seen, table, problem, condition, columns)
    }

    fn rows_of(
        &self,
        seen: &str,
        table: (&Table, &Table),
        problem: &str,
        condition: &str,
        columns: &[String],
    ) -> Check {
        let shown = self.shown(table.0, columns);
        Check {
            table: table.1.name.clone(),
            problem: problem.to_owned(),
            count: format!("SELECT count(*) FROM {seen} WHERE {condition}"),
            examples: format!("SELECT {} FROM {seen} WHERE {condition}", self.as_text(&shown)),
            query: format!("SELECT * FROM {seen} WHERE {condition}"),
            columns: shown,
            mend: Vec::new(),
        }
    }

    /// The columns that identify a row now, or, where nothing does yet, those that are to; then those that the check is
    /// about.
    fn shown(&self, had: &Table, columns: &[String]) -> Vec<String> {
        let to_be = || {
            let wanted = self.to.table(&had.name)?;
            let Rule::PrimaryKey(key) = &wanted.primary_key()?.rule else { return None };
            let stands = |name: &&String| had.column(&self.old_name(&had.name, name)).is_some();
            Some(key.iter().filter(stands).cloned().collect())
        };
        let mut shown: Vec<String> = match had.primary_key().map(|key| &key.rule) {
            Some(Rule::PrimaryKey(key)) => {
                key.iter().map(|name| Rename::apply(&self.plan.renames, &had.name, name).to_owned()).collect()
            }
            _ => to_be().unwrap_or_default(),
        };
        shown.retain(|name| self.to.table(&had.name).is_some_and(|table| table.column(name).is_some()));
        for column in columns {
            if !shown.contains(column) {
                shown.push(column.clone());
            }
        }
        shown
    }

    fn as_text(&self, columns: &[String]) -> String {
        let cast = |column: &String| match self.plan.engine {
            // What the type writes; a cast would be whatever function its owner has declared.
            Engine::Postgres => output(&quote(column)),
            // Bytes need not be a text.
            Engine::Sqlite => format!(
                "CASE typeof({0}) WHEN 'blob' THEN '\\x' || lower(hex({0})) ELSE CAST({0} AS TEXT) END",
                quote(column)
            ),
        };
        columns.iter().map(cast).collect::<Vec<_>>().join(", ")
    }

    fn required(&self, table: (&Table, &Table), column: &Column) -> Option<Check> {
        let is_new = table.0.column(&self.old_name(&table.0.name, &column.name)).is_none();
        if column.nullable || is_new && column.default.is_some() || self.is_filled(&table.0.name, &column.name) {
            return None;
        }
        let condition = format!("{} IS NULL", quote(&column.name));
        let problem = if is_new { "would have no value in the new column" } else { "have no value" };
        let columns: &[String] = if is_new { &[] } else { std::slice::from_ref(&column.name) };
        let mut check = self.rows(table, problem, &condition, columns);
        if check.columns.is_empty() {
            check.columns = vec![table.1.columns.first()?.name.clone()];
            check.examples =
                format!("SELECT {} FROM {} WHERE {condition}", self.as_text(&check.columns), self.seen(table));
        }
        check.mend = vec![Remediation::Backfill { table: table.1.name.clone(), column: column.name.clone() }];
        Some(check)
    }

    fn cast(&self, table: (&Table, &Table), at: usize, column: &str, from: &Kind, to: &Kind) -> Check {
        let engine = self.plan.engine;
        let old_name = self.old_name(&table.0.name, column);
        let name = quote(&table.0.name);
        let condition = casts::broken(engine, at, &old_name, from, to);
        let mut columns = self.shown(table.0, &[]);
        for shown in &mut columns {
            *shown = self.old_name(&table.0.name, shown);
        }
        if !columns.contains(&old_name) {
            columns.push(old_name.clone());
        }
        let query = casts::shown(engine, &old_name, from, to).map_or_else(
            || format!("SELECT DISTINCT {} FROM {name}", quote(&old_name)),
            |condition| format!("SELECT * FROM {name} WHERE {condition}"),
        );
        Check {
            table: table.0.name.clone(),
            problem: format!("have a value that is no {}", casts::in_words(engine, to)),
            count: format!("SELECT count(*) FROM {name} WHERE {condition}"),
            examples: format!("SELECT {} FROM {name} WHERE {condition}", self.as_text(&columns)),
            columns,
            query,
            mend: vec![Remediation::Statement(format!("UPDATE {name} SET {} = … WHERE …", quote(&old_name)))],
        }
    }

    fn constraint(&self, table: (&Table, &Table), constraint: &Constraint) -> Vec<Check> {
        match &constraint.rule {
            Rule::PrimaryKey(columns) => {
                let was_nullable = |name: &&String| {
                    table.0.column(&self.old_name(&table.0.name, name)).is_some_and(|column| column.nullable)
                        && !self.is_filled(&table.0.name, name)
                        // Refusing NULL is then a change of its own, with a check of its own.
                        && table.1.column(name).is_some_and(|column| column.nullable)
                };
                let nulls = columns.iter().filter(was_nullable).map(|name| format!("{} IS NULL", quote(name)));
                let nulls = nulls.collect::<Vec<_>>().join(" OR ");
                let empty = (!nulls.is_empty()).then(|| self.rows(table, "have no value in the key", &nulls, columns));
                empty.into_iter().chain([self.duplicates(table, &constraint.name, columns, None)]).collect()
            }
            Rule::Unique(columns) => vec![self.duplicates(table, &constraint.name, columns, None)],
            Rule::ForeignKey(key) => vec![self.orphans(table, key)],
            Rule::Check(sql) => {
                let sql = match self.plan.engine {
                    Engine::Postgres => &sql.postgres,
                    Engine::Sqlite => &sql.sqlite,
                };
                let columns = mentioned(table.1, sql);
                let mut check = self.rows(table, "break the rule", &format!("NOT ({sql})"), &columns);
                check.mend = remediation::check(self.subject(table), &constraint.name, sql);
                if !self.casts && self.touches_retyped(table.1, sql) {
                    return Vec::new();
                }
                if self.touches_retyped(table.1, sql) {
                    self.put_to_retyped(table, &mut check, &format!("NOT ({sql})"));
                }
                vec![check]
            }
            Rule::NotValid(_) | Rule::Disabled(_) | Rule::UnsupportedPrimaryKey(_) | Rule::Unsupported(_) => Vec::new(),
        }
    }

    /// Asks the values as they will be: a rule cannot be put to what has another type. Those that cannot be turned are
    /// the change's own finding.
    fn put_to_retyped(&self, table: (&Table, &Table), check: &mut Check, condition: &str) {
        let (seen, shown) = self.seen_retyped(table, &quote(&table.0.name));
        check.count = format!("SELECT count(*) FROM {seen} WHERE {condition}");
        check.examples = format!("SELECT {} FROM {seen} WHERE {condition}", self.as_text(&check.columns));
        check.query = format!("SELECT * FROM {shown} WHERE {condition}");
        check.mend = vec![Remediation::Statement(format!("UPDATE {} SET … WHERE …", quote(&table.1.name)))];
    }

    /// Whether a rule is over a column whose type changes.
    fn touches_retyped(&self, table: &Table, sql: &str) -> bool {
        let mentioned = mentioned(table, sql);
        self.plan.changes.iter().any(|change| {
            matches!(change, Change::AlterType { table: of, column, .. }
                if *of == table.name && mentioned.contains(column))
        })
    }

    /// Rows that are too many: all but one of each group.
    fn duplicates(&self, table: (&Table, &Table), name: &str, columns: &[String], filter: Option<&str>) -> Check {
        // Values that differ may be the same in another type: 1.5 and 2.5 are both the integer 2.
        let (seen, shown_as) = self.seen_retyped(table, &only(self.plan.engine, table.0));
        let list = quote_all(columns);
        let mut conditions: Vec<String> =
            columns.iter().map(|column| format!("{} IS NOT NULL", quote(column))).collect();
        conditions.extend(filter.map(|sql| format!("({sql})")));
        let conditions = conditions.join(" AND ");
        let groups_of = |seen: &str| {
            format!(
                "SELECT {list}, count(*) AS times FROM {seen} WHERE {conditions} GROUP BY {list} HAVING count(*) > 1"
            )
        };
        let groups = groups_of(&seen);
        let mut shown = columns.to_vec();
        shown.push("times".to_owned());
        Check {
            table: table.1.name.clone(),
            problem: format!("stand beside another with the same {}", columns.join(" and ")),
            count: format!("SELECT CAST(coalesce(sum(times - 1), 0) AS bigint) FROM ({groups}) AS groups"),
            examples: format!("SELECT {} FROM ({groups}) AS groups ORDER BY {list}", self.as_text(&shown)),
            query: format!(
                "SELECT * FROM {shown_as} WHERE ({list}) IN (SELECT {list} FROM ({}) AS groups) ORDER BY {list}",
                groups_of(&shown_as)
            ),
            columns: shown,
            mend: remediation::duplicates(self.subject(table), name, columns),
        }
    }

    /// Rows that name a row of another table which is not there.
    fn orphans(&self, table: (&Table, &Table), key: &ForeignKey) -> Check {
        let given: Vec<String> = key.columns.iter().map(|column| format!("{} IS NOT NULL", quote(column))).collect();
        let given = given.join(" AND ");
        let target = self.from.table(&key.table).zip(self.to.table(&key.table));
        let condition = match target {
            // The target is about to be made, and empty.
            None => given,
            Some(target) => {
                let plain = self.same_kinds(table, target, key);
                let pairs: Vec<String> = key
                    .columns
                    .iter()
                    .zip(&key.references)
                    .map(|(column, reference)| {
                        let reference = quote(&self.old_name(&key.table, reference));
                        let own = format!("{}.{}", quote(&table.1.name), quote(column));
                        match self.plan.engine {
                            Engine::Postgres if !plain => {
                                format!("pg_catalog.format('%s', target.{reference}) = pg_catalog.format('%s', {own})")
                            }
                            _ => format!("target.{reference} = {own}"),
                        }
                    })
                    .collect();
                let pairs = pairs.join(" AND ");
                let other = only(self.plan.engine, target.0);
                format!("{given} AND NOT EXISTS (SELECT 1 FROM {other} AS target WHERE {pairs})")
            }
        };
        let problem = format!("name a row of {} that is not there", key.table);
        let mut check = self.own_rows(table, &problem, &condition, &key.columns);
        check.mend = remediation::orphans(self.subject(table), key, &condition);
        check
    }

    /// Whether both sides of a foreign key have the same type already, so that an index can serve the comparison.
    fn same_kinds(&self, table: (&Table, &Table), target: (&Table, &Table), key: &ForeignKey) -> bool {
        key.columns.iter().zip(&key.references).all(|(column, reference)| {
            let own = table.0.column(&self.old_name(&table.0.name, column)).or_else(|| table.1.column(column));
            let other = target.0.column(&self.old_name(&target.0.name, reference));
            own.map(|column| &column.kind) == other.map(|column| &column.kind)
        })
    }
}

/// The name of a type that holds what the type is to hold.
fn there(kind: &Kind) -> String {
    postgres::kind(&casts::stand_in(kind))
}

/// The columns of a table that an expression names.
fn mentioned(table: &Table, sql: &str) -> Vec<String> {
    let words = crate::schema::sql_tokens::tokens(sql);
    let names = |column: &&Column| {
        words.iter().any(
            |placed| matches!(&placed.token, crate::schema::sql_tokens::Token::Word(word, _) if *word == column.name),
        )
    };
    table.columns.iter().filter(names).map(|column| column.name.clone()).collect()
}
