//! A change of the schema that is cut off: its user interrupts it, its process is killed, its server ends.
//!
//! Each test ends servers of its own. Those of backups, of miles and of the studio are with their subjects, in a module of
//! the same name: `cargo test -- --skip faults::` leaves out all of them.

mod online_push;
mod push;
