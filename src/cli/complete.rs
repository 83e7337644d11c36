//! Completion of a command line for a shell: commands and flags from the tree, values from the database.
//!
//! Nothing is said about what goes wrong: the shell then offers less. The database is asked for a quarter of a second at
//! most, never where it is a production profile's unless that says `completions = true`, and never for a secret.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono_tz::TZ_VARIANTS;
use clap_complete::engine::{CompletionCandidate, complete};

use super::tree;
use crate::cli::commands::columns;
use crate::cli::commands::completions::values::{Find, MOST, Wanted, attach, is_harmless, is_quotable};
use crate::cli::commands::completions::{Shell, VARIABLE};
use crate::cli::environment::World;
use crate::cli::help::TOPICS;
use crate::cli::settings::{Global, Settings, Sources};
use crate::db;
use crate::directory::reference::{Candidate, Noun};
use crate::directory::suggest;
use crate::entity::types::Timestamp;

/// How long the database may take in total. With the start of the program it stays within 250 ms.
const PATIENCE: Duration = Duration::from_millis(200);

/// Returns a shell, if it is one that asks: `SKYTEAM_COMPLETE=bash skyteam -- skyteam user sh`.
pub(super) fn answer(world: &mut World) -> Option<u8> {
    let shell = world.env.remove(VARIABLE)?;
    let asked = world.args.get(1).is_some_and(|word| word == "--") && world.args.len() > 2;
    let shell = Shell::named(&shell).filter(|_| asked)?;
    let words = world.args.split_off(2);
    let done = candidates(world, shell, words).and_then(|found| {
        world.stdout.write_all(lines(shell, &found).as_bytes())?;
        world.stdout.flush()
    });
    Some(u8::from(done.is_err()))
}

/// What fits the word under the cursor. Flags only where one is begun: they would hide the values that are asked for.
fn candidates(world: &World, shell: Shell, mut words: Vec<OsString>) -> std::io::Result<Vec<CompletionCandidate>> {
    let last = words.len().saturating_sub(1);
    let index = match shell {
        Shell::Bash | Shell::Zsh | Shell::Elvish => {
            world.env.get("_CLAP_COMPLETE_INDEX").and_then(|at| at.parse().ok())
        }
        Shell::Fish | Shell::Powershell => None,
    };
    let index: usize = index.unwrap_or(last);
    // zsh leaves an empty word out.
    if index == words.len() {
        words.push(OsString::new());
    }
    let accepts = match shell {
        Shell::Bash | Shell::Zsh | Shell::Fish => is_quotable,
        Shell::Powershell | Shell::Elvish => is_harmless,
    };
    let begins_flag = words.get(index).is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
    let mut command = attach(tree(), &finder(world, &words), accepts);
    let mut found = complete(&mut command, words, index, Some(&world.cwd))?;
    if !begins_flag {
        found.retain(|one| !one.get_value().as_encoded_bytes().starts_with(b"-"));
    }
    Ok(found)
}

/// Candidates as the script of the shell reads them.
fn lines(shell: Shell, found: &[CompletionCandidate]) -> String {
    let lines = found.iter().map(|one| {
        let value = one.get_value().to_string_lossy().into_owned();
        let help = one.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        match shell {
            Shell::Bash | Shell::Elvish => value,
            Shell::Zsh if help.is_empty() => zsh(&value),
            Shell::Zsh => format!("{}:{}", zsh(&value), help.replace('\\', "\\\\")),
            Shell::Fish | Shell::Powershell if help.is_empty() => value + "\n",
            Shell::Fish | Shell::Powershell => format!("{value}\t{help}\n"),
        }
    });
    let between = if matches!(shell, Shell::Fish | Shell::Powershell) { "" } else { "\n" };
    lines.collect::<Vec<_>>().join(between)
}

/// A value for `_describe`, which takes a colon for the beginning of its description.
fn zsh(value: &str) -> String {
    value.replace('\\', "\\\\").replace(':', "\\:")
}

/// What finds values for the line that is being typed: the database may be named on it.
fn finder(world: &World, words: &[OsString]) -> Find {
    let profiles = Sources::gather(world).map(|sources| sources.profile_names()).unwrap_or_default();
    // The word under the cursor is not finished.
    let finished = &words[..words.len().saturating_sub(1)];
    let settings = Settings::resolve(world, &typed_flags(finished)).ok().filter(|settings| settings.completions.value);
    let columns = columns_of(words);
    let helped = helped(words);
    let now = Timestamp::from(world.now.unwrap_or_else(chrono::Utc::now));
    Arc::new(move |wanted, typed| match wanted {
        Wanted::Profile => beginning(profiles.iter().map(String::as_str), typed),
        Wanted::Zone => beginning(TZ_VARIANTS.iter().map(|zone| zone.name()), typed),
        Wanted::Columns => beginning(columns.iter().copied(), typed),
        Wanted::Row(noun) => settings.as_ref().map_or_else(Vec::new, |settings| rows(settings, noun, typed, now)),
        Wanted::Posted => {
            let mut found = beginning(["last"].into_iter(), typed);
            found.extend(settings.as_ref().map_or_else(Vec::new, |settings| rows(settings, Noun::Batch, typed, now)));
            found
        }
        Wanted::Source => beginning(SOURCES.into_iter(), typed),
        Wanted::Table => beginning(tables().iter().map(|(table, _)| table.as_str()), typed),
        Wanted::Column => columns_of_tables(typed),
        Wanted::Migration => {
            let folders: Vec<String> = migration::all().iter().rev().map(migration::Migration::folder).collect();
            beginning(folders.iter().map(String::as_str), typed)
        }
        Wanted::Help => beginning(helped.iter().map(String::as_str), typed),
    })
}

/// The sources that this program, the shop and the airlines' programs write.
const SOURCES: [&str; 6] = ["manual", "flight", "purchase", "import", "reversal", "adjustment"];

/// Our tables with their columns, as the entities have them.
fn tables() -> Vec<(String, Vec<String>)> {
    let tables = crate::schema::desired().map(|schema| schema.tables).unwrap_or_default();
    let named = |table: crate::schema::model::Table| {
        (table.name, table.columns.into_iter().map(|column| column.name).collect())
    };
    tables.into_iter().map(named).collect()
}

/// `users.` where the table is not typed yet, then `users.miles=`.
fn columns_of_tables(typed: &str) -> Vec<Candidate> {
    let all = tables();
    match typed.split_once('.') {
        None => beginning(
            all.iter().map(|(table, _)| format!("{table}.")).collect::<Vec<_>>().iter().map(String::as_str),
            typed,
        ),
        // What follows is a name or a value that only the person knows.
        Some((_, rest)) if rest.contains('=') => Vec::new(),
        Some((table, _)) => {
            let columns = all.iter().filter(|(name, _)| name == table).flat_map(|(_, columns)| columns);
            let words: Vec<String> = columns.map(|column| format!("{table}.{column}=")).collect();
            beginning(words.iter().map(String::as_str), typed)
        }
    }
}

/// What may follow the words after `help`: the verbs of a noun, or nouns and topics.
fn helped(words: &[OsString]) -> Vec<String> {
    let tree = tree();
    let typed = words.iter().skip_while(|word| *word != "help").skip(1);
    let before = typed.clone().count().saturating_sub(1);
    let mut command = &tree;
    for word in typed.take(before) {
        let Some(inner) = command.find_subcommand(word) else { return Vec::new() };
        command = inner;
    }
    let topics = if before == 0 { &TOPICS[..] } else { &[] };
    let names = command.get_subcommands().map(|inner| inner.get_name().to_owned());
    names.chain(topics.iter().map(|(name, ..)| (*name).to_owned())).collect()
}

/// The columns of the list that the line asks for.
fn columns_of(words: &[OsString]) -> Vec<&'static str> {
    let tree = tree();
    let mut command = &tree;
    let mut path = Vec::new();
    // The first word is the program.
    for word in words.iter().skip(1) {
        if let Some(inner) = command.find_subcommand(word) {
            path.push(inner.get_name());
            command = inner;
        }
    }
    columns(&path.join(" "))
}

fn beginning<'a>(names: impl Iterator<Item = &'a str>, typed: &str) -> Vec<Candidate> {
    let typed = typed.to_lowercase();
    let fitting = names.filter(|name| name.to_lowercase().starts_with(&typed));
    fitting.map(|name| Candidate::new(name, "")).collect()
}

/// The flags that say which database and which zone are meant, as far as they are typed.
pub(super) fn typed_flags(words: &[OsString]) -> Global {
    let mut flags = Global::default();
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    for (index, word) in words.iter().enumerate() {
        let value = |names: [&str; 2]| {
            names.into_iter().filter(|name| !name.is_empty()).find_map(|name| {
                if *word == name {
                    return words.get(index + 1).copied();
                }
                let rest = word.strip_prefix(name)?;
                if name.starts_with("--") { rest.strip_prefix('=') } else { Some(rest) }
            })
        };
        if let Some(name) = value(["--profile", "-p"]) {
            flags.profile = Some(name.to_owned());
        }
        if let Some(url) = value(["--database-url", ""]) {
            flags.database_url = Some(url.to_owned());
        }
        // Flights are named by their day in it.
        if let Some(zone) = value(["--tz", ""]) {
            flags.tz = Some(zone.to_owned());
        }
    }
    flags
}

/// Rows whose references begin with what is typed: what is found until patience ends.
fn rows(settings: &Settings, noun: Noun, typed: &str, now: Timestamp) -> Vec<Candidate> {
    let found = Mutex::new(Vec::new());
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let search = async {
        let url = settings.url().ok()?;
        let options = db::Options {
            connect_timeout: PATIENCE,
            max_connections: 1,
            access: db::Access::Read,
            statement_timeout: Some(PATIENCE),
            ..settings.options("completions")
        };
        let database = db::connect(&url, options).await.ok()?;
        let add = |candidate| found.lock().unwrap_or_else(PoisonError::into_inner).push(candidate);
        suggest::suggest(database.conn(), noun, typed, MOST, now, settings.tz.value, add).await.ok()
    };
    // Whether it ended, failed or ran out of time: what was found is offered.
    let _ = runtime.block_on(async { tokio::time::timeout(PATIENCE, search).await });
    runtime.shutdown_background();
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> (Option<String>, Option<String>) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let flags = typed_flags(&words[..words.len() - 1]);
        (flags.profile, flags.database_url)
    }

    #[test]
    fn the_database_may_be_named_on_the_line() {
        assert_eq!(flags("skyteam --profile prod user show x"), (Some("prod".into()), None));
        assert_eq!(flags("skyteam user show --profile=prod x"), (Some("prod".into()), None));
        assert_eq!(flags("skyteam -p prod user show x"), (Some("prod".into()), None));
        assert_eq!(flags("skyteam -pprod user show x"), (Some("prod".into()), None));
        assert_eq!(flags("skyteam --database-url sqlite:a user show x"), (None, Some("sqlite:a".into())));
    }

    #[test]
    fn a_word_that_is_still_being_typed_names_nothing() {
        assert_eq!(flags("skyteam user show --profile pr"), (None, None));
        assert_eq!(flags("skyteam user show --profile=pr"), (None, None));
        assert_eq!(flags("skyteam user show --profiles x y"), (None, None));
    }
}
