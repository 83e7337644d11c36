//! The owner of a type says by which functions it is cast, and may say so after an administrator has put it into a table.
//! No command calls one of them: values of such types go through the types' own input and output functions.

use crate::support::{Engine, World};

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
