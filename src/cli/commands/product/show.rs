//! `product show`.

use std::io;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::{Report, Row as _};
use crate::directory::product::Sales;
use crate::directory::{product, reference};
use crate::entity::miles_product;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam product show a1b2c3\n  skyteam product show 'delta/Sky Club Pass' --json";

/// Arguments of `product show`.
#[derive(clap::Args, Debug)]
pub struct ProductShowArgs {
    /// Product id, or airline/name
    #[arg(value_name = "PRODUCT")]
    product: String,
}

/// One product, with how it sells.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    product: miles_product::Model,
    #[serde(flatten)]
    sales: Sales,
}

impl Report for Whole {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let mut fields = self.product.fields(&look);
        fields.extend([
            ("redeemed", look.number(self.sales.redeemed)),
            ("miles", look.number(self.sales.miles)),
            ("canAfford", look.number(self.sales.can_afford)),
        ]);
        page.fields(&fields)
    }
}

pub(super) async fn run(args: ProductShowArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let snapshot = database.begin_read().await?;
    let product = reference::product(&snapshot, &args.product).await?;
    let sales = product::sales(&snapshot, &product).await?;
    snapshot.rollback().await?;
    cx.ui.report(&Whole { product, sales })?;
    Ok(Outcome::Done)
}
