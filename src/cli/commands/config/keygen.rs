//! `config keygen`: a key pair to sign backups with.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use crate::backup::signature::SigningKey;
use crate::cli::context::Context;
use crate::cli::ui::Page;
use crate::cli::ui::report::Report;
use crate::error::file::exists;
use crate::error::{Outcome, Result};

pub(super) const EXAMPLES: &str = "Examples:
  skyteam config keygen /etc/skyteam/backup-key.pem
  skyteam db backup /var/backups/skyteam --sign-key /etc/skyteam/backup-key.pem

The private key belongs on the host that makes backups, and not into their folder. The public key belongs into the
skyteam.toml of those who check or restore them:
  [signers]
  ops = \"ed25519:…\"";

/// Arguments of `config keygen`.
#[derive(clap::Args, Debug)]
pub(crate) struct ConfigKeygenArgs {
    /// New file for the private key; only its owner may read it
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    file: PathBuf,
    public_key: String,
}

impl Report for Made {
    fn human(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(self.public_key.as_str())
    }
}

/// Makes them, where no such file exists.
///
/// # Errors
/// [`Kind::Refused`](crate::error::Kind::Refused): the file exists. Otherwise the file system's.
pub(super) fn run(args: &ConfigKeygenArgs, cx: &Context) -> Result<Outcome> {
    let file = cx.path(&args.file);
    if std::fs::symlink_metadata(&file).is_ok() {
        return Err(exists(&file, Some("it may hold the only key that signed earlier backups")));
    }
    let key = SigningKey::create(&file)?;
    cx.ui.report(&Made { public_key: key.public().to_string(), file })?;
    cx.ui.note("The private key is in the file; this is the public one, for [signers] in skyteam.toml.");
    Ok(Outcome::Done)
}
