//! Rows of a table lent from where the driver keeps them, for lists of millions: what a model of each would cost in copies is
//! half of such a list. Where a column is in a statement's rows is looked up once, by its name.

use std::cell::Cell;
use std::sync::Arc;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbErr, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait, QueryResult, RuntimeErr};
use serde::ser::{Serialize, SerializeMap, Serializer};
use sqlx::postgres::PgRow;
use sqlx::{Column as _, Decode, Row as _, TypeInfo as _};

use super::columns;
use super::privacy::Mask;
use super::types::{Id, Timestamp};

/// Where the columns of a table are in the rows of a statement.
#[derive(Debug)]
pub(crate) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    name: &'static str,
    /// Its number in a row.
    index: usize,
    form: Form,
    secret: bool,
}

/// How the driver keeps a value.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    Small,
    Whole,
    Big,
    Truth,
    Id,
    Time,
}

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'r> {
    /// NULL.
    Null,
    /// Text.
    Text(&'r str),
    /// A whole number.
    Whole(i64),
    /// A truth value.
    Truth(bool),
    /// A UUID.
    Id(Id),
    /// A time in UTC.
    Time(Timestamp),
}

/// A row. It serialises as the model of its table would.
#[derive(Debug)]
pub(crate) struct Lent<'r> {
    places: &'r [Place],
    values: Vec<Value<'r>>,
    /// The place after the one that was asked for last: columns are asked for in order.
    next: Cell<usize>,
}

impl Places {
    /// Finds them in the first row of a SELECT of the table; `None` on SQLite, and where a column is of a type that cannot be
    /// lent: such rows are read as models. `declared` is what is declared beside the entity.
    pub(crate) fn of<E: EntityTrait>(row: &QueryResult, declared: &[(E::Column, Mask)]) -> Option<Self> {
        let row = row.try_as_pg_row()?;
        let place = |column: E::Column| {
            let name = column.as_str();
            let index = row.columns().iter().position(|found| found.name() == name)?;
            let form = match (row.columns()[index].type_info().name(), <E::Model as ModelTrait>::get_value_type(column))
            {
                ("TEXT" | "VARCHAR", ArrayType::String) => Form::Text,
                ("INT2", ArrayType::SmallInt) => Form::Small,
                ("INT4", ArrayType::Int) => Form::Whole,
                ("INT8", ArrayType::BigInt) => Form::Big,
                ("BOOL", ArrayType::Bool) => Form::Truth,
                ("UUID", ArrayType::Uuid) => Form::Id,
                ("TIMESTAMP", ArrayType::ChronoDateTime) => Form::Time,
                _ => return None,
            };
            Some(Place { name, index, form, secret: columns::is_secret(column, declared) })
        };
        E::Column::iter().map(place).collect::<Option<_>>().map(Self)
    }

    /// Lends a row of the same statement.
    ///
    /// # Errors
    /// The driver's: a value that is none of its column's type.
    pub(crate) fn lend<'r>(&'r self, row: &'r QueryResult) -> Result<Lent<'r>, DbErr> {
        let other = || DbErr::Type("a row of another statement".to_owned());
        let row = row.try_as_pg_row().ok_or_else(other)?;
        let values = self.0.iter().map(|place| value(row, place)).collect::<Result<_, _>>();
        let values = values.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))?;
        Ok(Lent { places: &self.0, values, next: Cell::new(0) })
    }
}

fn value<'r>(row: &'r PgRow, place: &Place) -> Result<Value<'r>, sqlx::Error> {
    let raw = row.try_get_raw(place.index)?;
    if sqlx::ValueRef::is_null(&raw) {
        return Ok(Value::Null);
    }
    let value = match place.form {
        Form::Text => <&str as Decode<'_, sqlx::Postgres>>::decode(raw).map(Value::Text),
        Form::Small => <i16 as Decode<'_, sqlx::Postgres>>::decode(raw).map(|number| Value::Whole(number.into())),
        Form::Whole => <i32 as Decode<'_, sqlx::Postgres>>::decode(raw).map(|number| Value::Whole(number.into())),
        Form::Big => <i64 as Decode<'_, sqlx::Postgres>>::decode(raw).map(Value::Whole),
        Form::Truth => <bool as Decode<'_, sqlx::Postgres>>::decode(raw).map(Value::Truth),
        Form::Id => <uuid::Uuid as Decode<'_, sqlx::Postgres>>::decode(raw).map(|id| Value::Id(Id(id))),
        Form::Time => <chrono::NaiveDateTime as Decode<'_, sqlx::Postgres>>::decode(raw)
            .map(|time| Value::Time(Timestamp::new(time))),
    };
    value.map_err(|source| sqlx::Error::ColumnDecode { index: place.name.to_owned(), source })
}

impl<'r> Lent<'r> {
    /// The value of a column; `None` for one that the table has not.
    pub(crate) fn value(&self, column: &str) -> Option<Value<'r>> {
        let (first, count) = (self.next.get(), self.places.len());
        let mut places = (first..count).chain(0..first);
        let place = places.find(|&place| self.places[place].name == column)?;
        self.next.set(place + 1);
        Some(self.values[place])
    }
}

impl Serialize for Lent<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (place, value) in self.places.iter().zip(&self.values) {
            if !place.secret {
                map.serialize_entry(place.name, value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Text(text) => to.serialize_str(text),
            Self::Whole(number) => to.serialize_i64(*number),
            Self::Truth(truth) => to.serialize_bool(*truth),
            Self::Id(id) => id.serialize(to),
            Self::Time(time) => time.serialize(to),
        }
    }
}
