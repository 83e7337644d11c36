//! The scripts themselves: those of bash, zsh and fish our own, the others clap_complete's.
//!
//! clap_complete's script for bash passes the words as readline splits them, at `=`, `:` and `@`: neither `@pilot` nor
//! `--profile=prod` could be completed. Those for zsh and fish pass words with their quotes, so that no name with a blank
//! could be, and that for zsh answers nothing the first time that it is loaded from `fpath`.

use std::io;

use clap_complete::env::{Elvish, EnvCompleter, Powershell};

use super::VARIABLE;

const BASH: &str = include_str!("bash.sh");
const ZSH: &str = include_str!("zsh.sh");
const FISH: &str = include_str!("fish.fish");

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// bash 3.2 and later.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// elvish.
    Elvish,
}

impl Shell {
    /// The shell of this name: of its program, or of a path to that.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.rsplit('/').next().unwrap_or(name) {
            "bash" => Self::Bash,
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            "pwsh" | "powershell" | "powershell_ise" => Self::Powershell,
            "elvish" => Self::Elvish,
            _ => return None,
        })
    }

    /// The script that makes the shell ask `skyteam`.
    ///
    /// # Errors
    /// Where clap_complete's script is not what it was: a version of it that this crate was not written for.
    pub(crate) fn script(self) -> io::Result<String> {
        let completer: &dyn EnvCompleter = match self {
            Self::Bash => return Ok(BASH.to_owned()),
            Self::Zsh => return Ok(ZSH.to_owned()),
            Self::Fish => return Ok(FISH.to_owned()),
            Self::Powershell => &Powershell,
            Self::Elvish => &Elvish,
        };
        let mut script = Vec::new();
        completer.write_registration(VARIABLE, "skyteam", "skyteam", "skyteam", &mut script)?;
        let script = String::from_utf8(script).map_err(io::Error::other)?;
        // Without the empty lines and the trailing blanks that its templates leave.
        let lines: Vec<&str> = script.trim().lines().map(str::trim_end).collect();
        Ok(lines.join("\n") + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_asks_in_the_promised_way() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Powershell, Shell::Elvish] {
            let script = shell.script().unwrap();
            assert!(script.contains(VARIABLE), "{shell:?}");
            assert!(script.ends_with('\n') && !script.ends_with("\n\n"), "{shell:?}");
        }
    }
}
