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
