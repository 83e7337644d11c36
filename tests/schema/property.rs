//! For random pairs of schemas, the plan from one to the other leads there on the real engine, and keeps the data.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sea_orm::ConnectionTrait;
use skyteam::db::{self, Database, DatabaseUrl, Engine};
use skyteam::schema::model::{
    Column, Constraint, ForeignKey, Index, Kind, PerEngine, Rule, Schema, Shape, Table, Value,
};
use skyteam::schema::session::Session;
use skyteam::schema::{LockPolicy, Origin, Rename, Request, checks, dialect, diff, live, plan};

use crate::support::World;

/// Names that need quotes, that are keywords, and that do not.
const COLUMNS: [&str; 5] = ["key", "userId", "order", "a \"b\"", "plain"];
const TABLES: [&str; 3] = ["alpha", "Beta", "select"];
const KINDS: [Kind; 7] =
    [Kind::Text, Kind::Integer, Kind::BigInteger, Kind::Double, Kind::Boolean, Kind::Uuid, Kind::Timestamp(6)];

#[derive(Clone, Debug)]
struct TableSpec {
    /// Type of `key`: text, integer or UUID.
    key: usize,
    /// The other columns: type, whether nullable, whether with a default.
    columns: Vec<Option<(usize, bool, bool)>>,
    /// How many columns the primary key has: none, `key`, or `key` and the first other one that takes no NULL.
    primary: u8,
    unique: Option<usize>,
    check: Option<usize>,
    index: Option<usize>,
    partial: Option<usize>,
    /// The table that a column `link` refers to.
    link: Option<usize>,
}

type SchemaSpec = Vec<Option<TableSpec>>;

fn table_spec() -> impl Strategy<Value = TableSpec> {
    let column = prop::option::weighted(0.7, (0..KINDS.len(), any::<bool>(), any::<bool>()));
    let other = || prop::option::of(1..COLUMNS.len());
    (
        0..3_usize,
        prop::collection::vec(column, COLUMNS.len() - 1),
        0..3_u8,
        (other(), other(), other(), other()),
        prop::option::of(0..TABLES.len()),
    )
        .prop_map(|(key, columns, primary, (unique, check, index, partial), link)| TableSpec {
            key,
            columns,
            primary,
            unique,
            check,
            index,
            partial,
            link,
        })
}

fn schema_spec() -> impl Strategy<Value = SchemaSpec> {
    prop::collection::vec(prop::option::weighted(0.8, table_spec()), TABLES.len())
}

fn key_kind(spec: &TableSpec) -> Kind {
    [Kind::Text, Kind::Integer, Kind::Uuid][spec.key].clone()
}

fn default(kind: &Kind) -> Value {
    match kind {
        Kind::Text => Value::Text("it's \\ \"so\"".to_owned()),
        Kind::Integer | Kind::BigInteger => Value::Integer(-7),
        Kind::Double => Value::Integer(3),
        Kind::Boolean => Value::Boolean(true),
        Kind::Uuid => Value::RandomUuid,
        _ => Value::Now,
    }
}

fn number_condition(column: &str, from: i32) -> PerEngine {
    let sql = format!("{} >= {from}", db::quote(column));
    PerEngine { postgres: sql.clone(), sqlite: sql }
}

fn table(spec: &TableSpec, name: &str, all: &SchemaSpec) -> Table {
    let mut columns = vec![Column::new("key", key_kind(spec))];
    for (at, column) in spec.columns.iter().enumerate() {
        if let Some((kind, nullable, with_default)) = column {
            let kind = KINDS[*kind].clone();
            let default = with_default.then(|| default(&kind));
            columns.push(Column { nullable: *nullable, default, ..Column::new(COLUMNS[at + 1], kind) });
        }
    }
    let has = |columns: &[Column], at: Option<usize>| {
        at.and_then(|at| columns.iter().find(|column| column.name == COLUMNS[at]).cloned())
    };
    let is_number = |column: &Column| matches!(column.kind, Kind::Integer | Kind::BigInteger);
    let named = |kind: &str, of: &str| format!("{name}_{of}_{kind}");
    let mut constraints = Vec::new();
    let mut primary = vec!["key".to_owned()];
    if spec.primary == 2 {
        primary.extend(columns.iter().skip(1).find(|column| !column.nullable).map(|column| column.name.clone()));
    }
    if spec.primary > 0 {
        constraints.push(Constraint { name: format!("{name}_pkey"), rule: Rule::PrimaryKey(primary) });
    }
    if let Some(column) = has(&columns, spec.unique).filter(|column| column.kind != Kind::Boolean) {
        let rule = Rule::Unique(vec![column.name.clone()]);
        constraints.push(Constraint { name: named("unique", &column.name), rule });
    }
    if let Some(column) = has(&columns, spec.check).filter(is_number) {
        let rule = Rule::Check(number_condition(&column.name, -10));
        constraints.push(Constraint { name: named("check", &column.name), rule });
    }
    let target = spec.link.and_then(|at| all[at].as_ref().map(|target| (TABLES[at], target)));
    if let Some((target, target_spec)) = target.filter(|(_, target)| target.primary == 1) {
        let kind = key_kind(target_spec);
        columns.push(Column { nullable: true, ..Column::new("link", kind) });
        let key = ForeignKey {
            columns: vec!["link".into()],
            table: target.to_owned(),
            references: vec!["key".into()],
            on_update: Default::default(),
            on_delete: Default::default(),
        };
        constraints.push(Constraint { name: named("fk", "link"), rule: Rule::ForeignKey(key) });
    }
    let mut indexes = Vec::new();
    let mut index = |name: String, columns: Vec<String>, unique: bool, filter: Option<PerEngine>| {
        indexes.push(Index { name, shape: Shape::Columns { columns, unique, filter } });
    };
    if let Some(column) = has(&columns, spec.index) {
        index(named("idx", &column.name), vec![column.name.clone(), "key".into()], false, None);
    }
    if let Some(column) = has(&columns, spec.partial).filter(is_number) {
        let filter = number_condition(&column.name, 100);
        index(named("partial", &column.name), vec!["key".into()], true, Some(filter));
    }
    Table { name: name.into(), columns, constraints, indexes, ..Table::default() }
}

fn schema(spec: &SchemaSpec) -> Schema {
    let tables = spec
        .iter()
        .enumerate()
        .filter_map(|(at, table_spec)| table_spec.as_ref().map(|found| table(found, TABLES[at], spec)))
        .collect();
    Schema { tables, ..Schema::default() }
}

/// A literal of the type, another one for every row.
fn value(kind: &Kind, row: usize, engine: Engine) -> String {
    match (kind, engine) {
        (Kind::Text, _) if row.is_multiple_of(2) => format!("'{row}'"),
        (Kind::Text, _) => format!("'word {row}'"),
        (Kind::Integer | Kind::BigInteger, _) => (row + 1).to_string(),
        (Kind::Double, _) => format!("{row}.5"),
        (Kind::Boolean, Engine::Postgres) => (row.is_multiple_of(2)).to_string(),
        (Kind::Boolean, Engine::Sqlite) => (row % 2).to_string(),
        (Kind::Uuid, _) => format!("'00000000-0000-4000-8000-{row:012}'"),
        _ => format!("'2025-01-05 10:30:0{row}'"),
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
                    Engine::Postgres => dialect::postgres::kind(&table.column("link").unwrap().kind),
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
                let same = wanted.column(new_name).filter(|wanted| wanted.kind == column.kind)?;
                Some(if after { same.name.clone() } else { column.name.clone() })
            })
            .collect();
        if columns.is_empty() {
            continue;
        }
        let as_text: Vec<String> =
            columns.iter().map(|column| format!("coalesce(CAST({} AS text), '-')", db::quote(column))).collect();
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
    both.tables.extend(a.tables.iter().filter(|table| b.table(&table.name).is_none()).cloned());

    let session = Session::change(database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
    let txn = session.txn();
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
fn open(world: &World) -> (tokio::runtime::Runtime, Database) {
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
        let link = None;
        vec![
            Some(TableSpec { key: 2, columns, primary: 0, unique, check: None, index: None, partial, link }),
            None,
            None,
        ]
    };
    for world in [World::postgres(), World::sqlite()] {
        let (runtime, database) = open(&world);
        for after in [spec(1, Some(1), None), spec(2, Some(1), None), spec(1, None, Some(1))] {
            runtime.block_on(story(&database, &spec(3, None, None), &after)).unwrap();
        }
    }
}
