//! Answers: JSON, and errors in the words of the command line.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::State;
use crate::error::{Error, Kind};
use crate::message::Message;

/// A failure of a request.
#[derive(Debug)]
pub(super) struct Failure {
    error: Error,
    /// Instead of the status that follows from the error's kind.
    status: Option<StatusCode>,
    /// What the answer says beside the error.
    beside: serde_json::Map<String, serde_json::Value>,
}

pub(super) type Reply<T> = Result<Json<T>, Failure>;

/// A value as JSON.
#[derive(Debug)]
pub(super) struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(_) => panicked(),
        }
    }
}

/// The answer in place of one that a defect of ours has kept from being made.
pub(super) fn panicked() -> Response {
    let error = Error::new(Kind::Failure, "defect", "the studio failed to answer, by a defect of its own")
        .why("the terminal in which it runs has the details");
    Failure::from(error).into_response()
}

impl State {
    /// The failure for a page: with this database in its commands; and of what a server or a driver has said no word, which
    /// may hold a stored value, but on the terminal under `-v`.
    pub(super) async fn failed(&self, error: impl Into<Error>) -> Failure {
        let mut error: Error = error.into();
        if matches!(error.kind(), Kind::Unreachable | Kind::Locked) && error.state().is_none()
            || error.code() == "shut_down"
        {
            // What the pool has noticed is seldom what is wrong.
            if let Some(why) = self.seat.database.unreachable().await {
                error = why.into();
            }
        }
        if let Some(cause) = error.cause() {
            (self.seat.detail)(error.what().clone(), cause);
        }
        error.on(self.seat.database.target()).addressed(self.seat.database_flag.as_ref()).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, status: None, beside: serde_json::Map::new() }
    }
}

impl Failure {
    /// With another status than the one that follows from the error's kind.
    pub(super) fn answered(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// With something beside the error.
    pub(super) fn beside(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.beside.insert(name.to_owned(), value.into());
        self
    }

    fn status(&self) -> StatusCode {
        if let Some(status) = self.status {
            return status;
        }
        match self.error.kind() {
            Kind::Usage => StatusCode::BAD_REQUEST,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Refused => StatusCode::CONFLICT,
            Kind::Denied => StatusCode::FORBIDDEN,
            Kind::Unconfirmed => StatusCode::PRECONDITION_REQUIRED,
            Kind::Locked => StatusCode::LOCKED,
            Kind::Unreachable | Kind::Config => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Failure | Kind::Found | Kind::Partial | Kind::Interrupted => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The lines of reason that are ours: those of a refusal with a SQLSTATE are the server's.
    fn reasons(&self) -> &[Message] {
        if self.error.state().is_some() || self.error.kind() == Kind::Failure && self.error.cause().is_some() {
            return &[];
        }
        self.error.reasons()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let joined = |lines: &[Message]| (!lines.is_empty()).then(|| Message::joined(lines, "\n"));
        let error = &self.error;
        let mut body = self.beside.clone();
        let words = serde_json::json!({
            "code": error.code(),
            "exit": error.exit_code(),
            "message": error.what(),
            "why": joined(self.reasons()),
            "fix": joined(error.fixes()),
            "sqlstate": error.state(),
            "retryable": error.kind().retryable(),
        });
        body.insert("error".to_owned(), words);
        let headers = [(header::CONTENT_TYPE, "application/json")];
        (self.status(), headers, Body::from(serde_json::Value::Object(body).to_string())).into_response()
    }
}
