//! What has moved lately.

use std::sync::Arc;

use axum::extract::State as Shared;
use chrono::{TimeDelta, Utc};
use serde::Serialize;

use super::super::State;
use super::super::reply::{Json, Reply};
use super::LIMIT;
use crate::entity::types::Timestamp;
use crate::ledger::movements::{self, Day, Movement};

/// How many days are looked back upon.
const DAYS: i64 = 30;

/// How many of the largest entries are shown.
const LARGEST: u64 = 10;

/// Miles in and out.
#[derive(Serialize)]
pub(super) struct Movements {
    since: Timestamp,
    days: Vec<Day>,
    largest: Vec<Movement>,
}

/// Miles in and out of the last days, and the largest entries.
pub(super) async fn overview(Shared(state): Shared<Arc<State>>) -> Reply<Movements> {
    let now = Utc::now();
    // From the beginning of a day, so that the first one is whole.
    let since = (now - TimeDelta::days(DAYS - 1)).date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    let since: Timestamp = since.into();
    let tx = state.reading(LIMIT).await?;
    let days = match movements::by_day(&tx, since).await {
        Ok(days) => days,
        Err(error) => return Err(state.failed(error).await),
    };
    match movements::largest(&tx, since, LARGEST).await {
        Ok(largest) => Ok(Json(Movements { since, days, largest })),
        Err(error) => Err(state.failed(error).await),
    }
}
