//! `product show`.

use std::io;

use serde::Serialize;

use super::row::marked;
use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row as _};
use crate::cli::ui::text::count_signed;
use crate::cli::ui::{Page, Tone};
use crate::directory::product::Sales;
use crate::directory::{product, reference};
use crate::entity::miles_product;
use crate::error::{Outcome, Result};
use crate::ledger::purchase;
use crate::ledger::purchase::Unattributed;
use crate::message::message;

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam product show a1b2c3\n  skyteam product show 'delta/Sky Club Pass' --json";

/// Arguments of `product show`.
#[derive(clap::Args, Debug)]
pub(crate) struct ProductShowArgs {
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
    /// Purchases of the whole alliance whose product is unknown.
    unattributed: Unattributed,
}

impl Report for Whole {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let mut fields = self.product.fields(&look);
        fields.extend([
            ("redeemed", marked(&look, self.sales.redeemed, self.sales.redeemed_by_name)),
            ("miles", marked(&look, self.sales.miles, self.sales.miles_by_name)),
            ("canAfford", look.number(self.sales.can_afford)),
        ]);
        page.fields(&fields)?;
        let Unattributed { entries, miles } = self.unattributed;
        if entries > 0 {
            let miles = count_signed(miles, "mile");
            let line = message!("purchases that name no product: {}, {} (of all airlines)", entries, miles);
            page.message(line, Tone::Dim)?;
        }
        Ok(())
    }
}

pub(super) async fn run(args: ProductShowArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let snapshot = database.begin_read().await?;
    let product = reference::product(&snapshot, &args.product).await?;
    let sales = product::sales(&snapshot, &product).await?;
    let unattributed = purchase::unattributed(&snapshot, None).await?;
    snapshot.rollback().await?;
    cx.ui.report(&Whole { product, sales, unattributed })?;
    Ok(Outcome::Done)
}
