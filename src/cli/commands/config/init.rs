//! `config init`: writes a first skyteam.toml.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::cli::context::Context;
use crate::cli::settings::{NAME, config_dir};
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::file::exists;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::{message, skyteam};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam config init
  skyteam config init --user
  skyteam config init --dry-run";

/// What the file says. Everything in it is commented out, so that nothing changes before it is edited.
const TEMPLATE: &str = include_str!("skyteam.toml");

/// Arguments of `config init`.
#[derive(clap::Args, Debug)]
pub(crate) struct ConfigInitArgs {
    /// Write it into your folder of configuration, for every folder, instead of the current folder
    #[arg(long)]
    user: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initialised {
    path: PathBuf,
    dry_run: bool,
    text: &'static str,
}

impl Report for Initialised {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        let path = self.path.display();
        if self.dry_run {
            page.line(format!("{path} would be:"))?;
            return page.code("toml", self.text);
        }
        page.message(
            message!("{} is written. Edit it, then look: {}", path, skyteam("config show")),
            Default::default(),
        )
    }
}

/// Writes it, readable by its owner only, where no such file exists.
///
/// # Errors
/// [`Kind::Refused`]: the file exists. [`Kind::Config`]: no home folder. [`Kind::Failure`]: it cannot be written.
pub(super) fn run(args: &ConfigInitArgs, cx: &Context) -> Result<Outcome> {
    let folder = if args.user { config_dir(&cx.env).ok_or_else(homeless)? } else { cx.cwd.clone() };
    let path = folder.join(NAME);
    if std::fs::symlink_metadata(&path).is_ok() {
        return Err(exists(&path, None));
    }
    let dry_run = cx.answers.dry_run;
    if !dry_run {
        write(&folder, &path)?;
    }
    cx.ui.report(&Initialised { path, dry_run, text: TEMPLATE })?;
    Ok(Outcome::Done)
}

fn write(folder: &Path, path: &Path) -> Result<()> {
    let unwritable = |error: io::Error| {
        let what = message!("{} cannot be written", path.display());
        Error::new(Kind::Failure, "io", what).why(error.to_string()).source(error)
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    // Mode 0600, since a URL with a password may be added to it; whole or not at all.
    let mut file = NamedTempFile::new_in(folder).map_err(unwritable)?;
    file.write_all(TEMPLATE.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(unwritable)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path, None)),
        Err(error) => Err(unwritable(error.error)),
    }
}

fn homeless() -> Error {
    Error::new(Kind::Config, "no_home", "there is no folder of configuration")
        .why("neither HOME nor XDG_CONFIG_HOME is set")
        .fix(message!("{}    writes it into the current folder", skyteam("config init")))
}
