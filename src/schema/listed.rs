//! The check of a column that takes only listed values: made for the enums of an entity that are stored as text or numbers,
//! and known again where a schema is printed.

use super::dialect::literal;
use super::model::{Column, Constraint, Kind, PerEngine, Rule, Value, fit_name};
use crate::db::quote;

/// The check that lets a column take only these values, none of which is NULL. Worded as PostgreSQL prints it.
pub(crate) fn check(table: &str, column: &Column, values: &[Value]) -> Constraint {
    let ours: Vec<String> = values.iter().map(|value| in_sql(value, "")).collect();
    let cast = match column.kind {
        Kind::Char(_) => "::bpchar",
        _ => "::text",
    };
    let theirs: Vec<String> = values.iter().map(|value| in_sql(value, cast)).collect();
    let name = bare(&column.name);
    let name = if matches!(column.kind, Kind::VarChar(_)) { format!("{name}::text") } else { name };
    let postgres = match theirs.as_slice() {
        [one] => format!("{name} = {one}"),
        several => format!("{name} = ANY (ARRAY[{}])", several.join(", ")),
    };
    let sqlite = format!("{} IN ({})", quote(&column.name), ours.join(", "));
    let name = fit_name(&format!("{table}_{}_check", column.name));
    Constraint { name, rule: Rule::Check(PerEngine { postgres, sqlite }) }
}

fn in_sql(value: &Value, cast: &str) -> String {
    match value {
        Value::Integer(number) if cast.is_empty() || *number >= 0 => number.to_string(),
        Value::Integer(number) => format!("'{number}'::integer"),
        Value::Text(text) => format!("{}{cast}", literal(text)),
        // No enum has others.
        other => format!("{}{cast}", literal(&format!("{other:?}"))),
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

/// What stands between quotes at the start of `text`, a doubled one being one of the contents; and what follows it.
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
        for (kind, values, postgres) in [
            (Kind::Text, &texts, r#""aB" = ANY (ARRAY['a'::text, 'it''s, "so" IN ('::text, ''::text])"#),
            (
                Kind::VarChar(Some(20)),
                &texts,
                r#""aB"::text = ANY (ARRAY['a'::text, 'it''s, "so" IN ('::text, ''::text])"#,
            ),
            (Kind::Integer, &numbers, r#""aB" = ANY (ARRAY['-1'::integer, 7])"#),
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
}
