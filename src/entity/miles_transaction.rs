//! `milesTransactions`: the ledger. Entries are added and never changed.

use sea_orm::entity::prelude::*;

use super::privacy::{Erase, Mask};
use super::types::{Id, Timestamp};

/// One entry of the ledger.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "milesTransactions", rename_all = "camelCase")]
pub struct Model {
    /// Key; derived from the idempotency key where one was given.
    #[sea_orm(primary_key, auto_increment = false, default_expr = "Expr::cust(\"gen_random_uuid()\")")]
    pub id: Id,
    /// Whose balance it moves.
    #[sea_orm(column_type = "Text")]
    pub user_id: String,
    /// Miles: positive earns, negative spends.
    pub amount: i32,
    /// `earn` or `spend`.
    #[sea_orm(column_type = "Text")]
    pub r#type: String,
    /// What it came from: `flight`, `purchase`, …
    #[sea_orm(column_type = "Text")]
    pub source: String,
    /// The flight it was earned on.
    pub flight_id: Option<Id>,
    /// The product it was spent on. No foreign key: the entry outlives the product.
    #[sea_orm(column_type = "Text")]
    pub product_id: Option<String>,
    /// Free text.
    #[sea_orm(column_type = "Text")]
    pub note: Option<String>,
    /// When it was written.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub created_at: Timestamp,
    /// The entry that this one takes back; each once.
    #[sea_orm(unique)]
    pub reverses_id: Option<Id>,
    /// Shared by the entries of one import, manifest or award.
    pub batch_id: Option<Id>,
    /// Who did it.
    #[sea_orm(column_type = "Text")]
    pub actor: Option<String>,
    /// Whose balance it moves.
    #[sea_orm(belongs_to, from = "user_id", to = "user_id")]
    pub user: BelongsTo<super::user::Entity>,
    /// The flight it was earned on.
    #[sea_orm(belongs_to, from = "flight_id", to = "id")]
    pub flight: BelongsTo<Option<super::flight::Entity>>,
    /// The entry that this one takes back.
    #[sea_orm(self_ref, relation_enum = "Reverses", from = "reverses_id", to = "id")]
    pub reverses: BelongsTo<Option<Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column; references follow what they refer to.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[
        (Column::Id, Mask::Replace),
        (Column::Amount, Mask::Keep),
        (Column::Type, Mask::Keep),
        (Column::Source, Mask::Words(&["flight", "purchase", "manual", "reversal", "adjustment"])),
        (Column::ProductId, Mask::Name("p")),
        (Column::Note, Mask::Blank),
        (Column::CreatedAt, Mask::Hour),
        (Column::BatchId, Mask::Replace),
        (Column::Actor, Mask::Name("actor_")),
    ];

    /// What `user erase` does with rows that refer to the user.
    pub const ERASE: Erase<Column> = Erase::Keep(&[Column::Note]);
}
