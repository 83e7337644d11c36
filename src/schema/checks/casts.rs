//! Whether values can be cast to another type, and whether the cast preserves them.
//!
//! PostgreSQL itself is asked, value by value, by a scratch function that catches the refusal. SQLite has no such
//! thing; there the conditions are written down.

use crate::db::{Engine, quote, search_path};
use crate::schema::change::Change;
use crate::schema::dialect::{literal, postgres, sqlite};
use crate::schema::model::Kind;
use crate::schema::plan::{cast_postgres, cast_sqlite, output};

/// Undoes [`prepare`].
pub(super) const FORGET: &str = "ROLLBACK TO SAVEPOINT skyteam_casts; RELEASE SAVEPOINT skyteam_casts";

/// The scratch functions for all changes of a type.
pub(super) fn prepare(changes: &[Change]) -> String {
    let mut script = format!("SAVEPOINT skyteam_casts; SET LOCAL search_path = {};", search_path::DDL);
    for (at, change) in changes.iter().enumerate() {
        if let Change::AlterType { from, to, .. } = change {
            let stand_in = stand_in(to);
            let forth = cast_postgres("value", from, &stand_in);
            // Turned back, where a cast may be called for it; else both are compared as texts.
            let (back, before) = if matches!(from, Kind::Numeric(_)) {
                // As numbers: without zeros at its end it is the same one.
                (cast_postgres("turned", &stand_in, from), "value".to_owned())
            } else if from.has_foreign_casts() {
                (output("turned"), output("value"))
            } else {
                (format!("({})::text", cast_postgres("turned", &stand_in, from)), "value::text".to_owned())
            };
            let (old, new) = (postgres::kind(from), postgres::kind(&stand_in));
            let none = none_of_them(to);
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
  IF {none} THEN
    RETURN 'broken';
  END IF;
  IF {back} IS DISTINCT FROM {before} THEN
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

/// The enum types that values are cast to, other than those that the plan creates: no other role can have declared a cast to
/// one of those yet.
pub(super) fn targets(changes: &[Change]) -> Vec<(&Change, &str)> {
    let is_made = |name: &str| {
        changes.iter().any(|change| match change {
            Change::CreateEnum(of) | Change::RemakeEnum { to: of, .. } => of.name == name,
            _ => false,
        })
    };
    let mut targets = Vec::new();
    for change in changes {
        if let Change::AlterType { to, .. } = change
            && let Some(of) = to.enum_type()
            && !is_made(&of.name)
        {
            targets.push((change, of.name.as_str()));
        }
    }
    targets
}

/// The casts to an enum type, or to a list of it, that are functions: `$1` is its name.
pub(super) const FUNCTIONS: &str = "
    SELECT pg_catalog.format_type(c.castsource, NULL) AS source, pg_catalog.format_type(c.casttarget, NULL) AS target,
        p.oid::pg_catalog.regprocedure::text AS function, pg_catalog.pg_get_userbyid(p.proowner)::text AS owner
    FROM pg_catalog.pg_cast c
    JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
    JOIN pg_catalog.pg_type t ON c.casttarget IN (t.oid, t.typarray)
    WHERE t.typname = $1::text AND t.typnamespace = 'public'::pg_catalog.regnamespace::oid
    ORDER BY 1, 2";

/// The type that holds what a type is to hold before the plan runs: an enum may not be there yet, or have other values.
pub(super) fn stand_in(kind: &Kind) -> Kind {
    match kind {
        Kind::Enum(_) => Kind::Text,
        Kind::Array(of) => Kind::Array(Box::new(stand_in(of))),
        other => other.clone(),
    }
}

/// The condition that a text is none of an enum's values.
fn none_of_them(to: &Kind) -> String {
    let Some(of) = to.enum_type() else { return "false".to_owned() };
    let values: Vec<String> = of.values.iter().map(|value| literal(value)).collect();
    let values = format!("ARRAY[{}]::text[]", values.join(", "));
    match to {
        Kind::Array(_) => format!("NOT turned <@ {values}"),
        _ => format!("turned <> ALL ({values})"),
    }
}

/// The condition that a value of the column cannot be turned at all.
pub(super) fn broken(engine: Engine, at: usize, column: &str, from: &Kind, to: &Kind) -> String {
    match engine {
        Engine::Postgres => format!("pg_temp.skyteam_cast_{at}({}) = 'broken'", quote(column)),
        Engine::Sqlite => {
            let (name, value) = (quote(column), cast_sqlite(&quote(column), from, to));
            let refused = refused(&value, to);
            // What begins like bytes in hexadecimal and is none has no value at all then.
            let lost = *to == Kind::Bytes && *from != Kind::Bytes;
            if lost { format!("{refused} OR {name} IS NOT NULL AND {value} IS NULL") } else { refused }
        }
    }
}

/// The condition that a value comes out as another one.
pub(super) fn altered(engine: Engine, at: usize, column: &str, from: &Kind, to: &Kind) -> String {
    let name = quote(column);
    match engine {
        Engine::Postgres => format!("pg_temp.skyteam_cast_{at}({name}) = 'altered'"),
        Engine::Sqlite => {
            let there = format!("CAST({} AS {})", cast_sqlite(&name, from, to), sqlite::kind(to));
            let stored = sqlite::stored(sqlite::kind(from));
            let back = format!("CAST({} AS {stored})", cast_sqlite(&format!("({there})"), to, from));
            format!("{back} IS NOT {name}")
        }
    }
}

/// A type in words for people: an enum by its values.
pub(super) fn in_words(engine: Engine, kind: &Kind) -> String {
    match kind {
        Kind::Enum(of) => format!("{} ({})", of.name, of.values.join(", ")),
        // SQLite's own names do not distinguish a date from a text.
        _ if engine == Engine::Sqlite && sqlite::condition("x", kind).is_some() => postgres::kind(kind),
        _ => crate::schema::dialect::kind(engine, kind),
    }
}

/// A condition for people, without the scratch function; nothing where there is none so simple.
pub(super) fn shown(engine: Engine, column: &str, from: &Kind, to: &Kind) -> Option<String> {
    let name = quote(column);
    match engine {
        Engine::Sqlite => Some(broken(engine, 0, column, from, to)),
        Engine::Postgres => match to {
            Kind::Enum(of) => {
                let values: Vec<String> = of.values.iter().map(|value| literal(value)).collect();
                Some(format!("{} NOT IN ({})", cast_postgres(&name, from, &Kind::Text), values.join(", ")))
            }
            Kind::VarChar(Some(length)) | Kind::Char(length) => {
                Some(format!("length({}) > {length}", cast_postgres(&name, from, &Kind::Text)))
            }
            _ if !matches!(from, Kind::Text | Kind::VarChar(_) | Kind::Char(_)) => None,
            Kind::SmallInteger | Kind::Integer | Kind::BigInteger => Some(format!(r"{name} !~ '^\s*[-+]?\d+\s*$'")),
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
    let stored = match sqlite::kind(to) {
        "INTEGER" => format!(
            "typeof({value}) = 'text' AND NOT ({number} AND {whole}) \
             OR typeof({value}) = 'real' AND NOT ({whole}) OR typeof({value}) = 'blob'"
        ),
        "REAL" => format!("typeof({value}) = 'text' AND NOT ({number}) OR typeof({value}) = 'blob'"),
        "BLOB" => format!("typeof({value}) NOT IN ('blob', 'null')"),
        _ => format!("typeof({value}) = 'blob'"),
    };
    let turned = format!("CAST({value} AS {})", sqlite::kind(to));
    match sqlite::condition(&turned, to) {
        None => stored,
        Some(condition) => format!("{stored} OR {value} IS NOT NULL AND NOT coalesce(({condition}), 0)"),
    }
}
