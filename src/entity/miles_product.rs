//! `milesProducts`: what airlines sell for miles.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;
use super::types::Timestamp;

/// A product of an airline.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "milesProducts", rename_all = "camelCase")]
pub struct Model {
    /// Six characters of `0-9a-z`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub product_id: String,
    /// The airline that sells it.
    #[sea_orm(column_type = "Text")]
    pub airline_id: String,
    /// Name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Free text.
    #[sea_orm(column_type = "Text")]
    pub description: Option<String>,
    /// Price in miles, above zero.
    pub price_miles: i32,
    /// Whether it can be bought now.
    #[sea_orm(default_value = true)]
    pub active: bool,
    /// When it was put on sale.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub created_at: Timestamp,
    /// The airline that sells it.
    #[sea_orm(belongs_to, from = "airline_id", to = "airline_id")]
    pub airline: BelongsTo<super::airline::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[
        (Column::ProductId, Mask::Name("p")),
        (Column::Name, Mask::Name("Prize ")),
        (Column::Description, Mask::Blank),
        (Column::PriceMiles, Mask::Keep),
        (Column::Active, Mask::Keep),
        (Column::CreatedAt, Mask::Hour),
    ];
}
