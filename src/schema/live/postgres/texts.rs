//! How PostgreSQL prints the reference's expressions: predicted from the model, or read from scratch tables.

use std::collections::HashMap;

use super::catalogue::Document;
use crate::schema::dialect::{literal, postgres as dialect};
use crate::schema::model::{Kind, Rule, Schema, Shape, TriggerBody, Value};
use crate::schema::sql_tokens::{Token, tokens};

/// How the reference's expressions look in the catalogue, under `(table, object)`.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) defaults: HashMap<(String, String), String>,
    pub(super) checks: HashMap<(String, String), String>,
    pub(super) filters: HashMap<(String, String), String>,
    pub(super) triggers: HashMap<(String, String), (String, String)>,
}

impl Texts {
    /// What PostgreSQL is going to say, as far as it can be known. Where it says otherwise, the scratch tables decide.
    pub(super) fn foretold(reference: &Schema) -> Self {
        let mut texts = Self::default();
        for table in &reference.tables {
            let key = |name: &str| (table.name.clone(), name.to_owned());
            for column in &table.columns {
                if let Some(value) = &column.default {
                    texts.defaults.insert(key(&column.name), foretell(value, &column.kind));
                }
            }
            for constraint in &table.constraints {
                if let Rule::Check(sql) = &constraint.rule {
                    texts.checks.insert(key(&constraint.name), sql.postgres.clone());
                }
            }
            for index in &table.indexes {
                if let Shape::Columns { filter: Some(sql), .. } = &index.shape {
                    texts.filters.insert(key(&index.name), sql.postgres.clone());
                }
            }
            for trigger in &table.triggers {
                if let TriggerBody::Postgres { fires, each, .. } = &trigger.body {
                    texts.triggers.insert(key(&trigger.name), (fires.clone(), each.clone()));
                }
            }
        }
        texts
    }

    pub(super) fn of(found: &Document) -> Self {
        let mut texts = Self::default();
        for column in found.columns.iter().flatten() {
            if let Some(text) = column.default_text() {
                texts.defaults.insert((column.table.clone(), column.name.clone()), text);
            }
        }
        for constraint in found.constraints.iter().flatten() {
            if let Some(sql) = &constraint.check {
                texts.checks.insert((constraint.table.clone(), constraint.name.clone()), sql.clone());
            }
        }
        for index in found.indexes.iter().flatten() {
            if let Some(sql) = &index.filter {
                texts.filters.insert((index.table.clone(), index.name.clone()), sql.clone());
            }
        }
        for trigger in found.triggers.iter().flatten() {
            if let Some(parts) = trigger.parts() {
                texts.triggers.insert((trigger.table.clone(), trigger.name.clone()), parts);
            }
        }
        texts
    }
}

fn foretell(value: &Value, kind: &Kind) -> String {
    match (value, kind) {
        (Value::Text(text), Kind::Char(_)) => format!("{}::bpchar", literal(text)),
        (Value::Text(text), _) => {
            let name = dialect::kind(kind);
            // A length is not part of it, and comes before the words that follow it.
            let (before, rest) = name.split_once('(').unwrap_or((&name, ""));
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{}::{before}{after}", literal(text))
        }
        (Value::Integer(number), _) if *number < 0 => format!("'{number}'::integer"),
        (other, _) => dialect::default(other),
    }
}

/// Whether two defaults are the same words, whatever their blanks and the parentheses around the whole.
pub(super) fn is_same_default(one: &str, other: &str) -> bool {
    let words = |sql: &str| -> Vec<Token> {
        tokens(unwrapped(&normal(sql)))
            .into_iter()
            .map(|placed| match placed.token {
                Token::Word(name, false) => Token::Word(name.to_ascii_lowercase(), false),
                other => other,
            })
            .collect()
    };
    words(one) == words(other)
}

/// An expression without the parentheses that enclose all of it.
fn unwrapped(sql: &str) -> &str {
    let sql = sql.trim();
    let Some(inner) = sql.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return sql };
    let mut depth = 0_usize;
    for placed in tokens(inner) {
        match placed.token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') if depth == 0 => return sql,
            Token::Sign(')') => depth -= 1,
            _ => {}
        }
    }
    unwrapped(inner)
}

/// The one spelling of defaults that mean the start of the transaction in a session whose zone is UTC, and of types
/// that need no schema's name.
fn normal(default: &str) -> String {
    let bare = default.strip_suffix("::timestamp without time zone").unwrap_or(default);
    match bare.trim_start_matches('(').trim_end_matches(')') {
        "now(" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "transaction_timestamp(" => "now()".to_owned(),
        _ => default.replace("::public.", "::").replace("::pg_temp.", "::"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_and_blanks_make_no_other_default() {
        for (one, other) in [
            ("(2 + 3)", "2 + 3"),
            ("((2+3))", "2 + 3"),
            ("UPPER('a')", "upper('a')"),
            ("(now())", "CURRENT_TIMESTAMP"),
            ("('a)' || 'b')", "'a)' || 'b'"),
        ] {
            assert!(is_same_default(one, other), "{one}, {other}");
        }
        for (one, other) in [("(1) + (2)", "1) + (2"), ("'A'", "'a'"), ("2 + 3", "3 + 2"), (r#""A"()"#, r#""a"()"#)] {
            assert!(!is_same_default(one, other), "{one}, {other}");
        }
    }
}
