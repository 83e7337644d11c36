//! An API handler on the library: knows its caller by the airline's token and answers the flights that are still to come,
//! each with its brand, all from one query.
//!
//! A web framework would hand the header in and the response out; here standard input and output do:
//!
//! ```sh
//! skyteam airline token show delta --reveal | DATABASE_URL=postgres://… cargo run --example airline_api
//! ```

use std::error::Error;
use std::io::Read as _;

use chrono::Utc;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::json;
use skyteam::db::{DatabaseUrl, Options, connect};
use skyteam::directory::flight::list::{Coming, coming_by_token};

/// What a handler answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: serde_json::Value,
}

/// `GET /flights` with `Authorization: Bearer <token>`.
///
/// # Errors
/// The database's: a 500 or a 503, and worth a line in the log.
pub async fn coming_flights(db: &impl ConnectionTrait, authorization: Option<&str>) -> Result<Response, DbErr> {
    let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
    // Found by the unique index. The answer does not say whether there was no token or a wrong one.
    let Some(Coming { airline, flights }) = coming_by_token(db, token, Utc::now().into()).await? else {
        return Ok(Response { status: 401, body: json!({ "error": "unknown token" }) });
    };
    let flights: Vec<_> = flights
        .iter()
        // The entities serialise under their column names; the airline's token never does.
        .map(|(flight, brand)| json!({ "flight": flight, "brand": brand }))
        .collect();
    Ok(Response { status: 200, body: json!({ "airline": airline, "flights": flights }) })
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example answers on stdout")]
#[allow(clippy::allow_attributes, dead_code, reason = "the tests take the handler and leave this")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = DatabaseUrl::parse(&std::env::var("DATABASE_URL")?)?;
    let database = connect(&url, Options { application_name: "airline api".into(), ..Options::default() }).await?;
    let mut token = String::new();
    std::io::stdin().read_to_string(&mut token)?;
    let header = format!("Bearer {}", token.trim());
    let response = coming_flights(database.conn(), Some(&header)).await?;
    println!("{} {:#}", response.status, response.body);
    database.close().await;
    Ok(())
}
