//! Completion of a command line for a shell: commands and flags from the tree, values from the database.
//!
//! Nothing is said about what goes wrong: the shell then offers less. The database is asked for a quarter of a second at
//! most, never where it is a production profile's unless that says `completions = true`, and never for a secret.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono_tz::TZ_VARIANTS;
use clap_complete::env::Shells;

use super::tree;
use crate::cli::commands::columns;
use crate::cli::commands::completions::VARIABLE;
use crate::cli::commands::completions::values::{Find, MOST, Wanted, attach};
use crate::cli::environment::World;
use crate::cli::settings::{Global, Settings, Sources};
use crate::db;
use crate::directory::reference::{Candidate, Noun};
use crate::directory::suggest;
use crate::entity::types::Timestamp;

/// How long the database may take in total. With the start of the program it stays within 250 ms.
const PATIENCE: Duration = Duration::from_millis(200);

/// Answers a shell, if it is one that asks: `SKYTEAM_COMPLETE=bash skyteam -- skyteam user sh`.
pub(super) fn answer(world: &mut World) -> Option<u8> {
    let shell = world.env.remove(VARIABLE)?;
    let asked = world.args.get(1).is_some_and(|word| word == "--") && world.args.len() > 2;
    let shells = Shells::builtins();
    let shell = shells.completer(&shell).filter(|_| asked)?;
    let words = world.args.split_off(2);
    let mut command = attach(tree(), &finder(world, &words));
    let mut answer = Vec::new();
    let done = shell
        .write_complete(&mut command, words, Some(&world.cwd), &mut answer)
        .and_then(|()| world.stdout.write_all(&answer))
        .and_then(|()| world.stdout.flush());
    Some(u8::from(done.is_err()))
}

/// What finds values for the line that is being typed: the database may be named on it.
fn finder(world: &World, words: &[OsString]) -> Find {
    let profiles = Sources::gather(world).map(|sources| sources.profile_names()).unwrap_or_default();
    // The word under the cursor is not finished.
    let finished = &words[..words.len().saturating_sub(1)];
    let settings = Settings::resolve(world, &typed_flags(finished)).ok().filter(|settings| settings.completions.value);
    let columns = columns_of(words);
    let now = Timestamp::from(world.now.unwrap_or_else(chrono::Utc::now));
    Arc::new(move |wanted, typed| match wanted {
        Wanted::Profile => beginning(profiles.iter().map(String::as_str), typed),
        Wanted::Zone => beginning(TZ_VARIANTS.iter().map(|zone| zone.name()), typed),
        Wanted::Columns => beginning(columns.iter().copied(), typed),
        Wanted::Row(noun) => settings.as_ref().map_or_else(Vec::new, |settings| rows(settings, noun, typed, now)),
    })
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
