//! The flight that a word means.

use chrono::NaiveDate;
use chrono_tz::Tz;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{
    CANDIDATES, Candidate, NAMES_READ, NEAREST, Noun, ReferenceError, Result, nearest, only, same_code, storable,
    uuid_range,
};
use crate::directory::instant;
use crate::entity::{Id, Timestamp, flight};

/// A flight that a word means, and what else it says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeantFlight {
    /// The flight.
    pub flight: flight::Model,
    /// Other flights, scheduled or live, whose code the word is: a word such as `AF12` can be that too, where the id of
    /// [`MeantFlight::flight`] begins with it. At most [`CANDIDATES`], and one more where there are more.
    pub coded: Vec<Candidate>,
}

/// Finds a flight: by id, by at least four characters that its id begins with, by a code that exactly one scheduled or
/// live flight has, or by a code and its day in UTC (`DL123@2026-11-26`), ended flights too; in this order.
/// [`meant_flight`] also returns what a later way would have found, and takes days of another zone.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it.
pub async fn flight(db: &impl ConnectionTrait, reference: &str) -> Result<flight::Model> {
    Ok(meant_flight(db, reference, Tz::UTC).await?.flight)
}

/// As [`flight()`], with the flights that have the word for their code where it begins the id of another, and days of
/// `zone`.
///
/// # Errors
/// [`ReferenceError`]: none, or several, answer to it.
pub(crate) async fn meant_flight(db: &impl ConnectionTrait, reference: &str, zone: Tz) -> Result<MeantFlight> {
    let mut nearest = Vec::new();
    if let Some((code, day)) = code_and_day(reference)? {
        if let Some(flight) = only(Noun::Flight, reference, of_day(db, code, day, zone).await?, candidate)? {
            return Ok(MeantFlight { flight, coded: Vec::new() });
        }
        nearest = nearest_flights(db, code).await?;
    } else if storable(reference) {
        let mut begins = Vec::new();
        if let Some((from, to)) = uuid_range(reference) {
            let of_ids =
                flight::Entity::find().filter(flight::Column::Id.between(Id(from), Id(to))).limit(CANDIDATES + 1);
            begins = of_ids.all(db).await?;
        }
        let mut coded = Vec::new();
        if Uuid::try_parse(reference).is_err() {
            let open = flight::Entity::find()
                .filter(same_code(flight::Column::Code, reference))
                .filter(flight::Column::EndTime.is_null())
                .limit(CANDIDATES + 1);
            coded = open.all(db).await?;
        }
        coded.retain(|one| begins.iter().all(|begun| begun.id != one.id));
        if begins.len() == 1 {
            let coded = coded.iter().map(candidate).collect();
            return Ok(MeantFlight { flight: begins.swap_remove(0), coded });
        }
        begins.append(&mut coded);
        begins.truncate(CANDIDATES as usize + 1);
        if let Some(flight) = only(Noun::Flight, reference, begins, candidate)? {
            return Ok(MeantFlight { flight, coded: Vec::new() });
        }
        if let Some(newest) = newest_past(db, reference).await? {
            let newest = dated(db, &newest, zone).await?;
            return Err(ReferenceError::Ended { reference: reference.to_owned(), newest });
        }
        nearest = nearest_flights(db, reference).await?;
    }
    Err(ReferenceError::NotFound { noun: Noun::Flight, reference: reference.to_owned(), nearest })
}

/// A code and a day, as in `DL123@2026-11-26`.
///
/// # Errors
/// [`ReferenceError::NoSuchDay`]: what is written as a day is in no calendar.
fn code_and_day(reference: &str) -> Result<Option<(&str, NaiveDate)>> {
    let Some((code, written)) = reference.split_once('@').filter(|(code, _)| storable(code)) else { return Ok(None) };
    match instant::date(written) {
        Some(day) => Ok(Some((code, day))),
        None if instant::written_as_date(written) => Err(ReferenceError::NoSuchDay { reference: reference.to_owned() }),
        None => Ok(None),
    }
}

/// The flights of a code that are planned for a day of `zone`; one more than are listed.
async fn of_day(
    db: &impl ConnectionTrait,
    code: &str,
    day: NaiveDate,
    zone: Tz,
) -> std::result::Result<Vec<flight::Model>, DbErr> {
    let bounds =
        instant::first_instant(day, zone).zip(day.succ_opt().and_then(|next| instant::first_instant(next, zone)));
    let Some((from, to)) = bounds else { return Ok(Vec::new()) };
    flight::Entity::find()
        .filter(same_code(flight::Column::Code, code))
        .filter(flight::Column::StartTime.gte(Timestamp::from(from)))
        .filter(flight::Column::StartTime.lt(Timestamp::from(to)))
        .limit(CANDIDATES + 1)
        .all(db)
        .await
}

/// The newest flight of a code that has ended or was cancelled.
async fn newest_past(db: &impl ConnectionTrait, code: &str) -> std::result::Result<Option<flight::Model>, DbErr> {
    flight::Entity::find()
        .filter(same_code(flight::Column::Code, code))
        .filter(flight::Column::EndTime.is_not_null())
        .order_by(flight::Column::StartTime, Order::Desc)
        .one(db)
        .await
}

/// A flight by its code and day; by its id where another one of that code was on the same day.
async fn dated(db: &impl ConnectionTrait, one: &flight::Model, zone: Tz) -> std::result::Result<Candidate, DbErr> {
    let day = one.start_time.utc().with_timezone(&zone).date_naive();
    let alone = of_day(db, &one.code, day, zone).await?.len() == 1;
    let candidate = candidate(one);
    Ok(if alone { Candidate { key: format!("{}@{day}", one.code), ..candidate } } else { candidate })
}

/// The latest flights that had this code, else open ones with a code like it.
async fn nearest_flights(db: &impl ConnectionTrait, reference: &str) -> std::result::Result<Vec<Candidate>, DbErr> {
    let latest = flight::Entity::find()
        .filter(same_code(flight::Column::Code, reference))
        .order_by(flight::Column::StartTime, Order::Desc)
        .limit(NEAREST as u64)
        .all(db)
        .await?;
    if !latest.is_empty() {
        return Ok(latest.iter().map(candidate).collect());
    }
    let open = flight::Entity::find().filter(flight::Column::EndTime.is_null()).limit(NAMES_READ).all(db).await?;
    Ok(nearest(&reference.to_lowercase(), open.iter().map(|one| (one.code.clone(), candidate(one)))))
}

fn candidate(one: &flight::Model) -> Candidate {
    let state = match (one.started_at, one.end_time) {
        (Some(_), Some(_)) => "ended",
        (None, Some(_)) => "cancelled",
        (Some(_), None) => "live",
        (None, None) => "scheduled",
    };
    let what = format!("{} {}–{}, {state}", one.code, one.departure, one.arrival);
    Candidate { at: Some(one.start_time), ..Candidate::new(one.id.to_string(), what) }
}
