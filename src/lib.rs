//! Administers the database of SkyTeam ROBLOX.

pub mod entity;
