//! Which arguments have their values completed, and how what is found is offered.
//!
//! Arguments are recognised by the name of their value: what is called `USER` in the help is a user, in every command. So a new
//! command has its values completed without saying so.

use std::ffi::OsStr;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use crate::cli::ui::text::visible;
use crate::directory::reference::{Candidate, Noun};

/// What an argument's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// References to rows of the database.
    Row(Noun),
    /// Names of profiles.
    Profile,
    /// Names of time zones.
    Zone,
    /// Columns of the list that is asked for, one after the other.
    Columns,
    /// Ledger entries and batches to take back, and `last`.
    Posted,
    /// Sources of ledger entries.
    Source,
    /// Our tables.
    Table,
    /// `users.` and its columns.
    Column,
    /// Migrations.
    Migration,
    /// Commands and topics of `help`.
    Help,
}

/// Finds the values that begin with what is typed.
pub(crate) type Find = Arc<dyn Fn(Wanted, &str) -> Vec<Candidate> + Send + Sync>;

/// How many values are offered.
pub(crate) const MOST: usize = 60;

/// Makes every argument of the tree that takes a known kind of value complete it by `find`. `accepts` is what the shell can
/// be given: see [`is_harmless`] and [`is_quotable`].
#[must_use]
pub(crate) fn attach(command: Command, find: &Find, accepts: fn(&str) -> bool) -> Command {
    let is_help = command.get_name() == "help";
    command
        .mut_args(|argument| match wanted(&argument).or_else(|| is_help.then_some(Wanted::Help)) {
            Some(wanted) => {
                let find = Arc::clone(find);
                argument.add(ArgValueCompleter::new(move |typed: &OsStr| offers(&find, wanted, typed, accepts)))
            }
            None => argument,
        })
        .mut_subcommands(|inner| attach(inner, find, accepts))
}

fn wanted(argument: &Arg) -> Option<Wanted> {
    match argument.get_id().as_str() {
        "profile" => return Some(Wanted::Profile),
        "tz" => return Some(Wanted::Zone),
        "columns" | "sort" => return Some(Wanted::Columns),
        "source" => return Some(Wanted::Source),
        _ => {}
    }
    Some(match argument.get_value_names()?.first()?.as_str() {
        "USER" | "USERS" => Wanted::Row(Noun::User),
        "AIRLINE" => Wanted::Row(Noun::Airline),
        "BRAND" => Wanted::Row(Noun::Brand),
        "FLIGHT" => Wanted::Row(Noun::Flight),
        "PRODUCT" => Wanted::Row(Noun::Product),
        "ENTRY|BATCH|last" => Wanted::Posted,
        "TABLE" => Wanted::Table,
        "T.OLD=NEW" | "T.C=VALUE" => Wanted::Column,
        "VERSION" => Wanted::Migration,
        _ => return None,
    })
}

fn offers(find: &Find, wanted: Wanted, typed: &OsStr, accepts: fn(&str) -> bool) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else { return Vec::new() };
    // Of several columns the last is being typed; a minus before it turns its order.
    let (before, typed) = match wanted {
        Wanted::Columns => {
            let name = typed.rsplit(',').next().unwrap_or(typed);
            let name = name.strip_prefix('-').unwrap_or(name);
            typed.split_at(typed.len() - name.len())
        }
        _ => ("", typed),
    };
    find(wanted, typed)
        .into_iter()
        .filter(|found| accepts(&found.key))
        .take(MOST)
        .map(|found| {
            let help = (!found.what.is_empty()).then(|| visible(&found.what).into_owned().into());
            CompletionCandidate::new(format!("{before}{}", found.key)).help(help)
        })
        .collect()
}

/// Whether a shell takes it for one word without quotes. A name from the database is put on the command line as it is: one
/// such as `x;reboot` must never be.
pub(crate) fn is_harmless(value: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@' | '/' | '+' | '=');
    !value.is_empty() && !value.starts_with(['-', '=']) && value.chars().all(word)
}

/// Whether our scripts for bash, zsh and fish, which quote what they are given, take it: names with blanks and the marks of
/// ordinary names. Nothing that a shell would run, were it to stand there without quotes.
pub(crate) fn is_quotable(value: &str) -> bool {
    let mark = |c: char| matches!(c, ' ' | '\'' | '(' | ')' | ',' | ':' | '%' | '#');
    let plain: String = value.chars().filter(|c| !mark(*c)).collect();
    !value.starts_with([' ', '#']) && !value.ends_with(' ') && is_harmless(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_shell_acts_on_is_offered() {
        for good in ["pilot_123", "@pilot", "1234", "klm", "6e1fcd70-4528", "Europe/Paris", "대한항공"] {
            assert!(is_harmless(good), "{good}");
        }
        for bad in
            ["", "-rf", "a;b", "$(x)", "`x`", "a b", "a\nb", "a'b", "a\"b", "a|b", "a&b", "\u{1b}[2J", "~", "a*", "!x"]
        {
            assert!(!is_harmless(bad), "{bad:?}");
        }
        for good in ["klm/Business upgrade", "af/Captain's cap (50%)", "a b"] {
            assert!(is_quotable(good) && !is_harmless(good), "{good}");
        }
        for bad in ["", " ", "a;b", "$(x)", "`x`", "a\nb", "a\"b", "a\\b", "a|b", "a&b", "\u{1b}[2J", "#x", "a*", "!x"]
        {
            assert!(!is_quotable(bad), "{bad:?}");
        }
    }

    #[test]
    fn arguments_are_told_by_what_the_help_calls_their_value() {
        let argument = |name: &'static str| Arg::new("x").value_name(name);
        assert_eq!(wanted(&argument("FLIGHT")), Some(Wanted::Row(Noun::Flight)));
        assert_eq!(wanted(&argument("TABLE")), Some(Wanted::Table));
        assert_eq!(wanted(&argument("TIME")), None);
        assert_eq!(wanted(&Arg::new("profile").long("profile")), Some(Wanted::Profile));
    }
}
