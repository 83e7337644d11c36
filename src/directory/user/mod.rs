//! Users: who flies. Their miles are the ledger's business; nothing here moves any.

pub mod erase;
pub mod export;
pub mod import;
pub mod list;
mod mention;

use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait, FromQueryResult, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set,
};
use serde::Serialize;

use super::error::{DirectoryError, Edited, Result, claim, statement, taken};
use super::reference::{Candidate, Noun};
use super::row::{self, Extra};
use crate::db::Transaction;
use crate::entity::{columns, miles_transaction, user};
use crate::input::{Name, UserId, Username, WebUrl};
use crate::ledger::erased;

/// A user to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// ROBLOX user id.
    pub user_id: UserId,
    /// ROBLOX username.
    pub username: Username,
    /// The name that is shown; the username where there is none.
    pub display_name: Option<Name>,
    /// Picture.
    pub avatar_url: Option<WebUrl>,
    /// Values of columns that have no field here.
    pub extra: Extra<user::Entity>,
}

/// What is to change in a user. Miles are not among it.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The new username, of a player renamed on ROBLOX.
    pub username: Option<Username>,
    /// The new name to show.
    pub display_name: Option<Name>,
    /// The new picture; `Some(None)` takes it away.
    pub avatar_url: Option<Option<WebUrl>>,
    /// Values of columns that have no field here.
    pub extra: Extra<user::Entity>,
}

/// A user's rank, and what they did so far.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
pub struct Standing {
    /// Place by miles, from 1; equal balances share a place.
    pub rank: i64,
    /// How many users there are.
    pub users: i64,
    /// Flights boarded.
    pub flights: i64,
    /// Miles ever earned, reversed or not.
    pub earned: i64,
    /// Miles ever spent, as a positive number.
    pub spent: i64,
}

/// Adds a user with no miles.
///
/// Safe against others that add at the same time: a clash is answered, never an error of the database.
///
/// # Errors
/// [`DirectoryError::Taken`]: the id, or the name in any case, is held, and by whom.
pub async fn add(tx: &Transaction, new: &NewUser) -> Result<user::Model> {
    claim_name(tx, &new.username).await?;
    refuse_taken(tx, new).await?;
    let display_name = new.display_name.as_ref().map_or(new.username.as_str(), Name::as_str);
    let mut row = user::ActiveModel {
        user_id: Set(new.user_id.to_string()),
        username: Set(new.username.to_string()),
        display_name: Set(display_name.to_owned()),
        avatar_url: Set(new.avatar_url.as_ref().map(ToString::to_string)),
        ..Default::default()
    };
    new.extra.set(&mut row)?;
    if let Some(added) = row::insert::<user::Entity>(tx, row).await? {
        return Ok(added);
    }
    // Another program was faster than the look above; now its row is there to be seen.
    refuse_taken(tx, new).await?;
    let value = new.user_id.as_str().to_owned();
    Err(DirectoryError::Taken { field: "userId", value, noun: Noun::User, holder: None })
}

async fn refuse_taken(tx: &Transaction, new: &NewUser) -> Result<()> {
    if let Some(holder) = user::Entity::find_by_id(new.user_id.as_str()).one(tx).await? {
        return Err(held("userId", new.user_id.as_str(), &holder));
    }
    refuse_name(tx, &new.username, "").await
}

/// Refuses a name that a user other than `owner` has, in any case.
async fn refuse_name(tx: &Transaction, name: &Username, owner: &str) -> Result<()> {
    let sql = format!(
        r#"SELECT {} FROM "users" WHERE ("username" = $1 OR lower("username") = lower($1)) AND "userId" <> $2
        ORDER BY "username" LIMIT 1"#,
        columns::read_list::<user::Entity>(None)
    );
    let holder = statement(tx, sql, [name.as_str().into(), owner.into()]);
    match user::Entity::find().from_raw_sql(holder).one(tx).await? {
        Some(holder) => Err(held("username", name.as_str(), &holder)),
        None => Ok(()),
    }
}

fn held(field: &'static str, value: &str, holder: &user::Model) -> DirectoryError {
    let holder = Some(Candidate::new(&holder.user_id, &holder.username));
    DirectoryError::Taken { field, value: value.to_owned(), noun: Noun::User, holder }
}

async fn claim_name(tx: &Transaction, name: &Username) -> Result<()> {
    Ok(claim(tx, "users.username", name.as_str()).await?)
}

/// Reads a user and holds the row until the transaction ends.
///
/// # Errors
/// [`DirectoryError::Gone`]: no such user.
pub async fn lock(tx: &Transaction, user_id: &str) -> Result<user::Model> {
    let row = user::Entity::find_by_id(user_id).lock(LockType::Update).one(tx).await?;
    row.ok_or_else(|| DirectoryError::Gone { noun: Noun::User, key: user_id.to_owned() })
}

/// Changes a user's names or picture, and moves `updatedAt` where anything is different.
///
/// # Errors
/// [`DirectoryError::Taken`]: another user has the name, in any case. [`DirectoryError::Gone`]: no such user.
pub async fn edit(tx: &Transaction, user_id: &str, edit: &Edit) -> Result<Edited<user::Model>> {
    if let Some(name) = &edit.username {
        claim_name(tx, name).await?;
        refuse_name(tx, name, user_id).await?;
    }
    let before = lock(tx, user_id).await?;
    let mut wanted = before.clone();
    if let Some(name) = &edit.username {
        name.as_str().clone_into(&mut wanted.username);
    }
    if let Some(name) = &edit.display_name {
        name.as_str().clone_into(&mut wanted.display_name);
    }
    if let Some(url) = &edit.avatar_url {
        wanted.avatar_url = url.as_ref().map(ToString::to_string);
    }
    edit.extra.apply(&mut wanted)?;
    if wanted == before {
        return Ok(Edited { after: before.clone(), before });
    }
    let updated = row::update::<user::Entity>(tx, &before, &wanted, Some(user::Column::UpdatedAt)).await;
    let updated = updated.map_err(|error| taken(error, Noun::User, &[("username", &wanted.username)]))?;
    let after = updated.ok_or_else(|| DirectoryError::Gone { noun: Noun::User, key: user_id.to_owned() })?;
    Ok(Edited { before, after })
}

/// A user's place and totals. Counts those who have more, so it reads all users once.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn standing(db: &impl ConnectionTrait, of: &user::Model) -> Result<Standing> {
    let sql = format!(
        r#"SELECT
        (SELECT count(*) FROM "users" u WHERE u."miles" > $2 AND {ranked}) + 1 AS "rank",
        (SELECT count(*) FROM "users" u WHERE {ranked}) AS "users",
        (SELECT count(*) FROM "flightPassengers" WHERE "userId" = $1) AS "flights",
        CAST(coalesce(sum(CASE WHEN "amount" > 0 THEN "amount" END), 0) AS bigint) AS "earned",
        CAST(coalesce(-sum(CASE WHEN "amount" < 0 THEN "amount" END), 0) AS bigint) AS "spent"
        FROM "milesTransactions" WHERE "userId" = $1"#,
        ranked = erased::not_erased("u")
    );
    let standing = statement(db, sql, [of.user_id.as_str().into(), of.miles.into()]);
    let standing = Standing::find_by_statement(standing).one(db).await?;
    standing.ok_or_else(|| DirectoryError::Gone { noun: Noun::User, key: of.user_id.clone() })
}

/// A user's latest ledger entries, newest first.
///
/// # Errors
/// [`DirectoryError::Db`].
pub async fn movements(db: &impl ConnectionTrait, user_id: &str, most: u64) -> Result<Vec<miles_transaction::Model>> {
    let newest = miles_transaction::Entity::find()
        .filter(miles_transaction::Column::UserId.eq(user_id))
        .order_by(miles_transaction::Column::CreatedAt, Order::Desc)
        .order_by(miles_transaction::Column::Id, Order::Desc)
        .limit(most);
    Ok(newest.all(db).await?)
}
