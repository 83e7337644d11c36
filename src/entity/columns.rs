//! Rows by their columns: as JSON, as text, read back from text, and completed with the columns' own defaults. So a new
//! column needs no line of code beside its field.

use std::borrow::Cow;
use std::str::FromStr;

use sea_orm::sea_query::{ArrayType, ColumnType, Expr, Keyword, OptionEnum, PostgresQueryBuilder, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IdenStatic, IntoActiveModel, Iterable, ModelTrait,
    PrimaryKeyToColumn, PrimaryKeyTrait, TryIntoModel, Value,
};
use serde::ser::{Serialize, SerializeMap, Serializer};
use uuid::Uuid;

use super::privacy::Mask;
use super::registry;
use super::types::{Id, Timestamp};

/// All columns of a table for a SELECT or RETURNING of our own, of the table called `table` there: what SeaORM reads by a
/// cast (`select_as`, an enum) has it here too, so that a row can be read as the entity's model.
pub(crate) fn read_list<E: EntityTrait>(table: Option<&str>) -> String {
    E::Column::iter().map(|column| read(column, table)).collect::<Vec<_>>().join(", ")
}

/// One of [`read_list`].
pub(crate) fn read(column: impl ColumnTrait, table: Option<&str>) -> String {
    let name = format!("\"{}\"", column.as_str());
    let plain = table.map_or_else(|| name.clone(), |table| format!("{table}.{name}"));
    let select = Query::select().expr(column.select_as(Expr::cust(plain.clone()))).to_string(PostgresQueryBuilder);
    match select.strip_prefix("SELECT ") {
        Some(read) if read != plain => format!("{read} AS {name}"),
        _ => plain,
    }
}

/// Serialises a row under its columns' names, without its secrets.
///
/// # Errors
/// The serialiser's.
pub(crate) fn serialize<M, C, S>(row: &M, declared: &[(C, Mask)], to: S) -> Result<S::Ok, S::Error>
where
    M: ModelTrait<Entity: EntityTrait<Column = C>>,
    C: ColumnTrait + Iterable,
    S: Serializer,
{
    let mut map = to.serialize_map(None)?;
    for column in C::iter() {
        if !is_secret(column, declared) {
            map.serialize_entry(column.as_str(), &Json(&row.get(column)))?;
        }
    }
    map.end()
}

/// Whether a column is never shown in an answer.
pub(crate) fn is_secret<C: ColumnTrait>(column: C, declared: &[(C, Mask)]) -> bool {
    declared.iter().any(|(secret, mask)| *mask == Mask::Secret && secret.as_str() == column.as_str())
}

/// A value as JSON: numbers and truth values as such, JSON as it is, times in RFC 3339, everything else as text.
pub(crate) struct Json<'a>(pub &'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => value.serialize(to),
            Value::TinyInt(value) => value.serialize(to),
            Value::SmallInt(value) => value.serialize(to),
            Value::Int(value) => value.serialize(to),
            Value::BigInt(value) => value.serialize(to),
            Value::TinyUnsigned(value) => value.serialize(to),
            Value::SmallUnsigned(value) => value.serialize(to),
            Value::Unsigned(value) => value.serialize(to),
            Value::BigUnsigned(value) => value.serialize(to),
            // The shortest digits that mean it, which a number of 64 bits with the same value does not have.
            Value::Float(value) => value.and_then(|value| value.to_string().parse::<f64>().ok()).serialize(to),
            Value::Double(value) => value.serialize(to),
            Value::String(value) => value.serialize(to),
            Value::Uuid(value) => value.map(Id).serialize(to),
            Value::ChronoDateTime(value) => value.map(Timestamp).serialize(to),
            Value::Json(value) => value.serialize(to),
            Value::Array(_, values) => match values {
                Some(values) => to.collect_seq(values.iter().map(Json)),
                None => to.serialize_none(),
            },
            other => text(other).serialize(to),
        }
    }
}

/// A value as text for programs: plain digits, RFC 3339 in UTC, bytes as `\x…` in hexadecimal; `None` for NULL.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => value.map(|value| value.to_string()),
        Value::TinyInt(value) => value.map(|value| value.to_string()),
        Value::SmallInt(value) => value.map(|value| value.to_string()),
        Value::Int(value) => value.map(|value| value.to_string()),
        Value::BigInt(value) => value.map(|value| value.to_string()),
        Value::TinyUnsigned(value) => value.map(|value| value.to_string()),
        Value::SmallUnsigned(value) => value.map(|value| value.to_string()),
        Value::Unsigned(value) => value.map(|value| value.to_string()),
        Value::BigUnsigned(value) => value.map(|value| value.to_string()),
        Value::Float(value) => value.map(|value| value.to_string()),
        Value::Double(value) => value.map(|value| value.to_string()),
        Value::String(value) => value.clone(),
        Value::Enum(OptionEnum::Some(value)) => Some(value.value.to_string()),
        Value::Enum(OptionEnum::None(_)) => None,
        Value::Char(value) => value.map(String::from),
        Value::Bytes(value) => value.as_ref().map(|bytes| {
            bytes.iter().fold("\\x".to_owned(), |text, byte| {
                let digit = |four: u8| char::from_digit(four.into(), 16).unwrap_or('0');
                text + &String::from_iter([digit(byte >> 4), digit(byte & 15)])
            })
        }),
        Value::Json(value) => value.as_ref().map(ToString::to_string),
        Value::ChronoDate(value) => value.map(|value| value.to_string()),
        Value::ChronoTime(value) => value.map(|value| value.to_string()),
        Value::ChronoDateTime(value) => value.map(|value| Timestamp(value).to_string()),
        Value::ChronoDateTimeUtc(value) => value.map(|value| Timestamp::from(value).to_string()),
        Value::ChronoDateTimeLocal(value) => value.map(|value| Timestamp::from(value.to_utc()).to_string()),
        Value::ChronoDateTimeWithTimeZone(value) => value.map(|value| Timestamp::from(value.to_utc()).to_string()),
        Value::Uuid(value) => value.map(|value| Id(value).to_string()),
        Value::Decimal(value) => value.map(|value| value.to_string()),
        Value::IpNetwork(value) => value.map(|value| value.to_string()),
        Value::MacAddress(value) => value.map(|value| value.to_string().to_ascii_lowercase()),
        Value::Array(_, values) => {
            values.as_ref().map(|values| serde_json::json!(values.iter().map(Json).collect::<Vec<_>>()).to_string())
        }
        other => Some(format!("{other:?}")),
    }
}

/// Reads a value of a column's type from text in the form of [`text`].
///
/// # Errors
/// What would have been accepted.
pub(crate) fn parse(kind: &ArrayType, text: &str) -> Result<Value, &'static str> {
    fn read<T: FromStr + Into<Value>>(text: &str, accepted: &'static str) -> Result<Value, &'static str> {
        text.parse::<T>().map(Into::into).map_err(|_| accepted)
    }
    const WHOLE: &str = "a whole number in the range of the column";
    match kind {
        ArrayType::Bool => match text {
            "true" | "t" | "yes" | "1" => Ok(true.into()),
            "false" | "f" | "no" | "0" => Ok(false.into()),
            _ => Err("true or false"),
        },
        ArrayType::TinyInt => read::<i8>(text, WHOLE),
        ArrayType::SmallInt => read::<i16>(text, WHOLE),
        ArrayType::Int => read::<i32>(text, WHOLE),
        ArrayType::BigInt => read::<i64>(text, WHOLE),
        ArrayType::TinyUnsigned => read::<u8>(text, WHOLE),
        ArrayType::SmallUnsigned => read::<u16>(text, WHOLE),
        ArrayType::Unsigned => read::<u32>(text, WHOLE),
        ArrayType::BigUnsigned => read::<u64>(text, WHOLE),
        ArrayType::Float => read::<f32>(text, "a number"),
        ArrayType::Double => read::<f64>(text, "a number"),
        ArrayType::String if text.contains('\0') => Err("text without the character NUL"),
        ArrayType::String => Ok(text.into()),
        ArrayType::Enum(name) => Ok(Value::Enum(OptionEnum::Some(Box::new(sea_orm::sea_query::Enum {
            type_name: (**name).clone(),
            value: text.to_owned().into(),
        })))),
        ArrayType::Char => read::<char>(text, "one character"),
        ArrayType::Bytes => bytes(text).map(Into::into).ok_or(r"bytes in hexadecimal, such as \xc0ffee"),
        ArrayType::Json => read::<serde_json::Value>(text, "JSON"),
        ArrayType::ChronoDate => read::<chrono::NaiveDate>(text, "a date, such as 2026-11-22"),
        ArrayType::ChronoTime => read::<chrono::NaiveTime>(text, "a time of day, such as 18:00:00"),
        ArrayType::ChronoDateTime => read::<Timestamp>(text, TIME),
        ArrayType::ChronoDateTimeUtc | ArrayType::ChronoDateTimeLocal | ArrayType::ChronoDateTimeWithTimeZone => {
            let at = text.parse::<Timestamp>().map_err(|_| TIME)?.utc();
            Ok(match kind {
                ArrayType::ChronoDateTimeUtc => at.into(),
                ArrayType::ChronoDateTimeLocal => at.with_timezone(&chrono::Local).into(),
                _ => at.fixed_offset().into(),
            })
        }
        ArrayType::Uuid => read::<Id>(text, "a UUID"),
        ArrayType::Decimal => read::<sea_orm::prelude::Decimal>(text, "a number"),
        ArrayType::IpNetwork => read::<sea_orm::prelude::IpNetwork>(text, "an IP address or network"),
        _ => Err("nothing: a column of this type is written with SQL"),
    }
}

const TIME: &str = "a time, such as 2026-11-22T18:00:00Z";

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x").filter(|digits| digits.is_ascii() && digits.len() % 2 == 0)?;
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

/// Whether a column holds lists. Its [`ArrayType`] is that of their elements then.
fn is_list<C: ColumnTrait>(column: C) -> bool {
    matches!(column.def().get_column_type(), ColumnType::Array(_))
}

/// The texts of all values that a column takes, where it is of an enum; else none, and for a list of one.
pub(crate) fn listed<E: EntityTrait>(column: E::Column) -> Vec<String> {
    if is_list(column) {
        return Vec::new();
    }
    if let ColumnType::Enum { variants, .. } = column.def().get_column_type() {
        return variants.iter().map(ToString::to_string).collect();
    }
    let values = registry::values(E::default().table_name(), column.as_str()).unwrap_or_default();
    values.iter().filter_map(text).collect()
}

/// Reads a value of a column from text in the form of [`text`].
///
/// # Errors
/// What would have been accepted.
pub(crate) fn parse_for<E: EntityTrait>(column: E::Column, text: &str) -> Result<Value, Cow<'static, str>> {
    const LIST: &str = "a list in JSON, such as [1,2]";
    let kind = E::Model::get_value_type(column);
    if !is_list(column) {
        check_form(column.def().get_column_type(), text)?;
        return Ok(parse(&kind, text)?);
    }
    let elements: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| LIST)?;
    let values = elements.into_iter().map(|value| element(&kind, value)).collect::<Result<Vec<_>, _>>();
    let values = values.map_err(|accepted| format!("a list in JSON, each of whose elements is {accepted}"))?;
    Ok(Value::Array(kind, Some(Box::new(values))))
}

/// Refuses texts that are none of their column's type. PostgreSQL would do so without the column's name; SQLite's checks
/// let some of them in.
fn check_form(column: &ColumnType, text: &str) -> Result<(), &'static str> {
    let address = || text.parse::<sea_orm::prelude::IpNetwork>();
    let is_octets =
        || text.split(':').count() == 6 && text.split(':').all(|pair| is_all(pair, 2, |c| c.is_ascii_hexdigit()));
    let (is_right, accepted) = match column {
        ColumnType::Inet => (address().is_ok(), "an IP address, such as 10.0.0.1 or 10.0.0.1/8"),
        ColumnType::Cidr => {
            let is_network = address().is_ok_and(|address| address.network() == address.ip());
            (is_network, "a network, such as 10.0.0.0/8, without bits to the right of its length")
        }
        ColumnType::MacAddr => (is_octets(), "a MAC address, such as 08:00:2b:01:02:03"),
        ColumnType::Bit(_) | ColumnType::VarBit(_) => {
            (text.chars().all(|digit| matches!(digit, '0' | '1')), "bits, such as 101")
        }
        _ => return Ok(()),
    };
    if is_right { Ok(()) } else { Err(accepted) }
}

fn is_all(text: &str, length: usize, is_right: impl Fn(char) -> bool) -> bool {
    text.chars().count() == length && text.chars().all(is_right)
}

/// An element of a list in JSON, as a value of this type.
///
/// # Errors
/// What would have been accepted.
pub(crate) fn element(kind: &ArrayType, json: serde_json::Value) -> Result<Value, &'static str> {
    match json {
        serde_json::Value::Null => null(kind).ok_or("no NULL"),
        serde_json::Value::String(text) => parse(kind, &text),
        other => parse(kind, &other.to_string()),
    }
}

/// NULL, as a value of a column.
pub(crate) fn null_for<E: EntityTrait>(column: E::Column) -> Option<Value> {
    let kind = E::Model::get_value_type(column);
    if is_list(column) { Some(Value::Array(kind, None)) } else { null(&kind) }
}

fn empty_for<E: EntityTrait>(column: E::Column) -> Option<Value> {
    let kind = E::Model::get_value_type(column);
    if is_list(column) { Some(Value::Array(kind, Some(Box::default()))) } else { empty(&kind) }
}

/// The empty value of a type: zero, no text, the beginning of time.
fn empty(kind: &ArrayType) -> Option<Value> {
    let text = match kind {
        ArrayType::String | ArrayType::Enum(_) => "",
        ArrayType::Char => " ",
        ArrayType::Bytes => "\\x",
        ArrayType::Json => "{}",
        ArrayType::Bool => "false",
        ArrayType::ChronoDate => "1970-01-01",
        ArrayType::ChronoTime => "00:00:00",
        ArrayType::ChronoDateTime
        | ArrayType::ChronoDateTimeUtc
        | ArrayType::ChronoDateTimeLocal
        | ArrayType::ChronoDateTimeWithTimeZone => "1970-01-01T00:00:00Z",
        ArrayType::Uuid => "00000000-0000-0000-0000-000000000000",
        _ => "0",
    };
    parse(kind, text).ok()
}

/// NULL, as a value of this type.
pub(crate) fn null(kind: &ArrayType) -> Option<Value> {
    empty(kind).map(|value| value.as_null())
}

/// A whole row from one of which some columns are not set: those take their defaults, as an insert that does not name them
/// would give them at `now`; NULL where there is none; and where that is not allowed, the type's empty value.
///
/// # Errors
/// A default that is none of its column's type, which a test of the schema excludes.
pub(crate) fn complete<A>(mut row: A, now: Timestamp) -> Result<<A::Entity as EntityTrait>::Model, DbErr>
where
    A: ActiveModelTrait<Entity: EntityTrait<Model: IntoActiveModel<A>>>
        + TryIntoModel<<A::Entity as EntityTrait>::Model>,
{
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if !row.is_not_set(column) {
            continue;
        }
        let definition = column.def();
        let value = match definition.get_column_default() {
            Some(Expr::Custom(sql)) if sql == "gen_random_uuid()" => {
                parse_for::<A::Entity>(column, &identifier(&row, column.as_str()).to_string()).ok()
            }
            Some(default) => constant(default, now).and_then(|text| parse_for::<A::Entity>(column, &text).ok()),
            None if definition.is_null() => null_for::<A::Entity>(column),
            None => None,
        };
        let nothing = if definition.is_null() { null_for::<A::Entity> } else { empty_for::<A::Entity> };
        let value = value.or_else(|| nothing(column));
        row.try_set(column, value.ok_or_else(|| DbErr::Type(format!("{} of no known type", column.as_str())))?)?;
    }
    row.try_into_model()
}

/// Whether an insert must name the column: it takes no NULL, and nothing else fills it.
pub(crate) fn is_required<E: EntityTrait>(column: E::Column) -> bool {
    let is_key = E::PrimaryKey::iter().any(|key| key.into_column().as_str() == column.as_str());
    let definition = column.def();
    !definition.is_null()
        && definition.get_column_default().is_none()
        && !(is_key && <E::PrimaryKey as PrimaryKeyTrait>::auto_increment())
}

/// Whether [`complete`] knows the very value that the database gives to a row which does not name this column.
pub(crate) fn is_told<C: ColumnTrait>(column: C) -> bool {
    matches!(column.def().get_column_default(), None | Some(Expr::Value(_)))
}

/// A UUID for a column of a row: the same for the same key, so that generated data can be generated again.
fn identifier<A: ActiveModelTrait>(row: &A, column: &str) -> Id {
    match row.get_primary_key_value() {
        Some(key) => Id(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{key:?} {column}").as_bytes())),
        None => Id::random(),
    }
}

/// A default that is known without the database, as text.
fn constant(default: &Expr, now: Timestamp) -> Option<String> {
    match default {
        Expr::Keyword(Keyword::CurrentTimestamp) => Some(now.to_string()),
        Expr::Keyword(Keyword::CurrentDate) => Some(now.utc().date_naive().to_string()),
        Expr::Keyword(Keyword::CurrentTime) => Some(now.utc().time().to_string()),
        Expr::Value(value) => text(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Set;

    use super::super::{airline, user};
    use super::*;

    const KINDS: &[ArrayType] = &[
        ArrayType::Bool,
        ArrayType::SmallInt,
        ArrayType::Int,
        ArrayType::BigInt,
        ArrayType::Float,
        ArrayType::Double,
        ArrayType::String,
        ArrayType::Bytes,
        ArrayType::Json,
        ArrayType::ChronoDate,
        ArrayType::ChronoTime,
        ArrayType::ChronoDateTime,
        ArrayType::ChronoDateTimeUtc,
        ArrayType::ChronoDateTimeWithTimeZone,
        ArrayType::Uuid,
    ];

    #[test]
    fn what_is_written_as_text_is_read_back() {
        for kind in KINDS {
            let value = empty(kind).unwrap();
            assert_eq!(value.array_type(), *kind);
            assert_eq!(parse(kind, &text(&value).unwrap()).unwrap(), value, "{kind:?}");
            assert_eq!(text(&null(kind).unwrap()), None, "{kind:?}");
        }
        assert_eq!(serde_json::to_value(Json(&0.1_f32.into())).unwrap().to_string(), "0.1");
        assert_eq!(text(&parse(&ArrayType::Bytes, r"\xC0ffee").unwrap()).unwrap(), r"\xc0ffee");
        for (kind, wrong) in [
            (ArrayType::Int, "2147483648"),
            (ArrayType::Bool, "maybe"),
            (ArrayType::Bytes, "c0ffee"),
            (ArrayType::Bytes, r"\xc0f"),
            (ArrayType::Bytes, "\\xé"),
            (ArrayType::Json, "{"),
            (ArrayType::ChronoDate, "2026-02-30"),
            (ArrayType::String, "\0"),
        ] {
            assert!(parse(&kind, wrong).is_err(), "{kind:?} {wrong}");
        }
    }

    #[test]
    fn addresses_and_bits_are_of_their_types() {
        let (inet, cidr, mac, bits) = (ColumnType::Inet, ColumnType::Cidr, ColumnType::MacAddr, ColumnType::VarBit(8));
        for (kind, right, wrong) in [
            (&inet, ["10.0.0.1", "10.0.0.1/8", "::1"], ["10.0.0.300", "here", ""]),
            (&cidr, ["10.0.0.0/8", "10.0.0.1", "2001:db8::/32"], ["10.0.0.1/8", "10.0.0.0/33", ""]),
            (
                &mac,
                ["08:00:2b:01:02:03", "08:00:2B:01:02:03", "00:00:00:00:00:00"],
                ["08:00:2b:01:02", "8:0:2b:1:2:3", ""],
            ),
            (&bits, ["101", "0", ""], ["102", "x", "1 0"]),
        ] {
            right.iter().for_each(|text| assert_eq!(check_form(kind, text), Ok(()), "{text}"));
            wrong.iter().for_each(|text| assert!(check_form(kind, text).is_err(), "{text}"));
        }
    }

    #[test]
    fn what_nothing_else_fills_is_required() {
        let required = user::Column::iter().filter(|column| is_required::<user::Entity>(*column));
        let names: Vec<&str> = required.map(|column| column.as_str()).collect();
        assert_eq!(names, ["userId", "username", "displayName"]);
    }

    #[test]
    fn a_row_is_completed_by_its_columns_defaults() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let row = user::ActiveModel { user_id: Set("1".into()), username: Set("ann".into()), ..Default::default() };
        let row = complete(row, now).unwrap();
        assert_eq!((row.miles, row.avatar_url, row.created_at), (0, None, now));
        // Without a default, and required: nothing in particular.
        assert_eq!(row.display_name, "");
        let row = complete(airline::ActiveModel { token: Set("secret".into()), ..Default::default() }, now).unwrap();
        assert_eq!(row.invite_link, "https://discord.gg/skyteam");
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!((json.get("token"), &json["createdAt"]), (None, &"2026-11-23T12:00:00Z".into()));
    }
}
