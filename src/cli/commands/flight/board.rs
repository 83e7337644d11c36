//! `flight board`.

use std::io;

use serde::Serialize;

use crate::cli::commands::{args, award_guard, change};
use crate::cli::context::Context;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count_signed;
use crate::cli::ui::{Page, Tone};
use crate::db::{Transaction, retry};
use crate::directory::flight::{FlightError, board, roster};
use crate::directory::input::{Amount, Text};
use crate::directory::reference;
use crate::directory::reference::MeantFlight;
use crate::entity::types::{Id, Timestamp};
use crate::entity::user;
use crate::error::{Outcome, Result};
use crate::ledger::award_guard::{Award, AwardGuard};
use crate::ledger::flight_award::{Boarded, Boarding, Passenger};
use crate::ledger::{MilesError, Posted};
use crate::message::{Message, Words, message};

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
struct BoardView {
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
    sentence: Message,
}

impl Report for BoardView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.message(&self.sentence, Tone::Plain)
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
    let attempt = async || {
        let attempt = retry(FlightError::db, || async {
            let transaction = database.begin().await?;
            let meant = reference::meant_flight(&transaction, &args.flight, cx.ui.zone());
            let meant = meant.await.map_err(MilesError::from)?;
            let user = reference::user(&transaction, &args.user).await.map_err(MilesError::from)?;
            let passenger = [Passenger { user_id: user.user_id.clone(), miles: miles.get() }];
            let airline = Some(meant.flight.airline_id.as_str());
            let guard = AwardGuard::read(&transaction, award_guard::limit(cx), airline).await?;
            let boarded = board::board(&transaction, meant.flight.id, &passenger, &common, cx.now.into()).await?;
            Ok::<_, FlightError>((transaction, Attempt { meant, user, guard, boarded }))
        });
        Ok(attempt.await?)
    };
    let question = |Attempt { meant, user, guard, boarded }: &Attempt| {
        let award = |posted: &Posted| Award { user: &user.username, miles: posted.entry.amount };
        let question = award_guard::question(&guard.judge(boarded.paid.iter().map(award))?);
        Some((question, meant.flight.id, user.user_id.clone()))
    };
    let ask = async |(question, ..): &(Message, Id, String)| award_guard::approve(cx, question).await;
    let (transaction, done) = change::attempted(cx, attempt, question, ask).await?;
    let Attempt { meant, user, boarded, .. } = done;
    let flight = args::note_other_meanings(cx, &args.flight, meant);
    let seat = seat(&transaction, flight.id, &user.user_id).await?;
    let committed = cx.finish(transaction).await?;

    let name = message!("{} ({})", &user.username, &user.user_id);
    let Boarded { paid, seated, .. } = boarded;
    let miles = |miles: i32| count_signed(miles.into(), "mile");
    let sentence = match (paid.first(), seated.first()) {
        (Some(Posted { entry, balance, .. }), _) => {
            let verb = Words(if committed { "boarded" } else { "would board" });
            message!("{} {} {}: +{}, balance {}.", name, verb, &flight.code, miles(entry.amount), balance)
        }
        (None, Some(entry)) => {
            let verb = Words(if committed { "is" } else { "would be" });
            message!("{} was paid {} for {} before and {} on board now.", name, miles(entry.amount), &flight.code, verb)
        }
        (None, None) => {
            let paid = miles(seat.miles);
            message!("{} is already on board {}, paid {} then: nothing was changed.", name, &flight.code, paid)
        }
    };
    cx.ui.report(&BoardView {
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
    meant: MeantFlight,
    user: user::Model,
    guard: AwardGuard,
    boarded: Boarded,
}

async fn seat(transaction: &Transaction, flight: Id, user: &str) -> Result<crate::directory::flight::Passenger> {
    let seat = roster::one(transaction, flight, user).await?;
    Ok(seat.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the passenger".to_owned()))?)
}
