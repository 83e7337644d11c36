//! `completions`: the scripts by which shells ask for completions, and the completion of values.
//!
//! The scripts know nothing of the commands: they ask `skyteam` itself, with [`VARIABLE`] in its environment, so that one
//! script fits every version and values can come from the database.

mod install;
mod script;
pub(crate) mod values;

use clap::Subcommand;

pub(crate) use script::Shell;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// The environment variable by which a script asks; its value is the name of the shell.
pub(crate) const VARIABLE: &str = "SKYTEAM_COMPLETE";

/// The shells.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Verb {
    /// Write the script where bash, zsh or fish looks for it
    #[command(after_help = install::EXAMPLES)]
    Install(install::CompletionsInstallArgs),
    /// Print the script for bash
    #[command(after_help = "Examples:
  source <(skyteam completions bash)
  skyteam completions install bash")]
    Bash,
    /// Print the script for zsh
    #[command(after_help = "Examples:
  source <(skyteam completions zsh)
  skyteam completions install zsh")]
    Zsh,
    /// Print the script for fish
    #[command(after_help = "Examples:
  skyteam completions fish | source
  skyteam completions install fish")]
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
            Self::Install(args) => return install::run(&args, cx),
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
