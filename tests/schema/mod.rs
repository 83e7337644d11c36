//! The schema engine: push, diff and reset on both engines, and the promises behind them.

mod adoption;
mod checks;
mod differences;
mod entities;
mod expressions;
mod forms;
mod guide;
mod in_order;
pub mod live;
mod locks;
mod online;
mod property;
mod told;
mod types;

use crate::support::DRIZZLE;
use crate::support::World;

/// Lets names without a schema mean `public`, as for every statement that makes tables.
async fn in_public(txn: &skyteam::db::Transaction) {
    if skyteam::db::Engine::of(txn) == skyteam::db::Engine::Postgres {
        let path = "SET LOCAL search_path = public, pg_temp";
        sea_orm::ConnectionTrait::execute_unprepared(txn, path).await.unwrap();
    }
}

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
