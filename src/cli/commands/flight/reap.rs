//! `flight reap`.

use super::row::Shown;
use crate::cli::approve::Ask;
use crate::cli::commands::listing;
use crate::cli::context::Context;
use crate::cli::ui::RenderOptions;
use crate::cli::ui::text::{count, visible};
use crate::directory::flight::reap;
use crate::directory::input::InputError;
use crate::directory::instant;
use crate::entity::types::Timestamp;
use crate::error::{Outcome, Result};

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
    let transaction = cx.begin(&database).await?;
    let stale = reap::find(&transaction, cutoff).await?;
    transaction.rollback().await?;
    if stale.is_empty() {
        cx.ui.note(format!("No flight has been live for over {}: nothing to end.", args.older_than));
    } else {
        cx.ui.note(format!("Live for over {}:", args.older_than));
        for flight in stale.iter().take(LISTED) {
            let since = RenderOptions { zone: cx.ui.zone(), human: true }.maybe_time(flight.started_at).text;
            let (code, route) = (visible(&flight.code), format!("{}–{}", flight.departure, flight.arrival));
            cx.ui.note(format!("  {}  {code} {}, started {since}", flight.id, visible(&route)));
        }
        if stale.len() > LISTED {
            cx.ui.note(format!("  and {} more", stale.len() - LISTED));
        }
        let _approved = cx.approve(Ask::changes(format!("End {}?", count(stale.len() as u64, "flight")))).await?;
    }

    let transaction = cx.begin(&database).await?;
    let ids = stale.iter().map(|flight| flight.id);
    let ended = reap::end(&transaction, ids, cutoff, cx.now.into()).await?;
    cx.finish(transaction).await?;
    let ended = ended.into_iter().map(|flight| Shown::new(flight, cx.now.into())).collect();
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
