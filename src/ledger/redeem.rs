//! Buying a product with miles.
//!
//! The price is read and paid in one transaction, on PostgreSQL in one statement. The product's row is held by
//! `FOR KEY SHARE`, which only deleting it has to wait for: an entry never names a product that went away beside it.
//! Deleting a product locks it before looking for its redemptions.

use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::purchase::NOTE;
use super::rows::{self, COLUMNS, POSTGRES_CLOCK, WRITTEN};
use super::{Account, MilesError, Posted, Posting, posting, source};
use crate::db::{self, Database, Engine, Transaction};
use crate::entity::types::Id;

/// What is asked for. The price is the product's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The entry's key, as [`Posting::id`].
    pub id: Id,
    /// Who buys.
    pub user_id: String,
    /// What.
    pub product_id: String,
    /// Free text; `None` for one that names the product.
    pub note: Option<String>,
    /// Who asks.
    pub actor: Option<String>,
}

/// The price is looked at under the lock of the user's row. No row: no such user or product, or no key free; else the
/// product, and a balance where it was bought.
static REDEEM: LazyLock<String> = LazyLock::new(|| {
    format!(
        r#"WITH product AS MATERIALIZED (
            SELECT "productId", "name", "priceMiles", "active" FROM "milesProducts" WHERE "productId" = $3 FOR KEY SHARE
        ), held AS MATERIALIZED (
            SELECT "userId", "username", "miles" FROM "users" WHERE "userId" = $2 FOR NO KEY UPDATE
        ), entry AS (
            INSERT INTO "milesTransactions" ({WRITTEN})
            SELECT $1, "userId", -"priceMiles", 'spend', '{purchase}', NULL, "productId", coalesce($4, '{NOTE}' || "name"), {POSTGRES_CLOCK}, NULL, NULL, $5
            FROM held, product WHERE "active" AND "miles" >= "priceMiles"
            ON CONFLICT ("id") DO NOTHING
            RETURNING {COLUMNS}
        ), paid AS (
            UPDATE "users" SET "miles" = "users"."miles" + entry."amount" FROM entry
            WHERE "users"."userId" = entry."userId" RETURNING "users"."miles"
        )
        SELECT product."name", product."priceMiles" AS "price", product."active", held."username" AS "holder",
            held."miles"::int8 AS "had", paid."miles"::int8 AS "balance", entry.*
        FROM (SELECT 1) one LEFT JOIN product ON true LEFT JOIN held ON true LEFT JOIN entry ON true LEFT JOIN paid ON true"#,
        purchase = source::PURCHASE
    )
});

/// Buys a product in a transaction of its own; otherwise as [`redeem_in`].
///
/// # Errors
/// As [`redeem_in`], and [`MilesError::Unknown`] where the commit was not acknowledged and the entry cannot be found.
pub async fn redeem(database: &Database, wanted: &Redemption) -> Result<Posted, MilesError> {
    let connection = database.autocommit();
    let done = db::retry(MilesError::db, || async {
        match database.engine() {
            Engine::Postgres => match redeem_at_once(&connection, wanted).await? {
                (_, Some(posted)) => Ok(posted),
                (_, None) => redeem_alone(database, wanted).await,
            },
            Engine::Sqlite => redeem_alone(database, wanted).await,
        }
    });
    match done.await {
        Err(unknown @ MilesError::Unknown { .. }) => {
            posting::ask(database, unknown, |posted| same(posted, wanted)).await
        }
        Ok(posted) if posted.already => posting::replicated(database, wanted.id).await.map(|()| posted),
        done => done,
    }
}

/// [`redeem_in`] in a transaction of its own.
async fn redeem_alone(database: &Database, wanted: &Redemption) -> Result<Posted, MilesError> {
    posting::alone(database, wanted.id, async |tx| redeem_in(tx, wanted).await).await
}

/// Buys a product as part of an open transaction.
///
/// The same redemption again returns the existing entry, whatever the price is by now.
///
/// # Errors
/// [`MilesError::NoUser`], [`MilesError::NoProduct`], [`MilesError::ProductInactive`], [`MilesError::NotEnough`],
/// [`MilesError::KeyTaken`].
pub async fn redeem_in(tx: &Transaction, wanted: &Redemption) -> Result<Posted, MilesError> {
    match Engine::of(tx) {
        Engine::Postgres => redeem_postgres(tx, wanted).await,
        Engine::Sqlite => redeem_sqlite(tx, wanted).await,
    }
}

async fn redeem_postgres(tx: &Transaction, wanted: &Redemption) -> Result<Posted, MilesError> {
    let (row, posted) = redeem_at_once(tx, wanted).await?;
    if let Some(posted) = posted {
        return Ok(posted);
    }
    let holder = match row.try_get::<Option<String>>("", "holder")? {
        Some(username) => Some(Account { user_id: wanted.user_id.clone(), username, miles: row.try_get("", "had")? }),
        None => None,
    };
    refuse(tx, wanted, product(&row)?, holder).await
}

/// The one statement of it, and what was bought by it, if anything was.
async fn redeem_at_once(
    connection: &impl ConnectionTrait,
    wanted: &Redemption,
) -> Result<(QueryResult, Option<Posted>), MilesError> {
    let values: [Value; 5] = [
        wanted.id.into(),
        wanted.user_id.as_str().into(),
        wanted.product_id.as_str().into(),
        wanted.note.clone().into(),
        wanted.actor.clone().into(),
    ];
    let row = connection
        .query_one_raw(rows::statement(connection, REDEEM.as_str(), values))
        .await
        .map_err(|error| posting::unknown_or_failed(wanted.id, error))?
        .ok_or_else(|| sea_orm::DbErr::RecordNotFound("the redemption's outcome".to_owned()))?;
    let posted = match row.try_get::<Option<i64>>("", "balance")? {
        Some(balance) => Some(Posted { entry: rows::entry(&row)?, balance, already: false }),
        None => None,
    };
    Ok((row, posted))
}

async fn redeem_sqlite(tx: &Transaction, wanted: &Redemption) -> Result<Posted, MilesError> {
    let sql = r#"SELECT "name", "priceMiles" AS "price", "active" FROM "milesProducts" WHERE "productId" = $1"#;
    let row = tx.query_one_raw(rows::statement(tx, sql, [wanted.product_id.as_str().into()])).await?;
    let product = row.as_ref().map(product).transpose()?.flatten();
    match product {
        Some(Product { name, price, active: true }) if rows::stored(tx, wanted.id).await?.is_none() => {
            let movement = Posting {
                source: source::PURCHASE.to_owned(),
                product_id: Some(wanted.product_id.clone()),
                note: Some(wanted.note.clone().unwrap_or_else(|| format!("{NOTE}{name}"))),
                actor: wanted.actor.clone(),
                ..Posting::new(wanted.id, wanted.user_id.clone(), -price)
            };
            posting::post_in(tx, &movement).await
        }
        product => refuse(tx, wanted, product, None).await,
    }
}

/// What the rule needs to know of a product.
struct Product {
    name: String,
    price: i32,
    active: bool,
}

fn product(row: &QueryResult) -> Result<Option<Product>, sea_orm::DbErr> {
    let Some(name) = row.try_get("", "name")? else { return Ok(None) };
    Ok(Some(Product { name, price: row.try_get("", "price")?, active: row.try_get("", "active")? }))
}

/// Why nothing was bought. The key is looked up first: the first redemption may have left too little for a second.
async fn refuse(
    connection: &impl ConnectionTrait,
    wanted: &Redemption,
    product: Option<Product>,
    holder: Option<Account>,
) -> Result<Posted, MilesError> {
    if let Some(posted) = rows::stored(connection, wanted.id).await? {
        return same(posted, wanted);
    }
    let product_id = wanted.product_id.clone();
    let Some(product) = product else { return Err(MilesError::NoProduct { product_id }) };
    if !product.active {
        return Err(MilesError::ProductInactive { product_id, name: product.name });
    }
    let Some(holder) = holder else { return Err(MilesError::NoUser { user_id: wanted.user_id.clone() }) };
    Err(MilesError::NotEnough { holder, needs: product.price.into() })
}

/// The stored entry where it is the same redemption: at whatever price, and whatever the product was called then.
fn same(posted: Posted, wanted: &Redemption) -> Result<Posted, MilesError> {
    let asked = Posting {
        source: source::PURCHASE.to_owned(),
        product_id: Some(wanted.product_id.clone()),
        note: wanted.note.clone().or_else(|| posted.entry.note.clone()),
        ..Posting::new(wanted.id, wanted.user_id.clone(), posted.entry.amount)
    };
    posting::same_or_taken(posted, &asked)
}
