//! Pages of a player, a flight, an airline, a product: what the commands `show` and `list` answer, read on connections that
//! only read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State as Shared};
use serde::Serialize;
use serde_json::Value;

use super::super::State;
use super::super::order::Manner;
use super::super::reply::{Failure, Json, Reply};
use crate::message::{Command, skyteam};

/// The most rows of each list of a page. The grid shows the others.
const ROWS: u32 = 200;

/// How long what the doctor found is not looked for again.
const FRESH: Duration = Duration::from_secs(60);

/// The most passengers of a flight that its page lists.
const PASSENGERS: u32 = 500;

impl State {
    /// What a command that only reads answers.
    async fn answer_of(&self, command: Command) -> Result<Value, Failure> {
        let done = self.order(command.args(), String::new(), Manner::Read).await;
        match done.outcome {
            Ok(()) => Ok(done.answer.unwrap_or_default()),
            Err(error) => Err(self.failed(error).await),
        }
    }
}

/// A player.
#[derive(Serialize)]
pub(super) struct PlayerView {
    player: Value,
    history: Value,
    flights: Value,
}

/// A player's page.
pub(super) async fn player(Shared(state): Shared<Arc<State>>, Path(user): Path<String>) -> Reply<PlayerView> {
    let player = state.answer_of(skyteam("user show").texts([&user])).await?;
    // By id from here on: a name can pass to another.
    let id = player["userId"].as_str().map(str::to_owned).unwrap_or(user);
    let history = state.answer_of(skyteam("miles history").flag("--limit", ROWS).texts([&id])).await?;
    let flights = skyteam("user flights").flag("--sort", "-joinedAt").flag("--limit", ROWS).texts([&id]);
    Ok(Json(PlayerView { player, history, flights: state.answer_of(flights).await? }))
}

/// A flight.
#[derive(Serialize)]
pub(super) struct FlightView {
    flight: Value,
    passengers: Value,
}

/// A flight's page.
pub(super) async fn flight(Shared(state): Shared<Arc<State>>, Path(flight): Path<String>) -> Reply<FlightView> {
    let shown = state.answer_of(skyteam("flight show").texts([&flight])).await?;
    let id = shown["id"].as_str().map(str::to_owned).unwrap_or(flight);
    let passengers = skyteam("flight manifest show").flag("--limit", PASSENGERS).texts([&id]);
    Ok(Json(FlightView { flight: shown, passengers: state.answer_of(passengers).await? }))
}

/// An airline.
#[derive(Serialize)]
pub(super) struct AirlineView {
    airline: Value,
    brands: Value,
    products: Value,
    flights: Value,
}

/// An airline's page.
pub(super) async fn airline(Shared(state): Shared<Arc<State>>, Path(airline): Path<String>) -> Reply<AirlineView> {
    let shown = state.answer_of(skyteam("airline show").texts([&airline])).await?;
    let id = shown["airlineId"].as_str().map(str::to_owned).unwrap_or(airline);
    let of = |words| skyteam(words).flag("--airline", &id).flag("--limit", ROWS);
    let flights = of("flight list --status scheduled,overdue,live,stale").flag("--sort", "startTime");
    Ok(Json(AirlineView {
        airline: shown,
        brands: state.answer_of(of("brand list")).await?,
        products: state.answer_of(of("product list")).await?,
        flights: state.answer_of(flights).await?,
    }))
}

/// A product's page.
pub(super) async fn product(Shared(state): Shared<Arc<State>>, Path(product): Path<String>) -> Reply<Value> {
    Ok(Json(state.answer_of(skyteam("product show").texts([&product])).await?))
}

/// The flights that are in the air or due.
#[derive(Serialize)]
pub(super) struct BoardView {
    flights: Value,
}

/// The departure board.
pub(super) async fn board(Shared(state): Shared<Arc<State>>) -> Reply<BoardView> {
    let list = skyteam("flight list --status scheduled,overdue,live,stale --since=-2d --until=+7d --sort startTime");
    Ok(Json(BoardView { flights: state.answer_of(list.flag("--limit", ROWS)).await? }))
}

/// What the doctor finds, with the age of the last backup that was proved. It proves the whole ledger, so one answer serves
/// all who ask within a minute.
pub(super) async fn findings(Shared(state): Shared<Arc<State>>) -> Reply<Value> {
    let mut last = state.findings.lock().await;
    if let Some((at, found)) = &*last
        && at.elapsed() < FRESH
    {
        return Ok(Json(found.clone()));
    }
    let found = state.answer_of(skyteam("db doctor")).await?;
    *last = Some((Instant::now(), found.clone()));
    Ok(Json(found))
}
