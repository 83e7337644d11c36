//! The keyset condition: the rows after a position, in an order of several columns.
//!
//! NULL is last in both directions, on both engines. Where all columns ascend, or all descend, and none is NULL, the
//! condition is a comparison of rows, which an index serves. Otherwise it is written out, with a range of the first column
//! before it, so that an index of that one still serves.

use super::sql::{Sql, compared, name};
use super::table::{Column, Table};
use super::value::Datum;
use crate::db::{Engine, quote};

/// A column that is sorted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sorted<'a> {
    /// The column.
    pub column: &'a Column,
    /// Whether the greatest comes first.
    pub descends: bool,
}

/// The value of a column at the position.
pub(super) enum Place {
    /// A value.
    Value(Datum),
    /// The result of this query: one value, not NULL.
    Query(Sql),
}

impl Place {
    fn is_null(&self) -> bool {
        matches!(self, Self::Value(Datum::Null))
    }

    fn push(&self, engine: Engine, sql: &mut Sql, sql_type: &str) {
        match self {
            Self::Value(datum) => {
                sql.bind(engine, datum.clone(), sql_type);
            }
            Self::Query(query) => {
                // Its only value is numbered anew; longer numbers first, so that `$1` does not match within `$10`.
                let mut text = query.text.clone();
                for (index, bind) in query.binds.iter().enumerate().rev() {
                    sql.binds.push(bind.clone());
                    text = text.replace(&format!("${}", index + 1), &format!("\u{1}{}", sql.binds.len()));
                }
                sql.push("(").push(&text.replace('\u{1}', "$")).push(")");
            }
        }
    }
}

/// `ORDER BY` with these columns of `table`; in the other direction where `reversed`.
pub(super) fn push_order(engine: Engine, sql: &mut Sql, table: &Table, order: &[Sorted<'_>], reversed: bool) {
    for (index, sorted) in order.iter().enumerate() {
        let (mut expression, _) = compared(engine, sorted.column);
        // A bare name would be that of what is selected, which is the column's text.
        if expression == name(engine, sorted.column) {
            expression = format!("{}.{expression}", quote(&table.name));
        }
        sql.push(if index == 0 { " ORDER BY " } else { ", " }).push(&expression);
        sql.push(if sorted.descends != reversed { " DESC" } else { " ASC" });
        // Written only where it matters: PostgreSQL uses no index whose NULL order differs.
        if sorted.column.nullable {
            sql.push(if reversed { " NULLS FIRST" } else { " NULLS LAST" });
        }
    }
}

/// The condition that a row is after the position; before it where `reversed`.
pub(super) fn push_beyond(engine: Engine, sql: &mut Sql, order: &[Sorted<'_>], places: &[Place], reversed: bool) {
    let uniform = order.iter().all(|sorted| sorted.descends == order[0].descends && !sorted.column.nullable);
    if uniform && !places.iter().any(Place::is_null) {
        let columns: Vec<String> = order.iter().map(|sorted| compared(engine, sorted.column).0).collect();
        let operator = if order[0].descends != reversed { "<" } else { ">" };
        sql.push(&format!("({}) {operator} (", columns.join(", ")));
        for (index, (sorted, place)) in order.iter().zip(places).enumerate() {
            if index > 0 {
                sql.push(", ");
            }
            place.push(engine, sql, compared(engine, sorted.column).1);
        }
        sql.push(")");
        return;
    }
    push_range(engine, sql, order, places, reversed);
    sql.push("(");
    for index in 0..order.len() {
        sql.push(if index == 0 { "(" } else { " OR (" });
        for before in 0..index {
            push_equal(engine, sql, &order[before], &places[before]);
            sql.push(" AND ");
        }
        push_one_beyond(engine, sql, &order[index], &places[index], reversed);
        sql.push(")");
    }
    sql.push(")");
}

/// The range of the first column that all rows beyond are in.
fn push_range(engine: Engine, sql: &mut Sql, order: &[Sorted<'_>], places: &[Place], reversed: bool) {
    let (Some(first), Some(place)) = (order.first(), places.first()) else { return };
    // NULLs come after: they are beyond unless the direction is reversed.
    if place.is_null() || first.column.nullable && !reversed {
        return;
    }
    let (expression, sql_type) = compared(engine, first.column);
    let operator = if first.descends != reversed { "<=" } else { ">=" };
    sql.push(&format!("{expression} {operator} "));
    place.push(engine, sql, sql_type);
    sql.push(" AND ");
}

fn push_equal(engine: Engine, sql: &mut Sql, sorted: &Sorted<'_>, place: &Place) {
    let (expression, sql_type) = compared(engine, sorted.column);
    if place.is_null() {
        sql.push(&format!("{} IS NULL", name(engine, sorted.column)));
        return;
    }
    sql.push(&format!("{expression} = "));
    place.push(engine, sql, sql_type);
}

fn push_one_beyond(engine: Engine, sql: &mut Sql, sorted: &Sorted<'_>, place: &Place, reversed: bool) {
    let name = name(engine, sorted.column);
    match (place.is_null(), reversed) {
        // Nothing comes after NULL; everything else comes before it.
        (true, false) => drop(sql.push("1 = 0")),
        (true, true) => drop(sql.push(&format!("{name} IS NOT NULL"))),
        (false, _) => {
            let (expression, sql_type) = compared(engine, sorted.column);
            let operator = if sorted.descends != reversed { "<" } else { ">" };
            let or_null = sorted.column.nullable && !reversed;
            sql.push(&format!("{}{expression} {operator} ", if or_null { "(" } else { "" }));
            place.push(engine, sql, sql_type);
            if or_null {
                sql.push(&format!(" OR {name} IS NULL)"));
            }
        }
    }
}
