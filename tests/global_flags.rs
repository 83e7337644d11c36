//! Global flags over the whole command tree: every verb honours each of them, or refuses it with exit 2.

use std::collections::BTreeMap;
use std::path::Path;

use skyteam::cli;

use crate::support::{Engine, Output, World};

/// Arguments with which each verb does its work on a demonstration database. A verb that is missing here fails
/// [`every_verb_has_its_arguments`].
const VERBS: &[(&str, &str)] = &[
    ("db create", ""),
    ("db doctor", ""),
    ("db grant", "ops --for staff"),
    ("db info", ""),
    ("db activity", ""),
    ("db push", ""),
    ("db diff", ""),
    ("db schema", ""),
    ("db generate", "flags --empty"),
    ("db migrate", ""),
    ("db rollback", "--confirm skyteam"),
    ("db seed", "--confirm skyteam"),
    ("db status", ""),
    ("db reset", "--confirm skyteam"),
    ("db backup", "kept"),
    ("db restore", "BACKUP --clean --confirm skyteam"),
    ("db verify", "kept"),
    ("db transfer", "--to sqlite:copy.db"),
    ("db backups", "kept"),
    ("db prune", "kept --keep-last 1 --yes"),
    ("db shell", ""),
    ("db studio", "--port 0 --idle 1s"),
    ("user add", "107919 pilot999"),
    ("user list", ""),
    ("user show", "USER"),
    ("user edit", "USER --display-name X --yes"),
    ("user flights", "USER"),
    ("user import", "users.csv --yes"),
    ("user export", "USER"),
    ("user erase", "USER --confirm USER"),
    ("airline add", "flags Flags"),
    ("airline list", ""),
    ("airline show", "AIRLINE"),
    ("airline edit", "AIRLINE --name X --yes"),
    ("airline delete", "AIRLINE --confirm AIRLINE"),
    ("airline token show", "AIRLINE"),
    ("airline token rotate", "AIRLINE --yes"),
    ("airline token whois", "--stdin"),
    ("brand add", "flags Flags --airline AIRLINE --iata F1 --icao FLG --callsign FLAGS"),
    ("brand list", ""),
    ("brand show", "BRAND"),
    ("brand edit", "BRAND --name X --yes"),
    ("brand primary", "BRAND --yes"),
    ("brand delete", "BRAND --confirm BRAND"),
    ("flight add", "CODE --airline AIRLINE --brand BRAND --from AMS --to JFK --aircraft A320 --game-id 1 --at +1h"),
    ("flight list", ""),
    ("flight show", "FLIGHT"),
    ("flight edit", "FLIGHT --aircraft A320 --yes"),
    ("flight start", "FLIGHT"),
    ("flight end", "FLIGHT"),
    ("flight board", "FLIGHT USER --miles 5"),
    ("flight manifest show", "FLIGHT"),
    ("flight manifest import", "FLIGHT manifest.csv"),
    ("flight manifest export", "FLIGHT"),
    ("flight reap", "--yes"),
    ("flight delete", "FLIGHT --confirm FLIGHT"),
    ("product add", "Flags --airline AIRLINE --price 5"),
    ("product list", ""),
    ("product show", "PRODUCT"),
    ("product edit", "PRODUCT --price 6 --yes"),
    ("product enable", "PRODUCT"),
    ("product disable", "PRODUCT"),
    ("product delete", "PRODUCT --confirm PRODUCT"),
    ("miles award", "USER 5 --note x"),
    ("miles spend", "USER 1 --note x"),
    ("miles redeem", "USER PRODUCT"),
    ("miles balance", "USER"),
    ("miles history", "USER"),
    ("miles reverse", "ENTRY --note x --yes"),
    ("miles import", "miles.csv"),
    ("miles audit", ""),
    ("miles leaderboard", ""),
    ("miles statement", "--airline AIRLINE --month 2026-01"),
    ("config show", ""),
    ("config init", ""),
    ("config path", ""),
    ("config keygen", "sign.key"),
    ("config trust", "."),
    ("completions install", "bash"),
    ("completions bash", ""),
    ("completions zsh", ""),
    ("completions fish", ""),
    ("completions powershell", ""),
    ("completions elvish", ""),
    ("help", "exit-codes"),
    ("man", "--dir pages"),
];

fn leaves() -> Vec<String> {
    fn walk(path: &str, command: &clap::Command, found: &mut Vec<String>) {
        if command.get_subcommands().next().is_none() {
            found.push(path.trim_start().to_owned());
        }
        for inner in command.get_subcommands() {
            walk(&format!("{path} {}", inner.get_name()), inner, found);
        }
    }
    let mut found = Vec::new();
    walk("", &cli::tree(), &mut found);
    found
}

/// A world with a demonstration database and files to import, and each verb's arguments in it.
fn world() -> (World, Vec<(&'static str, Vec<String>)>) {
    let world = World::ready(Engine::Sqlite);
    world.run("db seed --confirm skyteam").ok();
    std::fs::create_dir(world.work().join("kept")).unwrap();
    world.run("db backup kept").ok();
    let backup = std::fs::read_dir(world.work().join("kept")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(world.work().join("users.csv"), "userId,username\n5550001,imported1\n").unwrap();
    let one = |sql: &str| world.query(sql).lines().next().unwrap_or_default().to_owned();
    let user = one("SELECT username FROM users WHERE miles > 500 ORDER BY username");
    std::fs::write(world.work().join("miles.csv"), format!("user,amount\n{user},5\n")).unwrap();
    std::fs::write(world.work().join("manifest.csv"), format!("username,miles\n{user},5\n")).unwrap();
    let words = BTreeMap::from([
        ("USER", user),
        ("BACKUP", backup.display().to_string()),
        ("AIRLINE", one(r#"SELECT "airlineId" FROM airlines ORDER BY 1"#)),
        ("BRAND", one(r#"SELECT "brandId" FROM brands ORDER BY 1"#)),
        ("CODE", format!("{}1999", one(r#"SELECT iata FROM brands ORDER BY "brandId""#))),
        ("FLIGHT", one(r#"SELECT id FROM flights WHERE "startedAt" IS NULL AND "endTime" IS NULL"#)),
        ("PRODUCT", one(r#"SELECT "productId" FROM "milesProducts""#)),
        ("ENTRY", one(r#"SELECT id FROM "milesTransactions""#)),
    ]);
    let verbs = VERBS.iter().map(|(verb, args)| {
        let args = args.split_whitespace().map(|word| words.get(word).cloned().unwrap_or_else(|| word.to_owned()));
        (*verb, verb.split(' ').map(str::to_owned).chain(args).collect())
    });
    let verbs = verbs.collect();
    (world, verbs)
}

/// Every file below a folder, with its bytes; the database by its rows, since opening it may touch its files.
fn everything(world: &World) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            if path.is_dir() {
                found.insert(name, Vec::new());
                walk(&path, found);
            } else if !name.contains("skyteam.db") {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    for folder in [world.work(), world.home()] {
        walk(&folder, &mut found);
    }
    for table in world.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1").lines() {
        found.insert(table.to_owned(), world.query(&format!("SELECT * FROM \"{table}\" ORDER BY 1")).into_bytes());
    }
    found
}

fn run(world: &World, flags: &[&str], line: &[String]) -> Output {
    // What reads standard input finds a token there that no airline has.
    let args: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).chain(line.iter().cloned()).collect();
    world.run_with_input(args, "unknown\n")
}

#[test]
fn every_verb_has_its_arguments() {
    let known: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
    let missing: Vec<String> = leaves().into_iter().filter(|leaf| !known.contains(&leaf.as_str())).collect();
    assert!(missing.is_empty(), "VERBS lacks arguments for: {missing:?}");
    assert_eq!(known.len(), leaves().len(), "VERBS has verbs that there are no more");
}

#[test]
fn a_dry_run_changes_nothing_anywhere_or_is_refused() {
    let (world, verbs) = world();
    let before = everything(&world);
    for (verb, line) in &verbs {
        let shown = run(&world, &["-n", "--no-input"], line);
        // SQLite has no roles to grant anything to.
        let refuses = ["man", "db shell", "db studio", "db grant", "db activity", "config keygen"].contains(verb);
        assert_eq!(shown.code == 2, refuses, "{verb}: {shown}");
        let after = everything(&world);
        let changed: Vec<&String> =
            after.iter().filter(|(at, bytes)| before.get(*at) != Some(bytes)).map(|(at, _)| at).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{verb} changed {changed:?}: {shown}");
    }
}

#[test]
fn the_database_that_is_named_is_the_one_that_is_used_or_none_is() {
    let (world, verbs) = world();
    for (verb, line) in &verbs {
        let shown = run(&world, &["-n", "--no-input", "-p", "nowhere"], line);
        let uses_none = shown.code == 2 && shown.stderr.contains("cannot honour");
        assert!(uses_none || shown.code == 6, "{verb}: {shown}");
    }
    for verb in [
        "completions bash",
        "man --dir pages",
        "db schema",
        "config trust .",
        "config init",
        "config path",
        "config keygen k",
    ] {
        for flag in ["--database-url sqlite:x.db", "-p x", "--lock-timeout 5", "--connect-timeout 5"] {
            assert!(world.run(format!("{flag} {verb}")).exits(2).stderr.contains("cannot honour"), "{verb}");
        }
    }
}

#[test]
fn an_answer_has_the_form_that_is_asked_for_or_the_form_is_refused() {
    let (world, verbs) = world();
    for (verb, line) in &verbs {
        let shown = run(&world, &["-n", "--no-input", "-o", "json"], line);
        if shown.code == 2 {
            assert!(shown.error()["message"].as_str().is_some(), "{verb}: {shown}");
        } else if !shown.stdout.is_empty() {
            let value: Result<serde_json::Value, _> = serde_json::from_str(&shown.stdout);
            assert!(value.is_ok(), "{verb}: {shown}");
        }
        let shown = run(&world, &["-n", "--no-input", "--columns", "no-such-column"], line);
        assert_ne!(shown.code, 0, "{verb}: {shown}");
        let shown = run(&world, &["-n", "--no-input", "-q"], line);
        let nothing =
            shown.code == 0 && !shown.stderr.lines().all(|line| line.contains("hidden") || line.contains("--all"));
        assert!(!nothing, "{verb} is quiet: {shown}");
    }
}

/// A page lists the flags that mean something to its command: `--dry-run` where it writes, and only there.
#[test]
fn pages_list_only_flags_that_can_apply() {
    let (world, verbs) = world();
    for (verb, line) in &verbs {
        let page = world.run(format!("{verb} --help")).ok().stdout;
        let lists = |flag: &str| page.contains(&format!("{flag} "));
        if !lists("--dry-run") && !["db studio", "db shell", "man", "config keygen"].contains(verb) {
            let shown = run(&world, &["--no-input"], line);
            assert!(!shown.stderr.contains("→"), "{verb} writes, and its page lists no --dry-run: {shown}");
            assert!(!lists("--actor") && !lists("--confirm"), "{verb}: {page}");
        }
        for flag in ["--wide", "--json", "--profile=x", "--tz=UTC"] {
            if !lists(flag.split('=').next().unwrap()) {
                let refused = run(&world, &["--no-input", flag], line);
                assert!(refused.stderr.contains("cannot honour --"), "{verb}: {flag}: {refused}");
            }
        }
    }
}

#[test]
fn a_shell_refuses_what_only_our_own_answers_have() {
    let (world, _) = world();
    for flag in ["-n", "-o csv", "--json", "--columns a", "--wide", "--no-header", "--actor x", "--tz Asia/Tokyo"] {
        let refused = world.run(format!("{flag} db shell -- -c update")).exits(2);
        assert!(refused.stderr.contains("skyteam db shell cannot honour"), "{refused}");
    }
}
