//! Help pages: what a command itself takes, then its examples as they are to be pasted, then the flags that all share.
//!
//! clap wraps what follows the arguments like any other text, which breaks an example in two. Here that text is part of each
//! command's template, which clap prints as it is; only paragraphs are wrapped. The tree is arranged only where a page is asked
//! for: parsing a line needs none of it.

mod layout;
mod topics;

pub(crate) use topics::TOPICS;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory as _};

use super::honour;
use super::{Cli, STYLES};
use crate::cli::environment::World;
use crate::cli::ui::text;
use layout::Layout;

/// Where `-h` says that the flags of every command are.
const GLOBAL: &str = "Global flags: skyteam help flags";

/// The widest page.
const WIDEST: usize = 100;

/// The narrowest that is laid out for; below it a terminal wraps.
const NARROWEST: usize = 40;

/// The verbs of `db` by what they are for.
pub(crate) const DB_GROUPS: [(&str, &[&str]); 5] = [
    ("Set up", &["create", "grant"]),
    ("Schema", &["push", "diff", "schema", "generate", "migrate", "rollback", "status"]),
    ("Data", &["seed", "reset", "transfer", "shell", "studio"]),
    ("Backups", &["backup", "backups", "verify", "restore", "prune"]),
    ("Look", &["doctor", "info", "activity"]),
];

/// How wide pages are here: as the terminal, or as `COLUMNS` says.
pub(crate) fn width(world: &World) -> usize {
    let said = world.env.get("COLUMNS").and_then(|columns| columns.parse().ok());
    world.terminal.width.map(usize::from).or(said).unwrap_or(WIDEST).clamp(NARROWEST, WIDEST)
}

/// Names the columns of a list by its command, such as `user list`.
pub(crate) type ColumnsOf = fn(&str) -> Vec<&'static str>;

/// The command tree with its pages laid out for so many columns.
pub(crate) fn arranged(width: usize, columns_of: ColumnsOf) -> Command {
    let tree = Cli::command();
    let shared: Vec<Arg> = tree.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let names: Vec<String> = shared.iter().map(|arg| arg.get_id().to_string()).collect();
    let tree =
        names.iter().fold(tree, |tree, name| tree.mut_arg(name, |arg| arg.hide_short_help(true).hide_long_help(true)));
    Arrange { shared, width, columns_of, drawn: RefCell::default() }.command(tree, "")
}

/// The page of a command, as `--help` shows it.
pub(crate) fn page(path: &[String], width: usize, columns_of: ColumnsOf) -> Option<StyledStr> {
    let mut tree = arranged(width, columns_of);
    tree.build();
    let command = path.iter().try_fold(&mut tree, |command, word| command.find_subcommand_mut(word))?;
    Some(command.render_long_help())
}

/// The text on a topic.
pub(crate) fn topic(name: &str, width: usize) -> Option<StyledStr> {
    if name == "flags" {
        let tree = Cli::command();
        let shared = tree.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
        return Some(groups(shared, width, Detail::Whole));
    }
    let (_, _, text) = TOPICS.iter().find(|(known, ..)| *known == name)?;
    Some(StyledStr::from(Layout { width }.lines(text)))
}

/// How much is said of a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// One line.
    Line,
    /// What each of its values means, too.
    Whole,
}

/// Flags under their headings.
fn groups(flags: Vec<Arg>, width: usize, detail: Detail) -> StyledStr {
    let mut command = Command::new("flags")
        .version(super::version::NUMBER)
        .disable_version_flag(true)
        .disable_help_flag(true)
        .styles(STYLES)
        .help_template("{all-args}")
        .term_width(width)
        .args(flags.into_iter().map(|flag| flag.hide_short_help(false).hide_long_help(false)));
    match detail {
        Detail::Line => command.render_help(),
        Detail::Whole => command.render_long_help(),
    }
}

struct Arrange {
    shared: Vec<Arg>,
    width: usize,
    columns_of: ColumnsOf,
    /// Groups by the flags in them: most commands share one of a few.
    drawn: RefCell<HashMap<Vec<String>, String>>,
}

impl Arrange {
    /// `path` is `db push` of that command, empty for the program.
    fn command(&self, command: Command, path: &str) -> Command {
        let command = command.mut_subcommands(|inner| {
            let path = format!("{path} {}", inner.get_name());
            self.command(inner, path.trim_start())
        });
        let acts = command.get_subcommands().next().is_none();
        let flags: Vec<Arg> =
            self.shared.iter().filter(|arg| !acts || honour::applies(path, arg.get_id().as_str())).cloned().collect();
        // Where a command has formats of its own, even the short page lists them.
        let own_formats = honour::own_formats(path);
        let command = if own_formats.is_empty() { command } else { formats(command, own_formats) };
        let flags: Vec<Arg> = flags.into_iter().map(|arg| listing(arg, own_formats)).collect();
        let mut more = String::new();
        let columns = (self.columns_of)(path);
        if !columns.is_empty() {
            let layout = Layout { width: self.width };
            let _ = writeln!(more, "{}\n{}\n", heading("Columns"), layout.indented(&columns.join(", ")));
        }
        more.push_str(&self.drawn(flags));
        let template = self.template(&command, path);
        command.help_template(template).term_width(self.width).after_help(GLOBAL).after_long_help(more)
    }

    fn drawn(&self, flags: Vec<Arg>) -> String {
        let names = flags.iter().map(|arg| format!("{} {}", arg.get_id(), arg.is_hide_set())).collect();
        let draw = || groups(flags, self.width, Detail::Line).ansi().to_string();
        self.drawn.borrow_mut().entry(names).or_insert_with(draw).clone()
    }

    fn template(&self, command: &Command, path: &str) -> String {
        let layout = Layout { width: self.width };
        let mut template = String::from("{about-with-newline}\n{usage-heading} {usage}\n\n");
        if path == "db" {
            for (group, verbs) in DB_GROUPS {
                let _ = writeln!(template, "{}", heading(group));
                for name in verbs {
                    let about = command.find_subcommand(name).and_then(Command::get_about);
                    let about = about.map(ToString::to_string).unwrap_or_default();
                    let _ = writeln!(template, "{}", layout.row(&literal(name), name.len(), 10, &about));
                }
                template.push('\n');
            }
            let _ = write!(template, "{}\n{{options}}", heading("Options"));
        } else {
            template.push_str("{all-args}");
        }
        if let Some(text) = command.get_after_help() {
            let _ = write!(template, "\n\n{}", layout.lines(&text.to_string()));
        }
        let has_times = command
            .get_arguments()
            .any(|arg| arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == "TIME")));
        if has_times {
            let forms = "TIME: now, -2h, +3d, 2026-11-22, 2026-11-22 18:00 or RFC 3339; see skyteam help times";
            let _ = write!(template, "\n\n{}", layout.lines(forms));
        }
        if path.is_empty() {
            let topics: Vec<&str> = TOPICS.iter().map(|(name, ..)| *name).collect();
            let text = format!("More: skyteam help TOPIC, where TOPIC is one of {}.", topics.join(", "));
            let _ = write!(template, "\n\n{}", layout.lines(&text));
        }
        template.push_str("{after-help}");
        template
    }
}

/// Shows `--output` beside the command's own flags, with its values.
fn formats(command: Command, names: &'static [&'static str]) -> Command {
    let output = Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FORMAT")
        .value_parser(clap::builder::PossibleValuesParser::new(honour::FORMATS.iter().chain(names)))
        .help("Format of the answer");
    command.arg(output)
}

/// A shared flag as one command lists it: without values that it refuses.
fn listing(arg: Arg, own_formats: &[&str]) -> Arg {
    if arg.get_id() == "output" && !own_formats.is_empty() { arg.hide(true) } else { arg }
}

/// A heading as clap prints its own.
fn heading(text: &str) -> String {
    let style = STYLES.get_header();
    format!("{}{text}:{}", style.render(), style.render_reset())
}

/// A word as clap prints the names of commands.
fn literal(text: &str) -> String {
    let style = STYLES.get_literal();
    format!("{}{text}{}", style.render(), style.render_reset())
}

/// The parts of what a command says after its arguments: what is to be pasted, and the rest.
pub(crate) fn examples(text: &str) -> (Vec<&str>, Vec<&str>) {
    let mut blocks = text.split("\n\n");
    let is_examples = |block: &&str| block.starts_with("Examples:");
    let first = blocks.next().unwrap_or_default();
    if is_examples(&first) {
        return (first.lines().skip(1).map(|line| line.strip_prefix("  ").unwrap_or(line)).collect(), blocks.collect());
    }
    (Vec::new(), text.split("\n\n").collect())
}

/// The columns that a text takes.
fn columns(text: &str) -> usize {
    text::width(text)
}
