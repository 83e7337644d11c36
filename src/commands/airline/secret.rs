//! A token on its one way out: alone on stdout, or into a file that only its owner may read.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::commands::airline::row::Shown;
use crate::context::Context;
use crate::db::Transaction;
use crate::entity::airline;
use crate::error::{Error, Kind, Result, shell};
use crate::ui::Format;

/// Where a new token goes.
#[derive(clap::Args, Debug, Default)]
pub struct SecretArgs {
    /// Write the token to this file (mode 0600) instead of stdout
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secret<'a> {
    airline_id: &'a str,
    token: &'a str,
}

/// Commits what made the token, and hands it out. Its file is written before the commit and put in its place after, so
/// that neither a full disk nor a lost connection leaves an airline with a token that nobody has seen.
pub async fn commit(cx: &Context, tx: Transaction, row: airline::Model, args: &SecretArgs) -> Result<()> {
    let waiting = match &args.token_file {
        Some(path) if !cx.answers.dry_run => Some(waiting(&cx.cwd.join(path), &row.token).map_err(|error| {
            let what = format!("the token file {} cannot be written", path.display());
            Error::new(Kind::Failure, "io", what).why(error.to_string()).why("nothing was changed").source(error)
        })?),
        _ => None,
    };
    // A dry run's token will never be worth anything: it is not shown.
    if !cx.finish(tx).await? {
        return cx.ui.report(&Shown::from(row));
    }
    let Some((file, path)) = waiting else { return print(cx, &row) };
    if let Err(error) = file.persist(&path) {
        let what = format!("the token file {} cannot be put in its place", path.display());
        return Err(Error::new(Kind::Failure, "io", what)
            .why(error.error.to_string())
            .fix(format!("skyteam airline token show --reveal {}", shell::last(&row.airline_id))));
    }
    cx.ui.note(format!("Token written to {}", path.display()));
    cx.ui.report(&Shown::from(row))
}

/// Prints a token: alone, or in JSON under the airline's key.
pub fn print(cx: &Context, row: &airline::Model) -> Result<()> {
    let secret = Secret { airline_id: &row.airline_id, token: &row.token };
    let text = match cx.ui.format() {
        Format::Json => serde_json::to_string_pretty(&secret).map_err(io::Error::from)?,
        Format::Ndjson => serde_json::to_string(&secret).map_err(io::Error::from)?,
        _ => row.token.clone(),
    };
    cx.ui.raw(text + "\n")
}

fn waiting(path: &Path, token: &str) -> io::Result<(NamedTempFile, PathBuf)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600))?;
    writeln!(file, "{token}")?;
    file.as_file().sync_all()?;
    Ok((file, path.to_owned()))
}
