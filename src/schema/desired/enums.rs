//! Enums that are stored as text or numbers: a column and a check of the values, declared beside the entity.

use sea_orm::EntityTrait;

use super::column::literal;
use super::error::{DesiredError, Problem};
use crate::entity::listed::{self, Values};
use crate::schema::listed as checks;
use crate::schema::model::{Column, Constraint, Kind, Value};

/// The check of a column whose field is such an enum.
pub(super) fn check<E: EntityTrait>(
    entity: &str,
    column: &Column,
    of: E::Column,
    declared: &[(E::Column, Values)],
) -> Result<Option<Constraint>, DesiredError> {
    of_field::<E>(entity, column, of, declared).map_err(|problem| problem.of_field(entity, &column.name))
}

fn of_field<E: EntityTrait>(
    entity: &str,
    column: &Column,
    of: E::Column,
    declared: &[(E::Column, Values)],
) -> Result<Option<Constraint>, Problem> {
    let Some(values) = listed::declared::<E>(declared, of) else {
        if column.kind.enum_type().is_some() || !listed::is_choosy::<E>(of) {
            return Ok(None);
        }
        return Err(Problem::new(
            "it is an enum that is stored as text or a number, and nothing says which values it has",
            format!(
                "in `impl Entity`, with the field's type in place of Type: pub const VALUES: &'static [(Column, Values)] = \
                 &[(Column::{of:?}, values_of::<Type>)]; (both from crate::entity::listed)"
            ),
        ));
    };
    if values.is_empty() {
        return Ok(None);
    }
    let (kind, is_list) = match &column.kind {
        Kind::Array(of) => (of.as_ref(), true),
        kind => (kind, false),
    };
    let values = values.iter().map(|value| literal(kind, value)).collect::<Result<Vec<_>, _>>()?;
    let Some(values) = values.into_iter().collect::<Option<Vec<Value>>>() else {
        return Err(Problem::new("NULL is none of the values of an enum", "an Option"));
    };
    let is_simple = |value: &Value| matches!(value, Value::Text(_) | Value::Integer(_));
    let defaults = match &column.default {
        Some(Value::List(elements)) => elements.as_slice(),
        default => default.as_slice(),
    };
    if defaults.iter().any(|default| is_simple(default) && !values.contains(default)) {
        return Err(Problem::new("the default is none of the values of its enum", "one of its values"));
    }
    if let Some(text) = values.iter().find_map(checks::separator).filter(|_| is_list) {
        return Err(Problem::new(
            format!("SQLite's check of a list cannot tell the value {text:?} from what is between two others"),
            "a string_value that does not begin and end with a comma",
        ));
    }
    if !values.iter().all(is_simple) {
        return Err(Problem::new(
            "its enum's values are neither text nor whole numbers",
            "rs_type = \"String\" or \"i32\"",
        ));
    }
    Ok(Some(checks::check(entity, column, &values)))
}
