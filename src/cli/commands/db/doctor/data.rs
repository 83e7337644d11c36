//! Checks of the rows: invariants of the ledger and of the tables.

use sea_orm::{ConnectionTrait, DbErr};

use super::Check;
use crate::cli::context::Context;
use crate::cli::ui::text::count;
use crate::db::{Database, Engine, quote};
use crate::directory::health::{Answer, QUESTIONS, Question};
use crate::error::{Error, Kind};
use crate::message::{Message, message, skyteam};
use crate::schema::{self, LiveError, Schema};

const AREA: &str = "data";

/// Asks all questions of one snapshot, over one connection.
pub(super) async fn check(database: &Database, cx: &Context) -> Vec<Check> {
    let mut checks = Vec::with_capacity(QUESTIONS.len());
    if let Err(error) = ask_all(database, cx, &mut checks).await {
        checks.push(Check::failed(AREA, "look", &Error::from(error)));
    }
    checks
}

async fn ask_all(database: &Database, cx: &Context, checks: &mut Vec<Check>) -> Result<(), DbErr> {
    let transaction = database.begin_read().await?;
    if database.engine() == Engine::Postgres {
        let limit = cx.settings.lock_timeout.value.as_millis();
        transaction.execute_unprepared(&format!("SET LOCAL lock_timeout = {limit}")).await?;
    }
    let named = match schema::desired() {
        Ok(desired) => match schema::live::read(&transaction, &desired, &[]).await {
            Ok(live) => orphans(&desired, &live.schema),
            Err(LiveError::Driver(error)) => return Err(error),
            // The checks of the schema say so.
            Err(_) => None,
        },
        Err(_) => None,
    };
    for question in QUESTIONS.iter().chain(&named) {
        // One that fails, where a table is missing, ends neither the others nor the snapshot.
        transaction.execute_unprepared("SAVEPOINT question").await?;
        match question.ask(&transaction).await {
            Ok(answer) => checks.push(judge(question, &answer)),
            Err(error) => {
                let error = Error::from(error);
                checks.push(Check::failed(AREA, question.name, &error));
                if error.kind() == Kind::Locked {
                    // The others would wait as long for the same.
                    break;
                }
                transaction.execute_unprepared("ROLLBACK TO SAVEPOINT question").await?;
            }
        }
    }
    transaction.rollback().await
}

/// Whether every row that is named is there: a foreign key that is switched off holds for none, and one that is switched on
/// again looks at no row that came meanwhile. Keys of columns that are still to come are left out.
fn orphans(desired: &Schema, live: &Schema) -> Option<Question> {
    let has = |table: &str, columns: &[String]| {
        live.table(table).is_some_and(|table| columns.iter().all(|column| table.column(column).is_some()))
    };
    let keys = desired.tables.iter().flat_map(|table| table.foreign_keys().map(move |(_, key)| (table, key)));
    let keys = keys.filter(|(table, key)| has(&table.name, &key.columns) && has(&key.table, &key.references));
    let queries: Vec<String> = keys
        .map(|(table, key)| {
            let pairs: Vec<(String, String)> =
                key.columns.iter().zip(&key.references).map(|(own, other)| (quote(own), quote(other))).collect();
            let values: Vec<String> = pairs.iter().map(|(own, _)| format!("cast(one.{own} as text)")).collect();
            let given: Vec<String> = pairs.iter().map(|(own, _)| format!("one.{own} is not null")).collect();
            let same: Vec<String> = pairs.iter().map(|(own, other)| format!("other.{other} = one.{own}")).collect();
            format!(
                "select '{}.{} ' || {} as what from {} one where {} and not exists (select 1 from {} other where {})",
                table.name,
                key.columns.join("+"),
                values.join(" || '+' || "),
                quote(&table.name),
                given.join(" and "),
                quote(&key.table),
                same.join(" and ")
            )
        })
        .collect();
    (!queries.is_empty()).then(|| Question {
        name: "rows that name nothing",
        wrong: "rows that name a row which is not there",
        sql: format!("select what from ({}) as named order by 1", queries.join(" union all ")).into(),
    })
}

fn judge(question: &Question, answer: &Answer) -> Check {
    if answer.count == 0 {
        return Check::ok(AREA, question.name, message!("no {}", question.wrong)).measuring(0);
    }
    let more = if answer.count > answer.examples.len() as u64 { ", …" } else { "" };
    let found =
        message!("{} {}: {}{}", count(answer.count, "finding"), question.wrong, answer.examples.join(", "), more);
    let rows = i64::try_from(answer.count).unwrap_or(i64::MAX);
    Check::error(AREA, question.name, found, mend(question.name, &question.query())).measuring(rows)
}

/// The command that repairs a finding, or the query that shows it all where only a person can decide what is right.
fn mend(name: &str, query: &str) -> Message {
    match name {
        "negative balances" | "balance against ledger" => skyteam("miles audit").into(),
        "primary brands" => message!("{}    for the one that is right", skyteam("brand primary BRAND")),
        "brands of flights" => skyteam("flight edit FLIGHT --brand BRAND").into(),
        _ => message!("{}, then: {}", skyteam("db shell"), query),
    }
}
