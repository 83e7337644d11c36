//! `brands`: the names and codes under which an airline flies.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;

/// A brand of an airline.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "brands", rename_all = "camelCase")]
pub struct Model {
    /// Short name in lower case.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub brand_id: String,
    /// The airline it belongs to.
    #[sea_orm(column_type = "Text")]
    pub airline_id: String,
    /// Full name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Two-character IATA code.
    #[sea_orm(unique, column_type = "Text")]
    pub iata: String,
    /// Three-letter ICAO code.
    #[sea_orm(unique, column_type = "Text")]
    pub icao: String,
    /// Call sign on the radio.
    #[sea_orm(unique, column_type = "Text")]
    pub callsign: String,
    /// Whether this is the airline's main brand; one at most.
    #[sea_orm(default_value = false)]
    pub is_primary: bool,
    /// Picture, if there is one.
    #[sea_orm(column_type = "Text", default_value = "https://files.skyteam.dev/api/public/dl/kiLB84P2?inline=true")]
    pub logo_url: Option<String>,
    /// Colour `#rrggbb`.
    #[sea_orm(column_type = "Text", default_value = "#2ea5f7")]
    pub accent_color: String,
    /// Colour `#rrggbb`.
    #[sea_orm(column_type = "Text", default_value = "#242429")]
    pub secondary_color: String,
    /// Colour `#rrggbb`.
    #[sea_orm(column_type = "Text", default_value = "#fbfbfb")]
    pub element_color: String,
    /// The airline it belongs to.
    #[sea_orm(belongs_to, from = "airline_id", to = "airline_id")]
    pub airline: BelongsTo<super::airline::Entity>,
    /// Flights under this brand.
    #[sea_orm(has_many)]
    pub flights: HasMany<super::flight::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[
        (Column::BrandId, Mask::Name("brand-")),
        (Column::Name, Mask::Name("Brand ")),
        (Column::Iata, Mask::Code),
        (Column::Icao, Mask::Code),
        (Column::Callsign, Mask::Name("CALL ")),
        (Column::IsPrimary, Mask::Keep),
        (Column::LogoUrl, Mask::Url),
        (Column::AccentColor, Mask::Keep),
        (Column::SecondaryColor, Mask::Keep),
        (Column::ElementColor, Mask::Keep),
    ];
}
