//! `miles spend`.

use super::answer::{self, Key, say_already, transact};
use crate::cli::context::Context;
use crate::directory::input::Amount;
use crate::directory::reference;
use crate::error::{Outcome, Result};
use crate::ledger::{Posting, posting, source};
use crate::message::skyteam;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles spend @pilot123 1000 --note \"Lounge\"
  skyteam miles spend 107919 1000 --note \"Order 4711\" --source shop --key order-4711

With --key the same command can be run again safely: it is applied once.";

/// Arguments of `miles spend`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesSpendArgs {
    /// User: @name, userId or username
    user: String,
    /// Miles, 1 to 2147483647
    #[arg(allow_hyphen_values = true)]
    amount: String,
    /// Why, for the ledger
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// Source of the entry
    #[arg(long, value_name = "WORD", default_value = source::MANUAL)]
    source: String,
    /// Idempotency key: the same key applies the spending once
    #[arg(long)]
    key: Option<String>,
}

pub(super) async fn run(args: MilesSpendArgs, cx: &Context) -> Result<Outcome> {
    let amount = Amount::parse(&args.amount)?;
    let note = answer::note(&args.note)?;
    let source = answer::chosen_source(&args.source, false)?;
    let key = Key::of(args.key.as_deref())?;
    let database = cx.writer().await?;
    let done = transact(cx, &database, key.id(), async |tx| {
        let user = reference::user(tx, &args.user).await?;
        let movement = Posting {
            source: source.clone(),
            note: Some(note.clone()),
            actor: Some(cx.settings.actor.value.clone()),
            ..Posting::spend(key.id(), user.user_id, amount)
        };
        posting::post_in(tx, &movement).await
    })
    .await;
    let again = skyteam("miles spend").arg(&args.user).arg(&args.amount);
    let again = again.flag("--note", &args.note).flag("--source", &args.source);
    let posted = done.map_err(|error| key.worded(error, again.clone()))?;
    say_already(cx, &posted);
    answer::confirm(cx, &database, key.id(), posted.already).await.map_err(|error| key.worded(error, again))?;
    cx.ui.report(&posted)?;
    Ok(Outcome::Done)
}
