//! A small REST API on the library: an airline is known by its token, sees its coming flights and its products, and sells a
//! product for miles. A purchase carries an `Idempotency-Key`: sent again, after a lost answer, it is paid once.
//!
//! ```sh
//! DATABASE_URL=postgres://… cargo run --release --example api -- 127.0.0.1:8080 &
//! curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/flights
//! curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/products
//! curl -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: order-4711' -H 'Content-Type: application/json' \
//!      -d '{"userId":"107919"}' http://127.0.0.1:8080/products/abc123/purchases
//! ```

use std::error::Error;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Utc;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Deserialize;
use serde_json::json;
use skyteam::db::{Database, DatabaseUrl, Options, connect};
use skyteam::directory::airline;
use skyteam::directory::flight::list::{Coming, coming_by_token};
use skyteam::entity::miles_product::{Column, Entity as Products};
use skyteam::ledger::MilesError;
use skyteam::ledger::key::entry_id;
use skyteam::ledger::redeem::{Redemption, redeem};

/// The routes, on one database.
pub fn router(database: Arc<Database>) -> Router {
    Router::new()
        .route("/flights", get(flights))
        .route("/products", get(products))
        .route("/products/{product}/purchases", post(purchase))
        .with_state(database)
}

/// What a request ends with that is no success.
#[derive(Debug)]
pub struct Failure(StatusCode, &'static str);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

/// What went wrong below is for the log, and not for the caller.
#[expect(clippy::print_stderr, reason = "an example has no log")]
fn unexpected(error: impl std::fmt::Display) -> Failure {
    eprintln!("{error}");
    Failure(StatusCode::SERVICE_UNAVAILABLE, "try again later")
}

const UNKNOWN: Failure = Failure(StatusCode::UNAUTHORIZED, "unknown token");

/// The token of `Authorization: Bearer …`; an empty one counts as none.
fn token(headers: &HeaderMap) -> &str {
    let header = headers.get("authorization").and_then(|header| header.to_str().ok());
    header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default()
}

/// Found by the unique index of tokens. Whether there was no token or a wrong one is answered alike.
async fn caller(database: &Database, headers: &HeaderMap) -> Result<skyteam::entity::airline::Model, Failure> {
    airline::by_token(database.conn(), token(headers)).await.map_err(unexpected)?.ok_or(UNKNOWN)
}

/// The airline's flights that are still to come, each with its brand, from one query.
async fn flights(State(database): State<Arc<Database>>, headers: HeaderMap) -> Result<Response, Failure> {
    let coming = coming_by_token(database.conn(), token(&headers), Utc::now().into()).await.map_err(unexpected)?;
    let Coming { airline, flights } = coming.ok_or(UNKNOWN)?;
    let flights: Vec<_> = flights.iter().map(|(flight, brand)| json!({ "flight": flight, "brand": brand })).collect();
    // Entities serialise under the names of their columns; the token of an airline never does.
    Ok(Json(json!({ "airline": airline, "flights": flights })).into_response())
}

/// What the airline sells.
async fn products(State(database): State<Arc<Database>>, headers: HeaderMap) -> Result<Response, Failure> {
    let airline = caller(&database, &headers).await?;
    let products = Products::find()
        .filter(Column::AirlineId.eq(airline.airline_id))
        .filter(Column::Active.eq(true))
        .order_by_asc(Column::Name)
        .all(database.conn())
        .await
        .map_err(unexpected)?;
    Ok(Json(products).into_response())
}

/// Who buys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Buyer {
    user_id: String,
}

/// Sells one of the airline's own products: 201 with the entry and the balance; 200 where the same request was answered
/// before.
async fn purchase(
    State(database): State<Arc<Database>>,
    Path(product): Path<String>,
    headers: HeaderMap,
    Json(buyer): Json<Buyer>,
) -> Result<Response, Failure> {
    let airline = caller(&database, &headers).await?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).filter(|key| !key.is_empty());
    let key = key.ok_or(Failure(StatusCode::BAD_REQUEST, "the header Idempotency-Key is missing"))?;
    let no_product = Failure(StatusCode::NOT_FOUND, "no such product");
    let sold = Products::find_by_id(&product).one(database.conn()).await.map_err(unexpected)?;
    let sold = sold.filter(|sold| sold.airline_id == airline.airline_id).ok_or(no_product)?;
    let wanted = Redemption {
        // Two airlines may number their orders alike.
        id: entry_id(&format!("api:{}:{key}", airline.airline_id)),
        user_id: buyer.user_id,
        product_id: sold.product_id,
        note: None,
        actor: Some(format!("api:{}", airline.airline_id)),
    };
    match redeem(&database, &wanted).await {
        Ok(posted) => {
            let status = if posted.already { StatusCode::OK } else { StatusCode::CREATED };
            Ok((status, Json(posted)).into_response())
        }
        Err(MilesError::NoUser { .. }) => Err(Failure(StatusCode::NOT_FOUND, "no such user")),
        Err(MilesError::NoProduct { .. } | MilesError::ProductInactive { .. }) => {
            Err(Failure(StatusCode::CONFLICT, "the product is not for sale"))
        }
        Err(MilesError::NotEnough { .. }) => Err(Failure(StatusCode::CONFLICT, "not enough miles")),
        Err(MilesError::KeyTaken { .. }) => {
            Err(Failure(StatusCode::UNPROCESSABLE_ENTITY, "the key was used for another purchase"))
        }
        // Its outcome may be unknown: asked again with the same key, it is answered.
        Err(error) => Err(unexpected(error)),
    }
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::allow_attributes, dead_code, reason = "the tests take the routes and leave this")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let url = DatabaseUrl::parse(&std::env::var("DATABASE_URL")?)?;
    let database = connect(&url, Options { application_name: "airline api".into(), ..Options::default() }).await?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router(Arc::new(database))).await?;
    Ok(())
}
