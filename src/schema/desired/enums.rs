//! Enums that are stored as text or numbers: a column and a check of the values that stand beside the entity.

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
        if matches!(column.kind, Kind::Array(_)) {
            return Err(Problem::new(
                "it is a list of an enum that is stored as text or a number: SQLite has no check for its values",
                "db_type = \"Enum\" for the enum",
            ));
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
    let values = values.iter().map(|value| literal(&column.kind, value)).collect::<Result<Vec<_>, _>>()?;
    let Some(values) = values.into_iter().collect::<Option<Vec<Value>>>() else {
        return Err(Problem::new("NULL is none of the values of an enum", "an Option"));
    };
    if let Some(default) = &column.default
        && !values.contains(default)
        && matches!(default, Value::Text(_) | Value::Integer(_))
    {
        return Err(Problem::new("the default is none of the values of its enum", "one of its values"));
    }
    let is_simple = |value: &Value| matches!(value, Value::Text(_) | Value::Integer(_));
    if !values.iter().all(is_simple) {
        return Err(Problem::new(
            "its enum's values are neither text nor whole numbers",
            "rs_type = \"String\" or \"i32\"",
        ));
    }
    Ok(Some(checks::check(entity, column, &values)))
}
