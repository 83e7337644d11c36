//! The product that a word means.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _};

use super::{
    CANDIDATES, Candidate, NAMES_READ, Noun, ReferenceError, Result, airline, known_airline, nearest, not_found, only,
    same_text, storable,
};
use crate::entity::miles_product::{Column, Entity, Model};

/// At how many slashes a reference is parted at most: names of airlines and of products may have some.
const PARTED: usize = 8;

/// Finds a product: by id, or as `airline/name`, the name in any case. Both may hold slashes.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it, or to its airline.
pub async fn product(db: &impl ConnectionTrait, reference: &str) -> Result<Model> {
    if storable(reference) {
        if let Some(found) = Entity::find_by_id(reference).one(db).await? {
            return Ok(found);
        }
        if let Some((first, _)) = reference.split_once('/') {
            return of_airline(db, reference, first).await;
        }
    }
    let names = Entity::find().limit(NAMES_READ).all(db).await?;
    let named = names.iter().flat_map(|one| [&one.product_id, &one.name].map(|n| (n.clone(), candidate(one))));
    Err(not_found(Noun::Product, reference, named))
}

/// Finds `airline/name`, split at each of its slashes; `first` is the part before the first.
async fn of_airline(db: &impl ConnectionTrait, reference: &str, first: &str) -> Result<Model> {
    let mut owners = Vec::new();
    for (at, _) in reference.match_indices('/').take(PARTED) {
        if let Some(owner) = known_airline(db, &reference[..at]).await? {
            owners.push((owner.airline_id, &reference[at + 1..]));
        }
    }
    if owners.is_empty() {
        // Not one of its beginnings is an airline: suggest airlines similar to the first.
        airline(db, first).await?;
    }
    let of = |owner: &str| Entity::find().filter(Column::AirlineId.eq(owner));
    for any_case in [false, true] {
        let mut found = BTreeMap::new();
        for (owner, name) in &owners {
            let named = if any_case { same_text(Column::Name, name) } else { Column::Name.eq(*name) };
            let products = of(owner).filter(named).limit(CANDIDATES + 1).all(db).await?;
            found.extend(products.into_iter().map(|one| (one.product_id.clone(), one)));
        }
        if let Some(found) = only(Noun::Product, reference, found.into_values().collect(), candidate)? {
            return Ok(found);
        }
    }
    let mut near = Vec::new();
    for (owner, name) in &owners {
        let names = of(owner).limit(NAMES_READ).all(db).await?;
        near.extend(nearest(&name.to_lowercase(), names.iter().map(|one| (one.name.clone(), candidate(one)))));
    }
    Err(ReferenceError::NotFound { noun: Noun::Product, reference: reference.to_owned(), nearest: near })
}

fn candidate(one: &Model) -> Candidate {
    Candidate::new(&one.product_id, format!("{}/{}", one.airline_id, one.name))
}
