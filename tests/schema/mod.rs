//! The schema engine: push, diff and reset on both engines, and the promises behind them.

mod adoption;
mod checks;
mod differences;
mod entities;
mod forms;
mod locks;
mod property;
mod told;
mod types;

use crate::support::DRIZZLE;
use crate::support::World;

/// What `db diff` would do, a line a step.
#[track_caller]
fn steps(world: &World) -> Vec<String> {
    let plan = world.run("db diff -o json").ok().json();
    plan["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap().to_owned()).collect()
}

/// A database that Drizzle Kit has made, with data.
fn drizzle() -> World {
    let world = World::postgres();
    world.psql(DRIZZLE.as_ref());
    world
}
