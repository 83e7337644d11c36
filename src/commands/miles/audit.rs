//! `miles audit`.

use futures::TryStreamExt;
use serde::Serialize;

use super::answer::{self, transact};
use crate::approval::Ask;
use crate::context::Context;
use crate::db::{Database, Engine};
use crate::domain::miles::audit::{self, Finding, Invariant};
use crate::domain::miles::key;
use crate::domain::miles::repair::{self, Repairer};
use crate::domain::reference;
use crate::entity::user;
use crate::error::{Outcome, Result, shell};
use crate::report::Row;
use crate::ui::text::{count, grouped};
use crate::ui::{Cell, Column, Look, Tone};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles audit
  skyteam miles audit --user @pilot123 --repair --trust ledger

Proved for everybody, in one statement: a balance is the sum of its entries, from 0 to 2147483647; signs fit types; one
award for a flight and user; a passenger's miles are the award's; a reversal once, of the opposite amount; a redemption's
product exists. Exit 3 where something is found.";

/// Arguments of `miles audit`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Mend balances that differ from the sum of their entries
    #[arg(long, requires = "trust")]
    repair: bool,
    /// Which of the two is right: the balance, and an entry of what is missing is written; or the ledger, and the balance
    /// is set to its sum
    #[arg(long, requires = "repair")]
    trust: Option<Trust>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Trust {
    Balance,
    Ledger,
}

/// A finding and what mends it.
#[derive(Serialize)]
pub(in crate::commands) struct Found {
    #[serde(flatten)]
    finding: Finding,
    fix: String,
}

impl Row for Found {
    const COLUMNS: &'static [Column] = &[
        Column::text("invariant").rank(0),
        Column::text("userId").wide(),
        Column::text("username").rank(0),
        Column::text("entryId").wide(),
        Column::text("flightId").wide(),
        Column::text("productId").wide(),
        Column::number("expected").rank(1),
        Column::number("found").rank(1),
        // A command to be pasted: whole, or under the others.
        Column::text("fix").rank(0).floor(usize::MAX),
    ];

    fn cell(&self, column: usize, look: &Look) -> Cell {
        let finding = &self.finding;
        let number = |number: Option<i64>| number.map_or_else(Cell::empty, |number| look.number(number));
        match Self::COLUMNS[column].key {
            "invariant" => Cell::new(finding.invariant.name()).tone(Tone::Bad),
            "userId" => finding.user_id.as_str().into(),
            "username" => finding.username.as_str().into(),
            "entryId" => finding.entry_id.map_or_else(Cell::empty, |id| Cell::new(id.to_string())),
            "flightId" => finding.flight_id.map_or_else(Cell::empty, |id| Cell::new(id.to_string())),
            "productId" => finding.product_id.as_deref().into(),
            "expected" => number(finding.expected),
            "found" => number(finding.found),
            _ => self.fix.as_str().into(),
        }
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let database = if args.repair { cx.writer().await? } else { cx.reader().await? };
    let user = match &args.user {
        Some(reference) => Some(reference::user(database.conn(), reference).await?),
        None => None,
    };
    match args.trust {
        Some(trust) if args.repair => mend(cx, &database, user.as_ref(), trust).await,
        _ => list(cx, &database, user.as_ref()).await,
    }
}

async fn list(cx: &Context, database: &Database, user: Option<&user::Model>) -> Result<Outcome> {
    let tx = database.begin_read().await?;
    let (found, ()) = cx
        .ui
        .list(async |list| {
            let mut findings = audit::audit(&tx, user.map(|user| user.user_id.as_str())).await?;
            while let Some(finding) = findings.try_next().await? {
                let fix = cx.ui.here(&fix(&finding, database));
                list.push(&Found { finding, fix })?;
            }
            Ok(())
        })
        .await?;
    tx.rollback().await?;
    if found == 0 {
        let whose = user.map_or("every balance".to_owned(), |user| format!("the balance of {}", user.username));
        cx.ui.note(format!("Nothing found: {whose} is the sum of its entries, and all else holds."));
        return Ok(Outcome::Done);
    }
    cx.ui.note(format!("{} found.", count(found, "violation")));
    Ok(Outcome::Found)
}

/// Mends drift (level 3), and says what it did by the entries that it wrote.
async fn mend(cx: &Context, database: &Database, user: Option<&user::Model>, trust: Trust) -> Result<Outcome> {
    let tx = database.begin_read().await?;
    let findings: Vec<Finding> = audit::audit(&tx, user.map(|user| user.user_id.as_str())).await?.try_collect().await?;
    tx.rollback().await?;
    let (mut drifted, others): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.invariant == Invariant::BalanceIsSum);
    drifted.sort_by(|a, b| a.user_id.cmp(&b.user_id));
    let left = |cx: &Context| {
        if others.is_empty() {
            return Outcome::Done;
        }
        let others = count(others.len() as u64, "other violation");
        cx.ui.note(format!("{others} found that a repair does not mend: skyteam miles audit"));
        Outcome::Found
    };
    if drifted.is_empty() {
        cx.ui.note("Nothing to repair: every balance is the sum of its entries.");
        answer::list(cx, []).await?;
        return Ok(left(cx));
    }

    for finding in drifted.iter().take(5) {
        let (ledger, balance) = (finding.expected.unwrap_or_default(), finding.found.unwrap_or_default());
        let name = &finding.username;
        cx.ui.note(format!("{name}: balance {}, ledger {}", grouped(balance), grouped(ledger)));
    }
    let users = count(drifted.len() as u64, "user");
    let effect = match trust {
        Trust::Balance => format!("The ledger of {users} gets an entry of the miles that it lacks."),
        Trust::Ledger => {
            format!("The balance of {users} is set to the sum of the entries; the balance as it is now is lost.")
        }
    };
    let _approved = cx.approve(Ask::loses(database.name(), effect)).await?;

    let trust = match trust {
        Trust::Balance => repair::Trust::Balance,
        Trust::Ledger => repair::Trust::Ledger,
    };
    let batch_id = key::fresh_id();
    let repairer = Repairer { batch_id: Some(batch_id), actor: Some(cx.settings.actor.value.as_str()) };
    let posted = transact(cx, database, batch_id, async |tx| {
        let mut posted = Vec::new();
        for finding in &drifted {
            posted.extend(repair::repair(tx, &finding.user_id, trust, repairer).await?);
        }
        Ok(posted)
    })
    .await?;
    answer::list(cx, posted).await?;
    Ok(left(cx))
}

/// The command that mends a finding.
fn fix(finding: &Finding, database: &Database) -> String {
    let user = shell::word(&format!("@{}", finding.username));
    let entry = finding.entry_id.map(|id| id.to_string()).unwrap_or_default();
    let flight = finding.flight_id.map(|id| id.to_string()).unwrap_or_default();
    let found = finding.found.unwrap_or_default();
    match finding.invariant {
        Invariant::BalanceIsSum => format!(
            "skyteam miles audit --user {user} --repair --trust ledger {}   (or --trust balance)",
            shell::flag("--confirm", database.name())
        ),
        Invariant::BalanceInRange if found < 0 => format!("skyteam miles award {user} {} --note TEXT", -found),
        Invariant::BalanceInRange => {
            format!("skyteam miles spend {user} {} --note TEXT", found - finding.expected.unwrap_or_default())
        }
        Invariant::OneAwardAFlight | Invariant::ProductExists => format!("skyteam miles reverse {entry} --note TEXT"),
        Invariant::PassengerMiles => match (finding.expected, finding.found) {
            (Some(miles), Some(_)) => format!(
                "skyteam miles reverse {entry} --note TEXT && skyteam miles award {user} {miles} --flight {flight} --note TEXT"
            ),
            (Some(miles), None) => format!("skyteam miles award {user} {miles} --flight {flight} --note TEXT"),
            (None, _) => format!("skyteam flight board {flight} {user} --miles {found}"),
        },
        Invariant::SignFitsType => by_hand(
            database,
            &format!(
                r#"UPDATE "milesTransactions" SET "type" = CASE WHEN "amount" < 0 THEN 'spend' ELSE 'earn' END WHERE "id" = '{entry}'"#
            ),
        ),
        Invariant::ReversalIsOpposite | Invariant::ReversedOnce => {
            by_hand(database, &format!(r#"UPDATE "milesTransactions" SET "reversesId" = NULL WHERE "id" = '{entry}'"#))
        }
    }
}

/// What only the database's administrator can mend: entries are append-only but under maintenance.
fn by_hand(database: &Database, sql: &str) -> String {
    let sql = match database.engine() {
        Engine::Postgres => format!("BEGIN; SET LOCAL skyteam.maintenance = 'on'; {sql}; COMMIT"),
        Engine::Sqlite => format!(
            r#"BEGIN; INSERT INTO "_skyteam_maintenance" VALUES ('audit'); {sql}; DELETE FROM "_skyteam_maintenance"; COMMIT"#
        ),
    };
    let words = match database.engine() {
        Engine::Postgres => "skyteam db shell -- -c ",
        Engine::Sqlite => "skyteam db shell -- -cmd ",
    };
    format!("{words}{}", shell::word(&sql))
}
