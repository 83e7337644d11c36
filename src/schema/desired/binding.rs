//! Whether a field can be read and written on both engines: what a database holds and what SeaORM gives a field of a type
//! must go together, or the first list of such rows would fail.

use sea_orm::sea_query::{ArrayType, Expr};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, ModelTrait, Value};

use super::error::Problem;
use super::rendered;
use crate::schema::dialect::sqlite;
use crate::schema::model::Kind;

/// Refuses a field that one of the engines could not read or write.
pub(super) fn check<E: EntityTrait>(column: E::Column, kind: &Kind) -> Result<(), Problem> {
    let value = <E::Model as ModelTrait>::get_value_type(column);
    let takes = |text: &str| <E::ActiveModel as ActiveModelTrait>::default().try_set(column, Value::from(text)).is_ok();
    match (&value, kind) {
        (_, Kind::Array(_)) if !takes("[]") => {
            Err(Problem::new("SQLite gives no list to this type", "List<…> of crate::entity::types"))
        }
        (_, Kind::Array(_)) => Ok(()),
        (ArrayType::Uuid, _) if !takes("00000000-0000-0000-0000-000000000000") => {
            Err(Problem::new("SQLite holds a UUID as text, and this type reads bytes", "Id of crate::entity::types"))
        }
        (ArrayType::IpNetwork, _) => Err(through_text("SQLite has no such type", "inet")),
        (ArrayType::MacAddress, _) => Err(through_text("SQLite has no such type", "macaddr")),
        (ArrayType::Decimal, Kind::Numeric(_)) if sqlite::kind(kind) == "TEXT" => Err(through_text(
            "SQLite holds it as text, since a number of its own has 15 digits, and this type reads a number",
            "decimal",
        )),
        (ArrayType::String, _) => match sql_name(kind) {
            Some(_) if is_text(kind) || goes_through_text::<E>(column) => Ok(()),
            Some(name) => Err(through_text("PostgreSQL gives no value of this type to a String", name)),
            None => Err(Problem::new(
                "a String holds no value of this type",
                "the field's type of the table of types in docs/schema-changes.md",
            )),
        },
        _ => Ok(()),
    }
}

fn through_text(what: &str, name: &str) -> Problem {
    Problem::new(what, format!("String with select_as = \"text\", save_as = \"{name}\" beside its column_type"))
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::Text | Kind::VarChar(_) | Kind::Char(_) | Kind::Enum(_))
}

/// The type that a text is cast to on its way into PostgreSQL; none where a field has a type of its own for it. On SQLite
/// the cast is one to text ([`crate::db`] sees to it).
fn sql_name(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Interval => "interval",
        Kind::Inet => "inet",
        Kind::Cidr => "cidr",
        Kind::MacAddr => "macaddr",
        Kind::Bit(_) | Kind::VarBit(_) => "varbit",
        Kind::Numeric(_) => "decimal",
        kind if is_text(kind) => "text",
        _ => return None,
    })
}

/// Whether a field's values are cast on the way out and on the way in.
fn goes_through_text<E: EntityTrait>(column: E::Column) -> bool {
    let bare = || Expr::cust("x");
    [column.select_as(bare()), column.save_as(bare())].iter().all(|cast| rendered(cast, true) != "x")
}
