//! Miles for a flight: paid to a user once, with the passenger's row that says the same.
//!
//! Whether a user has been paid is decided by the award in effect: the entry of source `flight` that has not been
//! reversed. A reversal leaves the passenger's row as it is, since the user did fly; the user can then be paid anew, by
//! [`award`] or [`board`], and the row follows. What is shown of a passenger is the award in effect ([`paid_by`]).
//!
//! Once is kept by the lock of the user's row, under which standing awards are looked up; so it also holds for entries that
//! other programs wrote without a passenger.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{ConnectionTrait, Iterable as _, Value};

use super::batch::{self, Rejection};
use super::rows::{self, COLUMNS};
use super::{Entry, MilesError, Posted, Posting, bulk, posting, source};
use crate::db::{Engine, Transaction};
use crate::entity::types::{Id, Timestamp};
use crate::entity::{columns, flight_passenger};

/// One user to be taken on board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passenger {
    /// Key of the user.
    pub user_id: String,
    /// Miles for the flight, 0 or more.
    pub miles: i32,
}

/// What the entries of one boarding have in common.
#[derive(Clone, Debug, Default)]
pub struct Boarding<'a> {
    /// Shared by the entries of a manifest; `None` for a single passenger.
    pub batch_id: Option<Id>,
    /// Free text.
    pub note: Option<&'a str>,
    /// Who does it.
    pub actor: Option<&'a str>,
    /// Whether a user whose award is of other miles gets the difference: the award is reversed, and a new one is made.
    pub correct: bool,
}

/// What became of those who were to be boarded.
#[derive(Debug, Default)]
pub struct Boarded {
    /// On board now and paid, in order of the request.
    pub paid: Vec<Posted>,
    /// Paid for the flight before, without a place on board; the place they have now, the miles they keep.
    pub seated: Vec<Entry>,
    /// On board and paid before; nothing changed. Keys of users, in order of the request.
    pub already: Vec<String>,
    /// Users of `seated` and `already` whose award is of other miles than were asked for.
    pub differing: Vec<Difference>,
    /// Users whose award was of other miles and is corrected now.
    pub corrected: Vec<Corrected>,
}

/// A user who has been paid other miles for the flight than are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Key of the user.
    pub user_id: String,
    /// The miles of the award in effect; of several the sum.
    pub paid: i64,
    /// The miles that were asked for.
    pub asked: i32,
}

/// A correction: the new award, and the reversals of the earlier ones.
#[derive(Debug)]
pub struct Corrected {
    /// What it corrects.
    pub difference: Difference,
    /// The new award, with the balance after all of them.
    pub award: Posted,
    /// The reversals.
    pub reversals: Vec<Entry>,
}

/// The miles in effect of a flight's awards, by user or by flight: the sum is 0 where all were reversed, and there is no
/// row where none was made. `{by}` is the column to group by, `{of}` the one that `$1` is compared with.
pub(crate) fn paid_by(by: &str, of: &str) -> String {
    format!(
        r#"(SELECT e."{by}" AS "by", CAST(sum(CASE WHEN EXISTS (SELECT 1 FROM "milesTransactions" r
                WHERE r."reversesId" = e."id") THEN 0 ELSE e."amount" END) AS bigint) AS "miles"
            FROM "milesTransactions" e
            WHERE e."{of}" = $1 AND e."source" = 'flight' AND e."type" = 'earn' AND e."{by}" IS NOT NULL
            GROUP BY e."{by}")"#
    )
}

/// The columns of a passenger's row `p`, for a SELECT that joins [`paid_by`] as `paid`: read as the entity's model, with the
/// miles of the award in effect, and where none was made those that the flight earns.
pub(crate) fn passenger_columns() -> String {
    let column = |column: flight_passenger::Column| match column {
        flight_passenger::Column::Miles => {
            r#"CAST(coalesce(paid."miles", p."miles") AS integer) AS "miles""#.to_owned()
        }
        other => columns::read(other, Some("p")),
    };
    flight_passenger::Column::iter().map(column).collect::<Vec<_>>().join(", ")
}

/// Takes users on board and pays them, each once for the flight, as part of an open transaction.
///
/// A user who is on board and has no award in effect is paid; one whose award is of other miles is among the
/// [`Boarded::differing`] or, where [`Boarding::correct`] says so, the [`Boarded::corrected`]. A user who is named twice is
/// boarded by the first mention and `already` there at the second.
///
/// # Errors
/// [`MilesError::NoFlight`]; [`MilesError::Batch`] with every unknown user and every balance that would pass the limit.
/// The transaction must then be rolled back.
pub(crate) async fn board(
    tx: &Transaction,
    flight_id: Id,
    passengers: &[Passenger],
    common: &Boarding<'_>,
) -> Result<Boarded, MilesError> {
    must_exist(tx, flight_id).await?;
    let locked = bulk::lock(tx, passengers.iter().map(|passenger| passenger.user_id.as_str())).await?;
    let standing = standing(tx, flight_id, locked.holders.keys()).await?;

    let mut seats = BTreeMap::new();
    for passenger in passengers.iter().filter(|passenger| locked.holders.contains_key(&passenger.user_id)) {
        let paid = standing.get(&passenger.user_id).filter(|_| !common.correct).map(|awards| seat_miles(sum(awards)));
        seats.entry(passenger.user_id.as_str()).or_insert(paid.unwrap_or(passenger.miles));
    }
    let new = seat(tx, flight_id, &seats, locked.now, OnBoard::Keep).await?;

    let mut boarded = Boarded::default();
    let mut rejected = Vec::new();
    let mut follow = BTreeMap::new();
    let mut seen = HashSet::new();
    for (index, passenger) in passengers.iter().enumerate() {
        let user_id = &passenger.user_id;
        let Some(holder) = locked.holders.get(user_id) else {
            rejected.push(Rejection { index, error: MilesError::NoUser { user_id: user_id.clone() } });
            continue;
        };
        if !seen.insert(user_id.as_str()) {
            boarded.already.push(user_id.clone());
            continue;
        }
        let make = |source: &str, amount: i32, reverses_id: Option<Id>, place: usize| {
            Posting {
                source: source.to_owned(),
                flight_id: Some(flight_id),
                reverses_id,
                batch_id: common.batch_id,
                note: common.note.map(str::to_owned),
                actor: common.actor.map(str::to_owned),
                ..Posting::new(super::key::fresh_id(), user_id.clone(), amount)
            }
            .into_entry(locked.at(place))
        };
        let asked = passenger.miles;
        let Some(awards) = standing.get(user_id) else {
            if let Some(error) = posting::refusal(holder, asked.into()) {
                rejected.push(Rejection { index, error });
                continue;
            }
            let balance = holder.miles + i64::from(asked);
            boarded.paid.push(Posted { entry: make(source::FLIGHT, asked, None, 0)?, balance, already: false });
            if !new.contains(user_id) {
                follow.insert(user_id.as_str(), asked);
            }
            continue;
        };
        let difference = Difference { user_id: user_id.clone(), paid: sum(awards), asked };
        let differs = difference.paid != i64::from(asked);
        if differs && common.correct {
            let change = i64::from(asked) - difference.paid;
            if let Some(error) = posting::refusal(holder, change) {
                let error = match error {
                    MilesError::NotEnough { holder, needs } => MilesError::SpentSince { holder, takes: needs },
                    other => other,
                };
                rejected.push(Rejection { index, error });
                continue;
            }
            // The new award first: no balance is below zero on the way.
            let award = make(source::FLIGHT, asked, None, 0)?;
            let reversals = awards.iter().zip(1..);
            let reversals = reversals.map(|(old, place)| make(source::REVERSAL, -old.amount, Some(old.id), place));
            let award = Posted { entry: award, balance: holder.miles + change, already: false };
            let reversals = reversals.collect::<Result<_, _>>()?;
            boarded.corrected.push(Corrected { difference, award, reversals });
            follow.insert(user_id.as_str(), asked);
            continue;
        }
        if differs {
            boarded.differing.push(difference);
        }
        match awards.first() {
            Some(award) if new.contains(user_id) => boarded.seated.push(award.clone()),
            _ => boarded.already.push(user_id.clone()),
        }
    }
    if !rejected.is_empty() {
        return Err(MilesError::Batch { rejected });
    }
    if !follow.is_empty() {
        seat(tx, flight_id, &follow, locked.now, OnBoard::Follow).await?;
    }
    let corrected = boarded.corrected.iter().flat_map(|one| [&one.award.entry].into_iter().chain(&one.reversals));
    bulk::write(tx, boarded.paid.iter().map(|posted| &posted.entry).chain(corrected), |_| ()).await?;
    let corrected =
        boarded.corrected.iter_mut().flat_map(|one| [&mut one.award.entry].into_iter().chain(&mut one.reversals));
    bulk::complete(tx, boarded.paid.iter_mut().map(|posted| &mut posted.entry).chain(corrected)).await?;
    Ok(boarded)
}

fn sum(awards: &[Entry]) -> i64 {
    awards.iter().map(|award| i64::from(award.amount)).sum()
}

/// Miles as the column of a passenger holds them.
fn seat_miles(miles: i64) -> i32 {
    i32::try_from(miles).unwrap_or(i32::MAX)
}

/// Makes awards for one flight by hand, as part of an open transaction: for users without a standing award, on board or
/// not. Each is a passenger afterwards, with the miles of the award.
///
/// The movements carry the flight and the source `flight`.
///
/// # Errors
/// [`MilesError::NoFlight`]; [`MilesError::Batch`] with every refusal: those of [`batch::post_all`] and
/// [`MilesError::AlreadyAwarded`]. The transaction must then be rolled back.
pub(crate) async fn award(
    tx: &Transaction,
    flight_id: Id,
    movements: &[Posting],
) -> Result<batch::Applied, MilesError> {
    must_exist(tx, flight_id).await?;
    // Locked before the standing awards are read, and once more, for nothing, inside post_all.
    let locked = bulk::lock(tx, movements.iter().map(|movement| movement.user_id.as_str())).await?;
    let standing = standing(tx, flight_id, locked.holders.keys()).await?;
    // A request that was applied before asks for nothing new, whatever became of its award.
    let stored = bulk::stored(tx, movements).await?;
    let rejected: Vec<Rejection> = movements
        .iter()
        .enumerate()
        .filter(|(_, movement)| !stored.contains_key(&movement.id))
        .filter_map(|(index, movement)| {
            let award = standing.get(&movement.user_id)?.first()?;
            Some(Rejection { index, error: MilesError::AlreadyAwarded { award: Box::new(award.clone()) } })
        })
        .collect();
    if !rejected.is_empty() {
        return Err(MilesError::Batch { rejected });
    }
    let applied = batch::post_all(tx, movements, batch::OnRefusal::Stop, |_| ()).await?;
    let seats: BTreeMap<&str, i32> =
        applied.posted.iter().map(|(_, posted)| (posted.entry.user_id.as_str(), posted.entry.amount)).collect();
    seat(tx, flight_id, &seats, locked.now, OnBoard::Follow).await?;
    Ok(applied)
}

async fn must_exist(tx: &Transaction, flight_id: Id) -> Result<(), MilesError> {
    let sql = r#"SELECT 1 AS "one" FROM "flights" WHERE "id" = $1"#;
    match tx.query_one_raw(rows::statement(tx, sql, [flight_id.into()])).await? {
        Some(_) => Ok(()),
        None => Err(MilesError::NoFlight { flight_id }),
    }
}

/// For how many users at most their awards alone are read.
const FEW: usize = 50;

/// The awards for the flight that have not been reversed, by user. The users' rows are locked.
async fn standing(
    tx: &Transaction,
    flight_id: Id,
    user_ids: impl Iterator<Item = &String>,
) -> Result<HashMap<String, Vec<Entry>>, MilesError> {
    let users: HashSet<&String> = user_ids.collect();
    // Of many users' awards those of the whole flight are read: a planner without statistics would look through them
    // once for every user.
    let among = if users.len() > FEW {
        String::new()
    } else {
        format!(r#"AND e."userId" {}"#, bulk::among(Engine::of(tx), "$2", "text"))
    };
    let sql = format!(
        r#"SELECT {COLUMNS} FROM "milesTransactions" e
        WHERE e."flightId" = $1 {among} AND e."source" = 'flight' AND e."type" = 'earn'
          AND NOT EXISTS (SELECT 1 FROM "milesTransactions" r WHERE r."reversesId" = e."id")"#
    );
    let mut values: Vec<Value> = vec![flight_id.into()];
    if !among.is_empty() {
        values.push(bulk::list(Engine::of(tx), users.iter()));
    }
    let mut awards: HashMap<String, Vec<Entry>> = HashMap::new();
    for row in tx.query_all_raw(rows::statement(tx, sql, values)).await? {
        let award = rows::entry(&row)?;
        if users.contains(&award.user_id) {
            awards.entry(award.user_id.clone()).or_default().push(award);
        }
    }
    Ok(awards)
}

/// What happens to a passenger's row that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnBoard {
    /// It stays as it is.
    Keep,
    /// It takes the new miles.
    Follow,
}

/// Gives users a place on board; returns who got one or whose row followed.
async fn seat(
    tx: &Transaction,
    flight_id: Id,
    seats: &BTreeMap<&str, i32>,
    joined_at: Timestamp,
    on_board: OnBoard,
) -> Result<HashSet<String>, MilesError> {
    let engine = Engine::of(tx);
    let (given, mut values) = match engine {
        Engine::Postgres => (
            r#"unnest($3::text::text[], $4::text::int4[]) AS given("key", "value")"#,
            vec![bulk::list(engine, seats.keys()), bulk::list(engine, seats.values())],
        ),
        Engine::Sqlite => ("json_each($3) AS given", vec![serde_json::json!(seats).to_string().into()]),
    };
    values.splice(0..0, [flight_id.into(), joined_at.into()]);
    let conflict = match on_board {
        OnBoard::Keep => "NOTHING",
        OnBoard::Follow => r#"UPDATE SET "miles" = excluded."miles""#,
    };
    let sql = format!(
        r#"INSERT INTO "flightPassengers" ("flightId", "userId", "miles", "joinedAt")
        SELECT $1, given."key", given."value", $2 FROM {given} WHERE true
        ON CONFLICT ("flightId", "userId") DO {conflict} RETURNING "userId""#
    );
    let found = tx.query_all_raw(rows::statement(tx, sql, values)).await?;
    Ok(found.iter().map(|row| row.try_get("", "userId")).collect::<Result<_, _>>()?)
}
