//! Parquet's own form of types whose cells travel as text between an engine and an archive: numbers, dates, times and
//! instants. The text is PostgreSQL's; it becomes a value where a table is written, and the same text again where one is
//! read, so that nothing above this layer knows of it.
//!
//! `infinity` and `-infinity` are the ends of the range, as they are for [`super::timestamp`].

use std::borrow::Cow;

use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{
    ByteArray, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedColumnWriter;
use serde::{Deserialize, Serialize};

use super::batch::Strings;
use super::timestamp::{self, INFINITY, MINUS_INFINITY};

/// Digits that a 32-bit, a 64-bit and a 128-bit whole number hold for certain.
const SMALL: u8 = 9;
const LARGE: u8 = 18;
/// The most digits that Parquet's readers take.
pub(crate) const MAX_DIGITS: u8 = 38;
/// Bytes of a number of more than [`LARGE`] digits.
const WIDE: i32 = 16;
/// Microseconds of a day. PostgreSQL knows the time 24:00:00.
const DAY: i64 = 86_400_000_000;
/// Decimal exponents from which on PostgreSQL writes floating-point numbers with one.
const REAL_EXPONENT: i32 = 6;
const DOUBLE_EXPONENT: i32 = 15;

/// What a column is in the Parquet file beyond [`super::table_schema::Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Native {
    /// INT32, logical INTEGER(16, signed), of cells that are whole numbers.
    Smallint,
    /// FLOAT.
    Real,
    /// DOUBLE.
    Double,
    /// Logical DECIMAL of so many digits (1 to [`MAX_DIGITS`]), and so many of them after the point: INT32 up to 9 digits,
    /// INT64 up to 18, else FIXED_LEN_BYTE_ARRAY(16).
    Decimal(u8, u8),
    /// INT32, logical DATE: days since 1970-01-01.
    Date,
    /// INT64, logical TIME(MICROS, not adjusted to UTC).
    Time,
    /// INT64, logical TIMESTAMP(MICROS, adjusted to UTC).
    Timestamptz,
    /// BYTE_ARRAY, logical JSON.
    Json,
}

/// The values of a column, in the physical type that it has.
enum Values {
    Real(Vec<f32>),
    Double(Vec<f64>),
    Small(Vec<i32>),
    Large(Vec<i64>),
    Wide(Vec<FixedLenByteArray>),
}

impl Native {
    /// Its physical and its logical type, and the length of a value, -1 where it has none of its own.
    pub(crate) fn parquet(self) -> (Physical, Option<LogicalType>, i32) {
        match self {
            Self::Smallint => (Physical::INT32, Some(LogicalType::integer(16, true)), -1),
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
            Self::Date => (Physical::INT32, Some(LogicalType::Date), -1),
            Self::Time => (Physical::INT64, Some(LogicalType::time(false, TimeUnit::MICROS)), -1),
            Self::Timestamptz => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)), -1),
            Self::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json), -1),
        }
    }

    /// Digits and digits after the point, where it is a decimal number.
    pub(crate) fn decimal(self) -> Option<(u8, u8)> {
        match self {
            Self::Decimal(precision, scale) => Some((precision, scale)),
            _ => None,
        }
    }

    /// Whether its cells are text that is stored as something else.
    pub(crate) fn is_encoded(self) -> bool {
        !matches!(self, Self::Smallint | Self::Json)
    }

    /// Whether it is stored as a whole number.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self.parquet().0, Physical::INT32 | Physical::INT64)
    }

    /// Whether this text, as PostgreSQL writes it, would come back byte for byte.
    pub(crate) fn holds(self, text: &[u8]) -> bool {
        let same = |again: Option<Vec<u8>>| again.is_some_and(|again| again == text);
        match self {
            Self::Smallint | Self::Json => true,
            Self::Real => parse::<f32>(text).is_some(),
            Self::Double => parse::<f64>(text).is_some(),
            Self::Decimal(precision, scale) => {
                same(decimal(text, precision, scale).and_then(|value| decimal_text(value, precision, scale)))
            }
            Self::Date => same(date(text).map(date_text)),
            Self::Time => same(time(text).and_then(time_text)),
            Self::Timestamptz => same(instant(text).map(instant_text)),
        }
    }

    /// The text that PostgreSQL would have written for what an SQLite column of this declared type holds; none where the
    /// column's own text would not come back byte for byte.
    pub(crate) fn of_sqlite(self, declared: &str, text: &[u8]) -> Option<Cow<'static, [u8]>> {
        let own = |text: &[u8]| self.holds(text).then(|| Cow::Owned(text.to_vec()));
        if !declared.eq_ignore_ascii_case("REAL") {
            return match self {
                Self::Timestamptz => own(text.strip_suffix(b":00").filter(|rest| rest.ends_with(b"+00"))?),
                _ => own(text),
            };
        }
        let number = parse::<f64>(text)?;
        match self {
            Self::Double => Some(double_text(number).into()),
            Self::Real => {
                let narrow = real_text(number as f32);
                (parse::<f64>(&narrow)? == number).then_some(narrow.into())
            }
            Self::Decimal(_, scale) => {
                let text = format!("{number:.*}", usize::from(scale));
                if text.parse::<f64>() == Ok(number) { own(text.as_bytes()) } else { None }
            }
            _ => None,
        }
    }

    /// Writes a column.
    ///
    /// # Errors
    /// What the file answers, and a text that [`Native::holds`] not.
    pub(crate) fn write(self, writer: &mut SerializedColumnWriter<'_>, cells: &Strings, levels: &[i16]) -> Result<()> {
        let levels = (!levels.is_empty()).then_some(levels);
        match self.values(cells).ok_or_else(|| ParquetError::General(format!("a cell is no {self:?}")))? {
            Values::Real(values) => writer.typed::<FloatType>().write_batch(&values, levels, None)?,
            Values::Double(values) => writer.typed::<DoubleType>().write_batch(&values, levels, None)?,
            Values::Small(values) => writer.typed::<Int32Type>().write_batch(&values, levels, None)?,
            Values::Large(values) => writer.typed::<Int64Type>().write_batch(&values, levels, None)?,
            Values::Wide(values) => writer.typed::<FixedLenByteArrayType>().write_batch(&values, levels, None)?,
        };
        Ok(())
    }

    fn values(self, cells: &Strings) -> Option<Values> {
        fn all<T>(cells: &Strings, one: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
            (0..cells.len()).map(|index| one(cells.get(index))).collect()
        }
        Some(match self {
            Self::Smallint | Self::Json => return None,
            Self::Real => Values::Real(all(cells, parse::<f32>)?),
            Self::Double => Values::Double(all(cells, parse::<f64>)?),
            Self::Date => Values::Small(all(cells, date)?),
            Self::Time => Values::Large(all(cells, time)?),
            Self::Timestamptz => Values::Large(all(cells, instant)?),
            Self::Decimal(precision, scale) => {
                let number = |text: &[u8]| decimal(text, precision, scale);
                match precision {
                    digits if digits <= SMALL => Values::Small(all(cells, |text| i32::try_from(number(text)?).ok())?),
                    digits if digits <= LARGE => Values::Large(all(cells, |text| i64::try_from(number(text)?).ok())?),
                    _ => Values::Wide(all(cells, |text| {
                        let bytes = number(text)?.to_be_bytes().to_vec();
                        Some(FixedLenByteArray::from(ByteArray::from(bytes)))
                    })?),
                }
            }
        })
    }

    /// Reads `rows` rows of a column; answers how many rows and values there were, and the bytes of the texts.
    ///
    /// # Errors
    /// A column of another physical type, a value that no column of this type holds, and what the decoder answers.
    pub(crate) fn read(
        self,
        reader: &mut ColumnReader,
        rows: usize,
        levels: Option<&mut Vec<i16>>,
        out: &mut Strings,
    ) -> Result<((usize, usize), usize)> {
        let mut bytes = 0;
        let mut put = |text: Option<Vec<u8>>| {
            let text = text.ok_or_else(|| ParquetError::General(format!("a value is no {self:?}")))?;
            bytes += text.len();
            out.push(&text);
            Ok::<_, ParquetError>(())
        };
        let (records, values) = match (self, reader) {
            (Self::Real, ColumnReader::FloatColumnReader(reader)) => {
                let mut values = Vec::with_capacity(rows);
                let (records, count, _) = reader.read_records(rows, levels, None, &mut values)?;
                values.into_iter().try_for_each(|value| put(Some(real_text(value))))?;
                (records, count)
            }
            (Self::Double, ColumnReader::DoubleColumnReader(reader)) => {
                let mut values = Vec::with_capacity(rows);
                let (records, count, _) = reader.read_records(rows, levels, None, &mut values)?;
                values.into_iter().try_for_each(|value| put(Some(double_text(value))))?;
                (records, count)
            }
            (_, ColumnReader::Int32ColumnReader(reader)) => {
                let mut values = Vec::with_capacity(rows);
                let (records, count, _) = reader.read_records(rows, levels, None, &mut values)?;
                values.into_iter().try_for_each(|value| put(self.whole_text(value.into())))?;
                (records, count)
            }
            (_, ColumnReader::Int64ColumnReader(reader)) => {
                let mut values = Vec::with_capacity(rows);
                let (records, count, _) = reader.read_records(rows, levels, None, &mut values)?;
                values.into_iter().try_for_each(|value| put(self.whole_text(value)))?;
                (records, count)
            }
            (Self::Decimal(precision, scale), ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                let mut values: Vec<FixedLenByteArray> = Vec::with_capacity(rows);
                let (records, count, _) = reader.read_records(rows, levels, None, &mut values)?;
                values.iter().try_for_each(|value| {
                    let value = value.data().first_chunk().map(|bytes| i128::from_be_bytes(*bytes));
                    put(value.and_then(|value| decimal_text(value, precision, scale)))
                })?;
                (records, count)
            }
            _ => return Err(ParquetError::General(format!("a column is no {self:?}"))),
        };
        Ok(((records, values), bytes))
    }

    fn whole_text(self, value: i64) -> Option<Vec<u8>> {
        match self {
            Self::Decimal(precision, scale) => decimal_text(value.into(), precision, scale),
            Self::Date => i32::try_from(value).ok().map(date_text),
            Self::Time => time_text(value),
            Self::Timestamptz => Some(instant_text(value)),
            Self::Smallint | Self::Real | Self::Double | Self::Json => None,
        }
    }
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// As PostgreSQL writes it: as few digits as tell it from every other.
fn real_text(value: f32) -> Vec<u8> {
    float_text(&format!("{value:e}"), REAL_EXPONENT)
}

fn double_text(value: f64) -> Vec<u8> {
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
fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
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

fn date(text: &[u8]) -> Option<i32> {
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

fn time(text: &[u8]) -> Option<i64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn comes_back(native: Native, text: &str) {
        assert!(native.holds(text.as_bytes()), "{native:?} {text}");
        let again = match native {
            Native::Real => real_text(text.parse().unwrap()),
            Native::Double => double_text(text.parse().unwrap()),
            Native::Date => date_text(date(text.as_bytes()).unwrap()),
            Native::Time => time_text(time(text.as_bytes()).unwrap()).unwrap(),
            Native::Timestamptz => instant_text(instant(text.as_bytes()).unwrap()),
            Native::Decimal(precision, scale) => {
                decimal_text(decimal(text.as_bytes(), precision, scale).unwrap(), precision, scale).unwrap()
            }
            Native::Smallint | Native::Json => text.into(),
        };
        assert_eq!(String::from_utf8(again).unwrap(), text, "{native:?}");
    }

    /// The texts are what PostgreSQL 15 answers.
    #[test]
    fn texts_of_postgres_come_back() {
        for (native, texts) in [
            (Native::Real, &["0", "-0", "1.5", "0.1", "100000", "1e+06", "1.2345679e+08", "0.0001", "1e-05"][..]),
            (Native::Real, &["3.4028235e+38", "1e-45", "NaN", "Infinity", "-Infinity", "-2.5"]),
            (Native::Double, &["0", "0.1", "100000000000000", "1e+15", "1.2345678901234568e+17", "123456.789"]),
            (Native::Double, &["0.0001", "1e-05", "1.7976931348623157e+308", "5e-324", "NaN", "-Infinity", "-12"]),
            (Native::Decimal(10, 2), &["12.50", "0.00", "-0.05", "99999999.99", "-99999999.99"]),
            (Native::Decimal(5, 0), &["0", "-7", "99999"]),
            (Native::Decimal(3, 3), &["0.125", "-0.999"]),
            (Native::Decimal(38, 5), &["123456789012345678901234567890123.12345", "-0.00001"]),
            (
                Native::Date,
                &["2026-11-22", "1970-01-01", "0001-01-01", "0044-03-15 BC", "5874897-12-31", "4713-01-01 BC"],
            ),
            (Native::Date, &["infinity", "-infinity", "10000-01-01", "2000-02-29"]),
            (Native::Time, &["00:00:00", "18:30:00.5", "23:59:59.999999", "24:00:00"]),
            (Native::Timestamptz, &["2026-11-22 18:00:00.25+00", "0044-03-15 12:00:00+00 BC", "infinity", "-infinity"]),
        ] {
            texts.iter().for_each(|text| comes_back(native, text));
        }
        for (native, texts) in [
            (
                Native::Decimal(10, 2),
                &["NaN", "12.5", "12.500", "012.50", "100000000.00", "-0.00", "", "-", "1e5", "1.2.3"][..],
            ),
            (Native::Decimal(5, 0), &["1.", ".", "+1"]),
            (Native::Date, &["2026-02-30", "2026-1-01", "20261122", "2026-11-22 ", "0000-01-01", "", "12345678-01-01"]),
            (Native::Time, &["18:30", "25:00:00", "18:30:00.50", "18:30:00+00", ""]),
            (Native::Timestamptz, &["2026-11-22 18:00:00", "2026-11-22 18:00:00+01", "2026-11-22T18:00:00+00"]),
            (Native::Real, &["one", ""]),
        ] {
            texts.iter().for_each(|text| assert!(!native.holds(text.as_bytes()), "{native:?} {text}"));
        }
    }

    #[test]
    fn what_sqlite_holds_becomes_the_text_of_postgres_or_is_left_alone() {
        let text = |native: Native, declared: &str, text: &str| {
            native.of_sqlite(declared, text.as_bytes()).map(|text| String::from_utf8(text.into_owned()).unwrap())
        };
        assert_eq!(text(Native::Real, "REAL", "0.10000000000000001").as_deref(), Some("0.1"));
        // Of more digits than 32 bits hold.
        assert_eq!(text(Native::Real, "REAL", "0.10000000149011612"), None);
        assert_eq!(text(Native::Double, "REAL", "100.0").as_deref(), Some("100"));
        assert_eq!(text(Native::Decimal(10, 2), "REAL", "12.5").as_deref(), Some("12.50"));
        assert_eq!(text(Native::Decimal(10, 2), "REAL", "12.125"), None);
        assert_eq!(text(Native::Decimal(20, 2), "TEXT", "12.50").as_deref(), Some("12.50"));
        assert_eq!(text(Native::Decimal(20, 2), "TEXT", "12.5"), None);
        let at = "2026-11-22 18:00:00.25+00";
        assert_eq!(text(Native::Timestamptz, "TEXT", &format!("{at}:00")).as_deref(), Some(at));
        assert_eq!(text(Native::Timestamptz, "TEXT", "2026-11-22T18:00:00+00:00"), None);
        assert_eq!(text(Native::Timestamptz, "TEXT", "2026-11-22 18:00:00+05:30"), None);
        assert_eq!(text(Native::Date, "TEXT", "2026-11-22").as_deref(), Some("2026-11-22"));
        assert_eq!(text(Native::Time, "TEXT", "18:30:00.500000"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_value_comes_back(days: i32, micros: i64, number: i64, double: f64, real: f32) {
            proptest::prop_assert_eq!(date(&date_text(days)), Some(days));
            let of_day = micros.rem_euclid(DAY);
            proptest::prop_assert_eq!(time(&time_text(of_day).unwrap()), Some(of_day));
            let wide = decimal_text(number.into(), 38, 7).unwrap();
            proptest::prop_assert_eq!(decimal(&wide, 38, 7), Some(number.into()));
            proptest::prop_assert_eq!(parse::<f64>(&double_text(double)), Some(double));
            proptest::prop_assert_eq!(parse::<f32>(&real_text(real)), Some(real));
        }

        #[test]
        fn no_text_makes_it_panic(text: Vec<u8>, scale in 0_u8..9) {
            for native in [Native::Decimal(9, scale), Native::Date, Native::Time, Native::Timestamptz, Native::Double] {
                native.holds(&text);
                native.of_sqlite("REAL", &text);
            }
        }
    }
}
