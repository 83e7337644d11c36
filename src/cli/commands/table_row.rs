//! A row of a table as lists and `show` present it: every column of its entity, whether or not anything is said about it
//! here. What is said is only how a column looks.

use std::io;
use std::marker::PhantomData;

use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic as _, Iterable as _, ModelTrait, Value};
use serde::Serialize;

use crate::cli::ui::report::{Report, Row};
use crate::cli::ui::{Cell, Column, Page, RenderOptions};
use crate::entity::Timestamp;
use crate::entity::columns::text;
use crate::entity::lent::{self, Lent};

/// How the rows of a table are presented.
pub(crate) trait TableRow: ModelTrait + Serialize {
    /// What one row is, in the singular.
    const NOUN: &'static str;

    /// Columns of which there is something to say. One that is not among them comes behind its predecessor in the entity.
    const PRESENTED: &'static [Column];

    /// A cell that looks otherwise than its value alone says.
    fn special(&self, _column: &str, _look: &RenderOptions) -> Option<Cell> {
        None
    }
}

impl<M: TableRow> Row for M {
    const NOUN: &'static str = <M as TableRow>::NOUN;

    fn columns() -> Vec<Column> {
        columns::<M::Entity>(M::PRESENTED)
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        self.special(column, look).unwrap_or_else(|| cell(self, column, look))
    }
}

impl<M: TableRow> Report for M {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.fields(&self.fields(&page.look))
    }
}

/// A row that is lent by the driver, presented as one of `M` is that says nothing special of a cell.
#[derive(Debug, Serialize)]
#[serde(transparent, bound = "")]
pub(super) struct LentRow<'r, M> {
    row: Lent<'r>,
    #[serde(skip)]
    model: PhantomData<M>,
}

impl<'r, M> From<Lent<'r>> for LentRow<'r, M> {
    fn from(row: Lent<'r>) -> Self {
        Self { row, model: PhantomData }
    }
}

impl<M: TableRow> Row for LentRow<'_, M> {
    const NOUN: &'static str = <M as TableRow>::NOUN;

    fn columns() -> Vec<Column> {
        <M as Row>::columns()
    }

    fn cell(&self, column: &str, look: &RenderOptions) -> Cell {
        match self.row.value(column) {
            None | Some(lent::Value::Null) => Cell::empty(),
            Some(lent::Value::Text(text)) => Cell::new(text),
            Some(lent::Value::Whole(number)) => look.number(number),
            Some(lent::Value::Truth(truth)) => look.yes_no(truth),
            Some(lent::Value::Id(id)) => Cell::new(id.to_string()),
            Some(lent::Value::Time(time)) => look.time(time),
        }
    }

    fn write_cell(&self, column: &str, look: &RenderOptions, text: &mut String) {
        match self.row.value(column) {
            Some(lent::Value::Text(stored)) => text.push_str(stored),
            Some(lent::Value::Time(time)) if !look.human => time.with_text(|time| text.push_str(time)),
            _ => text.push_str(&self.cell(column, look).text),
        }
    }
}

/// All columns of an entity: those of `presented` as they are there, and each other one behind its predecessor.
pub(super) fn columns<E: EntityTrait>(presented: &[Column]) -> Vec<Column> {
    let mut columns = presented.to_vec();
    let mut place = 0;
    for column in E::Column::iter() {
        let key = column.as_str();
        match columns.iter().position(|known| known.key == key) {
            Some(found) => place = found + 1,
            None => {
                columns.insert(place, unpresented(column));
                place += 1;
            }
        }
    }
    columns
}

fn unpresented(column: impl ColumnTrait) -> Column {
    match column.def().get_column_type() {
        ColumnType::TinyInteger
        | ColumnType::SmallInteger
        | ColumnType::Integer
        | ColumnType::BigInteger
        | ColumnType::Float
        | ColumnType::Double
        | ColumnType::Decimal(_) => Column::number(column.as_str()),
        _ => Column::text(column.as_str()),
    }
}

/// The cell of a column, as its value says.
pub(super) fn cell<M: ModelTrait>(row: &M, column: &str, look: &RenderOptions) -> Cell {
    <M::Entity as EntityTrait>::Column::iter()
        .find(|known| known.as_str() == column)
        .map_or_else(Cell::empty, |column| value(row.get(column), look))
}

fn value(value: Value, look: &RenderOptions) -> Cell {
    match value {
        Value::String(text) => text.map_or_else(Cell::empty, Cell::new),
        Value::Bool(Some(truth)) => look.yes_no(truth),
        Value::SmallInt(Some(number)) => look.number(number),
        Value::Int(Some(number)) => look.number(number),
        Value::BigInt(Some(number)) => look.number(number),
        Value::ChronoDateTime(Some(at)) => look.time(Timestamp(at)),
        Value::ChronoDateTimeUtc(Some(at)) => look.time(at.into()),
        Value::ChronoDateTimeWithTimeZone(Some(at)) => look.time(at.to_utc().into()),
        other => text(&other).map_or_else(Cell::empty, Cell::new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::User;

    #[test]
    fn a_column_that_nothing_is_said_about_comes_behind_its_predecessor() {
        let keys = |presented: &[Column]| -> Vec<&str> {
            columns::<User>(presented).into_iter().map(|column| column.key).collect()
        };
        let all = ["userId", "username", "displayName", "miles", "avatarUrl", "createdAt", "updatedAt"];
        assert_eq!(keys(&[]), all);
        assert_eq!(keys(&[Column::text("username"), Column::text("miles"), Column::text("updatedAt")]), all);
        assert_eq!(
            keys(&[Column::text("miles"), Column::text("rank"), Column::text("userId")]),
            ["miles", "avatarUrl", "createdAt", "updatedAt", "rank", "userId", "username", "displayName"]
        );
        assert_eq!(columns::<User>(&[])[3], Column::number("miles"));
    }
}
