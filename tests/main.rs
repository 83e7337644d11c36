//! The one test binary: `support` makes a hermetic world, every other module tests one command or one
//! promise of the house. `tests/run` installs what the tests need and runs them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod airline;
mod backup;
mod brand;
mod children;
mod completions;
mod connect;
mod create;
mod directory;
mod docs;
mod doctor;
mod faults;
mod files;
mod flight;
mod generate;
mod global_flags;
mod grant;
mod help;
mod ids;
mod layers;
mod library;
mod looking;
mod lost;
mod messages;
mod migrate;
mod migrations;
mod miles;
mod product;
mod rollback;
mod schema;
mod seed;
mod settings;
mod shell;
mod status;
mod streams;
mod studio;
#[expect(unused_imports, reason = "not every helper has its user yet")]
mod support;
mod terminal;
mod trust;
mod usage;
mod user;
