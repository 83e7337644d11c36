//! `flights`: what flies, flew and will fly.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;
use super::types::{Id, Timestamp};

/// A flight: scheduled until `started_at` is set, live until `end_time` is.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "flights", rename_all = "camelCase")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false, default_expr = "Expr::cust(\"gen_random_uuid()\")")]
    pub id: Id,
    /// Flight code: a brand's code and a number.
    #[sea_orm(column_type = "Text")]
    pub code: String,
    /// ROBLOX place in which it is flown.
    #[sea_orm(column_type = "Text")]
    pub game_id: String,
    /// Type of aircraft.
    #[sea_orm(column_type = "Text")]
    pub aircraft: String,
    /// The airline that operates it.
    #[sea_orm(column_type = "Text")]
    pub airline_id: String,
    /// The brand under which it is flown.
    #[sea_orm(column_type = "Text")]
    pub brand_id: String,
    /// Scheduled start.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub start_time: Timestamp,
    /// When it ended; null until then.
    pub end_time: Option<Timestamp>,
    /// A second airline whose code it carries.
    #[sea_orm(column_type = "Text")]
    pub codeshare_airline_id: Option<String>,
    /// Airport code.
    #[sea_orm(column_type = "Text")]
    pub departure: String,
    /// Airport code.
    #[sea_orm(column_type = "Text")]
    pub arrival: String,
    /// When it started; null until then.
    pub started_at: Option<Timestamp>,
    /// Discord event.
    #[sea_orm(column_type = "Text", default_value = "https://discord.gg/skyteam")]
    pub discord_event_link: String,
    /// The airline that operates it.
    #[sea_orm(belongs_to, relation_enum = "Airline", from = "airline_id", to = "airline_id")]
    pub airline: BelongsTo<super::airline::Entity>,
    /// The brand under which it is flown.
    #[sea_orm(belongs_to, from = "brand_id", to = "brand_id")]
    pub brand: BelongsTo<super::brand::Entity>,
    /// A second airline whose code it carries.
    #[sea_orm(belongs_to, relation_enum = "CodeshareAirline", from = "codeshare_airline_id", to = "airline_id")]
    pub codeshare_airline: BelongsTo<Option<super::airline::Entity>>,
    /// Who boarded.
    #[sea_orm(has_many)]
    pub flight_passengers: HasMany<super::flight_passenger::Entity>,
    /// Ledger entries for this flight.
    #[sea_orm(has_many)]
    pub miles_transactions: HasMany<super::miles_transaction::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[
        (Column::Id, Mask::Replace),
        (Column::Code, Mask::Code),
        (Column::GameId, Mask::Number),
        (Column::Aircraft, Mask::Replace),
        (Column::StartTime, Mask::Hour),
        (Column::EndTime, Mask::Hour),
        (Column::Departure, Mask::Replace),
        (Column::Arrival, Mask::Replace),
        (Column::StartedAt, Mask::Hour),
        (Column::DiscordEventLink, Mask::Url),
    ];
}
