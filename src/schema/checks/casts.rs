//! Whether values can become another type, and whether they come out as they went in.
//!
//! PostgreSQL itself is asked, value by value, by a scratch function that catches the refusal. SQLite has no such
//! thing; there the conditions are written down.

use crate::db::{Engine, quote};
use crate::schema::change::Change;
use crate::schema::dialect::postgres;
use crate::schema::model::Kind;
use crate::schema::plan::{cast_postgres, cast_sqlite};

/// Undoes [`prepare`].
pub(super) const FORGET: &str = "ROLLBACK TO SAVEPOINT skyteam_casts; RELEASE SAVEPOINT skyteam_casts";

/// The scratch functions for all changes of a type.
pub(super) fn prepare(changes: &[Change]) -> String {
    let mut script = String::from("SAVEPOINT skyteam_casts; SET LOCAL search_path = public, pg_temp;");
    for (at, change) in changes.iter().enumerate() {
        if let Change::AlterType { from, to, .. } = change {
            let forth = cast_postgres("value", from, to);
            let back = cast_postgres("turned", to, from);
            let (old, new) = (postgres::kind(from), postgres::kind(to));
            script.push_str(&format!(
                "
CREATE FUNCTION pg_temp.skyteam_cast_{at}(value {old}) RETURNS text LANGUAGE plpgsql AS $cast$
DECLARE
  turned {new};
BEGIN
  BEGIN
    turned := {forth};
  EXCEPTION WHEN OTHERS THEN
    RETURN 'broken';
  END;
  IF ({back}) IS DISTINCT FROM value THEN
    RETURN 'altered';
  END IF;
  RETURN 'same';
EXCEPTION WHEN OTHERS THEN
  RETURN 'altered';
END
$cast$;"
            ));
        }
    }
    script
}

/// The condition that a value of the column cannot be turned at all.
pub(super) fn broken(engine: Engine, at: usize, column: &str, from: &Kind, to: &Kind) -> String {
    match engine {
        Engine::Postgres => format!("pg_temp.skyteam_cast_{at}({}) = 'broken'", quote(column)),
        Engine::Sqlite => refused(&cast_sqlite(&quote(column), from, to), to),
    }
}

/// The condition that a value comes out as another one.
pub(super) fn altered(engine: Engine, at: usize, column: &str, from: &Kind, to: &Kind) -> String {
    let name = quote(column);
    match engine {
        Engine::Postgres => format!("pg_temp.skyteam_cast_{at}({name}) = 'altered'"),
        Engine::Sqlite => match (from, to) {
            (Kind::Double, Kind::Integer | Kind::BigInteger) => format!("{name} <> round({name})"),
            (Kind::Integer | Kind::BigInteger | Kind::Double, Kind::Boolean) => format!("{name} NOT IN (0, 1)"),
            (Kind::Text, Kind::Boolean) => format!("{name} NOT IN ('true', 'false')"),
            (Kind::Text, Kind::Integer | Kind::BigInteger) => {
                format!("CAST(CAST({name} AS INTEGER) AS TEXT) <> {name}")
            }
            (Kind::Text, Kind::Double) => format!("CAST(CAST({name} AS REAL) AS TEXT) <> {name}"),
            _ => "0".to_owned(),
        },
    }
}

/// A condition for people, without the scratch function; nothing where there is none so simple.
pub(super) fn shown(engine: Engine, column: &str, from: &Kind, to: &Kind) -> Option<String> {
    let name = quote(column);
    match engine {
        Engine::Sqlite => Some(broken(engine, 0, column, from, to)),
        Engine::Postgres if *from != Kind::Text => None,
        Engine::Postgres => match to {
            Kind::Integer | Kind::BigInteger => Some(format!(r"{name} !~ '^\s*[-+]?\d+\s*$'")),
            Kind::Uuid => Some(format!("{name} !~* '^[0-9a-f]{{8}}-([0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}$'")),
            Kind::Boolean => Some(format!(
                "lower(trim({name})) NOT IN ('true', 't', 'yes', 'y', 'on', '1', 'false', 'f', 'no', 'n', 'off', '0')"
            )),
            _ => None,
        },
    }
}

/// What a `STRICT` column refuses. A text is taken for a number where its digits could follow another digit in JSON,
/// whose numbers SQLite reads too; that leaves out `.5`, and nothing is lost by asking about it.
fn refused(value: &str, to: &Kind) -> String {
    let trimmed = format!("trim({value})");
    let digits =
        format!("CASE WHEN substr({trimmed}, 1, 1) IN ('-', '+') THEN substr({trimmed}, 2) ELSE {trimmed} END");
    let number = format!("({digits}) GLOB '[0-9]*' AND json_valid('1' || ({digits}))");
    let whole = format!("abs(CAST({value} AS REAL)) < 9e18 AND CAST({value} AS REAL) = CAST({value} AS INTEGER)");
    match to {
        Kind::Integer | Kind::BigInteger | Kind::Boolean => format!(
            "typeof({value}) = 'text' AND NOT ({number} AND {whole}) \
             OR typeof({value}) = 'real' AND NOT ({whole}) OR typeof({value}) = 'blob'"
        ),
        Kind::Double => format!("typeof({value}) = 'text' AND NOT ({number}) OR typeof({value}) = 'blob'"),
        _ => format!("typeof({value}) = 'blob'"),
    }
}
