//! Products: what airlines sell for miles. Selling one is the ledger's business.

use rand::RngExt as _;
use sea_orm::sea_query::LockType;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QuerySelect as _, SelectModel, SelectorRaw, Set, Value};
use serde::Serialize;

use super::error::{DirectoryError, Edited, Result, Use, statement};
use super::reference::Noun;
use super::row::{self, Extra};
use crate::db::Transaction;
use crate::entity::{columns, miles_product};
use crate::input::{Amount, Name, ProductId, Text};
use crate::ledger::purchase;

/// How often an id is drawn again when it clashes. With a million products one draw in two thousand clashes.
const DRAWS: usize = 16;

/// A product to be added.
#[derive(Clone, Debug)]
pub struct NewProduct {
    /// Key of the airline that sells it.
    pub airline_id: String,
    /// Its name.
    pub name: Name,
    /// What it is.
    pub description: Option<Text>,
    /// Its price in miles.
    pub price: Amount,
    /// Whether it is on sale at once.
    pub active: bool,
    /// Values of columns that have no field here.
    pub extra: Extra<miles_product::Entity>,
}

/// What is to change in a product.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Name.
    pub name: Option<Name>,
    /// Description; `Some(None)` takes it away.
    pub description: Option<Option<Text>>,
    /// Price in miles; what was redeemed before is not touched.
    pub price: Option<Amount>,
    /// Whether it is on sale.
    pub active: Option<bool>,
    /// Values of columns that have no field here.
    pub extra: Extra<miles_product::Entity>,
}

/// How a product sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sales {
    /// How often it was redeemed and not taken back.
    pub redeemed: i64,
    /// Miles taken in by those.
    pub miles: i64,
    /// How many of those name it by their note alone ([`purchase`]).
    #[sea_orm(from_alias = "redeemedByName")]
    pub redeemed_by_name: i64,
    /// Miles taken in by these.
    #[sea_orm(from_alias = "milesByName")]
    pub miles_by_name: i64,
    /// How many users have miles enough for it now.
    #[sea_orm(from_alias = "canAfford")]
    pub can_afford: i64,
}

/// A product with how it sells, as [`list`] finds it.
#[derive(Clone, Debug, PartialEq, FromQueryResult, Serialize)]
pub struct Sold {
    /// The product.
    #[sea_orm(nested)]
    #[serde(flatten)]
    pub product: miles_product::Model,
    /// As [`Sales::redeemed`].
    pub redeemed: i64,
    /// As [`Sales::miles`].
    pub miles: i64,
    /// As [`Sales::redeemed_by_name`].
    #[sea_orm(from_alias = "redeemedByName")]
    #[serde(rename = "redeemedByName")]
    pub redeemed_by_name: i64,
    /// As [`Sales::miles_by_name`].
    #[sea_orm(from_alias = "milesByName")]
    #[serde(rename = "milesByName")]
    pub miles_by_name: i64,
}

/// Which products to list; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this airline, by key.
    pub airline_id: Option<String>,
    /// Those that are on sale, or those that are not.
    pub active: Option<bool>,
    /// Those that cost at most so many miles.
    pub max_price: Option<i32>,
}

/// The products that pass the filter, followed by `tail`: ORDER BY and LIMIT on the columns of [`Sold`].
pub fn list(db: &impl ConnectionTrait, filter: &Filter, tail: &str) -> SelectorRaw<SelectModel<Sold>> {
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = String::new();
    let mut add = |condition: &str, value: Value| {
        values.push(value);
        conditions.push_str(&format!(" AND p.{condition} ${}", values.len()));
    };
    if let Some(airline_id) = &filter.airline_id {
        add(r#""airlineId" ="#, airline_id.as_str().into());
    }
    if let Some(active) = filter.active {
        add(r#""active" ="#, active.into());
    }
    if let Some(most) = filter.max_price {
        add(r#""priceMiles" <="#, most.into());
    }
    let sql = format!(
        r#"SELECT * FROM (
            SELECT {}, coalesce(sales."redeemed", 0) AS "redeemed", coalesce(sales."miles", 0) AS "miles",
                coalesce(sales."redeemedByName", 0) AS "redeemedByName", coalesce(sales."milesByName", 0) AS "milesByName"
            FROM "milesProducts" p LEFT JOIN {} sales ON sales."productId" = p."productId" WHERE true{conditions}
        ) listed{tail}"#,
        columns::read_list::<miles_product::Entity>(Some("p")),
        purchase::sales_by_product()
    );
    Sold::find_by_statement(statement(db, sql, values))
}

/// A random product id: 6 of 36 characters, some two thousand million.
#[must_use]
pub(crate) fn draw() -> String {
    let mut random = rand::rng();
    (0..6).map(|_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[random.random_range(0..36)])).collect()
}

/// Adds a product under a random id.
///
/// # Errors
/// [`DirectoryError::Taken`]: every id that was drawn is. The database's, where there is no such airline.
pub async fn add(tx: &Transaction, new: &NewProduct) -> Result<miles_product::Model> {
    add_drawing(tx, new, draw).await
}

/// As [`add`], with ids from `draw`: drawn again when one clashes.
///
/// # Errors
/// As for [`add`]; [`DirectoryError::Input`], where `draw` gives what is no product id.
pub async fn add_drawing(
    tx: &Transaction,
    new: &NewProduct,
    mut draw: impl FnMut() -> String,
) -> Result<miles_product::Model> {
    let mut value = String::new();
    for _ in 0..DRAWS {
        value = ProductId::parse(&draw())?.into();
        let mut row = miles_product::ActiveModel {
            product_id: Set(value.clone()),
            airline_id: Set(new.airline_id.clone()),
            name: Set(new.name.to_string()),
            description: Set(new.description.as_ref().map(ToString::to_string)),
            price_miles: Set(new.price.get()),
            active: Set(new.active),
            ..Default::default()
        };
        new.extra.set(&mut row)?;
        if let Some(added) = row::insert::<miles_product::Entity>(tx, row).await? {
            return Ok(added);
        }
    }
    Err(DirectoryError::Taken { field: "productId", value, noun: Noun::Product, holder: None })
}

/// Reads a product and holds its row until the transaction ends.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such product.
pub async fn lock(tx: &Transaction, product_id: &str) -> Result<miles_product::Model> {
    let row = miles_product::Entity::find_by_id(product_id).lock(LockType::Update).one(tx).await?;
    row.ok_or_else(|| gone(product_id))
}

fn gone(product_id: &str) -> DirectoryError {
    DirectoryError::Gone { noun: Noun::Product, key: product_id.to_owned() }
}

/// Changes a product.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such product.
pub async fn edit(tx: &Transaction, product_id: &str, edit: &Edit) -> Result<Edited<miles_product::Model>> {
    let before = lock(tx, product_id).await?;
    let mut wanted = before.clone();
    if let Some(name) = &edit.name {
        name.as_str().clone_into(&mut wanted.name);
    }
    if let Some(description) = &edit.description {
        wanted.description = description.as_ref().map(ToString::to_string);
    }
    if let Some(price) = edit.price {
        wanted.price_miles = price.get();
    }
    if let Some(active) = edit.active {
        wanted.active = active;
    }
    edit.extra.apply(&mut wanted)?;
    if wanted == before {
        return Ok(Edited { after: before.clone(), before });
    }
    let after = row::update::<miles_product::Entity>(tx, &before, &wanted, None).await?;
    Ok(Edited { before, after: after.ok_or_else(|| gone(product_id))? })
}

/// How a product sells. Reads the ledger once: entries are not indexed by product.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn sales(db: &impl ConnectionTrait, product: &miles_product::Model) -> Result<Sales> {
    let by_name = purchase::of_product_by_name("e", "$1");
    let sql = format!(
        r#"SELECT count(*) AS "redeemed", CAST(coalesce(-sum(e."amount"), 0) AS bigint) AS "miles",
        count(CASE WHEN e."productId" IS NULL THEN 1 END) AS "redeemedByName",
        CAST(coalesce(-sum(CASE WHEN e."productId" IS NULL THEN e."amount" END), 0) AS bigint) AS "milesByName",
        (SELECT count(*) FROM "users" WHERE "miles" >= $2) AS "canAfford"
        FROM "milesTransactions" AS e
        WHERE (e."productId" = $1 OR {by_name}) AND e."reversesId" IS NULL
        AND NOT EXISTS (SELECT 1 FROM "milesTransactions" AS r WHERE r."reversesId" = e."id")"#
    );
    let sales = statement(db, sql, [product.product_id.as_str().into(), product.price_miles.into()]);
    Sales::find_by_statement(sales).one(db).await?.ok_or_else(|| gone(&product.product_id))
}

/// How many purchases are counted as the product's by its name alone, which they would not be under another name.
///
/// # Errors
/// The database's.
pub(crate) async fn purchases_by_name(db: &impl ConnectionTrait, product_id: &str) -> Result<i64> {
    let by_name = purchase::of_product_by_name("e", "$1");
    let sql = format!(r#"SELECT count(*) FROM "milesTransactions" e WHERE {by_name}"#);
    let counted = db.query_one_raw(statement(db, sql, [product_id.into()])).await?;
    Ok(counted.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
}

/// Deletes a product that was never redeemed; one that was is part of the ledger's history.
///
/// # Errors
/// [`DirectoryError::InUse`], counting the entries that name it, and the purchases whose note has its name. [`DirectoryError::Gone`]: no such product.
pub async fn delete(tx: &Transaction, product_id: &str) -> Result<miles_product::Model> {
    let row = lock(tx, product_id).await?;
    let sql = format!(
        r#"SELECT count(CASE WHEN e."productId" = $1 THEN 1 END), count(CASE WHEN {named} THEN 1 END)
        FROM "milesTransactions" e WHERE e."productId" = $1 OR {named}"#,
        named = purchase::possibly_of_product("e", "$2")
    );
    let found = tx.query_one_raw(statement(tx, sql, [product_id.into(), row.name.as_str().into()])).await?;
    let counts: Option<(i64, i64)> =
        found.map(|row| Ok::<_, sea_orm::DbErr>((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()?;
    let (entries, purchases) = counts.unwrap_or_default();
    let by: Vec<Use> = [("ledger entry", entries), ("purchase that only a note names", purchases)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| Use { what, count })
        .collect();
    if !by.is_empty() {
        return Err(DirectoryError::InUse { noun: Noun::Product, key: product_id.to_owned(), by });
    }
    miles_product::Entity::delete_by_id(product_id).exec(tx).await?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_ids_are_product_ids() {
        for _ in 0..100 {
            assert!(ProductId::parse(&draw()).is_ok());
        }
    }
}
