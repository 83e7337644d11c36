//! Texts for people as values of parts: the words of the program, data, instants, numbers and commands.
//!
//! A message is put together where the facts are known and turned into a text once, where it is printed. Nothing that
//! has been put into words is searched afterwards: a stored note that looks like an instant or a command stays a note.
//!
//! [`message!`] fills a template; what fills it is data unless its type says otherwise:
//!
//! ```text
//! message!("{} has {}, this spends {}", username, miles, price)
//! message!("{}    makes it, with all tables", skyteam("db push"))
//! ```

mod command;
mod escape;
mod shell;

use std::borrow::Cow;
use std::fmt;
use std::path::{Display, Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

pub(crate) use command::{Command, DatabaseFlag, flag, program, skyteam, typed, word};
pub(crate) use escape::visible;
pub(crate) use escape::{acts, escape};

use crate::entity::types::{Id, Timestamp};

/// A piece of a [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Words of the program.
    Words(Cow<'static, str>),
    /// What is stored, or was typed: shown as it is, and escaped for a terminal.
    Data(String),
    /// A count or an amount; its digits are grouped.
    Number(i64),
    /// A point in time: in the reader's zone, or RFC 3339 in UTC where no zone is known.
    Instant(Timestamp),
    /// A command to be pasted.
    Command(Command),
}

/// A text for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    parts: Vec<Part>,
}

impl Message {
    /// A message of one part or of another message.
    pub(crate) fn of(part: impl Argument) -> Self {
        let mut parts = Vec::new();
        part.append(&mut parts);
        Self { parts }
    }

    /// `template` with each `{}` filled; [`message!`] checks that there are as many as arguments.
    pub(crate) fn filled<const N: usize>(template: &'static str, arguments: [Self; N]) -> Self {
        let mut parts = Vec::with_capacity(2 * N + 1);
        let mut words = template.split("{}");
        let push = |words: Option<&'static str>, parts: &mut Vec<Part>| match words {
            None | Some("") => {}
            Some(words) => parts.push(Part::Words(words.into())),
        };
        push(words.next(), &mut parts);
        for argument in arguments {
            parts.extend(argument.parts);
            push(words.next(), &mut parts);
        }
        Self { parts }
    }

    /// Several messages with words between.
    pub(crate) fn joined(messages: impl IntoIterator<Item = impl Into<Self>>, between: &'static str) -> Self {
        let mut joined = Self::default();
        for message in messages {
            if !joined.parts.is_empty() {
                joined.parts.push(Part::Words(between.into()));
            }
            joined.parts.extend(message.into().parts);
        }
        joined
    }

    /// The same with another part after it.
    #[must_use]
    pub(crate) fn then(mut self, part: impl Argument) -> Self {
        part.append(&mut self.parts);
        self
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The same with the database of this run named in each of its commands that does not name one itself.
    #[must_use]
    pub(crate) fn addressed(mut self, database: Option<&DatabaseFlag>) -> Self {
        if let Some(database) = database {
            for part in &mut self.parts {
                if let Part::Command(command) = part {
                    command.address(database);
                }
            }
        }
        self
    }

    /// Its text for a person, in lines: instants in `zone`, and what acts on a terminal escaped.
    pub(crate) fn shown(&self, zone: Tz) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                // A line of ours may be broken; data never breaks one.
                Part::Words(words) => {
                    text.extend(words.split_inclusive('\n').flat_map(|line| match line.strip_suffix('\n') {
                        Some(line) => [visible(line).into_owned(), "\n".to_owned()],
                        None => [visible(line).into_owned(), String::new()],
                    }));
                }
                Part::Data(data) => text.push_str(&visible(data)),
                Part::Instant(at) => {
                    text.push_str(&at.utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string());
                }
                plain => text.push_str(&plain.to_string()),
            }
        }
        text
    }
}

/// The text for programs: instants in RFC 3339, data unaltered.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| part.fmt(f))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Data(data) => f.write_str(data),
            Self::Number(number) => f.write_str(&grouped(*number)),
            Self::Instant(at) => at.fmt(f),
            Self::Command(command) => command.fmt(f),
        }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialEq<&str> for Message {
    fn eq(&self, other: &&str) -> bool {
        let text: String = self.to_string();
        text == *other
    }
}

impl From<&str> for Message {
    fn from(words: &str) -> Self {
        Self { parts: vec![Part::Words(words.to_owned().into())] }
    }
}

/// A text that was made at run time may hold anything: it is data.
impl From<String> for Message {
    fn from(data: String) -> Self {
        Self { parts: vec![Part::Data(data)] }
    }
}

impl From<&String> for Message {
    fn from(data: &String) -> Self {
        data.clone().into()
    }
}

impl From<Cow<'_, str>> for Message {
    fn from(data: Cow<'_, str>) -> Self {
        data.into_owned().into()
    }
}

impl From<&Self> for Message {
    fn from(message: &Self) -> Self {
        message.clone()
    }
}

impl From<Command> for Message {
    fn from(command: Command) -> Self {
        Self::of(command)
    }
}

/// What may fill a place in a template. Texts are data: they are shown as they are.
pub(crate) trait Argument {
    /// Adds it to the parts of a message.
    fn append(self, parts: &mut Vec<Part>);
}

/// Words that are not in the template itself, such as one of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words(pub &'static str);

macro_rules! arguments {
    ($($type:ty: $value:ident => $part:expr;)*) => {$(
        impl Argument for $type {
            fn append(self, parts: &mut Vec<Part>) {
                let $value = self;
                parts.push($part);
            }
        }
    )*};
}

arguments! {
    Words: words => Part::Words(words.0.into());
    &str: data => Part::Data(data.to_owned());
    String: data => Part::Data(data);
    &String: data => Part::Data(data.clone());
    Cow<'_, str>: data => Part::Data(data.into_owned());
    Id: id => Part::Data(id.to_string());
    Timestamp: at => Part::Instant(at);
    DateTime<Utc>: at => Part::Instant(Timestamp::new(at.naive_utc()));
    Command: command => Part::Command(command);
    i32: number => Part::Number(number.into());
    i64: number => Part::Number(number);
    u32: number => Part::Number(number.into());
    u64: number => Part::Number(number.try_into().unwrap_or(i64::MAX));
    usize: number => Part::Number(number.try_into().unwrap_or(i64::MAX));
    u16: number => Part::Number(number.into());
    u8: number => Part::Number(number.into());
    char: data => Part::Data(data.into());
    &&str: data => Part::Data((*data).to_owned());
    &Cow<'_, str>: data => Part::Data(data.clone().into_owned());
    &Path: path => Part::Data(path.display().to_string());
    &PathBuf: path => Part::Data(path.display().to_string());
    Display<'_>: path => Part::Data(path.to_string());
    &Id: id => Part::Data(id.to_string());
    &Timestamp: at => Part::Instant(*at);
    &Command: command => Part::Command(command.clone());
    &i32: number => Part::Number((*number).into());
    &i64: number => Part::Number(*number);
    &u64: number => Part::Number((*number).try_into().unwrap_or(i64::MAX));
    &usize: number => Part::Number((*number).try_into().unwrap_or(i64::MAX));
}

impl Argument for Message {
    fn append(self, parts: &mut Vec<Part>) {
        parts.extend(self.parts);
    }
}

impl Argument for &Message {
    fn append(self, parts: &mut Vec<Part>) {
        parts.extend(self.parts.iter().cloned());
    }
}

impl<T: Argument> Argument for Option<T> {
    fn append(self, parts: &mut Vec<Part>) {
        if let Some(part) = self {
            part.append(parts);
        }
    }
}

/// How many places a template has; it may contain no other brace.
pub(crate) const fn places(template: &str) -> usize {
    let bytes = template.as_bytes();
    let (mut index, mut count) = (0, 0);
    while index < bytes.len() {
        if bytes[index] == b'{' {
            assert!(
                index + 1 < bytes.len() && bytes[index + 1] == b'}',
                "a place in a template has nothing between its braces"
            );
            count += 1;
        }
        index += 1;
    }
    count
}

/// A [`Message`] from a template of our words, in which each `{}` is filled by an [`Argument`].
macro_rules! message {
    ($template:literal $(, $argument:expr)* $(,)?) => {{
        const {
            let arguments: &[&str] = &[$(stringify!($argument)),*];
            assert!($crate::message::places($template) == arguments.len(), "as many arguments as places");
        }
        $crate::message::Message::filled($template, [$($crate::message::Message::of($argument)),*])
    }};
}
pub(crate) use message;

/// A number with its digits in groups of three, for people: `1,234,567`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        shown.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 flight`, `2 flights`, `3,000 entries`: a number with its noun, which is given in the singular.
pub(crate) fn count(number: u64, one: &str) -> String {
    let shown = grouped(i64::try_from(number).unwrap_or(i64::MAX));
    if number == 1 { format!("{shown} {one}") } else { format!("{shown} {}", plural(one)) }
}

/// As [`count`], of a number that may be below zero: `-1 mile`.
pub(crate) fn count_signed(number: i64, one: &str) -> String {
    format!("{}{}", if number < 0 { "-" } else { "" }, count(number.unsigned_abs(), one))
}

/// The plural of a noun.
pub(crate) fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) if !one.ends_with("ay") && !one.ends_with("ey") => format!("{stem}ies"),
        _ => format!("{one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKYO: Tz = Tz::Asia__Tokyo;

    fn profile(name: &str) -> DatabaseFlag {
        DatabaseFlag::new("-p", name)
    }

    #[test]
    fn data_that_looks_like_an_instant_or_a_command_stays_data() {
        let note = "for 2026-11-22T18:00:00Z event: skyteam db push";
        let shown = message!("the note is {}", note).addressed(Some(&profile("prod")));
        assert_eq!(shown.shown(TOKYO), format!("the note is {note}"));
        assert_eq!(shown.to_string(), format!("the note is {note}"));
    }

    #[test]
    fn data_breaks_no_line_and_moves_no_cursor() {
        let message = message!("first\n{}", "a\nb\u{1b}[2J");
        assert_eq!(message.shown(TOKYO), "first\na\\nb\\u{1b}[2J");
        assert_eq!(message.to_string(), "first\na\nb\u{1b}[2J");
    }

    #[test]
    fn an_instant_is_a_time_of_the_readers_zone() {
        let at: Timestamp = "2026-11-22T18:00:00.5Z".parse().unwrap();
        let message = message!("it ended at {}", at);
        assert_eq!(message.shown(TOKYO), "it ended at 2026-11-23 03:00:00");
        assert_eq!(message.to_string(), "it ended at 2026-11-22T18:00:00.5Z");
    }

    #[test]
    fn a_command_names_the_database_of_the_run_once() {
        let message = message!("{}    makes it", skyteam("db push")).addressed(Some(&profile("my prod")));
        assert_eq!(message.to_string(), "skyteam -p 'my prod' db push    makes it");
        let twice = message.addressed(Some(&profile("other")));
        assert_eq!(twice.to_string(), "skyteam -p 'my prod' db push    makes it");
    }

    #[test]
    fn messages_are_filled_nested_and_joined() {
        let inner = message!("{} short", 19_400);
        let message = message!("{}: {}{}", "ann", &inner, None::<Message>).then(Words(", "));
        assert_eq!(message, "ann: 19,400 short, ");
        assert_eq!(Message::joined([inner.clone(), inner], "; "), "19,400 short; 19,400 short");
        assert!(Message::joined(Vec::<Message>::new(), "; ").is_empty());
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn a_count_has_its_noun() {
        assert_eq!(
            (count(1, "entry"), count(2, "entry"), count(2, "day"), count_signed(-1, "mile")),
            ("1 entry".into(), "2 entries".into(), "2 days".into(), "-1 mile".into())
        );
    }
}
