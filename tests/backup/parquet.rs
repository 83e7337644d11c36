//! What others read in an archive's Parquet files: pyarrow and DuckDB, from PyPI, find types and values of Parquet's own.

use std::path::Path;
use std::process::Command;

use crate::support::{Engine, World, pypi};

/// What both find in a table of an archive: a line for each column.
pub fn columns(archive: &Path, table: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let member = format!("{table}.parquet");
    let tar = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder.path()).arg(&member).output().unwrap();
    assert!(tar.status.success(), "{tar:?}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/read_parquet.py");
    let read = Command::new("python3")
        .arg(script)
        .arg(folder.path().join(&member))
        .env("PYTHONPATH", pypi::packages("parquet-readers-26-2", &["pyarrow==26.*", "duckdb==2.*"]))
        .output()
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A column of each type in a table of ours: archives carry columns of others along.
const EVERY: &str = r#"
    CREATE TYPE mood AS ENUM ('good', 'bad');
    ALTER TABLE "users" ADD COLUMN "small" smallint, ADD COLUMN "whole" integer, ADD COLUMN "big" bigint,
        ADD COLUMN "real" real, ADD COLUMN "double" double precision, ADD COLUMN "price" numeric(6,2),
        ADD COLUMN "money" numeric(18,4), ADD COLUMN "wide" numeric(38,10), ADD COLUMN "free" numeric,
        ADD COLUMN "truth" boolean, ADD COLUMN "id" uuid, ADD COLUMN "at" timestamp, ADD COLUMN "instant" timestamptz,
        ADD COLUMN "day" date, ADD COLUMN "time" time, ADD COLUMN "span" interval, ADD COLUMN "json" json,
        ADD COLUMN "jsonb" jsonb, ADD COLUMN "bytes" bytea, ADD COLUMN "mood" mood, ADD COLUMN "list" integer[],
        ADD COLUMN "inet" inet, ADD COLUMN "cidr" cidr, ADD COLUMN "mac" macaddr, ADD COLUMN "bit" bit(3),
        ADD COLUMN "texts" text[], ADD COLUMN "moods" mood[], ADD COLUMN "doubles" double precision[],
        ADD COLUMN "prices" numeric(6,2)[], ADD COLUMN "days" date[], ADD COLUMN "truths" boolean[],
        ADD COLUMN "ids" uuid[] NOT NULL DEFAULT '{}', ADD COLUMN "grid" integer[], ADD COLUMN "numbers" numeric(6,2)[];
    INSERT INTO "users" VALUES ('1', 'ann', 'Ann', 0, NULL, '2026-11-22 18:00:00', '2026-11-22 18:00:00',
        -5, 7, 5000000000, 0.1, 1e300, -12.50, 12345678901234.5678, -1234567890123456789012345678.0123456789, 1.50,
        true, '6e1fcd70-4528-4d8b-a6d6-bbedb9210096', '2026-11-22 18:00:00.5', '2026-11-22 20:00:00.25+02', '2026-11-22',
        '18:30:00.000001', '1 day 02:00:00', '{"a": [1, null]}', '{"b": "c"}', '\xc0ff09', 'bad', '{1,-2,NULL}',
        '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '101', ARRAY['a', 'b "c", \d', NULL, 'NULL', ''], '{bad,good}',
        '{0.1,NaN}', '{12.50,NULL}', '{2026-11-22}', '{t,f}', '{6e1fcd70-4528-4d8b-a6d6-bbedb9210096}', '{{1,2},{3,4}}',
        '{NaN,1.00}')"#;

#[test]
fn pyarrow_and_duckdb_find_the_types_of_a_backup() {
    let world = World::ready(Engine::Postgres);
    world.query(EVERY);
    world.run("db backup -f every.skyteam").ok();
    let found = columns(&world.work().join("every.skyteam"), "users");
    let wanted = [
        "small: int16 -5 | SMALLINT -5",
        "whole: int32 7 | INTEGER 7",
        "big: int64 5000000000 | BIGINT 5000000000",
        "real: float 0.10000000149011612 | FLOAT 0.10000000149011612",
        "double: double 1e+300 | DOUBLE 1e+300",
        "price: decimal128(6, 2) Decimal('-12.50') | DECIMAL(6,2) Decimal('-12.50')",
        "money: decimal128(18, 4) Decimal('12345678901234.5678') | DECIMAL(18,4) Decimal('12345678901234.5678')",
        "wide: decimal128(38, 10) Decimal('-1234567890123456789012345678.0123456789') | DECIMAL(38,10) \
         Decimal('-1234567890123456789012345678.0123456789')",
        "free: string '1.50' | VARCHAR '1.50'",
        "truth: bool True | BOOLEAN True",
        "day: date32[day] datetime.date(2026, 11, 22) | DATE datetime.date(2026, 11, 22)",
        "time: time64[us] datetime.time(18, 30, 0, 1) | TIME datetime.time(18, 30, 0, 1)",
        "span: string '1 day 02:00:00' | VARCHAR '1 day 02:00:00'",
        r"bytes: binary b'\xc0\xff\t' | BLOB b'\xc0\xff\t'",
        "mood: string 'bad' | VARCHAR 'bad'",
        "list: list<element: int32> [1, -2, None] | INTEGER[] [1, -2, None]",
        r#"texts: list<element: string> ['a', 'b "c", \\d', None, 'NULL', ''] | VARCHAR[] ['a', 'b "c", \\d', None, 'NULL', '']"#,
        "moods: list<element: string> ['bad', 'good'] | VARCHAR[] ['bad', 'good']",
        "doubles: list<element: double> [0.1, nan] | DOUBLE[] [0.1, nan]",
        "prices: list<element: decimal128(6, 2)> [Decimal('12.50'), None] | DECIMAL(6,2)[] [Decimal('12.50'), None]",
        "days: list<element: date32[day]> [datetime.date(2026, 11, 22)] | DATE[] [datetime.date(2026, 11, 22)]",
        "truths: list<element: bool> [True, False] | BOOLEAN[] [True, False]",
        // No list of Parquet's holds these.
        "grid: string '{{1,2},{3,4}}' | VARCHAR '{{1,2},{3,4}}'",
        "numbers: string '{NaN,1.00}' | VARCHAR '{NaN,1.00}'",
        "inet: string '10.0.0.1' | VARCHAR '10.0.0.1'",
        "cidr: string '10.0.0.0/8' | VARCHAR '10.0.0.0/8'",
        "mac: string '08:00:2b:01:02:03' | VARCHAR '08:00:2b:01:02:03'",
        "bit: string '101' | VARCHAR '101'",
    ];
    let missing: Vec<&&str> = wanted.iter().filter(|line| !found.iter().any(|found| found == *line)).collect();
    assert!(missing.is_empty(), "missing: {missing:#?}\nfound: {found:#?}");
    // Python's own form of these differs between versions of the readers.
    let of = |name: &str| found.iter().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
    for (name, parts) in [
        ("at", &["timestamp[us] ", "2026, 11, 22, 18, 0, 0, 500000", "| TIMESTAMP"][..]),
        ("instant", &["timestamp[us, tz=UTC] ", "2026, 11, 22, 18, 0, 0, 250000", "| TIMESTAMP WITH TIME ZONE"]),
        ("json", &[r#"{"a": [1, null]}"#, "| JSON"]),
        ("jsonb", &[r#"{"b": "c"}"#, "| JSON"]),
        ("id", &["6e1fcd70-4528-4d8b-a6d6-bbedb9210096", "| UUID"]),
    ] {
        for part in parts {
            assert!(of(name).contains(part), "{part}: {}", of(name));
        }
    }
}

/// Also the ends of each type's range, which other readers do not know.
#[test]
fn rows_of_every_type_come_back_as_they_were() {
    let world = World::ready(Engine::Postgres);
    world.query(EVERY);
    world.query(
        r#"INSERT INTO "users" ("userId", "username", "displayName", "small", "real", "double", "price", "wide", "instant", "day",
            "time")
        VALUES ('2', 'two', '2', -32768, 'NaN', '-Infinity', -9999.99, 0, 'infinity', '-infinity', '24:00'),
            ('3', 'three', '3', 32767, 3.4028235e38, 5e-324, 0.05, -0.0000000001, '0044-03-15 12:00:00+00 BC', '4713-01-01 BC', '0:0'),
            ('4', 'four', '4', 0, 1e-45, 1e15, 0, 1, '294276-12-31 23:59:59.999999+00', '5874897-12-31', '23:59:59.999999'),
            ('5', 'five', '5', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
            ('6', 'six', '6', 1, 123456.7, 123456789012345680, 1, 1, '-infinity', 'infinity', '12:00')"#,
    );
    world.query(
        r#"UPDATE "users" SET "list" = '{}', "texts" = '{NULL}', "grid" = '[0:1]={5,6}', "doubles" = '{1e300,-Infinity}',
               "ids" = '{NULL,6e1fcd70-4528-4d8b-a6d6-bbedb9210096}' WHERE "userId" = '2';
           UPDATE "users" SET "list" = array_fill(7, ARRAY[3000]), "texts" = ARRAY['é', E'a\tb', '{', '\'] WHERE "userId" = '3'"#,
    );
    let rows = |world: &World| world.query(r#"SELECT * FROM "users" ORDER BY 1"#);
    world.run("db backup -f every.skyteam").ok();
    world.run("db verify --deep every.skyteam").ok();
    let file = world.work().join("every.skyteam");
    let twin = World::postgres();
    twin.run(["db", "restore", file.to_str().unwrap()]).ok();
    assert_eq!(rows(&twin), rows(&world));
    // What no exact number of a Parquet file can be is refused, by its row.
    world.query(r#"UPDATE "users" SET "price" = 'NaN' WHERE "userId" = '3'"#);
    let refused = world.run("db backup -f never.skyteam").exits(5);
    assert!(refused.stderr.contains("users.price of userId 3"), "{refused}");
    assert!(refused.stderr.contains("NaN"), "{refused}");
    assert!(!world.work().join("never.skyteam").exists());
}
