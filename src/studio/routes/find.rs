//! Finding a row by what a person knows of it: a name, an id, a code, the beginning of any.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State as Shared};
use serde::Serialize;

use super::super::State;
use super::super::reply::{Failure, Json, Reply};
use super::LIMIT;
use super::parameters::Parameters;
use crate::db::Transaction;
use crate::directory::reference::{self, Candidate, Noun, ReferenceError};
use crate::directory::suggest::suggest;
use crate::ledger::lookup::Target;

/// The most of each noun.
const EACH: usize = 5;

/// How long looking for one noun may take; what was found until then is answered.
const TIME: Duration = Duration::from_millis(400);

#[derive(Serialize)]
pub(super) struct Finds {
    found: Vec<Find>,
}

#[derive(Serialize)]
struct Find {
    kind: &'static str,
    table: &'static str,
    key: String,
    label: String,
    hint: Option<String>,
}

/// Rows that begin like the text.
pub(super) async fn find(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Reply<Finds> {
    let parameters = Parameters::read(query.as_deref(), &["q"])?;
    let text = parameters.one("q").unwrap_or_default().trim();
    let mut found = Vec::new();
    if text.is_empty() || text.len() > 100 {
        return Ok(Json(Finds { found }));
    }
    for noun in [Noun::User, Noun::Flight, Noun::Airline, Noun::Brand, Noun::Product, Noun::Entry] {
        let candidates = candidates(&state, noun, text).await?;
        if candidates.is_empty() {
            continue;
        }
        let tx = state.reading(LIMIT).await?;
        for candidate in candidates {
            // Of a row that went meanwhile there is nothing to show.
            if let Ok(Some(one)) = resolved(&state, &tx, noun, &candidate).await {
                found.push(one);
            }
        }
    }
    found.dedup_by(|one, other| one.table == other.table && one.key == other.key);
    Ok(Json(Finds { found }))
}

async fn candidates(state: &State, noun: Noun, text: &str) -> Result<Vec<Candidate>, Failure> {
    // One of its own: where it is cut off, its connection is busy for a while.
    let tx = state.reading(TIME).await?;
    let mut candidates = Vec::new();
    let add = |candidate| {
        if candidates.len() < EACH {
            candidates.push(candidate);
        }
    };
    let looking = suggest(&tx, noun, text, EACH, chrono::Utc::now().into(), state.seat.zone, add);
    // What was found before the time was over, or something failed, is worth showing.
    let _ = tokio::time::timeout(TIME, looking).await;
    if noun == Noun::Entry {
        candidates.push(Candidate::new(text, ""));
    }
    Ok(candidates)
}

/// The row of a candidate.
async fn resolved(
    state: &State,
    tx: &Transaction,
    noun: Noun,
    candidate: &Candidate,
) -> Result<Option<Find>, ReferenceError> {
    let hint = Some(candidate.what.clone()).filter(|what| !what.is_empty());
    let find = |kind, table, key: String, label: String| Some(Find { kind, table, key, label, hint });
    let given = candidate.key.as_str();
    Ok(match noun {
        Noun::User => {
            let user = reference::user(tx, given).await?;
            find("player", "users", user.user_id, user.username)
        }
        Noun::Airline => {
            let airline = reference::airline(tx, given).await?;
            find("airline", "airlines", airline.airline_id, airline.name)
        }
        Noun::Brand => {
            let brand = reference::brand(tx, given).await?;
            find("brand", "brands", brand.brand_id, brand.name)
        }
        Noun::Flight => {
            let flight = reference::meant_flight(tx, given, state.seat.zone).await?.flight;
            find("flight", "flights", flight.id.to_string(), flight.code)
        }
        Noun::Product => {
            let product = reference::product(tx, given).await?;
            find("product", "milesProducts", product.product_id, product.name)
        }
        Noun::Entry => {
            let Target::Entry(id) = reference::posted(tx, &format!("entry:{given}")).await? else { return Ok(None) };
            find("entry", "milesTransactions", id.to_string(), id.to_string())
        }
        Noun::Batch => None,
    })
}
