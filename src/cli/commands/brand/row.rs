//! A brand as answers show it.

use std::io;

use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, Page, RenderOptions, Tone};
use crate::entity::brand::Model;

impl Row for Model {
    const NOUN: &'static str = "brand";
    const COLUMNS: &'static [Column] = &[
        Column::text("brandId").rank(0),
        Column::text("airlineId").rank(1),
        Column::text("name").rank(1).floor(24),
        Column::text("iata").rank(0),
        Column::text("icao").rank(0),
        Column::text("callsign"),
        Column::text("isPrimary"),
        Column::text("logoUrl").wide(),
        Column::text("accentColor").rank(3),
        Column::text("secondaryColor").rank(3),
        Column::text("elementColor").rank(3),
    ];

    fn cell(&self, column: usize, look: &RenderOptions) -> Cell {
        match Self::COLUMNS[column].key {
            "brandId" => self.brand_id.as_str().into(),
            "airlineId" => self.airline_id.as_str().into(),
            "name" => self.name.as_str().into(),
            "iata" => self.iata.as_str().into(),
            "icao" => self.icao.as_str().into(),
            "callsign" => self.callsign.as_str().into(),
            "isPrimary" => look.yes_no(self.is_primary),
            "logoUrl" => self.logo_url.as_deref().into(),
            "accentColor" => swatch(&self.accent_color),
            "secondaryColor" => swatch(&self.secondary_color),
            _ => swatch(&self.element_color),
        }
    }
}

impl Report for Model {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.fields(&self.fields(&page.look))
    }
}

/// A colour as its own text, on itself where the terminal shows colours. What another program stored may be no colour.
fn swatch(color: &str) -> Cell {
    let part = |at: usize| color.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    let cell = Cell::new(color);
    match (color.starts_with('#') && color.len() == 7, part(1), part(3), part(5)) {
        (true, Some(red), Some(green), Some(blue)) => cell.tone(Tone::Swatch(red, green, blue)),
        _ => cell,
    }
}
