//! `product show`.

use std::io;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::report::{Report, Row as _};
use crate::cli::ui::{Cell, Page, Tone};
use crate::directory::product::Sales;
use crate::directory::{product, reference};
use crate::entity::miles_product;
use crate::error::{Outcome, Result};
use crate::ledger::purchase;
use crate::ledger::purchase::Unattributed;

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
    /// Purchases of the whole alliance of which nobody can tell the product.
    unattributed: Unattributed,
}

impl Report for Whole {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let look = page.look;
        let mut fields = self.product.fields(&look);
        // Marked where a note alone says what was bought.
        let marked = |all: i64, by_name: i64| match by_name {
            0 => look.number(all),
            some => Cell::new(format!("{} ({} by name)", look.number(all).text, look.number(some).text)),
        };
        fields.extend([
            ("redeemed", marked(self.sales.redeemed, self.sales.redeemed_by_name)),
            ("miles", marked(self.sales.miles, self.sales.miles_by_name)),
            ("canAfford", look.number(self.sales.can_afford)),
        ]);
        page.fields(&fields)?;
        let Unattributed { entries, miles } = self.unattributed;
        if entries > 0 {
            let (entries, miles) = (look.number(entries).text, look.number(miles).text);
            let line = format!("purchases that name no product: {entries}, {miles} miles (of all airlines)");
            page.line(Cell::new(line).tone(Tone::Dim))?;
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
