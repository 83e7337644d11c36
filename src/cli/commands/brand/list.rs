//! `brand list`.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::cli::commands::args::ListArgs;
use crate::cli::commands::listing;
use crate::cli::context::Context;
use crate::directory::reference;
use crate::entity::brand;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam brand list\n  skyteam brand list --airline klm -o json";

/// Arguments of `brand list`.
#[derive(clap::Args, Debug)]
pub(crate) struct BrandListArgs {
    /// Only those of this airline: id, exact name, or the code of a brand of it
    #[arg(long)]
    airline: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) async fn run(args: BrandListArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let mut brands = brand::Entity::find();
    if let Some(airline) = &args.airline {
        let airline = reference::airline(database.conn(), airline).await?;
        brands = brands.filter(brand::Column::AirlineId.eq(airline.airline_id));
    }
    let usual = &[("airlineId", false), ("isPrimary", true)];
    listing::query::<brand::Model, _>(cx, &database, &args.list, brands, usual, "brandId").await
}
