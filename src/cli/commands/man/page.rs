//! One manual page, in the man macros that groff and mandoc read.

use clap::{Arg, Command};

use crate::cli::help::{TOPICS, examples};
use crate::cli::version;

/// All pages.
pub(super) struct Manual<'a> {
    /// The command tree, built.
    pub tree: &'a Command,
    /// The day on the pages.
    pub date: String,
}

impl Manual<'_> {
    /// The name and the text of the page of every command.
    pub(super) fn pages(&self) -> Vec<(String, String)> {
        let mut pages = Vec::new();
        self.below(self.tree, &mut Vec::new(), &mut pages);
        pages
    }

    fn below<'t>(&self, command: &'t Command, path: &mut Vec<&'t str>, pages: &mut Vec<(String, String)>) {
        path.push(command.get_name());
        pages.push((format!("{}.1", path.join("-")), self.page(command, path)));
        for inner in verbs(command) {
            self.below(inner, path, pages);
        }
        path.pop();
    }

    fn page(&self, command: &Command, path: &[&str]) -> String {
        let mut page = Roff::default();
        let is_program = path.len() == 1;
        self.title(&mut page, &path.join("-"), 1);
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        page.section("NAME").text(&format!("{} \\- {}", escaped(&path.join("-")), escaped(&about)));
        page.section("SYNOPSIS").text(&synopsis(command, path));
        let (shown, notes) = command.get_after_help().map(ToString::to_string).map_or_else(Default::default, |text| {
            let (shown, notes) = examples(&text);
            let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<String>>();
            (owned(shown), owned(notes))
        });
        page.section("DESCRIPTION").text(&format!("{}.", escaped(&about)));
        for note in &notes {
            page.paragraph(note);
        }
        arguments(&mut page, "ARGUMENTS", command.get_positionals());
        let own =
            |arg: &&Arg| !arg.is_positional() && !arg.is_global_set() && !arg.is_hide_set() && arg.get_id() != "help";
        arguments(&mut page, "OPTIONS", command.get_arguments().filter(own));
        if verbs(command).next().is_some() {
            page.section("COMMANDS");
            for inner in verbs(command) {
                let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
                page.entry(
                    &format!("\\fB{}\\fR(1)", escaped(&format!("{}-{}", path.join("-"), inner.get_name()))),
                    &about,
                );
            }
        }
        if is_program {
            arguments(&mut page, "GLOBAL OPTIONS", command.get_arguments().filter(|arg| arg.is_global_set()));
        }
        if !shown.is_empty() {
            page.section("EXAMPLES").verbatim(shown.iter().map(String::as_str));
        }
        page.section("EXIT STATUS");
        if is_program {
            page.topic(topic("exit-codes"));
            page.section("ENVIRONMENT").topic(topic("environment"));
            page.section("REFERENCES").topic(topic("references"));
            page.section("TIMES").topic(topic("times"));
        } else {
            page.text("0 on success. The others are listed in \\fBskyteam\\fR(1), as are the flags of every command.");
            page.section("ENVIRONMENT").text(
                "\\fBDATABASE_URL\\fR, \\fBSKYTEAM_PROFILE\\fR, \\fBSKYTEAM_ACTOR\\fR, \\fBSKYTEAM_TZ\\fR and others; see \\fBskyteam\\fR(1).",
            );
        }
        page.section("FILES");
        files(&mut page);
        page.section("SEE ALSO").text(&see_also(command, path));
        page.text
    }

    /// `skyteam-config(5)`.
    pub(super) fn settings(&self) -> String {
        let mut page = Roff::default();
        self.title(&mut page, "skyteam-config", 5);
        page.section("NAME").text("skyteam\\-config \\- files of settings of skyteam");
        page.section("SYNOPSIS").verbatim(["skyteam.toml", "~/.config/skyteam/skyteam.toml", ".env"].into_iter());
        page.section("DESCRIPTION").topic(topic("config"));
        page.section("EXAMPLES")
            .verbatim(["[profiles.prod]", "url_env = \"PROD_DATABASE_URL\"", "kind = \"production\""].into_iter());
        page.section("FILES");
        files(&mut page);
        page.section("SEE ALSO").text("\\fBskyteam\\fR(1), \\fBskyteam\\-config\\fR(1)");
        page.text
    }

    fn title(&self, page: &mut Roff, name: &str, section: u8) {
        let name = escaped(&name.to_uppercase());
        let source = escaped(&format!("skyteam {}", version::NUMBER));
        page.line(&format!(".TH \"{name}\" \"{section}\" \"{}\" \"{source}\" \"skyteam manual\"", self.date));
    }
}

fn topic(name: &str) -> &'static str {
    TOPICS.iter().find(|(known, ..)| *known == name).map(|(.., text)| *text).unwrap_or_default()
}

fn verbs(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|inner| !inner.is_hide_set())
}

/// `skyteam db push [--rename T.OLD=NEW] …`.
fn synopsis(command: &Command, path: &[&str]) -> String {
    let mut words = vec![format!("\\fB{}\\fR", escaped(&path.join(" ")))];
    if verbs(command).next().is_some() {
        words.push("\\fICOMMAND\\fR".to_owned());
    }
    let own = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set() && !arg.is_hide_set());
    for arg in own.filter(|arg| arg.get_id() != "help") {
        let flag = flag(arg);
        words.push(if arg.is_required_set() { flag } else { format!("[{flag}]") });
    }
    for arg in command.get_positionals() {
        let name = value(arg);
        let many = arg.get_num_args().is_some_and(|count| count.max_values() > 1);
        let name = if many { format!("{name} ...") } else { name };
        words.push(if arg.is_required_set() { name } else { format!("[{name}]") });
    }
    words.push("[\\fIflags\\fR]".to_owned());
    words.join(" ")
}

/// `--limit N`, with its value as it is written.
fn flag(arg: &Arg) -> String {
    let name = arg.get_long().map_or_else(
        || arg.get_short().map(|short| format!("-{short}")).unwrap_or_default(),
        |long| format!("--{long}"),
    );
    let name = format!("\\fB{}\\fR", escaped(&name));
    let Some(range) = arg.get_num_args().filter(|range| range.takes_values()) else { return name };
    match (range.min_values(), arg.is_require_equals_set()) {
        (0, _) => format!("{name}[={}]", value(arg)),
        (_, true) => format!("{name}={}", value(arg)),
        _ => format!("{name} {}", value(arg)),
    }
}

fn value(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.first().map_or_else(|| arg.get_id().as_str().to_uppercase(), ToString::to_string);
    format!("\\fI{}\\fR", escaped(&name))
}

fn arguments<'a>(page: &mut Roff, heading: &str, arguments: impl Iterator<Item = &'a Arg>) {
    let mut arguments = arguments.peekable();
    if arguments.peek().is_none() {
        return;
    }
    page.section(heading);
    for arg in arguments {
        let short = arg.get_short().filter(|_| arg.get_long().is_some());
        let short = short.map(|short| format!("\\fB\\-{short}\\fR, ")).unwrap_or_default();
        let name = if arg.is_positional() { value(arg) } else { flag(arg) };
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let takes = arg.get_num_args().is_some_and(|range| range.takes_values());
        let values = arg.get_possible_values();
        if takes && !values.is_empty() {
            let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
            help.push_str(&format!(": {}", names.join(", ")));
        }
        let usual = arg.get_default_values().first().and_then(|usual| usual.to_str());
        if let Some(usual) = usual.filter(|_| takes && !help.contains("[default")) {
            help.push_str(&format!(" [default: {usual}]"));
        }
        page.entry(&format!("{short}{name}"), &help);
    }
}

fn files(page: &mut Roff) {
    for (path, about) in [
        ("skyteam.toml", "settings of a project, in the current folder or above"),
        (".env", "variables of a project, the nearest from the current folder upward"),
        ("~/.config/skyteam/skyteam.toml", "your own settings"),
        ("~/.local/share/skyteam/skyteam.db", "the embedded database, used where no other is named"),
        ("~/.pgpass", "passwords, as libpq reads them"),
    ] {
        page.entry(&format!("\\fI{}\\fR", escaped(path)), about);
    }
}

fn see_also(command: &Command, path: &[&str]) -> String {
    let mut pages: Vec<String> = Vec::new();
    if path.len() > 1 {
        pages.push(path[..path.len() - 1].join("-"));
    }
    pages.extend(verbs(command).map(|inner| format!("{}-{}", path.join("-"), inner.get_name())));
    let mut shown: Vec<String> = pages.iter().map(|page| format!("\\fB{}\\fR(1)", escaped(page))).collect();
    shown.push("\\fBskyteam\\-config\\fR(5)".to_owned());
    shown.join(", ")
}

/// A page as it grows.
#[derive(Default)]
struct Roff {
    text: String,
}

impl Roff {
    fn line(&mut self, line: &str) -> &mut Self {
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    fn section(&mut self, name: &str) -> &mut Self {
        self.line(&format!(".SH \"{name}\""))
    }

    /// A line that is escaped already.
    fn text(&mut self, text: &str) -> &mut Self {
        self.line(&guarded(text))
    }

    fn paragraph(&mut self, text: &str) -> &mut Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.line(".PP").text(&escaped(&text))
    }

    /// A name, which is escaped already, and what it is about.
    fn entry(&mut self, name: &str, about: &str) -> &mut Self {
        self.line(".TP").text(name).text(&escaped(about))
    }

    /// Lines as they are.
    fn verbatim<'t>(&mut self, lines: impl Iterator<Item = &'t str>) -> &mut Self {
        self.line(".nf");
        for line in lines {
            // An empty line in such a block is a space to be skipped.
            if line.is_empty() {
                self.line(".sp")
            } else {
                self.text(&escaped(line))
            };
        }
        self.line(".fi")
    }

    /// A text of `help`: headings, indented lines as they are, paragraphs.
    fn topic(&mut self, text: &str) -> &mut Self {
        for (index, block) in text.split("\n\n").enumerate() {
            let mut lines = block.lines().peekable();
            let heading = lines.next_if(|line| !line.starts_with(' ') && line.ends_with(':'));
            if index > 0 {
                self.line(".PP");
            }
            if let Some(heading) = heading {
                self.text(&escaped(heading));
            }
            let rest: Vec<&str> = lines.collect();
            match rest.first() {
                Some(first) if first.starts_with(' ') => {
                    if heading.is_some() {
                        self.line(".PP");
                    }
                    self.verbatim(rest.into_iter());
                }
                Some(_) => {
                    self.text(&escaped(&rest.join(" ")));
                }
                None => {}
            }
        }
        self
    }
}

/// Text as roff reads it: hyphens that can be copied as such, and no escapes of its own.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('`', "\\(ga")
}

/// A line that begins with a dot or an apostrophe is no request.
fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}
