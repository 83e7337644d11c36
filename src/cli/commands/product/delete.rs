//! `product delete`.

use crate::cli::commands::change;
use crate::cli::context::Context;
use crate::directory::{product, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam product delete a1b2c3\n  skyteam product delete 'klm/Retired Tag' --confirm skyteam";

/// Arguments of `product delete`.
#[derive(clap::Args, Debug)]
pub(crate) struct ProductDeleteArgs {
    /// Product id, or airline/name
    #[arg(value_name = "PRODUCT")]
    product: String,
}

pub(super) async fn run(args: ProductDeleteArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    change::delete(cx, &database, async |tx| {
        let id = reference::product(tx, &args.product).await?.product_id;
        Ok((message!("Product {} will be deleted; it was never redeemed.", &id), product::delete(tx, &id).await?))
    })
    .await
}
