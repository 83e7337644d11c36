//! Administers the database of SkyTeam ROBLOX: an alliance of airlines that fly inside ROBLOX games.
//!
//! Two engines and a thin shell. [`domain`] knows the alliance: users, airlines, brands, flights, products, miles.
//! [`schema`] knows tables, in one neutral model. [`commands`] turns arguments into one call of an engine and its
//! result into a report; only [`ui`] prints, asks or shows progress.
//!
//! # As a library
//!
//! What the program does, another may do: [`db::connect`] opens a database, reads take any connection, writes a
//! transaction that the caller begins and commits, so that several go together or not at all.
//!
//! | what | where |
//! |---|---|
//! | users: add, change, place and totals, last movements, list, flights, import, export, erase | [`directory::user`] |
//! | airlines: add, change, delete, new token, who has this token | [`directory::airline`] |
//! | brands: add, change, delete, make primary | [`directory::brand`] |
//! | products: add, change, on and off sale, sales, delete | [`directory::product`] |
//! | flights: plan, start, end, board, manifests, lists | [`directory::flight`] |
//! | miles: award, spend, redeem, reverse, balance, history, audit; [`directory::miles::post::Poster`] for who posts many | [`directory::miles`] |
//! | what may be typed, and what a reference means | [`directory::input`], [`directory::instant`], [`directory::reference`] |
//! | rows, under the names of their columns | [`entity`] |
//!
//! ```no_run
//! use skyteam::db::{DatabaseUrl, Options, connect};
//! use skyteam::directory::input::{UserId, Username};
//! use skyteam::directory::user::{self, NewUser};
//!
//! # async fn add() -> Result<(), Box<dyn std::error::Error>> {
//! let url = DatabaseUrl::parse("postgres://ops@localhost/skyteam")?;
//! let database = connect(&url, Options::default()).await?;
//! let new = NewUser {
//!     user_id: UserId::parse("107919")?,
//!     username: Username::parse("pilot123")?,
//!     display_name: None,
//!     avatar_url: None,
//! };
//! let tx = database.begin().await?;
//! let added = user::add(&tx, &new).await?;
//! tx.commit().await?;
//! assert_eq!(added.miles, 0);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/airline_api.rs` is a handler of an API on it.
//!
//! Imports point inwards: `main → cli → commands → {domain, schema, backup} → {entity, db}`; a test keeps this true.

pub mod ledger;

pub mod approval;
pub mod backup;
pub mod cli;
pub mod db;
pub mod directory;
pub mod entity;
pub mod error;
pub mod message;
pub mod schema;
