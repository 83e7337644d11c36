//! A field of an entity as a column: its type, its default, and what SeaORM lets be said of it beside them.

use sea_orm::sea_query::{self, ColumnSpec, ColumnType, Expr, Keyword, StringLen};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn, PrimaryKeyTrait};

use super::binding;
use super::error::{DesiredError, Problem};
use super::rendered;
use crate::schema::kind::{MAX_LENGTH, MAX_PRECISION};
use crate::schema::literal as values;
use crate::schema::model::{Column, EnumType, Kind, MICROSECONDS, PerEngine, Value, fit_name};

/// The names that PostgreSQL gives to columns of its own in every table.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// The column of a field.
pub(super) fn column<E: EntityTrait>(entity: &str, column: E::Column) -> Result<Column, DesiredError> {
    let name = column.as_str();
    describe::<E>(column).map_err(|problem| problem.of_field(entity, name))
}

/// The name that a column has had.
pub(super) fn renamed_from<E: EntityTrait>(column: E::Column) -> Option<String> {
    spoken::<E>(column).1
}

fn describe<E: EntityTrait>(column: E::Column) -> Result<Column, Problem> {
    let def = column.def();
    let name = column.as_str();
    if name.is_empty() || fit_name(name) != name {
        return Err(Problem::new("the name must have 1 to 63 bytes", "column_name = \"…\""));
    }
    if SYSTEM_COLUMNS.contains(&name) {
        return Err(Problem::new("PostgreSQL has a column of this name in every table", "column_name = \"…\""));
    }
    let (spec, _) = spoken::<E>(column);
    if let Some(extra) = &spec.extra {
        return Err(Problem::new(
            format!("extra = {extra:?} is SQL that nothing could compare with a database"),
            "say it in the attributes that there are, or as a check in src/schema/constraints.rs",
        ));
    }
    let kind = kind(def.get_column_type())?;
    binding::check::<E>(column, &kind)?;
    let keys: Vec<String> = E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect();
    let is_key = keys.iter().any(|key| key == name);
    if is_key && def.is_null() {
        return Err(Problem::new("a key takes no NULL", "a field without Option and without nullable"));
    }
    let default = match def.get_column_default() {
        Some(default) => value(&kind, default)?,
        None => None,
    };
    let default = if is_key && keys.len() == 1 && E::PrimaryKey::auto_increment() {
        if !matches!(kind, Kind::SmallInteger | Kind::Integer | Kind::BigInteger) {
            return Err(Problem::new("only a whole number can number its rows", "auto_increment = false"));
        }
        if default.is_some() {
            return Err(Problem::new(
                "a key that numbers its rows has no default beside that",
                "auto_increment = false",
            ));
        }
        Some(Value::AutoIncrement)
    } else {
        default
    };
    let comment = comment::<E>(column);
    Ok(Column { nullable: def.is_null(), default, comment, ..Column::new(name, kind) })
}

/// What SeaORM only says through the statements that it would make: the column's specification, with the comment as it
/// was given, and the name that the column has had.
fn spoken<E: EntityTrait>(column: E::Column) -> (ColumnSpec, Option<String>) {
    let schema = sea_orm::Schema::new(DbBackend::Postgres);
    let mut spec = schema.get_column_def::<E>(column).get_column_spec().clone();
    // A former name is put at the end of the comment.
    let before = spec.comment.as_deref().and_then(|comment| {
        let (rest, name) = comment.strip_suffix('"')?.rsplit_once("renamed_from \"")?;
        let is_it = column.def().renamed_from(name) == column.def();
        is_it.then(|| (rest.strip_suffix("; ").map(str::to_owned), name.to_owned()))
    });
    match before {
        None => (spec, None),
        Some((comment, name)) => {
            spec.comment = comment;
            (spec, Some(name))
        }
    }
}

fn comment<E: EntityTrait>(column: E::Column) -> Option<String> {
    spoken::<E>(column).0.comment.filter(|text| !text.is_empty())
}

/// The neutral form of a type.
pub(super) fn kind(given: &ColumnType) -> Result<Kind, Problem> {
    let refused = |what: &str, instead: &str| Err(Problem::new(what, instead));
    let length = |given: u32| {
        let fits = (1..=MAX_LENGTH).contains(&given);
        fits.then_some(given).ok_or_else(|| Problem::new(format!("a length of {given}"), format!("1 to {MAX_LENGTH}")))
    };
    Ok(match given {
        ColumnType::Text => Kind::Text,
        ColumnType::String(StringLen::N(given)) => Kind::VarChar(Some(length(*given)?)),
        ColumnType::String(_) => Kind::VarChar(None),
        ColumnType::Char(given) => Kind::Char(length(given.unwrap_or(1))?),
        ColumnType::SmallInteger => Kind::SmallInteger,
        ColumnType::Integer => Kind::Integer,
        ColumnType::BigInteger => Kind::BigInteger,
        ColumnType::Float => Kind::Real,
        ColumnType::Double => Kind::Double,
        ColumnType::Decimal(None) => Kind::Numeric(None),
        ColumnType::Decimal(Some((precision, scale))) => {
            if !(1..=MAX_PRECISION).contains(precision) || scale > precision {
                return Err(Problem::new(
                    format!("a decimal of {precision} digits, {scale} of them after the point"),
                    format!("1 to {MAX_PRECISION} digits, no more of them after the point"),
                ));
            }
            Kind::Numeric(Some((*precision, *scale)))
        }
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::Uuid => Kind::Uuid,
        ColumnType::DateTime | ColumnType::Timestamp => Kind::Timestamp(MICROSECONDS),
        ColumnType::TimestampWithTimeZone => Kind::TimestampTz(MICROSECONDS),
        ColumnType::Date => Kind::Date,
        ColumnType::Time => Kind::Time(MICROSECONDS),
        ColumnType::Interval(None, None) => Kind::Interval,
        ColumnType::Json => Kind::Json,
        ColumnType::JsonBinary => Kind::JsonBinary,
        ColumnType::Blob | ColumnType::VarBinary(StringLen::None | StringLen::Max) => Kind::Bytes,
        ColumnType::Inet => Kind::Inet,
        ColumnType::Cidr => Kind::Cidr,
        ColumnType::MacAddr => Kind::MacAddr,
        ColumnType::Bit(given) => Kind::Bit(length(given.unwrap_or(1))?),
        ColumnType::VarBit(given) => Kind::VarBit(Some(length(*given)?)),
        ColumnType::Enum { name, variants } => enum_type(&name.to_string(), variants.iter().map(ToString::to_string))?,
        ColumnType::Array(of) => match kind(of)? {
            Kind::Array(_) => return refused("PostgreSQL knows no depth of an array", "an array, or Json"),
            of => Kind::Array(Box::new(of)),
        },
        ColumnType::Custom(name) => {
            let name = name.to_string();
            Kind::from_postgres(&name).ok_or_else(|| {
                Problem::new(
                    format!("no engine's form of the type {name:?} is known"),
                    "a type that SeaORM has a name for",
                )
            })?
        }
        ColumnType::TinyInteger => return refused("neither engine has whole numbers of 8 bits", "i16"),
        ColumnType::TinyUnsigned => return refused("neither engine has unsigned numbers", "i16"),
        ColumnType::SmallUnsigned => return refused("neither engine has unsigned numbers", "i32"),
        ColumnType::Unsigned | ColumnType::BigUnsigned => return refused("neither engine has unsigned numbers", "i64"),
        ColumnType::Interval(..) => {
            return refused("an interval of certain fields or digits cannot be kept on SQLite", "Interval(None, None)");
        }
        ColumnType::Binary(_) | ColumnType::VarBinary(StringLen::N(_)) => {
            return refused("PostgreSQL has no bytes of a certain length", "VarBinary(StringLen::None)");
        }
        ColumnType::Money(_) => {
            return refused("what money holds depends on the server's locale", "Decimal(Some((12, 2)))");
        }
        ColumnType::Year => return refused("neither engine has a type for years", "i16"),
        ColumnType::Vector(_) | ColumnType::LTree => {
            return refused(
                "the type belongs to an extension of PostgreSQL, and SQLite has no form of it",
                "Json, or Text",
            );
        }
        _ => return refused("the type is not known", "another column_type"),
    })
}

fn enum_type(name: &str, values: impl Iterator<Item = String>) -> Result<Kind, Problem> {
    let values: Vec<String> = values.collect();
    if values.is_empty() || name.is_empty() || fit_name(name) != name {
        return Err(Problem::new("an enum needs a name of 1 to 63 bytes and a value", "enum_name = \"…\""));
    }
    if is_servers_type(name) {
        return Err(Problem::new(format!("PostgreSQL has a type {name} of its own"), "another enum_name"));
    }
    if let Some(value) = values.iter().find(|value| fit_name(value) != **value) {
        return Err(Problem::new(format!("the value {value:?} is longer than 63 bytes"), "a shorter string_value"));
    }
    Ok(Kind::Enum(EnumType { name: name.to_owned(), values }))
}

/// Whether PostgreSQL has a type of this name, which comes before one of ours wherever a name has no schema.
fn is_servers_type(name: &str) -> bool {
    const OTHERS: [&str; 25] = [
        "any",
        "box",
        "bpchar",
        "cid",
        "circle",
        "json",
        "line",
        "lseg",
        "macaddr8",
        "money",
        "name",
        "oid",
        "path",
        "point",
        "polygon",
        "record",
        "refcursor",
        "tid",
        "timetz",
        "trigger",
        "tsquery",
        "tsvector",
        "txid_snapshot",
        "xid",
        "xml",
    ];
    let spelt_as_its_own = !name.contains(|c: char| c.is_ascii_uppercase());
    spelt_as_its_own && (name.starts_with("pg_") || OTHERS.contains(&name) || Kind::from_postgres(name).is_some())
}

/// The neutral form of a default; none where it says NULL.
pub(super) fn value(kind: &Kind, given: &Expr) -> Result<Option<Value>, Problem> {
    let unfit = |what: &str| {
        Problem::new(format!("{what} is no default for this type"), "default_expr or default_value of the type")
    };
    Ok(Some(match given {
        Expr::Keyword(Keyword::Null) => return Ok(None),
        Expr::Keyword(Keyword::CurrentTimestamp) => current(kind).ok_or_else(|| unfit("the current time"))?,
        Expr::Keyword(Keyword::CurrentDate) if *kind == Kind::Date => Value::CurrentDate,
        Expr::Keyword(Keyword::CurrentTime) if matches!(kind, Kind::Time(_)) => Value::CurrentTime,
        Expr::Keyword(_) => return Err(unfit("this keyword")),
        Expr::Custom(sql) => match sql.to_ascii_lowercase().as_str() {
            "gen_random_uuid()" if *kind == Kind::Uuid => Value::RandomUuid,
            "now()" | "current_timestamp" => current(kind).ok_or_else(|| unfit("the current time"))?,
            "current_date" if *kind == Kind::Date => Value::CurrentDate,
            _ => Value::Expression(PerEngine { postgres: sql.to_string(), sqlite: sql.to_string() }),
        },
        Expr::Value(value) | Expr::Constant(value) => match literal(kind, value)? {
            Some(value) => value,
            None => return Ok(None),
        },
        Expr::AsEnum(_, inner) => return value(kind, inner),
        other => Value::Expression(PerEngine { postgres: rendered(other, true), sqlite: rendered(other, false) }),
    }))
}

fn current(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Timestamp(_) | Kind::TimestampTz(_) => Some(Value::Now),
        Kind::Date => Some(Value::CurrentDate),
        Kind::Time(_) => Some(Value::CurrentTime),
        _ => None,
    }
}

/// A value that an entity gives, as one of the column's type; none for NULL.
pub(super) fn literal(kind: &Kind, given: &sea_query::Value) -> Result<Option<Value>, Problem> {
    use sea_query::Value as Given;
    let text = match given {
        Given::Bool(value) => value.map(|value| value.to_string()),
        Given::TinyInt(value) => value.map(|value| value.to_string()),
        Given::SmallInt(value) => value.map(|value| value.to_string()),
        Given::Int(value) => value.map(|value| value.to_string()),
        Given::BigInt(value) => value.map(|value| value.to_string()),
        Given::TinyUnsigned(value) => value.map(|value| value.to_string()),
        Given::SmallUnsigned(value) => value.map(|value| value.to_string()),
        Given::Unsigned(value) => value.map(|value| value.to_string()),
        Given::BigUnsigned(value) => value.map(|value| value.to_string()),
        Given::Float(value) => value.map(|value| value.to_string()),
        Given::Double(value) => value.map(|value| value.to_string()),
        Given::String(value) => value.clone(),
        Given::Char(value) => value.map(|value| value.to_string()),
        Given::Enum(sea_query::OptionEnum::Some(value)) => Some(value.value.to_string()),
        Given::Enum(sea_query::OptionEnum::None(_)) => None,
        Given::Bytes(value) => value.as_ref().map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        Given::Json(value) => value.as_ref().map(ToString::to_string),
        Given::ChronoDate(value) => value.map(|value| value.to_string()),
        Given::ChronoTime(value) => value.map(|value| value.to_string()),
        Given::ChronoDateTime(value) => value.map(|value| value.to_string()),
        Given::ChronoDateTimeUtc(value) => value.map(|value| value.to_rfc3339()),
        Given::ChronoDateTimeLocal(value) => value.map(|value| value.to_rfc3339()),
        Given::ChronoDateTimeWithTimeZone(value) => value.map(|value| value.to_rfc3339()),
        Given::Uuid(value) => value.map(|value| value.to_string()),
        Given::Decimal(value) => value.map(|value| value.to_string()),
        Given::IpNetwork(value) => value.map(|value| value.to_string()),
        Given::MacAddress(value) => value.map(|value| value.to_string()),
        Given::Array(_, None) => None,
        // Types of other libraries than the project's, which fields of ours do not have.
        Given::TimeDate(_) | Given::TimeTime(_) | Given::TimeDateTime(_) | Given::TimeDateTimeWithTimeZone(_) => {
            return Err(Problem::new("a default of the time crate", "the type of the chrono crate"));
        }
        Given::Array(_, Some(elements)) => {
            let Kind::Array(of) = kind else {
                return Err(Problem::new("a list is no default for this type", "a default_value of the type"));
            };
            let elements: Result<Vec<Option<Value>>, Problem> =
                elements.iter().map(|element| literal(of, element)).collect();
            return match elements?.into_iter().collect::<Option<Vec<Value>>>() {
                Some(values) => Ok(Some(Value::List(values))),
                None => Err(Problem::new("a list with NULL in it is no default", "a list of values")),
            };
        }
    };
    let read = text.map(|text| {
        values::parse(kind, &text).map_err(|accepted| {
            Problem::new(
                format!("the default {text:?} is not of the type"),
                format!("a default_value that is {accepted}"),
            )
        })
    });
    read.transpose()
}
