//! `product list`.

use super::row::marked;
use crate::cli::commands::args::ListArgs;
use crate::cli::commands::listing;
use crate::cli::context::Context;
use crate::cli::ui::report::Row;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::directory::product::{Filter, Sold};
use crate::directory::{product, reference};
use crate::entity::miles_product::Model;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam product list --active --sort priceMiles
  skyteam product list --airline delta --sort -redeemed -o md

A sale is counted for the product that the purchase names, else for the one product whose name its
note has. How many are counted by name is in brackets.";

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

impl Row for Sold {
    const NOUN: &'static str = <Model as Row>::NOUN;

    fn columns() -> Vec<Column> {
        let of_product = <Model as Row>::columns().into_iter();
        of_product
            .chain([
                Column::number("redeemed").rank(1),
                Column::number("miles").rank(1),
                Column::number("redeemedByName").wide(),
                Column::number("milesByName").wide(),
            ])
            .collect()
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match column {
            "redeemed" => marked(look, self.redeemed, self.redeemed_by_name),
            "miles" => marked(look, self.miles, self.miles_by_name),
            "redeemedByName" => look.number(self.redeemed_by_name),
            "milesByName" => look.number(self.miles_by_name),
            _ => self.product.cell(column, look),
        }
    }
}

pub(super) async fn run(args: ProductListArgs, cx: &Context) -> Result<Outcome> {
    let database = cx.reader().await?;
    let airline_id = match &args.airline {
        Some(airline) => Some(reference::airline(database.conn(), airline).await?.airline_id),
        None => None,
    };
    let active = (args.active || args.inactive).then_some(args.active);
    let filter = Filter { airline_id, active, max_price: args.max_price };
    let keys = args.list.sort(&listing::columns::<Sold>())?;
    let mut tail = listing::order_by(&keys, r#""airlineId", "name", "productId""#);
    if let Some(asked) = args.list.asked(&cx.ui) {
        tail.push_str(&format!(" LIMIT {asked}"));
    }
    let rows = product::list(database.conn(), &filter, &tail).stream(database.conn()).await?;
    listing::stream(cx, &args.list, rows).await
}
