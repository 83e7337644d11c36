//! Actions: tried and shown, then done for good.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::State;
use super::super::action::Action;
use super::super::order::Manner;
use super::super::reply::{Failure, Json, Reply};
use super::relations::body;
use crate::message::Message;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    action: Action,
    /// Whether it is only tried: done, shown and rolled back.
    #[serde(default)]
    preview: bool,
    /// What the person said yes to.
    agreed: Option<String>,
    /// The name that the person typed.
    typed: Option<String>,
}

/// What came of an action.
#[derive(Serialize)]
pub(super) struct Acted {
    /// Whether it is done for good.
    applied: bool,
    /// What the command answers as JSON.
    answer: Option<serde_json::Value>,
    /// What the command says beside.
    said: Vec<String>,
    /// The same as a command line.
    command: String,
}

/// Does one thing, or shows what would come of it.
pub(super) async fn act(Shared(state): Shared<Arc<State>>, bytes: Bytes) -> Reply<Acted> {
    let Request { action, preview, agreed, typed } = body(&bytes)?;
    let command = Message::from(action.line()).addressed(state.seat.database_flag.as_ref()).to_string();
    let named =
        |failure: Failure| failure.beside("command", command.clone()).beside("repeatable", action.is_repeatable());
    state.gate.pass(preview).map_err(named)?;
    let manner = if preview { Manner::Preview } else { Manner::Apply { agreed, typed } };
    let done = state.order(action.command().args(), action.input(), manner).await;
    match done.outcome {
        Ok(()) => Ok(Json(Acted { applied: !preview, answer: done.answer, said: done.said, command })),
        Err(error) => {
            let failure = named(state.failed(error).await).beside("said", done.said);
            // A list that is refused was answered with what is wrong in each of its lines.
            let failure = match done.answer {
                Some(answer) => failure.beside("answer", answer),
                None => failure,
            };
            Err(match done.asked {
                Some(asked) => {
                    failure.answered(StatusCode::PRECONDITION_REQUIRED).beside("ask", serde_json::json!(asked))
                }
                None => failure,
            })
        }
    }
}
