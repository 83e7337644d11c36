//! `miles redeem`.

use super::answer::{self, Key, say_already, transact};
use crate::cli::context::Context;
use crate::directory::reference;
use crate::error::{Outcome, Result};
use crate::ledger::redeem;
use crate::ledger::redeem::Redemption;
use crate::message::skyteam;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam miles redeem @pilot123 a1b2c3
  skyteam miles redeem 107919 \"delta/Sky Club Pass\" --key order-4711

The price is the product's at that moment. With --key the same command can be run again safely: it is applied once.";

/// Arguments of `miles redeem`.
#[derive(clap::Args, Debug)]
pub(crate) struct MilesRedeemArgs {
    /// User: @name, userId or username
    user: String,
    /// Product: its id, or airline/name
    product: String,
    /// Note in the ledger
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Idempotency key: the same key buys once
    #[arg(long)]
    key: Option<String>,
}

pub(super) async fn run(args: MilesRedeemArgs, cx: &Context) -> Result<Outcome> {
    let note = args.note.as_deref().map(answer::note).transpose()?;
    let key = Key::of(args.key.as_deref())?;
    let database = cx.writer().await?;
    let done = transact(cx, &database, key.id(), async |tx| {
        let wanted = Redemption {
            id: key.id(),
            user_id: reference::user(tx, &args.user).await?.user_id,
            product_id: reference::product(tx, &args.product).await?.product_id,
            note: note.clone(),
            actor: Some(cx.settings.actor.value.clone()),
        };
        redeem::redeem_in(tx, &wanted).await
    })
    .await;
    let again = skyteam("miles redeem").arg(&args.user).arg(&args.product);
    let again = again.maybe_flag("--note", args.note.as_ref());
    let posted = done.map_err(|error| key.worded(error, again.clone()))?;
    say_already(cx, &posted);
    answer::confirm(cx, &database, key.id(), posted.already).await.map_err(|error| key.worded(error, again))?;
    cx.ui.report(&posted)?;
    Ok(Outcome::Done)
}
