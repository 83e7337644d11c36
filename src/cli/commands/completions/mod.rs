//! `completions`: the scripts by which shells ask for completions, and the completion of values.
//!
//! The scripts know nothing of the commands: they ask `skyteam` itself, with [`VARIABLE`] in its environment, so that one
//! script fits every version and values can come from the database.

mod script;
pub(crate) mod values;

use clap::Subcommand;

pub(crate) use script::Shell;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// The environment variable by which a script asks; its value is the name of the shell.
pub(crate) const VARIABLE: &str = "SKYTEAM_COMPLETE";

/// The shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Verb {
    /// Print the script for bash
    #[command(after_help = "Examples:
  source <(skyteam completions bash)
  skyteam completions bash > ~/.local/share/bash-completion/completions/skyteam")]
    Bash,
    /// Print the script for zsh
    #[command(after_help = "Examples:
  source <(skyteam completions zsh)
  skyteam completions zsh > \"${fpath[1]}/_skyteam\"")]
    Zsh,
    /// Print the script for fish
    #[command(after_help = "Examples:
  skyteam completions fish | source
  skyteam completions fish > ~/.config/fish/completions/skyteam.fish")]
    Fish,
    /// Print the script for PowerShell
    #[command(after_help = "Examples:
  skyteam completions powershell | Out-String | Invoke-Expression
  skyteam completions powershell >> $PROFILE")]
    Powershell,
    /// Print the script for elvish
    #[command(after_help = "Examples:
  eval (skyteam completions elvish | slurp)
  skyteam completions elvish >> ~/.config/elvish/rc.elv")]
    Elvish,
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// stdout's.
    pub(crate) fn run(self, cx: &Context) -> Result<Outcome> {
        let shell = match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
            Self::Powershell => Shell::Powershell,
            Self::Elvish => Shell::Elvish,
        };
        cx.ui.raw(shell.script()?)?;
        Ok(Outcome::Done)
    }
}
