//! `miles audit`.

use std::path::PathBuf;

use clap::ValueEnum;
use futures::TryStreamExt;
use serde::Serialize;

use super::against;
use super::answer;
use crate::cli::approve::Ask;
use crate::cli::commands::change;
use crate::cli::commands::db::signers::SignerArgs;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::text::count;
use crate::cli::ui::{Cell, Column, IdOf, RenderOptions, Tone};
use crate::db::{Database, Engine, Transaction};
use crate::directory::reference;
use crate::directory::reference::ReferenceError;
use crate::entity::types::Id;
use crate::entity::user;
use crate::error::indeterminate::RetryAdvice;
use crate::error::{Error, Outcome, Result};
use crate::ledger::audit::{Finding, Invariant};
use crate::ledger::reconcile::Repairer;
use crate::ledger::source::ADJUSTMENT;
use crate::ledger::{MAX_BALANCE, MilesError, Posted, audit, key, reconcile};
use crate::message::{Command, Message, message, program, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles audit
  skyteam miles audit --user @pilot123 --repair --trust ledger
  skyteam miles audit --against /backups/2026-11-26.skyteam --identity key.txt

Proved for everybody, in one statement: a balance is the sum of its entries, from 0 to 2147483647; signs fit types; one
award for a flight and user; a passenger's miles are the award's; a reversal once, of the opposite amount; a redemption's
product exists, and so does the user of every entry. Exit 3 where something is found.

--against reads a backup whole, and names every entry of it that is gone from the ledger or is another by now: what was
written since is not looked at. An erasure changes the entries of the person it erases.";

/// How many users with a drift are named before the question.
const SHOWN: usize = 5;

/// Arguments of `miles audit`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesAuditArgs {
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
    /// Hold the ledger against this backup: every entry of it must still be there unchanged
    #[arg(long, value_name = "BACKUP", conflicts_with_all = ["user", "repair"])]
    against: Option<PathBuf>,
    /// File with the secret key that the backup was encrypted for; may be given several times
    #[arg(long, value_name = "FILE", requires = "against")]
    identity: Vec<PathBuf>,
    /// Public key that vouches for that backup, as [NAME=]ed25519:…; may be given several times [env: SKYTEAM_SIGNERS]
    #[arg(long = "signer", value_name = "KEY", requires = "against")]
    signers: Vec<String>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Trust {
    Balance,
    Ledger,
}

impl From<Trust> for reconcile::Trust {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::Balance => Self::Balance,
            Trust::Ledger => Self::Ledger,
        }
    }
}

/// A finding and how to repair it.
#[derive(Serialize)]
pub(in crate::cli::commands) struct Found {
    #[serde(flatten)]
    finding: Finding,
    /// A command.
    fix: Message,
    /// Another one, where a person must decide which is right.
    alternative: Option<Message>,
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
        Column::text("alternative").wide(),
    ];

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        let finding = &self.finding;
        let number = |number: Option<i64>| number.map_or_else(Cell::empty, |number| look.number(number));
        match column {
            "invariant" => Cell::new(finding.invariant.name()).tone(Tone::Bad),
            "userId" => finding.user_id.as_str().into(),
            "username" => finding.username.as_str().into(),
            "entryId" => Cell::maybe_id(IdOf::Entry, finding.entry_id),
            "flightId" => Cell::maybe_id(IdOf::Flight, finding.flight_id),
            "productId" => finding.product_id.as_deref().into(),
            "expected" => number(finding.expected),
            "found" => number(finding.found),
            "fix" => self.fix.to_string().into(),
            _ => self.alternative.as_ref().map_or_else(Cell::empty, |other| other.to_string().into()),
        }
    }
}

pub(super) async fn run(args: MilesAuditArgs, cx: &Context) -> Result<Outcome> {
    if let Some(backup) = &args.against {
        return against::run(cx, backup, &args.identity, &SignerArgs::of(args.signers)).await;
    }
    match args.trust {
        Some(trust) if args.repair => mend(cx, args.user.as_deref(), trust).await,
        _ => list(cx, args.user.as_deref()).await,
    }
}

/// The user whom `--user` names.
async fn named(tx: &Transaction, reference: Option<&str>) -> Result<Option<user::Model>, ReferenceError> {
    match reference {
        Some(reference) => reference::user(tx, reference).await.map(Some),
        None => Ok(None),
    }
}

async fn list(cx: &Context, reference: Option<&str>) -> Result<Outcome> {
    let database = cx.reader().await?;
    let tx = database.begin_read().await?;
    let user = named(&tx, reference).await?;
    let (found, decided) = cx
        .ui
        .list(async |list| {
            let mut decided = false;
            let mut findings = audit::audit(&tx, user.as_ref().map(|user| user.user_id.as_str())).await?;
            while let Some(finding) = findings.try_next().await? {
                let (fix, alternative) = fixes(&finding, &database);
                let alternative = alternative.map(|command| cx.ui.here(command));
                decided |= alternative.is_some();
                list.push(&Found { finding, fix: cx.ui.here(fix), alternative })?;
            }
            Ok(decided)
        })
        .await?;
    tx.rollback().await?;
    if found == 0 {
        let whose = match &user {
            Some(user) => message!("the balance of {}", &user.username),
            None => message!("every balance"),
        };
        cx.ui.note(message!("Nothing found: {} is the sum of its entries, and all else holds.", whose));
        return Ok(Outcome::Done);
    }
    cx.ui.note(message!("{} found.", count(found, "violation")));
    if decided {
        cx.ui.note("Where the balance is right and the ledger is not: --trust balance instead of --trust ledger.");
    }
    Ok(Outcome::Found)
}

/// What was repaired, in a transaction that is still open.
struct Repaired {
    /// The drift that was found, by `userId`.
    drifted: Vec<Finding>,
    /// How many other violations were found.
    others: usize,
    posted: Vec<Posted>,
    /// What no entry can mend: [`MilesError::BeyondRepair`].
    beyond: Vec<MilesError>,
}

/// Mends drift (level 3), and says what it did by the entries that it wrote.
async fn mend(cx: &Context, reference: Option<&str>, trust: Trust) -> Result<Outcome> {
    let database = cx.writer().await?;
    let batch_id = key::fresh_id();
    let repairer = Repairer { batch_id: Some(batch_id), actor: Some(cx.settings.actor.value.as_str()) };
    let worded = |error| answer::worded(error, RetryAdvice::Line(again(&database, reference, trust)));
    let work = async |tx: &Transaction| {
        let user = named(tx, reference).await?;
        let user_id = user.as_ref().map(|user| user.user_id.as_str());
        let findings: Vec<Finding> = audit::audit(tx, user_id).await?.try_collect().await?;
        let (mut drifted, others): (Vec<Finding>, Vec<Finding>) =
            findings.into_iter().partition(|finding| finding.invariant == Invariant::BalanceIsSum);
        drifted.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        let (mut posted, mut beyond) = (Vec::new(), Vec::new());
        for finding in &drifted {
            match reconcile::repair(tx, &finding.user_id, trust.into(), repairer).await {
                Ok(done) => posted.extend(done),
                // Nothing was written for it yet.
                Err(error @ MilesError::BeyondRepair { .. }) => beyond.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(Repaired { drifted, others: others.len(), posted, beyond })
    };
    let attempt = async || answer::attempt(&database, work).await.map_err(worded);
    let question = |done: &Repaired| {
        let drift =
            |one: &Finding| (one.username.clone(), one.found.unwrap_or_default(), one.expected.unwrap_or_default());
        (!done.drifted.is_empty()).then(|| done.drifted.iter().map(drift).collect::<Vec<_>>())
    };
    let ask = async |drifted: &Vec<(String, i64, i64)>| {
        for (name, balance, ledger) in drifted.iter().take(SHOWN) {
            cx.ui.note(message!("{}: balance {}, ledger {}", name, *balance, *ledger));
        }
        if drifted.len() > SHOWN {
            cx.ui.note(message!("and {} more", drifted.len() - SHOWN));
        }
        let users = count(drifted.len() as u64, "user");
        let effect = match trust {
            Trust::Balance => message!("The ledger of {} gets an entry of the miles that it lacks.", users),
            Trust::Ledger => {
                message!("The balance of {} is set to the sum of the entries; the balance as it is now is lost.", users)
            }
        };
        cx.approve(Ask::loses(database.name(), effect)).await.map(drop)
    };
    let (tx, Repaired { drifted, others, posted, mut beyond }) = change::attempted(cx, attempt, question, ask).await?;
    let left = |cx: &Context| {
        if others == 0 {
            return Outcome::Done;
        }
        let others = count(others as u64, "other violation");
        cx.ui.note(message!("{} found that a repair does not mend: {}", others, skyteam("miles audit")));
        Outcome::Found
    };
    if drifted.is_empty() {
        tx.rollback().await?;
        cx.ui.note("Nothing to repair: every balance is the sum of its entries.");
        answer::list(cx, []).await?;
        return Ok(left(cx));
    }
    answer::finish(cx, &database, tx, batch_id).await.map_err(worded)?;
    if posted.is_empty() && beyond.len() == 1 {
        return Err(beyond.remove(0).into());
    }
    answer::list(cx, posted).await?;
    let others = left(cx);
    if beyond.is_empty() {
        return Ok(others);
    }
    for error in beyond.into_iter().map(Error::from) {
        cx.ui.warn(error.summary());
    }
    Ok(Outcome::Found)
}

/// The repair once more.
fn again(database: &Database, user: Option<&str>, trust: Trust) -> Command {
    let trust = trust.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let audit = skyteam("miles audit").maybe_flag("--user", user);
    audit.words("--repair").flag("--trust", trust).flag("--confirm", database.name())
}

/// The command that repairs a finding; and another where a person must decide what is right.
fn fixes(finding: &Finding, database: &Database) -> (Message, Option<Message>) {
    let whom = |command: Command| command.account(&finding.user_id, &finding.username);
    let id = |id: Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
    let (entry, flight) = (id(finding.entry_id), id(finding.flight_id));
    let found = finding.found.unwrap_or_default();
    let reverse = skyteam("miles reverse").arg(&entry).words("--note TEXT");
    let award = |miles: i64| whom(skyteam("miles award")).arg(miles).flag("--flight", &flight).words("--note TEXT");
    let fix: Message = match finding.invariant {
        Invariant::BalanceIsSum => {
            let (balance, ledger) = (found, finding.expected.unwrap_or_default());
            // No command reads a user whose balance is past the column's end: then the repair is of all users.
            let audit = || match i32::try_from(balance) {
                Ok(_) => skyteam("miles audit").account_flag("--user", &finding.user_id, &finding.username),
                Err(_) => skyteam("miles audit"),
            };
            let mut ways = [(reconcile::Trust::Ledger, "ledger"), (reconcile::Trust::Balance, "balance")]
                .into_iter()
                .filter(|(trust, _)| reconcile::is_possible(*trust, balance, ledger))
                .map(|(_, name)| {
                    audit().words("--repair").flag("--trust", name).flag("--confirm", database.name()).into()
                });
            let first = ways.next().unwrap_or_else(|| whom(skyteam("miles history")).into());
            return (first, ways.next());
        }
        // No entry holds more than that: the rest is found next time.
        Invariant::BalanceInRange if found < 0 => {
            whom(skyteam("miles award")).arg((-found).min(MAX_BALANCE.into())).words("--note TEXT").into()
        }
        // Only on SQLite; there no command reads such a user.
        Invariant::BalanceInRange => {
            let (over, user_id) = (found - i64::from(MAX_BALANCE), finding.user_id.replace('\'', "''"));
            by_hand(
                database,
                &format!(
                    r#"INSERT INTO "milesTransactions" ("userId", "amount", "type", "source", "note") VALUES ('{user_id}', -{over}, 'spend', '{ADJUSTMENT}', 'balance was {found}'); UPDATE "users" SET "miles" = {MAX_BALANCE} WHERE "userId" = '{user_id}'"#
                ),
            )
        }
        Invariant::OneAwardAFlight | Invariant::ProductExists => reverse.into(),
        Invariant::PassengerMiles => match (finding.expected, finding.found) {
            (Some(0), Some(_)) => reverse.into(),
            (Some(miles), Some(_)) => message!("{} && {}", reverse, award(miles)),
            (Some(miles), None) => award(miles).into(),
            (None, _) if finding.cancelled => reverse.into(),
            (None, _) => {
                // By the manifest, which is open after the flight too.
                let line = serde_json::json!({"userId": finding.user_id, "miles": found}).to_string();
                let import = skyteam("flight manifest import").arg(&flight).words("-");
                message!("{} | {}", program("echo").arg(line), import)
            }
        },
        // With the balance that the entries say.
        Invariant::UserExists => {
            let user_id = finding.user_id.replace('\'', "''");
            by_hand(
                database,
                &format!(
                    r#"INSERT INTO "users" ("userId", "username", "displayName", "miles") VALUES ('{user_id}', 'lost_{}', '{user_id}', {found})"#,
                    user_id.chars().rev().take(15).collect::<Vec<_>>().into_iter().rev().collect::<String>()
                ),
            )
        }
        Invariant::SignFitsType => by_hand(
            database,
            &format!(
                r#"UPDATE "milesTransactions" SET "type" = CASE WHEN "amount" < 0 THEN 'spend' ELSE 'earn' END WHERE "id" = '{entry}'"#
            ),
        ),
        Invariant::ReversalIsOpposite | Invariant::ReversedOnce => {
            by_hand(database, &format!(r#"UPDATE "milesTransactions" SET "reversesId" = NULL WHERE "id" = '{entry}'"#))
        }
    };
    (fix, None)
}

/// What only the database's administrator can mend: entries are append-only but under maintenance.
fn by_hand(database: &Database, sql: &str) -> Message {
    let sql = match database.engine() {
        Engine::Postgres => format!("BEGIN; SET LOCAL skyteam.maintenance = 'on'; {sql}; COMMIT"),
        Engine::Sqlite => format!(
            r#"BEGIN; INSERT INTO "_skyteam_maintenance" VALUES ('audit'); {sql}; DELETE FROM "_skyteam_maintenance"; COMMIT"#
        ),
    };
    let flag = match database.engine() {
        Engine::Postgres => "-c",
        Engine::Sqlite => "-cmd",
    };
    skyteam("db shell --").words(flag).arg(sql).into()
}
