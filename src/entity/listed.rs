//! Enums that are stored as text or as numbers: which values a column of one takes.
//!
//! SeaORM's column says only that it is text or a number, so the field's type is named once more beside the entity:
//!
//! ```ignore
//! impl Entity {
//!     /// What the enums of this table are stored as.
//!     pub const VALUES: &'static [(Column, Values)] = &[(Column::Cabin, values_of::<Cabin>)];
//! }
//! ```
//!
//! A field whose type refuses most values, and that is not named there, is an error at the first command and in a test,
//! with the line to write. An enum of PostgreSQL's own (`db_type = "Enum"`) needs no such line.

use sea_orm::sea_query::ArrayType;
use sea_orm::{ActiveEnum, ActiveModelTrait, EntityTrait, ModelTrait, Value};

/// What a column takes; an empty list where no list of values says it.
pub type Values = fn() -> Vec<Value>;

/// The values of an enum, in their order.
pub fn values_of<E: ActiveEnum>() -> Vec<Value> {
    E::values().into_iter().map(Into::into).collect()
}

/// What the declaration beside an entity says of a column.
pub(crate) fn declared<E: EntityTrait>(declared: &[(E::Column, Values)], column: E::Column) -> Option<Vec<Value>> {
    use sea_orm::IdenStatic as _;
    declared.iter().find(|(listed, _)| listed.as_str() == column.as_str()).map(|(_, values)| values())
}

/// Whether the field's type takes only some of the values that its column could hold: it refuses every one that no
/// program would choose.
pub(crate) fn is_choosy<E: EntityTrait>(column: E::Column) -> bool {
    let kind = <E::Model as ModelTrait>::get_value_type(column);
    let unlikely: Vec<Value> = match kind {
        ArrayType::String => ["\u{1a}none", "\u{1a}no", "\u{1a}"].map(Value::from).into(),
        ArrayType::TinyInt => (i8::MIN..=i8::MAX).filter(|value| value.abs() > 100).map(Value::from).collect(),
        ArrayType::SmallInt => [i16::MIN, i16::MAX, -27_183, 31_415].map(Value::from).into(),
        ArrayType::Int => [i32::MIN, i32::MAX, -271_828_182, 314_159_265].map(Value::from).into(),
        ArrayType::BigInt => [i64::MIN, i64::MAX, -2_718_281_828_459, 3_141_592_653_589].map(Value::from).into(),
        _ => return false,
    };
    let takes = |value: Value| {
        let list = Value::Array(kind.clone(), Some(Box::new(vec![value.clone()])));
        let taken = |value| <E::ActiveModel as ActiveModelTrait>::default().try_set(column, value).is_ok();
        taken(value) || taken(list)
    };
    !unlikely.into_iter().any(takes)
}
