//! The column types that PostgreSQL and SQLite store differently and Rust must not: [`Id`], [`Timestamp`] and [`List`].
//!
//! PostgreSQL has `uuid` and `timestamp`; SQLite keeps both as text in the very form PostgreSQL prints, so that the
//! text of a value, its order and its equality are the same on both engines. Reading knows both forms here; writing
//! binds `Value::Uuid` and `Value::ChronoDateTime`, which [`crate::db`] turns into that text on SQLite.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike, Utc};
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

pub use super::list::List;

/// The form of [`Timestamp`] in SQL text: what PostgreSQL prints for `timestamp` under `DateStyle` ISO.
const SQL_SECONDS: &str = "%Y-%m-%d %H:%M:%S";

/// The length of the longest RFC 3339 text.
const RFC3339_MAX: usize = "9999-12-31T23:59:59.999999Z".len();

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

    /// The form that the database stores as text: `2025-01-05 10:30:00.123456`, trailing zeros trimmed.
    ///
    /// Its alphabetical order is the order in time.
    pub(crate) fn sql_text(self) -> String {
        format!("{}{}", self.0.format(SQL_SECONDS), self.fraction())
    }

    /// Lends the RFC 3339 text in UTC.
    pub(crate) fn with_text<T>(self, lend: impl FnOnce(&str) -> T) -> T {
        if (0..=9999).contains(&self.0.year()) {
            return lend(self.rfc3339(&mut [0; RFC3339_MAX]));
        }
        // PostgreSQL's years go on where RFC 3339 ends.
        lend(&format!("{}{}Z", self.0.format("%Y-%m-%dT%H:%M:%S"), self.fraction()))
    }

    /// The text of a year in 0 to 9999, put together by hand in a buffer of the caller's: a list of a million rows has two
    /// of these a row, and chrono's formatter takes as long for one as all the rest of the row.
    fn rfc3339(self, buffer: &mut [u8; RFC3339_MAX]) -> &str {
        let mut end = 0;
        let mut put = |value: u32, digits: usize, then: u8| {
            let mut rest = value;
            for place in (0..digits).rev() {
                // A remainder of 10 is a digit.
                buffer[end + place] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            buffer[end + digits] = then;
            end += digits + 1;
        };
        let (date, time) = (self.0.date(), self.0.time());
        put(date.year().unsigned_abs(), 4, b'-');
        put(date.month(), 2, b'-');
        put(date.day(), 2, b'T');
        put(time.hour(), 2, b':');
        put(time.minute(), 2, b':');
        let mut micros = time.nanosecond() % 1_000_000_000 / 1_000;
        if micros == 0 {
            put(time.second(), 2, b'Z');
        } else {
            put(time.second(), 2, b'.');
            let mut digits = 6;
            while micros.is_multiple_of(10) {
                micros /= 10;
                digits -= 1;
            }
            put(micros, digits, b'Z');
        }
        std::str::from_utf8(&buffer[..end]).unwrap_or_default()
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
        self.with_text(|text| out.pad(text))
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
        to.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| to.serialize_str(text))
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
    fn rfc3339_by_hand_is_chronos() {
        for text in [
            "2025-01-05 10:30:00",
            "2025-12-31 23:59:59.999999",
            "0001-01-01 00:00:00.000001",
            "2025-01-05 10:30:00.5",
            "2025-01-05 10:30:00.120340",
            "9999-12-31 23:59:59.1",
        ] {
            let time = at(text);
            let chrono = format!("{}{}Z", time.0.format("%Y-%m-%dT%H:%M:%S"), time.fraction());
            assert_eq!(time.to_string(), chrono);
            assert_eq!(format!("{time:>40}").trim_start(), chrono);
        }
        for end in [NaiveDateTime::MAX, NaiveDateTime::MIN].map(Timestamp::new) {
            assert!(end.to_string().ends_with('Z'));
        }
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
