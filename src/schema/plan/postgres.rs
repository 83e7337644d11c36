//! Changes as SQL for PostgreSQL, with the locks they take.

use super::attachments;
use super::cost::{self, Cost};
use super::online::{self, Online, Part};
use super::order::{self, Planned};
use super::{Job, Lock, Step, reasons};
use crate::db::{Engine, quote, search_path};
use crate::schema::change::Change;
use crate::schema::dialect::{literal, postgres};
use crate::schema::live::Rename;
use crate::schema::model::{Column, Constraint, Index, Kind, Rule, Shape, Table, TriggerBody, Value, fit_name};

pub(super) fn steps(job: &Job<'_>, changes: &[Change]) -> Vec<Step> {
    let mut planned: Vec<Planned<'_>> = Vec::new();
    if !job.home && changes.iter().any(|change| matches!(change, Change::CreateFunction(_))) {
        let mut step = Step {
            what: format!("create schema {}", postgres::HOME),
            why: "skyteam keeps its own tables in a schema of their own".to_owned(),
            sql: vec![format!("CREATE SCHEMA {}", quote(postgres::HOME))],
            lock: None,
            cost: Cost::Catalogue,
            conversion: None,
            loses: Vec::new(),
            undo: vec![format!("DROP SCHEMA {}", quote(postgres::HOME))],
            estimated_ms: None,
            online: None,
        };
        step.online = Some(Online::Parts(vec![online::whole(&step)]));
        planned.push((None, step));
    }
    for change in changes {
        planned.extend(steps_of(job, changes, change).into_iter().map(|step| (Some(change), step)));
    }
    replace_triggers(&mut planned);
    order::by_lock(planned)
}

/// Online, a trigger that is dropped and made again is replaced instead: between the two nothing would guard the table.
fn replace_triggers(planned: &mut [Planned<'_>]) {
    let made = |change: &Change| match change {
        Change::CreateTrigger { table, trigger } | Change::DropTrigger { table, trigger } => {
            Some((table.clone(), trigger.name.clone()))
        }
        _ => None,
    };
    let is_drop = |change: &Change| matches!(change, Change::DropTrigger { .. });
    let changes: Vec<&Change> = planned.iter().filter_map(|(change, _)| *change).collect();
    let dropped: Vec<_> = changes.iter().filter(|change| is_drop(change)).filter_map(|change| made(change)).collect();
    for (change, step) in planned {
        let Some(change) = *change else { continue };
        let Some(name) = made(change).filter(|name| dropped.contains(name)) else { continue };
        let again = changes.iter().any(|other| !is_drop(other) && made(other).as_ref() == Some(&name));
        step.online = match (is_drop(change), again) {
            (true, true) => Some(Online::Parts(Vec::new())),
            (true, false) => Some(Online::Refused("what it guards would be unguarded")),
            (false, _) => {
                let sql = step.sql.iter().map(|sql| sql.replacen("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1));
                Some(Online::Parts(vec![Part::Short { lock: step.lock.clone(), sql: sql.collect() }]))
            }
        };
    }
}

/// The steps of one change: a key is an index first, which stops writers only, and a constraint on it then.
fn steps_of(job: &Job<'_>, changes: &[Change], change: &Change) -> Vec<Step> {
    let whole = step(job, change);
    let partitioned = |table: &str| job.from.table(table).is_some_and(|table| table.partitioned);
    let mut steps = match change {
        // PostgreSQL makes no constraint of an index there.
        Change::AddConstraint { table, constraint } if is_key(&constraint.rule) && !partitioned(table) => {
            let name = &constraint.name;
            let index = Index {
                name: name.clone(),
                shape: Shape::Columns { columns: constraint.rule.columns().to_vec(), unique: true, filter: None },
            };
            let index = Step {
                what: format!("create index {name}"),
                sql: vec![postgres::create_index(table, &index).sql],
                lock: Some(Lock { mode: "SHARE", tables: vec![table.clone()] }),
                // It goes with its constraint.
                undo: Vec::new(),
                ..whole.clone()
            };
            let sql = vec![use_index(table, constraint, name)];
            vec![index, Step { sql, cost: Cost::Catalogue, ..whole }]
        }
        _ => vec![whole],
    };
    if let Some(last) = steps.last_mut() {
        let kept = attachments::after(job, changes, change);
        if kept.iter().any(|sql| sql.contains("REPLICA IDENTITY"))
            && let Some(lock) = &mut last.lock
        {
            lock.mode = "ACCESS EXCLUSIVE";
        }
        last.sql.extend(kept);
    }
    let online = |step: Step| Step { online: Some(online::of(change, &step)), ..step };
    steps.into_iter().map(online).collect()
}

fn is_key(rule: &Rule) -> bool {
    matches!(rule, Rule::PrimaryKey(_) | Rule::Unique(_))
}

fn use_index(table: &str, constraint: &Constraint, index: &str) -> String {
    let kind = match constraint.rule {
        Rule::PrimaryKey(_) => "PRIMARY KEY",
        _ => "UNIQUE",
    };
    let (table, name, index) = (quote(table), quote(&constraint.name), quote(index));
    format!("ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {index}")
}

pub(super) fn script(steps: &[Step]) -> String {
    let mut script = format!("BEGIN;\nSET LOCAL search_path = {};\n", search_path::DDL);
    for step in steps {
        script.push_str(&format!("\n-- {}: {}\n", step.what, step.why));
        for sql in &step.sql {
            script.push_str(&format!("{sql};\n"));
        }
    }
    script.push_str("\nCOMMIT;\n");
    script
}

fn step(job: &Job<'_>, change: &Change) -> Step {
    let undo = match change {
        // PostgreSQL takes no value of an enum away, and forgets no proof.
        Change::AddEnumValue { .. } | Change::ValidateConstraint { .. } => Vec::new(),
        Change::PromoteIndex { table, index, .. } => {
            let mut all = sql(&job.back(), &change.inverse());
            all.push(postgres::create_index(table, index).sql);
            all
        }
        other => sql(&job.back(), &other.inverse()),
    };
    Step {
        what: change.what(),
        why: reasons::why(change, Engine::Postgres),
        sql: sql(job, change),
        lock: lock(change),
        cost: cost::postgres(job, change, fills(job, change)),
        conversion: super::conversion([change]),
        loses: super::loss(job, change).into_iter().collect(),
        undo,
        estimated_ms: None,
        online: None,
    }
}

fn sql(job: &Job<'_>, change: &Change) -> Vec<String> {
    let alter = |table: &str, what: String| format!("ALTER TABLE {} {what}", quote(table));
    let column = |table: &str, column: &str, what: &str| {
        format!("ALTER TABLE {} ALTER COLUMN {} {what}", quote(table), quote(column))
    };
    match change {
        Change::CreateTable(table) => {
            let mut all = vec![postgres::table(table).sql];
            // As the inverse of a drop it is one step of its own, with its foreign keys.
            let keys = table.constraints.iter().filter(|key| matches!(key.rule, Rule::ForeignKey(_)));
            all.extend(keys.map(|key| postgres::add_constraint(&table.name, key).sql));
            all
        }
        Change::DropTable(table) => vec![format!("DROP TABLE {}", quote(&table.name))],
        Change::Normalise { table, .. } => vec![alter(table, "SET LOGGED".to_owned())],
        Change::RenameColumn { table, from, to } => {
            vec![alter(table, format!("RENAME COLUMN {} TO {}", quote(from), quote(to)))]
        }
        Change::AddColumn { table, column: added } => add_column(job, table, added),
        Change::DropColumn { table, column } => vec![alter(table, format!("DROP COLUMN {}", quote(&column.name)))],
        Change::AlterType { table, column: name, from, to } => {
            let collation = collation(job, table, name).map_or_else(String::new, |of| format!(" COLLATE {of}"));
            let cast = cast(&quote(name), from, to);
            vec![column(table, name, &format!("TYPE {}{collation} USING {cast}", postgres::kind(to)))]
        }
        Change::SetDefault { table, column: name, from, to } => set_default(table, name, from.as_ref(), to.as_ref()),
        Change::SetNullable { table, column: name, to: true } => vec![column(table, name, "DROP NOT NULL")],
        Change::SetNullable { table, column: name, to: false } => {
            let mut all: Vec<String> = fill(job, table, name).into_iter().collect();
            all.push(column(table, name, "SET NOT NULL"));
            all
        }
        Change::AddConstraint { table, constraint } => vec![postgres::add_constraint(table, constraint).sql],
        Change::DropConstraint { table, constraint } => {
            vec![alter(table, format!("DROP CONSTRAINT {}", quote(&constraint.name)))]
        }
        Change::PromoteIndex { table, index, constraint } => vec![use_index(table, constraint, &index.name)],
        Change::ValidateConstraint { table, constraint } => {
            vec![alter(table, format!("VALIDATE CONSTRAINT {}", quote(&constraint.name)))]
        }
        Change::RenameConstraint { table, from, to } => match to.rule {
            // Its index may be all there is of a unique constraint; the index's name is the constraint's in any case.
            Rule::PrimaryKey(_) | Rule::Unique(_) => vec![rename_index(from, &to.name)],
            _ => vec![alter(table, format!("RENAME CONSTRAINT {} TO {}", quote(from), quote(&to.name)))],
        },
        Change::CreateIndex { table, index } => vec![postgres::create_index(table, index).sql],
        Change::DropIndex { index, .. } => vec![format!("DROP INDEX {}", quote(&index.name))],
        Change::RenameIndex { from, to, .. } => vec![rename_index(from, &to.name)],
        Change::CreateTrigger { table, trigger } => postgres::create_trigger(table, trigger, postgres::HOME)
            .map(|statement| statement.sql)
            .into_iter()
            .collect(),
        Change::DropTrigger { table, trigger } => {
            vec![format!("DROP TRIGGER {} ON {}", quote(&trigger.name), quote(table))]
        }
        Change::CreateEnum(of) => vec![postgres::create_enum(of).sql],
        Change::DropEnum(of) => vec![format!("DROP TYPE {}", quote(&of.name))],
        Change::AddEnumValue { of, value, before } => {
            let place = before.as_ref().map_or_else(String::new, |next| format!(" BEFORE {}", literal(next)));
            vec![format!("ALTER TYPE {} ADD VALUE {}{place}", quote(&of.name), literal(value))]
        }
        Change::RemakeEnum { from, to } => vec![
            format!("ALTER TYPE {} RENAME TO {}", quote(&from.name), quote(&former(&from.name))),
            postgres::create_enum(to).sql,
        ],
        Change::DropFormerEnum { to, .. } => vec![format!("DROP TYPE {}", quote(&former(&to.name)))],
        Change::SetComment { table, column, to, .. } => {
            vec![postgres::comment(table, column.as_deref(), to.as_deref()).sql]
        }
        Change::CreateFunction(function) | Change::ReplaceFunction { to: function, .. } => {
            postgres::create_functions(function).into_iter().map(|statement| statement.sql).collect()
        }
        Change::DropFunction(function) => {
            vec![format!("DROP FUNCTION {}.{}()", postgres::HOME, quote(&function.name))]
        }
    }
}

/// The collation of a live column, which another type would take away.
fn collation<'a>(job: &Job<'a>, table: &str, column: &str) -> Option<&'a str> {
    let had = job.from.table(table)?;
    let is_it = |had: &&Column| Rename::apply(job.renames, table, &had.name) == column;
    had.columns.iter().find(is_it)?.collation.as_deref()
}

fn rename_index(from: &str, to: &str) -> String {
    format!("ALTER INDEX {} RENAME TO {}", quote(from), quote(to))
}

/// A new column. The rows that are there get a backfill's value as its default, which writes no row and fires no
/// trigger; then the default becomes what it is to be.
fn add_column(job: &Job<'_>, table: &str, column: &Column) -> Vec<String> {
    let add = |column: &Column| format!("ALTER TABLE {} ADD COLUMN {}", quote(table), postgres::column(table, column));
    match job.backfill(table, column) {
        None => vec![add(column)],
        Some(value) => {
            let filled = Column { default: Some(value), ..column.clone() };
            let mut all = vec![add(&filled)];
            all.extend(set_default(table, &column.name, None, column.default.as_ref()));
            all
        }
    }
}

/// What an enum type is called while another one takes its place.
fn former(name: &str) -> String {
    fit_name(&format!("_skyteam_former_{name}"))
}

fn set_default(table: &str, column: &str, from: Option<&Value>, to: Option<&Value>) -> Vec<String> {
    let alter = |what: String| format!("ALTER TABLE {} ALTER COLUMN {} {what}", quote(table), quote(column));
    let is_identity = |value: &Value| match value {
        Value::AutoIncrement => true,
        Value::Unsupported(text) => text.ends_with("AS IDENTITY"),
        _ => false,
    };
    let is_generated = |value: &Value| matches!(value, Value::Unsupported(text) if text.starts_with("GENERATED"));
    match (from, to) {
        // It keeps its numbers.
        (Some(from), Some(Value::AutoIncrement)) if is_identity(from) => {
            vec![alter("SET GENERATED BY DEFAULT".to_owned())]
        }
        (Some(from), to) if is_identity(from) => {
            let mut all = vec![alter("DROP IDENTITY".to_owned())];
            all.extend(to.map(|value| alter(format!("SET DEFAULT {}", postgres::default(value)))));
            all
        }
        (from, Some(to)) if is_identity(to) => {
            let drop = match from {
                Some(from) if is_generated(from) => Some("DROP EXPRESSION"),
                Some(_) => Some("DROP DEFAULT"),
                None => None,
            };
            let mut all: Vec<String> = drop.map(|drop| alter(drop.to_owned())).into_iter().collect();
            let made = match to {
                Value::AutoIncrement => postgres::identity(table, column),
                other => postgres::default(other),
            };
            all.push(alter(format!("ADD {made}")));
            // Its numbers go on after those that are there.
            all.push(format!(
                "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, {})::regclass, \
                 coalesce(pg_catalog.max({}), 0) + 1, false) FROM {}",
                literal(&quote(table)),
                literal(column),
                quote(column),
                quote(table)
            ));
            all
        }
        (Some(from), to) if is_generated(from) => {
            let mut all = vec![alter("DROP EXPRESSION".to_owned())];
            all.extend(to.map(|value| alter(format!("SET DEFAULT {}", postgres::default(value)))));
            all
        }
        (_, Some(value)) => vec![alter(format!("SET DEFAULT {}", postgres::default(value)))],
        (_, None) => vec![alter("DROP DEFAULT".to_owned())],
    }
}

/// Gives a value to the rows that have none. Where the table has triggers, one of which may refuse, the column is written anew
/// instead, which fires none.
fn fill(job: &Job<'_>, table: &str, column: &str) -> Option<String> {
    let wanted = job.to.table(table)?;
    let value = postgres::default(&job.backfill(table, wanted.column(column)?)?);
    let (table_name, name) = (quote(table), quote(column));
    Some(if is_guarded(wanted) {
        let kind = postgres::kind(&wanted.column(column)?.kind);
        let collation = collation(job, table, column).map_or_else(String::new, |of| format!(" COLLATE {of}"));
        format!("ALTER TABLE {table_name} ALTER COLUMN {name} TYPE {kind}{collation} USING coalesce({name}, {value})")
    } else {
        format!("UPDATE {table_name} SET {name} = {value} WHERE {name} IS NULL")
    })
}

fn is_guarded(table: &Table) -> bool {
    table.triggers.iter().any(|trigger| matches!(trigger.body, TriggerBody::Postgres { .. }))
}

/// Whether rows get a value, and whether all are written anew for it.
fn fills(job: &Job<'_>, change: &Change) -> Option<bool> {
    match change {
        Change::SetNullable { table, column, to: false } => {
            fill(job, table, column)?;
            job.to.table(table).map(is_guarded)
        }
        _ => None,
    }
}

/// The value of `expression` as another type; through text where PostgreSQL has no direct way. A length is left to the
/// column, which refuses what is too long where a cast would cut it off.
///
/// A value of a type that is not PostgreSQL's own is never cast: the cast is whatever function the owner of the type has
/// declared, and it would run with the rights of this session.
pub(in crate::schema) fn cast(expression: &str, from: &Kind, to: &Kind) -> String {
    use Kind::{
        Array, BigInteger, Bit, Boolean, Char, Cidr, Date, Double, Inet, Integer, Json, JsonBinary, Numeric, Real,
        SmallInteger, Text, Time, Timestamp, TimestampTz, VarBit, VarChar,
    };
    if from.has_foreign_casts() {
        return cast(&output(expression), &Text, to);
    }
    let target = postgres::kind(to);
    match (from, to) {
        (Array(_), Array(_)) if to.enum_type().is_some() => format!("{expression}::text[]::{target}"),
        (Text | VarChar(_) | Char(_), Text | VarChar(_) | Char(_))
        | (Bit(_) | VarBit(_), Bit(_) | VarBit(_))
        | (Numeric(_), Numeric(_))
        | (Timestamp(_), Timestamp(_))
        | (TimestampTz(_), TimestampTz(_))
        | (Time(_), Time(_))
        | (Cidr, Inet) => expression.to_owned(),
        (_, VarChar(_) | Char(_)) => format!("{expression}::text"),
        (Text | VarChar(_) | Char(_), Bit(_) | VarBit(_)) => format!("{expression}::bit varying"),
        (_, Bit(_) | VarBit(_)) => format!("{expression}::text::bit varying"),
        (SmallInteger | Integer | BigInteger | Real | Double | Numeric(_), Boolean) => format!("{expression} <> '0'"),
        (Boolean, SmallInteger | BigInteger | Real | Double | Numeric(_)) => format!("{expression}::integer::{target}"),
        (
            SmallInteger | Integer | BigInteger | Real | Double | Numeric(_),
            SmallInteger | Integer | BigInteger | Real | Double | Numeric(_),
        )
        | (Boolean, Integer)
        | (Timestamp(_) | TimestampTz(_) | Date, Timestamp(_) | TimestampTz(_) | Date)
        | (Timestamp(_) | TimestampTz(_), Time(_))
        | (Json | JsonBinary, Json | JsonBinary)
        | (Inet, Cidr)
        | (Array(_), Array(_))
        | (Text | VarChar(_) | Char(_), _)
        | (_, Text) => format!("{expression}::{target}"),
        _ => format!("{expression}::text::{target}"),
    }
}

/// The text that a value's type writes, by its output function; NULL for NULL. In parentheses, or PL/pgSQL takes its THEN
/// for that of an IF.
pub(in crate::schema) fn output(expression: &str) -> String {
    format!("(CASE WHEN {expression} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', {expression}) END)")
}

fn lock(change: &Change) -> Option<Lock> {
    let on = |mode: &'static str, tables: &[&str]| {
        let mut tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
        tables.dedup();
        Some(Lock { mode, tables })
    };
    match change {
        Change::CreateTable(_)
        | Change::SetComment { .. }
        | Change::CreateFunction(_)
        | Change::ReplaceFunction { .. }
        | Change::DropFunction(_) => None,
        Change::AddConstraint { table, constraint } => match &constraint.rule {
            Rule::ForeignKey(key) => on("SHARE ROW EXCLUSIVE", &[table, &key.table]),
            _ => on("ACCESS EXCLUSIVE", &[table]),
        },
        Change::DropConstraint { table, constraint } => match &constraint.rule {
            Rule::ForeignKey(key) => on("ACCESS EXCLUSIVE", &[table, &key.table]),
            _ => on("ACCESS EXCLUSIVE", &[table]),
        },
        Change::CreateIndex { table, .. } => on("SHARE", &[table]),
        Change::ValidateConstraint { table, .. } => on("SHARE UPDATE EXCLUSIVE", &[table]),
        Change::DropTable(table) => {
            let targets = table.foreign_keys().map(|(_, key)| key.table.as_str());
            on("ACCESS EXCLUSIVE", &std::iter::once(table.name.as_str()).chain(targets).collect::<Vec<_>>())
        }
        Change::CreateTrigger { table, .. } => on("SHARE ROW EXCLUSIVE", &[table]),
        other => other.table().and_then(|table| on("ACCESS EXCLUSIVE", &[table])),
    }
}
