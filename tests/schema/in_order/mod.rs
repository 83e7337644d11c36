//! What counts as in order must be in order: what a database can hide behind flags of its catalogue, and what printed
//! remedies do to rows that are no findings.

mod attachments;
mod causes;
mod collations;
mod dependents;
mod looking;
mod lost_rules;
mod mends;
mod newer;
mod overtaken;
mod row_security;
mod switched_off;
mod unreadable;

use crate::support::{Output, World};

/// The major version of the server.
#[track_caller]
fn major(world: &World) -> u32 {
    world.query("SELECT current_setting('server_version_num')::int / 10000").parse().unwrap()
}

/// The answer of a command that found something, and so does not exit with 0.
#[track_caller]
fn answer(output: &Output) -> serde_json::Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}
