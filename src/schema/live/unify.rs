//! A unique constraint and a plain unique index promise the same: whichever the reference has is what is there.

use super::Rename;
use crate::schema::model::{Constraint, Index, Rule, Shape, Table};

/// Turns live unique indexes into the constraints that `wanted` has, and the other way round.
pub(super) fn uniques(wanted: &Table, renames: &[Rename], constraints: &mut Vec<Constraint>, indexes: &mut Vec<Index>) {
    let is = |own: &[String], columns: &[String]| {
        own.len() == columns.len()
            && own.iter().zip(columns).all(|(own, column)| Rename::apply(renames, &wanted.name, own) == column)
    };
    let is_constraint =
        |found: &Constraint, columns: &[String]| matches!(&found.rule, Rule::Unique(own) if is(own, columns));
    let is_index = |found: &Index, columns: &[String]| matches!(&found.shape, Shape::Columns { columns: own, unique: true, filter: None } if is(own, columns));
    for constraint in &wanted.constraints {
        let Rule::Unique(columns) = &constraint.rule else { continue };
        if constraints.iter().any(|found| is_constraint(found, columns)) {
            continue;
        }
        if let Some(at) = indexes.iter().position(|found| is_index(found, columns)) {
            let index = indexes.remove(at);
            if let Shape::Columns { columns, .. } = index.shape {
                constraints.push(Constraint { name: index.name, rule: Rule::Unique(columns) });
            }
        }
    }
    for index in &wanted.indexes {
        let Shape::Columns { columns, unique: true, filter: None } = &index.shape else { continue };
        if indexes.iter().any(|found| is_index(found, columns)) {
            continue;
        }
        if let Some(at) = constraints.iter().position(|found| is_constraint(found, columns)) {
            let constraint = constraints.remove(at);
            if let Rule::Unique(columns) = constraint.rule {
                indexes.push(Index {
                    name: constraint.name,
                    shape: Shape::Columns { columns, unique: true, filter: None },
                });
            }
        }
    }
}
