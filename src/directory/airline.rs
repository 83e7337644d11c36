//! Airlines: the members of the alliance, and the tokens by which their own programs are known.
//!
//! A token is a secret that the database holds in clear, as the other programs need it. Nothing here puts one into an error
//! or a log; answers show its [`fingerprint`].

use rand::RngExt as _;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter as _, QuerySelect as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::{DirectoryError, Edited, Result, Use, now, statement};
use super::reference::{Candidate, Noun};
use super::row::{self, Extra};
use crate::db::Transaction;
use crate::entity::{airline, columns};
use crate::input::{AirlineId, Name, ServerId, WebUrl};

/// How often a new token is drawn again when it clashes. CUID2 has 24 characters: once is one time more than needed.
const DRAWS: usize = 3;

/// An airline to be added.
#[derive(Clone, Debug)]
pub struct NewAirline {
    /// Its key.
    pub airline_id: AirlineId,
    /// Its full name.
    pub name: Name,
    /// Invitation to its Discord server; the alliance's unless given.
    pub invite_link: Option<WebUrl>,
    /// Its Discord server; the alliance's unless given.
    pub server_id: Option<ServerId>,
    /// Values of columns that have no field here.
    pub extra: Extra<airline::Entity>,
}

/// What is to change in an airline. Its token changes by [`rotate`] alone.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Full name.
    pub name: Option<Name>,
    /// Invitation to its Discord server.
    pub invite_link: Option<WebUrl>,
    /// Its Discord server.
    pub server_id: Option<ServerId>,
    /// Values of columns that have no field here.
    pub extra: Extra<airline::Entity>,
}

/// How much belongs to an airline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
pub struct Holdings {
    /// Its brands.
    pub brands: i64,
    /// Flights that it operates.
    pub flights: i64,
    /// Flights of others that carry its code.
    pub codeshares: i64,
    /// Products that it sells.
    pub products: i64,
}

/// A new API key in the form of a CUID2: a lower-case letter, then 23 lower-case letters and digits, together some 123 bits of
/// the system's randomness. The crate `cuid2` would add ten others for the same text.
fn draw_token() -> String {
    const FORM: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..24).map(|place| char::from(FORM[random.random_range(0..if place == 0 { 26 } else { 36 })])).collect()
}

/// The first 8 hexadecimal digits of a token's SHA-256: enough to see whether two are the same, too few to find it by.
#[must_use]
pub(crate) fn fingerprint(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Adds an airline with a new token, which the row that is answered holds.
///
/// # Errors
/// [`DirectoryError::Taken`]: the id is.
pub async fn add(tx: &Transaction, new: &NewAirline) -> Result<airline::Model> {
    let set = |value: Option<String>| value.map_or(NotSet, Set);
    for _ in 0..DRAWS {
        let mut row = airline::ActiveModel {
            airline_id: Set(new.airline_id.to_string()),
            name: Set(new.name.to_string()),
            token: Set(draw_token()),
            invite_link: set(new.invite_link.as_ref().map(ToString::to_string)),
            server_id: set(new.server_id.as_ref().map(ToString::to_string)),
            ..Default::default()
        };
        new.extra.set(&mut row)?;
        if let Some(added) = row::insert::<airline::Entity>(tx, row).await? {
            return Ok(added);
        }
        if let Some(holder) = airline::Entity::find_by_id(new.airline_id.as_str()).one(tx).await? {
            return Err(taken(&new.airline_id, Some(&holder)));
        }
    }
    Err(taken(&new.airline_id, None))
}

fn taken(id: &AirlineId, holder: Option<&airline::Model>) -> DirectoryError {
    let holder = holder.map(|row| Candidate::new(&row.airline_id, &row.name));
    DirectoryError::Taken { field: "airlineId", value: id.to_string(), noun: Noun::Airline, holder }
}

/// Reads an airline and holds its row until the transaction ends, so that no new row can refer to it meanwhile.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such airline.
pub async fn lock(tx: &Transaction, airline_id: &str) -> Result<airline::Model> {
    let row = airline::Entity::find_by_id(airline_id).lock(LockType::Update).one(tx).await?;
    row.ok_or_else(|| gone(airline_id))
}

/// Reads an airline.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such airline.
pub(super) async fn find(db: &impl ConnectionTrait, airline_id: &str) -> Result<airline::Model> {
    airline::Entity::find_by_id(airline_id).one(db).await?.ok_or_else(|| gone(airline_id))
}

fn gone(airline_id: &str) -> DirectoryError {
    DirectoryError::Gone { noun: Noun::Airline, key: airline_id.to_owned() }
}

/// Changes an airline's name or links, and moves `updatedAt` where anything is different.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such airline.
pub async fn edit(tx: &Transaction, airline_id: &str, edit: &Edit) -> Result<Edited<airline::Model>> {
    let before = lock(tx, airline_id).await?;
    let mut wanted = before.clone();
    if let Some(name) = &edit.name {
        name.as_str().clone_into(&mut wanted.name);
    }
    if let Some(link) = &edit.invite_link {
        link.as_str().clone_into(&mut wanted.invite_link);
    }
    if let Some(server) = &edit.server_id {
        server.as_str().clone_into(&mut wanted.server_id);
    }
    edit.extra.apply(&mut wanted)?;
    if wanted == before {
        return Ok(Edited { after: before.clone(), before });
    }
    let after = row::update::<airline::Entity>(tx, &before, &wanted, Some(airline::Column::UpdatedAt)).await?;
    Ok(Edited { before, after: after.ok_or_else(|| gone(airline_id))? })
}

/// Gives an airline a new token, which the row that is answered holds. The old one is worth nothing from the commit on.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such airline.
pub async fn rotate(tx: &Transaction, airline_id: &str) -> Result<airline::Model> {
    let sql = format!(
        r#"UPDATE "airlines" SET "token" = $2, "updatedAt" = {} WHERE "airlineId" = $1 RETURNING {}"#,
        now(tx),
        columns::read_list::<airline::Entity>(None)
    );
    let update = statement(tx, sql, [airline_id.into(), draw_token().into()]);
    airline::Entity::find().from_raw_sql(update).one(tx).await?.ok_or_else(|| gone(airline_id))
}

/// The airline that a token belongs to: how an API knows its caller. Found by the unique index.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn by_token(db: &impl ConnectionTrait, token: &str) -> Result<Option<airline::Model>> {
    if !may_be_token(token) {
        return Ok(None);
    }
    Ok(airline::Entity::find().filter(airline::Column::Token.eq(token)).one(db).await?)
}

/// Whether the database can be asked for this token: PostgreSQL refuses a NUL in any text, and no token is as long.
pub(super) fn may_be_token(token: &str) -> bool {
    !token.is_empty() && !token.contains('\0') && token.len() <= 1000
}

/// Counts what belongs to an airline, and so keeps it from being deleted.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn holdings(db: &impl ConnectionTrait, airline_id: &str) -> Result<Holdings> {
    let sql = r#"SELECT
        (SELECT count(*) FROM "brands" WHERE "airlineId" = $1) AS "brands",
        (SELECT count(*) FROM "flights" WHERE "airlineId" = $1) AS "flights",
        (SELECT count(*) FROM "flights" WHERE "codeshareAirlineId" = $1) AS "codeshares",
        (SELECT count(*) FROM "milesProducts" WHERE "airlineId" = $1) AS "products""#;
    let counts = Holdings::find_by_statement(statement(db, sql, [airline_id.into()])).one(db).await?;
    counts.ok_or_else(|| gone(airline_id))
}

/// Deletes an airline that nothing refers to.
///
/// # Errors
/// [`DirectoryError::InUse`], counting all that refers to it. [`DirectoryError::Gone`]: no such airline.
pub async fn delete(tx: &Transaction, airline_id: &str) -> Result<airline::Model> {
    let row = lock(tx, airline_id).await?;
    let held = holdings(tx, airline_id).await?;
    let by: Vec<Use> = [
        ("brand", held.brands),
        ("flight", held.flights),
        ("codeshare flight", held.codeshares),
        ("product", held.products),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(what, count)| Use { what, count })
    .collect();
    if !by.is_empty() {
        return Err(DirectoryError::InUse { noun: Noun::Airline, key: airline_id.to_owned(), by });
    }
    airline::Entity::delete_by_id(airline_id).exec(tx).await?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_form_of_a_cuid2_and_is_new_each_time() {
        let drawn: std::collections::BTreeSet<String> = (0..500).map(|_| draw_token()).collect();
        assert_eq!(drawn.len(), 500);
        for token in &drawn {
            assert!(token.len() == 24 && token.starts_with(|c: char| c.is_ascii_lowercase()), "{token}");
            assert!(token.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{token}");
        }
        // Every character is drawn.
        assert_eq!(drawn.iter().flat_map(|token| token.chars()).collect::<std::collections::BTreeSet<_>>().len(), 36);
    }

    #[test]
    fn a_fingerprint_is_the_start_of_sha256() {
        // sha256sum of "abc".
        assert_eq!(fingerprint("abc"), "ba7816bf");
    }
}
