//! Whether two expressions mean the same to PostgreSQL, asked without making an object.
//!
//! `EXPLAIN (VERBOSE)` of a query that computes both parses, resolves and prints each with the same code that prints the
//! catalogue, and runs nothing: so it also answers on a standby, in a read-only transaction, and for a role that may read no
//! row, because columns are NULLs of their types and no table is named. What the catalogue prints alike it prints alike;
//! beyond that the planner computes what is constant, so `upper('a')` and `'A'` are the same, as they are to every row.
//!
//! To compute constants is to call functions, with the rights of the session's role. So only expressions are asked about that
//! name nothing outside `pg_catalog`: no role but a superuser can have put code of its own there. An enumeration of the
//! reference is let through, since its values are read by the server's own code.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement as Query};
use serde::Deserialize;

use super::catalogue::{ColumnRow, Document};
use super::texts::Texts;
use crate::db::{quote, search_path};
use crate::schema::dialect::postgres as dialect;
use crate::schema::live::Rename;
use crate::schema::model::Kind;
use crate::schema::sql_tokens::{Placed, Token, tokens};

/// A live expression that is not worded as the reference's was foretold.
pub(super) struct Doubt {
    /// What it belongs to, for people.
    pub(super) what: String,
    pub(super) table: String,
    /// What kind of expression it is; `None` for what no query can compute.
    pub(super) expression: Option<Expression>,
    /// The live expression, with the columns named as the reference names them.
    pub(super) live: String,
    /// The objects of the reference that it may belong to.
    pub(super) objects: Vec<String>,
}

/// Where an expression is used.
#[derive(Clone)]
pub(super) enum Expression {
    /// The default of a column of this type.
    Default(Kind),
    /// The condition of a constraint.
    Check,
    /// The condition of a partial index.
    Filter,
}

/// An object of the reference whose expression means the same as a live one.
pub(super) struct Same {
    pub(super) expression: Expression,
    /// Table and object.
    pub(super) object: (String, String),
    /// The live expression.
    pub(super) live: String,
}

/// What was found out.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) same: Vec<Same>,
    /// What could not be asked, for people.
    pub(super) unknown: Vec<String>,
}

impl Texts {
    /// Takes over the live words of what PostgreSQL has found to be the same.
    pub(super) fn take(&mut self, same: Vec<Same>) {
        for Same { expression, object, live } in same {
            let texts = match expression {
                Expression::Default(_) => &mut self.defaults,
                Expression::Check => &mut self.checks,
                Expression::Filter => &mut self.filters,
            };
            texts.insert(object, live);
        }
    }
}

/// Asks about each doubt. What differs is in neither list of the answer.
///
/// # Errors
///
/// The driver's, where the connection is lost or the query was cancelled.
pub(super) async fn ask(
    connection: &impl ConnectionTrait,
    found: &Document,
    renames: &[Rename],
    doubts: Vec<Doubt>,
    texts: &Texts,
) -> Result<Answers, DbErr> {
    let mut answers = Answers::default();
    for doubt in doubts {
        let Some(expression) = &doubt.expression else {
            answers.unknown.push(doubt.what);
            continue;
        };
        let wanted = match expression {
            Expression::Default(_) => &texts.defaults,
            Expression::Check => &texts.checks,
            Expression::Filter => &texts.filters,
        };
        let mut unknown = false;
        for name in &doubt.objects {
            let object = (doubt.table.clone(), name.clone());
            let Some(wanted) = wanted.get(&object) else { continue };
            let question = question(found, renames, &doubt.table, expression, &doubt.live, wanted);
            let same = match question {
                Some(question) => answer(connection, question).await?,
                None => None,
            };
            match same {
                Some(true) => {
                    let (expression, live) = (expression.clone(), doubt.live.clone());
                    answers.same.push(Same { expression, object, live });
                    unknown = false;
                    break;
                }
                Some(false) => {}
                None => unknown = true,
            }
        }
        if unknown {
            answers.unknown.push(doubt.what);
        }
    }
    Ok(answers)
}

/// The query that computes both expressions; `None` where one may not be asked about.
fn question(
    found: &Document,
    renames: &[Rename],
    table: &str,
    expression: &Expression,
    live: &str,
    wanted: &str,
) -> Option<String> {
    let (live, wanted) = (harmless(found, live)?, harmless(found, wanted)?);
    let mut names = Vec::new();
    let mut types = Vec::new();
    let both = [tokens(&live), tokens(&wanted)];
    for row in found.columns.iter().flatten().filter(|row| row.table == table) {
        let name = Rename::apply(renames, table, &row.name);
        let is_used = |placed: &Placed| matches!(&placed.token, Token::Word(word, _) if word == name);
        if both.iter().flatten().any(is_used) {
            names.push(quote(name));
            types.push(type_of(row)?);
        }
    }
    // On a line of its own: the wanted one may end with a comment.
    let value = |sql: &str| match expression {
        Expression::Default(kind) => Some(format!("CAST((\n{sql}\n) AS {})", cast(kind)?)),
        Expression::Check | Expression::Filter => Some(format!("(\n{sql}\n)::pg_catalog.bool")),
    };
    let (live, wanted) = (value(&live)?, value(&wanted)?);
    let from = if names.is_empty() {
        String::new()
    } else {
        // Two rows: a single one would be put in place of the columns.
        let row: Vec<String> = types.iter().map(|kind| format!("NULL::{kind}")).collect();
        let row = row.join(", ");
        format!(" FROM (VALUES ({row}), ({row})) AS \"row\" ({})", names.join(", "))
    };
    Some(format!("EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT {live}, {wanted}{from}"))
}

/// The expression with its enumerations named with their schema; `None` where it names anything else outside `pg_catalog`.
fn harmless(found: &Document, sql: &str) -> Option<String> {
    // Within a literal of this kind the tokens end elsewhere.
    if sql.contains('\\') {
        return None;
    }
    let all = tokens(sql);
    let is_sign = |at: usize, sign: char| all.get(at).is_some_and(|placed| placed.token == Token::Sign(sign));
    let mut result = String::new();
    let mut done = 0;
    for (at, placed) in all.iter().enumerate() {
        match &placed.token {
            // A semicolon is not of an expression, and a parameter of no query.
            Token::Sign(';' | '$') => return None,
            Token::Word(schema, _) if is_sign(at + 1, '.') && !["pg_catalog", "public"].contains(&schema.as_str()) => {
                return None;
            }
            Token::Word(name, quoted) => {
                let name = if *quoted { name.clone() } else { name.to_ascii_lowercase() };
                let is_type = at >= 2 && is_sign(at - 1, ':') && is_sign(at - 2, ':');
                let is_enum = found.enums.iter().flatten().any(|of| of.name == name);
                if name == "public" && is_sign(at + 1, '.') {
                    let of = all.get(at + 2).and_then(|next| next.token.name());
                    let is_enum = found.enums.iter().flatten().any(|known| Some(known.name.as_str()) == of);
                    if !(is_type && is_enum) {
                        return None;
                    }
                } else if is_type && is_enum {
                    result.push_str(&sql[done..placed.start]);
                    result.push_str("public.");
                    done = placed.start;
                }
            }
            _ => {}
        }
    }
    result.push_str(&sql[done..]);
    Some(result)
}

/// The type that a column's NULL has; `None` for one that is not the server's own.
fn type_of(row: &ColumnRow) -> Option<String> {
    named(&row.neutral())
}

/// The type that a default is brought to, without a length that would cut what differs.
fn cast(kind: &Kind) -> Option<String> {
    match kind {
        Kind::VarChar(_) => Some("pg_catalog.varchar".to_owned()),
        Kind::Char(_) => Some("pg_catalog.bpchar".to_owned()),
        kind => named(kind),
    }
}

fn named(kind: &Kind) -> Option<String> {
    match kind {
        Kind::Unsupported(_) => None,
        Kind::Array(of) if matches!(**of, Kind::Unsupported(_)) => None,
        kind if kind.enum_type().is_some() => Some(format!("public.{}", dialect::kind(kind))),
        kind => Some(dialect::kind(kind)),
    }
}

#[derive(Deserialize)]
struct Explained {
    #[serde(rename = "Plan")]
    plan: Plan,
}

#[derive(Deserialize)]
struct Plan {
    #[serde(rename = "Output", default)]
    output: Vec<String>,
}

/// Whether the server prints both alike; `None` where it does not compute them.
async fn answer(connection: &impl ConnectionTrait, question: String) -> Result<Option<bool>, DbErr> {
    connection
        .execute_unprepared(&format!("SAVEPOINT skyteam_question; SET LOCAL search_path = {}", search_path::SAFE))
        .await?;
    let answered = connection.query_one_raw(Query::from_string(DbBackend::Postgres, question)).await;
    let after = "ROLLBACK TO SAVEPOINT skyteam_question; RELEASE SAVEPOINT skyteam_question";
    connection.execute_unprepared(after).await?;
    let row = match answered {
        Ok(row) => row,
        // What it cannot compute is answered by no error of the connection's.
        Err(error) if crate::db::sql_state(&error).is_some_and(|state| !state.code.starts_with("57")) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let Some(row) = row else { return Ok(None) };
    let plan: serde_json::Value = row.try_get_by_index(0)?;
    let explained: Vec<Explained> = serde_json::from_value(plan).unwrap_or_default();
    Ok(match explained.first().map(|explained| explained.plan.output.as_slice()) {
        Some([live, wanted]) => Some(live == wanted),
        _ => None,
    })
}
