//! The fuzzer: libFuzzer, the targets of the library, and an allocator that refuses what is over a target's limit.

#![no_main]

use std::alloc::System;
use std::path::Path;
use std::sync::LazyLock;

use cap::Cap;
use libfuzzer_sys::fuzz_target;
use skyteam::fuzzing::{TARGETS, Target, seeds};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What the fuzzer itself asks for between two inputs, and what a reader sets up once.
const SLACK: usize = 4 << 20;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    TARGETS.iter().find(|target| target.name == name).expect("FUZZ_TARGET is one of the targets")
});

/// Writes the inputs to begin with below a folder, in one of each target.
fn write_seeds(folder: &Path) {
    for (number, (target, seed)) in seeds().expect("the seeds are made").into_iter().enumerate() {
        std::fs::create_dir_all(folder.join(target)).expect("folders can be made");
        std::fs::write(folder.join(target).join(format!("seed-{number}")), seed).expect("files can be written");
    }
}

fuzz_target!(
    init: {
        if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
            write_seeds(folder.as_ref());
            std::process::exit(0);
        }
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // The fuzzer's own hook ends the process before a panic can be caught.
            if !TARGET.catches {
                let _ = MEMORY.set_limit(usize::MAX);
                hook(panic);
            }
        }));
    },
    |data: &[u8]| {
        let _ = MEMORY.set_limit(MEMORY.allocated() + TARGET.memory + SLACK);
        (TARGET.run)(data);
        let _ = MEMORY.set_limit(usize::MAX);
    }
);
