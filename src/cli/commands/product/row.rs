//! A product as answers show it.

use crate::cli::commands::extra::Editable;
use crate::cli::commands::table_row::TableRow;
use crate::cli::ui::Column;
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

impl Editable for crate::entity::MilesProduct {
    const KNOWN: &'static [Self::Column] = {
        use crate::entity::miles_product::Column::*;
        &[ProductId, AirlineId, Name, Description, PriceMiles, Active, CreatedAt]
    };
}
