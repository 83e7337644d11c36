//! `miles award`.

use super::answer::{self, Key, say_already};
use crate::cli::commands::{args, award_guard, change};
use crate::cli::context::Context;
use crate::directory::input::Amount;
use crate::directory::reference;
use crate::directory::reference::MeantFlight;
use crate::error::{Outcome, Result};
use crate::ledger::award_guard::{Award, AwardGuard};
use crate::ledger::batch::{Applied, OnRefusal};
use crate::ledger::{MilesError, Posting, batch, flight_award, key, source};
use crate::message::{Command, Message, message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles award @pilot123 500 --note \"Won the quiz\"
  skyteam miles award 107919 115838 250 --note \"Ground crew\" --key crew-2026-11-22

With --flight the miles are the users' award for that flight, which each gets once; they are passengers afterwards.
With --key the same command can be run again safely: it is applied once.";

/// Arguments of `miles award`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesAwardArgs {
    /// Users: @name, userId or username; several make one batch
    #[arg(required = true, num_args = 1.., value_name = "USER", allow_negative_numbers = true)]
    users: Vec<String>,
    /// Miles for each, 1 to 2147483647
    #[arg(allow_hyphen_values = true)]
    amount: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// Source of the entry; flight with --flight, else manual
    #[arg(long, value_name = "WORD")]
    source: Option<String>,
    /// Flight that the miles are for: its id, at least 4 characters of it, or its code
    #[arg(long, value_name = "FLIGHT")]
    flight: Option<String>,
    /// Idempotency key: the same key applies the award once
    #[arg(long)]
    key: Option<String>,
}

pub(super) async fn run(args: MilesAwardArgs, cx: &Context) -> Result<Outcome> {
    let amount = Amount::parse(&args.amount)?;
    let note = answer::note(&args.note)?;
    let usual_source = if args.flight.is_some() { source::FLIGHT } else { source::MANUAL };
    let source = answer::chosen_source(args.source.as_deref().unwrap_or(usual_source), args.flight.is_some())?;
    let key = Key::of(args.key.as_deref())?;
    let database = cx.writer().await?;

    let again = again(&args);
    let worded = |error| key.worded(error, again.clone());

    let attempt = async || {
        let awarded = answer::attempt(&database, async |tx| {
            let mut users = Vec::with_capacity(args.users.len());
            for word in &args.users {
                users.push(reference::user(tx, word).await?);
            }
            if let Some((first, _)) = users.iter().zip(1..).find(|(user, next)| users[*next..].contains(user)) {
                return Err(MilesError::NamedTwice { username: first.username.clone() });
            }
            let flight = match &args.flight {
                Some(word) => Some(reference::meant_flight(tx, word, cx.ui.zone()).await?),
                None => None,
            };
            let airline = flight.as_ref().map(|meant| meant.flight.airline_id.as_str());
            let guard = AwardGuard::read(tx, award_guard::limit(cx), airline).await?;
            let flight_id = flight.as_ref().map(|meant| meant.flight.id);
            let user_ids: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
            let (batch_id, ids) = key::ids(&key.text, &user_ids);
            let postings = user_ids.iter().zip(&ids).map(|(user_id, id)| Posting {
                source: source.clone(),
                flight_id,
                note: Some(note.clone()),
                batch_id,
                actor: Some(cx.settings.actor.value.clone()),
                ..Posting::award(*id, *user_id, amount)
            });
            let postings: Vec<Posting> = postings.collect();
            let applied = match flight_id.filter(|_| source == source::FLIGHT) {
                Some(flight_id) => flight_award::award(tx, flight_id, &postings).await?,
                None => batch::post_all(tx, &postings, OnRefusal::Stop, |_| ()).await?,
            };
            // What was applied before under the key is not awarded now, and asks nothing.
            let awards = applied
                .posted
                .iter()
                .map(|(place, posted)| Award { user: &users[*place].username, miles: posted.entry.amount });
            let question = guard.judge(awards).map(|unusual| award_guard::question(&unusual));
            let user_ids = users.into_iter().map(|user| user.user_id).collect();
            Ok(Awarded { question, user_ids, flight, undo: batch_id.map(answer::undo), applied })
        });
        awarded.await.map_err(worded)
    };
    // A yes is to this question about these users and this flight.
    let question = |done: &Awarded| {
        let flight_id = done.flight.as_ref().map(|meant| meant.flight.id);
        Some((done.question.clone()?, done.user_ids.clone(), flight_id))
    };
    let ask = async |(question, ..): &(_, _, _)| award_guard::approve(cx, question).await;
    let (tx, Awarded { flight, undo, applied, .. }) = change::attempted(cx, attempt, question, ask).await?;
    if let (Some(flight), Some(word)) = (flight, &args.flight) {
        args::note_other_meanings(cx, word, flight);
    }
    answer::finish(cx, &database, tx, key.id()).await.map_err(worded)?;

    let mut posted: Vec<_> = applied.posted.into_iter().chain(applied.already).collect();
    posted.sort_by_key(|(place, _)| *place);
    let before = posted.iter().filter(|(_, posted)| posted.already).count();
    answer::confirm(cx, &database, key.id(), before > 0).await.map_err(worded)?;
    match &posted[..] {
        [(_, posted)] if undo.is_none() => {
            say_already(cx, posted);
            cx.ui.report(posted)?;
        }
        _ => {
            if before > 0 {
                cx.ui.note(message!("{} of {} were already applied.", before, posted.len()));
            }
            if let (Some(undo), false) = (undo, cx.answers.dry_run) {
                cx.ui.note(undo);
            }
            answer::list(cx, posted.into_iter().map(|(_, posted)| posted)).await?;
        }
    }
    Ok(Outcome::Done)
}

/// What was awarded, in a transaction that is still open.
struct Awarded {
    /// What to ask before it is committed, if anything.
    question: Option<Message>,
    user_ids: Vec<String>,
    flight: Option<MeantFlight>,
    /// How to take back the batch that this command makes; an entry that was there before may be of another one.
    undo: Option<Message>,
    applied: Applied,
}

/// The command without its key, to be run again under one.
fn again(args: &MilesAwardArgs) -> Command {
    let command = args.users.iter().fold(skyteam("miles award"), Command::arg);
    let command = command.arg(&args.amount).flag("--note", &args.note);
    command.maybe_flag("--source", args.source.as_ref()).maybe_flag("--flight", args.flight.as_ref())
}
