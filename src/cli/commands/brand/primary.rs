//! `brand primary`.

use crate::cli::commands::change;
use crate::cli::context::Context;
use crate::directory::{brand, reference};
use crate::error::{Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam brand primary KL\n  skyteam brand primary klm-cityhopper --yes";

/// Arguments of `brand primary`.
#[derive(clap::Args, Debug)]
pub(crate) struct BrandPrimaryArgs {
    /// Brand id, IATA code, ICAO code or callsign
    #[arg(value_name = "BRAND")]
    brand: String,
}

pub(super) async fn run(args: BrandPrimaryArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    change::run(cx, &database, async |tx| {
        let brand = reference::brand(tx, &args.brand).await?;
        let (id, airline) = (brand.brand_id, brand.airline_id);
        let question = message!("Make {} the primary brand of {}?", &id, &airline);
        Ok((question, brand::make_primary(tx, &id).await?))
    })
    .await
}
