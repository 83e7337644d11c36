//! Administers the database of SkyTeam ROBLOX: an alliance of airlines that fly inside ROBLOX games.
//!
//! A library below, shells above. The engines take plain values and return plain values and error enums: [`directory`] knows
//! users, airlines, brands, flights and products; [`ledger`] every movement of miles; [`schema`] tables, in one neutral
//! model; [`backup`] archives of them. One shell, `cli`, turns arguments into one call of an engine and prints its result;
//! another, `studio`, answers a browser; [`error`] holds the wording and the exit code of everything that can fail.
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
//! | miles: award, spend, redeem, reverse, balance, history, audit; [`ledger::posting::Poster`] for who posts many | [`ledger`] |
//! | what may be typed, and what a reference means | [`input`], [`directory::instant`], [`directory::reference`] |
//! | rows, under the names of their columns | [`entity`] |
//!
//! ```no_run
//! use skyteam::db::{DatabaseUrl, Options, connect};
//! use skyteam::input::{UserId, Username};
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
//!     extra: Default::default(),
//! };
//! let tx = database.begin().await?;
//! let added = user::add(&tx, &new).await?;
//! tx.commit().await?;
//! assert_eq!(added.miles, 0);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/api.rs` is a small REST API on it, `examples/nightly.rs` a nightly job.
//!
//! `pub` is what this page promises, and no more: what only the program and its tests use is `pub(crate)` or hidden here.
//!
//! Imports point downwards: `main → cli → studio → error → {backup, browse, schema, directory → ledger} → {db, entity, input, consent}`, and
//! no file imports itself through others; a test keeps it so.

// The layout of the deepest futures, of a list through SeaORM, needs more than 128 steps in an optimised build.
#![recursion_limit = "256"]
#![cfg_attr(not(test), warn(unreachable_pub))]

pub mod backup;
mod browse;
#[doc(hidden)]
pub mod cli;
pub mod consent;
mod csv_record;
pub mod db;
pub mod directory;
pub mod entity;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
#[path = "../tests/fuzz/targets/mod.rs"]
pub mod fuzzing;
pub mod input;
pub mod ledger;
pub(crate) mod message;
pub mod schema;
mod small_file;
mod studio;
mod system;
