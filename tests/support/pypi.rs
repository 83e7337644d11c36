//! Python packages that tests read our output with, from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A folder with these packages, for `PYTHONPATH`. The first test that asks installs them there; later runs find them
/// under `name`.
///
/// # Panics
/// Where they cannot be installed, with the command that would.
pub fn packages(name: &str, requirements: &[&str]) -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = parent.join(name);
    if !folder.is_dir() {
        // Under a name of its own until it is whole, since another process may do the same.
        let new = tempfile::tempdir_in(parent).unwrap();
        let mut words = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        words.extend(requirements);
        words.push("--target");
        let installed = Command::new("python3").args(&words).arg(new.path()).output();
        let done = installed.as_ref().is_ok_and(|output| output.status.success());
        let command = format!("python3 {} {}", words.join(" "), folder.display());
        assert!(done, "{name} is needed: apt-get install python3-pip, then {command}\n{installed:?}");
        if std::fs::rename(new.path(), &folder).is_ok() {
            let _ = new.keep();
        }
    }
    folder
}
