//! The engine-neutral type of a column: every type that an entity can ask for, with its parameters.
//!
//! How each engine stores one is [`super::dialect`]'s part, which values one takes is [`super::literal`]'s. The JSON form
//! is a name (`"text"`, `"timestamp"`) or a name with parameters (`{"varChar": 20}`, `{"numeric": [10, 2]}`).

use serde::{Deserialize, Serialize};

/// The digits after the second that PostgreSQL keeps when none are asked for.
pub(crate) const MICROSECONDS: u8 = 6;

/// The longest that PostgreSQL takes as the length of `varchar(n)` and `char(n)`.
pub(crate) const MAX_LENGTH: u32 = 10_485_760;

/// The most digits that PostgreSQL takes as the precision of `numeric`.
pub(crate) const MAX_PRECISION: u32 = 1_000;

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum Kind {
    /// Text of any length.
    Text,
    /// Text of at most so many characters, or of any length.
    VarChar(Option<u32>),
    /// Text of exactly so many characters, blank-padded by PostgreSQL.
    Char(u32),
    /// Whole number, 16 bits.
    SmallInteger,
    /// Whole number, 32 bits on PostgreSQL.
    Integer,
    /// Whole number, 64 bits.
    BigInteger,
    /// Floating-point number, 32 bits on PostgreSQL.
    Real,
    /// Floating-point number, 64 bits.
    Double,
    /// Exact number of so many digits, of which so many after the point; of any size and scale where none are given.
    Numeric(Option<(u32, u32)>),
    /// Truth value; 0 or 1 on SQLite.
    Boolean,
    /// UUID; text on SQLite.
    Uuid,
    /// Date and time in UTC, without a zone, with so many digits after the second; text on SQLite.
    Timestamp(u8),
    /// Instant, with so many digits after the second; text with an offset on SQLite.
    TimestampTz(u8),
    /// Date; text on SQLite.
    Date,
    /// Time of day, with so many digits after the second; text on SQLite.
    Time(u8),
    /// Length of time, in PostgreSQL's form; text on SQLite.
    Interval,
    /// JSON as it was written.
    Json,
    /// JSON as a value: `jsonb`.
    JsonBinary,
    /// Bytes.
    Bytes,
    /// IP address with or without a netmask; text on SQLite.
    Inet,
    /// IP network; text on SQLite.
    Cidr,
    /// MAC address; text on SQLite.
    MacAddr,
    /// Exactly so many bits; text of 0 and 1 on SQLite.
    Bit(u32),
    /// At most so many bits, or any number; text of 0 and 1 on SQLite.
    VarBit(Option<u32>),
    /// One of several texts; a type of its own on PostgreSQL.
    Enum(EnumType),
    /// A list of values; a JSON array on SQLite.
    Array(Box<Kind>),
    /// A live column's type that no entity can ask for, as its engine writes it.
    Unsupported(String),
}

/// A type whose values are listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnumType {
    /// Name, without a schema.
    pub name: String,
    /// The values in their order.
    pub values: Vec<String>,
}

impl Kind {
    /// The enum type that it is, or is a list of.
    pub fn enum_type(&self) -> Option<&EnumType> {
        match self {
            Self::Enum(of) => Some(of),
            Self::Array(of) => of.enum_type(),
            _ => None,
        }
    }

    /// Whether another role than a superuser may have declared what a cast of it does on PostgreSQL: the owner of a type
    /// may.
    pub(crate) fn has_foreign_casts(&self) -> bool {
        match self {
            Self::Enum(_) | Self::Unsupported(_) => true,
            Self::Array(of) => of.has_foreign_casts(),
            _ => false,
        }
    }

    /// The type that PostgreSQL calls by this name, as `format_type` gives it or a person may write it; none where no
    /// entity can ask for it.
    pub(crate) fn from_postgres(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if let Some(element) = text.strip_suffix("[]") {
            let element = Self::from_postgres(element)?;
            return (!matches!(element, Self::Array(_))).then(|| Self::Array(Box::new(element)));
        }
        let (name, numbers) = match text.split_once('(') {
            None => (text.clone(), Vec::new()),
            Some((before, rest)) => {
                let (inside, after) = rest.split_once(')')?;
                let numbers: Result<Vec<u32>, _> = inside.split(',').map(|number| number.trim().parse()).collect();
                (format!("{}{after}", before.trim_end()), numbers.ok()?)
            }
        };
        let one = || numbers.first().copied();
        let digits = || one().map_or(Some(MICROSECONDS), |given| u8::try_from(given).ok().filter(|given| *given <= 6));
        let kind = match (name.as_str(), numbers.len()) {
            ("text", 0) => Self::Text,
            ("character varying" | "varchar", 0 | 1) => Self::VarChar(one()),
            ("character" | "char" | "bpchar", 1) => Self::Char(one()?),
            ("character" | "char", 0) => Self::Char(1),
            ("smallint" | "int2", 0) => Self::SmallInteger,
            ("integer" | "int" | "int4", 0) => Self::Integer,
            ("bigint" | "int8", 0) => Self::BigInteger,
            ("real" | "float4", 0) => Self::Real,
            ("double precision" | "float8", 0) => Self::Double,
            ("numeric" | "decimal", 0) => Self::Numeric(None),
            ("numeric" | "decimal", 1) => Self::Numeric(Some((one()?, 0))),
            ("numeric" | "decimal", 2) => Self::Numeric(Some((one()?, numbers[1]))),
            ("boolean" | "bool", 0) => Self::Boolean,
            ("uuid", 0) => Self::Uuid,
            ("timestamp" | "timestamp without time zone", 0 | 1) => Self::Timestamp(digits()?),
            ("timestamptz" | "timestamp with time zone", 0 | 1) => Self::TimestampTz(digits()?),
            ("date", 0) => Self::Date,
            ("time" | "time without time zone", 0 | 1) => Self::Time(digits()?),
            ("interval", 0) => Self::Interval,
            ("json", 0) => Self::Json,
            ("jsonb", 0) => Self::JsonBinary,
            ("bytea", 0) => Self::Bytes,
            ("inet", 0) => Self::Inet,
            ("cidr", 0) => Self::Cidr,
            ("macaddr", 0) => Self::MacAddr,
            ("bit", 0) => Self::Bit(1),
            ("bit", 1) => Self::Bit(one()?),
            ("bit varying" | "varbit", 0 | 1) => Self::VarBit(one()),
            _ => return None,
        };
        Some(kind)
    }

    /// Whether every value of this type is one of `to`, unaltered.
    pub(crate) fn widens_to(&self, to: &Self) -> bool {
        use Kind::{
            Array, BigInteger, Boolean, Bytes, Char, Cidr, Date, Double, Enum, Inet, Integer, Interval, Json,
            JsonBinary, MacAddr, Numeric, Real, SmallInteger, Text, Time, Timestamp, TimestampTz, Unsupported, Uuid,
            VarBit, VarChar,
        };
        // Digits that whole numbers need before the point.
        let room = |to: &Option<(u32, u32)>, digits: u32| {
            to.is_none_or(|(precision, scale)| precision.saturating_sub(scale) >= digits)
        };
        let at_least = |from: &Option<u32>, to: &Option<u32>| match (from, to) {
            (_, None) => true,
            (Some(from), Some(to)) => from <= to,
            (None, Some(_)) => false,
        };
        match (self, to) {
            (from, to) if from == to => true,
            (Unsupported(_), _) | (_, Unsupported(_)) => false,
            (SmallInteger, Integer | BigInteger | Real | Double)
            | (Integer, BigInteger | Double)
            | (Real, Double)
            | (Boolean, SmallInteger | Integer | BigInteger | Double)
            | (Date, Timestamp(_) | TimestampTz(_))
            | (Cidr, Inet) => true,
            (SmallInteger, Numeric(to)) => room(to, 5),
            (Integer, Numeric(to)) => room(to, 10),
            (BigInteger, Numeric(to)) => room(to, 19),
            (Numeric(Some((from, scale))), Numeric(Some((to, wider)))) => {
                wider >= scale && to.saturating_sub(*wider) >= from.saturating_sub(*scale)
            }
            (Numeric(Some(_)), Numeric(None)) => true,
            (VarChar(from), VarChar(to)) | (VarBit(from), VarBit(to)) => at_least(from, to),
            (Text, VarChar(None)) => true,
            (
                VarChar(_) | SmallInteger | Integer | BigInteger | Boolean | Uuid | Timestamp(_) | TimestampTz(_)
                | Date | Time(_) | Interval | Json | JsonBinary | Bytes | Inet | Cidr | MacAddr | Enum(_) | Numeric(_),
                Text | VarChar(None),
            ) => true,
            (Char(from), Char(to)) => from <= to,
            (Timestamp(from), Timestamp(to) | TimestampTz(to))
            | (TimestampTz(from), TimestampTz(to) | Timestamp(to))
            | (Time(from), Time(to)) => from <= to,
            (Enum(from), Enum(to)) => from.values.iter().all(|value| to.values.contains(value)),
            (Array(from), Array(to)) => from.widens_to(to),
            _ => false,
        }
    }
}

/// The JSON form. A type without parameters is a name alone, so that snapshots stay readable as types gain parameters.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Plain(Plain),
    With(With),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Plain {
    Text,
    VarChar,
    SmallInteger,
    Integer,
    BigInteger,
    Real,
    Double,
    Numeric,
    Boolean,
    Uuid,
    Timestamp,
    TimestampTz,
    Date,
    Time,
    Interval,
    Json,
    JsonBinary,
    Bytes,
    Inet,
    Cidr,
    MacAddr,
    VarBit,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum With {
    VarChar(u32),
    Char(u32),
    Numeric(u32, u32),
    Timestamp(u8),
    TimestampTz(u8),
    Time(u8),
    Bit(u32),
    VarBit(u32),
    Enum(EnumType),
    Array(Box<Kind>),
    Unsupported(String),
}

impl From<Form> for Kind {
    fn from(form: Form) -> Self {
        match form {
            Form::Plain(plain) => match plain {
                Plain::Text => Self::Text,
                Plain::VarChar => Self::VarChar(None),
                Plain::SmallInteger => Self::SmallInteger,
                Plain::Integer => Self::Integer,
                Plain::BigInteger => Self::BigInteger,
                Plain::Real => Self::Real,
                Plain::Double => Self::Double,
                Plain::Numeric => Self::Numeric(None),
                Plain::Boolean => Self::Boolean,
                Plain::Uuid => Self::Uuid,
                Plain::Timestamp => Self::Timestamp(MICROSECONDS),
                Plain::TimestampTz => Self::TimestampTz(MICROSECONDS),
                Plain::Date => Self::Date,
                Plain::Time => Self::Time(MICROSECONDS),
                Plain::Interval => Self::Interval,
                Plain::Json => Self::Json,
                Plain::JsonBinary => Self::JsonBinary,
                Plain::Bytes => Self::Bytes,
                Plain::Inet => Self::Inet,
                Plain::Cidr => Self::Cidr,
                Plain::MacAddr => Self::MacAddr,
                Plain::VarBit => Self::VarBit(None),
            },
            Form::With(with) => match with {
                With::VarChar(length) => Self::VarChar(Some(length)),
                With::Char(length) => Self::Char(length),
                With::Numeric(precision, scale) => Self::Numeric(Some((precision, scale))),
                With::Timestamp(digits) => Self::Timestamp(digits),
                With::TimestampTz(digits) => Self::TimestampTz(digits),
                With::Time(digits) => Self::Time(digits),
                With::Bit(length) => Self::Bit(length),
                With::VarBit(length) => Self::VarBit(Some(length)),
                With::Enum(of) => Self::Enum(of),
                With::Array(of) => Self::Array(of),
                With::Unsupported(text) => Self::Unsupported(text),
            },
        }
    }
}

impl From<Kind> for Form {
    fn from(kind: Kind) -> Self {
        let plain = match kind {
            Kind::Text => Plain::Text,
            Kind::VarChar(None) => Plain::VarChar,
            Kind::SmallInteger => Plain::SmallInteger,
            Kind::Integer => Plain::Integer,
            Kind::BigInteger => Plain::BigInteger,
            Kind::Real => Plain::Real,
            Kind::Double => Plain::Double,
            Kind::Numeric(None) => Plain::Numeric,
            Kind::Boolean => Plain::Boolean,
            Kind::Uuid => Plain::Uuid,
            Kind::Timestamp(MICROSECONDS) => Plain::Timestamp,
            Kind::TimestampTz(MICROSECONDS) => Plain::TimestampTz,
            Kind::Date => Plain::Date,
            Kind::Time(MICROSECONDS) => Plain::Time,
            Kind::Interval => Plain::Interval,
            Kind::Json => Plain::Json,
            Kind::JsonBinary => Plain::JsonBinary,
            Kind::Bytes => Plain::Bytes,
            Kind::Inet => Plain::Inet,
            Kind::Cidr => Plain::Cidr,
            Kind::MacAddr => Plain::MacAddr,
            Kind::VarBit(None) => Plain::VarBit,
            Kind::VarChar(Some(length)) => return Self::With(With::VarChar(length)),
            Kind::Char(length) => return Self::With(With::Char(length)),
            Kind::Numeric(Some((precision, scale))) => return Self::With(With::Numeric(precision, scale)),
            Kind::Timestamp(digits) => return Self::With(With::Timestamp(digits)),
            Kind::TimestampTz(digits) => return Self::With(With::TimestampTz(digits)),
            Kind::Time(digits) => return Self::With(With::Time(digits)),
            Kind::Bit(length) => return Self::With(With::Bit(length)),
            Kind::VarBit(Some(length)) => return Self::With(With::VarBit(length)),
            Kind::Enum(of) => return Self::With(With::Enum(of)),
            Kind::Array(of) => return Self::With(With::Array(of)),
            Kind::Unsupported(text) => return Self::With(With::Unsupported(text)),
        };
        Self::Plain(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Kind> {
        let mood = EnumType { name: "mood".into(), values: vec!["good".into(), "it's".into()] };
        vec![
            Kind::Text,
            Kind::VarChar(None),
            Kind::VarChar(Some(20)),
            Kind::Char(3),
            Kind::SmallInteger,
            Kind::Integer,
            Kind::BigInteger,
            Kind::Real,
            Kind::Double,
            Kind::Numeric(None),
            Kind::Numeric(Some((10, 2))),
            Kind::Boolean,
            Kind::Uuid,
            Kind::Timestamp(6),
            Kind::Timestamp(3),
            Kind::TimestampTz(6),
            Kind::TimestampTz(0),
            Kind::Date,
            Kind::Time(6),
            Kind::Time(0),
            Kind::Interval,
            Kind::Json,
            Kind::JsonBinary,
            Kind::Bytes,
            Kind::Inet,
            Kind::Cidr,
            Kind::MacAddr,
            Kind::Bit(4),
            Kind::VarBit(None),
            Kind::VarBit(Some(8)),
            Kind::Enum(mood.clone()),
            Kind::Array(Box::new(Kind::Integer)),
            Kind::Array(Box::new(Kind::Enum(mood))),
        ]
    }

    #[test]
    fn json_comes_back_and_types_without_parameters_are_names() {
        for kind in every() {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<Kind>(&json).unwrap(), kind, "{json}");
        }
        assert_eq!(serde_json::to_string(&Kind::Timestamp(6)).unwrap(), "\"timestamp\"");
        assert_eq!(serde_json::to_string(&Kind::Numeric(Some((10, 2)))).unwrap(), "{\"numeric\":[10,2]}");
    }

    #[test]
    fn postgres_names_are_read_back() {
        for kind in every().into_iter().filter(|kind| kind.enum_type().is_none()) {
            let name = crate::schema::dialect::postgres::kind(&kind);
            assert_eq!(Kind::from_postgres(&name), Some(kind), "{name}");
        }
        assert_eq!(Kind::from_postgres("timestamp(6) without time zone"), Some(Kind::Timestamp(6)));
        for other in ["\"char\"", "money", "tsvector", "interval day to second", "numeric(2,-3)", "integer[][]", ""] {
            assert_eq!(Kind::from_postgres(other), None, "{other}");
        }
    }

    #[test]
    fn what_widens_one_way_narrows_the_other() {
        let kinds = every();
        for from in &kinds {
            assert!(from.widens_to(from));
        }
        for (narrow, wide) in [
            (Kind::VarChar(Some(10)), Kind::VarChar(Some(20))),
            (Kind::VarChar(Some(10)), Kind::VarChar(None)),
            (Kind::SmallInteger, Kind::Integer),
            (Kind::Integer, Kind::Numeric(Some((12, 2)))),
            (Kind::Numeric(Some((10, 2))), Kind::Numeric(Some((12, 2)))),
            (Kind::Timestamp(3), Kind::Timestamp(6)),
            (Kind::Array(Box::new(Kind::SmallInteger)), Kind::Array(Box::new(Kind::BigInteger))),
        ] {
            assert!(narrow.widens_to(&wide), "{narrow:?} {wide:?}");
            assert!(!wide.widens_to(&narrow), "{wide:?} {narrow:?}");
        }
        assert!(!Kind::Integer.widens_to(&Kind::Numeric(Some((10, 2)))));
        assert!(!Kind::Numeric(Some((10, 2))).widens_to(&Kind::Numeric(Some((11, 4)))));
    }
}
