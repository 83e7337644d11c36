//! What the rows themselves say.

use super::Check;
use crate::db::Database;
use crate::domain::health::{Answer, QUESTIONS, Question};
use crate::error::Error;
use crate::ui::text::count;

const AREA: &str = "data";

/// Asks all questions of one snapshot, over one connection.
pub(super) async fn check(database: &Database) -> Vec<Check> {
    let transaction = match database.begin_read().await {
        Ok(transaction) => transaction,
        Err(error) => return vec![Check::failed(AREA, "look", &Error::from(error))],
    };
    let mut checks = Vec::with_capacity(QUESTIONS.len());
    for question in QUESTIONS {
        match question.ask(&transaction).await {
            Ok(answer) => checks.push(judge(question, &answer)),
            Err(error) => {
                // PostgreSQL answers nothing more in a transaction that has failed.
                checks.push(Check::failed(AREA, question.name, &Error::from(error)));
                break;
            }
        }
    }
    checks
}

fn judge(question: &Question, answer: &Answer) -> Check {
    if answer.count == 0 {
        return Check::ok(AREA, question.name, format!("no {}", question.wrong));
    }
    let more = if answer.count > answer.examples.len() as u64 { ", …" } else { "" };
    let found = format!("{} {}: {}{more}", count(answer.count, "finding"), question.wrong, answer.examples.join(", "));
    Check::error(AREA, question.name, found, mend(question.name, &question.query()))
}

/// The command that mends a finding, or the query that shows it all where only a person can tell what is right.
fn mend(name: &str, query: &str) -> String {
    match name {
        "negative balances" | "balance against ledger" => "skyteam miles audit".into(),
        "primary brands" => "skyteam brand primary BRAND    for the one that is right".into(),
        "brands of flights" => "skyteam flight edit FLIGHT --brand BRAND".into(),
        _ => format!("skyteam db shell, then: {query}"),
    }
}
