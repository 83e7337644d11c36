//! The view of a brand.

use crate::cli::commands::extra::Editable;
use crate::cli::commands::table_row::TableRow;
use crate::cli::ui::{Cell, Column, RenderOptions, Tone};
use crate::entity::brand::Model;

impl TableRow for Model {
    const NOUN: &'static str = "brand";
    const PRESENTED: &'static [Column] = &[
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

    fn special(&self, column: &str, _look: &RenderOptions) -> Option<Cell> {
        match column {
            "accentColor" => Some(swatch(&self.accent_color)),
            "secondaryColor" => Some(swatch(&self.secondary_color)),
            "elementColor" => Some(swatch(&self.element_color)),
            _ => None,
        }
    }
}

impl Editable for crate::entity::Brand {
    const KNOWN: &'static [Self::Column] = {
        use crate::entity::brand::Column::*;
        &[BrandId, AirlineId, Name, Iata, Icao, Callsign, IsPrimary, LogoUrl, AccentColor, SecondaryColor, ElementColor]
    };
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
