//! `help`: the page of a command, and the topics that are true of all.

use clap::Command;

use crate::cli::context::Context;
use crate::cli::help::{TOPICS, page, topic};
use crate::cli::meaning::meant;
use crate::directory::input::quoted;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, program};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam help flight board
  skyteam help exit-codes
  skyteam help times

Topics are flags, exit-codes, environment, config, references, times and output.";

/// Arguments of `help`.
#[derive(clap::Args, Debug)]
pub(crate) struct HelpArgs {
    /// Command, such as flight board, or topic
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

pub(super) fn run(args: &HelpArgs, cx: &Context, mut tree: Command) -> Result<Outcome> {
    let about = match &args.words[..] {
        [word] => topic(word, cx.page_width),
        _ => None,
    };
    let text = match about {
        Some(text) => text,
        None => {
            tree.build();
            let path = path(&tree, &args.words)?;
            page(&path, cx.page_width, super::columns)
                .ok_or_else(|| Error::new(Kind::Failure, "help", "the command has no page"))?
        }
    };
    let text = if cx.ui.has_color() { text.ansi().to_string() } else { text.to_string() };
    cx.ui.raw(text.trim_end().to_owned() + "\n")?;
    Ok(Outcome::Done)
}

/// The names of the commands that the words are, aliases replaced.
fn path(tree: &Command, words: &[String]) -> Result<Vec<String>> {
    let mut command = tree;
    let mut path = Vec::new();
    for word in words {
        let Some(inner) = command.find_subcommand(word) else { return Err(unknown(command, &path, word)) };
        path.push(inner.get_name().to_owned());
        command = inner;
    }
    Ok(path)
}

fn unknown(command: &Command, path: &[String], word: &str) -> Error {
    let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let before = path.iter().fold(program("skyteam").arg("help"), crate::message::Command::arg);
    let error = Error::new(Kind::Usage, "usage", message!("there is no help on {}", quoted(word)));
    match meant(path.first().map(String::as_str), word, &names) {
        Some(near) => {
            error.why(message!("did you mean {}", near)).fix(near.split(' ').fold(before, crate::message::Command::arg))
        }
        None if path.is_empty() => {
            let topics: Vec<&str> = TOPICS.iter().map(|(name, ..)| *name).collect();
            error.why(message!("there are {}, and the topics {}", names.join(", "), topics.join(", ")))
        }
        None => error.why(message!("there are {}", names.join(", "))).fix(before),
    }
}
