//! Administers the database of SkyTeam ROBLOX.
