//! Single values of a Parquet file and their text as PostgreSQL writes it: numbers, dates, times and instants become values
//! where a table is written, and the same text again where one is read.
//!
//! `infinity` and `-infinity` are the ends of the range, as they are for [`super::timestamp`].

use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedColumnWriter;
use serde::{Deserialize, Serialize};

use super::timestamp::{self, INFINITY, MINUS_INFINITY};

/// Digits that a 32-bit, a 64-bit and a 128-bit whole number hold for certain.
const SMALL: u8 = 9;
const LARGE: u8 = 18;
/// The most digits that Parquet's readers take.
pub(crate) const MAX_DIGITS: u8 = 38;
/// Bytes of a number of more than [`LARGE`] digits.
const WIDE: i32 = 16;
/// Microseconds of a day. PostgreSQL knows the time 24:00:00.
pub(super) const DAY: i64 = 86_400_000_000;
/// Decimal exponents from which on PostgreSQL writes floating-point numbers with one.
const REAL_EXPONENT: i32 = 6;
const DOUBLE_EXPONENT: i32 = 15;

/// The type of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scalar {
    /// BYTE_ARRAY, logical STRING.
    Text,
    /// BYTE_ARRAY, logical JSON.
    Json,
    /// BYTE_ARRAY; as text in hexadecimal behind `\x`.
    Bytes,
    /// BOOLEAN.
    Boolean,
    /// INT32, logical INTEGER(16, signed).
    Smallint,
    /// INT32, logical INTEGER(32, signed).
    Integer,
    /// INT64, logical INTEGER(64, signed).
    Bigint,
    /// FLOAT.
    Real,
    /// DOUBLE.
    Double,
    /// Logical DECIMAL of so many digits (1 to [`MAX_DIGITS`]), and so many of them after the point: INT32 up to 9 digits,
    /// INT64 up to 18, else FIXED_LEN_BYTE_ARRAY(16).
    Decimal(u8, u8),
    /// FIXED_LEN_BYTE_ARRAY(16), logical UUID.
    Uuid,
    /// INT32, logical DATE: days since 1970-01-01.
    Date,
    /// INT64, logical TIME(MICROS, not adjusted to UTC).
    Time,
    /// INT64, logical TIMESTAMP(MICROS, not adjusted to UTC).
    Timestamp,
    /// INT64, logical TIMESTAMP(MICROS, adjusted to UTC).
    Timestamptz,
}

/// Values in the physical type that they have.
enum Values {
    Boolean(Vec<bool>),
    Small(Vec<i32>),
    Large(Vec<i64>),
    Real(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Wide(Vec<FixedLenByteArray>),
}

impl Scalar {
    /// Its physical and its logical type, and the length of a value, -1 where it has none of its own.
    pub(crate) fn parquet(self) -> (Physical, Option<LogicalType>, i32) {
        match self {
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), -1),
            Self::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json), -1),
            Self::Bytes => (Physical::BYTE_ARRAY, None, -1),
            Self::Boolean => (Physical::BOOLEAN, None, -1),
            Self::Smallint => (Physical::INT32, Some(LogicalType::integer(16, true)), -1),
            Self::Integer => (Physical::INT32, Some(LogicalType::integer(32, true)), -1),
            Self::Bigint => (Physical::INT64, Some(LogicalType::integer(64, true)), -1),
            Self::Real => (Physical::FLOAT, None, -1),
            Self::Double => (Physical::DOUBLE, None, -1),
            Self::Decimal(precision, scale) => {
                let logical = LogicalType::decimal(scale.into(), precision.into());
                match precision {
                    digits if digits <= SMALL => (Physical::INT32, Some(logical), -1),
                    digits if digits <= LARGE => (Physical::INT64, Some(logical), -1),
                    _ => (Physical::FIXED_LEN_BYTE_ARRAY, Some(logical), WIDE),
                }
            }
            Self::Uuid => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), 16),
            Self::Date => (Physical::INT32, Some(LogicalType::Date), -1),
            Self::Time => (Physical::INT64, Some(LogicalType::time(false, TimeUnit::MICROS)), -1),
            Self::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS)), -1),
            Self::Timestamptz => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)), -1),
        }
    }

    /// Digits and digits after the point, where it is a decimal number.
    pub(crate) fn decimal(self) -> Option<(u8, u8)> {
        match self {
            Self::Decimal(precision, scale) => Some((precision, scale)),
            _ => None,
        }
    }

    /// Whether this text, as PostgreSQL writes it, would come back byte for byte.
    pub(crate) fn holds(self, text: &[u8]) -> bool {
        let same = |again: Option<Vec<u8>>| again.is_some_and(|again| again == text);
        match self {
            Self::Text | Self::Json => true,
            Self::Bytes => same(unhex(text).map(|bytes| hex_text(&bytes))),
            Self::Boolean => matches!(text, b"t" | b"f"),
            Self::Smallint => same(parse::<i16>(text).map(|value| value.to_string().into_bytes())),
            Self::Integer => same(parse::<i32>(text).map(|value| value.to_string().into_bytes())),
            Self::Bigint => same(parse::<i64>(text).map(|value| value.to_string().into_bytes())),
            Self::Real => parse::<f32>(text).is_some(),
            Self::Double => parse::<f64>(text).is_some(),
            Self::Decimal(precision, scale) => {
                same(decimal(text, precision, scale).and_then(|value| decimal_text(value, precision, scale)))
            }
            Self::Uuid => same(uuid(text).map(|value| uuid_text(&value))),
            Self::Date => same(date(text).map(date_text)),
            Self::Time => same(time(text).and_then(time_text)),
            Self::Timestamp => same(timestamp::read_text(text).map(timestamp_text)),
            Self::Timestamptz => same(instant(text).map(instant_text)),
        }
    }

    /// Writes the values of these texts. The levels are Parquet's, empty where the column has none.
    ///
    /// # Errors
    /// What the file returns, and a text that [`Scalar::holds`] not.
    pub(crate) fn write<'a>(
        self,
        writer: &mut SerializedColumnWriter<'_>,
        texts: impl Iterator<Item = &'a [u8]>,
        definitions: &[i16],
        repetitions: &[i16],
    ) -> Result<()> {
        let values = self.values(texts).ok_or_else(|| ParquetError::General(format!("a value is no {self:?}")))?;
        let (defs, reps) = [definitions, repetitions].map(|levels| (!levels.is_empty()).then_some(levels)).into();
        match values {
            Values::Boolean(values) => writer.typed::<BoolType>().write_batch(&values, defs, reps)?,
            Values::Small(values) => writer.typed::<Int32Type>().write_batch(&values, defs, reps)?,
            Values::Large(values) => writer.typed::<Int64Type>().write_batch(&values, defs, reps)?,
            Values::Real(values) => writer.typed::<FloatType>().write_batch(&values, defs, reps)?,
            Values::Double(values) => writer.typed::<DoubleType>().write_batch(&values, defs, reps)?,
            Values::Bytes(values) => writer.typed::<ByteArrayType>().write_batch(&values, defs, reps)?,
            Values::Wide(values) => writer.typed::<FixedLenByteArrayType>().write_batch(&values, defs, reps)?,
        };
        Ok(())
    }

    fn values<'a>(self, texts: impl Iterator<Item = &'a [u8]>) -> Option<Values> {
        let fixed = |bytes: &[u8]| FixedLenByteArray::from(ByteArray::from(bytes.to_vec()));
        Some(match self {
            Self::Text | Self::Json => Values::Bytes(texts.map(|text| text.to_vec().into()).collect()),
            Self::Bytes => Values::Bytes(texts.map(|text| Some(unhex(text)?.into())).collect::<Option<_>>()?),
            Self::Boolean => Values::Boolean(texts.map(|text| text == b"t").collect()),
            Self::Smallint | Self::Integer => Values::Small(texts.map(parse::<i32>).collect::<Option<_>>()?),
            Self::Bigint => Values::Large(texts.map(parse::<i64>).collect::<Option<_>>()?),
            Self::Real => Values::Real(texts.map(parse::<f32>).collect::<Option<_>>()?),
            Self::Double => Values::Double(texts.map(parse::<f64>).collect::<Option<_>>()?),
            Self::Uuid => Values::Wide(texts.map(|text| Some(fixed(&uuid(text)?))).collect::<Option<_>>()?),
            Self::Date => Values::Small(texts.map(date).collect::<Option<_>>()?),
            Self::Time => Values::Large(texts.map(time).collect::<Option<_>>()?),
            Self::Timestamp => Values::Large(texts.map(timestamp::read_text).collect::<Option<_>>()?),
            Self::Timestamptz => Values::Large(texts.map(instant).collect::<Option<_>>()?),
            Self::Decimal(precision, scale) => {
                let numbers = texts.map(|text| decimal(text, precision, scale));
                match precision {
                    digits if digits <= SMALL => {
                        Values::Small(numbers.map(|number| i32::try_from(number?).ok()).collect::<Option<_>>()?)
                    }
                    digits if digits <= LARGE => {
                        Values::Large(numbers.map(|number| i64::try_from(number?).ok()).collect::<Option<_>>()?)
                    }
                    _ => {
                        Values::Wide(numbers.map(|number| Some(fixed(&number?.to_be_bytes()))).collect::<Option<_>>()?)
                    }
                }
            }
        })
    }

    /// Reads `rows` rows, and gives the text of each value to `put`; returns how many rows and values there were.
    ///
    /// # Errors
    /// A column of another physical type, a value that no column of this type holds, and what the decoder returns.
    pub(crate) fn read(
        self,
        reader: &mut ColumnReader,
        rows: usize,
        definitions: Option<&mut Vec<i16>>,
        repetitions: Option<&mut Vec<i16>>,
        mut put: impl FnMut(Vec<u8>),
    ) -> Result<(usize, usize)> {
        /// Reads values of one physical type and gives each one's text to `put`.
        macro_rules! read {
            ($reader:ident, $text:expr) => {{
                let mut values = Vec::with_capacity(rows);
                let (records, count, _) = $reader.read_records(rows, definitions, repetitions, &mut values)?;
                for value in values {
                    let text: Option<Vec<u8>> = ($text)(value);
                    put(text.ok_or_else(|| ParquetError::General(format!("a value is no {self:?}")))?);
                }
                Ok((records, count))
            }};
        }
        match (self, reader) {
            (Self::Boolean, ColumnReader::BoolColumnReader(reader)) => {
                read!(reader, |value: bool| Some(if value { b"t".to_vec() } else { b"f".to_vec() }))
            }
            (Self::Real, ColumnReader::FloatColumnReader(reader)) => {
                read!(reader, |value: f32| Some(real_text(value)))
            }
            (Self::Double, ColumnReader::DoubleColumnReader(reader)) => {
                read!(reader, |value: f64| Some(double_text(value)))
            }
            (_, ColumnReader::Int32ColumnReader(reader)) => {
                read!(reader, |value: i32| self.whole_text(value.into()))
            }
            (_, ColumnReader::Int64ColumnReader(reader)) => read!(reader, |value: i64| self.whole_text(value)),
            (Self::Text | Self::Json, ColumnReader::ByteArrayColumnReader(reader)) => {
                read!(reader, |value: ByteArray| {
                    std::str::from_utf8(value.data()).is_ok().then(|| value.data().to_vec())
                })
            }
            (Self::Bytes, ColumnReader::ByteArrayColumnReader(reader)) => {
                read!(reader, |value: ByteArray| Some(hex_text(value.data())))
            }
            (Self::Uuid, ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                read!(reader, |value: FixedLenByteArray| value.data().try_into().ok().map(|bytes| uuid_text(&bytes)))
            }
            (Self::Decimal(precision, scale), ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                read!(reader, |value: FixedLenByteArray| {
                    let value = value.data().first_chunk().map(|bytes| i128::from_be_bytes(*bytes));
                    value.and_then(|value| decimal_text(value, precision, scale))
                })
            }
            _ => Err(ParquetError::General(format!("a column is no {self:?}"))),
        }
    }

    fn whole_text(self, value: i64) -> Option<Vec<u8>> {
        match self {
            Self::Smallint => i16::try_from(value).ok().map(|value| value.to_string().into_bytes()),
            Self::Integer => i32::try_from(value).ok().map(|value| value.to_string().into_bytes()),
            Self::Bigint => Some(value.to_string().into_bytes()),
            Self::Decimal(precision, scale) => decimal_text(value.into(), precision, scale),
            Self::Date => i32::try_from(value).ok().map(date_text),
            Self::Time => time_text(value),
            Self::Timestamp => Some(timestamp_text(value)),
            Self::Timestamptz => Some(instant_text(value)),
            Self::Text | Self::Json | Self::Bytes | Self::Boolean | Self::Real | Self::Double | Self::Uuid => None,
        }
    }
}

pub(crate) fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// As PostgreSQL writes it: with the fewest digits that distinguish it from every other.
pub(crate) fn real_text(value: f32) -> Vec<u8> {
    float_text(&format!("{value:e}"), REAL_EXPONENT)
}

pub(crate) fn double_text(value: f64) -> Vec<u8> {
    float_text(&format!("{value:e}"), DOUBLE_EXPONENT)
}

/// From Rust's form with an exponent, which has the same digits.
fn float_text(scientific: &str, with_exponent: i32) -> Vec<u8> {
    let (sign, rest) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let Some((mantissa, exponent)) = rest.split_once('e') else {
        return match rest {
            "inf" => format!("{sign}Infinity"),
            _ => "NaN".to_owned(),
        }
        .into_bytes();
    };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let text = if (-4..with_exponent).contains(&exponent) {
        match usize::try_from(exponent) {
            Err(_) => format!("0.{}{digits}", "0".repeat((-exponent - 1).unsigned_abs() as usize)),
            Ok(place) if place + 1 >= digits.len() => format!("{digits}{}", "0".repeat(place + 1 - digits.len())),
            Ok(place) => format!("{}.{}", &digits[..=place], &digits[place + 1..]),
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
    };
    format!("{sign}{text}").into_bytes()
}

/// The number without its point; none for more digits after it than the column has, or fewer.
pub(super) fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, rest) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let point = rest.len().checked_sub(usize::from(scale) + 1).filter(|_| scale > 0);
    let mut value: i128 = 0;
    for (place, byte) in rest.iter().enumerate() {
        match byte {
            b'.' if point == Some(place) => {}
            b'0'..=b'9' if point != Some(place) => {
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
            }
            _ => return None,
        }
    }
    let value = if negative { -value } else { value };
    (!rest.is_empty() && fits(value, precision)).then_some(value)
}

fn fits(value: i128, precision: u8) -> bool {
    10_u128.checked_pow(precision.into()).is_none_or(|limit| value.unsigned_abs() < limit)
}

/// The text of a number without its point; none for more digits than `precision`.
pub(crate) fn decimal_text(value: i128, precision: u8, scale: u8) -> Option<Vec<u8>> {
    if !fits(value, precision) {
        return None;
    }
    let sign = if value < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale > 0 { "." } else { "" };
    Some(format!("{sign}{whole}{point}{fraction}").into_bytes())
}

pub(super) fn date(text: &[u8]) -> Option<i32> {
    match text {
        b"infinity" => return Some(i32::MAX),
        b"-infinity" => return Some(i32::MIN),
        _ => {}
    }
    let days = timestamp::read_date(text)?;
    i32::try_from(days).ok()
}

/// The text of a day, counted from 1970.
pub(crate) fn date_text(days: i32) -> Vec<u8> {
    match days {
        i32::MAX => b"infinity".to_vec(),
        i32::MIN => b"-infinity".to_vec(),
        days => timestamp::date_text(days.into()),
    }
}

pub(super) fn time(text: &[u8]) -> Option<i64> {
    if text == b"24:00:00" {
        return Some(DAY);
    }
    // A time is the rest of the first day's.
    timestamp::read_text(&[b"1970-01-01 ", text].concat())
}

/// The text of a time of day in microseconds; none for more than a day has.
pub(crate) fn time_text(micros: i64) -> Option<Vec<u8>> {
    match micros {
        DAY => Some(b"24:00:00".to_vec()),
        0..DAY => {
            let mut text = Vec::new();
            timestamp::write_text(micros, &mut text);
            Some(text.split_off(b"1970-01-01 ".len()))
        }
        _ => None,
    }
}

/// Microseconds since 1970 of an instant as PostgreSQL writes it in UTC; none for another text.
pub(crate) fn instant(text: &[u8]) -> Option<i64> {
    if let b"infinity" | b"-infinity" = text {
        return timestamp::read_text(text);
    }
    match text.strip_suffix(b" BC") {
        Some(text) => timestamp::read_text(&[text.strip_suffix(b"+00")?, b" BC"].concat()),
        None => timestamp::read_text(text.strip_suffix(b"+00")?),
    }
}

/// The text of [`instant`].
pub(crate) fn instant_text(micros: i64) -> Vec<u8> {
    let mut text = Vec::new();
    timestamp::write_text(micros, &mut text);
    if !matches!(micros, INFINITY | MINUS_INFINITY) {
        let end = if text.ends_with(b" BC") { text.len() - 3 } else { text.len() };
        text.splice(end..end, *b"+00");
    }
    text
}

fn timestamp_text(micros: i64) -> Vec<u8> {
    let mut text = Vec::new();
    timestamp::write_text(micros, &mut text);
    text
}

/// The canonical form only, lower-case and hyphenated: another would not come back byte for byte.
fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    uuid::Uuid::try_parse_ascii(text).ok().map(uuid::Uuid::into_bytes)
}

fn uuid_text(value: &[u8; 16]) -> Vec<u8> {
    uuid::Uuid::from_bytes(*value).hyphenated().to_string().into_bytes()
}

fn hex_text(bytes: &[u8]) -> Vec<u8> {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{digits}").into_bytes()
}

/// The bytes of PostgreSQL's text in hexadecimal; none for another text.
pub(crate) fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_prefix(b"\\x").filter(|digits| digits.len() % 2 == 0)?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits.chunks_exact(2).map(|pair| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8)).collect()
}
