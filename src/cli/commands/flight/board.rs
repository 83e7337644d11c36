//! `flight board`.

use std::io;

use serde::Serialize;

use crate::cli::commands::{args, award_guard};
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count;
use crate::db::{Transaction, retry};
use crate::directory::flight::{FlightError, board, roster};
use crate::directory::input::{Amount, Text};
use crate::directory::reference;
use crate::directory::reference::MeantFlight;
use crate::entity::types::{Id, Timestamp};
use crate::entity::user;
use crate::error::directory::changed_meanwhile;
use crate::error::{Outcome, Result};
use crate::ledger::award_guard::{Award, AwardGuard};
use crate::ledger::flight_award::{Boarded, Boarding, Passenger};
use crate::ledger::{MilesError, Posted};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam flight board DL123 @pilot123 --miles 500
  skyteam flight board 6e1fcd70 1234567 --miles 500 --note \"First class\" --dry-run";

/// Arguments of `flight board`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightBoardArgs {
    /// Flight: its id, at least 4 characters of it, the code of the one that is scheduled or live, or CODE@DATE
    flight: String,
    /// User: @name, userId or username
    user: String,
    /// Miles that the flight earns
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    miles: String,
    /// Note in the ledger
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    flight_id: Id,
    user_id: String,
    username: String,
    miles: i32,
    joined_at: Timestamp,
    /// Whether the user was on board before, so that nothing was changed.
    already: bool,
    /// The entry that was written now.
    entry_id: Option<Id>,
    balance: i64,
    #[serde(skip)]
    sentence: String,
}

impl Report for Answer {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(self.sentence.as_str())
    }
}

pub(super) async fn run(args: FlightBoardArgs, cx: &Context) -> Result<Outcome> {
    let miles = Amount::parse_as("miles", &args.miles)?;
    let note = args.note.as_deref().map(|note| Text::parse_as("note", note)).transpose()?;

    let database = cx.writer().await?;
    let common = Boarding {
        batch_id: None,
        note: note.as_ref().map(Text::as_str),
        actor: Some(cx.settings.actor.value.as_str()),
        correct: false,
    };
    let attempt = || {
        retry(FlightError::db, || async {
            let transaction = database.begin().await?;
            let meant = reference::meant_flight(&transaction, &args.flight, cx.ui.zone());
            let meant = meant.await.map_err(MilesError::from)?;
            let user = reference::user(&transaction, &args.user).await.map_err(MilesError::from)?;
            let passenger = [Passenger { user_id: user.user_id.clone(), miles: miles.get() }];
            let airline = Some(meant.flight.airline_id.as_str());
            let guard = AwardGuard::read(&transaction, award_guard::limit(cx), airline).await?;
            let boarded = board::board(&transaction, meant.flight.id, &passenger, &common, cx.now.into()).await?;
            Ok::<_, FlightError>(Attempt { transaction, meant, user, guard, boarded })
        })
    };
    let Attempt { mut transaction, meant, user, guard, mut boarded } = attempt().await?;
    let award = |posted: &Posted| Award { user: &user.username, miles: posted.entry.amount };
    if let Some(unusual) = guard.judge(boarded.paid.iter().map(award)) {
        let question = award_guard::question(&unusual);
        if cx.ui.is_interactive() && !cx.answers.dry_run {
            // No row stays locked while a person thinks.
            transaction.rollback().await?;
            award_guard::approve(cx, question).await?;
            let again = attempt().await?;
            if (&again.meant.flight.id, &again.user.user_id) != (&meant.flight.id, &user.user_id) {
                return Err(changed_meanwhile());
            }
            (transaction, boarded) = (again.transaction, again.boarded);
        } else {
            award_guard::approve(cx, question).await?;
        }
    }
    let flight = args::told(cx, &args.flight, meant);
    let seat = seat(&transaction, flight.id, &user.user_id).await?;
    let committed = cx.finish(transaction).await?;

    let name = format!("{} ({})", user.username, user.user_id);
    let Boarded { paid, seated, .. } = boarded;
    let sentence = match (paid.first(), seated.first()) {
        (Some(posted), _) => {
            let verb = if committed { "boarded" } else { "would board" };
            format!("{name} {verb} {}: +{} miles, balance {}.", flight.code, posted.entry.amount, posted.balance)
        }
        (None, Some(entry)) => {
            let verb = if committed { "is" } else { "would be" };
            format!("{name} was paid {} miles for {} before and {verb} on board now.", entry.amount, flight.code)
        }
        (None, None) => {
            let then = count(seat.miles.unsigned_abs().into(), "mile");
            format!("{name} is already on board {}, paid {then} then: nothing was changed.", flight.code)
        }
    };
    cx.ui.report(&Answer {
        flight_id: flight.id,
        miles: seat.miles,
        joined_at: seat.joined_at,
        already: paid.is_empty() && seated.is_empty(),
        entry_id: paid.first().map(|posted| posted.entry.id),
        balance: paid.first().map_or(i64::from(user.miles), |posted| posted.balance),
        user_id: user.user_id,
        username: user.username,
        sentence,
    })?;
    Ok(Outcome::Done)
}

/// Who was taken on board, in a transaction that is still open.
struct Attempt {
    transaction: Transaction,
    meant: MeantFlight,
    user: user::Model,
    guard: AwardGuard,
    boarded: Boarded,
}

async fn seat(transaction: &Transaction, flight: Id, user: &str) -> Result<crate::directory::flight::Passenger> {
    let seat = roster::one(transaction, flight, user).await?;
    Ok(seat.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the passenger".to_owned()))?)
}
