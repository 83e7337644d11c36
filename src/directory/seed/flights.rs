//! Flights of the demonstration, who boarded them, and the ledger that follows from both.

use std::collections::{HashMap, HashSet};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use sea_orm::{DbErr, Set};

use super::{minutes_after, pick, random_id};
use crate::entity::types::Timestamp;
use crate::entity::{brand, columns, flight, flight_passenger, miles_product, miles_transaction, user};
use crate::ledger::purchase;

const AIRPORTS: &[&str] =
    &["KATL", "KLAX", "KJFK", "EHAM", "EGLL", "LFPG", "RKSI", "EKCH", "RJTT", "WSSS", "MMMX", "ESSA", "LEMD", "OMDB"];
const AIRCRAFT: &[&str] = &[
    "Airbus A220-300",
    "Airbus A321neo",
    "Airbus A330-300",
    "Airbus A350-900",
    "Boeing 737-800",
    "Boeing 777-300ER",
    "Boeing 787-9",
    "Embraer E195-E2",
];
/// Miles of a flight by class of travel; economy is the most common.
const REWARDS: &[i32] = &[250, 250, 250, 500, 500, 750, 1200];
/// Minutes that a flight takes inside a ROBLOX game.
const LENGTH: std::ops::Range<i64> = 35..130;

pub(super) fn generate(
    rng: &mut ChaCha8Rng,
    count: usize,
    brands: &[brand::Model],
    midnight: Timestamp,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<flight::Model>, DbErr> {
    let now = Timestamp::from(now);
    let mut flights: Vec<flight::Model> = (0..count)
        .map(|index| {
            // Four of five are past; the rest are still to come.
            let offset: i64 =
                if rng.random_bool(0.8) { rng.random_range(-60 * 1440..0) } else { rng.random_range(0..14 * 1440) };
            let start_time = minutes_after(midnight, offset - offset.rem_euclid(5));
            let brand = pick(rng, brands);
            let departure = *pick(rng, AIRPORTS);
            let arrival = loop {
                let arrival = *pick(rng, AIRPORTS);
                if arrival != departure {
                    break arrival;
                }
            };
            let others: Vec<&str> = brands
                .iter()
                .map(|other| other.airline_id.as_str())
                .filter(|other| *other != brand.airline_id)
                .collect();
            let codeshare = rng.random_bool(0.15).then(|| (*pick(rng, &others)).to_owned());
            let (started_at, end_time) = times(rng, start_time, now);
            columns::complete(
                flight::ActiveModel {
                    id: Set(random_id(rng)),
                    code: Set(format!("{}{}", brand.iata, 100 + index % 9900)),
                    game_id: Set(rng.random_range(10_000_000_000_u64..20_000_000_000).to_string()),
                    aircraft: Set((*pick(rng, AIRCRAFT)).into()),
                    airline_id: Set(brand.airline_id.clone()),
                    brand_id: Set(brand.brand_id.clone()),
                    start_time: Set(start_time),
                    end_time: Set(end_time),
                    codeshare_airline_id: Set(codeshare),
                    departure: Set(departure.into()),
                    arrival: Set(arrival.into()),
                    started_at: Set(started_at),
                    discord_event_link: Set(format!(
                        "https://discord.com/events/1122953128703168532/{}",
                        900_000 + index
                    )),
                    ..Default::default()
                },
                start_time,
            )
        })
        .collect::<Result<_, _>>()?;
    flights.sort_by_key(|flight| flight.start_time);
    Ok(flights)
}

/// When a flight started and ended: most past ones did both, some were cancelled, a few never ended.
fn times(rng: &mut ChaCha8Rng, scheduled: Timestamp, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
    let started = minutes_after(scheduled, rng.random_range(0..12));
    let ended = minutes_after(started, rng.random_range(LENGTH));
    let chance = rng.random_range(0..100);
    match (started < now, chance) {
        (false, _) | (true, 0) => (None, None),
        (true, 1..=4) => (None, Some(scheduled)),
        (true, 5) => (Some(started), None),
        (true, _) if ended >= now => (Some(started), None),
        (true, _) => (Some(started), Some(ended)),
    }
}

pub(super) fn board(
    rng: &mut ChaCha8Rng,
    flights: &[flight::Model],
    users: &[user::Model],
) -> Result<Vec<flight_passenger::Model>, DbErr> {
    let mut passengers = Vec::new();
    if users.is_empty() {
        return Ok(passengers);
    }
    for flight in flights {
        let Some(started) = flight.started_at else { continue };
        let mut aboard = HashSet::new();
        for _ in 0..rng.random_range(3..25) {
            // Squared: some fly much more than others.
            let seat = (rng.random::<f64>().powi(2) * users.len() as f64) as usize;
            let user = &users[seat.min(users.len() - 1)];
            if aboard.insert(&user.user_id) {
                passengers.push(columns::complete(
                    flight_passenger::ActiveModel {
                        flight_id: Set(flight.id),
                        user_id: Set(user.user_id.clone()),
                        miles: Set(*pick(rng, REWARDS)),
                        joined_at: Set(minutes_after(started, rng.random_range(0..20))),
                        ..Default::default()
                    },
                    started,
                )?);
            }
        }
    }
    Ok(passengers)
}

/// Pays every passenger, lets some buy something now and then, and leaves each user with the sum.
pub(super) fn ledger(
    rng: &mut ChaCha8Rng,
    passengers: &[flight_passenger::Model],
    products: &[miles_product::Model],
    users: &mut [user::Model],
) -> Result<Vec<miles_transaction::Model>, DbErr> {
    let mut ordered: Vec<&flight_passenger::Model> = passengers.iter().collect();
    ordered.sort_by_key(|passenger| passenger.joined_at);
    let mut balances: HashMap<&str, (i32, Timestamp)> = HashMap::new();
    let mut entries = Vec::with_capacity(passengers.len() * 9 / 8);
    for passenger in ordered {
        let (balance, last) = balances.entry(&passenger.user_id).or_insert((0, passenger.joined_at));
        *balance += passenger.miles;
        *last = passenger.joined_at.max(*last);
        entries.push(columns::complete(
            miles_transaction::ActiveModel {
                id: Set(random_id(rng)),
                user_id: Set(passenger.user_id.clone()),
                amount: Set(passenger.miles),
                r#type: Set("earn".into()),
                source: Set("flight".into()),
                flight_id: Set(Some(passenger.flight_id)),
                note: Set(Some("Miles earned from flight".into())),
                created_at: Set(passenger.joined_at),
                actor: Set(Some("seed".into())),
                ..Default::default()
            },
            passenger.joined_at,
        )?);
        let wished = pick(rng, products);
        if wished.price_miles <= *balance && rng.random_bool(0.2) {
            *balance -= wished.price_miles;
            // One of three as the alliance's API writes it: the note alone names the product.
            let by_api = entries.len() % 3 == 0;
            entries.push(columns::complete(
                miles_transaction::ActiveModel {
                    id: Set(random_id(rng)),
                    user_id: Set(passenger.user_id.clone()),
                    amount: Set(-wished.price_miles),
                    r#type: Set("spend".into()),
                    source: Set("purchase".into()),
                    product_id: Set((!by_api).then(|| wished.product_id.clone())),
                    note: Set(Some(format!("{}{}", purchase::NOTE, wished.name))),
                    created_at: Set(passenger.joined_at),
                    actor: Set((!by_api).then(|| "seed".into())),
                    ..Default::default()
                },
                passenger.joined_at,
            )?);
        }
    }
    for user in users {
        if let Some((balance, last)) = balances.get(user.user_id.as_str()) {
            user.miles = *balance;
            user.updated_at = *last;
        }
    }
    Ok(entries)
}
