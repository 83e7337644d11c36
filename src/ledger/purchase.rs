//! Which product a purchase is of: one rule, for every figure about sales.
//!
//! An entry that names its product by `productId` is of that one. The alliance's API names none: it writes NULL and the
//! note `Purchase: NAME`. Such an entry is of the product of this name where exactly one product has it now; where none or
//! several have it, the product is unknown, and the entry counts among the [`unattributed`]. Figures say how much of them rests
//! on names, because a product that is renamed takes no sales along.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Value};

use super::rows;

/// What the note of a purchase begins with, before the product's name.
pub(crate) const NOTE: &str = "Purchase: ";

/// Purchases that name no product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult, serde::Serialize)]
pub struct Unattributed {
    /// How many are in effect.
    pub entries: i64,
    /// The miles spent on them, zero or more.
    pub miles: i64,
}

/// A purchase without a `productId`: a condition on the entry `alias`.
fn nameless(alias: &str) -> String {
    format!(r#"({alias}."productId" IS NULL AND {alias}."source" = 'purchase' AND {alias}."type" = 'spend')"#)
}

/// The notes that name one product, of those that meet `condition`; they are grouped by name, so that `condition` sees
/// aggregates.
fn notes(condition: &str) -> String {
    format!(r#"SELECT '{NOTE}' || "name" FROM "milesProducts" GROUP BY "name" HAVING count(*) = 1 AND {condition}"#)
}

/// The condition that the entry `alias` is, by its name alone, a purchase of the product whose id is `parameter`.
pub(crate) fn of_product_by_name(alias: &str, parameter: &str) -> String {
    let notes = notes(&format!(r#"min("productId") = {parameter}"#));
    format!(r#"({} AND {alias}."note" IN ({notes}))"#, nameless(alias))
}

/// The condition that the entry `alias` is, by its name alone, a purchase of a product of the airline `parameter`.
pub(crate) fn of_airline_by_name(alias: &str, parameter: &str) -> String {
    let notes = notes(&format!(r#"min("airlineId") = {parameter}"#));
    format!(r#"({} AND {alias}."note" IN ({notes}))"#, nameless(alias))
}

/// A table of the sales of each product that has any: `productId`, `redeemed`, `miles`, and of both the part that rests on
/// names, `redeemedByName` and `milesByName`. Reads the ledger once.
pub(crate) fn sales_by_product() -> String {
    format!(
        r#"(SELECT coalesce(e."productId", named."productId") AS "productId", count(*) AS "redeemed",
            CAST(-sum(e."amount") AS bigint) AS "miles",
            count(CASE WHEN e."productId" IS NULL THEN 1 END) AS "redeemedByName",
            CAST(coalesce(-sum(CASE WHEN e."productId" IS NULL THEN e."amount" END), 0) AS bigint) AS "milesByName"
        FROM "milesTransactions" e LEFT JOIN (
            SELECT '{NOTE}' || "name" AS "note", min("productId") AS "productId" FROM "milesProducts"
            GROUP BY "name" HAVING count(*) = 1
        ) named ON {} AND e."note" = named."note"
        WHERE (e."productId" IS NOT NULL OR named."productId" IS NOT NULL) AND e."reversesId" IS NULL
            AND NOT EXISTS (SELECT 1 FROM "milesTransactions" r WHERE r."reversesId" = e."id")
        GROUP BY coalesce(e."productId", named."productId"))"#,
        nameless("e")
    )
}

/// The condition that the entry `alias` can be a purchase of the product named `parameter`: others may have the name, too.
pub(crate) fn possibly_of_product(alias: &str, parameter: &str) -> String {
    format!(r#"({} AND {alias}."note" = '{NOTE}' || {parameter})"#, nameless(alias))
}

/// Purchases in effect whose product is unknown, written within `period`: from a time on, before another.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn unattributed(
    connection: &impl ConnectionTrait,
    period: Option<(Value, Value)>,
) -> Result<Unattributed, DbErr> {
    let (within, values) = match period {
        Some((from, until)) => (r#"AND e."createdAt" >= $1 AND e."createdAt" < $2"#, vec![from, until]),
        None => ("", Vec::new()),
    };
    let sql = format!(
        r#"SELECT count(*) AS "entries", CAST(coalesce(-sum(e."amount"), 0) AS bigint) AS "miles"
        FROM "milesTransactions" e WHERE {} {within} AND (e."note" IS NULL OR e."note" NOT IN ({}))
            AND NOT EXISTS (SELECT 1 FROM "milesTransactions" r WHERE r."reversesId" = e."id")"#,
        nameless("e"),
        notes("true")
    );
    let found = Unattributed::find_by_statement(rows::statement(connection, sql, values)).one(connection).await?;
    Ok(found.unwrap_or_default())
}
