//! The scripts themselves: bash's our own, the others' clap_complete's.
//!
//! clap_complete's script for bash passes the words as readline splits them, at `=`, `:` and `@`: neither `@pilot` nor
//! `--profile=prod` could be completed. Its script for zsh answers nothing the first time that it is loaded from `fpath`.

use std::io;

use clap_complete::env::{Elvish, EnvCompleter, Fish, Powershell, Zsh};

use super::VARIABLE;

const BASH: &str = include_str!("bash.sh");

/// How clap_complete's script for zsh ends.
const ZSH_END: &str = "\ncompdef _clap_dynamic_completer_skyteam skyteam\n";

/// How it ends here: loaded from `fpath`, the file is itself the body of the function that is being asked.
const ZSH_OWN_END: &str = "
if [[ ${funcstack[1]} == _skyteam ]]; then
    _clap_dynamic_completer_skyteam \"$@\"
else
    compdef _clap_dynamic_completer_skyteam skyteam
fi
";

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
    /// The script that makes the shell ask `skyteam`.
    ///
    /// # Errors
    /// Where clap_complete's script is not what it was: a version of it that this crate was not written for.
    pub(crate) fn script(self) -> io::Result<String> {
        let completer: &dyn EnvCompleter = match self {
            Self::Bash => return Ok(BASH.to_owned()),
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Elvish => &Elvish,
        };
        let mut script = Vec::new();
        completer.write_registration(VARIABLE, "skyteam", "skyteam", "skyteam", &mut script)?;
        let script = String::from_utf8(script).map_err(io::Error::other)?;
        // Without the empty lines and the trailing blanks that its templates leave.
        let lines: Vec<&str> = script.trim().lines().map(str::trim_end).collect();
        let script = lines.join("\n") + "\n";
        match (self, script.strip_suffix(ZSH_END)) {
            (Self::Zsh, Some(head)) => Ok(format!("{head}{ZSH_OWN_END}")),
            (Self::Zsh, None) => Err(io::Error::other("clap_complete's script for zsh has a new end")),
            _ => Ok(script),
        }
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
