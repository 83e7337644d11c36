//! `completions install`: writes the script where the shell looks for it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::script::Shell;
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};
use crate::system;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam completions install
  skyteam completions install zsh
  skyteam completions install --dry-run

The shell is that of SHELL where none is named. The script is written for you alone; for root, for zsh, into a folder that every
zsh looks into.";

/// Arguments of `completions install`.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompletionsInstallArgs {
    /// Shell to install it for [default: the one of SHELL]
    #[arg(value_enum)]
    shell: Option<Installable>,
}

/// A shell with a folder that it loads completions from.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Installable {
    Bash,
    Zsh,
    Fish,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Installed {
    shell: &'static str,
    path: PathBuf,
    dry_run: bool,
    /// Whether the same script was there before.
    unchanged: bool,
    /// What is left to do, a line each.
    next: Vec<String>,
}

impl Report for Installed {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let path = self.path.display();
        page.line(match (self.dry_run, self.unchanged) {
            (true, false) => format!("{path} would be written."),
            (false, false) => format!("Wrote {path}."),
            (_, true) => format!("{path} is up to date."),
        })?;
        self.next.iter().try_for_each(|line| page.line(line.as_str()))
    }
}

/// Where the script goes, and what is left to do then.
struct Place {
    shell: Shell,
    name: &'static str,
    path: PathBuf,
    next: Vec<String>,
}

/// Writes the script, and its folder where that is missing.
///
/// # Errors
/// [`Kind::Config`]: no home folder, or a shell that has no folder of completions. [`Kind::Denied`], [`Kind::Failure`]: it
/// cannot be written.
pub(super) fn run(args: &CompletionsInstallArgs, cx: &Context) -> Result<Outcome> {
    let place = place(args.shell.map_or_else(|| of_environment(cx), Ok)?, cx)?;
    let script = place.shell.script()?;
    let unchanged = std::fs::read(&place.path).is_ok_and(|there| there == script.as_bytes());
    let dry_run = cx.answers.dry_run;
    if !dry_run && !unchanged {
        write(&place.path, &script).map_err(|error| unwritable(&place.path, error))?;
    }
    cx.ui.report(&Installed { shell: place.name, path: place.path, dry_run, unchanged, next: place.next })?;
    Ok(Outcome::Done)
}

/// The shell of `SHELL`.
fn of_environment(cx: &Context) -> Result<Installable> {
    let shell = cx.env.get("SHELL").map(String::as_str).unwrap_or_default();
    match Shell::named(shell) {
        Some(Shell::Bash) => Ok(Installable::Bash),
        Some(Shell::Zsh) => Ok(Installable::Zsh),
        Some(Shell::Fish) => Ok(Installable::Fish),
        _ => {
            let what = if shell.is_empty() {
                message!("SHELL does not say which shell is used")
            } else {
                message!("{} has no folder that completions are put into", shell)
            };
            Err(Error::new(Kind::Usage, "usage", what)
                .fix(skyteam("completions install bash"))
                .fix(message!("{}    prints the script of each shell", skyteam("help completions"))))
        }
    }
}

fn place(shell: Installable, cx: &Context) -> Result<Place> {
    let folder = |variable: &str, below_home: &str| -> Result<PathBuf> {
        let set = |name: &str| cx.env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let found = set(variable).filter(|path| path.is_absolute());
        let found = found.or_else(|| set("HOME").map(|home| home.join(below_home)));
        found.ok_or_else(|| {
            Error::new(Kind::Config, "no_home", "there is no folder of your own")
                .why(message!("neither HOME nor {} is set", variable))
        })
    };
    Ok(match shell {
        Installable::Bash => {
            let own = cx.env.get("BASH_COMPLETION_USER_DIR").filter(|value| !value.is_empty());
            let base = match own {
                Some(own) => PathBuf::from(own),
                None => folder("XDG_DATA_HOME", ".local/share")?.join("bash-completion"),
            };
            let mut next = vec!["Open a new bash: it completes skyteam.".to_owned()];
            if !system::BASH_COMPLETION.iter().any(|loader| Path::new(loader).exists()) {
                next.insert(
                    0,
                    "bash loads it by the package bash-completion, which is missing: install that.".to_owned(),
                );
            }
            Place { shell: Shell::Bash, name: "bash", path: base.join("completions/skyteam"), next }
        }
        Installable::Zsh => {
            let is_root = system::user() == system::ROOT && Path::new(system::ZSH_COMPLETIONS).is_dir();
            let folder = if is_root {
                PathBuf::from(system::ZSH_COMPLETIONS)
            } else {
                folder("XDG_DATA_HOME", ".local/share")?.join("zsh/site-functions")
            };
            let mut next = vec!["Open a new zsh: it completes skyteam.".to_owned()];
            if !is_root {
                next.insert(
                    0,
                    "zsh looks there once ~/.zshrc has these lines, the first above any compinit:".to_owned(),
                );
                next.insert(1, format!("  fpath=({} $fpath)", crate::message::word(folder.display())));
                next.insert(2, "  autoload -Uz compinit && compinit".to_owned());
            }
            Place { shell: Shell::Zsh, name: "zsh", path: folder.join("_skyteam"), next }
        }
        Installable::Fish => Place {
            shell: Shell::Fish,
            name: "fish",
            path: folder("XDG_CONFIG_HOME", ".config")?.join("fish/completions/skyteam.fish"),
            next: vec!["Open a new fish: it completes skyteam.".to_owned()],
        },
    })
}

/// Whole or not at all, and readable by all, as what a shell loads.
fn write(path: &Path, script: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(script.as_bytes())?;
    system::set_mode(file.as_file(), 0o644)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Denied } else { Kind::Failure };
    Error::new(kind, "unwritable", message!("{} cannot be written", path.display()))
        .why(error.to_string())
        .source(error)
}
