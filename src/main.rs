//! The `skyteam` program.

fn main() {}
