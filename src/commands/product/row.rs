//! A product as answers show it.

use std::io;

use crate::entity::miles_product::Model;
use crate::report::{Report, Row};
use crate::ui::{Cell, Column, Look, Page};

impl Row for Model {
    const COLUMNS: &'static [Column] = &[
        Column::text("productId"),
        Column::text("airlineId"),
        Column::text("name"),
        Column::text("description").wide(),
        Column::number("priceMiles"),
        Column::text("active"),
        Column::text("createdAt"),
    ];

    fn cell(&self, column: usize, look: &Look) -> Cell {
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
