//! `flightPassengers`: who boarded which flight, and for how many miles.

use sea_orm::entity::prelude::*;

use super::privacy::{Erase, Mask};
use super::types::{Id, Timestamp};

/// A user on a flight, once.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "flightPassengers", rename_all = "camelCase")]
pub struct Model {
    /// The flight.
    #[sea_orm(primary_key, auto_increment = false)]
    pub flight_id: Id,
    /// The passenger.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub user_id: String,
    /// Miles that the flight earns.
    pub miles: i32,
    /// When the passenger boarded.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub joined_at: Timestamp,
    /// The flight.
    #[sea_orm(belongs_to, from = "flight_id", to = "id")]
    pub flight: BelongsTo<super::flight::Entity>,
    /// The passenger.
    #[sea_orm(belongs_to, from = "user_id", to = "user_id")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[(Column::Miles, Mask::Keep), (Column::JoinedAt, Mask::Hour)];

    /// What `user erase` does with rows that refer to the user.
    pub const ERASE: Erase<Column> = Erase::Keep(&[]);
}
