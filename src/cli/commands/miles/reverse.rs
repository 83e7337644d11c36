//! `miles reverse`.

use super::answer;
use crate::cli::approve::Ask;
use crate::cli::commands::records::{Columns, Record};
use crate::cli::commands::rejects::{Place, Reject, RejectArgs};
use crate::cli::commands::{change, rejects};
use crate::cli::context::Context;
use crate::cli::ui::text::{count, grouped};
use crate::db::{self, Database, Transaction};
use crate::directory::reference;
use crate::error::indeterminate::RetryAdvice;
use crate::error::{Error, Outcome, Result};
use crate::ledger::batch::OnRefusal;
use crate::ledger::lookup::{Summary, Target};
use crate::ledger::reverse::{Reversed, Short};
use crate::ledger::{MilesError, lookup, reverse};
use crate::message::{Message, Words, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles reverse 0198c2f4-7d31-7 --note \"Wrong flight\"
  skyteam miles reverse last --note \"Typo\" --yes

An entry is reversed once. A batch is reversed as a whole: nothing happens where one balance would fall below zero, unless
--keep-going takes back what the others have.

Ids that were made within a minute begin with the same 8 characters: give more of them. Where an id is both an entry's and a
batch's, entry:ID and batch:ID say which.";

/// Arguments of `miles reverse`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesReverseArgs {
    /// Entry or batch: its id, or at least 4 characters of it; or last, for the last thing that --actor did
    #[arg(value_name = "ENTRY|BATCH|last")]
    target: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    note: String,
    #[command(flatten)]
    rejects: RejectArgs,
}

/// What a file of rejects says of an entry that was not taken back.
const COLUMNS: Columns = Columns { known: &["id", "userId", "username", "amount"], ignored: &[] };

pub(super) async fn run(args: MilesReverseArgs, cx: &Context) -> Result<Outcome> {
    let note = answer::note(&args.note)?;
    let actor = cx.settings.actor.value.as_str();
    let database = cx.writer().await?;
    let on_refusal = if args.rejects.keep_going { OnRefusal::Skip } else { OnRefusal::Stop };
    let attempt = || attempt(&database, &args.target, &note, actor, on_refusal);
    let worded = |(target, error): Failed| {
        let batch = match (&error, target) {
            (MilesError::Batch { .. }, Some(Target::Batch(id))) => Some(id),
            _ => None,
        };
        let error = Error::from(error);
        match batch {
            Some(id) if !args.rejects.keep_going => {
                let command = skyteam("miles reverse").arg(id.to_string()).flag("--note", &note);
                error.fix(message!("{} --keep-going  # takes back what the others have", command))
            }
            _ => error,
        }
    };
    let attempt = async || {
        let (tx, attempt) = attempt().await.map_err(worded)?;
        let place = args.rejects.place(cx, &attempt.target.id().to_string())?;
        Ok((tx, (attempt, place)))
    };
    let question = |(Attempt { target, summary, reversed }, _): &(Attempt, Place)| {
        Some((*target, summary.clone(), reversed.posted.len(), reversed.before.len(), reversed.corrections.len()))
    };
    type Asked = (Target, Summary, usize, usize, usize);
    let ask = async |(target, summary, posted, before, corrections): &Asked| {
        cx.ui.note(shown(*target, summary));
        if *before > 0 {
            cx.ui.note(message!("{} reversed before and left out.", count(*before as u64, "entry")));
        }
        if *corrections > 0 {
            let those = if *corrections == 1 { "it is a reversal itself" } else { "they are reversals themselves" };
            cx.ui.note(message!("{} left out: {}.", count(*corrections as u64, "entry"), Words(those)));
        }
        let ask = Ask::changes(message!("Reverse {}?", count(*posted as u64, "entry")));
        cx.approve(ask).await.map(drop)
    };
    let (tx, (Attempt { target, reversed, .. }, place)) = change::attempted(cx, attempt, question, ask).await?;
    let id = reversed.posted.first().map_or(target.id(), |posted| posted.entry.id);
    let finished = answer::finish(cx, &database, tx, id).await.map_err(|error| {
        answer::worded(error, RetryAdvice::Line(skyteam("miles reverse").arg(target.id()).flag("--note", &note)))
    });
    // A dry run writes no file of rejects, so the reasons are said where the file would be named.
    if !cx.answers.dry_run {
        for short in &reversed.short {
            cx.ui.warn(message!("not taken back: {}", reason(short)));
        }
    }
    // What was not taken back is kept before the answer is written, which can fail.
    let (records, rejected) = rejected(&reversed.short);
    let outcome = rejects::after(cx, finished, place, COLUMNS, &records, &rejected)?;

    let mut posted = reversed.posted;
    match (target, posted.pop()) {
        (Target::Entry(_), Some(only)) => cx.ui.report(&only)?,
        (_, last) => answer::list(cx, posted.into_iter().chain(last)).await?,
    }
    Ok(outcome)
}

/// Why a user's entries were not taken back.
fn reason(short: &Short) -> Message {
    match &short.error {
        MilesError::SpentSince { holder, takes } => {
            let missing = takes - holder.miles;
            message!("{} has {}, the reversal takes back {}: {} short", &holder.username, holder.miles, *takes, missing)
        }
        other => message!("{}: {}", &short.username, other.to_string()),
    }
}

/// What was not taken back, as rows of a file of rejects.
fn rejected(short: &[Short]) -> (Vec<Record>, Vec<Reject>) {
    let mut records = Vec::new();
    let mut rejects = Vec::new();
    for one in short {
        for entry in &one.entries {
            let place = records.len();
            let values = [
                ("id", entry.id.to_string()),
                ("userId", entry.user_id.clone()),
                ("username", one.username.clone()),
                ("amount", entry.amount.to_string()),
            ];
            records.push(Record::of(place as u64 + 1, values));
            rejects.push(Reject { place, why: reason(one).to_string(), malformed: false });
        }
    }
    (records, rejects)
}

/// What was taken back, in a transaction that is still open.
struct Attempt {
    target: Target,
    summary: Summary,
    reversed: Reversed,
}

/// Why it was not, and what it was, if that was found.
type Failed = (Option<Target>, MilesError);

async fn attempt(
    database: &Database,
    wanted: &str,
    note: &str,
    actor: &str,
    on_refusal: OnRefusal,
) -> Result<(Transaction, Attempt), Failed> {
    let failed = |target| move |error: MilesError| (target, error);
    db::retry(
        |(_, error): &Failed| error.db(),
        || async {
            let tx = database.begin().await.map_err(|error| (None, error.into()))?;
            let target = match wanted {
                "last" => lookup::last_by(&tx, actor).await,
                typed => reference::posted(&tx, typed).await.map_err(MilesError::from),
            };
            let target = target.map_err(failed(None))?;
            let summary = lookup::summary(&tx, target).await.map_err(failed(Some(target)))?;
            let reversed = reverse::reverse(&tx, target, Some(note), Some(actor), on_refusal).await;
            let reversed = reversed.map_err(failed(Some(target)))?;
            Ok((tx, Attempt { target, summary, reversed }))
        },
    )
    .await
}

/// What is about to be taken back.
fn shown(target: Target, summary: &Summary) -> Message {
    let first = &summary.first;
    let by = first.actor.as_deref().unwrap_or("another program");
    let note = first.note.as_deref().map(|note| message!(", \"{}\"", note));
    match target {
        Target::Entry(id) => {
            message!(
                "Entry {}: {} for user {} ({}{}), by {} on {}",
                id,
                signed(first.amount.into()),
                &first.user_id,
                &first.source,
                note,
                by,
                first.created_at
            )
        }
        Target::Batch(id) => message!(
            "Batch {}: {} of {}, {} in all ({}{}), by {} on {}",
            id,
            count(u64::try_from(summary.entries).unwrap_or_default(), "entry"),
            count(u64::try_from(summary.users).unwrap_or_default(), "user"),
            signed(summary.total),
            &first.source,
            note,
            by,
            first.created_at
        ),
    }
}

/// A number with its sign.
fn signed(number: i64) -> String {
    format!("{}{}", if number > 0 { "+" } else { "" }, grouped(number))
}
