//! The alliance's rules: what its users, airlines, brands, flights, products and miles may and may not do.
//!
//! Reads take any [`ConnectionTrait`](sea_orm::ConnectionTrait), writes a transaction, so that a caller decides what goes
//! together. Nothing here knows of arguments, printing, settings or the schema engine. Errors are facts: their wording for
//! people is in [`crate::error`].

pub mod airline;
pub mod brand;
pub mod error;
pub mod flight;
pub(crate) mod health;
pub mod instant;
pub mod product;
pub mod reference;
pub(crate) mod row;
pub(crate) mod seed;
pub(crate) mod suggest;
pub mod user;

pub use crate::input;
