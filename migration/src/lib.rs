//! The versions of the SkyTeam schema, as SQL for PostgreSQL and SQLite.
//!
//! Each version is a folder of this crate, `<YYYYMMDDHHMMSS>_<name>`, with a script up and a script down for either
//! engine. [`all`] gives them, embedded; [`script`] cuts a script into its statements, [`runner`] runs one inside the
//! caller's transaction, [`history`] is the record of what ran, [`openings`] that
//! of when the ledger was open to changes. [`Migrator`] is `sea-orm-migration`'s way to all of it.
//!
//! This crate knows nothing of entities, plans, consent or wording: that is `skyteam`'s part.

pub mod history;
mod migration;
mod migrator;
pub mod openings;
pub mod runner;
pub mod script;

pub use migration::{Direction, Engine, Migration, Scripts, all};
pub use migrator::Migrator;
