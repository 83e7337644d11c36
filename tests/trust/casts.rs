//! The owner of a type says by which functions it is cast, and may say so after an administrator has put it into a table.
//! No command calls one of them: values of such types go through the types' own input and output functions.

use sea_orm::ConnectionTrait;
use skyteam::schema::model::{Column, EnumType, Kind, Schema, Table};
use skyteam::schema::session::Session;
use skyteam::schema::{LockPolicy, Origin, Request, checks, live, plan};

use crate::support::{Engine, Library, World};

/// Types of a stranger's, with a cast from and to each type that a statement could name. Each one tells.
const PLANT: &str = r#"
DO $plant$
DECLARE
  kind text;
  other text;
  number int := 0;
BEGIN
  CREATE TYPE public.theirs_enum AS ENUM ('a', 'b');
  CREATE TYPE public.theirs_row AS (value text);
  CREATE TYPE public.theirs_range AS RANGE (SUBTYPE = int4);
  FOREACH kind IN ARRAY ARRAY['public.theirs_enum', 'public.theirs_row', 'public.theirs_range'] LOOP
    FOREACH other IN ARRAY ARRAY['text', 'varchar', 'bpchar', 'name', '"char"', 'int2', 'int4', 'int8', 'float8', 'numeric',
      'bool', 'uuid', 'oid', 'regclass', 'timestamp', 'timestamptz', 'json', 'jsonb', 'bytea', 'text[]', 'name[]'] LOOP
      number := number + 1;
      EXECUTE format($f$CREATE FUNCTION public.cast_%3$s(%1$s) RETURNS %2$s LANGUAGE plpgsql
        AS $b$ BEGIN RAISE LOG 'planted cast from %1$s to %2$s'; RETURN NULL; END $b$$f$, kind, other, number);
      EXECUTE format('CREATE CAST (%1$s AS %2$s) WITH FUNCTION public.cast_%3$s(%1$s) AS IMPLICIT', kind, other, number);
      EXECUTE format($f$CREATE FUNCTION public.cast_%3$s(%2$s) RETURNS %1$s LANGUAGE plpgsql
        AS $b$ BEGIN RAISE LOG 'planted cast from %2$s to %1$s'; RETURN NULL; END $b$$f$, kind, other, number);
      EXECUTE format('CREATE CAST (%2$s AS %1$s) WITH FUNCTION public.cast_%3$s(%2$s) AS IMPLICIT', kind, other, number);
    END LOOP;
  END LOOP;
END
$plant$"#;

const COLUMNS: &str = r#"
ALTER TABLE public."users" ADD COLUMN one public.theirs_enum, ADD COLUMN two public.theirs_row,
  ADD COLUMN three public.theirs_range, ADD COLUMN four public.theirs_enum[];
UPDATE public."users" SET one = 'b', two = '("x, ""y""")', three = '[1,5)', four = '{a,b}'"#;

/// Every command that reads or writes whole rows.
const LINES: &[&str] = &[
    "user list",
    "user show pilot1",
    "user export pilot1",
    "user edit pilot1 --display-name Captain --yes",
    "miles audit",
    "db status",
    "db diff",
    "db doctor",
    "db backup -f b.skyteam",
    "db backup --format plain -f b.sql",
    "db verify b.skyteam --deep",
    "miles audit --against b.skyteam",
    "db restore b.skyteam --clean --confirm {name}",
    "db transfer --to sqlite:copy.db",
];

#[test]
fn casts_of_a_strangers_type_are_never_called() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot1").ok();
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(PLANT);
    superuser.rows(COLUMNS);
    let values = r#"SELECT one, two, three, four FROM public."users""#;
    let before = superuser.lines(values);
    let url = world.server().superuser_url(&world.name());
    for line in LINES {
        let line = line.replace("{name}", &world.name());
        let from = world.server().log().len();
        let words = ["--database-url", &url].into_iter().chain(line.split(' ')).map(str::to_owned).collect::<Vec<_>>();
        let output = world.run(words);
        assert!(matches!(output.code, 0 | 3), "{output}");
        let log = world.server().log();
        let caught: Vec<&str> = log[from..].lines().filter(|line| line.contains("LOG:  planted cast")).collect();
        assert!(caught.is_empty(), "{line}: {caught:#?}");
        assert_eq!(superuser.lines(values), before, "{line}");
    }
    // They work: a cast to text calls one.
    superuser.rows(r#"SELECT one::text FROM public."users""#);
    assert!(world.server().log().contains("planted cast from public.theirs_enum to text"));
}

/// Live columns of such types, which a push is to turn into the types of the entities.
const RETYPED: &str = r#"
ALTER TABLE public."users" ALTER COLUMN "displayName" TYPE public.theirs_enum USING 'b',
  ALTER COLUMN "avatarUrl" TYPE public.theirs_row USING '("x, ""y""")';
ALTER TABLE public."milesProducts" ALTER COLUMN description TYPE public.theirs_range USING '[1,5)'"#;

#[test]
fn a_push_turns_a_strangers_type_into_ours_without_its_casts() {
    let world = World::ready(Engine::Postgres);
    world.run("user add 1 pilot1").ok();
    let superuser = world.server().as_superuser(&world.name());
    superuser.rows(PLANT);
    superuser.rows(RETYPED);
    let url = world.server().superuser_url(&world.name());
    let push = format!("db push --confirm {}", world.name());
    let from = world.server().log().len();
    for line in ["db diff", "db push --dry-run", &push, "db push --yes"] {
        let words = ["--database-url", &url].into_iter().chain(line.split(' ')).map(str::to_owned).collect::<Vec<_>>();
        let output = world.run(words);
        assert_eq!(output.code, 0, "{line}: {output}");
    }
    let log = world.server().log();
    let caught: Vec<&str> = log[from..].lines().filter(|line| line.contains("LOG:  planted cast")).collect();
    assert!(caught.is_empty(), "{caught:#?}");
    let values = r#"SELECT "displayName", "avatarUrl", pg_typeof("displayName") FROM public."users""#;
    assert_eq!(superuser.lines(values), r#"b|("x, ""y""")|text"#);
}

/// There is no way into an enum type but a cast, so one that its owner has made a function of is refused by name.
#[test]
fn a_cast_to_a_strangers_type_is_refused_by_name() {
    let world = World::postgres();
    let mood = EnumType { name: "mood".into(), values: vec!["good".into(), "bad".into()] };
    let columns = vec![Column::new("mood", Kind::Enum(mood))];
    let wanted =
        Schema { tables: vec![Table { name: "people".into(), columns, ..Table::default() }], ..Schema::default() };
    world.server().as_superuser(&world.name()).rows(&format!(
        "CREATE TYPE public.mood AS ENUM ('good', 'bad');
         CREATE TABLE public.people (mood text NOT NULL);
         ALTER TABLE public.people OWNER TO \"{}\";
         CREATE FUNCTION public.planted(text) RETURNS public.mood LANGUAGE plpgsql
           AS $$ BEGIN RAISE LOG 'planted cast to mood'; RETURN 'bad'; END $$;
         CREATE CAST (text AS public.mood) WITH FUNCTION public.planted(text);
         INSERT INTO public.people VALUES ('good')",
        world.role()
    ));
    let findings = Library(&world).with(async |database, _| {
        let session = Session::change(database, &LockPolicy::default(), &mut |_| {}).await.unwrap();
        let txn = session.txn();
        let path = "SET LOCAL search_path = public, pg_temp";
        txn.execute_unprepared(path).await.unwrap();
        let found = live::read(txn, &wanted, &[]).await.unwrap();
        let engine = database.engine();
        let mut way = plan(&found.schema, &wanted, engine, Origin::Live, &Request::default(), true).unwrap();
        let findings = checks::run(txn, &found, &wanted, &mut way).await.unwrap();
        session.rollback().await.unwrap();
        findings
    });
    let told: Vec<&str> = findings[0].examples[0].iter().flatten().map(String::as_str).collect();
    assert_eq!(told[..2], ["text", "mood"], "{findings:?}");
    assert!(told[2].ends_with("planted(text)"), "{findings:?}");
    assert!(!world.server().log().contains("planted cast to mood"));
}
