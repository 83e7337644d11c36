//! The output of a token: alone on stdout, or into a file that only its owner may read.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::cli::commands::airline::row::AirlineView;
use crate::cli::context::Context;
use crate::cli::ui::Format;
use crate::db::Transaction;
use crate::entity::airline;
use crate::error::file::exists;
use crate::error::{Error, Kind, Result};
use crate::message::{Message, message, skyteam};

/// Where a new token goes.
#[derive(clap::Args, Debug, Default)]
pub(super) struct SecretArgs {
    /// Write the token to this new file (mode 0600) instead of stdout
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret<'a> {
    airline_id: &'a str,
    token: &'a str,
}

/// A file for a token, open beside the name that it will get.
#[derive(Debug)]
pub(super) struct Place {
    file: NamedTempFile,
    path: PathBuf,
}

impl SecretArgs {
    /// Opens the file for the token, before anything is changed; `None` where the token goes to stdout, or nowhere under
    /// `--dry-run`.
    ///
    /// # Errors
    /// [`Kind::Usage`]: the name is a folder's, a link's or a device's. [`Kind::Refused`]: a file is there. Otherwise the
    /// file system's.
    pub(super) fn place(&self, cx: &Context) -> Result<Option<Place>> {
        let Some(given) = &self.token_file else { return Ok(None) };
        let path = cx.path(given);
        // A link is not followed: what it leads to may be no more ours to replace than the link itself.
        match std::fs::symlink_metadata(&path) {
            Ok(there) if !there.is_file() => {
                let what = message!("--token-file {} is no ordinary file", given.display());
                return Err(Error::new(Kind::Usage, "invalid_value", what)
                    .why("a token is written to a new file, which only its owner may read; nothing was changed"));
            }
            Ok(_) => {
                let holds = "it may hold another airline's only token, and --token-file names a new file";
                return Err(exists(given, Some(holds)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unwritable(given, error)),
        }
        if cx.answers.dry_run {
            return Ok(None);
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Mode 0600 from its first moment.
        let file = NamedTempFile::new_in(folder).map_err(|error| unwritable(given, error))?;
        Ok(Some(Place { file, path }))
    }
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    let what = message!("the token file {} cannot be written", path.display());
    Error::new(Kind::Failure, "io", what).why(error.to_string()).why("nothing was changed").source(error)
}

/// Commits what made the token, and shows or writes it. Its file is written before the commit and put in its place after, so
/// that neither a full disk nor a lost connection leaves an airline with a token that was never shown.
///
/// `done` is what became of the airline: `added`.
///
/// # Errors
/// The database's. After the commit: the token could not be shown or written, and how to see it.
pub(super) async fn commit(
    cx: &Context,
    tx: Transaction,
    row: airline::Model,
    done: &str,
    mut place: Option<Place>,
) -> Result<()> {
    if let Some(Place { file, path }) = &mut place {
        let written = writeln!(file, "{}", row.token).and_then(|()| file.as_file().sync_all());
        written.map_err(|error| unwritable(path, error))?;
    }
    // A dry run's token will never be worth anything: it is not shown.
    if !cx.finish(tx).await? {
        return cx.ui.report(&AirlineView::from(row));
    }
    let what = |failed: &str| message!("{} was {}, and {}", &row.airline_id, done, failed);
    let after = |what: Message, why: Message| {
        let fix = skyteam("airline token show --reveal").last(&row.airline_id);
        Error::new(Kind::Failure, "answer_lost", what).why(why).fix(fix)
    };
    let Some(Place { file, path }) = place else {
        // Also where the reader has gone: that token was not seen.
        return print(cx, &row)
            .map_err(|error| after(what("its token could not be printed"), Message::joined(error.reasons(), "; ")));
    };
    // A file that was created there meanwhile stays.
    if let Err(error) = file.persist_noclobber(&path) {
        let failed = format!("its token file {} could not be put in its place", path.display());
        return Err(after(what(&failed), error.error.to_string().into()));
    }
    cx.ui.note(message!("Token written to {}", path.display()));
    cx.ui.report(&AirlineView::from(row))
}

/// Prints a token: alone, or in JSON under the airline's key.
pub(super) fn print(cx: &Context, row: &airline::Model) -> Result<()> {
    let secret = Secret { airline_id: &row.airline_id, token: &row.token };
    let text = match cx.ui.format() {
        Format::Json => serde_json::to_string_pretty(&secret).map_err(io::Error::from)?,
        Format::Ndjson => serde_json::to_string(&secret).map_err(io::Error::from)?,
        _ => row.token.clone(),
    };
    cx.ui.raw(text + "\n")
}
