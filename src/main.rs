//! The `skyteam` program: hands the real world to [`skyteam::cli::run`] and its answer to the system.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(skyteam::cli::run(skyteam::cli::environment::World::real()))
}
