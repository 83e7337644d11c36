//! Parquet's own form of types whose cells travel as text between an engine and an archive. The text is PostgreSQL's; it
//! becomes a value ([`Scalar`]) or a list of values where a table is written, and the same text again where one is read, so
//! that nothing above this layer knows of it.

use std::borrow::Cow;

use parquet::basic::{LogicalType, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::errors::Result;
use parquet::file::writer::SerializedColumnWriter;
use serde::{Deserialize, Serialize};

use super::list;
use super::scalar::{Scalar, double_text, parse, real_text};
use super::strings::Strings;

/// What a column is in the Parquet file beyond [`super::table_schema::Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Native {
    /// [`Scalar::Smallint`], of cells that are whole numbers.
    Smallint,
    /// [`Scalar::Real`].
    Real,
    /// [`Scalar::Double`].
    Double,
    /// [`Scalar::Decimal`].
    Decimal(u8, u8),
    /// [`Scalar::Date`].
    Date,
    /// [`Scalar::Time`].
    Time,
    /// [`Scalar::Timestamptz`].
    Timestamptz,
    /// [`Scalar::Json`].
    Json,
    /// A LIST of these, as [`list`] lays it out. Since version 3 of the format.
    List(Scalar),
}

impl Native {
    /// What its values are: a list's elements.
    pub(crate) fn scalar(self) -> Scalar {
        match self {
            Self::Smallint => Scalar::Smallint,
            Self::Real => Scalar::Real,
            Self::Double => Scalar::Double,
            Self::Decimal(precision, scale) => Scalar::Decimal(precision, scale),
            Self::Date => Scalar::Date,
            Self::Time => Scalar::Time,
            Self::Timestamptz => Scalar::Timestamptz,
            Self::Json => Scalar::Json,
            Self::List(of) => of,
        }
    }

    /// Its elements, where it is a list.
    pub(crate) fn list(self) -> Option<Scalar> {
        match self {
            Self::List(of) => Some(of),
            _ => None,
        }
    }

    /// Physical and logical type of its values, and the length of one, -1 where it has none of its own.
    pub(crate) fn parquet(self) -> (Physical, Option<LogicalType>, i32) {
        self.scalar().parquet()
    }

    /// Digits and digits after the point, where it is a decimal number.
    pub(crate) fn decimal(self) -> Option<(u8, u8)> {
        self.scalar().decimal().filter(|_| self.list().is_none())
    }

    /// Whether its cells are text that is stored as something else.
    pub(crate) fn is_encoded(self) -> bool {
        !matches!(self, Self::Smallint | Self::Json)
    }

    /// Whether it is stored as a whole number.
    pub(crate) fn is_whole(self) -> bool {
        self.list().is_none() && matches!(self.parquet().0, Physical::INT32 | Physical::INT64)
    }

    /// Whether this text, as PostgreSQL writes it, would come back byte for byte.
    pub(crate) fn holds(self, text: &[u8]) -> bool {
        match self {
            Self::Smallint => true,
            Self::List(of) => list::holds(of, text),
            single => single.scalar().holds(text),
        }
    }

    /// The text that PostgreSQL would have written for what an SQLite column of this declared type holds; none where the
    /// column's own text would not come back byte for byte.
    pub(crate) fn of_sqlite(self, declared: &str, text: &[u8]) -> Option<Cow<'static, [u8]>> {
        let own = |text: &[u8]| self.holds(text).then(|| Cow::Owned(text.to_vec()));
        if !declared.eq_ignore_ascii_case("REAL") {
            return match self {
                Self::Timestamptz => own(text.strip_suffix(b":00").filter(|rest| rest.ends_with(b"+00"))?),
                Self::List(of) => {
                    list::of_json(of, std::str::from_utf8(text).ok()?).map(|text| text.into_bytes().into())
                }
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

    /// Writes a column; `levels` are 1 for a cell and 0 for NULL, empty where none can be NULL.
    ///
    /// # Errors
    /// What the file returns, and a text that [`Native::holds`] not.
    pub(crate) fn write(self, writer: &mut SerializedColumnWriter<'_>, cells: &Strings, levels: &[i16]) -> Result<()> {
        match self {
            Self::List(of) => list::write(of, writer, cells, levels),
            single => single.scalar().write(writer, (0..cells.len()).map(|index| cells.get(index)), levels, &[]),
        }
    }

    /// Reads `rows` rows of a column; returns how many rows and cells there were, and the bytes of the texts.
    ///
    /// # Errors
    /// A column of another physical type, a value that no column of this type holds, and what the decoder returns.
    pub(crate) fn read(
        self,
        reader: &mut ColumnReader,
        rows: usize,
        levels: Option<&mut Vec<i16>>,
        out: &mut Strings,
    ) -> Result<((usize, usize), usize)> {
        if let Self::List(of) = self {
            return list::read(of, reader, rows, levels, out);
        }
        let mut bytes = 0;
        let read = self.scalar().read(reader, rows, levels, None, |text| {
            bytes += text.len();
            out.push(&text);
        })?;
        Ok((read, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scalar::{DAY, date, date_text, decimal, decimal_text, instant, instant_text, time, time_text};
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
            Native::Smallint | Native::Json | Native::List(_) => text.into(),
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
