//! Every type on its own, and every pair of types: made without a difference, and turned at the cost that was said.

use sea_orm::{ConnectionTrait, Statement};
use skyteam::db::{Database, Engine};
use skyteam::schema::live;
use skyteam::schema::model::{Action, Column, Constraint, ForeignKey, Index, Kind, Rule, Schema, Shape, Table, Value};
use skyteam::schema::session::Session;
use skyteam::schema::{Cost, LockPolicy, Origin, Request, dialect, diff, plan};

use super::property::{default, kinds, open, value};
use crate::support::World;

fn schema(columns: Vec<Column>) -> Schema {
    let key = Constraint { name: "every_pkey".into(), rule: Rule::PrimaryKey(vec!["id".into()]) };
    let mut all = vec![Column::new("id", Kind::Integer)];
    all.extend(columns);
    let table = Table { name: "every".into(), columns: all, constraints: vec![key], ..Table::default() };
    Schema { tables: vec![table], ..Schema::default() }
}

fn every(with_default: bool) -> Schema {
    let column = |(at, kind): (usize, Kind)| {
        let default = with_default.then(|| default(&kind));
        Column { default, ..Column::new(format!("column {at}"), kind) }
    };
    schema(kinds().into_iter().enumerate().map(column).collect())
}

/// Every type with and without a default, a key that numbers its rows, a key of two columns, a reference to a row of the
/// same table, and comments.
pub(super) fn every_attribute() -> Schema {
    let mut all = Schema::default();
    for (name, with_default) in [("every", false), ("every default", true)] {
        let mut table = every(with_default).tables.remove(0);
        name.clone_into(&mut table.name);
        table.comment = Some("it's a comment".to_owned());
        for constraint in &mut table.constraints {
            constraint.name = format!("{name}_pkey");
        }
        table.columns[0].default = Some(Value::AutoIncrement);
        table.columns[0].comment = Some("numbers".to_owned());
        let key = ForeignKey {
            columns: vec!["column 0".into()],
            table: name.into(),
            references: vec!["id".into()],
            on_update: Action::Cascade,
            on_delete: Action::SetNull,
        };
        let names_a_row = key.columns[0].clone();
        let parent = table.columns.iter_mut().find(|column| column.name == names_a_row).unwrap();
        *parent = Column { nullable: true, ..Column::new(names_a_row, Kind::Integer) };
        let unique = Rule::Unique(vec!["column 1".into(), "column 2".into()]);
        table.constraints.push(Constraint { name: format!("{name} unique"), rule: unique });
        table.constraints.push(Constraint { name: format!("{name} fk"), rule: Rule::ForeignKey(key) });
        // Drizzle Kit cuts the default of an array at every comma.
        let texts = table.columns.iter_mut().filter(|column| column.kind == Kind::Array(Box::new(Kind::Text)));
        for column in texts.filter(|column| column.default.is_some()) {
            column.default = Some(Value::List(vec![Value::Text("one".into()), Value::Text("two".into())]));
        }
        let shape = Shape::Columns { columns: vec!["column 3".into()], unique: false, filter: None };
        table.indexes.push(Index { name: format!("{name} idx"), shape });
        all.tables.push(table);
    }
    all.tables.push(listed());
    all
}

/// Columns that take only some values, as those of enums do that are stored as text or as numbers: each with the check that
/// an entity's would have.
fn listed() -> Table {
    let texts: Vec<Value> = ["economy", "it's first"].map(|text| Value::Text(text.into())).into();
    let numbers: Vec<Value> = [1, -2].map(Value::Integer).into();
    let of = |kind: Kind| Kind::Array(Box::new(kind));
    let mut table =
        Table { name: "listed".into(), columns: vec![Column::new("id", Kind::Integer)], ..Table::default() };
    table.constraints.push(Constraint { name: "listed_pkey".into(), rule: Rule::PrimaryKey(vec!["id".into()]) });
    let kinds = [
        (Kind::Text, &texts),
        (Kind::VarChar(None), &texts),
        (Kind::VarChar(Some(20)), &texts),
        (Kind::Char(10), &texts),
        (Kind::SmallInteger, &numbers),
        (Kind::Integer, &numbers),
        (Kind::BigInteger, &numbers),
        (of(Kind::Text), &texts),
        (of(Kind::VarChar(Some(20))), &texts),
        (of(Kind::SmallInteger), &numbers),
        (of(Kind::Integer), &numbers),
        (of(Kind::BigInteger), &numbers),
    ];
    for (place, (kind, values)) in kinds.into_iter().enumerate() {
        let default = (place == 0).then(|| values[0].clone());
        let column = Column { nullable: place % 2 == 1, default, ..Column::new(format!("aColumn{place}"), kind) };
        table.constraints.push(skyteam::schema::listed_check("listed", &column, values));
        table.columns.push(column);
    }
    table
}

async fn differences(txn: &impl ConnectionTrait, wanted: &Schema, engine: Engine) -> Vec<String> {
    let made = live::read(txn, wanted, &[]).await.unwrap();
    let rest = diff(&made.schema, wanted, engine, Origin::Live, &[]);
    rest.changes.iter().map(|change| format!("{}: {change:?}", change.what())).collect()
}

async fn every_type_is_read_back(database: &Database) {
    let engine = database.engine();
    for with_default in [false, true] {
        let wanted = every(with_default);
        let session = Session::change(database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
        super::in_public(session.txn()).await;
        for statement in dialect::create(&wanted, engine) {
            session.txn().execute_unprepared(&statement.sql).await.unwrap();
        }
        assert_eq!(differences(session.txn(), &wanted, engine).await, [""; 0]);
        let columns = &wanted.tables[0].columns;
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        // With defaults, the key alone is enough.
        let values: Vec<String> = columns.iter().map(|column| value(&column.kind, 1, engine)).collect();
        let (names, values) = if with_default { (&names[..1], &values[..1]) } else { (&names[..], &values[..]) };
        let insert = format!("INSERT INTO every ({}) VALUES ({})", dialect::quote_all(names), values.join(", "));
        session.txn().execute_unprepared(&insert).await.unwrap_or_else(|error| panic!("{error}\n{insert}"));
        session.rollback().await.unwrap();
    }
}

#[test]
fn every_type_and_its_default_is_read_back_as_it_was_made() {
    for world in [World::postgres(), World::sqlite()] {
        let (runtime, database) = open(&world);
        runtime.block_on(every_type_is_read_back(&database));
    }
}

/// Drizzle numbers keys by `serial`, an entity's by an identity: both give the next number, and neither is made anew.
#[test]
fn a_key_that_drizzle_numbers_is_left_as_it_is() {
    let world = World::postgres();
    let (runtime, database) = open(&world);
    runtime.block_on(async {
        for (numbered, kind) in [
            ("smallserial", Kind::SmallInteger),
            ("serial", Kind::Integer),
            ("bigserial", Kind::BigInteger),
            ("integer GENERATED BY DEFAULT AS IDENTITY", Kind::Integer),
        ] {
            let mut wanted = schema(Vec::new());
            wanted.tables[0].columns[0] = Column { default: Some(Value::AutoIncrement), ..Column::new("id", kind) };
            let session = Session::change(&database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
            super::in_public(session.txn()).await;
            let create = format!("CREATE TABLE every (id {numbered} CONSTRAINT every_pkey PRIMARY KEY)");
            session.txn().execute_unprepared(&create).await.unwrap();
            assert_eq!(differences(session.txn(), &wanted, Engine::Postgres).await, [""; 0], "{numbered}");
            session.rollback().await.unwrap();
        }
    });
}

/// The file of a table in PostgreSQL is another one when, and only when, its rows were written anew.
#[test]
fn the_cost_of_every_pair_of_types_is_the_one_that_was_said() {
    let world = World::postgres();
    let (runtime, database) = open(&world);
    runtime.block_on(async {
        let file = async |txn: &skyteam::db::Transaction| -> String {
            let query = "SELECT pg_relation_filenode('every')::text";
            let row = txn.query_one_raw(Statement::from_string(Engine::Postgres.backend(), query)).await.unwrap();
            row.unwrap().try_get_by_index(0).unwrap()
        };
        let (mut tried, mut wrong) = (0, Vec::new());
        for from in kinds() {
            let before = schema(vec![Column { nullable: true, ..Column::new("it", from.clone()) }]);
            for to in kinds() {
                let after = schema(vec![Column { nullable: true, ..Column::new("it", to.clone()) }]);
                let way = plan(&before, &after, Engine::Postgres, Origin::Snapshot, &Request::default(), true).unwrap();
                let Some(step) = way.steps.iter().find(|step| step.what.starts_with("change the type")) else {
                    continue;
                };
                let session = Session::change(&database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
                let txn = session.txn();
                super::in_public(txn).await;
                for statement in dialect::create(&before, Engine::Postgres) {
                    txn.execute_unprepared(&statement.sql).await.unwrap();
                }
                let had = file(txn).await;
                for sql in way.steps.iter().flat_map(|step| &step.sql) {
                    txn.execute_unprepared(sql)
                        .await
                        .unwrap_or_else(|error| panic!("{from:?} to {to:?}: {error}\n{sql}"));
                }
                let rewritten = file(txn).await != had;
                tried += 1;
                if rewritten != (step.cost == Cost::Rewrite) {
                    wrong.push(format!("{from:?} to {to:?}: said {:?}, rewritten {rewritten}", step.cost));
                }
                session.rollback().await.unwrap();
            }
        }
        assert!(tried > 1000, "{tried}");
        assert_eq!(wrong, [""; 0]);
    });
}

/// On SQLite every pair must run too, on an empty table.
#[test]
fn every_pair_of_types_can_be_turned_on_sqlite() {
    let world = World::sqlite();
    let (runtime, database) = open(&world);
    runtime.block_on(async {
        for from in kinds() {
            let before = schema(vec![Column { nullable: true, ..Column::new("it", from.clone()) }]);
            for to in kinds() {
                let after = schema(vec![Column { nullable: true, ..Column::new("it", to.clone()) }]);
                let way = plan(&before, &after, Engine::Sqlite, Origin::Snapshot, &Request::default(), true).unwrap();
                let session = Session::change(&database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
                let txn = session.txn();
                for statement in dialect::create(&before, Engine::Sqlite) {
                    txn.execute_unprepared(&statement.sql).await.unwrap();
                }
                let row = format!("INSERT INTO every VALUES (1, NULL), (2, {})", value(&from, 1, Engine::Sqlite));
                txn.execute_unprepared(&row).await.unwrap();
                let live = live::read(txn, &before, &[]).await.unwrap();
                let mut checked = way.clone();
                let findings = skyteam::schema::checks::run(txn, &live, &after, &mut checked).await.unwrap();
                if !findings.is_empty() {
                    txn.execute_unprepared("DELETE FROM every WHERE id = 2").await.unwrap();
                }
                for sql in way.steps.iter().flat_map(|step| &step.sql) {
                    txn.execute_unprepared(sql)
                        .await
                        .unwrap_or_else(|error| panic!("{from:?} to {to:?}: {error}\n{sql}"));
                }
                assert_eq!(differences(txn, &after, Engine::Sqlite).await, [""; 0], "{from:?} to {to:?}");
                session.rollback().await.unwrap();
            }
        }
    });
}
