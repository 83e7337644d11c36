//! Expressions that PostgreSQL prints in other words than the entities': known for the same without writing anything.

use sea_orm::ConnectionTrait;
use skyteam::schema::model::{Column, Constraint, EnumType, Index, Kind, PerEngine, Rule, Schema, Shape, Table, Value};
use skyteam::schema::{Origin, dialect, diff, live};

use super::property::open;
use crate::support::World;

fn both(sql: &str) -> PerEngine {
    PerEngine { postgres: sql.to_owned(), sqlite: sql.to_owned() }
}

fn mood() -> Kind {
    Kind::Enum(EnumType { name: "Mood".into(), values: vec!["good".into(), "bad".into()] })
}

/// Columns with these defaults, a check and a partial index.
fn schema(defaults: &[(Kind, &str)], check: &str, filter: &str) -> Schema {
    let column = |(at, (kind, sql)): (usize, &(Kind, &str))| Column {
        default: Some(Value::Expression(both(sql))),
        ..Column::new(format!("c{at}"), kind.clone())
    };
    let shape = Shape::Columns { columns: vec!["n".into()], unique: false, filter: Some(both(filter)) };
    let mut table = Table { name: "Words".into(), ..Table::default() };
    table.columns = defaults.iter().enumerate().map(column).collect();
    table.columns.extend([
        Column::new("n", Kind::Integer),
        Column::new("tier", Kind::VarChar(Some(9))),
        Column::new("feels", mood()),
    ]);
    table.constraints.push(Constraint { name: "words_check".into(), rule: Rule::Check(both(check)) });
    table.indexes.push(Index { name: "words_idx".into(), shape });
    Schema { tables: vec![table], ..Schema::default() }
}

/// What a session that only reads finds to change from what was made to what is wanted, and what it cannot know.
fn found(world: &World, made: &Schema, wanted: &Schema) -> (Vec<String>, Vec<String>) {
    let (runtime, database) = open(world);
    runtime.block_on(async {
        let txn = database.begin().await.unwrap();
        super::in_public(&txn).await;
        for statement in dialect::create(made, skyteam::db::Engine::Postgres) {
            txn.execute_unprepared(&statement.sql).await.unwrap_or_else(|error| panic!("{}: {error}", statement.sql));
        }
        txn.execute_unprepared("SET TRANSACTION READ ONLY").await.unwrap();
        let live = live::read(&txn, wanted, &[]).await.unwrap();
        let changes = diff(&live.schema, wanted, skyteam::db::Engine::Postgres, Origin::Live, &[]).changes;
        let locks = "SELECT count(*)::text AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711";
        let row = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, locks);
        let locks: String = txn.query_one_raw(row).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(locks, "0", "code of others was run");
        txn.rollback().await.unwrap();
        (changes.iter().map(|change| change.what()).collect(), live.unknown)
    })
}

#[test]
fn other_words_of_the_server_are_no_difference() {
    let defaults = [
        (Kind::Text, "upper('a')"),
        (Kind::Text, "lower('X') || 'y'"),
        (Kind::Text, "gen_random_uuid()::text"),
        (Kind::VarChar(Some(9)), "substr('abcdef', 2, 3)"),
        (Kind::Timestamp(6), "now() + interval '1 day'"),
        (Kind::TimestampTz(3), "CURRENT_TIMESTAMP - interval '2 hours'"),
        (Kind::Date, "current_date + 7"),
        (Kind::BigInteger, "10 * 1000 * 1000"),
        (Kind::Numeric(Some((10, 2))), "1.5 + 1"),
        (Kind::JsonBinary, r#"jsonb_build_object('a', 1)"#),
        (Kind::Array(Box::new(Kind::Text)), "ARRAY['a', 'b']"),
        (mood(), r#"(CASE WHEN random() < 2 THEN 'good' ELSE 'bad' END)::"Mood""#),
        (Kind::Interval, "interval '1' hour"),
        (Kind::Boolean, "(NOT (1 > 2))"),
    ];
    let check =
        r#"n BETWEEN 1 AND 10 AND tier IN ('a', 'b') AND "tier" LIKE '%' AND feels <> 'bad' OR n + 1 IN (7, 8)"#;
    let wanted = schema(&defaults, check, "n != 3 AND tier IS NOT NULL AND feels IN ('good', 'bad')");
    let world = World::postgres();
    assert_eq!(found(&world, &wanted, &wanted), (Vec::new(), Vec::new()));
}

#[test]
fn what_differs_is_known_to_differ() {
    let made = schema(
        &[
            (Kind::Text, "upper('a')"),
            (Kind::Timestamp(6), "now() + interval '1 day'"),
            (Kind::Char(3), "lower('ABC')"),
        ],
        "n > 1 AND tier IN ('a', 'b')",
        "n <> 3",
    );
    let wanted = schema(
        &[
            (Kind::Text, "upper('b')"),
            (Kind::Timestamp(6), "now() + interval '2 days'"),
            (Kind::Char(3), "lower('ABD')"),
        ],
        "n > 1 AND tier IN ('a', 'c')",
        "n <> 4",
    );
    let world = World::postgres();
    let (changes, unknown) = found(&world, &made, &wanted);
    assert_eq!(unknown, Vec::<String>::new());
    let changes = changes.join("\n");
    for name in ["Words.c0", "Words.c1", "Words.c2", "words_check", "words_idx"] {
        assert!(changes.contains(name), "{name}: {changes}");
    }
}

/// A function that another role has declared IMMUTABLE would run while the query is planned, with the rights of who looks.
#[test]
fn no_code_of_others_runs_while_it_is_looked_at() {
    let world = World::postgres();
    world.query(
        "CREATE FUNCTION public.planted(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
           'BEGIN PERFORM pg_catalog.pg_advisory_lock(4711); RETURN $1; END';
         CREATE FUNCTION public.planted(text, text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
           'BEGIN PERFORM pg_catalog.pg_advisory_lock(4711); RETURN true; END';
         CREATE OPERATOR public.<+> (FUNCTION = public.planted, LEFTARG = text, RIGHTARG = text)",
    );
    let wanted = schema(&[(Kind::Text, "upper('a')")], "n > 1", "n <> 3");
    for (default, check) in [
        ("public.planted('a')", "n > 1"),
        ("upper('a')", "'a'::text OPERATOR(public.<+>) 'b'::text"),
        ("upper('a')", "public.planted('a') = tier"),
    ] {
        let made = schema(&[(Kind::Text, default)], check, "n <> 3");
        let (changes, unknown) = found(&world, &made, &wanted);
        assert!(!changes.is_empty() && unknown.len() == 1, "{default}, {check}: {changes:?} {unknown:?}");
    }
}
