//! The `skyteam` program: everything is in the library's [`skyteam::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    skyteam::cli::main()
}
