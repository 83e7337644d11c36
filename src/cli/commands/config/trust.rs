//! `config trust`: allows files of settings that the user does not own.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::settings::{Trust, config_dir};
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam config trust .env
  skyteam config trust /mnt/c/projects/airline";

/// Arguments of `config trust`.
#[derive(clap::Args, Debug)]
pub(crate) struct ConfigTrustArgs {
    /// A .env or skyteam.toml, or a folder: both files in it, not below it
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    path: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trusted {
    /// As it is listed, links resolved.
    path: PathBuf,
    /// Whether it was not listed before.
    added: bool,
    dry_run: bool,
}

impl Report for Trusted {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let path = self.path.display();
        page.line(match (self.added, self.dry_run) {
            (false, _) => format!("{path} is trusted already."),
            (true, true) => format!("{path} would be trusted."),
            (true, false) => format!("{path} is trusted: settings there are read, no matter who can write them."),
        })
    }
}

pub(super) fn run(args: &ConfigTrustArgs, cx: &Context) -> Result<Outcome> {
    let trust = Trust::new(&cx.env, config_dir(&cx.env).as_deref())?;
    let dry_run = cx.answers.dry_run;
    let (path, added) = trust.allow(&cx.path(&args.path), dry_run)?;
    cx.ui.report(&Trusted { path, added, dry_run })?;
    Ok(Outcome::Done)
}
