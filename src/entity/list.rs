//! Lists: an array on PostgreSQL, JSON text on SQLite, which has no arrays.

use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryGetError, TryGetable, Value};

use super::columns;

/// A list of values, none of which is NULL. Reading knows both engines' forms; writing binds `Value::Array`, which
/// [`crate::db`] turns into JSON text on SQLite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T> From<Vec<T>> for List<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T: Into<Value> + ValueType> From<List<T>> for Value {
    fn from(list: List<T>) -> Self {
        Self::Array(T::array_type(), Some(Box::new(list.0.into_iter().map(Into::into).collect())))
    }
}

impl<T: ValueType> Nullable for List<T> {
    fn null() -> Value {
        Value::Array(T::array_type(), None)
    }
}

impl<T: ValueType> ValueType for List<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::Array(_, Some(values)) => {
                let values: Result<Vec<T>, _> = values.into_iter().map(T::try_from).collect();
                values.map(Self)
            }
            Value::String(Some(json)) => parse(&json).map(Self).map_err(|_| ValueTypeErr),
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        format!("List<{}>", T::type_name())
    }

    fn array_type() -> ArrayType {
        T::array_type()
    }

    fn column_type() -> ColumnType {
        ColumnType::Array(T::column_type().into())
    }
}

impl<T: ValueType> TryGetable for List<T>
where
    Vec<T>: TryGetable,
{
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_sqlite_row().is_none() {
            return Vec::<T>::try_get_by(row, index).map(Self);
        }
        let json = String::try_get_by(row, index)?;
        parse(&json).map(Self).map_err(|error| DbErr::Type(format!("{json:?}: {error}")).into())
    }
}

/// The values of a list in JSON, each as its type reads it from a column of its own; else what would have been accepted.
fn parse<T: ValueType>(json: &str) -> Result<Vec<T>, &'static str> {
    let elements: Vec<serde_json::Value> = serde_json::from_str(json).map_err(|_| "a list in JSON")?;
    let kind = T::array_type();
    let value =
        |json| <T as ValueType>::try_from(columns::element(&kind, json)?).map_err(|_| "a list of the column's values");
    elements.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_from_either_form() {
        let list = List(vec![1, -2]);
        assert_eq!(<List<i32> as ValueType>::try_from(list.clone().into()).unwrap(), list);
        assert_eq!(<List<i32> as ValueType>::try_from("[1,-2]".into()).unwrap(), list);
        for wrong in [Value::from("[\"a\"]"), vec!["a".to_owned()].into(), List::<i32>::null(), 1.into()] {
            assert!(<List<i32> as ValueType>::try_from(wrong).is_err());
        }
    }
}
