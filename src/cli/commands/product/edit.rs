//! `product edit`.

use crate::cli::commands::change;
use crate::cli::commands::extra::ExtraArgs;
use crate::cli::context::Context;
use crate::directory::input::{Amount, Name, Text};
use crate::directory::product::Edit;
use crate::directory::{product, reference};
use crate::error::{Outcome, Result};
use crate::message::{count_signed, message};

pub(super) const EXAMPLES: &str = "Examples:\n  skyteam product edit a1b2c3 --price 750 --yes\n  \
     skyteam product edit 'klm/Retired Tag' --no-description";

/// Arguments of `product edit`.
#[derive(clap::Args, Debug)]
#[command(group = clap::ArgGroup::new("change").multiple(true).required(true)
    .args(["name", "description", "no_description", "price"]))]
pub(crate) struct ProductEditArgs {
    /// Product id, or airline/name
    #[arg(value_name = "PRODUCT")]
    product: String,
    /// Name
    #[arg(long)]
    name: Option<String>,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Take the description away
    #[arg(long, conflicts_with = "description")]
    no_description: bool,
    /// Price in miles; what was redeemed before is not touched
    #[arg(long, value_name = "MILES", allow_negative_numbers = true)]
    price: Option<String>,
    #[command(flatten)]
    extra: ExtraArgs<crate::entity::MilesProduct, true>,
}

pub(super) async fn run(args: ProductEditArgs, cx: &Context) -> Result<Outcome> {
    let text = args.description.as_deref().map(|text| Text::parse_as("description", text)).transpose()?;
    let edit = Edit {
        name: args.name.as_deref().map(Name::parse).transpose()?,
        description: if args.no_description { Some(None) } else { text.map(Some) },
        price: args.price.as_deref().map(|price| Amount::parse_as("priceMiles", price)).transpose()?,
        active: None,
        extra: args.extra.read()?,
    };
    let database = cx.writer().await?;
    change::run(cx, &database, async |tx| {
        let id = reference::product(tx, &args.product).await?.product_id;
        let by_name = if edit.name.is_some() { product::purchases_by_name(tx, &id).await? } else { 0 };
        let edited = product::edit(tx, &id, &edit).await?;
        let question = if by_name > 0 && edited.before.name != edited.after.name {
            let purchases = count_signed(by_name, "purchase");
            message!("Change product {}, and no longer count {} known by its name alone?", &id, purchases)
        } else {
            message!("Change product {}?", &id)
        };
        Ok((question, edited))
    })
    .await
}
