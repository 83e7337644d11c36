//! The session: opened with a launch code, shown, ended with the studio.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::super::State;
use super::super::reply::{Failure, Json};
use super::relations::body;
use crate::db::Engine;
use crate::entity::types::Timestamp;
use crate::error::{Error, Kind};
use crate::input::quoted;
use crate::message::message;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Launch {
    code: String,
}

/// What the page shows of where it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionView<'a> {
    target: TargetView<'a>,
    superuser: bool,
    tz: &'static str,
    now: Timestamp,
    idle_seconds: u64,
    /// Whether nothing is written at all.
    read_only: bool,
    /// Whether the database's name must be typed before anything is written.
    locked: bool,
    /// For how long it stays unlocked, where it was locked.
    unlocked_seconds: Option<u64>,
    /// Under whose name the ledger keeps what is done here.
    actor: &'a str,
    version: &'static str,
}

/// The database: without the path of a file, which is this machine's business.
#[derive(Serialize)]
struct TargetView<'a> {
    engine: Engine,
    database: &'a str,
    host: Option<&'a str>,
    port: Option<u16>,
    role: Option<&'a str>,
    kind: &'static str,
}

#[derive(Serialize)]
struct Opened<'a> {
    token: String,
    session: SessionView<'a>,
}

impl State {
    fn view(&self) -> SessionView<'_> {
        let target = self.seat.database.target();
        SessionView {
            target: TargetView {
                engine: target.engine,
                database: &target.database,
                host: target.host.as_deref(),
                port: target.port,
                role: target.role.as_deref(),
                kind: self.seat.kind,
            },
            superuser: self.superuser,
            tz: self.seat.zone.name(),
            now: chrono::Utc::now().into(),
            idle_seconds: self.seat.idle.as_secs(),
            read_only: self.gate.is_read_only(),
            locked: self.gate.is_locked(),
            unlocked_seconds: self.gate.left(Instant::now()).map(|left| left.as_secs()),
            actor: &self.seat.actor,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Exchanges a launch code for a token. Whatever is wrong, the answer says nothing.
pub(super) async fn open(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Result<Response, Failure> {
    let Ok(Launch { code }) = serde_json::from_slice(&bytes) else {
        return Ok(StatusCode::UNAUTHORIZED.into_response());
    };
    match state.sessions.exchange(&code).map_err(Error::from)? {
        Ok(token) => Ok(Json(Opened { token, session: state.view() }).into_response()),
        Err(refusal) => {
            state.tell_refused(refusal);
            Ok(StatusCode::UNAUTHORIZED.into_response())
        }
    }
}

/// The session, which is the page's sign of life too.
pub(super) async fn show(Shared(state): Shared<Arc<State>>) -> Response {
    Json(state.view()).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unlock {
    typed: String,
}

/// Unlocks production for a while, where the database's name was typed.
pub(super) async fn unlock(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Result<Response, Failure> {
    let Unlock { typed } = body(&bytes)?;
    let name = state.seat.database.name();
    if typed != name {
        let what = message!("{} is not the name", quoted(&typed));
        return Err(Error::new(Kind::Unconfirmed, "wrong_confirmation", what)
            .why(message!("to be typed is {}", name))
            .into());
    }
    state.gate.unlock();
    state.tell(message!("{} was unlocked in the studio, for 15 minutes", name));
    Ok(Json(state.view()).into_response())
}

/// Locks production again.
pub(super) async fn lock(Shared(state): Shared<Arc<State>>) -> Response {
    state.gate.lock();
    Json(state.view()).into_response()
}

/// Ends the studio.
pub(super) async fn stop(Shared(state): Shared<Arc<State>>) -> StatusCode {
    let state = Arc::clone(&state);
    tokio::spawn(async move {
        // After this answer.
        tokio::time::sleep(super::super::FAREWELL).await;
        state.stop.notify_one();
    });
    StatusCode::NO_CONTENT
}
