//! `product enable` and `product disable`.

use crate::cli::commands::change;
use crate::cli::context::Context;
use crate::directory::product::Edit;
use crate::directory::{product, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

/// Arguments of both.
#[derive(clap::Args, Debug)]
pub(crate) struct ProductSwitchArgs {
    /// Product id, or airline/name
    #[arg(value_name = "PRODUCT")]
    product: String,
}

pub(super) async fn run(args: ProductSwitchArgs, active: bool, cx: &Context) -> Result<Outcome> {
    let edit = Edit { active: Some(active), ..Edit::default() };
    let database = cx.writer().await?;
    change::run(cx, &database, async |tx| {
        let id = reference::product(tx, &args.product).await?.product_id;
        let question =
            if active { message!("Put product {} on sale?", &id) } else { message!("Take product {} off sale?", &id) };
        Ok((question, product::edit(tx, &id, &edit).await?))
    })
    .await
}
