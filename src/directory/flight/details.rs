//! A flight with what it refers to.

use sea_orm::{ConnectionTrait, EntityTrait};

use super::roster::{self, Summary};
use super::{Flight, FlightError};
use crate::entity::{airline, brand};

/// What a flight refers to, and what its manifest adds up to.
#[derive(Clone, Debug)]
pub struct Details {
    /// The airline that flies it.
    pub airline: airline::Model,
    /// The brand under which it is flown.
    pub brand: brand::Model,
    /// A second airline whose code it carries.
    pub codeshare: Option<airline::Model>,
    /// Who is on board, in numbers.
    pub manifest: Summary,
}

/// Reads what `flight` refers to.
///
/// # Errors
/// [`FlightError`]: of the database only.
pub async fn details(db: &impl ConnectionTrait, flight: &Flight) -> Result<Details, FlightError> {
    let airline = |id: &str| airline::Entity::find_by_id(id).one(db);
    let missing = |what: &str, id: &str| sea_orm::DbErr::RecordNotFound(format!("{what} {id}"));
    let codeshare = match &flight.codeshare_airline_id {
        Some(id) => Some(airline(id).await?.ok_or_else(|| missing("airline", id))?),
        None => None,
    };
    Ok(Details {
        airline: airline(&flight.airline_id).await?.ok_or_else(|| missing("airline", &flight.airline_id))?,
        brand: brand::Entity::find_by_id(flight.brand_id.as_str())
            .one(db)
            .await?
            .ok_or_else(|| missing("brand", &flight.brand_id))?,
        codeshare,
        manifest: roster::summary(db, flight.id).await?,
    })
}
