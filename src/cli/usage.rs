//! Command lines that do not parse: what is wrong, what is accepted, and the line as it was probably meant.
//!
//! clap finds out; this puts it into the form of every other error, once for all commands.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command as Tree};

use super::meaning::meant;
use crate::db::DatabaseUrl;
use crate::directory::input::quoted;
use crate::error::{Error, Kind};
use crate::message::{Command, Message, message, program, typed};

/// How many rows a list is suggested to show.
const ROWS: &str = "50";

/// The error of a command line that `tree` refuses.
pub(crate) fn explained(error: &clap::Error, mut tree: Tree, args: &[OsString]) -> Error {
    // Global flags reach the commands, and flags learn how many values they take.
    tree.build();
    let line = Line::of(&tree, args);
    let one = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let argument = one(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            line.invalid_value(argument, one(ContextKind::InvalidValue).unwrap_or_default(), error)
        }
        ErrorKind::UnknownArgument => line.unknown_argument(argument, one(ContextKind::SuggestedArg)),
        ErrorKind::InvalidSubcommand => line.unknown_verb(one(ContextKind::InvalidSubcommand).unwrap_or_default()),
        ErrorKind::MissingRequiredArgument => {
            let missing = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::Strings(names)) => names.join(" "),
                _ => argument.to_owned(),
            };
            usage(message!("{} is missing", missing)).why(line.form()).fix(line.help())
        }
        ErrorKind::ArgumentConflict => match one(ContextKind::PriorArg) {
            Some(other) if other != argument => {
                usage(message!("{} and {} do not go together", argument, other)).fix("leave out one of them")
            }
            _ => usage(message!("{} is given more than once", argument)).fix("give it once"),
        },
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            usage(Message::of(first)).fix(line.help())
        }
    }
}

fn usage(what: Message) -> Error {
    Error::new(Kind::Usage, "usage", what)
}

/// What was typed, and the command that it got to.
struct Line<'a> {
    tree: &'a Tree,
    /// The names of noun and verb, as far as they are known.
    path: Vec<String>,
    /// What was typed after the program's name, without passwords.
    words: Vec<String>,
}

impl<'a> Line<'a> {
    fn of(tree: &'a Tree, args: &[OsString]) -> Self {
        let words: Vec<String> = args.iter().skip(1).map(|arg| without_password(&arg.to_string_lossy())).collect();
        let (mut command, mut path) = (tree, Vec::new());
        for word in &words {
            if let Some(inner) = command.find_subcommand(word) {
                path.push(inner.get_name().to_owned());
                command = inner;
            }
        }
        Self { tree: command, path, words }
    }

    /// `skyteam user list`.
    fn name(&self) -> String {
        self.command().to_string()
    }

    fn command(&self) -> Command {
        self.path.iter().fold(program("skyteam"), Command::arg)
    }

    fn help(&self) -> Message {
        message!("{}    shows what it takes", self.command().words("--help"))
    }

    /// How the command is written.
    fn form(&self) -> Message {
        let form = self.tree.clone().bin_name(self.name()).render_usage().to_string();
        Message::of(form.split_whitespace().collect::<Vec<_>>().join(" ").replacen("Usage: ", "it is written: ", 1))
    }

    /// The same line with these words in place of `from`.
    fn with(&self, from: &str, to: &str) -> Option<Command> {
        let at = self.words.iter().position(|word| word == from)?;
        let words = self
            .words
            .iter()
            .enumerate()
            .flat_map(|(index, word)| if index == at { to.split(' ').collect() } else { vec![word.as_str()] });
        Some(typed(words))
    }

    /// The same line with another value of a flag, or of an argument.
    fn with_value(&self, flag: &str, from: &str, to: &str) -> Option<Command> {
        self.with(&format!("{flag}={from}"), &format!("{flag}={to}")).or_else(|| self.with(from, to))
    }

    fn argument(&self, shown: &str) -> Option<&Arg> {
        let name = shown.split([' ', '=']).next().unwrap_or(shown);
        self.tree.get_arguments().find(|arg| {
            let long = arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
            long || arg.to_string() == shown
        })
    }

    fn invalid_value(&self, shown: &str, value: &str, error: &clap::Error) -> Error {
        let name = shown.split(" <").next().unwrap_or(shown);
        if value.is_empty() {
            return usage(message!("{} is without a value", name)).why(self.form()).fix(self.help());
        }
        let value = without_password(value);
        let what = message!("{} {} is not accepted", name, quoted(&value));
        let refused = Error::new(Kind::Usage, "invalid_value", what);
        let argument = self.argument(shown);
        if let Some(ContextValue::Strings(valid)) = error.get(ContextKind::ValidValue) {
            let refused = refused.why(message!("accepted is one of {}", valid.join(", ")));
            let near = match error.get(ContextKind::SuggestedValue) {
                Some(ContextValue::String(near)) => Some(near.as_str()),
                Some(ContextValue::Strings(near)) => near.first().map(String::as_str),
                _ => None,
            };
            return match near.and_then(|near| self.with_value(name, &value, near)) {
                Some(again) => refused.fix(again),
                None => refused.fix(self.help()),
            };
        }
        let Some(argument) = argument.filter(|argument| is_number(argument)) else {
            let source = std::error::Error::source(error).map(ToString::to_string);
            return source.into_iter().fold(refused, |refused, why| refused.why(Message::of(why))).fix(self.help());
        };
        let least: i64 = if takes(argument, "0") { 0 } else { 1 };
        let refused = refused.why(message!("accepted is a whole number from {}", least));
        let usual = argument.get_default_values().first().and_then(|usual| usual.to_str());
        let usual = usual.or_else(|| (argument.get_id() == "limit").then_some(ROWS));
        match usual.and_then(|usual| self.with_value(name, &value, usual)) {
            Some(again) => refused.fix(again),
            None => refused.fix(self.help()),
        }
    }

    fn unknown_argument(&self, argument: &str, near: Option<&str>) -> Error {
        let given = without_password(argument);
        if !given.starts_with('-') {
            let what = message!("{} is one argument too many", quoted(&given));
            return usage(what).why(self.form()).fix(self.help());
        }
        let error = usage(message!("{} has no flag {}", self.name(), given.as_str()));
        match near {
            Some(near) => {
                let error = error.why(message!("did you mean {}", near));
                match self.with(&given, near) {
                    Some(again) => error.fix(again),
                    None => error.fix(self.help()),
                }
            }
            None => error.fix(self.help()),
        }
    }

    fn unknown_verb(&self, verb: &str) -> Error {
        let name = if self.path.is_empty() { "skyteam".to_owned() } else { self.name() };
        let error = usage(message!("{} has no command {}", name, quoted(&without_password(verb))));
        let names: Vec<&str> =
            self.tree.get_subcommands().filter(|one| !one.is_hide_set()).map(Tree::get_name).collect();
        match meant(self.path.first().map(String::as_str), verb, &names) {
            Some(meant) => {
                let error = error.why(message!("did you mean {}", meant));
                match self.with(verb, meant) {
                    Some(again) => error.fix(again),
                    None => error.fix(self.help()),
                }
            }
            None => error.why(message!("there are {}", names.join(", "))).fix(self.help()),
        }
    }
}

/// Whether an argument is a whole number.
fn is_number(argument: &Arg) -> bool {
    let parser = argument.get_value_parser().type_id();
    [
        std::any::TypeId::of::<u16>(),
        std::any::TypeId::of::<u32>(),
        std::any::TypeId::of::<u64>(),
        std::any::TypeId::of::<usize>(),
        std::any::TypeId::of::<i32>(),
        std::any::TypeId::of::<i64>(),
    ]
    .iter()
    .any(|number| parser == *number)
}

/// Whether an argument takes a value, asked of the argument alone.
fn takes(argument: &Arg, value: &str) -> bool {
    let long = argument.clone().long("value").short(None).index(None).required(false);
    let alone = Tree::new("x").arg(Arg::new("value").long("value").value_parser(long.get_value_parser().clone()));
    alone.try_get_matches_from(["x", &format!("--value={value}")]).is_ok()
}

/// A word of the line as it may be shown: a URL has no password.
fn without_password(word: &str) -> String {
    let Some((before, _)) = word.split_once("://").filter(|(_, rest)| rest.contains('@')) else {
        return word.to_owned();
    };
    let (flag, scheme) = before.rsplit_once('=').map_or(("", before), |(flag, scheme)| (flag, scheme));
    let url = &word[word.len() - (word.len() - before.len()) - scheme.len()..];
    let url = DatabaseUrl::parse(url).map_or_else(|_| format!("{scheme}://…"), |url| url.without_password());
    if flag.is_empty() { url } else { format!("{flag}={url}") }
}
