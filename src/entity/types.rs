//! The two column types that PostgreSQL and SQLite store differently and Rust must not: [`Id`] and [`Timestamp`].
//!
//! PostgreSQL has `uuid` and `timestamp`; SQLite keeps both as text in the very form PostgreSQL prints, so that the
//! text of a value, its order and its equality are the same on both engines. Reading knows both forms here; writing
//! binds `Value::Uuid` and `Value::ChronoDateTime`, which [`crate::db`] turns into that text on SQLite.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Timelike, Utc};
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The form of [`Timestamp`] in SQL text: what PostgreSQL prints for `timestamp` under `DateStyle` ISO.
const SQL_SECONDS: &str = "%Y-%m-%d %H:%M:%S";

/// A UUID key. In text always lower-case and hyphenated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub Uuid);

/// A point in time in UTC, to the microsecond: what a `timestamp without time zone` column of ours holds.
///
/// JSON and [`fmt::Display`] write RFC 3339 with `Z`, the fraction only where it is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub NaiveDateTime);

impl Id {
    /// A new random (version 4) key.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl Timestamp {
    /// The instant in UTC, cut to whole microseconds, which is all that PostgreSQL keeps.
    pub fn new(at: NaiveDateTime) -> Self {
        let micros = at.nanosecond() / 1_000;
        Self(at.with_nanosecond(micros * 1_000).unwrap_or(at))
    }

    /// The instant with its zone.
    pub fn utc(self) -> DateTime<Utc> {
        self.0.and_utc()
    }

    /// The form that stands in the database as text: `2025-01-05 10:30:00.123456`, trailing zeros trimmed.
    ///
    /// Its alphabetical order is the order in time.
    pub fn sql_text(self) -> String {
        format!("{}{}", self.0.format(SQL_SECONDS), self.fraction())
    }

    fn fraction(self) -> String {
        match self.0.nanosecond() % 1_000_000_000 / 1_000 {
            0 => String::new(),
            micros => {
                let digits = format!("{micros:06}");
                format!(".{}", digits.trim_end_matches('0'))
            }
        }
    }
}

impl From<Uuid> for Id {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl From<Id> for Uuid {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl From<NaiveDateTime> for Timestamp {
    fn from(at: NaiveDateTime) -> Self {
        Self::new(at)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self::new(at.naive_utc())
    }
}

impl From<Timestamp> for NaiveDateTime {
    fn from(at: Timestamp) -> Self {
        at.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(out)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}{}Z", self.0.format("%Y-%m-%dT%H:%M:%S"), self.fraction());
        out.pad(&text)
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    /// Reads the SQL form, RFC 3339 with any offset, and either without a zone, which then means UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(at.to_utc().into());
        }
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f"))
            .map(Self::new)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        Self::Uuid(Some(id.0))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::ChronoDateTime(Some(Timestamp::new(at.0).0))
    }
}

impl Nullable for Id {
    fn null() -> Value {
        Value::Uuid(None)
    }
}

impl Nullable for Timestamp {
    fn null() -> Value {
        Value::ChronoDateTime(None)
    }
}

impl ValueType for Id {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::Uuid(Some(id)) => Ok(Self(id)),
            Value::String(Some(text)) => text.parse().map_err(|_| ValueTypeErr),
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        "Id".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::Uuid
    }

    fn column_type() -> ColumnType {
        ColumnType::Uuid
    }
}

impl ValueType for Timestamp {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::ChronoDateTime(Some(at)) => Ok(Self::new(at)),
            Value::String(Some(text)) => text.parse().map_err(|_| ValueTypeErr),
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        "Timestamp".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::ChronoDateTime
    }

    fn column_type() -> ColumnType {
        ColumnType::DateTime
    }
}

impl TryGetable for Id {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_sqlite_row().is_some() { parse_text(row, index) } else { Uuid::try_get_by(row, index).map(Self) }
    }
}

impl TryGetable for Timestamp {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        if row.try_as_sqlite_row().is_some() {
            parse_text(row, index)
        } else {
            NaiveDateTime::try_get_by(row, index).map(Self::new)
        }
    }
}

fn parse_text<T, I>(row: &QueryResult, index: I) -> Result<T, TryGetError>
where
    T: FromStr<Err: fmt::Display>,
    I: ColIdx,
{
    let text = String::try_get_by(row, index)?;
    text.parse().map_err(|error| TryGetError::DbErr(DbErr::Type(format!("{text:?}: {error}"))))
}

impl TryFromU64 for Id {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Id"))
    }
}

impl TryFromU64 for Timestamp {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("Timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn sql_text_is_what_postgres_prints() {
        assert_eq!(at("2025-01-05 10:30:00.123456").sql_text(), "2025-01-05 10:30:00.123456");
        assert_eq!(at("2025-01-05 10:30:00.120000").sql_text(), "2025-01-05 10:30:00.12");
        assert_eq!(at("2025-01-05 10:30:00").sql_text(), "2025-01-05 10:30:00");
    }

    #[test]
    fn text_order_is_time_order() {
        let mut texts: Vec<String> =
            ["2025-01-05 10:30:01", "2025-01-05 10:30:00.5", "2025-01-05 10:30:00.05", "2025-01-05 10:30:00"]
                .map(|text| at(text).sql_text())
                .to_vec();
        texts.sort();
        let times: Vec<Timestamp> = texts.iter().map(|text| at(text)).collect();
        assert!(times.is_sorted());
    }

    #[test]
    fn json_is_rfc3339_utc_and_comes_back() {
        let json = serde_json::to_string(&at("2025-01-05T12:30:00.5+02:00")).unwrap();
        assert_eq!(json, r#""2025-01-05T10:30:00.5Z""#);
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at("2025-01-05 10:30:00.5"));
    }

    #[test]
    fn nanoseconds_are_cut_not_rounded() {
        assert_eq!(at("2025-01-05 10:30:00.123456999").sql_text(), "2025-01-05 10:30:00.123456");
        let raw =
            Timestamp(NaiveDateTime::parse_from_str("2025-01-05 10:30:00.000000999", "%Y-%m-%d %H:%M:%S%.f").unwrap());
        assert_eq!(Value::from(raw), Value::from(at("2025-01-05 10:30:00")));
    }

    #[test]
    fn id_text_is_lower_case_and_hyphenated() {
        let id: Id = "6E1FCD7045284D8BA6D6BBEDB9210096".parse().unwrap();
        assert_eq!(id.to_string(), "6e1fcd70-4528-4d8b-a6d6-bbedb9210096");
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""6e1fcd70-4528-4d8b-a6d6-bbedb9210096""#);
        assert!("not-an-id".parse::<Id>().is_err());
    }

    #[test]
    fn values_come_back_from_either_form() {
        let id = Id::random();
        assert_eq!(<Id as ValueType>::try_from(id.into()).unwrap(), id);
        assert_eq!(<Id as ValueType>::try_from(id.to_string().into()).unwrap(), id);
        assert!(<Id as ValueType>::try_from(Value::Int(Some(1))).is_err());
        let now = at("2025-01-05 10:30:00.5");
        assert_eq!(<Timestamp as ValueType>::try_from(now.into()).unwrap(), now);
        assert_eq!(<Timestamp as ValueType>::try_from(now.sql_text().into()).unwrap(), now);
    }
}
