//! Administers the database of SkyTeam ROBLOX: an alliance of airlines that fly inside ROBLOX games.
//!
//! Two engines and a thin shell. [`domain`] knows the alliance: users, airlines, brands, flights, products, miles.
//! [`schema`] knows tables, in one neutral model. [`commands`] turns arguments into one call of an engine and its
//! result into a report; only [`ui`] prints, asks or shows progress.
//!
//! Imports point inwards: `main → cli → commands → {domain, schema, backup} → {entity, db}`; a test keeps this true.

pub mod approval;
pub mod backup;
pub mod cli;
pub mod commands;
pub mod context;
pub mod db;
pub mod domain;
pub mod entity;
pub mod error;
pub mod migrate;
pub mod report;
pub mod schema;
pub mod settings;
pub mod ui;
pub mod world;
