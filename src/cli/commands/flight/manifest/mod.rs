//! `flight manifest`: who is on board.

mod export;
mod import;
mod plan;
mod show;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::error::{Outcome, Result};

/// What to do with a manifest.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List who is on board
    #[command(after_help = show::EXAMPLES)]
    Show(show::FlightManifestShowArgs),
    /// Take a list of passengers on board and pay them, each once
    #[command(after_help = import::EXAMPLES)]
    Import(import::FlightManifestImportArgs),
    /// Write who is on board as CSV or ndjson that import reads
    #[command(after_help = export::EXAMPLES)]
    Export(export::FlightManifestExportArgs),
}

impl Verb {
    /// Runs it.
    ///
    /// # Errors
    /// The command's.
    pub(crate) async fn run(self, cx: &Context) -> Result<Outcome> {
        match self {
            Self::Show(args) => show::run(args, cx).await,
            Self::Import(args) => import::run(args, cx).await,
            Self::Export(args) => export::run(args, cx).await,
        }
    }
}
