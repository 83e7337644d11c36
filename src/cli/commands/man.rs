//! `man`: manual pages of every command, and of the files of settings.
//!
//! Written here and not by clap_mangen, whose pages have no values in their synopsis, no exit status, files or references, and
//! make mandoc warn. What is in them comes from the command tree and the topics of `help`.

mod page;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count;
use crate::cli::version;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::message;
use page::Manual;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam man --dir ~/.local/share/man/man1

Beside a folder that is called man1 the page of the files of settings goes into man5.";

/// Arguments of `man`.
#[derive(clap::Args, Debug)]
pub(crate) struct ManArgs {
    /// Folder to write them into; made where it is missing
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManView {
    dir: PathBuf,
    pages: usize,
}

impl Report for ManView {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(format!("Wrote {} to {}.", count(self.pages as u64, "page"), self.dir.display()))
    }
}

/// Writes a page for `tree` and for every command below it.
///
/// # Errors
/// The folder cannot be made or written to.
pub(super) fn run(args: ManArgs, cx: &Context, mut tree: clap::Command) -> Result<Outcome> {
    let folder = cx.path(&args.dir);
    tree.build();
    // The same build gives the same bytes; a development build is of the day on which it is asked.
    let date = version::DATE.map_or_else(|| cx.now.date_naive().to_string(), str::to_owned);
    let pages = write(&Manual { tree: &tree, date }, &folder).map_err(|error| {
        let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Denied } else { Kind::Failure };
        Error::new(kind, "unwritable", message!("the pages cannot be written to {}", args.dir.display()))
            .why(error.to_string())
    })?;
    cx.ui.report(&ManView { dir: args.dir, pages })?;
    Ok(Outcome::Done)
}

fn write(manual: &Manual<'_>, folder: &Path) -> io::Result<usize> {
    let settings = match folder.file_name() {
        Some(name) if name == "man1" => folder.with_file_name("man5"),
        _ => folder.to_owned(),
    };
    std::fs::create_dir_all(folder)?;
    std::fs::create_dir_all(&settings)?;
    let pages = manual.pages();
    for (name, text) in &pages {
        std::fs::write(folder.join(name), text)?;
    }
    std::fs::write(settings.join("skyteam-config.5"), manual.settings())?;
    Ok(pages.len() + 1)
}
