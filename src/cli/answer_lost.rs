//! What is said where a change was made and its answer could not be written: a full disk behind a redirection.
//!
//! The change must not be reported as failed, or it is made a second time. Decided here for every command that writes, from
//! the answer that was lost.

use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::ui::Lost;
use crate::db::DatabaseUrl;
use crate::error::{Error, Kind, Result};
use crate::message::{Command, Message, message, skyteam};

/// The word for scripts.
pub(super) const ANSWER_LOST: &str = "answer_lost";

/// How much of one value is repeated.
const SHOWN: usize = 100;
/// How many values of one thing are repeated.
const VALUES: usize = 8;

/// The outcome of a command, where its answer was lost after the change was made.
pub(super) fn explained<T>(cx: &Context, outcome: Result<T>) -> Result<T> {
    let lost = cx.ui.lost().filter(|_| cx.has_written());
    outcome.map_err(|error| match lost {
        Some(lost) if error.code() == "io" => answer_lost(cx, &lost).because(&error).source(error),
        _ => error,
    })
}

fn answer_lost(cx: &Context, lost: &Lost) -> Error {
    let what = message!("skyteam {} was done, and its answer could not be written", &cx.command);
    let error = Error::new(Kind::Failure, ANSWER_LOST, what);
    let error = lost.things.iter().map(line).filter(|line| !line.is_empty()).fold(error, Error::why);
    let more = lost.count.saturating_sub(lost.things.len() as u64);
    let error = if more > 0 { error.why(message!("and {} more", more)) } else { error };
    let error = error.why("do not run it again without looking");
    let empty = Value::Null;
    error.fix(see(cx, lost.things.first().unwrap_or(&empty)))
}

/// The URL after `--to`, without its password.
fn transferred_to(cx: &Context) -> Option<String> {
    let mut words = cx.line.iter().skip_while(|word| *word != "--to" && !word.starts_with("--to="));
    let first = words.next()?;
    let url = first.strip_prefix("--to=").or_else(|| words.next().map(String::as_str))?;
    Some(DatabaseUrl::parse(url).ok()?.without_password())
}

/// One thing in a line: what identifies it first.
fn line(thing: &Value) -> Message {
    let Some(fields) = thing.as_object() else { return Message::default() };
    let identifies = |key: &str| key == "id" || key.ends_with("Id") || key == "file" || key == "folder";
    let (first, rest): (Vec<_>, Vec<_>) = fields.iter().partition(|(key, _)| identifies(key));
    let values = first.into_iter().chain(rest).filter_map(|(key, value)| {
        let value = match value {
            Value::String(text) => Message::of(crate::cli::ui::text::cut(text, SHOWN)),
            Value::Number(number) => Message::of(number.to_string()),
            Value::Bool(flag) => Message::of(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(message!("{} {}", key, value))
    });
    Message::joined(values.take(VALUES), ", ")
}

/// The command that shows what was done.
fn see(cx: &Context, answer: &Value) -> Command {
    let of = |key: &str| answer.get(key).and_then(Value::as_str);
    let show = |show: &'static str, list: &'static str, key: &str| match of(key) {
        Some(id) => skyteam(show).last(id),
        None => skyteam(list),
    };
    let (noun, verb) = cx.command.split_once(' ').unwrap_or((&cx.command, ""));
    match (noun, verb) {
        ("miles", "import") => match of("batchId") {
            Some(batch) => skyteam("miles reverse").arg(batch).words("--note TEXT --dry-run"),
            None => skyteam("miles leaderboard"),
        },
        ("miles", _) => show("miles history", "miles audit", "userId"),
        (_, "delete") => match noun {
            "airline" => skyteam("airline list"),
            "brand" => skyteam("brand list"),
            "flight" => skyteam("flight list"),
            _ => skyteam("product list"),
        },
        ("user", "erase") => show("user show", "user list", "replacementId"),
        ("user", _) => show("user show", "user list", "userId"),
        ("airline", _) => show("airline show", "airline list", "airlineId"),
        ("brand", _) => show("brand show", "brand list", "brandId"),
        ("product", _) => show("product show", "product list", "productId"),
        ("flight", "board" | "manifest import") => show("flight manifest show", "flight list", "flightId"),
        ("flight", _) => show("flight show", "flight list", "id"),
        ("db", "backup") => match of("file") {
            Some(file) => skyteam("db verify").file(file),
            None => skyteam("db backups DIR"),
        },
        ("db", "prune") => skyteam("db backups DIR"),
        // What is in the database, and whether it holds together.
        ("db", "create" | "grant" | "seed" | "restore") => skyteam("db doctor"),
        ("db", "transfer") => skyteam("db doctor").maybe_flag("--database-url", transferred_to(cx)),
        ("config", _) => skyteam("config path"),
        _ => skyteam("db status"),
    }
}
