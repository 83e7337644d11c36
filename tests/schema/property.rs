//! For random pairs of schemas, the plan from one to the other leads there on the real engine, and keeps the data.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sea_orm::ConnectionTrait;
use skyteam::db::{self, Database, DatabaseUrl, Engine};
use skyteam::schema::model::{
    Action, Column, Constraint, EnumType, ForeignKey, Index, Kind, PerEngine, Rule, Schema, Shape, Table, Value,
};
use skyteam::schema::session::Session;
use skyteam::schema::{LockPolicy, Origin, Rename, Request, checks, dialect, diff, live, plan};

use crate::support::World;

/// Names that need quotes, that are keywords, and that do not.
const COLUMNS: [&str; 5] = ["key", "userId", "order", "a \"b\"", "plain"];
const TABLES: [&str; 3] = ["alpha", "Beta", "select"];
/// A column `link` takes NULL and has no default.
const ACTIONS: &[Action] = &[Action::NoAction, Action::Restrict, Action::Cascade, Action::SetNull];
/// Every type, with parameters where it has some, and beside itself in another size.
pub(super) fn kinds() -> Vec<Kind> {
    let of = |kind: Kind| Kind::Array(Box::new(kind));
    vec![
        Kind::Text,
        Kind::Integer,
        Kind::BigInteger,
        Kind::Double,
        Kind::Boolean,
        Kind::Uuid,
        Kind::Timestamp(6),
        Kind::VarChar(None),
        Kind::VarChar(Some(6)),
        Kind::VarChar(Some(20)),
        Kind::Char(8),
        Kind::SmallInteger,
        Kind::Real,
        Kind::Numeric(None),
        Kind::Numeric(Some((10, 2))),
        Kind::Numeric(Some((20, 4))),
        Kind::Timestamp(3),
        Kind::TimestampTz(6),
        Kind::TimestampTz(0),
        Kind::Date,
        Kind::Time(6),
        Kind::Time(0),
        Kind::Interval,
        Kind::Json,
        Kind::JsonBinary,
        Kind::Bytes,
        Kind::Inet,
        Kind::Cidr,
        Kind::MacAddr,
        Kind::Bit(3),
        Kind::VarBit(None),
        Kind::VarBit(Some(4)),
        Kind::Enum(mood()),
        Kind::Enum(EnumType { name: "Tier of it".into(), values: vec!["basic".into(), "gold".into()] }),
        of(Kind::Integer),
        of(Kind::Text),
        of(Kind::Enum(mood())),
    ]
}

fn mood() -> EnumType {
    EnumType { name: "mood".into(), values: vec!["good".into(), "it's so".into(), "bad".into()] }
}

/// The type `mood` as a schema has it: one in four has another one, which has grown, or lost a value.
fn varied(kind: Kind, variant: usize) -> Kind {
    let values: &[&str] = match variant {
        1 => &["good", "it's so", "so so", "bad", "worse"],
        2 => &["good", "it's so"],
        3 => &["bad", "it's so", "good"],
        _ => return kind,
    };
    let values = values.iter().map(ToString::to_string).collect();
    match kind {
        Kind::Enum(of) if of.name == "mood" => Kind::Enum(EnumType { values, ..of }),
        Kind::Array(of) => Kind::Array(Box::new(varied(*of, variant))),
        other => other,
    }
}

#[derive(Clone, Debug)]
struct TableSpec {
    /// Type of `key`: text, integer, UUID, or a number of its own.
    key: usize,
    /// The other columns: type, whether nullable, whether with a default.
    columns: Vec<Option<(usize, bool, bool)>>,
    /// How many columns the primary key has: none, `key`, or `key` and the first other one that takes no NULL.
    primary: u8,
    unique: Option<usize>,
    check: Option<usize>,
    index: Option<usize>,
    partial: Option<usize>,
    /// The table that a column `link` refers to, and what becomes of it when its target goes.
    link: Option<(usize, Action)>,
    /// Whether the table and its key have a comment.
    comment: bool,
}

/// Tables, and which values the enum type has.
type SchemaSpec = (Vec<Option<TableSpec>>, usize);

fn table_spec() -> impl Strategy<Value = TableSpec> {
    let column = prop::option::weighted(0.7, (0..kinds().len(), any::<bool>(), any::<bool>()));
    let other = || prop::option::of(1..COLUMNS.len());
    (
        0..4_usize,
        prop::collection::vec(column, COLUMNS.len() - 1),
        0..3_u8,
        (other(), other(), other(), other()),
        prop::option::of((0..TABLES.len(), prop::sample::select(ACTIONS))),
        any::<bool>(),
    )
        .prop_map(|(key, columns, primary, (unique, check, index, partial), link, comment)| TableSpec {
            key,
            columns,
            primary,
            unique,
            check,
            index,
            partial,
            link,
            comment,
        })
}

fn schema_spec() -> impl Strategy<Value = SchemaSpec> {
    (prop::collection::vec(prop::option::weighted(0.8, table_spec()), TABLES.len()), 0..4_usize)
}

fn key_kind(spec: &TableSpec) -> Kind {
    [Kind::Text, Kind::Integer, Kind::Uuid, Kind::BigInteger][spec.key].clone()
}

pub(super) fn default(kind: &Kind) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    match kind {
        Kind::Text | Kind::VarChar(None) => text("it's \\ \"so\""),
        Kind::VarChar(_) | Kind::Char(_) => text("it's"),
        Kind::SmallInteger | Kind::Integer | Kind::BigInteger => Value::Integer(-7),
        Kind::Real | Kind::Double => Value::Integer(3),
        Kind::Numeric(_) => Value::Number("-1.5".to_owned()),
        Kind::Boolean => Value::Boolean(true),
        Kind::Uuid => Value::RandomUuid,
        Kind::Timestamp(_) | Kind::TimestampTz(_) => Value::Now,
        Kind::Date => Value::CurrentDate,
        Kind::Time(_) => Value::CurrentTime,
        Kind::Interval => text("1 day"),
        Kind::Json | Kind::JsonBinary => text("{\"a\": [1, \"it's\"]}"),
        Kind::Bytes => Value::Bytes("0aff".to_owned()),
        Kind::Inet => text("192.0.2.1"),
        Kind::Cidr => text("192.0.2.0/24"),
        Kind::MacAddr => text("08:00:2b:01:02:03"),
        Kind::Bit(_) => text("101"),
        Kind::VarBit(_) => text("10"),
        Kind::Enum(of) => Value::Text(of.values.last().unwrap().clone()),
        Kind::Array(of) => Value::List(match of.as_ref() {
            Kind::Integer => vec![Value::Integer(1), Value::Integer(-2)],
            Kind::Enum(of) => vec![Value::Text(of.values[0].clone())],
            _ => vec![text("a, \"b\""), text("c\\d")],
        }),
        Kind::Unsupported(_) => unreachable!("no entity asks for it"),
    }
}

/// Whether both engines compare, sort and index the type as one value.
fn is_comparable(kind: &Kind) -> bool {
    !matches!(kind, Kind::Boolean | Kind::Json) && kind.enum_type().is_none()
}

fn number_condition(column: &str, from: i32) -> PerEngine {
    let sql = format!("{} >= {from}", db::quote(column));
    PerEngine { postgres: sql.clone(), sqlite: sql }
}

fn table(spec: &TableSpec, name: &str, (all, variant): &SchemaSpec) -> Table {
    let comment = spec.comment.then(|| "it's a comment".to_owned());
    // Only a key numbers its rows.
    let number = (spec.key == 3 && spec.primary == 1).then_some(Value::AutoIncrement);
    let mut columns = vec![Column { default: number, comment: comment.clone(), ..Column::new("key", key_kind(spec)) }];
    for (at, column) in spec.columns.iter().enumerate() {
        if let Some((kind, nullable, with_default)) = column {
            let kind = varied(kinds()[*kind].clone(), *variant);
            let default = with_default.then(|| default(&kind));
            columns.push(Column { nullable: *nullable, default, ..Column::new(COLUMNS[at + 1], kind) });
        }
    }
    let has = |columns: &[Column], at: Option<usize>| {
        at.and_then(|at| columns.iter().find(|column| column.name == COLUMNS[at]).cloned())
    };
    let is_number = |column: &Column| {
        matches!(column.kind, Kind::SmallInteger | Kind::Integer | Kind::BigInteger | Kind::Numeric(Some((10, 2))))
    };
    let named = |kind: &str, of: &str| format!("{name}_{of}_{kind}");
    let mut constraints = Vec::new();
    let mut primary = vec!["key".to_owned()];
    if spec.primary == 2 {
        let second = columns.iter().skip(1).find(|column| !column.nullable && column.kind != Kind::Json);
        primary.extend(second.map(|column| column.name.clone()));
    }
    if spec.primary > 0 {
        constraints.push(Constraint { name: format!("{name}_pkey"), rule: Rule::PrimaryKey(primary) });
    }
    if let Some(column) = has(&columns, spec.unique).filter(|column| is_comparable(&column.kind)) {
        let rule = Rule::Unique(vec![column.name.clone()]);
        constraints.push(Constraint { name: named("unique", &column.name), rule });
    }
    if let Some(column) = has(&columns, spec.check).filter(is_number) {
        let rule = Rule::Check(number_condition(&column.name, -10));
        constraints.push(Constraint { name: named("check", &column.name), rule });
    }
    let target = spec.link.and_then(|(at, action)| all[at].as_ref().map(|target| (TABLES[at], target, action)));
    if let Some((target, target_spec, action)) = target.filter(|(_, target, _)| target.primary == 1) {
        let kind = key_kind(target_spec);
        columns.push(Column { nullable: true, ..Column::new("link", kind) });
        let key = ForeignKey {
            columns: vec!["link".into()],
            table: target.to_owned(),
            references: vec!["key".into()],
            on_update: if action == Action::Cascade { action } else { Action::NoAction },
            on_delete: action,
        };
        constraints.push(Constraint { name: named("fk", "link"), rule: Rule::ForeignKey(key) });
    }
    let mut indexes = Vec::new();
    let mut index = |name: String, columns: Vec<String>, unique: bool, filter: Option<PerEngine>| {
        indexes.push(Index { name, shape: Shape::Columns { columns, unique, filter } });
    };
    if let Some(column) = has(&columns, spec.index).filter(|column| column.kind != Kind::Json) {
        index(named("idx", &column.name), vec![column.name.clone(), "key".into()], false, None);
    }
    if let Some(column) = has(&columns, spec.partial).filter(is_number) {
        let filter = number_condition(&column.name, 100);
        index(named("partial", &column.name), vec!["key".into()], true, Some(filter));
    }
    Table { name: name.into(), columns, constraints, indexes, comment, ..Table::default() }
}

fn schema(spec: &SchemaSpec) -> Schema {
    let tables = spec
        .0
        .iter()
        .enumerate()
        .filter_map(|(at, table_spec)| table_spec.as_ref().map(|found| table(found, TABLES[at], spec)))
        .collect();
    Schema { tables, ..Schema::default() }
}

/// A literal of the type, another one for every row where it has as many.
pub(super) fn value(kind: &Kind, row: usize, engine: Engine) -> String {
    let sqlite = engine == Engine::Sqlite;
    match kind {
        Kind::Text | Kind::VarChar(None) if row.is_multiple_of(2) => format!("'{row}'"),
        Kind::Text | Kind::VarChar(None) => format!("'word {row}'"),
        Kind::VarChar(_) | Kind::Char(_) => format!("'wörd {row}'"),
        Kind::SmallInteger | Kind::Integer | Kind::BigInteger => (row + 1).to_string(),
        Kind::Numeric(Some((10, 2))) | Kind::Real | Kind::Double => format!("{row}.5"),
        Kind::Numeric(_) => format!("'{row}.5'"),
        Kind::Boolean if sqlite => (row % 2).to_string(),
        Kind::Boolean => (row.is_multiple_of(2)).to_string(),
        Kind::Uuid => format!("'00000000-0000-4000-8000-{row:012}'"),
        Kind::Timestamp(_) => format!("'2025-01-05 10:30:0{row}'"),
        Kind::TimestampTz(_) => format!("'2025-01-05T10:30:0{row}+00:00'"),
        Kind::Date => format!("'2025-01-0{}'", row + 1),
        Kind::Time(_) => format!("'10:30:0{row}'"),
        Kind::Interval => format!("'0{row}:00:00'"),
        Kind::Json | Kind::JsonBinary => format!("'{{\"row\": {row}}}'"),
        Kind::Bytes if sqlite => format!("X'0{row}ff'"),
        Kind::Bytes => format!("'\\x0{row}ff'"),
        Kind::Inet => format!("'192.0.2.{row}'"),
        Kind::Cidr => format!("'192.0.{row}.0/24'"),
        Kind::MacAddr => format!("'08:00:2b:01:02:0{row}'"),
        Kind::Bit(_) | Kind::VarBit(_) => format!("'{row:03b}'"),
        Kind::Enum(of) => dialect::literal(&of.values[row % of.values.len()]),
        Kind::Array(of) => {
            let element = match of.as_ref() {
                Kind::Integer => row.to_string(),
                Kind::Enum(of) => format!("\"{}\"", of.values[row % of.values.len()]),
                _ => format!("\"word {row}\""),
            };
            dialect::literal(&if sqlite { format!("[{element}]") } else { format!("{{{element}}}") })
        }
        Kind::Unsupported(_) => unreachable!("no entity asks for it"),
    }
}

fn rows(schema: &Schema, engine: Engine) -> String {
    let mut script = String::new();
    for table in &schema.tables {
        for row in 0..4 {
            let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
            let values: Vec<String> = table
                .columns
                .iter()
                .map(|column| {
                    // A link is set once all rows are there.
                    let empty = column.name == "link" || column.nullable && row == 3;
                    if empty { "NULL".to_owned() } else { value(&column.kind, row, engine) }
                })
                .collect();
            let (name, columns) = (db::quote(&table.name), dialect::quote_all(&columns));
            script.push_str(&format!("INSERT INTO {name} ({columns}) VALUES ({});", values.join(", ")));
        }
    }
    for table in &schema.tables {
        for (_, key) in table.foreign_keys() {
            let (name, target) = (db::quote(&table.name), db::quote(&key.table));
            script.push_str(&format!(
                "UPDATE {name} SET link = (SELECT max(\"key\"::text)::{0} FROM {target});",
                match engine {
                    Engine::Sqlite => continue,
                    Engine::Postgres => dialect::kind(engine, &table.column("link").unwrap().kind),
                }
            ));
        }
    }
    script
}

/// The values of the columns that both schemas have with the same type, row by row.
async fn kept(db: &impl ConnectionTrait, a: &Schema, b: &Schema, renames: &[Rename], after: bool) -> Vec<String> {
    let engine = Engine::of(db);
    let mut all = Vec::new();
    for before in &a.tables {
        let Some(wanted) = b.table(&before.name) else { continue };
        let columns: Vec<String> = before
            .columns
            .iter()
            .filter_map(|column| {
                let new_name = Rename::apply(renames, &before.name, &column.name);
                let is_kept = |wanted: &&Column| dialect::same_kind(engine, &wanted.kind, &column.kind);
                let same = wanted.column(new_name).filter(is_kept)?;
                Some(if after { same.name.clone() } else { column.name.clone() })
            })
            .collect();
        if columns.is_empty() {
            continue;
        }
        let text = |column: &String| match engine {
            Engine::Postgres => format!("coalesce({}::text, '-')", db::quote(column)),
            // Bytes are no text.
            Engine::Sqlite => format!("quote({})", db::quote(column)),
        };
        let as_text: Vec<String> = columns.iter().map(text).collect();
        let sql = format!("SELECT {} AS line FROM {} ORDER BY 1", as_text.join(" || ',' || "), db::quote(&before.name));
        for row in db.query_all_raw(sea_orm::Statement::from_string(engine.backend(), sql)).await.unwrap() {
            all.push(format!("{}: {}", before.name, row.try_get_by_index::<String>(0).unwrap()));
        }
    }
    all
}

async fn clear(database: &Database) {
    match database.engine() {
        Engine::Postgres => {
            // With its types.
            let sql = "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            database.conn().execute_unprepared(sql).await.unwrap();
        }
        Engine::Sqlite => {
            let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
            let session = Session::change(database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
            let query = sea_orm::Statement::from_string(database.engine().backend(), names);
            for row in session.txn().query_all_raw(query).await.unwrap() {
                let name: String = row.try_get_by_index(0).unwrap();
                session.txn().execute_unprepared(&format!("DROP TABLE {}", db::quote(&name))).await.unwrap();
            }
            session.commit().await.unwrap();
        }
    }
}

/// `COLUMNS[4]` of the first table is called otherwise afterwards, where both have it.
fn renamed(b: &mut Schema, a: &Schema) -> Vec<Rename> {
    let Some(before) = a.tables.first().filter(|table| table.column("plain").is_some()) else { return Vec::new() };
    let Some(after) = b.table_mut(&before.name).filter(|table| table.column("plain").is_some()) else {
        return Vec::new();
    };
    let to = "Fresh name";
    for column in after.columns.iter_mut().filter(|column| column.name == "plain") {
        column.name = to.to_owned();
    }
    let swap = |name: &mut String| {
        if name == "plain" {
            *name = to.to_owned();
        }
    };
    for constraint in &mut after.constraints {
        match &mut constraint.rule {
            Rule::PrimaryKey(columns) | Rule::Unique(columns) => columns.iter_mut().for_each(swap),
            Rule::Check(sql) if sql.sqlite.starts_with("\"plain\"") => *sql = number_condition(to, -10),
            _ => {}
        }
        constraint.name = constraint.name.replace("plain", to);
    }
    for index in &mut after.indexes {
        if let Shape::Columns { columns, filter, .. } = &mut index.shape {
            columns.iter_mut().for_each(swap);
            if let Some(sql) = filter.as_mut().filter(|sql| sql.sqlite.starts_with("\"plain\"")) {
                *sql = number_condition(to, 100);
            }
        }
        index.name = index.name.replace("plain", to);
    }
    vec![Rename { table: before.name.clone(), from: "plain".into(), to: to.into() }]
}

async fn story(database: &Database, a: &SchemaSpec, b: &SchemaSpec) -> Result<(), TestCaseError> {
    let engine = database.engine();
    let (a, mut b) = (schema(a), schema(b));
    let request = Request { renames: renamed(&mut b, &a), ..Request::default() };
    clear(database).await;
    // `b` first, then the tables that only `a` has: reading sees them too, and they are to go.
    let mut both = b.clone();
    let mut gone: Vec<Table> = a.tables.iter().filter(|table| b.table(&table.name).is_none()).cloned().collect();
    for column in gone.iter_mut().flat_map(|table| &mut table.columns) {
        // One model has one type of a name: a default may be no value of b's.
        let of = if let Kind::Array(of) = &column.kind { of } else { &column.kind };
        column.default = column.default.take().filter(|_| !matches!(of, Kind::Enum(_)));
    }
    both.tables.extend(gone);
    let types = a.enum_types().into_iter().cloned();
    both.unused_enums = types.filter(|of| !both.enum_types().iter().any(|known| known.name == of.name)).collect();

    let session = Session::change(database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
    let txn = session.txn();
    super::in_public(txn).await;
    for statement in dialect::create(&a, engine) {
        txn.execute_unprepared(&statement.sql).await.map_err(|error| fail(&statement.sql, &error))?;
    }
    txn.execute_unprepared(&format!("{} SELECT 1", rows(&a, engine))).await.map_err(|error| fail("rows", &error))?;

    // What was made is what was asked for.
    let made = live::read(txn, &a, &[]).await.unwrap();
    let rest = diff(&made.schema, &a, engine, Origin::Snapshot, &[]);
    prop_assert!(rest.changes.is_empty(), "made otherwise: {:?}", rest.changes);

    let found = live::read(txn, &both, &request.renames).await.unwrap();
    let mut way = plan(&found.schema, &b, engine, Origin::Snapshot, &request, true).unwrap();
    let findings = checks::run(txn, &found, &b, &mut way).await.unwrap();
    if !findings.is_empty() {
        // Found in time: without these rows the plan must work.
        for table in a.tables.iter().filter(|table| table.column("link").is_some()) {
            let unlink = format!("UPDATE {} SET link = NULL", db::quote(&table.name));
            txn.execute_unprepared(&unlink).await.unwrap();
        }
        for table in &a.tables {
            txn.execute_unprepared(&format!("DELETE FROM {}", db::quote(&table.name))).await.unwrap();
        }
    }
    let before = kept(txn, &a, &b, &request.renames, false).await;
    for step in &way.steps {
        for sql in &step.sql {
            txn.execute_unprepared(sql).await.map_err(|error| fail(sql, &error))?;
        }
    }
    prop_assert_eq!(kept(txn, &a, &b, &request.renames, true).await, before);

    let reached = live::read(txn, &both, &[]).await.unwrap();
    let rest = diff(&reached.schema, &b, engine, Origin::Snapshot, &[]);
    prop_assert!(rest.changes.is_empty(), "left over: {:?}", rest.changes);
    session.rollback().await.unwrap();
    Ok(())
}

fn fail(sql: &str, error: &sea_orm::DbErr) -> TestCaseError {
    TestCaseError::fail(format!("{error}\nin: {sql}"))
}

/// A connection lives in its runtime, so there is one for all cases.
pub(super) fn open(world: &World) -> (tokio::runtime::Runtime, Database) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = db::Options { absent: db::Absent::Create, ..db::Options::default() };
    let url = DatabaseUrl::parse(&world.url()).unwrap();
    let database = runtime.block_on(db::connect(&url, options)).unwrap();
    (runtime, database)
}

fn on(world: &World, cases: u32) {
    let (runtime, database) = open(world);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(schema_spec(), schema_spec()), |(a, b)| runtime.block_on(story(&database, &a, &b)));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn any_schema_becomes_any_other_on_postgres() {
    on(&World::postgres(), 64);
}

#[test]
fn any_schema_becomes_any_other_on_sqlite() {
    on(&World::sqlite(), 256);
}

/// 1.5 and 2.5 both become 2, so that a constraint which comes along cannot be made.
#[test]
fn values_that_become_equal_are_found_before_anything_is_done() {
    let spec = |kind, unique, partial| {
        let columns = vec![Some((kind, false, false)), None, None, None];
        let (check, index, link, comment) = (None, None, None, false);
        let table = TableSpec { key: 2, columns, primary: 0, unique, check, index, partial, link, comment };
        (vec![Some(table), None, None], 0)
    };
    for world in [World::postgres(), World::sqlite()] {
        let (runtime, database) = open(&world);
        for after in [spec(1, Some(1), None), spec(2, Some(1), None), spec(1, None, Some(1))] {
            runtime.block_on(story(&database, &spec(3, None, None), &after)).unwrap();
        }
    }
}
