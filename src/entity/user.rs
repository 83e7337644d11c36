//! `users`: the people who fly, with their balance of miles.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;
use super::types::Timestamp;

/// A user, known by the ROBLOX user id.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users", rename_all = "camelCase")]
pub struct Model {
    /// ROBLOX user id: digits, but text in the database.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub user_id: String,
    /// ROBLOX user name, unique as written.
    #[sea_orm(unique, column_type = "Text")]
    pub username: String,
    /// The name that is shown.
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// Balance: the sum of the ledger, kept here so that reading it is cheap.
    #[sea_orm(default_value = 0)]
    pub miles: i32,
    /// Picture, if there is one. Other programs write the empty string too.
    #[sea_orm(column_type = "Text")]
    pub avatar_url: Option<String>,
    /// When the account was made.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub created_at: Timestamp,
    /// When the account was last changed.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub updated_at: Timestamp,
    /// Flights boarded.
    #[sea_orm(has_many)]
    pub flight_passengers: HasMany<super::flight_passenger::Entity>,
    /// Entries of this user's ledger.
    #[sea_orm(has_many)]
    pub miles_transactions: HasMany<super::miles_transaction::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[
        (Column::UserId, Mask::Number),
        (Column::Username, Mask::Name("pilot_")),
        (Column::DisplayName, Mask::Name("Pilot ")),
        (Column::Miles, Mask::Keep),
        (Column::AvatarUrl, Mask::Url),
        (Column::CreatedAt, Mask::Hour),
        (Column::UpdatedAt, Mask::Hour),
    ];
}
