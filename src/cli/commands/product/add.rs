//! `product add`.

use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::input::{Amount, Name, Text};
use crate::directory::product::NewProduct;
use crate::directory::{product, reference};
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam product add 'Sky Club Pass' --airline delta --price 500\n  \
     skyteam product add Champagne --airline AF --price 400 --description 'Brut' --inactive";

/// Arguments of `product add`.
#[derive(clap::Args, Debug)]
pub(crate) struct ProductAddArgs {
    /// Its name
    name: String,
    /// Who sells it: id, exact name, or the code of a brand of it
    #[arg(long)]
    airline: String,
    /// Its price in miles
    #[arg(long, value_name = "MILES", allow_negative_numbers = true)]
    price: String,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Not on sale yet
    #[arg(long)]
    inactive: bool,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::MilesProduct, false>,
}

pub(super) async fn run(args: ProductAddArgs, cx: &Context) -> Result<Outcome> {
    let mut new = NewProduct {
        airline_id: String::new(),
        name: Name::parse(&args.name)?,
        description: args.description.as_deref().map(|text| Text::parse_as("description", text)).transpose()?,
        price: Amount::parse_as("priceMiles", &args.price)?,
        active: !args.inactive,
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    let tx = cx.begin(&database).await?;
    new.airline_id = reference::airline(&tx, &args.airline).await?.airline_id;
    let added = product::add(&tx, &new).await?;
    cx.finish(tx).await?;
    cx.ui.report(&added)?;
    Ok(Outcome::Done)
}
