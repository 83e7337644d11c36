//! The import rules of the house, kept by reading the sources: imports point inwards,
//! `main → cli → studio → error → {backup, browse, schema, ledger, directory} → {db, entity, input, consent}`, and what a module may not
//! see it does not see.

mod circles;
mod reach;
mod surface;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules of the crate, each with the other ones it may name. A module that is missing here fails
/// [`every_module_has_its_place`].
const MAY_SEE: &[(&str, &[&str])] = &[
    // Engines: plain values in, plain values out.
    ("entity", &["db"]),
    ("db", &["entity", "small_file", "system"]),
    ("small_file", &["system"]),
    ("system", &[]),
    ("csv_record", &[]),
    ("consent", &[]),
    ("input", &["entity"]),
    ("ledger", &["db", "entity", "input"]),
    ("directory", &["consent", "db", "entity", "input", "ledger"]),
    ("schema", &["consent", "db", "entity"]),
    ("browse", &["db", "entity"]),
    // A restore makes tables and a deep verification audits the ledger, so this one is above the other three.
    ("backup", &["consent", "db", "directory", "entity", "input", "ledger", "schema", "small_file", "system"]),
    // What people read, for every shell.
    ("message", &["directory", "entity", "input"]),
    ("error", &["backup", "browse", "db", "directory", "entity", "input", "ledger", "message", "schema", "system"]),
    // The shells: the command line, and HTTP for a page.
    (
        "cli",
        &[
            "backup",
            "consent",
            "csv_record",
            "db",
            "directory",
            "entity",
            "error",
            "input",
            "ledger",
            "message",
            "schema",
            "small_file",
            "studio",
            "system",
        ],
    ),
    (
        "studio",
        &[
            "browse",
            "csv_record",
            "db",
            "directory",
            "entity",
            "error",
            "input",
            "ledger",
            "message",
            "schema",
            "small_file",
        ],
    ),
];

/// Crates and parts of `std` that only the named top-level modules may see. `main` and `lib` are modules here too.
const ONLY_FOR: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("comfy_table", &["cli"]),
    ("dialoguer", &["cli"]),
    ("indicatif", &["cli"]),
    ("anstream", &["cli"]),
    ("etcetera", &["cli"]),
    ("axum", &["studio"]),
    ("aho_corasick", &["studio"]),
    ("hyper", &["studio"]),
    ("hyper_util", &["studio"]),
    ("http_body_util", &["studio"]),
    ("std::env", &["main", "cli"]),
    ("std::process::exit", &[]),
];

/// One source file.
struct Source {
    path: PathBuf,
    /// Its module path from the crate's root: `["db", "url"]`; `["main"]` and `["lib"]` for the roots.
    module: Vec<String>,
    /// Its code, without comments and the contents of strings.
    code: String,
}

impl Source {
    fn top(&self) -> &str {
        &self.module[0]
    }

    /// What it names: paths from the crate's root (`crate::db::url` as `db::url`) and paths of crates (`std::env`).
    fn names(&self) -> BTreeSet<String> {
        paths(&self.code).into_iter().filter_map(|path| self.resolve(&path)).collect()
    }

    fn resolve(&self, path: &[String]) -> Option<String> {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let rest = match path[0].as_str() {
            "crate" => &path[1..],
            // `mod.rs` of `db` is the module `db` itself, so one `super` leads to the root from there.
            "super" if supers >= self.module.len() => &path[supers..],
            "super" | "self" | "Self" => return None,
            _ => return Some(format!("::{}", path.join("::"))),
        };
        rest.first().map(|_| rest.join("::"))
    }
}

/// Every path of two parts or more in the code, groups of `use` unfolded.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = code;
    while let Some(start) = rest.find(word) {
        let before = rest[..start].ends_with("::");
        let text = &rest[start..];
        let end = text.find(|c| !word(c)).unwrap_or(text.len());
        if !before && text[end..].starts_with("::") {
            unfold(text, &mut Vec::new(), &mut found);
        }
        rest = &text[end..];
    }
    found
}

/// Reads one path, or one `a::{b, c::d}`, from the start of `text`; answers what follows it.
fn unfold<'a>(text: &'a str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let depth = prefix.len();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut group) = rest.strip_prefix('{') {
            loop {
                group = unfold(group, prefix, found).trim_start().trim_start_matches(',').trim_start();
                if group.is_empty() || group.starts_with('}') {
                    break;
                }
                // Not a group of imports after all: a block, or a macro's own grammar.
                if !group.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '{') {
                    break;
                }
            }
            prefix.truncate(depth);
            return group.strip_prefix('}').unwrap_or(group);
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if end > 0 {
            prefix.push(rest[..end].to_owned());
        }
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) if more.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '{') => rest = more,
            _ => break,
        }
    }
    if prefix.len() > 1 {
        found.push(prefix.clone());
    }
    prefix.truncate(depth);
    // `as name` belongs to the import.
    let after = rest.trim_start();
    match after.strip_prefix("as ") {
        Some(name) => name.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => rest,
    }
}

/// The code alone: comments, and what stands in string literals, are blanked.
fn strip(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if c == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            code.push(c);
            c.len_utf8()
        };
        if skipped != c.len_utf8() || c == '"' {
            code.push(' ');
        }
        rest = &rest[skipped..];
    }
    code
}

/// Every source file below a folder of the workspace.
fn sources(folder: &str) -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    files.into_iter().map(|path| source(&root, path.clone(), &fs::read_to_string(&path).unwrap())).collect()
}

fn source(root: &Path, path: PathBuf, text: &str) -> Source {
    let inside = path.strip_prefix(root).unwrap().with_extension("");
    let mut module: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    module.pop_if(|last| last == "mod");
    Source { path, module, code: strip(text) }
}

/// The sentences for everything in a file that the rules forbid.
fn offences(file: &Source) -> Vec<String> {
    let modules: BTreeMap<_, _> = MAY_SEE.iter().copied().collect();
    let mut offences = Vec::new();
    for name in file.names() {
        let crate_path = name.strip_prefix("::");
        if let Some(path) = crate_path {
            for (guarded, friends) in ONLY_FOR {
                let inside = path == *guarded || path.starts_with(&format!("{guarded}::"));
                if inside && !friends.contains(&file.top()) {
                    offences.push(format!("{} names {path}", file.path.display()));
                }
            }
            continue;
        }
        let seen = name.split("::").next().unwrap();
        let allowed = match modules.get(file.top()) {
            Some(allowed) => seen == file.top() || !modules.contains_key(seen) || allowed.contains(&seen),
            // `main` and `lib` put everything together.
            None => true,
        };
        if !allowed {
            offences.push(format!("{} names crate::{name}", file.path.display()));
        }
    }
    offences
}

#[test]
fn imports_point_inwards() {
    let offences: Vec<String> = sources("src").iter().flat_map(offences).collect();
    assert!(offences.is_empty(), "against the rules at the head of tests/layers.rs:\n{}", offences.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let known: BTreeSet<&str> = MAY_SEE.iter().map(|(name, _)| *name).chain(["main", "lib"]).collect();
    let strangers: BTreeSet<String> =
        sources("src").iter().map(|file| file.top().to_owned()).filter(|top| !known.contains(top.as_str())).collect();
    assert!(strangers.is_empty(), "add to MAY_SEE in tests/layers.rs: {strangers:?}");
}

#[test]
fn the_migrations_never_import_the_program() {
    for file in sources("migration/src") {
        let named: Vec<String> = file.names().into_iter().filter(|name| name.starts_with("::skyteam")).collect();
        assert!(named.is_empty(), "{} names {named:?}", file.path.display());
    }
}

#[test]
fn what_a_write_is_decided_on_is_read_in_its_transaction() {
    for file in sources("src/cli/commands") {
        // What makes and moves whole databases has its own transactions.
        if file.path.components().any(|part| part.as_os_str() == "db") {
            continue;
        }
        // Whatever a command writes is decided on in the transaction that writes it; what asks in between is `change`.
        let begun = file.code.matches(".begin(").count();
        let asks = file.path.ends_with("commands/change.rs");
        assert!(begun <= 1 || asks, "{} begins {begun} transactions", file.path.display());
        for function in file.code.split("async fn ") {
            let outside = function.contains("cx.writer()") && function.contains(".conn()");
            assert!(!outside, "{} reads outside of a transaction for a write", file.path.display());
        }
    }
}

#[test]
fn every_file_opens_by_saying_what_it_is_for_and_stays_readable() {
    for file in sources("src").into_iter().chain(sources("tests")).chain(sources("migration/src")) {
        let text = fs::read_to_string(&file.path).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with //!", file.path.display());
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines: does it still have one purpose?", file.path.display());
    }
}

/// A port to another kind of system is one file.
#[test]
fn one_module_names_the_system() {
    const OF_A_SYSTEM: [&str; 14] = [
        "std::os::",
        "rustix",
        "tokio::signal",
        "net::Unix",
        "cfg(unix)",
        "cfg!(unix",
        "target_os",
        "\"/tmp",
        "/dev/fd",
        "/etc/passwd",
        "/etc/ssl",
        "apt-get",
        "systemctl",
        "brew ",
    ];
    let mut found = Vec::new();
    for file in
        sources("src").into_iter().filter(|file| file.top() != "system" && !file.path.ends_with("archive_tests.rs"))
    {
        let text = fs::read_to_string(&file.path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            if OF_A_SYSTEM.iter().any(|name| line.contains(name)) {
                found.push(format!("{}:{}: {}", file.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "belongs into src/system.rs:\n{}", found.join("\n"));
}

/// Commands in texts are values (`message::skyteam`), which are given the flag that names the database of the run: a
/// command within a string would mean another database when it is pasted.
#[test]
fn commands_in_messages_are_values() {
    // What is written into a file, and a session's name on the server.
    const ELSEWHERE: [&str; 3] = ["-- Written by", "// Written by", "\"skyteam db shell\".to_owned()"];
    let mut found = Vec::new();
    for file in sources("src") {
        let text = fs::read_to_string(&file.path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            if names_a_command(line) && !ELSEWHERE.iter().any(|known| line.contains(known)) {
                found.push(format!("{}:{}: {}", file.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "put together with message::skyteam(…) instead:\n{}", found.join("\n"));
}

/// What people read is made of parts (`message!`), so that data stays data; not of strings that are finished too early.
#[test]
fn messages_are_made_of_parts() {
    let mut found = Vec::new();
    for file in sources("src/cli").into_iter().chain(sources("src/error")) {
        let path = file.path.display().to_string();
        let text = fs::read_to_string(&file.path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        found.extend(finished_too_early(text).into_iter().map(|line| format!("{path}:{line}")));
    }
    assert!(found.is_empty(), "put together with message!(…) instead:\n{}", found.join("\n"));
}

/// The lines on which a note, a question or an error is made by `format!`.
fn finished_too_early(text: &str) -> Vec<usize> {
    const TAKE: [&str; 8] =
        [".why(", ".fix(", ".note(", ".warn(", ".step(", "Ask::changes(", ".cut_short(", "let question ="];
    // Constructors, and which of their arguments are texts for people, counted from 0.
    const MAKE: [(&str, std::ops::RangeInclusive<usize>); 4] =
        [("::new(Kind::", 2..=2), ("Check::ok(", 2..=2), ("Check::warning(", 2..=3), ("Check::error(", 2..=3)];
    let made = text.match_indices("format!(").filter(|(at, _)| {
        let before = text[..*at].trim_end().trim_end_matches('&');
        let statement = &before[before.rfind(';').map_or(0, |end| end + 1)..];
        let made = |(call, texts): &(&str, std::ops::RangeInclusive<usize>)| {
            let at = statement.rfind(call).and_then(|at| argument(&statement[at + call.find('(').unwrap_or(0)..]));
            at.is_some_and(|at| texts.contains(&at))
        };
        TAKE.iter().any(|take| before.ends_with(take)) || before.ends_with(',') && MAKE.iter().any(made)
    });
    made.map(|(at, _)| text[..at].matches('\n').count() + 1).collect()
}

/// The number of the argument, counted from 0, that comes after the end of a call cut short; `None` where that is within
/// another call.
fn argument(call: &str) -> Option<usize> {
    let (mut depth, mut number, mut quoted, mut escaped) = (0, 0, false, false);
    for character in call.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 1 => number += 1,
            _ => {}
        }
    }
    (depth == 1).then_some(number)
}

#[test]
fn a_planted_string_is_found() {
    for (text, lines) in [
        ("error.why(format!(\"{x}\"))", &[1][..]),
        ("cx.ui.note(\n    format!(\"{x}\"),\n)", &[2]),
        ("Error::new(Kind::Usage, \"x\", format!(\"{x}\"))", &[1]),
        ("Check::warning(AREA, \"x\", format!(\"{x}\"), format!(\"{y}\"))", &[1, 1]),
        ("Check::ok(AREA, \"a, b\", message!(\"{}\", format!(\"{x:.1}\")))", &[]),
        ("error.why(message!(\"{}\", format!(\"{x:.1}\")))", &[]),
        ("let path = format!(\"{x}.csv\");", &[]),
    ] {
        assert_eq!(finished_too_early(text), lines, "{text}");
    }
}

/// Whether a string in this line of code, other than an example of `--help`, has a command of ours in it.
fn names_a_command(line: &str) -> bool {
    const NOUNS: [&str; 7] = ["db ", "user ", "airline ", "brand ", "flight ", "product ", "miles "];
    if line.trim_start().starts_with("//") || line.contains("Examples:") {
        return false;
    }
    let Some((_, string)) = line.split_once('"') else { return false };
    string.split("skyteam ").skip(1).any(|rest| NOUNS.iter().any(|noun| rest.starts_with(noun)))
}

#[test]
fn a_planted_command_is_found() {
    for (line, found) in [
        ("error.fix(\"skyteam db push\")", true),
        ("format!(\"{x}: skyteam miles history {user}\")", true),
        ("error.fix(skyteam(\"db push\"))", false),
        ("  skyteam db push --dry-run\";", false),
        ("/// `skyteam db push` says \"so\"", false),
    ] {
        assert_eq!(names_a_command(line), found, "{line}");
    }
}

#[test]
fn a_planted_import_is_found() {
    let offend = |path: &str, text: &str| {
        let root = Path::new("/src");
        offences(&source(root, root.join(path), text)).len()
    };
    for (path, text, expected) in [
        ("directory/user.rs", "use crate::cli::ui::Ui;", 1),
        ("directory/user.rs", "use crate::{db::{Engine, url}, cli};", 1),
        ("directory/user.rs", "use crate::{\n    entity::user,\n    schema::{model, plan as p},\n};", 2),
        ("directory/user.rs", "use super::super::schema::Plan;", 1),
        ("directory/mod.rs", "use super::cli::Settings;", 1),
        ("directory/user.rs", "use super::{schema, input::Name};", 0),
        ("directory/user.rs", "fn f() -> crate::error::Error { todo() }", 1),
        ("directory/user.rs", "use crate::{db, entity::user as u};", 0),
        ("directory/user.rs", "// use crate::cli::ui::Ui;\nlet s = \"crate::cli::ui::X\"; /* crate::cli::ui::Y */", 0),
        ("schema/plan.rs", "#[derive(clap::ValueEnum)] enum E {}", 1),
        ("db/url.rs", "let home = std::env::var(\"HOME\");", 1),
        ("db/url.rs", "use std::{env::var, fmt};", 1),
        ("error/mod.rs", "let table = comfy_table::Table::new();", 1),
        ("cli/commands/user/add.rs", "use crate::{cli::context::Context, directory::user, schema};", 0),
        ("main.rs", "use crate::cli; std::env::args_os();", 0),
    ] {
        assert_eq!(offend(path, text), expected, "{path}: {text}");
    }
}
