//! Administers the database of SkyTeam ROBLOX.

pub mod db;
pub mod domain;
pub mod entity;
pub mod error;
pub mod schema;
