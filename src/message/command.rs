//! Command lines in messages: a list of words, quoted where they are rendered, so that a line can be pasted into a shell
//! and runs nothing but what it says.

use std::borrow::Cow;
use std::fmt;

use super::shell;

/// The nouns whose commands work on a database.
const WITH_DATABASE: [&str; 7] = ["db", "user", "airline", "brand", "flight", "product", "miles"];

/// The flags that name a database.
const NAMES_DATABASE: [&str; 3] = ["--database-url", "-p", "--profile"];

/// The flag by which a run was given its database: `-p prod`, or `--database-url URL` without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFlag {
    name: &'static str,
    value: String,
}

impl DatabaseFlag {
    /// The flag `name` with its value.
    pub(crate) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }
}

impl fmt::Display for DatabaseFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shell::flag(self.name, &self.value))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// Ours, written as a shell takes it.
    Plain(Cow<'static, str>),
    /// A text, to be quoted.
    Text(String),
    /// A flag with a text for its value.
    Flag(&'static str, String),
}

impl Word {
    fn names_database(&self) -> bool {
        match self {
            Self::Plain(word) => NAMES_DATABASE.contains(&word.as_ref()),
            Self::Flag(name, _) => NAMES_DATABASE.contains(name),
            Self::Text(_) => false,
        }
    }
}

/// A command line, as a list of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    program: &'static str,
    /// The flag that names the database, once it is known.
    database: Option<DatabaseFlag>,
    /// Whether it works on a database, whatever its words are.
    typed: bool,
    words: Vec<Word>,
}

/// A command line of skyteam that begins with these words: `skyteam("miles history").user("pilot123")`.
pub(crate) fn skyteam(words: &'static str) -> Command {
    program("skyteam").words(words)
}

/// A command line of another program.
pub(crate) fn program(name: &'static str) -> Command {
    Command { program: name, database: None, typed: false, words: Vec::new() }
}

/// A command line of skyteam as it was typed, without the flags that name the database: they are added where it is shown,
/// without a password.
pub(crate) fn typed<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command { typed: true, ..skyteam("") };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if NAMES_DATABASE.contains(&arg) {
            args.next();
        } else if !NAMES_DATABASE.iter().any(|name| is_joined(arg, name)) {
            command = command.arg(arg);
        }
    }
    command
}

/// Whether `arg` is the flag `name` and its value in one: `--profile=prod`, `-pprod`.
fn is_joined(arg: &str, name: &str) -> bool {
    let rest = arg.strip_prefix(name);
    rest.is_some_and(|rest| if name.starts_with("--") { rest.starts_with('=') } else { !rest.is_empty() })
}

/// A flag to be added to a command, with its value.
pub(crate) fn flag(name: &'static str, value: impl ToString) -> Command {
    program("").flag(name, value)
}

/// A text as one word of a command.
pub(crate) fn word(text: impl ToString) -> Command {
    program("").arg(text)
}

impl Command {
    /// Words of ours, separated by spaces, that need no quotes.
    #[must_use]
    pub(crate) fn words(mut self, words: &'static str) -> Self {
        self.words.extend(words.split(' ').filter(|word| !word.is_empty()).map(|word| Word::Plain(word.into())));
        self
    }

    /// A text as one word.
    #[must_use]
    pub(crate) fn arg(mut self, text: impl ToString) -> Self {
        self.words.push(Word::Text(text.to_string()));
        self
    }

    /// The last arguments' first text, also where it reads as a flag.
    #[must_use]
    pub(crate) fn last(self, text: impl ToString) -> Self {
        let text = text.to_string();
        if text.starts_with('-') { self.words("--").arg(text) } else { self.arg(text) }
    }

    /// A flag with its value: `--confirm pilot123`, and `--confirm=-rf` where the value would read as a flag.
    #[must_use]
    pub(crate) fn flag(mut self, name: &'static str, value: impl ToString) -> Self {
        self.words.push(Word::Flag(name, value.to_string()));
        self
    }

    /// The same where there is a value.
    #[must_use]
    pub(crate) fn maybe_flag(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.flag(name, value),
            None => self,
        }
    }

    /// The words of another one after those of this one.
    #[must_use]
    pub(crate) fn also(mut self, other: Self) -> Self {
        self.words.extend(other.words);
        self
    }

    /// A file, also where its name reads as a flag. `-` stays standard input.
    #[must_use]
    pub(crate) fn file(self, path: impl ToString) -> Self {
        let path = path.to_string();
        if path.starts_with('-') && path.len() > 1 { self.arg(format!("./{path}")) } else { self.arg(path) }
    }

    /// A user's name as a reference: with `@` where it would read as an id or a flag.
    #[must_use]
    pub(crate) fn user(self, username: &str) -> Self {
        let bare = username.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            && !username.chars().all(|c| c.is_ascii_digit());
        if bare { self.arg(username) } else { self.arg(format!("@{username}")) }
    }

    /// An account as a reference.
    #[must_use]
    pub(crate) fn account(self, user_id: &str, username: &str) -> Self {
        self.arg(account(user_id, username))
    }

    /// A flag whose value is an account.
    #[must_use]
    pub(crate) fn account_flag(self, name: &'static str, user_id: &str, username: &str) -> Self {
        self.flag(name, account(user_id, username))
    }

    /// Texts as arguments that no parser takes for flags: before the flags, as people write them, or behind all and `--`
    /// where one of them begins with a hyphen.
    #[must_use]
    pub(crate) fn texts<T: ToString>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(|text| text.to_string()).collect();
        let place = if texts.iter().any(|text| text.starts_with('-')) {
            self = self.words("--");
            self.words.len()
        } else {
            let flag = |word: &Word| matches!(word, Word::Flag(..));
            self.words.iter().position(flag).unwrap_or(self.words.len())
        };
        self.words.splice(place..place, texts.into_iter().map(Word::Text));
        self
    }

    /// The words as a program takes them, without its name and without quotes.
    pub(crate) fn args(&self) -> Vec<String> {
        let words = self.words.iter().map(|word| match word {
            Word::Plain(word) => word.to_string(),
            Word::Text(text) => text.clone(),
            Word::Flag(name, value) => format!("{name}={value}"),
        });
        words.collect()
    }

    /// Names the database, where the command needs one and does not name it itself.
    pub(super) fn address(&mut self, database: &DatabaseFlag) {
        let needs = self.program == "skyteam"
            && (self.typed
                || matches!(self.words.first(), Some(Word::Plain(noun)) if WITH_DATABASE.contains(&noun.as_ref())));
        if needs && self.database.is_none() && !self.words.iter().any(Word::names_database) {
            self.database = Some(database.clone());
        }
    }
}

/// By `userId` where that is read as one, which also holds when the user is renamed; else by name.
fn account(user_id: &str, username: &str) -> String {
    let is_read = !user_id.is_empty() && user_id.chars().all(|c| c.is_ascii_digit());
    if is_read { user_id.to_owned() } else { format!("@{username}") }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words.iter().map(|word| match word {
            Word::Plain(word) => word.to_string(),
            Word::Text(text) => shell::word(text),
            Word::Flag(name, value) => shell::flag(name, value),
        });
        let program = Some(self.program.to_owned()).filter(|program| !program.is_empty());
        let database = self.database.as_ref().map(DatabaseFlag::to_string);
        let all: Vec<String> = program.into_iter().chain(database).chain(words).collect();
        f.write_str(&all.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(mut command: Command) -> String {
        command.address(&DatabaseFlag::new("-p", "my skyteam db prod"));
        command.to_string()
    }

    #[test]
    fn a_command_names_the_database_where_it_needs_one() {
        assert_eq!(on(skyteam("db push")), "skyteam -p 'my skyteam db prod' db push");
        assert_eq!(
            on(skyteam("db seed").flag("--database-url", "sqlite:x")),
            "skyteam db seed --database-url sqlite:x"
        );
        assert_eq!(on(skyteam("db push --profile NAME")), "skyteam db push --profile NAME");
        assert_eq!(on(skyteam("config path")), "skyteam config path");
        assert_eq!(on(program("chmod").words("600").file("-x y")), "chmod 600 './-x y'");
        assert_eq!(
            on(skyteam("product show").last("skyteam db push")),
            "skyteam -p 'my skyteam db prod' product show 'skyteam db push'"
        );
    }

    #[test]
    fn a_typed_command_is_repeated_without_its_password() {
        let url = "--database-url=postgres://ops:secret@host/x";
        for args in [
            vec!["flights", "show", "VX101"],
            vec!["-p", "dev", "flights", "show", "VX101"],
            vec!["flights", url, "show", "VX101"],
            vec!["flights", "show", "VX101", "--database-url", "postgres://ops:secret@host/x"],
            vec!["-pdev", "flights", "show", "VX101"],
        ] {
            assert_eq!(on(typed(args)), "skyteam -p 'my skyteam db prod' flights show VX101");
        }
    }

    #[test]
    fn values_that_read_as_flags_are_kept_values() {
        let bare = || program("x");
        assert_eq!(bare().flag("--confirm", "-rf").to_string(), "x --confirm=-rf");
        assert_eq!(bare().flag("--confirm", "my db").to_string(), "x --confirm 'my db'");
        assert_eq!(bare().last("a1b2c3").to_string(), "x a1b2c3");
        assert_eq!(bare().last("-x").to_string(), "x -- -x");
        assert_eq!(bare().file("-").file("a b").to_string(), "x - 'a b'");
        let awkward = bare().flag("--note", "--yes").flag("--key", "a b").texts(["-p", "prod"]);
        assert_eq!(awkward.to_string(), "x --note=--yes --key 'a b' -- -p prod");
        assert_eq!(bare().flag("--note", "a").texts(["ann", "5"]).to_string(), "x ann 5 --note a");
        assert_eq!(awkward.args(), ["--note=--yes", "--key=a b", "--", "-p", "prod"]);
        for (name, shown) in
            [("pilot123", "pilot123"), ("12", "@12"), ("-rf", "@-rf"), ("@x", "@@x"), ("a b", "'a b'"), ("db", "db")]
        {
            assert_eq!(bare().user(name).to_string(), format!("x {shown}"));
        }
        assert_eq!(bare().account("5000000", "1").to_string(), "x 5000000");
        assert_eq!(bare().account("x", "a b").to_string(), "x '@a b'");
    }
}
