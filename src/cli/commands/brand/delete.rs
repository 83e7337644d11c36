//! `brand delete`.

use crate::cli::commands::change;
use crate::cli::context::Context;
use crate::directory::{brand, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam brand delete klm-cityhopper\n  skyteam brand delete WA --confirm skyteam";

/// Arguments of `brand delete`.
#[derive(clap::Args, Debug)]
pub(crate) struct BrandDeleteArgs {
    /// Brand id, IATA code, ICAO code or callsign
    #[arg(value_name = "BRAND")]
    brand: String,
}

pub(super) async fn run(args: BrandDeleteArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    change::delete(cx, &database, async |tx| {
        let id = reference::brand(tx, &args.brand).await?.brand_id;
        Ok((message!("Brand {}, its codes and colours will be gone.", &id), brand::delete(tx, &id).await?))
    })
    .await
}
