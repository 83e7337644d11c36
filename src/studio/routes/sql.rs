//! Statements: run, ended, remembered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::super::State;
use super::super::history::{self, Entry, Saved};
use super::super::reply::{Failure, Json, Reply};
use super::super::sql::{Answer, Explain, ROWS, Statement, TIME};
use super::relations::body;
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind};
use crate::input::quoted;
use crate::message::message;

/// The most statements at once.
const MOST: usize = 4;

/// Statements that are being run, by the name that the page gave them.
#[derive(Debug, Default)]
pub(in crate::studio) struct Running(Mutex<BTreeMap<String, Arc<Notify>>>);

/// Takes a statement off the list when it is dropped.
struct Listed<'a> {
    running: &'a Running,
    id: String,
    ended: Arc<Notify>,
}

impl Running {
    fn list(&self, id: &str) -> Result<Listed<'_>, Failure> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() >= MOST {
            let what = message!("{} statements are being run already", MOST.to_string());
            return Err(Error::new(Kind::Locked, "sql_busy", what).fix("cancel one, or wait for its end").into());
        }
        if running.contains_key(id) {
            return Err(Error::new(Kind::Usage, "usage", message!("{} is being run already", quoted(id))).into());
        }
        let ended = Arc::<Notify>::default();
        running.insert(id.to_owned(), Arc::clone(&ended));
        Ok(Listed { running: self, id: id.to_owned(), ended })
    }

    fn end(&self, id: &str) -> bool {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(id).inspect(|ended| ended.notify_one()).is_some()
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    id: String,
    text: String,
    explain: Option<Explain>,
}

/// Runs a statement.
pub(super) async fn run(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Reply<Answer> {
    let Run { id, text, explain } = body(&bytes)?;
    if id.is_empty() || id.len() > 64 {
        return Err(Error::new(Kind::Usage, "usage", "an id has 1 to 64 characters").into());
    }
    let listed = state.running.list(&id)?;
    let start = Instant::now();
    let statement = Statement { text: text.clone(), explain };
    let (answer, scrub) = tokio::select! {
        ran = state.run_sql(statement) => ran,
        () = listed.ended.notified() => {
            let error = Error::new(Kind::Interrupted, "sql_cancelled", "the statement was cancelled");
            return Err(Failure::from(error).answered(StatusCode::CONFLICT));
        }
    };
    // Of a statement that could be searched for secrets only.
    if let (None, Some(scrub)) = (explain, scrub) {
        let entry = Entry {
            at: Timestamp::from(chrono::Utc::now()).to_string(),
            database: state.history_name(),
            text: scrub.text(text),
            ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            rows: answer.as_ref().ok().map(Answer::count),
        };
        if let Err(error) = state.history.add(entry) {
            (state.seat.detail)(message!("the statement could not be remembered"), error.to_string());
        }
    }
    Ok(Json(answer?))
}

/// Ends a statement.
pub(super) async fn cancel(Shared(state): Shared<Arc<State>>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    if state.running.end(&id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let what = message!("no statement {} is being run", quoted(&id));
    Err(Error::new(Kind::NotFound, "not_found", what).into())
}

impl State {
    /// The database as the history names it.
    fn history_name(&self) -> String {
        let target = self.seat.database.target();
        let host = target.host.as_deref().unwrap_or_default();
        let port = target.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}/{}", target.database)
    }
}

/// What there is to run again.
#[derive(Serialize)]
pub(super) struct Remembered {
    history: Vec<Entry>,
    saved: Vec<Saved>,
    limits: Limits,
}

#[derive(Serialize)]
struct Limits {
    rows: usize,
    seconds: u64,
}

/// The statements that were run, and those of the folder `queries`.
pub(super) async fn remembered(Shared(state): Shared<Arc<State>>) -> Reply<Remembered> {
    let history = state.history.of(&state.history_name()).map_err(Error::from)?;
    let saved = history::saved(&state.seat.queries).map_err(Error::from)?;
    Ok(Json(Remembered { history, saved, limits: Limits { rows: ROWS, seconds: TIME.as_secs() } }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forget {}

/// Forgets the statements that were run.
pub(super) async fn forget(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Result<StatusCode, Failure> {
    let Forget {} = body(&bytes)?;
    state.history.clear(&state.history_name()).map_err(Error::from)?;
    Ok(StatusCode::NO_CONTENT)
}
