//! The tables that the guide's developer adds, as the files of their entities, and a row of the widest.

use crate::support::Engine;

pub(super) const NEW_TABLE: &str = r#"//! `newTable`: the guide's example.

use sea_orm::entity::prelude::*;

use super::privacy::Mask;
use super::types::Id;

/// A thing with a name.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "newTable", rename_all = "camelCase")]
pub struct Model {
    /// Key.
    #[sea_orm(primary_key, auto_increment = false, default_expr = "Expr::cust(\"gen_random_uuid()\")")]
    pub id: Id,
    /// Name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What a copy made with `--anonymize` holds of each column.
    pub const ANONYMIZE: &'static [(Column, Mask)] = &[(Column::Id, Mask::Keep), (Column::Name, Mask::Replace)];
}
"#;

pub(super) const BADGE: &str = r#"//! `badges`: what users have earned.

use sea_orm::entity::prelude::*;

/// A badge of a user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "badges", rename_all = "camelCase")]
pub struct Model {
    /// Key, given by the database.
    #[sea_orm(primary_key)]
    pub badge_id: i64,
    /// Whose it is.
    #[sea_orm(column_type = "Text")]
    pub user_id: String,
    /// Whose it is.
    #[sea_orm(belongs_to, from = "user_id", to = "user_id")]
    pub user: BelongsTo<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
"#;

pub(super) const EVERY_TYPE: &str = r#"//! `everyType`: a column of each type.

use sea_orm::entity::prelude::*;

use super::listed::{Values, values_of};
use super::types::{Id, List, Timestamp};

/// Stored as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Cabin {
    /// In the back.
    #[sea_orm(string_value = "economy")]
    Economy,
    /// In the front.
    #[sea_orm(string_value = "business")]
    Business,
}

/// Stored as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "i32", db_type = "Integer")]
pub enum Rank {
    /// The highest.
    #[sea_orm(num_value = 1)]
    First,
    /// The lowest.
    #[sea_orm(num_value = -2)]
    Last,
}

/// One of a few.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood")]
pub enum Mood {
    /// Well.
    #[sea_orm(string_value = "good")]
    Good,
    /// Not so well.
    #[sea_orm(string_value = "bad")]
    Bad,
}

/// A row of everything.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "everyType", rename_all = "camelCase", comment = "it's one of each")]
#[allow(missing_docs)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, default_expr = "Expr::cust(\"gen_random_uuid()\")")]
    pub id: Id,
    #[sea_orm(comment = "what's said")]
    pub plain: Option<String>,
    #[sea_orm(column_type = "String(StringLen::N(20))")]
    pub sized: Option<String>,
    #[sea_orm(column_type = "Char(Some(3))")]
    pub code: Option<String>,
    pub small: Option<i16>,
    pub whole: Option<i32>,
    pub big: Option<i64>,
    pub real: Option<f32>,
    pub double: Option<f64>,
    #[sea_orm(column_type = "Decimal(Some((10, 2)))")]
    pub price: Option<Decimal>,
    pub truth: Option<bool>,
    pub at: Option<Timestamp>,
    pub instant: Option<DateTimeUtc>,
    pub day: Option<Date>,
    pub time: Option<Time>,
    #[sea_orm(column_type = "Interval(None, None)", select_as = "text", save_as = "interval")]
    pub length: Option<String>,
    #[sea_orm(column_type = "Json")]
    pub json: Option<Json>,
    #[sea_orm(column_type = "JsonBinary")]
    pub jsonb: Option<Json>,
    pub bytes: Option<Vec<u8>>,
    #[sea_orm(column_type = "Inet", select_as = "text", save_as = "inet")]
    pub inet: Option<String>,
    #[sea_orm(column_type = "Cidr", select_as = "text", save_as = "cidr")]
    pub cidr: Option<String>,
    #[sea_orm(column_type = "MacAddr", select_as = "text", save_as = "macaddr")]
    pub mac: Option<String>,
    #[sea_orm(column_type = "Bit(Some(3))", select_as = "text", save_as = "varbit")]
    pub bit: Option<String>,
    #[sea_orm(column_type = "VarBit(8)", select_as = "text", save_as = "varbit")]
    pub varbit: Option<String>,
    pub mood: Option<Mood>,
    pub list: Option<List<i32>>,
    pub names: Option<List<String>>,
    pub doubles: Option<List<f64>>,
    pub moods: Option<List<Mood>>,
    pub cabins: Option<List<Cabin>>,
    pub ranks: Option<List<Rank>>,
    pub cabin: Option<Cabin>,
    pub rank: Option<Rank>,
    #[sea_orm(column_type = "Decimal(Some((30, 5)))", select_as = "text", save_as = "decimal")]
    pub wide: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// What the enums of this table are stored as.
    pub const VALUES: &'static [(Column, Values)] =
        &[
            (Column::Cabin, values_of::<Cabin>),
            (Column::Rank, values_of::<Rank>),
            (Column::Cabins, values_of::<Cabin>),
            (Column::Ranks, values_of::<Rank>),
        ];
}
"#;

/// A row of everything in each engine's words.
pub(super) fn everything(engine: Engine) -> String {
    let (bytes, lists) = match engine {
        Engine::Postgres => (
            r"'\xc0ff09'",
            r#"'{1,-2,NULL}', '{a,"b \"c\", d",""}', '{1,0.1}', '{good,bad}', '{business,economy}', '{1,-2,1}'"#,
        ),
        Engine::Sqlite => (
            "X'C0FF09'",
            r#"'[1,-2,null]', '["a","b \"c\", d",""]', '[1.0,0.1]', '["good","bad"]', '["business","economy"]', '[1,-2,1]'"#,
        ),
    };
    format!(
        r#"INSERT INTO "everyType" ("plain", "sized", "code", "small", "whole", "big", "real", "double", "price", "truth",
            "at", "instant", "day", "time", "length", "json", "jsonb", "bytes", "inet", "cidr", "mac", "bit", "varbit",
            "mood", "list", "names", "doubles", "moods", "cabins", "ranks", "cabin", "rank", "wide")
        VALUES ('tab	and \ and "', 'it''s', 'abc', -5, 7, 5000000000, 1.5, 0.1, 12.25, {truth},
            '2026-11-22 18:00:00.5', '2026-11-22 18:00:00.25+00:00', '2026-11-22', '18:30:00', '1 day 02:00:00',
            '{{"a": [1, null]}}', '{{"b": "c"}}', {bytes}, '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '101', '10',
            'good', {lists}, 'business', -2, '12345678901234567890.12345')"#,
        truth = if engine == Engine::Postgres { "true" } else { "1" }
    )
}
