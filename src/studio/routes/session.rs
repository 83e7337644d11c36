//! The session: opened with a launch code, shown, ended with the studio.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::super::State;
use super::super::reply::{Failure, Json};
use crate::db::Engine;
use crate::entity::types::Timestamp;
use crate::error::Error;

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
    read_only: bool,
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
            read_only: true,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Exchanges a launch code for a token. Whatever is wrong, the answer says nothing.
pub(super) async fn open(Shared(state): Shared<Arc<State>>, body: Bytes) -> Result<Response, Failure> {
    let Ok(Launch { code }) = serde_json::from_slice(&body) else {
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
