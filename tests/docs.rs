//! README and the pages under `docs/` are for people who paste what they read. Every block of ```` ```console ```` is run, one
//! page after the other from its top, in bash, in a home folder that is new for each page; what is printed below a command
//! must be what the page shows, numbers, ids and times apart.
//!
//! A block is left out where its fence says `no-run`: what builds or installs the program, or needs a server of the reader's.
//! `postgres` on a fence of a page gives that page a PostgreSQL database in `DATABASE_URL`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

use crate::support::World;

/// One command of a page, and the lines that it shows below it.
#[derive(Debug)]
struct Step {
    line: usize,
    command: String,
    shown: Vec<String>,
}

/// The steps of a page, and whether it wants PostgreSQL.
fn steps(text: &str) -> (Vec<Step>, bool) {
    let (mut steps, mut postgres, mut runs) = (Vec::<Step>::new(), false, false);
    for (number, line) in text.lines().enumerate() {
        if let Some(fence) = line.strip_prefix("```") {
            let words: Vec<&str> = fence.split_whitespace().collect();
            runs = words.first() == Some(&"console") && !words.contains(&"no-run");
            postgres |= runs && words.contains(&"postgres");
        } else if runs {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => {
                    steps.push(Step { line: number + 1, command: command.to_owned(), shown: Vec::new() });
                }
                (None, Some(step)) if !line.is_empty() => step.shown.push(line.to_owned()),
                _ => {}
            }
        }
    }
    (steps, postgres)
}

/// A line without what differs from run to run.
fn plain(line: &str) -> String {
    let patterns = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
        (r"\b[0-9a-f]{8}\b", "ID"),
        (r"\d+([ .,:T-]\d+)*Z?", "0"),
        (r"\s+", " "),
    ];
    patterns.iter().fold(line.trim().to_owned(), |line, (pattern, with)| {
        Regex::new(pattern).unwrap().replace_all(&line, *with).into_owned()
    })
}

/// Every page: the README and what is under `docs/`.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages
}

/// What is wrong with a page, step by step.
fn wrong(page: &Path) -> Vec<String> {
    let (steps, postgres) = steps(&fs::read_to_string(page).unwrap());
    if steps.is_empty() {
        return Vec::new();
    }
    let world = if postgres { World::postgres() } else { World::bare() };
    let built = Path::new(env!("CARGO_BIN_EXE_skyteam")).parent().unwrap().to_str().unwrap();
    let mark = |number: usize| format!("@@ step {number} @@");
    let script: String = steps
        .iter()
        .enumerate()
        .map(|(number, step)| format!("{}\necho \"{} $?\"\n", step.command, mark(number)))
        .collect();
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("exec 2>&1 </dev/null\n{script}")]).current_dir(world.home()).env_clear();
    bash.env("HOME", world.home()).env("USER", "maria").env("LC_ALL", "C.UTF-8");
    bash.env("PATH", format!("{built}:{}:/usr/bin:/bin", crate::support::binary("").display()));
    if postgres {
        bash.env("DATABASE_URL", world.url());
    }
    let output = String::from_utf8(bash.output().unwrap().stdout).unwrap();
    let output = output.replace(world.home().to_str().unwrap(), "/home/maria");
    let mut rest = output.as_str();
    let mut wrong = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let place = format!("{}:{}: $ {}", page.file_name().unwrap().to_string_lossy(), step.line, step.command);
        let Some((printed, after)) = rest.split_once(&mark(number)) else {
            wrong.push(format!("{place}\nthe shell ended before it: {rest}"));
            break;
        };
        let (code, after) = after.split_once('\n').unwrap_or((after, ""));
        let refused = step.shown.iter().any(|line| line.starts_with("error:"));
        if (code.trim() != "0") != refused {
            wrong.push(format!("{place}\nexit {}\n{printed}", code.trim()));
        } else if !step.shown.is_empty() {
            let shown: Vec<String> = step.shown.iter().map(|line| plain(line)).collect();
            let printed: Vec<String> = printed.lines().map(plain).filter(|line| !line.is_empty()).collect();
            if shown != printed {
                wrong.push(format!(
                    "{place}\nthe page shows\n{}\nit printed\n{}",
                    shown.join("\n"),
                    printed.join("\n")
                ));
            }
        }
        rest = after;
    }
    wrong
}

#[test]
fn every_command_of_the_readme_and_the_pages_does_what_is_shown() {
    let wrong: Vec<String> = pages().iter().flat_map(|page| wrong(page)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#]*)(#[^)]*)?\)").unwrap();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text).filter(|found| !found[1].contains("://") && !found[1].is_empty()) {
            assert!(page.parent().unwrap().join(&found[1]).exists(), "{}: {}", page.display(), &found[0]);
        }
    }
}
