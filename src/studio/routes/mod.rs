//! The routes. Each reads its parameters, calls [`crate::browse`], and answers JSON.

mod actions;
mod diagram;
mod export;
mod filters;
mod find;
mod movements;
pub(crate) mod parameters;
mod records;
mod relations;
mod rows;
mod session;
pub(super) mod sql;
mod tables;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State as Shared};
use axum::routing::{get, post};
use axum::{Router, middleware};

use super::reply::Failure;
use super::{State, assets, guard};
use crate::browse::{Session, Table};
use crate::error::{Error, Kind};
use crate::input::quoted;
use crate::message::message;

/// How long one statement may take.
const LIMIT: Duration = Duration::from_secs(5);

/// All routes, behind the guard.
pub(super) fn router(state: Arc<State>) -> Router {
    let routes = Router::new()
        .route("/api/session", get(session::show).post(session::open))
        .route("/api/session/stop", post(session::stop))
        .route("/api/session/unlock", post(session::unlock))
        .route("/api/session/lock", post(session::lock))
        .route("/api/actions", post(actions::act))
        .route("/api/players/{user}", get(records::player))
        .route("/api/flights/{flight}", get(records::flight))
        .route("/api/airlines/{airline}", get(records::airline))
        .route("/api/products/{product}", get(records::product))
        .route("/api/overview/flights", get(records::board))
        .route("/api/overview/findings", get(records::findings))
        .route("/api/overview/movements", get(movements::overview))
        .route("/api/tables", get(tables::list))
        .route("/api/tables/{table}/rows", get(rows::page))
        .route("/api/tables/{table}/rows/{key}", get(rows::row))
        .route("/api/tables/{table}/count", get(tables::count))
        .route("/api/tables/{table}/values", get(tables::values))
        .route("/api/relations", post(relations::counts))
        .route("/api/labels", post(relations::labels))
        .route("/api/find", get(find::find))
        .route("/api/export", post(export::export))
        .route("/api/sql", get(sql::remembered).post(sql::run))
        .route("/api/sql/forget", post(sql::forget))
        .route("/api/sql/{id}/cancel", post(sql::cancel))
        .route("/api/diagram", get(diagram::diagram))
        .route("/api", get(unknown))
        .route("/api/{*path}", get(unknown).post(unknown))
        .fallback(assets::asset)
        .with_state(Arc::clone(&state));
    // Outside of the routes, so that what none of them takes passes it too.
    Router::new().fallback_service(routes).layer(middleware::from_fn_with_state(state, guard::guard))
}

async fn unknown(Shared(_): Shared<Arc<State>>, request: Request) -> Failure {
    Error::new(Kind::NotFound, "not_found", message!("no route {}", quoted(request.uri().path()))).into()
}

impl State {
    /// A table by its name.
    fn table(&self, name: &str) -> Result<&Table, Failure> {
        let found = self.tables.iter().find(|table| table.name == name);
        found.ok_or_else(|| Error::new(Kind::NotFound, "not_found", message!("no table {}", quoted(name))).into())
    }

    /// A session for reading.
    async fn session(&self) -> Result<Session, Failure> {
        self.session_of(LIMIT).await
    }

    /// A session whose statements may take so long.
    async fn session_of(&self, limit: Duration) -> Result<Session, Failure> {
        match Session::open(&self.seat.database, limit).await {
            Ok(session) => Ok(session),
            Err(error) => Err(self.failed(error).await),
        }
    }
}
