//! `man`: manual pages of every command.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::cli::ui::text::count;
use crate::error::{Error, Kind, Outcome, Result};
use crate::message::message;

pub(super) const EXAMPLES: &str = "Examples:
  skyteam man --dir ~/.local/share/man/man1";

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
pub(super) fn run(args: ManArgs, cx: &Context, tree: clap::Command) -> Result<Outcome> {
    let folder = cx.path(&args.dir);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let mut tree = tree;
        tree.build();
        write(&tree, &folder)
    });
    let pages = written.map_err(|error| {
        let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Denied } else { Kind::Failure };
        Error::new(kind, "unwritable", message!("the pages cannot be written to {}", args.dir.display()))
            .why(error.to_string())
    })?;
    cx.ui.report(&ManView { dir: args.dir, pages })?;
    Ok(Outcome::Done)
}

fn write(command: &clap::Command, folder: &std::path::Path) -> io::Result<usize> {
    let mut pages = 1;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        pages += write(inner, folder)?;
    }
    // Without a date: the same commands give the same bytes.
    clap_mangen::Man::new(command.clone()).generate_to(folder)?;
    Ok(pages)
}
