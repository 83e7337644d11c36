//! Writing one row of any table: what is not said takes its column's default, what does not change is not written, and
//! columns that no operation knows of are set as they are given.

use sea_orm::sea_query::{Expr, OnConflict, Query, ReturningClause};
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic as _, Insert,
    IntoActiveModel, Iterable as _, ModelTrait, PrimaryKeyToColumn as _, QueryFilter as _, QueryTrait as _, UpdateMany,
    Value,
};

use super::error::now;
use crate::entity::columns;
use crate::input::InputError;

/// Values for columns that no operation has an argument of its own for: those that came after it was written.
#[derive(Clone, Debug)]
pub struct Extra<E: EntityTrait>(Vec<(E::Column, Value)>);

impl<E: EntityTrait> PartialEq for Extra<E> {
    fn eq(&self, other: &Self) -> bool {
        let named = |extra: &Self| -> Vec<(&str, Value)> {
            extra.0.iter().map(|(column, value)| (column.as_str(), value.clone())).collect()
        };
        named(self) == named(other)
    }
}

impl<E: EntityTrait> Default for Extra<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: EntityTrait> Extra<E> {
    /// Whether there is none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a column to what a text says; `None` is NULL.
    ///
    /// # Errors
    /// [`InputError`]: the text is no value of the column, or the column takes no NULL.
    pub(crate) fn put(&mut self, column: E::Column, text: Option<&str>) -> Result<(), InputError> {
        let field = column.as_str();
        let value = match text {
            Some(text) => {
                columns::parse_for::<E>(column, text).map_err(|accepted| InputError::new(field, text, accepted))?
            }
            None if column.def().is_null() => {
                columns::null_for::<E>(column).ok_or_else(|| InputError::new(field, "", "no NULL, by its type"))?
            }
            None => return Err(InputError::new(field, "", "a value: the column cannot be empty")),
        };
        // What a type of its own (an enum) refuses is found here and not at the database.
        let mut row = <E::ActiveModel as ActiveModelTrait>::default();
        row.try_set(column, value.clone())
            .map_err(|_| InputError::new(field, text.unwrap_or_default(), values::<E>(column)))?;
        self.0.push((column, value));
        Ok(())
    }

    /// The names of the columns that are set.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(column, _)| column.as_str())
    }

    /// Sets them in a row that is to be inserted.
    ///
    /// # Errors
    /// None that [`Extra::put`] has not answered.
    pub(crate) fn set(&self, row: &mut E::ActiveModel) -> Result<(), DbErr> {
        self.0.iter().try_for_each(|(column, value)| row.try_set(*column, value.clone()))
    }

    /// Sets them in a row as it is wanted.
    ///
    /// # Errors
    /// None that [`Extra::put`] has not answered.
    pub(crate) fn apply(&self, row: &mut E::Model) -> Result<(), DbErr> {
        self.0.iter().try_for_each(|(column, value)| row.try_set(*column, value.clone()))
    }
}

/// What a column of an enum takes, in words.
fn values<E: EntityTrait>(column: E::Column) -> String {
    match columns::listed::<E>(column).as_slice() {
        [] => "one of the column's values".to_owned(),
        values => format!("one of {}", values.join(", ")),
    }
}

/// Inserts a row and returns it as stored; `None` where a unique value of it is taken.
pub(super) async fn insert<E>(db: &impl ConnectionTrait, row: E::ActiveModel) -> Result<Option<E::Model>, DbErr>
where
    E: EntityTrait<Model: IntoActiveModel<E::ActiveModel>>,
    E::ActiveModel: Send,
{
    insert_returning(db, E::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned())).await
}

/// Runs an INSERT and answers the row as stored; `None` where a conflict kept it out.
pub(super) async fn insert_returning<E, A>(
    db: &impl ConnectionTrait,
    insert: Insert<A>,
) -> Result<Option<E::Model>, DbErr>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E>,
{
    let mut insert = insert.into_query();
    insert.returning(returning::<E>());
    E::Model::find_by_statement(db.get_database_backend().build(&insert)).one(db).await
}

/// Runs an UPDATE and answers the rows as stored; without anything to set it is not run.
pub(super) async fn update_returning<E: EntityTrait>(
    db: &impl ConnectionTrait,
    update: UpdateMany<E>,
) -> Result<Vec<E::Model>, DbErr> {
    let mut update = update.into_query();
    if update.get_values().is_empty() {
        return Ok(Vec::new());
    }
    update.returning(returning::<E>());
    E::Model::find_by_statement(db.get_database_backend().build(&update)).all(db).await
}

/// All columns under their names. SeaORM's own clause gives none to a column that is read by a cast, and SQLite then calls
/// it by the expression, under which no model finds it.
fn returning<E: EntityTrait>() -> ReturningClause {
    Query::returning().expr(Expr::cust(columns::read_list::<E>(None)))
}

/// Writes what differs between two states of a row, and the time into `touched`; returns the row as stored, `None` where
/// it is gone.
pub(super) async fn update<E>(
    db: &impl ConnectionTrait,
    before: &E::Model,
    wanted: &E::Model,
    touched: Option<E::Column>,
) -> Result<Option<E::Model>, DbErr>
where
    E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + FromQueryResult>,
{
    let mut row = <E::ActiveModel as ActiveModelTrait>::default();
    for column in E::Column::iter() {
        let value = wanted.get(column);
        if value != before.get(column) {
            row.try_set(column, value)?;
        }
    }
    let mut update = E::update_many().set(row);
    for key in E::PrimaryKey::iter().map(|key| key.into_column()) {
        update = update.filter(key.eq(before.get(key)));
    }
    if let Some(touched) = touched {
        update = update.col_expr(touched, Expr::cust(now(db)));
    }
    Ok(update_returning(db, update).await?.pop())
}
