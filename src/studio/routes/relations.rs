//! For rows that are seen: how much refers to each, and what those are called that they refer to.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};

use super::super::State;
use super::super::reply::{Failure, Json, Reply};
use crate::browse;
use crate::error::{Error, Kind};
use crate::message::message;

/// The most rows whose relations are counted at once.
const COUNTED: usize = 200;

/// The most rows that are named at once.
const NAMED: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    table: String,
    keys: Vec<String>,
}

/// Reads the body of a request.
///
/// # Errors
/// [`Kind::Usage`]: it is no JSON of this form.
pub(super) fn body<T: for<'de> Deserialize<'de>>(bytes: &Bytes) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let what = message!("the body is not as this route takes it");
        Error::new(Kind::Usage, "usage", what).why(error.to_string()).into()
    })
}

fn keys(bytes: &Bytes, most: usize) -> Result<Keys, Failure> {
    let keys: Keys = body(bytes)?;
    if keys.keys.len() > most {
        return Err(Error::new(Kind::Usage, "usage", message!("at most {} keys", most)).into());
    }
    Ok(keys)
}

#[derive(Serialize)]
pub(super) struct Counts {
    relations: Vec<Relation>,
    counts: BTreeMap<String, Vec<u64>>,
}

#[derive(Serialize)]
struct Relation {
    table: String,
    column: String,
}

/// How many rows of each related table refer to each of these rows.
pub(super) async fn counts(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Reply<Counts> {
    let Keys { table, keys } = keys(&bytes, COUNTED)?;
    let table = state.table(&table)?;
    let values: Vec<(String, String)> =
        keys.into_iter().filter_map(|key| Some((key.clone(), browse::key_value(&key)?))).collect();
    let bare: Vec<String> = values.iter().map(|(_, value)| value.clone()).collect();
    let time = state.time();
    let mut session = state.session().await?;
    let mut counts: BTreeMap<String, Vec<u64>> = values.iter().map(|(key, _)| (key.clone(), Vec::new())).collect();
    let mut relations = Vec::new();
    for referrer in table.referrers.iter().filter(|referrer| table.key == [referrer.to.clone()]) {
        let from = state.table(&referrer.table)?;
        let related = match browse::related(&mut session, from, &referrer.column, &bare, &time).await {
            Ok(related) => related,
            Err(error) => return Err(state.failed(error).await),
        };
        relations.push(Relation { table: referrer.table.clone(), column: referrer.column.clone() });
        for (key, value) in &values {
            if let Some(counted) = counts.get_mut(key) {
                counted.push(related.get(value).copied().unwrap_or_default());
            }
        }
    }
    Ok(Json(Counts { relations, counts }))
}

#[derive(Serialize)]
pub(super) struct Labels {
    labels: BTreeMap<String, String>,
}

/// What rows of a table are called.
pub(super) async fn labels(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Reply<Labels> {
    let Keys { table, keys } = keys(&bytes, NAMED)?;
    let table = state.table(&table)?;
    let time = state.time();
    let mut session = state.session().await?;
    match browse::labels(&mut session, table, &keys, &time).await {
        Ok(labels) => Ok(Json(Labels { labels })),
        Err(error) => Err(state.failed(error).await),
    }
}
