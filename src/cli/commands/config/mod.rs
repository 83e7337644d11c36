//! `config`: the settings, and whose files they may come from.

mod init;
mod keygen;
mod path;
mod show;
mod trust;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show every setting, its value (secrets masked) and where it came from
    #[command(after_help = show::EXAMPLES)]
    Show,
    /// Make a key pair to sign backups with, and print its public key
    #[command(after_help = keygen::EXAMPLES)]
    Keygen(keygen::ConfigKeygenArgs),
    /// Write a first skyteam.toml, in which everything is commented out
    #[command(after_help = init::EXAMPLES)]
    Init(init::ConfigInitArgs),
    /// Show which files of settings were looked for, and which were found
    #[command(after_help = path::EXAMPLES)]
    Path,
    /// Allow settings that belong to another user, or that others may write
    #[command(after_help = trust::EXAMPLES)]
    Trust(trust::ConfigTrustArgs),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Show => show::run(cx).await,
            Self::Keygen(args) => keygen::run(&args, cx),
            Self::Init(args) => init::run(&args, cx),
            Self::Path => path::run(cx).await,
            Self::Trust(args) => trust::run(&args, cx),
        }
    }
}
