//! The whole help tree as one text, and the style that every page of it keeps.

use std::fmt::Write;

use clap::Command;
use regex::Regex;
use skyteam::cli;

use crate::support::{Args, World};

/// Calls `look` with every command of the tree and the words that lead to it.
fn each(look: &mut impl FnMut(&[String], &Command)) {
    fn walk(path: &mut Vec<String>, command: &Command, look: &mut impl FnMut(&[String], &Command)) {
        look(path, command);
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            path.push(inner.get_name().to_owned());
            walk(path, inner, look);
            path.pop();
        }
    }
    let mut tree = cli::tree();
    tree.build();
    walk(&mut Vec::new(), &tree, look);
}

/// The flags that every command has are in the root's page and only there.
#[test]
fn the_tree() {
    let world = World::bare();
    let mut pages = String::new();
    each(&mut |path, _| {
        let line = [path, &["--help".to_owned()]].concat();
        let page = world.run(line.clone()).ok().stdout;
        let own = page.lines().scan(false, |shared, line| {
            let heading = !line.starts_with(' ') && line.ends_with(':');
            if heading {
                *shared = !path.is_empty() && ["Database:", "Output:", "Writing:"].contains(&line);
            }
            Some((*shared, line))
        });
        let own: Vec<&str> = own.filter(|(shared, _)| !shared).map(|(_, line)| line).collect();
        writeln!(pages, "$ skyteam {}\n{}\n", line.join(" "), own.join("\n").trim_end()).unwrap();
    });
    insta::assert_snapshot!(pages);
}

#[test]
fn no_page_shows_the_environment() {
    let mut world = World::bare();
    let variables = ["DATABASE_URL", "SKYTEAM_PROFILE", "SKYTEAM_ACTOR", "SKYTEAM_TZ", "PGPASSWORD"];
    for variable in variables {
        world.set(variable, "postgres://u:planted-value@h/d");
    }
    each(&mut |path, _| {
        for flag in ["--help", "-h"] {
            let output = world.run([path, &[flag.to_owned()]].concat()).ok();
            assert!(!output.stdout.contains("planted-value"), "{output}");
        }
    });
}

#[test]
fn every_page_keeps_the_style() {
    let mut wrong = Vec::new();
    each(&mut |path, command| {
        let at = path.join(" ");
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        if about.is_empty() || about.ends_with('.') || !about.starts_with(char::is_uppercase) {
            wrong.push(format!("{at}: {about:?} is to be an imperative without a full stop"));
        }
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            if help.is_empty() || help.ends_with('.') {
                wrong
                    .push(format!("{at}: {}: {help:?} is to say what it does, without a full stop", argument.get_id()));
            }
        }
        let acts = command.get_subcommands().next().is_none();
        let examples = command.get_after_help().or(command.get_after_long_help()).map(ToString::to_string);
        if acts && !examples.is_some_and(|text| text.contains("skyteam ")) {
            wrong.push(format!("{at}: no example"));
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an example shows must at least be understood.
#[test]
fn every_example_parses() {
    // A command of ours to the end of its line, or of the brackets that a shell puts it in.
    let shown = Regex::new(r"(?m)\((skyteam [^)\n]*)\)|(?:^|\s)(skyteam .*)$").unwrap();
    // What the shell takes for itself, and remarks in a column of their own.
    let ends = [" | ", " > ", " >> ", " < ", " # ", "    "];
    let mut wrong = Vec::new();
    let mut found = 0;
    each(&mut |path, command| {
        let texts = [command.get_after_help(), command.get_after_long_help()];
        for text in texts.into_iter().flatten() {
            let text = text.to_string().replace("\\\n", " ");
            for captures in shown.captures_iter(&text) {
                let whole = captures.get(1).or(captures.get(2)).unwrap().as_str();
                let example = ends.iter().fold(whole, |text, end| text.split(end).next().unwrap_or(text));
                found += 1;
                if let Err(error) = cli::tree().try_get_matches_from(example.words())
                    && error.use_stderr()
                {
                    wrong.push(format!("{}: {example:?}: {}", path.join(" "), error.kind()));
                }
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 50, "only {found} examples were seen");
}

/// A pasted example does what it shows: at no width is one broken in two.
#[test]
fn examples_are_whole_at_every_width() {
    let mut world = World::bare();
    world.set("NO_COLOR", "1");
    let mut found = 0;
    for width in [60, 80, 120] {
        each(&mut |path, command| {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = examples.lines().filter(|line| line.starts_with("  ")).collect();
            for flag in ["--help", "-h"] {
                let line = [path, &[flag.to_owned()]].concat();
                let page = world.call(line).terminal(width).run().ok().stdout;
                for example in &examples {
                    found += 1;
                    assert!(page.lines().any(|line| line == *example), "{path:?} {flag} at {width}: {example}\n{page}");
                }
                let own = page.lines().filter(|line| !line.contains("skyteam ") && !line.starts_with("  "));
                let long: Vec<&str> = own.filter(|line| line.chars().count() > usize::from(width)).collect();
                assert!(long.is_empty(), "{path:?} {flag} at {width}: {long:?}");
            }
        });
    }
    assert!(found > 600, "only {found} examples were seen");
}

#[test]
fn a_page_shows_its_own_first_and_what_all_share_last() {
    let world = World::bare();
    let short = world.run("flight board -h").ok().stdout;
    assert!(short.contains("--miles") && !short.contains("--database-url"), "{short}");
    assert!(short.ends_with("Global flags: skyteam help flags\n"), "{short}");
    let long = world.run("flight board --help").ok().stdout;
    let at = |text: &str| long.find(text).unwrap_or_else(|| panic!("{text} is not in {long}"));
    assert!(at("--miles") < at("Examples:") && at("Examples:") < at("--database-url"), "{long}");
    assert!(world.run("help flags").ok().stdout.contains("--database-url <URL>"));
    // The same page, by its other name and by an alias.
    for line in ["help flight board", "help flights board"] {
        assert_eq!(world.run(line).ok().stdout, long, "{line}");
    }
    let schema = world.run("db schema -h").ok().stdout;
    assert!(schema.contains("mermaid") && schema.contains("drizzle"), "{schema}");
    assert!(world.run("user list --help").ok().stdout.contains("displayName, miles"));
    assert!(world.run("flight list -h").ok().stdout.contains("-2h"));
}

#[test]
fn topics_say_what_is_true_of_all_commands() {
    let mut world = World::bare();
    world.set("NO_COLOR", "1");
    for topic in ["flags", "exit-codes", "environment", "config", "references", "times", "output"] {
        let text = world.call(format!("help {topic}")).terminal(80).run().ok().stdout;
        assert!(text.lines().count() > 8, "{topic}: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{topic}: {text}");
        assert!(world.run("--help").ok().stdout.contains(topic), "{topic}");
    }
    // Every exit code of the README.
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let codes = readme.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u8>().ok());
    let text = world.run("help exit-codes").ok().stdout;
    for code in codes {
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(&code.to_string())), "{code}: {text}");
    }
    // Every variable that is a setting.
    let text = world.run("help environment").ok().stdout;
    for name in
        ["DATABASE_URL", "SKYTEAM_PROFILE", "SKYTEAM_ACTOR", "SKYTEAM_TZ", "SKYTEAM_SIGNERS", "SKYTEAM_SIGN_KEY"]
    {
        assert!(text.contains(name), "{name}");
    }
    assert!(world.run("help nonsense").exits(2).stderr.contains("exit-codes"));
    assert!(world.run("help db plan").exits(2).stderr.contains("skyteam help db diff"));
    assert!(world.run("help db reset2").exits(2).stderr.contains("there are"));
}

/// `db` has many verbs: each is in one group.
#[test]
fn the_verbs_of_db_are_in_groups() {
    let world = World::bare();
    let page = world.run("db --help").ok().stdout;
    let tree = cli::tree();
    let db = tree.find_subcommand("db").unwrap();
    let before = page.split("Options:").next().unwrap();
    for verb in db.get_subcommands().map(Command::get_name) {
        let lines =
            before.lines().filter(|line| line.split_whitespace().next() == Some(verb) && line.starts_with("  "));
        assert_eq!(lines.count(), 1, "{verb}: {page}");
    }
    for group in ["Set up:", "Schema:", "Data:", "Backups:", "Look:"] {
        assert!(before.lines().any(|line| line == group), "{group}: {page}");
    }
}

#[test]
fn the_version_is_printed_after_any_command() {
    let world = World::bare();
    let said = world.run("-V").ok().stdout;
    let form =
        Regex::new(r"^skyteam \d+\.\d+\.\d+ \((development build|commit unknown|[0-9a-f]{9}(, \d{4}-\d\d-\d\d)?)\)\n$")
            .unwrap();
    assert!(form.is_match(&said), "{said}");
    for line in ["--version", "user list -V", "db push --version", "flight manifest import -V"] {
        assert_eq!(world.run(line).ok().stdout, said, "{line}");
    }
}

#[test]
fn nothing_at_all_is_short_help_and_a_wrong_word_is_usage() {
    let world = World::bare();
    let output = world.run("").exits(2);
    assert!(output.stderr.contains("skyteam db push"), "{output}");
    for args in ["us list", "user lst", "user list --limt 3", "user list --limit many"] {
        world.run(args).exits(2);
    }
    for (alias, args) in [("users ls", "user list"), ("schema push", "db push"), ("brands rm", "brand delete")] {
        let help = |args: &str| world.run(format!("{args} --help")).ok().stdout;
        assert_eq!(help(alias), help(args), "{alias}");
    }
}
