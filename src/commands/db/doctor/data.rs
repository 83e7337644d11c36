//! What the rows themselves say.

use super::Check;
use crate::db::Database;
use crate::domain::health::QUESTIONS;
use crate::error::Error;
use crate::ui::text::count;

const AREA: &str = "data";

pub(super) async fn check(database: &Database) -> Vec<Check> {
    let mut checks = Vec::with_capacity(QUESTIONS.len());
    for question in QUESTIONS {
        checks.push(match question.ask(database.conn()).await {
            Err(error) => Check::failed(AREA, question.name, &Error::from(error)),
            Ok(answer) if answer.count == 0 => Check::ok(AREA, question.name, format!("no {}", question.wrong)),
            Ok(answer) => {
                let more = if answer.count > answer.examples.len() as u64 { ", …" } else { "" };
                let found = format!(
                    "{} {}: {}{more}",
                    count(answer.count, "finding"),
                    question.wrong,
                    answer.examples.join(", ")
                );
                Check::error(AREA, question.name, found, mend(question.name, &question.query()))
            }
        });
    }
    checks
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
