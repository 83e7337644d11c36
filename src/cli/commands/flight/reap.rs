//! `flight reap`.

use super::row::FlightView;
use crate::cli::approve::Ask;
use crate::cli::commands::{change, listing};
use crate::cli::context::Context;
use crate::cli::ui::text::count;
use crate::db::Transaction;
use crate::directory::flight::{Flight, reap};
use crate::directory::input::InputError;
use crate::directory::instant;
use crate::entity::types::Timestamp;
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam flight reap --older-than 6h --dry-run\n  skyteam flight reap --older-than 12h --yes";

/// How many flights are listed before the question.
const LISTED: usize = 50;

/// Arguments of `flight reap`.
#[derive(clap::Args, Debug)]
pub(crate) struct FlightReapArgs {
    /// End flights that have been live for longer than this: a number and s, m, h, d or w
    #[arg(long, value_name = "AGE", default_value = "6h", allow_hyphen_values = true)]
    older_than: String,
}

pub(super) async fn run(args: FlightReapArgs, cx: &Context) -> Result<Outcome> {
    let cutoff = cutoff(cx, &args.older_than)?;

    let database = cx.writer().await?;
    let mut transaction = cx.begin(&database).await?;
    let find = async |tx: &Transaction| Ok(reap::find(tx, cutoff).await?);
    let mut stale = find(&transaction).await?;
    if stale.is_empty() {
        cx.ui.note(message!("No flight has been live for over {}: nothing to end.", &args.older_than));
    } else {
        cx.ui.note(message!("Live for over {}:", &args.older_than));
        for Flight { id, code, departure, arrival, started_at, .. } in stale.iter().take(LISTED) {
            cx.ui.note(message!("  {}  {} {}–{}, started {}", *id, code, departure, arrival, *started_at));
        }
        if stale.len() > LISTED {
            cx.ui.note(message!("  and {} more", stale.len() - LISTED));
        }
        let ask = Ask::changes(message!("End {}?", count(stale.len() as u64, "flight")));
        (transaction, stale, _) = change::approved(cx, &database, transaction, stale, ask, find).await?;
    }

    let ids = stale.iter().map(|flight| flight.id);
    let ended = reap::end(&transaction, ids, cutoff, cx.now.into()).await?;
    cx.finish(transaction).await?;
    let ended = ended.into_iter().map(|flight| FlightView::new(flight, cx.now.into())).collect();
    listing::whole(cx, ended).await?;
    Ok(Outcome::Done)
}

/// The time before which a flight must have started.
fn cutoff(cx: &Context, age: &str) -> Result<Timestamp> {
    let wrong = || InputError::new("--older-than", age, "a number and s, m, h, d or w, such as 6h");
    if !age.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(wrong().into());
    }
    let at = instant::parse("--older-than", &format!("-{age}"), cx.now, cx.ui.zone()).map_err(|_| wrong())?;
    Ok(at.into())
}
