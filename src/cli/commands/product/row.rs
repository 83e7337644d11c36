//! The view of a product.

use crate::cli::commands::extra::Editable;
use crate::cli::commands::table_row::TableRow;
use crate::cli::ui::{Cell, Column, RenderOptions};
use crate::entity::miles_product::Model;

impl TableRow for Model {
    const NOUN: &'static str = "product";
    const PRESENTED: &'static [Column] = &[
        Column::text("productId").rank(0),
        Column::text("airlineId").rank(1),
        Column::text("name").rank(0).floor(16),
        Column::text("description").wide(),
        Column::number("priceMiles").rank(0),
        Column::text("active").rank(1),
        Column::text("createdAt"),
    ];
}

/// A figure about sales, marked where part of it rests on the product's name in a note alone.
pub(super) fn marked(look: &RenderOptions, all: i64, by_name: i64) -> Cell {
    match by_name {
        some if some != 0 && look.human => {
            Cell::new(format!("{} ({} by name)", look.number(all).text, look.number(some).text))
        }
        _ => look.number(all),
    }
}

impl Editable for crate::entity::MilesProduct {
    const KNOWN: &'static [Self::Column] = {
        use crate::entity::miles_product::Column::*;
        &[ProductId, AirlineId, Name, Description, PriceMiles, Active, CreatedAt]
    };
}
