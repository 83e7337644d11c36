//! A product as answers show it.

use std::io;

use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, Page, RenderOptions};
use crate::entity::miles_product::Model;

impl Row for Model {
    const NOUN: &'static str = "product";
    const COLUMNS: &'static [Column] = &[
        Column::text("productId").rank(0),
        Column::text("airlineId").rank(1),
        Column::text("name").rank(0).floor(16),
        Column::text("description").wide(),
        Column::number("priceMiles").rank(0),
        Column::text("active").rank(1),
        Column::text("createdAt"),
    ];

    fn cell(&self, column: usize, look: &RenderOptions) -> Cell {
        match Self::COLUMNS[column].key {
            "productId" => self.product_id.as_str().into(),
            "airlineId" => self.airline_id.as_str().into(),
            "name" => self.name.as_str().into(),
            "description" => self.description.as_deref().into(),
            "priceMiles" => look.number(self.price_miles),
            "active" => look.yes_no(self.active),
            _ => look.time(self.created_at),
        }
    }
}

impl Report for Model {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.fields(&self.fields(&page.look))
    }
}
