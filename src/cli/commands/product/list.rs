//! `product list`.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::cli::commands::args::ListArgs;
use crate::cli::commands::listing;
use crate::cli::context::Context;
use crate::directory::reference;
use crate::entity::miles_product;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam product list --active --sort priceMiles\n  skyteam product list --airline delta -o md";

/// Arguments of `product list`.
#[derive(clap::Args, Debug)]
pub(crate) struct ProductListArgs {
    /// Only those of this airline: id, exact name, or the code of a brand of it
    #[arg(long)]
    airline: Option<String>,
    /// Only those on sale
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// Only those not on sale
    #[arg(long)]
    inactive: bool,
    /// Only those that cost at most so many miles
    #[arg(long, value_name = "MILES")]
    max_price: Option<i32>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) async fn run(args: ProductListArgs, cx: &Context) -> Result<Outcome> {
    use miles_product::Column;
    let database = cx.reader().await?;
    let mut products = miles_product::Entity::find();
    if let Some(airline) = &args.airline {
        let airline = reference::airline(database.conn(), airline).await?;
        products = products.filter(Column::AirlineId.eq(airline.airline_id));
    }
    if args.active || args.inactive {
        products = products.filter(Column::Active.eq(args.active));
    }
    if let Some(most) = args.max_price {
        products = products.filter(Column::PriceMiles.lte(most));
    }
    let usual = &[("airlineId", false), ("name", false)];
    listing::query::<miles_product::Model, _>(cx, &database, &args.list, products, usual, "productId").await
}
