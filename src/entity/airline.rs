//! `airlines`: the members of the alliance.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;
use super::types::Timestamp;

/// An airline.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "airlines", rename_all = "camelCase")]
pub struct Model {
    /// Short name in lower case, chosen when the airline joins.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub airline_id: String,
    /// Full name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// API key (CUID2). A secret: never serialised.
    #[sea_orm(unique, column_type = "Text")]
    pub token: String,
    /// Invitation to the airline's Discord server.
    #[sea_orm(column_type = "Text", default_value = "https://discord.gg/skyteam")]
    pub invite_link: String,
    /// Discord server id.
    #[sea_orm(column_type = "Text", default_value = "1122953128703168532")]
    pub server_id: String,
    /// When the airline joined.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub created_at: Timestamp,
    /// When the airline was last changed.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub updated_at: Timestamp,
    /// Brands of this airline.
    #[sea_orm(has_many)]
    pub brands: HasMany<super::brand::Entity>,
    /// Flights that this airline operates.
    #[sea_orm(has_many, relation_enum = "Flights", via_rel = "Airline")]
    pub flights: HasMany<super::flight::Entity>,
    /// Flights of others that carry this airline's code too.
    #[sea_orm(has_many, relation_enum = "CodeshareFlights", via_rel = "CodeshareAirline")]
    pub codeshare_flights: HasMany<super::flight::Entity>,
    /// Products sold for miles.
    #[sea_orm(has_many)]
    pub miles_products: HasMany<super::miles_product::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[
        (Column::AirlineId, Mask::Name("air-")),
        (Column::Name, Mask::Name("Air ")),
        (Column::Token, Mask::Secret),
        (Column::InviteLink, Mask::Url),
        (Column::ServerId, Mask::Number),
        (Column::CreatedAt, Mask::Hour),
        (Column::UpdatedAt, Mask::Hour),
    ];
}
