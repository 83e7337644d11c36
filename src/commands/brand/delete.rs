//! `brand delete`.

use crate::commands::change;
use crate::context::Context;
use crate::domain::{brand, reference};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam brand delete klm-cityhopper\n  skyteam brand delete WA --confirm skyteam";

/// Arguments of `brand delete`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Brand id, IATA code, ICAO code or callsign
    #[arg(value_name = "BRAND")]
    brand: String,
}

pub(super) async fn run(args: Args, cx: &Context) -> Result<Outcome> {
    let database = cx.writer().await?;
    let id = reference::brand(database.conn(), &args.brand).await?.brand_id;
    let what = format!("Brand {id}, its codes and colours will be gone.");
    change::delete(cx, &database, &what, async |tx| Ok(brand::delete(tx, &id).await?)).await
}
