//! `user export`.

use crate::cli::context::Context;
use crate::cli::ui::Format;
use crate::directory::reference;
use crate::directory::user::export;
use crate::error::{Error, Kind, Outcome, Result};

pub(super) const EXAMPLES: &str =
    "Examples:\n  skyteam user export pilot123 > pilot123.json\n  skyteam user export 107919 -o ndjson";

/// Arguments of `user export`.
#[derive(clap::Args, Debug)]
pub(crate) struct UserExportArgs {
    /// User id, username or @username
    #[arg(value_name = "USER")]
    user: String,
}

pub(super) async fn run(args: UserExportArgs, cx: &Context) -> Result<Outcome> {
    // Rows of four tables under one person have no form in columns.
    let line = match cx.ui.format() {
        Format::Table | Format::Json => false,
        Format::Ndjson => true,
        _ => return Err(Error::new(Kind::Usage, "usage", "an export is JSON").why("accepted here: json, ndjson")),
    };
    let database = cx.reader().await?;
    let snapshot = database.begin_read().await?;
    let person = reference::user(&snapshot, &args.user).await?;
    let export = export::export(&snapshot, person).await?;
    snapshot.rollback().await?;
    cx.ui.json(&export, line)?;
    Ok(Outcome::Done)
}
