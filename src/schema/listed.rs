//! The check of a column that takes only listed values: made for the enums of an entity that are stored as text or numbers,
//! and known again where a schema is printed.

use super::dialect::literal;
use super::model::{Column, Constraint, Kind, PerEngine, Rule, Value, fit_name};
use crate::db::quote;

/// The check that lets a column take only these values, none of which is NULL, or only lists of them. Worded as PostgreSQL
/// prints it.
pub fn check(table: &str, column: &Column, values: &[Value]) -> Constraint {
    let bare = bare(&column.name);
    let rule = match &column.kind {
        Kind::Array(of) => PerEngine {
            postgres: format!("{bare} <@ ARRAY[{}]", in_postgres(values, of, true).join(", ")),
            sqlite: list_in_sqlite(&column.name, values),
        },
        kind => {
            let name = if matches!(kind, Kind::VarChar(_)) { format!("{bare}::text") } else { bare };
            let postgres = match in_postgres(values, kind, false).as_slice() {
                [one] => format!("{name} = {one}"),
                several => format!("{name} = ANY (ARRAY[{}])", several.join(", ")),
            };
            let ours: Vec<String> = values.iter().map(in_sqlite).collect();
            PerEngine { postgres, sqlite: format!("{} IN ({})", quote(&column.name), ours.join(", ")) }
        }
    };
    let name = fit_name(&format!("{table}_{}_check", column.name));
    Constraint { name, rule: Rule::Check(rule) }
}

fn in_postgres(values: &[Value], kind: &Kind, list: bool) -> Vec<String> {
    let cast = match kind {
        Kind::Char(_) => "::bpchar",
        // A single one is compared as text.
        Kind::VarChar(_) if list => "::character varying",
        _ => "::text",
    };
    let one = |value: &Value| match (value, kind) {
        (Value::Integer(number), Kind::BigInteger) => format!("'{number}'::bigint"),
        (Value::Integer(number), Kind::SmallInteger) if list => format!("'{number}'::smallint"),
        (Value::Integer(number), _) if *number < 0 => format!("'{number}'::integer"),
        (Value::Integer(number), _) => number.to_string(),
        (value, _) => format!("{}{cast}", in_sqlite(value)),
    };
    values.iter().map(one).collect()
}

fn in_sqlite(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => literal(text),
        // No enum has others.
        other => literal(&format!("{other:?}")),
    }
}

/// SQLite's check of a JSON array, for which it has no subquery: nothing is left of the array once the values are taken
/// out. A number is distinguished from the beginning of another by the comma on either side of it, of which there are two of
/// each then; a longer text goes before one that it may end with.
fn list_in_sqlite(column: &str, values: &[Value]) -> String {
    let name = quote(column);
    let take = |from: String, value: &str, to: &str| format!("replace({from}, {}, '{to}')", literal(value));
    let mut taken: Vec<String> = values.iter().map(element).collect();
    taken.sort_by_key(|value| std::cmp::Reverse(value.len()));
    if values.iter().all(|value| matches!(value, Value::Integer(_))) {
        let apart = [(",", ",,"), ("[", "[,"), ("]", ",]")];
        let apart = apart.into_iter().fold(name, |text, (sign, apart)| take(text, sign, apart));
        let rest = taken.iter().fold(apart, |text, value| take(text, &format!(",{value},"), ""));
        return format!("{rest} IN ('[]', '[,,]')");
    }
    let rest = taken.iter().fold(name, |text, value| take(text, value, ""));
    format!("{} = '[]'", take(rest, ",", ""))
}

/// An element of a JSON array.
fn element(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        // No enum has others.
        other => format!("{other:?}"),
    }
}

/// The text of a value that SQLite's check of a list could take for what parts two others.
pub(crate) fn separator(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) if text.starts_with(',') && text.ends_with(',') => Some(text),
        _ => None,
    }
}

/// A name in quotes where PostgreSQL's own words would have them, keywords aside.
fn bare(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_plain = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_plain { name.to_owned() } else { quote(name) }
}

/// The column and the values of a check that [`check`] made; none for any other.
pub(crate) fn values(rule: &Rule) -> Option<(String, Vec<Value>)> {
    let Rule::Check(sql) = rule else { return None };
    if sql.sqlite.starts_with("replace(") {
        return values_of_list(&sql.sqlite);
    }
    let (column, mut rest) = quoted(&sql.sqlite, '"')?;
    rest = rest.strip_prefix(" IN (")?;
    let mut values = Vec::new();
    loop {
        let value = if rest.starts_with('\'') {
            let (text, after) = quoted(rest, '\'')?;
            rest = after;
            Value::Text(text)
        } else {
            let end = rest.find([',', ')'])?;
            let number = rest[..end].parse().ok()?;
            rest = &rest[end..];
            Value::Integer(number)
        };
        values.push(value);
        match rest.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return (rest == ")").then_some((column, values)),
        }
    }
}

fn values_of_list(sql: &str) -> Option<(String, Vec<Value>)> {
    let (column, mut rest) = quoted(sql.trim_start_matches("replace("), '"')?;
    let mut values = Vec::new();
    while let Some((value, after)) = rest.strip_prefix(", ").and_then(|rest| quoted(rest, '\'')) {
        let (to, after) = quoted(after.strip_prefix(", ")?, '\'')?;
        rest = after.strip_prefix(')')?;
        if !to.is_empty() || value == "," {
            continue;
        }
        let value = value.strip_prefix(',').and_then(|value| value.strip_suffix(',')).unwrap_or(&value);
        values.push(match serde_json::from_str(value).ok()? {
            serde_json::Value::String(text) => Value::Text(text),
            number => Value::Integer(number.as_i64()?),
        });
    }
    [" = '[]'", " IN ('[]', '[,,]')"].contains(&rest).then_some((column, values))
}

/// The text between quotes at the start of `text`, where a doubled quote is one of the contents; and what follows it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix(quote)?;
    let mut inside = String::new();
    loop {
        let (before, after) = rest.split_once(quote)?;
        inside.push_str(before);
        match after.strip_prefix(quote) {
            Some(more) => {
                inside.push(quote);
                rest = more;
            }
            None => return Some((inside, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_from_the_check() {
        let texts: Vec<Value> = ["a", "it's, \"so\" IN (", ""].map(|text| Value::Text(text.to_owned())).into();
        let numbers = vec![Value::Integer(-1), Value::Integer(7)];
        // The longest first.
        let of_list: Vec<Value> = ["b\"a", "it's", "a", ""].map(|text| Value::Text(text.to_owned())).into();
        let list = |kind| Kind::Array(Box::new(kind));
        for (kind, values, postgres) in [
            (Kind::Text, &texts, r#""aB" = ANY (ARRAY['a'::text, 'it''s, "so" IN ('::text, ''::text])"#),
            (
                Kind::VarChar(Some(20)),
                &texts,
                r#""aB"::text = ANY (ARRAY['a'::text, 'it''s, "so" IN ('::text, ''::text])"#,
            ),
            (Kind::Integer, &numbers, r#""aB" = ANY (ARRAY['-1'::integer, 7])"#),
            (Kind::BigInteger, &numbers, r#""aB" = ANY (ARRAY['-1'::bigint, '7'::bigint])"#),
            (list(Kind::Integer), &numbers, r#""aB" <@ ARRAY['-1'::integer, 7]"#),
            (list(Kind::SmallInteger), &numbers, r#""aB" <@ ARRAY['-1'::smallint, '7'::smallint]"#),
            (list(Kind::Text), &of_list, r#""aB" <@ ARRAY['b"a'::text, 'it''s'::text, 'a'::text, ''::text]"#),
            (
                list(Kind::VarChar(None)),
                &of_list,
                r#""aB" <@ ARRAY['b"a'::character varying, 'it''s'::character varying, 'a'::character varying, ''::character varying]"#,
            ),
        ] {
            let made = check("t", &Column::new("aB", kind), values);
            assert_eq!(super::values(&made.rule), Some(("aB".to_owned(), values.clone())));
            let Rule::Check(sql) = &made.rule else { panic!() };
            assert_eq!((made.name.as_str(), sql.postgres.as_str()), ("t_aB_check", postgres));
        }
        let other = |sqlite: &str| Rule::Check(PerEngine { postgres: String::new(), sqlite: sqlite.to_owned() });
        for sql in [r#""a" IN (1, b)"#, r#""a" IN (1) OR 1"#, r#""a" > 0"#, r#""a" IN ('x"#, "a IN (1)"] {
            assert_eq!(values(&other(sql)), None, "{sql}");
        }
    }
    #[test]
    fn a_list_on_sqlite_takes_its_values_and_nothing_else() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let texts: Vec<Value> = ["a", "b\"a", "it's", "[,]", "\\", ""].map(|text| Value::Text(text.to_owned())).into();
        let numbers: Vec<Value> = [1, -2, 12].map(Value::Integer).into();
        for (values, lists) in [
            (
                &texts,
                &[
                    (r#"[]"#, true),
                    (r#"["a","b\"a","it's","[,]","\\",""]"#, true),
                    (r#"["a","a"]"#, true),
                    (r#"["b"]"#, false),
                    (r#"["c\"a"]"#, false),
                    (r#"["a",null]"#, false),
                    (r#"[["a"]]"#, false),
                    (r#"["a",1]"#, false),
                    (r#"["A"]"#, false),
                ][..],
            ),
            (
                &numbers,
                &[
                    ("[]", true),
                    ("[1,-2,12,1,1]", true),
                    ("[2]", false),
                    ("[11]", false),
                    ("[121]", false),
                    ("[-1]", false),
                    ("[[1]]", false),
                    ("[1,null]", false),
                    ("[1.5]", false),
                    ("[\"1\"]", false),
                ],
            ),
        ] {
            let made = check("t", &Column::new("it", Kind::Array(Box::new(Kind::Text))), values);
            let Rule::Check(sql) = &made.rule else { panic!() };
            let holds = format!("SELECT {} FROM (SELECT ?1 AS it)", sql.sqlite);
            for (list, expected) in lists {
                let taken: bool = database.query_row(&holds, [list], |row| row.get(0)).unwrap();
                assert_eq!(taken, *expected, "{list}: {holds}");
            }
        }
        assert_eq!((separator(&Value::Text(",".into())), separator(&Value::Text("a,".into()))), (Some(","), None));
    }
}
