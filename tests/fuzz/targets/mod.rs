//! What a fuzzer, and the replay of its corpus, runs: one function a target, which takes any bytes and panics where a
//! promise does not hold. Part of the crate, since the readers are not public; see `tests/fuzz/run`.

mod backups;
mod records;
mod settings;
mod sql;
mod studio;

/// A target: its name, which is that of its folder in `tests/fuzz/corpus`, and how it is run.
pub struct Target {
    /// Name.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
    /// The most memory, in bytes, that one input may have at a time.
    pub memory: usize,
    /// Whether the reader catches panics of a library itself, so that one is no finding.
    pub catches: bool,
}

const MIB: usize = 1 << 20;

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "archive", run: backups::archive, memory: 32 * MIB, catches: true },
    // What a row group may unpack to, twice: as pages and as cells.
    Target { name: "table", run: backups::table, memory: 400 * MIB, catches: true },
    Target { name: "page_headers", run: backups::page_headers, memory: MIB, catches: false },
    Target { name: "age_header", run: backups::age_header, memory: 8 * MIB, catches: false },
    Target { name: "dump", run: backups::dump, memory: 32 * MIB, catches: false },
    Target { name: "copy", run: backups::copy, memory: 32 * MIB, catches: false },
    Target { name: "url", run: settings::url, memory: 8 * MIB, catches: false },
    Target { name: "libpq", run: settings::libpq, memory: 8 * MIB, catches: false },
    Target { name: "dotenv", run: settings::dotenv, memory: 32 * MIB, catches: false },
    Target { name: "records", run: records::records, memory: 64 * MIB, catches: false },
    Target { name: "sql", run: sql::sql, memory: 32 * MIB, catches: false },
    Target { name: "create_table", run: sql::create_table, memory: 64 * MIB, catches: false },
    Target { name: "studio", run: studio::studio, memory: 32 * MIB, catches: false },
];

/// Inputs, each with the name of its target.
pub type Seeds = Vec<(&'static str, Vec<u8>)>;

/// Inputs to begin with that no hand can write: each with the name of its target.
///
/// # Errors
/// None in practice.
pub fn seeds() -> Result<Seeds, Box<dyn std::error::Error>> {
    backups::seeds()
}

/// Texts with a byte between them that none of them has.
fn parts<const COUNT: usize>(data: &[u8]) -> Option<[&str; COUNT]> {
    let text = std::str::from_utf8(data).ok()?;
    let mut parts = text.splitn(COUNT, '\u{1f}');
    let found = std::array::from_fn(|_| parts.next().unwrap_or_default());
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_input_of_the_corpus_keeps_every_promise() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let mut folders: Vec<String> = Vec::new();
        for folder in fs::read_dir(&corpus).unwrap() {
            folders.push(folder.unwrap().file_name().into_string().unwrap());
        }
        folders.sort();
        let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        names.sort_unstable();
        assert_eq!(folders, names, "each target has a corpus, and each corpus a target");
        for target in TARGETS {
            for input in fs::read_dir(corpus.join(target.name)).unwrap() {
                let path = input.unwrap().path();
                let data = fs::read(&path).unwrap();
                let ran = std::panic::catch_unwind(|| (target.run)(&data));
                assert!(ran.is_ok(), "{}", path.display());
            }
        }
    }
}
