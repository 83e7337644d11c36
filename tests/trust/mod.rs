//! What those who share the database may not do to it: each test here is an attack.

mod casts;
mod ledger;
mod login;
mod makers;
mod planted;
mod temporary;

use crate::support::World;

/// Makes a role without any right on the server of `world` and answers its name.
fn role(world: &World, name: &str) -> String {
    let role = format!("{}_{name}", world.role());
    world.server().admin(&format!("CREATE ROLE {role}"));
    role
}
