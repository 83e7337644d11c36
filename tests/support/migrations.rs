//! The migrations that this build has, in the words of answers and records: no test depends on which one is the newest,
//! so that a new one fails none.

use migration::{Migration, all};

/// The folder of the newest.
pub fn newest() -> String {
    all().last().unwrap().folder()
}

/// Their folders, oldest first.
pub fn folders() -> Vec<String> {
    all().iter().map(Migration::folder).collect()
}

/// Their folders as a refusal lists them.
pub fn listed() -> String {
    folders().join(", ")
}

/// The record of all of them as lines `name|via`: the oldest recorded by `first`, the others by `rest`.
pub fn record(first: &str, rest: &str) -> String {
    let line =
        |(at, migration): (usize, &Migration)| format!("{}|{}", migration.name(), if at == 0 { first } else { rest });
    all().iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// What a run says on standard error of those that it applied, from the one at `from` on, a line each.
pub fn applied(from: usize) -> String {
    all()[from..].iter().map(|migration| format!("\nApplied {} in [took].", migration.folder())).collect()
}
