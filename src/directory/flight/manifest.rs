//! Importing a list of passengers: which user each line means, and boarding all of them at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, OnConflict};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter as _, QuerySelect as _};

use super::board::hold;
use super::{Action, FlightError};
use crate::db::Transaction;
use crate::directory::reference::storable;
use crate::directory::row::Extra;
use crate::entity::types::{Id, Timestamp};
use crate::entity::{FlightPassenger, flight_passenger, user};
use crate::input::{Name, UserId, Username};
use crate::ledger::flight_award as ledger;
use crate::ledger::flight_award::{Boarded, Boarding, Passenger};

/// How many values one statement compares with: SQLite takes 32 766 parameters.
const CHUNK: usize = 10_000;

/// How a line names its user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// By `userId`, and perhaps by a name too, which then need not be the stored one: players rename themselves.
    Id {
        /// The key.
        user_id: String,
        /// The name beside it.
        username: Option<String>,
    },
    /// By name alone.
    Name(String),
    /// By digits, which are a `userId` if there is such a user, else a name.
    Digits(String),
}

/// A user that a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Key.
    pub user_id: String,
    /// Name on ROBLOX.
    pub username: String,
}

/// Whom a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This user.
    Known(Known),
    /// No user.
    Unknown,
    /// No user has the `userId`, but this one has the name beside it.
    NameOfAnother(Known),
    /// The `userId` is the first one's, and the name beside it the other one's.
    TwoUsers(Known, Known),
    /// Several users, whose names differ in case alone.
    Ambiguous(Vec<Known>),
}

/// A player for whom an account is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Player {
    /// Name on ROBLOX.
    pub username: Username,
    /// The name to show; the username unless given.
    pub display_name: Option<Name>,
}

/// Whom each line means, in order.
///
/// # Errors
/// [`DbErr`] of the driver.
pub async fn resolve(db: &impl ConnectionTrait, lines: &[Who]) -> Result<Vec<Meaning>, DbErr> {
    let ids = lines.iter().filter_map(|who| match who {
        Who::Id { user_id, .. } | Who::Digits(user_id) => Some(user_id.as_str()),
        Who::Name(_) => None,
    });
    let ids = ids.filter(|id| storable(id));
    let by_id = by_id(db, &ids.collect()).await?;
    let names = lines.iter().filter_map(|who| match who {
        Who::Name(name) => Some(name.as_str()),
        Who::Id { user_id, username: Some(name) } if by_id.get(user_id).is_none_or(|known| known.username != *name) => {
            Some(name.as_str())
        }
        Who::Digits(digits) if !by_id.contains_key(digits) => Some(digits.as_str()),
        _ => None,
    });
    let names = names.filter(|name| storable(name));
    let by_name = by_name(db, &names.collect()).await?;
    let named = |name: &str| match by_name.get(name).map_or(&[][..], Vec::as_slice) {
        [] => Meaning::Unknown,
        [one] => Meaning::Known(one.clone()),
        several => Meaning::Ambiguous(several.to_vec()),
    };
    let meaning = |who: &Who| match who {
        Who::Name(name) => named(name),
        Who::Id { user_id, username } => match (by_id.get(user_id), username) {
            (Some(known), None) => Meaning::Known(known.clone()),
            // A name that no user has by now is an old one of the player's.
            (Some(known), Some(name)) => match by_name.get(name.as_str()).and_then(|named| named.first()) {
                Some(other) if other.username == *name && other != known || !is(known, name) => {
                    Meaning::TwoUsers(known.clone(), other.clone())
                }
                _ => Meaning::Known(known.clone()),
            },
            (None, None) => Meaning::Unknown,
            (None, Some(name)) => match named(name) {
                Meaning::Known(other) => Meaning::NameOfAnother(other),
                meaning => meaning,
            },
        },
        Who::Digits(digits) => by_id.get(digits).map_or_else(|| named(digits), |known| Meaning::Known(known.clone())),
    };
    Ok(lines.iter().map(meaning).collect())
}

/// Whether `name` is the user's, in any case.
fn is(known: &Known, name: &str) -> bool {
    known.username.to_lowercase() == name.to_lowercase()
}

async fn by_id(db: &impl ConnectionTrait, ids: &BTreeSet<&str>) -> Result<HashMap<String, Known>, DbErr> {
    let ids: Vec<&str> = ids.iter().copied().collect();
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(CHUNK) {
        let condition = Condition::all().add(user::Column::UserId.is_in(some.iter().copied()));
        found.extend(known(db, condition).await?.into_iter().map(|known| (known.user_id.clone(), known)));
    }
    Ok(found)
}

/// The users with each name: the one who has it as written, else all who have it in another case.
async fn by_name<'a>(
    db: &impl ConnectionTrait,
    names: &BTreeSet<&'a str>,
) -> Result<HashMap<&'a str, Vec<Known>>, DbErr> {
    let mut found: HashMap<&str, Vec<Known>> = HashMap::with_capacity(names.len());
    let all: Vec<&str> = names.iter().copied().collect();
    for some in all.chunks(CHUNK) {
        let condition = Condition::all().add(user::Column::Username.is_in(some.iter().copied()));
        for known in known(db, condition).await? {
            if let Some(name) = names.get(known.username.as_str()) {
                found.entry(name).or_default().push(known);
            }
        }
    }
    let mut others: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in all.iter().filter(|name| !found.contains_key(*name)) {
        others.entry(name.to_lowercase()).or_default().push(name);
    }
    let lower: Vec<&String> = others.keys().collect();
    for some in lower.chunks(CHUNK) {
        let folded = Expr::expr(Func::lower(Expr::col(user::Column::Username)));
        let condition = Condition::all().add(folded.is_in(some.iter().map(|name| name.as_str())));
        for known in known(db, condition).await? {
            for name in others.get(&known.username.to_lowercase()).into_iter().flatten() {
                found.entry(name).or_default().push(known.clone());
            }
        }
    }
    Ok(found)
}

async fn known(db: &impl ConnectionTrait, condition: Condition) -> Result<Vec<Known>, DbErr> {
    let rows: Vec<(String, String)> = user::Entity::find()
        .select_only()
        .columns([user::Column::UserId, user::Column::Username])
        .filter(condition)
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|(user_id, username)| Known { user_id, username }).collect())
}

/// Makes accounts for players who fly for the first time. Returns how many were made: one who has an account by now keeps
/// it.
///
/// # Errors
/// [`DbErr`] of the driver, also where a name has been taken meanwhile. The transaction must then be rolled back.
pub async fn create(tx: &Transaction, players: &BTreeMap<UserId, Player>, now: Timestamp) -> Result<u64, DbErr> {
    let rows: Vec<user::ActiveModel> = players
        .iter()
        .map(|(user_id, Player { username, display_name })| user::ActiveModel {
            user_id: Set(user_id.to_string()),
            username: Set(username.to_string()),
            display_name: Set(display_name.as_ref().map_or_else(|| username.to_string(), Name::to_string)),
            created_at: Set(now),
            updated_at: Set(now),
            ..Default::default()
        })
        .collect();
    let mut made = 0;
    for some in rows.chunks(CHUNK / 3) {
        made += user::Entity::insert_many(some.to_vec())
            .on_conflict(OnConflict::column(user::Column::UserId).do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok(made)
}

/// Takes all of them on board and pays them, each once for the flight, as one batch. Also after the flight's end: often
/// that is when the list is known.
///
/// # Errors
/// [`FlightError::Gone`], [`FlightError::Forbidden`] where the flight was cancelled, and what the ledger refuses. The
/// transaction must then be rolled back.
pub async fn import(
    tx: &Transaction,
    id: Id,
    passengers: &[Passenger],
    common: &Boarding<'_>,
    now: Timestamp,
) -> Result<Boarded, FlightError> {
    hold(tx, id, Action::Import, now).await?;
    Ok(ledger::board(tx, id, passengers, common).await?)
}

/// Sets columns of places on board that no operation knows of.
///
/// # Errors
/// The database's. The transaction must then be rolled back.
pub(crate) async fn describe(
    tx: &Transaction,
    flight_id: Id,
    places: impl Iterator<Item = (&str, &Extra<FlightPassenger>)>,
) -> Result<(), DbErr> {
    for (user_id, extra) in places {
        let mut place = flight_passenger::ActiveModel::default();
        extra.set(&mut place)?;
        FlightPassenger::update_many()
            .set(place)
            .filter(flight_passenger::Column::FlightId.eq(flight_id))
            .filter(flight_passenger::Column::UserId.eq(user_id))
            .exec(tx)
            .await?;
    }
    Ok(())
}
