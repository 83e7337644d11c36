//! What those who share the database may not do to it: each test here is an attack.

mod attached;
mod casts;
mod files;
mod ledger;
mod login;
mod makers;
mod planted;
mod retention;
mod temporary;

use crate::support::World;

/// Makes a role without any right on the server of `world` and answers its name.
fn role(world: &World, name: &str) -> String {
    let role = format!("{}_{name}", world.role());
    world.server().admin(&format!("CREATE ROLE {role}"));
    role
}
