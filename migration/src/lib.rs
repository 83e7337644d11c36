//! The versions of the SkyTeam schema.
