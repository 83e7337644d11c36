//! Embeds the migration folders, and refuses to build when one of them is incomplete.
//!
//! A build script and not a macro, since only a script can tell Cargo to look again when a folder is added.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

/// What every folder holds; the order is the order of `Migration::embedded`'s arguments.
const FILES: [&str; 5] = ["postgres.up.sql", "postgres.down.sql", "sqlite.up.sql", "sqlite.down.sql", "schema.json"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    println!("cargo::rerun-if-changed={root}");

    let mut folders = Vec::new();
    for entry in fs::read_dir(&root)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or("a name in the migration folder is not UTF-8")?;
        if entry.file_type()?.is_dir() && name.starts_with(|c: char| c.is_ascii_digit()) {
            folders.push(name.to_owned());
        }
    }
    folders.sort();

    let mut code = String::from("&[\n");
    for folder in &folders {
        let (version, name) = folder
            .split_once('_')
            .filter(|(version, name)| {
                version.len() == 14
                    && version.bytes().all(|b| b.is_ascii_digit())
                    && !name.is_empty()
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            })
            .ok_or_else(|| format!("migration/{folder}: the name must be <YYYYMMDDHHMMSS>_<lower_case_name>"))?;
        if folders.iter().filter(|other| other.starts_with(version)).count() > 1 {
            return Err(format!("two folders in migration/ have the version {version}").into());
        }
        write!(code, "    Migration::embedded({version:?}, {name:?}")?;
        for file in FILES {
            let path = Path::new(&root).join(folder).join(file);
            if !path.is_file() {
                return Err(format!("migration/{folder} has no {file}").into());
            }
            write!(code, ", include_str!({path:?})")?;
        }
        code.push_str("),\n");
    }
    code.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("embedded.rs"), code)?;
    Ok(())
}
